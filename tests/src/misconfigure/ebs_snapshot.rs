//! Snapshots of a volume in which nothing ever was.

use std::time::Duration;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    Filter, OperationType, ResourceType as Tagged, Snapshot as Described, SnapshotAttributeName, SnapshotState,
};
use common::arn::Arn;
use common::aws::AwsError;
use common::client;
use common::resource::{ResourceType, Snapshot};

use super::shares::{PRIVATE, SPECS, Spec, affordable, name, tags};
use super::{Made, Misconfigured, Missing, PREFIX, Place, Report, TAG, call, ebs_volume, for_each, unless, verdict};

const CHECKS: &[&str; 2] = &["ebs_snapshot_public", "ebs_snapshot_shared"];

impl Misconfigured for Snapshot {
    async fn make(place: &Place) -> Result<Report, Missing> {
        affordable(place, "snapshots")?;
        let client = client!(aws_sdk_ec2, &place.session, place.region());
        let volume = ebs_volume::empty(&client).await?;
        let present = find(&client).await?;
        let results = for_each(SPECS, |spec| {
            let (place, client, volume) = (place.clone(), client.clone(), volume.clone());
            let present = with_name(&present, spec.name);
            async move { (spec.name.to_owned(), make_one(&place, &client, spec, present, &volume).await) }
        });
        Ok(Report::collect(results.await))
    }

    async fn clean(place: &Place) -> Result<Report, Missing> {
        let client = client!(aws_sdk_ec2, &place.session, place.region());
        let snapshots = find(&client).await?;
        let results = for_each(snapshots, |snapshot| {
            let (place, client) = (place.clone(), client.clone());
            let id = snapshot.snapshot_id.unwrap_or_default();
            async move { (id.clone(), remove(&place, &client, &id).await.map_err(Missing::from)) }
        });
        Ok(Report::collect(results.await))
    }
}

/// The record of a snapshot.
pub(super) fn made(place: &Place, id: &str, what: &'static str, checks: &'static [&'static str]) -> Made {
    place.made(ResourceType::EbsSnapshot, id, arn(place, id), what, checks)
}

/// Removes a snapshot.
pub(super) async fn remove(place: &Place, client: &Client, id: &str) -> Result<Made, AwsError> {
    unless(&["InvalidSnapshot.NotFound"], call!("ec2:DeleteSnapshot", client.delete_snapshot().snapshot_id(id)))?;
    Ok(place.removed(ResourceType::EbsSnapshot, id, arn(place, id)))
}

/// The snapshot that is shared with nobody, of which images are made, as soon as that can be done.
pub(super) async fn private(client: &Client) -> Result<String, Missing> {
    let id = match with_name(&find(client).await?, PRIVATE.name) {
        Some(id) => id,
        None => create(client, PRIVATE, &ebs_volume::empty(client).await?).await?,
    };
    // Mostly a minute, since there is nothing in it.
    for _ in 0..60 {
        let answer = call!("ec2:DescribeSnapshots", client.describe_snapshots().snapshot_ids(&id))?;
        if answer.snapshots().iter().any(|snapshot| snapshot.state() == Some(&SnapshotState::Completed)) {
            return Ok(id);
        }
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    Err(Missing::Impossible(format!("the snapshot {id} is not there yet: run this again in a while")))
}

/// EC2 leaves out whose a snapshot is.
fn arn(place: &Place, id: &str) -> Arn {
    Arn { account: String::new(), ..place.arn("ec2", format!("snapshot/{id}")) }
}

async fn make_one(
    place: &Place,
    client: &Client,
    spec: &'static Spec,
    present: Option<String>,
    volume: &str,
) -> Result<Made, Missing> {
    let with = spec.shared_with(place)?;
    let id = match present {
        Some(id) => id,
        None => create(client, spec, volume).await?,
    };
    if !with.is_empty() {
        let filled = |list: Vec<String>| (!list.is_empty()).then_some(list);
        let request = client
            .modify_snapshot_attribute()
            .snapshot_id(&id)
            .attribute(SnapshotAttributeName::CreateVolumePermission)
            .operation_type(OperationType::Add)
            .set_group_names(filled(with.groups))
            .set_user_ids(filled(with.accounts));
        call!("ec2:ModifySnapshotAttribute", request)?;
    }
    Ok(made(place, &id, spec.what, spec.checks(CHECKS)))
}

async fn create(client: &Client, spec: &Spec, volume: &str) -> Result<String, AwsError> {
    let tags = tags(Tagged::Snapshot, spec.name, verdict(spec.what), &[]);
    let request = client.create_snapshot().volume_id(volume).description("sluice test: nothing is in it");
    let answer = call!("ec2:CreateSnapshot", request.tag_specifications(tags))?;
    Ok(answer.snapshot_id.unwrap_or_default())
}

fn with_name(snapshots: &[Described], wanted: &str) -> Option<String> {
    snapshots.iter().find(|snapshot| name(snapshot.tags()) == wanted)?.snapshot_id.clone()
}

/// The snapshots with our tag and our prefix.
async fn find(client: &Client) -> Result<Vec<Described>, AwsError> {
    let tagged = Filter::builder().name("tag-key").values(TAG).build();
    let mut pages = client.describe_snapshots().owner_ids("self").filters(tagged).into_paginator().items().send();
    let mut snapshots = Vec::new();
    while let Some(snapshot) = pages.next().await {
        snapshots.push(snapshot.map_err(|error| AwsError::new("ec2:DescribeSnapshots", error))?);
    }
    snapshots.retain(|snapshot| name(snapshot.tags()).starts_with(PREFIX));
    Ok(snapshots)
}
