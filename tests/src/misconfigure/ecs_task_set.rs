//! PLACEHOLDER

use common::resource::EcsTaskSet;

use super::{Misconfigured, Missing, Place, Report};

impl Misconfigured for EcsTaskSet {
    async fn make(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }

    async fn clean(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }
}
