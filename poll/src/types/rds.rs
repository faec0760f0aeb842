//! `rds`: `DescribeDBInstances`, which tells all at once, and lists the instances of Neptune and DocumentDB as well.

use std::collections::BTreeMap;

use aws_sdk_rds::Client;
use aws_sdk_rds::types::{DbInstance as Described, DbSnapshot, Tag, VpcSecurityGroupMembership};
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{Operation, RDS_DESCRIBE_DB_INSTANCES, RDS_DESCRIBE_DB_SNAPSHOTS};
use common::record::Resource;
use common::resource::{DbEndpoint, DbInstance, DbSubnetGroup, VpcSecurityGroup};

use super::rds_snapshot::MANUAL;
use super::{Owner, Polled, read, tags, time};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::Sink;

impl Polled for DbInstance {
    const LIST: &'static [Operation] = &[RDS_DESCRIBE_DB_INSTANCES];
    const LOOK: &'static [Operation] = &[RDS_DESCRIBE_DB_INSTANCES];
    const CLOSER: &'static [Operation] = &[RDS_DESCRIBE_DB_SNAPSHOTS];

    /// RDS filters by no tag, so that the test resources are picked out here.
    async fn list(account: &Account, reach: &Reach, sink: &Sink) -> Result<(), AwsError> {
        let session = &account.session;
        let owner = Owner::of(session);
        for region in reach.regions() {
            let call = client!(aws_sdk_rds, session, region).describe_db_instances();
            let mut pages = call.into_paginator().page_size(100).send();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| AwsError::new(RDS_DESCRIBE_DB_INSTANCES, error))?;
                for described in page.db_instances.unwrap_or_default() {
                    sink.resource(convert(&owner, region, described)).await;
                }
            }
        }
        Ok(())
    }

    async fn look(session: &Session, region: &Region, id: &str) -> Result<Option<Resource<Self>>, AwsError> {
        let call = client!(aws_sdk_rds, session, region).describe_db_instances().db_instance_identifier(id);
        match call.send().await.map_err(|error| AwsError::new(RDS_DESCRIBE_DB_INSTANCES, error)) {
            Ok(answer) => {
                let described = answer.db_instances.unwrap_or_default().into_iter().next();
                Ok(described.map(|described| convert(&Owner::of(session), region, described)))
            }
            // The first is what the service sends, the second what its model calls it.
            Err(error) if matches!(error.code(), "DBInstanceNotFound" | "DBInstanceNotFoundFault") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Which snapshots there are: the name of another one must be none of theirs.
    async fn look_closely(session: &Session, region: &Region, found: &mut [&mut Resource<Self>]) {
        let client = client!(aws_sdk_rds, session, region);
        for instance in found {
            let taken = snapshots(&client, &instance.id).await;
            instance.config.db_snapshots = read(taken, &["DBSnapshots"], &mut instance.unread);
        }
    }
}

/// The identifiers of the snapshots that somebody took of an instance.
async fn snapshots(client: &Client, id: &str) -> Result<Vec<String>, AwsError> {
    let call = client.describe_db_snapshots().db_instance_identifier(id).snapshot_type(MANUAL);
    let pages = call.into_paginator().page_size(100).items().send();
    let taken: Vec<DbSnapshot> =
        pages.try_collect().await.map_err(|error| AwsError::new(RDS_DESCRIBE_DB_SNAPSHOTS, error))?;
    Ok(sorted(Some(taken.into_iter().filter_map(|it| it.db_snapshot_identifier).collect())))
}

/// The states in which AWS changes what the record tells, of
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.DBInstance.Status.html>. The others last (`stopped`,
/// `failed`, `incompatible-network`), leave the configuration as it is (`backing-up`, `storage-optimization`,
/// `maintenance`), or lead to where nothing can be mended (`deleting`). `stopping` is what a stop comes to: to wait for
/// `stopped`, which can take hours, tells nothing new.
const AT_WORK: [&str; 13] = [
    "configuring-associated-roles",
    "configuring-enhanced-monitoring",
    "configuring-iam-database-auth",
    "configuring-log-exports",
    "converting-to-vpc",
    "creating",
    "modifying",
    "moving-to-vpc",
    "rebooting",
    "renaming",
    "resetting-master-credentials",
    "starting",
    "upgrading",
];

fn convert(owner: &Owner, region: &Region, it: Described) -> Resource<DbInstance> {
    let id = it.db_instance_identifier.unwrap_or_default();
    let arn = it.db_instance_arn.and_then(|arn| arn.parse().ok());
    let arn = arn.unwrap_or_else(|| owner.arn("rds", region, format!("db:{id}")));
    let config = DbInstance {
        db_instance_identifier: id.clone(),
        dbi_resource_id: it.dbi_resource_id,
        db_cluster_identifier: it.db_cluster_identifier,
        db_instance_class: it.db_instance_class,
        db_instance_status: it.db_instance_status.unwrap_or_default(),
        engine: it.engine,
        engine_version: it.engine_version,
        instance_create_time: it.instance_create_time.as_ref().map(time),
        automatic_restart_time: it.automatic_restart_time.as_ref().map(time),
        storage_encrypted: it.storage_encrypted,
        kms_key_id: it.kms_key_id,
        publicly_accessible: it.publicly_accessible,
        endpoint: it.endpoint.map(|endpoint| DbEndpoint { address: endpoint.address, port: endpoint.port }),
        availability_zone: it.availability_zone,
        multi_az: it.multi_az,
        deletion_protection: it.deletion_protection,
        backup_retention_period: it.backup_retention_period,
        auto_minor_version_upgrade: it.auto_minor_version_upgrade,
        iam_database_authentication_enabled: it.iam_database_authentication_enabled,
        read_replica_source_db_instance_identifier: it.read_replica_source_db_instance_identifier,
        read_replica_source_db_cluster_identifier: it.read_replica_source_db_cluster_identifier,
        read_replica_db_instance_identifiers: sorted(it.read_replica_db_instance_identifiers),
        read_replica_db_cluster_identifiers: sorted(it.read_replica_db_cluster_identifiers),
        db_subnet_group: it
            .db_subnet_group
            .map(|it| DbSubnetGroup { db_subnet_group_name: it.db_subnet_group_name, vpc_id: it.vpc_id }),
        vpc_security_groups: security_groups(it.vpc_security_groups),
        db_snapshots: None,
    };
    let settled = !AT_WORK.contains(&config.db_instance_status.as_str());
    let mut resource = owner.resource(region, &id, arn, rds_tags(it.tag_list), config);
    resource.settled = settled;
    resource
}

/// Names in an order of ours: AWS promises none.
pub(super) fn sorted(names: Option<Vec<String>>) -> Vec<String> {
    let mut names = names.unwrap_or_default();
    names.sort_unstable();
    names
}

/// The tags of what the RDS API describes.
pub(super) fn rds_tags(list: Option<Vec<Tag>>) -> BTreeMap<String, String> {
    tags(list.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)))
}

