//! PLACEHOLDER

use common::resource::Function;

use super::{Check, Checked};

impl Checked for Function {
    const CHECKS: &'static [Check<Self>] = &[];
}
