//! PLACEHOLDER

use common::resource::LoadBalancer;

use super::{Check, Checked};

impl Checked for LoadBalancer {
    const CHECKS: &'static [Check<Self>] = &[];
}
