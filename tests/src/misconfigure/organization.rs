//! Organizations, of which nothing is made: they are not an account's to change.

use common::resource::Organization;

use super::{Misconfigured, Missing, Place, Report};

impl Misconfigured for Organization {
    async fn make(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }

    async fn clean(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }
}
