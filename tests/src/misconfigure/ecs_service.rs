//! PLACEHOLDER

use common::resource::EcsService;

use super::{Misconfigured, Missing, Place, Report};

impl Misconfigured for EcsService {
    async fn make(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }

    async fn clean(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }
}
