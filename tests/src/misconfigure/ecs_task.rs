//! PLACEHOLDER

use common::resource::EcsTask;

use super::{Misconfigured, Missing, Place, Report};

impl Misconfigured for EcsTask {
    async fn make(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }

    async fn clean(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }
}
