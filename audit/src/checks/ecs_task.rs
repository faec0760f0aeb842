//! PLACEHOLDER

use common::resource::EcsTask;

use super::{Check, Checked};

impl Checked for EcsTask {
    const CHECKS: &'static [Check<Self>] = &[];
}
