//! PLACEHOLDER

use common::resource::DbClusterSnapshot;

use super::{Misconfigured, Missing, Place, Report};

impl Misconfigured for DbClusterSnapshot {
    async fn make(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }

    async fn clean(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }
}
