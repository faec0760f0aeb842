//! PLACEHOLDER

use common::resource::RegionServices;

use super::{Misconfigured, Missing, Place, Report};

impl Misconfigured for RegionServices {
    async fn make(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }

    async fn clean(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }
}
