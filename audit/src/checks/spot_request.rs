//! Requests for Spot Instances. What is wrong with one shows in its instance; the emergency brake alone asks about them.

use common::resource::SpotRequest;

use super::{Check, Checked};

impl Checked for SpotRequest {
    const CHECKS: &'static [Check<Self>] = &[];
}
