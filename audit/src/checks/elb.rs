//! PLACEHOLDER

use common::resource::ClassicLoadBalancer;

use super::{Check, Checked};

impl Checked for ClassicLoadBalancer {
    const CHECKS: &'static [Check<Self>] = &[];
}
