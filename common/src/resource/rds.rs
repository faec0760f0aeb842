//! `rds`: a database instance, as `DescribeDBInstances` gives it: one of RDS, or a member of a cluster of Aurora, Neptune or
//! DocumentDB, which share that API.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A database instance. `id` is its identifier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct DbInstance {
    /// Its identifier.
    #[serde(rename = "DBInstanceIdentifier")]
    pub db_instance_identifier: String,
    /// What it goes by as long as it exists, whatever its identifier: `db-ABCDEFGHIJKLMNOPQRSTUVWXYZ`.
    pub dbi_resource_id: Option<String>,
    /// The cluster that it is a part of.
    #[serde(rename = "DBClusterIdentifier")]
    pub db_cluster_identifier: Option<String>,
    /// `db.t3.micro`, ...
    #[serde(rename = "DBInstanceClass")]
    pub db_instance_class: Option<String>,
    /// `available`, `stopped`, `creating`, `modifying`, ...
    #[serde(rename = "DBInstanceStatus")]
    pub db_instance_status: String,
    /// `mysql`, `postgres`, `aurora-mysql`, `neptune`, `docdb`, ...
    pub engine: Option<String>,
    /// Such as `8.0.35`.
    pub engine_version: Option<String>,
    /// When it was made; `null` while it is being made.
    pub instance_create_time: Option<Timestamp>,
    /// When AWS starts it again, if it is stopped: seven days after it was.
    pub automatic_restart_time: Option<Timestamp>,
    /// Whether its storage is encrypted.
    pub storage_encrypted: Option<bool>,
    /// The key that encrypts it.
    pub kms_key_id: Option<String>,
    /// Whether it has an address on the internet.
    pub publicly_accessible: Option<bool>,
    /// Where clients connect.
    pub endpoint: Option<DbEndpoint>,
    /// Its zone.
    pub availability_zone: Option<String>,
    /// Whether it has a standby in another zone.
    #[serde(rename = "MultiAZ")]
    pub multi_az: Option<bool>,
    /// Whether deleting it is refused.
    pub deletion_protection: Option<bool>,
    /// For how many days its backups are kept; 0 where none are made.
    pub backup_retention_period: Option<i32>,
    /// Whether minor versions of the engine are installed by themselves.
    pub auto_minor_version_upgrade: Option<bool>,
    /// Whether users may sign in with IAM.
    #[serde(rename = "IAMDatabaseAuthenticationEnabled")]
    pub iam_database_authentication_enabled: Option<bool>,
    /// The instance that it is a replica of.
    #[serde(rename = "ReadReplicaSourceDBInstanceIdentifier")]
    pub read_replica_source_db_instance_identifier: Option<String>,
    /// The cluster that it is a replica of.
    #[serde(rename = "ReadReplicaSourceDBClusterIdentifier")]
    pub read_replica_source_db_cluster_identifier: Option<String>,
    /// Its replicas that are instances.
    #[serde(rename = "ReadReplicaDBInstanceIdentifiers")]
    pub read_replica_db_instance_identifiers: Vec<String>,
    /// Its replicas that are clusters.
    #[serde(rename = "ReadReplicaDBClusterIdentifiers")]
    pub read_replica_db_cluster_identifiers: Vec<String>,
    /// The subnets that it may be in.
    #[serde(rename = "DBSubnetGroup")]
    pub db_subnet_group: Option<DbSubnetGroup>,
    /// Its security groups.
    pub vpc_security_groups: Vec<VpcSecurityGroup>,
    /// The identifiers of the snapshots that somebody took of it: known from a closer look alone.
    #[serde(rename = "DBSnapshots", skip_serializing_if = "Option::is_none")]
    pub db_snapshots: Option<Vec<String>>,
}

/// Subnets of a VPC for databases.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct DbSubnetGroup {
    /// Its name.
    #[serde(rename = "DBSubnetGroupName")]
    pub db_subnet_group_name: Option<String>,
    /// The VPC.
    pub vpc_id: Option<String>,
}

/// Where clients connect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct DbEndpoint {
    /// A host name.
    pub address: Option<String>,
    /// A port.
    pub port: Option<i32>,
}

/// A security group of a database.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct VpcSecurityGroup {
    /// `sg-...`.
    pub vpc_security_group_id: Option<String>,
    /// `active`, `adding`, `removing`.
    pub status: Option<String>,
}

/// The ids of the security groups that a database is in, or comes into.
pub(super) fn security_group_ids(groups: &[VpcSecurityGroup]) -> Vec<String> {
    let present = groups.iter().filter(|group| group.status.as_deref() != Some("removing"));
    present.filter_map(|group| group.vpc_security_group_id.clone()).collect()
}

impl VpcSecurityGroup {
    /// The group of this id, in effect.
    pub fn active(id: &str) -> Self {
        Self { vpc_security_group_id: Some(id.to_owned()), status: Some("active".to_owned()) }
    }
}

