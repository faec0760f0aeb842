//! PLACEHOLDER

use common::resource::EcsTaskSet;

use super::{Check, Checked};

impl Checked for EcsTaskSet {
    const CHECKS: &'static [Check<Self>] = &[];
}
