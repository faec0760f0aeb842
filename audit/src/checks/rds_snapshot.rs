//! PLACEHOLDER

use common::resource::DbSnapshot;

use super::{Check, Checked};

impl Checked for DbSnapshot {
    const CHECKS: &'static [Check<Self>] = &[];
}
