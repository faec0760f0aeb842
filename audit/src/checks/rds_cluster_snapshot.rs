//! PLACEHOLDER

use common::resource::DbClusterSnapshot;

use super::{Check, Checked};

impl Checked for DbClusterSnapshot {
    const CHECKS: &'static [Check<Self>] = &[];
}
