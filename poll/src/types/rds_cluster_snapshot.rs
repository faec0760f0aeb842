//! `rds_cluster_snapshot`: `DescribeDBClusterSnapshots`, then `DescribeDBClusterSnapshotAttributes` for each.

use aws_sdk_rds::Client;
use aws_sdk_rds::types::{DbClusterSnapshot as Described, DbClusterSnapshotAttribute};
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{Operation, RDS_DESCRIBE_DB_CLUSTER_SNAPSHOT_ATTRIBUTES, RDS_DESCRIBE_DB_CLUSTER_SNAPSHOTS};
use common::record::Resource;
use common::resource::{DbClusterSnapshot, Shared};
use futures_util::{StreamExt, stream};

use super::rds_snapshot::{MANUAL, attribute, is_at_work, is_manual};
use super::{AT_ONCE, Owner, Polled, read, tags, time};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::{Sink, TEST_TAG};

/// What AWS answers where there is no such snapshot, or none any more.
const NOT_FOUND: &str = "DBClusterSnapshotNotFoundFault";

type Attributes = Result<Vec<DbClusterSnapshotAttribute>, AwsError>;

impl Polled for DbClusterSnapshot {
    const LIST: &'static [Operation] =
        &[RDS_DESCRIBE_DB_CLUSTER_SNAPSHOTS, RDS_DESCRIBE_DB_CLUSTER_SNAPSHOT_ATTRIBUTES];
    const LOOK: &'static [Operation] =
        &[RDS_DESCRIBE_DB_CLUSTER_SNAPSHOTS, RDS_DESCRIBE_DB_CLUSTER_SNAPSHOT_ATTRIBUTES];

    /// The snapshots that somebody took of clusters, those of DocumentDB and Neptune too, which share RDS's API.
    async fn list(account: &Account, reach: &Reach, sink: &Sink) -> Result<(), AwsError> {
        let session = &account.session;
        let owner = Owner::of(session);
        for region in reach.regions() {
            let client = client!(aws_sdk_rds, session, region);
            let call = client.describe_db_cluster_snapshots().snapshot_type(MANUAL);
            let mut pages = call.into_paginator().page_size(100).send();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| AwsError::new(RDS_DESCRIBE_DB_CLUSTER_SNAPSHOTS, error))?;
                let wanted = |it: &Described| !sink.only_tests() || is_test(it);
                let mut snapshots =
                    stream::iter(page.db_cluster_snapshots.unwrap_or_default().into_iter().filter(wanted))
                        .map(|described| describe(&client, &owner, region, described))
                        .buffer_unordered(AT_ONCE);
                while let Some(snapshot) = snapshots.next().await {
                    if let Some(snapshot) = snapshot {
                        sink.resource(snapshot).await;
                    }
                }
            }
        }
        Ok(())
    }

    async fn look(session: &Session, region: &Region, id: &str) -> Result<Option<Resource<Self>>, AwsError> {
        is_manual(RDS_DESCRIBE_DB_CLUSTER_SNAPSHOTS, id)?;
        let client = client!(aws_sdk_rds, session, region);
        let call = client.describe_db_cluster_snapshots().db_cluster_snapshot_identifier(id).snapshot_type(MANUAL);
        match call.send().await.map_err(|error| AwsError::new(RDS_DESCRIBE_DB_CLUSTER_SNAPSHOTS, error)) {
            Ok(answer) => match answer.db_cluster_snapshots.unwrap_or_default().into_iter().next() {
                Some(described) => Ok(describe(&client, &Owner::of(session), region, described).await),
                None => Ok(None),
            },
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn is_gone(error: &AwsError) -> bool {
    matches!(error.code(), NOT_FOUND | "DBClusterSnapshotNotFound")
}

/// RDS filters by no tag, but tells the tags at once: of the others nothing more is asked.
fn is_test(it: &Described) -> bool {
    it.tag_list().iter().any(|tag| tag.key() == Some(TEST_TAG))
}

async fn describe(
    client: &Client,
    owner: &Owner,
    region: &Region,
    it: Described,
) -> Option<Resource<DbClusterSnapshot>> {
    let attributes = attributes(client, it.db_cluster_snapshot_identifier.as_deref().unwrap_or_default()).await;
    convert(owner, region, it, attributes)
}

async fn attributes(client: &Client, id: &str) -> Attributes {
    let call = client.describe_db_cluster_snapshot_attributes().db_cluster_snapshot_identifier(id);
    let answer =
        call.send().await.map_err(|error| AwsError::new(RDS_DESCRIBE_DB_CLUSTER_SNAPSHOT_ATTRIBUTES, error))?;
    Ok(answer
        .db_cluster_snapshot_attributes_result
        .and_then(|it| it.db_cluster_snapshot_attributes)
        .unwrap_or_default())
}

fn convert(
    owner: &Owner,
    region: &Region,
    it: Described,
    attributes: Attributes,
) -> Option<Resource<DbClusterSnapshot>> {
    if attributes.as_ref().is_err_and(is_gone) {
        return None;
    }
    let id = it.db_cluster_snapshot_identifier.unwrap_or_default();
    let arn = it.db_cluster_snapshot_arn.and_then(|arn| arn.parse().ok());
    let arn = arn.unwrap_or_else(|| owner.arn("rds", region, format!("cluster-snapshot:{id}")));
    let mut unread = Vec::new();
    let attributes = read(attributes, &[DbClusterSnapshot::FIELD], &mut unread).unwrap_or_default();
    let mut attributes: Vec<_> =
        attributes.into_iter().map(|it| attribute(it.attribute_name, it.attribute_values)).collect();
    attributes.sort_unstable();
    let config = DbClusterSnapshot {
        db_cluster_snapshot_identifier: id.clone(),
        db_cluster_identifier: it.db_cluster_identifier,
        snapshot_type: it.snapshot_type,
        status: it.status,
        snapshot_create_time: it.snapshot_create_time.as_ref().map(time),
        engine: it.engine,
        engine_version: it.engine_version,
        allocated_storage: it.allocated_storage,
        source_db_cluster_snapshot_arn: it.source_db_cluster_snapshot_arn.filter(|source| !source.is_empty()),
        storage_encrypted: it.storage_encrypted,
        kms_key_id: it.kms_key_id,
        db_cluster_snapshot_attributes: attributes,
    };
    let settled = !is_at_work(config.status.as_deref());
    let tags = tags(it.tag_list.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)));
    let mut resource = owner.resource(region, &id, arn, tags, config);
    resource.settled = settled;
    resource.unread = unread;
    Some(resource)
}

