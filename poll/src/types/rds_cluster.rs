//! `rds_cluster`: `DescribeDBClusters`, which tells all at once, and lists the clusters of Neptune and DocumentDB as well.

use std::collections::BTreeMap;

use aws_sdk_rds::Client;
use aws_sdk_rds::types::{DbCluster as Described, DbClusterSnapshot, DbInstance, Filter};
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{
    Operation, RDS_DESCRIBE_DB_CLUSTER_SNAPSHOTS, RDS_DESCRIBE_DB_CLUSTERS, RDS_DESCRIBE_DB_INSTANCES,
    RDS_DESCRIBE_DB_SUBNET_GROUPS,
};
use common::record::Resource;
use common::resource::{DbCluster, DbClusterMember};

use super::rds::{rds_tags, security_groups, sorted};
use super::rds_snapshot::MANUAL;
use super::{Owner, Polled, read, time};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::Sink;

impl Polled for DbCluster {
    const LIST: &'static [Operation] = &[RDS_DESCRIBE_DB_CLUSTERS];
    const LOOK: &'static [Operation] = &[RDS_DESCRIBE_DB_CLUSTERS];
    const CLOSER: &'static [Operation] =
        &[RDS_DESCRIBE_DB_CLUSTER_SNAPSHOTS, RDS_DESCRIBE_DB_INSTANCES, RDS_DESCRIBE_DB_SUBNET_GROUPS];

