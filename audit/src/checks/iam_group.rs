//! Groups are polled for what is to be done to them, not to be judged.

use common::resource::Group;

use super::{Check, Checked};

impl Checked for Group {
    const CHECKS: &'static [Check<Self>] = &[];
}
