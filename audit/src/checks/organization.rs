//! The organization is polled for the accounts that it makes known, not to be judged: see [`Judge::learn`].
//!
//! [`Judge::learn`]: crate::Judge::learn

use common::resource::Organization;

use super::{Check, Checked};

impl Checked for Organization {
    const CHECKS: &'static [Check<Self>] = &[];
}
