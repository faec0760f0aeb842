//! `spot_request`: `DescribeSpotInstanceRequests`, which tells all at once. The requests of Spot Fleets and EC2 Fleets are
//! other things, and not listed.

use std::collections::HashMap;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, SpotInstanceRequest as Described};
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{EC2_DESCRIBE_SPOT_INSTANCE_REQUESTS, Operation};
use common::record::Resource;
use common::resource::{SpotLaunch, SpotRequest, SpotStatus};

use super::ec2::only_tests;
use super::{Owner, Polled, answers, tags, time};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::Sink;

impl Polled for SpotRequest {
    const LIST: &'static [Operation] = &[EC2_DESCRIBE_SPOT_INSTANCE_REQUESTS];
    const LOOK: &'static [Operation] = &[EC2_DESCRIBE_SPOT_INSTANCE_REQUESTS];
    const TOGETHER: usize = 100;
    const SETTLES: bool = false;

    /// All requests, those that are over too: AWS shows them for about two days, and their state says so.
    async fn list(account: &Account, reach: &Reach, sink: &Sink) -> Result<(), AwsError> {
        let session = &account.session;
        let owner = Owner::of(session);
        for region in reach.regions() {
            let call = client!(aws_sdk_ec2, session, region).describe_spot_instance_requests();
            let mut pages = call.set_filters(only_tests(sink)).into_paginator().page_size(1000).send();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| AwsError::new(EC2_DESCRIBE_SPOT_INSTANCE_REQUESTS, error))?;
                for described in page.spot_instance_requests.unwrap_or_default() {
                    sink.resource(convert(&owner, region, described)).await;
                }
            }
        }
        Ok(())
    }

    async fn look(session: &Session, region: &Region, id: &str) -> Result<Option<Resource<Self>>, AwsError> {
        let mut looks = Self::look_all(session, region, &[id.to_owned()]).await;
        looks.pop().unwrap_or(Ok(None))
    }

    async fn look_all(
        session: &Session,
        region: &Region,
        ids: &[String],
    ) -> Vec<Result<Option<Resource<Self>>, AwsError>> {
        let owner = Owner::of(session);
        let found = describe(&client!(aws_sdk_ec2, session, region), ids.to_vec()).await;
        answers(ids, found, |it| convert(&owner, region, it))
    }
}

/// The requests of these ids that there are, up to 200: by a filter, which leaves out what does not exist.
pub(super) async fn describe(client: &Client, ids: Vec<String>) -> Result<HashMap<String, Described>, AwsError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let these = Filter::builder().name("spot-instance-request-id").set_values(Some(ids)).build();
    let mut pages = client.describe_spot_instance_requests().filters(these).into_paginator().page_size(1000).send();
    let mut requests = HashMap::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::new(EC2_DESCRIBE_SPOT_INSTANCE_REQUESTS, error))?;
        let page = page.spot_instance_requests.unwrap_or_default().into_iter();
        requests.extend(page.map(|request| (request.spot_instance_request_id.clone().unwrap_or_default(), request)));
    }
    Ok(requests)
}

fn convert(owner: &Owner, region: &Region, it: Described) -> Resource<SpotRequest> {
    let id = it.spot_instance_request_id.unwrap_or_default();
    let config = SpotRequest {
        spot_instance_request_id: id.clone(),
        state: it.state.map(|state| state.as_str().to_owned()),
        status: it.status.map(|status| SpotStatus { code: status.code }),
        r#type: it.r#type.map(|kind| kind.as_str().to_owned()),
        instance_id: it.instance_id,
        instance_interruption_behavior: it.instance_interruption_behavior.map(|it| it.as_str().to_owned()),
        spot_price: it.spot_price,
        create_time: it.create_time.as_ref().map(time),
        launched_availability_zone: it.launched_availability_zone,
        launch_specification: it.launch_specification.map(|it| SpotLaunch {
            image_id: it.image_id,
            instance_type: it.instance_type.map(|kind| kind.as_str().to_owned()),
        }),
    };
    let tags = tags(it.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)));
    let arn = owner.arn("ec2", region, format!("spot-instances-request/{id}"));
    owner.resource(region, &id, arn, tags, config)
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::primitives::DateTime;
    use aws_sdk_ec2::types::{
        InstanceInterruptionBehavior, InstanceType, LaunchSpecification, SpotInstanceState, SpotInstanceStatus,
        SpotInstanceType, Tag,
    };
    use serde_json::json;

    use super::*;
    use crate::types::tests::owner;

    #[test]
    fn a_request_has_the_names_of_the_aws_cli_and_not_the_secrets_of_its_instance() {
        let launch = LaunchSpecification::builder().image_id("ami-1").instance_type(InstanceType::T3Micro);
        let described = Described::builder()
            .spot_instance_request_id("sir-1")
            .state(SpotInstanceState::Active)
            .status(SpotInstanceStatus::builder().code("fulfilled").message("Your request is fulfilled.").build())
            .r#type(SpotInstanceType::Persistent)
            .instance_id("i-1")
            .instance_interruption_behavior(InstanceInterruptionBehavior::Stop)
            .spot_price("0.010000")
            .create_time(DateTime::from_secs_and_nanos(1_700_000_000, 5))
            .launched_availability_zone("cn-north-1a")
            .launch_specification(launch.user_data("c2VjcmV0").key_name("ops").build())
            .tags(Tag::builder().key("Owner").value("web").build())
            .build();
        let record = convert(&owner(), &"cn-north-1".parse().unwrap(), described);
        assert_eq!(record.arn.to_string(), "arn:aws-cn:ec2:cn-north-1:111122223333:spot-instances-request/sir-1");
        assert_eq!((record.id.as_str(), record.tags["Owner"].as_str()), ("sir-1", "web"));
        assert!(record.config.is_persistent() && !record.config.would_launch());
        assert_eq!(
            serde_json::to_value(&record.config).unwrap(),
            json!({
                "SpotInstanceRequestId": "sir-1", "State": "active", "Status": {"Code": "fulfilled"},
                "Type": "persistent", "InstanceId": "i-1", "InstanceInterruptionBehavior": "stop",
                "SpotPrice": "0.010000", "CreateTime": "2023-11-14T22:13:20Z",
                "LaunchedAvailabilityZone": "cn-north-1a",
                "LaunchSpecification": {"ImageId": "ami-1", "InstanceType": "t3.micro"},
            })
        );
    }
}
