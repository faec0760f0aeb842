//! PLACEHOLDER

use common::resource::EcsService;

use super::{Check, Checked};

impl Checked for EcsService {
    const CHECKS: &'static [Check<Self>] = &[];
}
