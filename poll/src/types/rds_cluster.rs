//! `rds_cluster`: `DescribeDBClusters`, which tells all at once, and lists the clusters of Neptune and DocumentDB as well.

use aws_sdk_rds::types::DbCluster as Described;
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{Operation, RDS_DESCRIBE_DB_CLUSTERS};
use common::record::Resource;
use common::resource::{DbCluster, DbClusterMember};

use super::rds::{rds_tags, security_groups, sorted};
use super::{Owner, Polled, time};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::Sink;

impl Polled for DbCluster {
    const LIST: &'static [Operation] = &[RDS_DESCRIBE_DB_CLUSTERS];
    const LOOK: &'static [Operation] = &[RDS_DESCRIBE_DB_CLUSTERS];

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
        })
        .collect();
    members.sort_unstable();
    let config = DbCluster {
        db_cluster_identifier: id.clone(),
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
        vpc_security_groups: security_groups(it.vpc_security_groups),
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