impl DbInstance {
    /// Why RDS cannot stop it, whatever its status is, as far as its configuration tells: a fragment that goes on from
    /// "it". Those that [the page of AWS][page] names, and RDS Custom for Oracle, whose own page names it.
    ///
    /// [page]: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_StopInstance.html
    pub fn why_it_cannot_stop(&self) -> Option<String> {
        let engine = self.engine.as_deref().unwrap_or_default();
        if let Some(cluster) = self.cluster() {
            return Some(format!("can be stopped only with its cluster {cluster}"));
        }
        if let Some(source) = self.replica_of() {
            return Some(format!("cannot be stopped, being a read replica of {source}"));
        }
        let mut replicas =
            self.read_replica_db_instance_identifiers.iter().chain(&self.read_replica_db_cluster_identifiers);
        if let Some(replica) = replicas.next() {
            return Some(format!("cannot be stopped while it has a read replica ({replica})"));
        }
        if self.multi_az == Some(true) && (engine.starts_with("sqlserver") || engine.starts_with("custom-sqlserver")) {
            return Some("cannot be stopped, being SQL Server in several zones (Multi-AZ)".to_owned());
        }
        engine.starts_with("custom-oracle").then(|| "cannot be stopped, being RDS Custom for Oracle".to_owned())
    }

    /// Why RDS cannot change its `PubliclyAccessible`, whatever its status is: a fragment that goes on from "it". That of a
    /// member of a Multi-AZ cluster is its cluster's, where it was settled for good. See
    /// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/modify-multi-az-db-cluster.html>.
    pub fn why_its_address_stays(&self) -> Option<String> {
        let cluster = self.multi_az_cluster()?;
        Some(format!("keeps the address that its Multi-AZ cluster {cluster} was created with"))
    }

    /// The cluster that it is a part of.
    pub fn cluster(&self) -> Option<&str> {
        self.db_cluster_identifier.as_deref().filter(|cluster| !cluster.is_empty())
    }

    /// The same where the cluster is a Multi-AZ one, which has its instances to itself.
    pub fn multi_az_cluster(&self) -> Option<&str> {
        self.cluster().filter(|_| !self.engine.as_deref().is_some_and(has_own_members))
    }

    /// The instance or cluster that it is a read replica of.
    pub fn replica_of(&self) -> Option<&str> {
        let sources =
            [&self.read_replica_source_db_instance_identifier, &self.read_replica_source_db_cluster_identifier];
        sources.into_iter().flatten().map(String::as_str).find(|source| !source.is_empty())
    }

    /// Whether it is RDS Custom, of whichever engine.
    pub fn is_custom(&self) -> bool {
        self.engine.as_deref().is_some_and(|engine| engine.starts_with("custom-"))
    }

    /// The ids of the security groups that it is in, or comes into.
    pub fn security_group_ids(&self) -> Vec<String> {
        security_group_ids(&self.vpc_security_groups)
    }
}

/// Whether an engine's clusters are made of instances that are created and changed one by one (Aurora, Neptune,
/// DocumentDB). The others are Multi-AZ clusters, of RDS's own MySQL and PostgreSQL.
pub(super) fn has_own_members(engine: &str) -> bool {
    engine.starts_with("aurora") || matches!(engine, "neptune" | "docdb")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn instance(fields: Value) -> DbInstance {
        serde_json::from_value(fields).unwrap()
    }

    #[test]
    fn what_rds_cannot_stop_is_known() {
        for (fields, why) in [
            (json!({"Engine": "mysql"}), None),
            (json!({}), None),
            (json!({"Engine": "postgres", "MultiAZ": true}), None),
            (json!({"Engine": "sqlserver-se", "MultiAZ": false}), None),
            (json!({"Engine": "sqlserver-se"}), None),
            (json!({"Engine": "sqlserver-se", "MultiAZ": true}), Some("SQL Server")),
            (json!({"Engine": "custom-sqlserver-ee", "MultiAZ": true}), Some("SQL Server")),
            (json!({"Engine": "custom-oracle-ee"}), Some("RDS Custom for Oracle")),
            (json!({"Engine": "oracle-ee"}), None),
            (json!({"Engine": "mysql", "ReadReplicaDBInstanceIdentifiers": ["shop-2"]}), Some("shop-2")),
            (json!({"Engine": "mysql", "ReadReplicaDBClusterIdentifiers": ["shop-3"]}), Some("shop-3")),
            (json!({"Engine": "mysql", "ReadReplicaSourceDBInstanceIdentifier": "shop-1"}), Some("replica of shop-1")),
            (json!({"Engine": "mysql", "ReadReplicaSourceDBInstanceIdentifier": ""}), None),
            (json!({"Engine": "mysql", "ReadReplicaSourceDBClusterIdentifier": "shop-0"}), Some("replica of shop-0")),
            (json!({"Engine": "docdb", "DBClusterIdentifier": "books"}), Some("its cluster books")),
            (json!({"Engine": "mysql", "DBClusterIdentifier": ""}), None),
        ] {
            let said = instance(fields.clone()).why_it_cannot_stop();
            match why {
                None => assert_eq!(said, None, "{fields}"),
                Some(why) => assert!(said.as_ref().is_some_and(|said| said.contains(why)), "{fields}: {said:?}"),
            }
        }
    }

    #[test]
    fn only_the_members_of_multi_az_clusters_keep_their_address() {
        for (engine, cluster, stays) in [
            ("mysql", None, false),
            ("mysql", Some("shop"), true),
            ("postgres", Some("shop"), true),
            ("aurora-postgresql", Some("shop"), false),
            ("aurora", Some("shop"), false),
            ("neptune", Some("shop"), false),
            ("docdb", Some("shop"), false),
        ] {
            let instance = instance(json!({"Engine": engine, "DBClusterIdentifier": cluster}));
            assert_eq!(instance.why_its_address_stays().is_some(), stays, "{engine} {cluster:?}");
        }
    }
}