#[cfg(test)]
mod tests {
    use aws_sdk_rds::primitives::DateTime;
    use aws_sdk_rds::types::Tag;

    use super::*;
    use crate::types::tests::{denied, owner};

    fn described(status: &str) -> Described {
        Described::builder()
            .db_cluster_snapshot_identifier("shop-1")
            .db_cluster_snapshot_arn("arn:aws-cn:rds:eu-west-1:111122223333:cluster-snapshot:shop-1")
            .snapshot_type("manual")
            .status(status)
            .snapshot_create_time(DateTime::from_secs_and_nanos(1_700_000_000, 5))
            .tag_list(Tag::builder().key("Owner").value("web").build())
            .build()
    }

    fn converted(status: &str, attributes: Attributes) -> Option<Resource<DbClusterSnapshot>> {
        convert(&owner(), &"eu-west-1".parse().unwrap(), described(status), attributes)
    }

    fn attribute(name: &str, values: &[&str]) -> DbClusterSnapshotAttribute {
        let values = values.iter().map(|&value| value.to_owned()).collect();
        DbClusterSnapshotAttribute::builder().attribute_name(name).set_attribute_values(Some(values)).build()
    }

    #[test]
    fn a_snapshot_says_whom_it_is_shared_with_in_one_order() {
        let one = vec![attribute("restore", &["2", "all", "1"]), attribute("copy", &["3"])];
        let other = vec![attribute("copy", &["3"]), attribute("restore", &["all", "1", "2"])];
        let one = converted("available", Ok(one)).unwrap();
        let other = converted("available", Ok(other)).unwrap();
        assert_eq!(one.config, other.config);
        assert_eq!(one.config.shared_with(), Some(["1", "2", "all"].map(str::to_owned).into()));
        assert_eq!(one.arn.to_string(), "arn:aws-cn:rds:eu-west-1:111122223333:cluster-snapshot:shop-1");
        assert_eq!(one.tags["Owner"], "web");
        assert_eq!(one.config.snapshot_create_time.unwrap().subsec_nanosecond(), 0);
        let bare = Described::builder().db_cluster_snapshot_identifier("shop-2").build();
        let bare = convert(&owner(), &"eu-west-1".parse().unwrap(), bare, Ok(Vec::new())).unwrap();
        assert_eq!(bare.arn.to_string(), "arn:aws-cn:rds:eu-west-1:111122223333:cluster-snapshot:shop-2");
    }

    #[test]
    fn a_snapshot_that_is_being_made_has_not_settled() {
        for (status, settled) in
            [("creating", false), ("copying", false), ("available", true), ("failed", true), ("deleting", true)]
        {
            assert_eq!(converted(status, Ok(Vec::new())).unwrap().settled, settled, "{status}");
        }
    }

    #[test]
    fn denied_is_unread_and_gone_is_no_record() {
        let snapshot = converted("available", Err(denied("rds:DescribeDBClusterSnapshotAttributes"))).unwrap();
        assert_eq!(snapshot.unread("DBClusterSnapshotAttributes").unwrap().code, "AccessDenied");
        let gone = AwsError::of(RDS_DESCRIBE_DB_CLUSTER_SNAPSHOT_ATTRIBUTES, NOT_FOUND, "no");
        assert!(converted("available", Err(gone)).is_none());
    }

    #[test]
    fn test_resources_are_known_before_more_is_asked() {
        assert!(!is_test(&described("available")));
        let tagged = Described::builder().tag_list(Tag::builder().key(TEST_TAG).value("bad").build()).build();
        assert!(is_test(&tagged));
    }
}
