//! PLACEHOLDER

use common::resource::Function;

use super::{Misconfigured, Missing, Place, Report};

impl Misconfigured for Function {
    async fn make(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }

    async fn clean(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }
}
