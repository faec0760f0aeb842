//! PLACEHOLDER

use common::resource::DbInstance;

use super::{Check, Checked};

impl Checked for DbInstance {
    const CHECKS: &'static [Check<Self>] = &[];
}
