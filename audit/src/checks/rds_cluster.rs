//! PLACEHOLDER

use common::resource::DbCluster;

use super::{Check, Checked};

impl Checked for DbCluster {
    const CHECKS: &'static [Check<Self>] = &[];
}
