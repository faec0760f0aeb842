//! PLACEHOLDER

use common::resource::Volume;

use super::{Misconfigured, Missing, Place, Report};

impl Misconfigured for Volume {
    async fn make(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }

    async fn clean(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }
}
