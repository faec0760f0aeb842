//! What accounts spend, which no check judges by itself: it is weighed against the account's limit at the end of the stream.

use common::resource::Spend;

use super::{Check, Checked};

impl Checked for Spend {
    const CHECKS: &'static [Check<Self>] = &[];
}
