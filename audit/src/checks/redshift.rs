//! PLACEHOLDER

use common::resource::RedshiftCluster;

use super::{Check, Checked};

impl Checked for RedshiftCluster {
    const CHECKS: &'static [Check<Self>] = &[];
}
