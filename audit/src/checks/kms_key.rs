//! PLACEHOLDER

use common::resource::KmsKey;

use super::{Check, Checked};

impl Checked for KmsKey {
    const CHECKS: &'static [Check<Self>] = &[];
}
