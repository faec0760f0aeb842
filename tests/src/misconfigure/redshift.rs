//! PLACEHOLDER

use common::resource::RedshiftCluster;

use super::{Misconfigured, Missing, Place, Report};

impl Misconfigured for RedshiftCluster {
    async fn make(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }

    async fn clean(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }
}
