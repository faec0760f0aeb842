//! PLACEHOLDER

use common::resource::DbCluster;

use super::{Misconfigured, Missing, Place, Report};

impl Misconfigured for DbCluster {
    async fn make(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }

    async fn clean(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }
}
