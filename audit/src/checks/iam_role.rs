//! PLACEHOLDER

use common::resource::Role;

use super::{Check, Checked};

impl Checked for Role {
    const CHECKS: &'static [Check<Self>] = &[];
}
