//! PLACEHOLDER

use common::resource::Snapshot;

use super::{Misconfigured, Missing, Place, Report};

impl Misconfigured for Snapshot {
    async fn make(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }

    async fn clean(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }
}
