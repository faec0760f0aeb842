//! PLACEHOLDER

use common::resource::Role;

use super::{Misconfigured, Missing, Place, Report};

impl Misconfigured for Role {
    async fn make(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }

    async fn clean(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }
}
