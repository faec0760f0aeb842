//! Auto Scaling groups. What is wrong with one shows in its instances; the emergency brake alone asks about the group.

use common::resource::AutoScalingGroup;

use super::{Check, Checked};

impl Checked for AutoScalingGroup {
    const CHECKS: &'static [Check<Self>] = &[];
}
