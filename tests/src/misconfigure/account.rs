//! Accounts, of which nothing is made: the maker changes no setting of the account's.

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
