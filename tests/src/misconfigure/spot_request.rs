//! A request for a Spot Instance at a price at which there never is one, so that it stays open.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    Filter, InstanceType, RequestSpotLaunchSpecification, ResourceType as Tagged, SpotInstanceRequest as Described,
    SpotInstanceType,
};
use common::aws::AwsError;
use common::client;
use common::resource::{ResourceType, SpotRequest};

use super::ec2::Ground;
use super::shares::{name, tags};
use super::{Misconfigured, Missing, PREFIX, Place, Report, TAG, call, unless, verdict};

const NAME: &str = "sluice-test-spot";
const WHAT: &str = "good: asks for a Spot Instance at a price at which there is none";

impl Misconfigured for SpotRequest {
    const ROUND: u8 = 2;

    async fn make(place: &Place) -> Result<Report, Missing> {
        let ground = Ground::of(place).await?;
        let present = find(&ground.client).await?.into_iter().find(|request| name(request.tags()) == NAME);
        let request = match present {
            Some(request) => request,
            None => create(&ground).await?,
        };
        let id = request.spot_instance_request_id.unwrap_or_default();
        let arn = place.arn("ec2", format!("spot-instances-request/{id}"));
        Ok(Report { made: vec![place.made(ResourceType::SpotRequest, &id, arn, WHAT, &[])], missing: Vec::new() })
    }

    /// Cancels the requests, and terminates what came of them all the same.
    async fn clean(place: &Place) -> Result<Report, Missing> {
        let client = client!(aws_sdk_ec2, &place.session, place.region());
        let requests = find(&client).await?;
        let ids: Vec<String> = requests.iter().filter_map(|it| it.spot_instance_request_id.clone()).collect();
        let instances: Vec<String> = requests.into_iter().filter_map(|request| request.instance_id).collect();
        if !ids.is_empty() {
            let request = client.cancel_spot_instance_requests().set_spot_instance_request_ids(Some(ids.clone()));
            call!("ec2:CancelSpotInstanceRequests", request)?;
        }
        if !instances.is_empty() {
            let request = client.terminate_instances().set_instance_ids(Some(instances));
            unless(&["InvalidInstanceID.NotFound"], call!("ec2:TerminateInstances", request))?;
        }
        let arn = |id: &str| place.arn("ec2", format!("spot-instances-request/{id}"));
        let removed = ids.iter().map(|id| place.removed(ResourceType::SpotRequest, id, arn(id)));
        Ok(Report { made: removed.collect(), missing: Vec::new() })
    }
}

async fn create(ground: &Ground) -> Result<Described, Missing> {
    let launch = RequestSpotLaunchSpecification::builder()
        .image_id(&ground.image)
        .instance_type(InstanceType::T3Micro)
        .subnet_id(&ground.subnet)
        .security_group_ids(&ground.group);
    let request = ground
        .client
        .request_spot_instances()
        .spot_price("0.0001")
        .r#type(SpotInstanceType::Persistent)
        .instance_count(1)
        .launch_specification(launch.build())
        .tag_specifications(tags(Tagged::SpotInstancesRequest, NAME, verdict(WHAT), &[]));
    let made = call!("ec2:RequestSpotInstances", request)?.spot_instance_requests.unwrap_or_default();
    let made = made.into_iter().next();
    made.ok_or_else(|| Missing::Impossible("AWS took the request for a Spot Instance and made none of it".to_owned()))
}

/// The requests with our tag and our prefix that are not over.
async fn find(client: &Client) -> Result<Vec<Described>, AwsError> {
    let tagged = Filter::builder().name("tag-key").values(TAG).build();
    let states = ["open", "active", "disabled"].map(str::to_owned).to_vec();
    let states = Filter::builder().name("state").set_values(Some(states)).build();
    let request = client.describe_spot_instance_requests().filters(tagged).filters(states);
    let mut pages = request.into_paginator().items().send();
    let mut requests = Vec::new();
    while let Some(request) = pages.next().await {
        requests.push(request.map_err(|error| AwsError::new("ec2:DescribeSpotInstanceRequests", error))?);
    }
    requests.retain(|request| name(request.tags()).starts_with(PREFIX));
    Ok(requests)
}
