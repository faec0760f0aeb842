//! PLACEHOLDER

use common::resource::Volume;

use super::{Check, Checked};

impl Checked for Volume {
    const CHECKS: &'static [Check<Self>] = &[];
}
