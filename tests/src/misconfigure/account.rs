//! PLACEHOLDER

use common::resource::AccountSecurity;

use super::{Misconfigured, Missing, Place, Report};

impl Misconfigured for AccountSecurity {
    async fn make(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }

    async fn clean(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }
}