/// The security groups of what the RDS API describes.
pub(super) fn security_groups(described: Option<Vec<VpcSecurityGroupMembership>>) -> Vec<VpcSecurityGroup> {
    let mut groups: Vec<_> = described
        .unwrap_or_default()
        .into_iter()
        .map(|group| VpcSecurityGroup { vpc_security_group_id: group.vpc_security_group_id, status: group.status })
        .collect();
    groups.sort_unstable();
    groups
}

#[cfg(test)]
mod tests {
    use aws_sdk_rds::primitives::DateTime;
    use aws_sdk_rds::types::{DbSubnetGroup, Endpoint};
    use serde_json::json;

    use super::*;
    use crate::types::tests::owner;

    fn record(described: Described) -> Resource<DbInstance> {
        convert(&owner(), &"eu-west-1".parse().unwrap(), described)
    }

    #[test]
    fn an_instance_has_the_names_of_the_aws_cli() {
        let group = |id: &str| VpcSecurityGroupMembership::builder().vpc_security_group_id(id).status("active").build();
        let described = Described::builder()
            .db_instance_identifier("shop")
            .db_instance_arn("arn:aws:rds:eu-west-1:111122223333:db:shop")
            .db_instance_status("available")
            .instance_create_time(DateTime::from_secs_and_nanos(1_700_000_000, 5))
            .storage_encrypted(false)
            .publicly_accessible(true)
            .multi_az(true)
            .dbi_resource_id("db-ABC")
            .db_subnet_group(DbSubnetGroup::builder().db_subnet_group_name("inner").vpc_id("vpc-1").build())
            .iam_database_authentication_enabled(false)
            .endpoint(Endpoint::builder().address("shop.example").port(3306).build())
            .read_replica_db_instance_identifiers("shop-3")
            .read_replica_db_instance_identifiers("shop-2")
            .vpc_security_groups(group("sg-2"))
            .vpc_security_groups(group("sg-1"))
            .tag_list(Tag::builder().key("Owner").value("web").build())
            .tag_list(Tag::builder().key("bare").build());
        let record = record(described.build());
        assert_eq!((record.id.as_str(), record.settled), ("shop", true));
        assert_eq!(record.arn.to_string(), "arn:aws:rds:eu-west-1:111122223333:db:shop");
        assert_eq!((record.tags["Owner"].as_str(), record.tags["bare"].as_str()), ("web", ""));
        let config = serde_json::to_value(&record.config).unwrap();
        for (field, value) in [
            ("DBInstanceIdentifier", json!("shop")),
            ("DBClusterIdentifier", json!(null)),
            ("InstanceCreateTime", json!("2023-11-14T22:13:20Z")),
            ("StorageEncrypted", json!(false)),
            ("PubliclyAccessible", json!(true)),
            ("MultiAZ", json!(true)),
            ("DbiResourceId", json!("db-ABC")),
            ("DBSubnetGroup", json!({"DBSubnetGroupName": "inner", "VpcId": "vpc-1"})),
            ("IAMDatabaseAuthenticationEnabled", json!(false)),
            ("Endpoint", json!({"Address": "shop.example", "Port": 3306})),
            ("ReadReplicaDBInstanceIdentifiers", json!(["shop-2", "shop-3"])),
            (
                "VpcSecurityGroups",
                json!([
                    {"VpcSecurityGroupId": "sg-1", "Status": "active"}, {"VpcSecurityGroupId": "sg-2", "Status": "active"},
                ]),
            ),
        ] {
            assert_eq!(config[field], value, "{field}");
        }
        assert_eq!(config.get("DBSnapshots"), None, "what only a closer look tells is not there as if it were nothing");
    }

    #[test]
    fn what_aws_does_not_say_is_null_and_the_arn_is_made() {
        let record = record(Described::builder().db_instance_identifier("shop").build());
        assert_eq!(record.arn.to_string(), "arn:aws-cn:rds:eu-west-1:111122223333:db:shop");
        assert_eq!(record.config.storage_encrypted, None);
        assert_eq!(record.config.publicly_accessible, None);
        assert_eq!(record.config.db_instance_status, "");
    }

    #[test]
    fn an_instance_has_settled_when_its_configuration_stays() {
        for (status, settled) in [
            ("available", true),
            ("backing-up", true),
            ("stopping", true),
            ("stopped", true),
            ("storage-optimization", true),
            ("failed", true),
            ("deleting", true),
            ("creating", false),
            ("modifying", false),
            ("starting", false),
            ("rebooting", false),
        ] {
            let described = Described::builder().db_instance_identifier("shop").db_instance_status(status).build();
            assert_eq!(record(described).settled, settled, "{status}");
        }
    }
}
