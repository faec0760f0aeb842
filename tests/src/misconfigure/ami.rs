//! PLACEHOLDER

use common::resource::Image;

use super::{Misconfigured, Missing, Place, Report};

impl Misconfigured for Image {
    async fn make(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }

    async fn clean(_: &Place) -> Result<Report, Missing> {
        Ok(Report::default())
    }
}
