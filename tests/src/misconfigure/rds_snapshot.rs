//! Snapshots of a database instance in which nothing ever was. The instance is there for no longer than they need.

use std::time::Duration;

use aws_sdk_rds::Client;
use aws_sdk_rds::types::{DbSnapshot as Described, Tag};
use common::aws::AwsError;
use common::client;
use common::resource::{DbSnapshot, RESTORE, ResourceType};

use super::shares::{SPECS, Spec, affordable};
use super::{Made, Misconfigured, Missing, PREFIX, Place, Report, TAG, call, for_each, unless, verdict};

const CHECKS: &[&str; 2] = &["rds_snapshot_public", "rds_snapshot_shared"];

/// What the snapshots are taken of.
const SOURCE: &str = "sluice-test-source";
const NO_SOURCE: &[&str] = &["DBInstanceNotFound", "DBInstanceNotFoundFault"];

const GONE: &[&str] = &["DBSnapshotNotFound", "DBSnapshotNotFoundFault"];

/// How long to wait between two looks, and how often to look: half an hour in all.
const PAUSE: Duration = Duration::from_secs(15);
const LOOKS: usize = 120;

impl Misconfigured for DbSnapshot {
    async fn make(place: &Place) -> Result<Report, Missing> {
        affordable(place, "databases")?;
        let client = client!(aws_sdk_rds, &place.session, place.region());
        let present = find(&client).await?;
        let is_there = |spec: &Spec| present.iter().any(|it| it.db_snapshot_identifier() == Some(spec.name));
        if !SPECS.iter().all(is_there) {
            source(&client).await?;
        }
        let results = for_each(SPECS, |spec| {
            let (place, client, is_there) = (place.clone(), client.clone(), is_there(spec));
            async move { (spec.name.to_owned(), make_one(&place, &client, spec, is_there).await) }
        });
        let report = Report::collect(results.await);
        remove_source(&client).await?;
        Ok(report)
    }

    async fn clean(place: &Place) -> Result<Report, Missing> {
        let client = client!(aws_sdk_rds, &place.session, place.region());
        let results = for_each(find(&client).await?, |snapshot| {
            let (place, client) = (place.clone(), client.clone());
            let id = snapshot.db_snapshot_identifier.unwrap_or_default();
            async move { (id.clone(), remove(&place, &client, &id).await.map_err(Missing::from)) }
        });
        let report = Report::collect(results.await);
        remove_source(&client).await?;
        Ok(report)
    }
}

/// Makes what the snapshots are taken of, and waits for it.
async fn source(client: &Client) -> Result<(), Missing> {
    // AWS makes a password that nobody sees.
    let request = client
        .create_db_instance()
        .db_instance_identifier(SOURCE)
        .db_instance_class("db.t4g.micro")
        .engine("postgres")
        .allocated_storage(20)
        .storage_encrypted(false)
        .publicly_accessible(false)
        .backup_retention_period(0)
        .master_username("sluice")
        .manage_master_user_password(true)
        .tags(tag("good"));
    unless(&["DBInstanceAlreadyExists", "DBInstanceAlreadyExistsFault"], call!("rds:CreateDBInstance", request))?;
    for _ in 0..LOOKS {
        let request = client.describe_db_instances().db_instance_identifier(SOURCE);
        let answer = call!("rds:DescribeDBInstances", request)?;
        if answer.db_instances().iter().any(|it| it.db_instance_status() == Some("available")) {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(Missing::Impossible(format!("the database {SOURCE} is not there yet: run this again in a while")))
}

async fn remove_source(client: &Client) -> Result<(), AwsError> {
    let request = client.delete_db_instance().db_instance_identifier(SOURCE).skip_final_snapshot(true);
    unless(NO_SOURCE, call!("rds:DeleteDBInstance", request)).map(drop)
}

async fn make_one(place: &Place, client: &Client, spec: &'static Spec, is_there: bool) -> Result<Made, Missing> {
    let with = spec.shared_with(place)?;
    if !is_there {
        let request = client.create_db_snapshot().db_snapshot_identifier(spec.name);
        let request = request.db_instance_identifier(SOURCE).tags(tag(verdict(spec.what)));
        call!("rds:CreateDBSnapshot", request)?;
        available(client, spec.name).await?;
    }
    let present = shared_with(client, spec.name).await?;
    let missing: Vec<String> = with.all().into_iter().filter(|who| !present.contains(who)).collect();
    if !missing.is_empty() {
        let request = client.modify_db_snapshot_attribute().db_snapshot_identifier(spec.name);
        let request = request.attribute_name(RESTORE).set_values_to_add(Some(missing));
        call!("rds:ModifyDBSnapshotAttribute", request)?;
    }
    let arn = place.arn("rds", format!("snapshot:{}", spec.name));
    Ok(place.made(ResourceType::RdsSnapshot, spec.name, arn, spec.what, spec.checks(CHECKS)))
}

/// Waits until a snapshot can be shared.
async fn available(client: &Client, name: &str) -> Result<(), Missing> {
    for _ in 0..LOOKS {
        let request = client.describe_db_snapshots().db_snapshot_identifier(name);
        let answer = call!("rds:DescribeDBSnapshots", request)?;
        if answer.db_snapshots().iter().any(|it| it.status() == Some("available")) {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(Missing::Impossible(format!("the snapshot {name} is not there yet: run this again in a while")))
}

/// With whom a snapshot is shared. The emulator takes somebody twice who is named twice.
async fn shared_with(client: &Client, name: &str) -> Result<Vec<String>, AwsError> {
    let request = client.describe_db_snapshot_attributes().db_snapshot_identifier(name);
    let answer = call!("rds:DescribeDBSnapshotAttributes", request)?.db_snapshot_attributes_result;
    let attributes = answer.and_then(|answer| answer.db_snapshot_attributes).unwrap_or_default();
    Ok(attributes.into_iter().flat_map(|it| it.attribute_values.unwrap_or_default()).collect())
}

async fn remove(place: &Place, client: &Client, id: &str) -> Result<Made, AwsError> {
    let request = client.delete_db_snapshot().db_snapshot_identifier(id);
    unless(GONE, call!("rds:DeleteDBSnapshot", request))?;
    Ok(place.removed(ResourceType::RdsSnapshot, id, place.arn("rds", format!("snapshot:{id}"))))
}

fn tag(verdict: &str) -> Tag {
    Tag::builder().key(TAG).value(verdict).build()
}

/// The snapshots with our tag and our prefix.
async fn find(client: &Client) -> Result<Vec<Described>, AwsError> {
    let mut pages = client.describe_db_snapshots().snapshot_type("manual").into_paginator().items().send();
    let mut snapshots = Vec::new();
    while let Some(snapshot) = pages.next().await {
        snapshots.push(snapshot.map_err(|error| AwsError::new("rds:DescribeDBSnapshots", error))?);
    }
    snapshots.retain(|it| it.tag_list().iter().any(|tag| tag.key() == Some(TAG)));
    snapshots.retain(|it| it.db_snapshot_identifier().is_some_and(|id| id.starts_with(PREFIX)));
    Ok(snapshots)
}
