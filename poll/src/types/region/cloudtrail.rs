//! CloudTrail: `DescribeTrails`, then `GetTrailStatus` for each trail.

use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::types::Trail as Described;
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{CLOUDTRAIL_DESCRIBE_TRAILS, CLOUDTRAIL_GET_TRAIL_STATUS};
use common::resource::Trail;
use futures_util::{StreamExt, stream};

use crate::types::AT_ONCE;

/// The trails that cover a region.
#[derive(Debug, Default)]
pub(super) struct Trails {
    pub(super) trails: Vec<Trail>,
    /// Why one of them does not say whether it is on.
    pub(super) error: Option<AwsError>,
}

/// The trails that cover the region. Those of other regions and of the organization have their shadow in the answer.
pub(super) async fn trails(session: &Session, region: &Region) -> Result<Trails, AwsError> {
    let client = client!(aws_sdk_cloudtrail, session, region);
    let answer = client.describe_trails().send().await;
    let answer = answer.map_err(|error| AwsError::new(CLOUDTRAIL_DESCRIBE_TRAILS, error))?;
    let described = answer.trail_list.unwrap_or_default();
    let asked = stream::iter(described).map(|trail| with_status(&client, trail)).buffer_unordered(AT_ONCE);
    Ok(convert(asked.collect().await))
}

/// A trail, and whether it is on. A shadow trail goes by its ARN alone; a member account may ask for the organization's.
async fn with_status(client: &Client, trail: Described) -> (Described, Result<Option<bool>, AwsError>) {
    let name = trail.trail_arn.as_deref().or(trail.name.as_deref()).unwrap_or_default();
    let answer = client.get_trail_status().name(name).send().await;
    let answer = answer.map_err(|error| AwsError::new(CLOUDTRAIL_GET_TRAIL_STATUS, error));
    (trail, answer.map(|answer| answer.is_logging))
}

fn convert(asked: Vec<(Described, Result<Option<bool>, AwsError>)>) -> Trails {
    let mut all = Trails::default();
    for (it, status) in asked {
        let is_logging = match status {
            Ok(is_logging) => is_logging,
            // It vanished since it was listed.
            Err(error) if error.code() == "TrailNotFoundException" => continue,
            Err(error) => {
                all.error.get_or_insert(error);
                None
            }
        };
        all.trails.push(Trail {
            name: it.name,
            trail_arn: it.trail_arn,
            home_region: it.home_region,
            is_multi_region_trail: it.is_multi_region_trail,
            is_organization_trail: it.is_organization_trail,
            include_global_service_events: it.include_global_service_events,
            log_file_validation_enabled: it.log_file_validation_enabled,
            s3_bucket_name: it.s3_bucket_name,
            kms_key_id: it.kms_key_id,
            is_logging,
        });
    }
    all.trails.sort_unstable();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::tests::denied;

    #[test]
    fn a_trail_that_does_not_say_whether_it_is_on_is_named_and_one_that_vanished_is_left_out() {
        let trail = |name: &str| Described::builder().name(name).build();
        let gone = AwsError::of("cloudtrail:GetTrailStatus", "TrailNotFoundException", "");
        let found = convert(vec![
            (trail("on"), Ok(Some(true))),
            (trail("gone"), Err(gone)),
            (trail("denied"), Err(denied("cloudtrail:GetTrailStatus"))),
            (trail("off"), Ok(Some(false))),
        ]);
        let shown: Vec<_> = found.trails.iter().map(|it| (it.name.as_deref().unwrap(), it.is_logging)).collect();
        assert_eq!(shown, [("denied", None), ("off", Some(false)), ("on", Some(true))], "sorted");
        assert_eq!(found.error, Some(denied("cloudtrail:GetTrailStatus")));
        assert_eq!(convert(Vec::new()).error, None);
    }
}