    /// The account's own: those that others share with it are listed only where they are asked for. RDS filters by no
    /// tag, so that the test resources are picked out here.
    async fn list(account: &Account, reach: &Reach, sink: &Sink) -> Result<(), AwsError> {
        let session = &account.session;
        let owner = Owner::of(session);
        for region in reach.regions() {
            let call = client!(aws_sdk_rds, session, region).describe_db_clusters();
            let mut pages = call.into_paginator().page_size(100).send();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| AwsError::new(RDS_DESCRIBE_DB_CLUSTERS, error))?;
                for described in page.db_clusters.unwrap_or_default() {
                    sink.resource(convert(&owner, region, described)).await;
                }
            }
        }
        Ok(())
    }

    async fn look(session: &Session, region: &Region, id: &str) -> Result<Option<Resource<Self>>, AwsError> {
        let call = client!(aws_sdk_rds, session, region).describe_db_clusters().db_cluster_identifier(id);
        match call.send().await.map_err(|error| AwsError::new(RDS_DESCRIBE_DB_CLUSTERS, error)) {
            Ok(answer) => {
                let described = answer.db_clusters.unwrap_or_default().into_iter().next();
                Ok(described.map(|described| convert(&Owner::of(session), region, described)))
            }
            Err(error) if matches!(error.code(), "DBClusterNotFoundFault" | "DBClusterNotFound") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// In which VPC it is, which a cluster does not tell and an instance does; which of its members are on their way out
    /// already, and their tags; and which snapshots there are: the name of another one must be none of theirs.
    async fn look_closely(session: &Session, region: &Region, found: &mut [&mut Resource<Self>]) {
        let client = client!(aws_sdk_rds, session, region);
        for cluster in found {
            let subnets = cluster.config.db_subnet_group.as_deref();
            let (vpc, members, taken) =
                tokio::join!(vpc(&client, subnets), members(&client, &cluster.id), snapshots(&client, &cluster.id));
            cluster.config.vpc_id = read(vpc, &["VpcId"], &mut cluster.unread).flatten();
            let members = read(members, &["DBInstanceStatus"], &mut cluster.unread).unwrap_or_default();
            for member in &mut cluster.config.db_cluster_members {
                let seen = members.iter().find(|it| it.db_instance_identifier == member.db_instance_identifier);
                member.db_instance_status = seen.and_then(|it| it.db_instance_status.clone());
                member.tags = seen.map(|it| rds_tags(it.tag_list.clone())).unwrap_or_default();
            }
            cluster.config.db_cluster_snapshots = read(taken, &["DBClusterSnapshots"], &mut cluster.unread);
        }
    }
}

/// The VPC of a group of subnets.
async fn vpc(client: &Client, subnets: Option<&str>) -> Result<Option<String>, AwsError> {
    // Without a name RDS would tell all groups that there are.
    let Some(subnets) = subnets.filter(|name| !name.is_empty()) else { return Ok(None) };
    let answer = client.describe_db_subnet_groups().db_subnet_group_name(subnets).send().await;
    let answer = answer.map_err(|error| AwsError::new(RDS_DESCRIBE_DB_SUBNET_GROUPS, error))?;
    Ok(answer.db_subnet_groups.unwrap_or_default().into_iter().find_map(|group| group.vpc_id))
}

/// The instances of a cluster.
async fn members(client: &Client, id: &str) -> Result<Vec<DbInstance>, AwsError> {
    let of_cluster = Filter::builder().name("db-cluster-id").values(id).build();
    let pages = client.describe_db_instances().filters(of_cluster).into_paginator().page_size(100).items().send();
    pages.try_collect().await.map_err(|error| AwsError::new(RDS_DESCRIBE_DB_INSTANCES, error))
}

/// The identifiers of the snapshots that somebody took of a cluster.
async fn snapshots(client: &Client, id: &str) -> Result<Vec<String>, AwsError> {
    let call = client.describe_db_cluster_snapshots().db_cluster_identifier(id).snapshot_type(MANUAL);
    let pages = call.into_paginator().page_size(100).items().send();
    let taken: Vec<DbClusterSnapshot> =
        pages.try_collect().await.map_err(|error| AwsError::new(RDS_DESCRIBE_DB_CLUSTER_SNAPSHOTS, error))?;
    Ok(sorted(Some(taken.into_iter().filter_map(|it| it.db_cluster_snapshot_identifier).collect())))
}

/// The states in which AWS changes what the record tells, of
/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.Status.html>, and `rebooting`, which Multi-AZ
/// clusters have as well. Of the others, see those of an instance.
const AT_WORK: [&str; 15] = [
    "configuring-enhanced-monitoring",
    "configuring-iam-database-auth",
    "configuring-log-exports",
    "creating",
    "failing-over",
    "migrating",
    "modifying",
    "preparing-data-migration",
    "promoting",
    "rebooting",
    "renaming",
    "resetting-master-credentials",
    "starting",
    "update-iam-db-auth",
    "upgrading",
];

fn convert(owner: &Owner, region: &Region, it: Described) -> Resource<DbCluster> {
    let id = it.db_cluster_identifier.unwrap_or_default();
    let arn = it.db_cluster_arn.and_then(|arn| arn.parse().ok());
    let arn = arn.unwrap_or_else(|| owner.arn("rds", region, format!("cluster:{id}")));
    let mut members: Vec<_> = it
        .db_cluster_members
        .unwrap_or_default()
        .into_iter()
        .map(|member| DbClusterMember {
            db_instance_identifier: member.db_instance_identifier,
            is_cluster_writer: member.is_cluster_writer,
            db_instance_status: None,
            tags: BTreeMap::new(),
        })
        .collect();
    members.sort_unstable();
    let config = DbCluster {
        db_cluster_identifier: id.clone(),
        db_cluster_resource_id: it.db_cluster_resource_id,
        status: it.status.unwrap_or_default(),
        engine: it.engine,
        engine_version: it.engine_version,
        engine_mode: it.engine_mode,
        cluster_create_time: it.cluster_create_time.as_ref().map(time),
        automatic_restart_time: it.automatic_restart_time.as_ref().map(time),
        storage_encrypted: it.storage_encrypted,
        kms_key_id: it.kms_key_id,
        publicly_accessible: it.publicly_accessible,
        internet_access_gateway_enabled: it.internet_access_gateway_enabled,
        endpoint: it.endpoint,
        reader_endpoint: it.reader_endpoint,
        port: it.port,
        deletion_protection: it.deletion_protection,
        backup_retention_period: it.backup_retention_period,
        iam_database_authentication_enabled: it.iam_database_authentication_enabled,
        global_cluster_identifier: it.global_cluster_identifier,
        replication_source_identifier: it.replication_source_identifier,
        read_replica_identifiers: sorted(it.read_replica_identifiers),
        db_cluster_members: members,
        db_subnet_group: it.db_subnet_group,
        vpc_security_groups: security_groups(it.vpc_security_groups),
        vpc_id: None,
        db_cluster_snapshots: None,
    };
    let settled = !AT_WORK.contains(&config.status.as_str());
    let mut resource = owner.resource(region, &id, arn, rds_tags(it.tag_list), config);
    resource.settled = settled;
    resource
}

#[cfg(test)]
mod tests {
    use aws_sdk_rds::types::{DbClusterMember as Member, Tag};
    use serde_json::json;

    use super::*;
    use crate::types::tests::owner;

    fn record(described: Described) -> Resource<DbCluster> {
        convert(&owner(), &"eu-west-1".parse().unwrap(), described)
    }

    #[test]
    fn a_cluster_has_the_names_of_the_aws_cli() {
        let member =
            |id: &str, writes: bool| Member::builder().db_instance_identifier(id).is_cluster_writer(writes).build();
        let described = Described::builder()
            .db_cluster_identifier("books")
            .db_cluster_arn("arn:aws:rds:eu-west-1:111122223333:cluster:books")
            .status("available")
            .engine("aurora-mysql")
            .storage_encrypted(false)
            .db_cluster_members(member("books-2", false))
            .db_cluster_members(member("books-1", true))
            .read_replica_identifiers("far")
            .db_cluster_resource_id("cluster-ABC")
            .db_subnet_group("inner")
            .tag_list(Tag::builder().key("Owner").value("web").build());
        let record = record(described.build());
        assert_eq!((record.id.as_str(), record.settled), ("books", true));
        assert_eq!(record.arn.to_string(), "arn:aws:rds:eu-west-1:111122223333:cluster:books");
        assert_eq!(record.tags["Owner"], "web");
        let config = serde_json::to_value(&record.config).unwrap();
        for (field, value) in [
            ("DBClusterIdentifier", json!("books")),
            ("Status", json!("available")),
            ("StorageEncrypted", json!(false)),
            ("PubliclyAccessible", json!(null)),
            ("InternetAccessGatewayEnabled", json!(null)),
            ("ReadReplicaIdentifiers", json!(["far"])),
            ("DbClusterResourceId", json!("cluster-ABC")),
            ("DBSubnetGroup", json!("inner")),
            (
                "DBClusterMembers",
                json!([
                    {"DBInstanceIdentifier": "books-1", "IsClusterWriter": true},
                    {"DBInstanceIdentifier": "books-2", "IsClusterWriter": false},
                ]),
            ),
        ] {
            assert_eq!(config[field], value, "{field}");
        }
        for field in ["VpcId", "DBClusterSnapshots"] {
            assert_eq!(config.get(field), None, "what only a closer look tells is not there as if it were nothing");
        }
    }

    #[test]
    fn a_cluster_has_settled_when_its_configuration_stays() {
        for (status, settled) in [
            ("available", true),
            ("backing-up", true),
            ("stopping", true),
            ("stopped", true),
            ("deleting", true),
            ("creating", false),
            ("modifying", false),
            ("starting", false),
            ("promoting", false),
        ] {
            let described = Described::builder().db_cluster_identifier("books").status(status).build();
            let record = record(described);
            assert_eq!(record.settled, settled, "{status}");
            assert_eq!(record.arn.to_string(), "arn:aws-cn:rds:eu-west-1:111122223333:cluster:books");
        }
    }
}
