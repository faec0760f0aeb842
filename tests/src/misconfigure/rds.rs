//! PLACEHOLDER

use common::resource::DbInstance;

use super::{Misconfigured, Missing, Place, Report};

impl Misconfigured for DbInstance {
    async fn make(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }

    async fn clean(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }
}
