//! What an account spends, of which nothing is made.

use common::resource::Spend;

use super::{Misconfigured, Missing, Place, Report};

impl Misconfigured for Spend {
    async fn make(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }

    async fn clean(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }
}
