//! PLACEHOLDER

use common::resource::AccountSecurity;

use super::{Check, Checked};

impl Checked for AccountSecurity {
    const CHECKS: &'static [Check<Self>] = &[];
}
