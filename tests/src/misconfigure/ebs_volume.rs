//! Volumes in which nothing ever was, attached to nothing; and those of the instances, which come and go with them.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, ResourceType as Tagged, Volume as Described, VolumeType};
use common::aws::AwsError;
use common::client;
use common::resource::{ResourceType, Volume};

use super::shares::{affordable, name, tags};
use super::{Made, Misconfigured, Missing, PREFIX, Place, Report, TAG, call, unless, verdict};

/// A volume, known by its tag `Name`.
struct Spec {
    name: &'static str,
    what: &'static str,
    tags: &'static [(&'static str, &'static str)],
}

const EMPTY: Spec = Spec { name: "sluice-test-empty", what: "good: empty, and nobody owns it", tags: &[] };
const OWNED: Spec =
    Spec { name: "sluice-test-owned", what: "good: empty, and somebody owns it", tags: &[("Owner", "sluice")] };
const ROOT: &str = "good: came with an instance";

impl Misconfigured for Volume {
    /// After the instances, since some of the volumes are theirs.
    const ROUND: u8 = 2;

    async fn make(place: &Place) -> Result<Report, Missing> {
        affordable(place, "volumes")?;
        let client = client!(aws_sdk_ec2, &place.session, place.region());
        let mut results = Vec::new();
        for spec in [&EMPTY, &OWNED] {
            let volume = make_one(&client, spec).await.map(|id| made(place, &id, spec.what));
            results.push((spec.name.to_owned(), volume));
        }
        for volume in find(&client).await?.into_iter().filter(comes_with_an_instance) {
            let id = volume.volume_id.unwrap_or_default();
            results.push((id.clone(), Ok(made(place, &id, ROOT))));
        }
        Ok(Report::collect(results))
    }

    async fn clean(place: &Place) -> Result<Report, Missing> {
        let client = client!(aws_sdk_ec2, &place.session, place.region());
        let mut results = Vec::new();
        for volume in find(&client).await? {
            let goes_too = comes_with_an_instance(&volume);
            let id = volume.volume_id.unwrap_or_default();
            results.push((id.clone(), remove(place, &client, &id, goes_too).await));
        }
        Ok(Report::collect(results))
    }
}

/// The empty volume that nobody owns, of which snapshots are taken.
pub(super) async fn empty(client: &Client) -> Result<String, Missing> {
    make_one(client, &EMPTY).await
}

fn made(place: &Place, id: &str, what: &'static str) -> Made {
    place.made(ResourceType::EbsVolume, id, place.arn("ec2", format!("volume/{id}")), what, &[])
}

async fn make_one(client: &Client, spec: &Spec) -> Result<String, Missing> {
    let present = find(client).await?.into_iter().find(|volume| name(volume.tags()) == spec.name);
    if let Some(volume) = present {
        return Ok(volume.volume_id.unwrap_or_default());
    }
    let zones = call!("ec2:DescribeAvailabilityZones", client.describe_availability_zones())?.availability_zones;
    let zone = zones.unwrap_or_default().into_iter().filter_map(|zone| zone.zone_name).min();
    let zone = zone.ok_or_else(|| Missing::Impossible("the region has no availability zone".to_owned()))?;
    let tags = tags(Tagged::Volume, spec.name, verdict(spec.what), spec.tags);
    let request = client.create_volume().availability_zone(zone).size(1).volume_type(VolumeType::Gp3);
    let answer = call!("ec2:CreateVolume", request.tag_specifications(tags))?;
    Ok(answer.volume_id.unwrap_or_default())
}

/// What an instance brings and takes with it.
fn comes_with_an_instance(volume: &Described) -> bool {
    !volume.attachments().is_empty()
}

async fn remove(place: &Place, client: &Client, id: &str, goes_too: bool) -> Result<Made, Missing> {
    if !goes_too {
        unless(&["InvalidVolume.NotFound"], call!("ec2:DeleteVolume", client.delete_volume().volume_id(id)))?;
    } else if !place.options.types.contains(&ResourceType::Ec2) {
        return Err(Missing::LeftOut("it goes with its instance, which stays".to_owned()));
    }
    Ok(place.removed(ResourceType::EbsVolume, id, place.arn("ec2", format!("volume/{id}"))))
}

/// The volumes with our tag and our prefix.
async fn find(client: &Client) -> Result<Vec<Described>, AwsError> {
    let tagged = Filter::builder().name("tag-key").values(TAG).build();
    let mut pages = client.describe_volumes().filters(tagged).into_paginator().items().send();
    let mut volumes = Vec::new();
    while let Some(volume) = pages.next().await {
        volumes.push(volume.map_err(|error| AwsError::new("ec2:DescribeVolumes", error))?);
    }
    volumes.retain(|volume| name(volume.tags()).starts_with(PREFIX));
    Ok(volumes)
}
