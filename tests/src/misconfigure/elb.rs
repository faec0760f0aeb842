//! PLACEHOLDER

use common::resource::ClassicLoadBalancer;

use super::{Misconfigured, Missing, Place, Report};

impl Misconfigured for ClassicLoadBalancer {
    async fn make(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }

    async fn clean(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }
}
