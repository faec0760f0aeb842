//! PLACEHOLDER

use common::resource::RegionServices;

use super::{Check, Checked};

impl Checked for RegionServices {
    const CHECKS: &'static [Check<Self>] = &[];
}
