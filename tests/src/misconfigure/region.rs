//! Regions, of which nothing is made: what watches over one is the account's, and the maker changes no setting of the
//! account's.

use common::resource::RegionServices;

use super::{Misconfigured, Missing, Place, Report};

impl Misconfigured for RegionServices {
    async fn make(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }

    async fn clean(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }
}
