//! PLACEHOLDER

use common::resource::Snapshot;

use super::{Check, Checked};

impl Checked for Snapshot {
    const CHECKS: &'static [Check<Self>] = &[];
}
