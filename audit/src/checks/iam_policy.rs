//! Managed policies are polled for what is to be done to them, not to be judged.

use common::resource::ManagedPolicy;

use super::{Check, Checked};

impl Checked for ManagedPolicy {
    const CHECKS: &'static [Check<Self>] = &[];
}
