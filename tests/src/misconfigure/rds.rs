//! Database instances: small ones with nothing in them, in a group that lets nothing in, with a password that nobody knows.

use std::time::Duration;

use aws_sdk_rds::Client;
use aws_sdk_rds::types::{DbInstance as Described, Tag};
use common::aws::AwsError;
use common::client;
use common::resource::{DbInstance, ResourceType};

use super::iam_user::password;
use super::security_group::Closed;
use super::{Made, Misconfigured, Missing, PREFIX, Place, Report, TAG, call, for_each, unbuilt, unless, verdict};

/// An instance.
struct Spec {
    name: &'static str,
    what: &'static str,
    checks: &'static [&'static str],
    encrypted: bool,
    public: bool,
}

const SPECS: &[Spec] = &[
    Spec {
        name: "sluice-test-good",
        what: "good: encrypted, and without an address on the internet",
        checks: &[],
        encrypted: true,
        public: false,
    },
    Spec {
        name: "sluice-test-unencrypted",
        what: "bad: storage that is not encrypted",
        checks: &["rds_unencrypted"],
        encrypted: false,
        public: false,
    },
    Spec {
        name: "sluice-test-public",
        what: "bad: an address on the internet, at which nothing answers",
        checks: &["rds_public"],
        encrypted: true,
        public: true,
    },
];

impl Misconfigured for DbInstance {
    const ROUND: u8 = 1;

    async fn make(place: &Place) -> Result<Report, Missing> {
        may_cost(place)?;
        let client = client!(aws_sdk_rds, &place.session, place.region());
        let present = find(&client).await?;
        let closed = Closed::make(place).await?;
        let results = for_each(SPECS, |spec| {
            let (place, client, group) = (place.clone(), client.clone(), closed.id.clone());
            let present = present.iter().find(|it| it.db_instance_identifier() == Some(spec.name)).cloned();
            async move {
                let result = match present {
                    Some(present) => restore(&client, spec, &present).await,
                    None => create(&client, spec, &group).await.map_err(Missing::from),
                };
                (spec.name.to_owned(), result.map(|()| made(&place, spec)))
            }
        });
        Ok(Report::collect(results.await))
    }

    /// Deletes the instances, and waits until they are gone: until then they keep their group.
    async fn clean(place: &Place) -> Result<Report, Missing> {
        let client = client!(aws_sdk_rds, &place.session, place.region());
        let mut removed = Vec::new();
        for instance in find(&client).await? {
            let id = instance.db_instance_identifier.unwrap_or_default();
            let request = client.delete_db_instance().db_instance_identifier(&id).skip_final_snapshot(true);
            // One that an interrupted run told to go is on its way.
            let on_its_way = ["InvalidDBInstanceState", "DBInstanceNotFound"];
            unless(&on_its_way, call!("rds:DeleteDBInstance", request.delete_automated_backups(true)))?;
            removed.push(place.removed(ResourceType::Rds, &id, place.arn("rds", format!("db:{id}"))));
        }
        until_gone(|| find(&client)).await?;
        Ok(Report { made: removed, missing: Vec::new() })
    }
}

/// Leaves databases out where instances are.
pub(super) fn may_cost(place: &Place) -> Result<(), Missing> {
    if place.options.instances {
        return Ok(());
    }
    Err(Missing::LeftOut("databases cost money: give --instances to have them made".to_owned()))
}

/// How often it is asked whether a database is gone, and how long between two questions: mostly ten minutes.
const GONE_AFTER: u32 = 120;
const PAUSE: Duration = Duration::from_secs(10);

/// Waits until none is found any more, or for as long as it may take.
pub(super) async fn until_gone<T, F>(find: impl Fn() -> F) -> Result<(), AwsError>
where
    F: Future<Output = Result<Vec<T>, AwsError>>,
{
    for _ in 0..GONE_AFTER {
        if find().await?.is_empty() {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

fn made(place: &Place, spec: &'static Spec) -> Made {
    let arn = place.arn("rds", format!("db:{}", spec.name));
    place.made(ResourceType::Rds, spec.name, arn, spec.what, spec.checks)
}

async fn create(client: &Client, spec: &Spec, group: &str) -> Result<(), AwsError> {
    let request = client
        .create_db_instance()
        .db_instance_identifier(spec.name)
        .engine("mysql")
        .db_instance_class("db.t4g.micro")
        .allocated_storage(20)
        .backup_retention_period(0)
        .storage_encrypted(spec.encrypted)
        .publicly_accessible(spec.public)
        .vpc_security_group_ids(group)
        .master_username("sluice")
        .master_user_password(database_password("rds:CreateDBInstance")?)
        .tags(tag(spec.what));
    call!("rds:CreateDBInstance", request).map(drop)
}

/// Makes an instance as it was in the beginning.
async fn restore(client: &Client, spec: &Spec, present: &Described) -> Result<(), Missing> {
    match present.db_instance_status() {
        Some("deleting") => return Err(being_deleted()),
        Some("stopped") => {
            let request = client.start_db_instance().db_instance_identifier(spec.name);
            call!("rds:StartDBInstance", request)?;
        }
        _ => {}
    }
    if present.publicly_accessible != Some(spec.public) {
        let request = client.modify_db_instance().db_instance_identifier(spec.name).publicly_accessible(spec.public);
        call!("rds:ModifyDBInstance", request)?;
    }
    Ok(())
}

/// Why a database is not made.
pub(super) fn being_deleted() -> Missing {
    Missing::Impossible("it is still being deleted: run this again when it is gone".to_owned())
}

/// The tag that says whose it is.
pub(super) fn tag(what: &str) -> Tag {
    Tag::builder().key(TAG).value(verdict(what)).build()
}

/// A password that nobody knows; MySQL takes no more than 41 characters.
pub(super) fn database_password(operation: &'static str) -> Result<String, AwsError> {
    let mut long = password().map_err(|error| unbuilt(operation, format!("no random password: {error}")))?;
    Ok(long.split_off(long.len().saturating_sub(40)))
}

/// Whether it is ours.
pub(super) fn is_ours(id: Option<&str>, tags: &[Tag]) -> bool {
    id.is_some_and(|id| id.starts_with(PREFIX)) && tags.iter().any(|tag| tag.key() == Some(TAG))
}

/// The instances with our tag and our prefix.
async fn find(client: &Client) -> Result<Vec<Described>, AwsError> {
    let mut pages = client.describe_db_instances().into_paginator().items().send();
    let mut instances = Vec::new();
    while let Some(instance) = pages.next().await {
        let instance = instance.map_err(|error| AwsError::new("rds:DescribeDBInstances", error))?;
        if is_ours(instance.db_instance_identifier(), instance.tag_list()) {
            instances.push(instance);
        }
    }
    Ok(instances)
}
