//! PLACEHOLDER

use common::resource::DbSnapshot;

use super::{Misconfigured, Missing, Place, Report};

impl Misconfigured for DbSnapshot {
    async fn make(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }

    async fn clean(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }
}
