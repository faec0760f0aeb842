//! PLACEHOLDER

use common::resource::Image;

use super::{Check, Checked};

impl Checked for Image {
    const CHECKS: &'static [Check<Self>] = &[];
}
