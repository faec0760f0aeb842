//! `rds_cluster`: a database cluster, as `DescribeDBClusters` gives it: Aurora, Multi-AZ, and, since they share that API,
//! Neptune and DocumentDB.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::rds::{VpcSecurityGroup, has_own_members, security_group_ids};

/// A database cluster. `id` is its identifier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct DbCluster {
    /// Its identifier.
    #[serde(rename = "DBClusterIdentifier")]
    pub db_cluster_identifier: String,
    /// What it goes by as long as it exists, whatever its identifier: `cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ`.
    pub db_cluster_resource_id: Option<String>,
    /// `available`, `stopped`, `creating`, `modifying`, ...
    pub status: String,
    /// `aurora-mysql`, `neptune`, `docdb`; of a Multi-AZ cluster `mysql` or `postgres`.
    pub engine: Option<String>,
    /// Such as `8.0.mysql_aurora.3.05.2`.
    pub engine_version: Option<String>,
    /// `provisioned`, `serverless`, ...
    pub engine_mode: Option<String>,
    /// When it was made.
    pub cluster_create_time: Option<Timestamp>,
    /// When AWS starts it again, if it is stopped: seven days after it was.
    pub automatic_restart_time: Option<Timestamp>,
    /// Whether its storage is encrypted.
    pub storage_encrypted: Option<bool>,
    /// The key that encrypts it.
    pub kms_key_id: Option<String>,
    /// Whether it has an address on the internet (Multi-AZ clusters alone; the instances of others have their own).
    pub publicly_accessible: Option<bool>,
    /// Whether it can be reached from the internet through a gateway of AWS's own (Aurora PostgreSQL with express
    /// configuration alone).
    pub internet_access_gateway_enabled: Option<bool>,
    /// Where clients write.
    pub endpoint: Option<String>,
    /// Where clients read.
    pub reader_endpoint: Option<String>,
    /// The port of both.
    pub port: Option<i32>,
    /// Whether deleting it is refused.
    pub deletion_protection: Option<bool>,
    /// For how many days its backups are kept.
    pub backup_retention_period: Option<i32>,
    /// Whether users may sign in with IAM.
    #[serde(rename = "IAMDatabaseAuthenticationEnabled")]
    pub iam_database_authentication_enabled: Option<bool>,
    /// The global database that it is a part of.
    pub global_cluster_identifier: Option<String>,
    /// The cluster or instance that it is a replica of.
    pub replication_source_identifier: Option<String>,
    /// Its replicas.
    pub read_replica_identifiers: Vec<String>,
    /// Its instances.
    #[serde(rename = "DBClusterMembers")]
    pub db_cluster_members: Vec<DbClusterMember>,
    /// The name of the group of subnets that it may be in.
    #[serde(rename = "DBSubnetGroup")]
    pub db_subnet_group: Option<String>,
    /// Its security groups.
    pub vpc_security_groups: Vec<VpcSecurityGroup>,
    /// The VPC of its subnets: known from a closer look alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<String>,
    /// The identifiers of the snapshots that somebody took of it: known from a closer look alone.
    #[serde(rename = "DBClusterSnapshots", skip_serializing_if = "Option::is_none")]
    pub db_cluster_snapshots: Option<Vec<String>>,
}

/// An instance of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct DbClusterMember {
    /// Its identifier.
    #[serde(rename = "DBInstanceIdentifier")]
    pub db_instance_identifier: Option<String>,
    /// Whether it is the one that writes.
    pub is_cluster_writer: Option<bool>,
    /// `available`, `deleting`, ...: known from a closer look alone.
    #[serde(rename = "DBInstanceStatus", skip_serializing_if = "Option::is_none")]
    pub db_instance_status: Option<String>,
    /// Its tags: known from a closer look alone.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

impl DbCluster {
    /// Whether it is a Multi-AZ cluster of RDS itself; `None` where the record does not say its engine.
    pub fn is_multi_az(&self) -> Option<bool> {
        self.engine.as_deref().filter(|engine| !engine.is_empty()).map(|engine| !has_own_members(engine))
    }

    /// The global database that it is a part of.
    pub fn global_cluster(&self) -> Option<&str> {
        self.global_cluster_identifier.as_deref().filter(|global| !global.is_empty())
    }

    /// The ids of the security groups that it is in, or comes into.
    pub fn security_group_ids(&self) -> Vec<String> {
        security_group_ids(&self.vpc_security_groups)
    }

    /// Why RDS cannot stop it, whatever its status is, as far as its configuration tells: a fragment that goes on from
    /// "it". Those that the pages on [Aurora][aurora] and on [Multi-AZ clusters][multi] name.
    ///
    /// [aurora]: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-cluster-stop-start.html
    /// [multi]: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/multi-az-db-clusters-concepts.Limitations.html
    pub fn why_it_cannot_stop(&self) -> Option<String> {
        if self.is_multi_az() == Some(true) {
            return Some("cannot be stopped, being a Multi-AZ cluster".to_owned());
        }
        if let Some(global) = self.global_cluster() {
            return Some(format!("cannot be stopped, being a part of the global database {global}"));
        }
        if let Some(replica) = self.read_replica_identifiers.first() {
            return Some(format!("cannot be stopped while it has a read replica ({replica})"));
        }
        match self.engine_mode.as_deref() {
            Some("serverless") => Some("cannot be stopped, being Aurora Serverless v1".to_owned()),
            Some("global") => Some("cannot be stopped, being a part of a global database".to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_rds_cannot_stop_is_known() {
        for (fields, why) in [
            (json!({"Engine": "aurora-mysql", "EngineMode": "provisioned"}), None),
            (json!({"Engine": "neptune"}), None),
            (json!({"Engine": "docdb", "GlobalClusterIdentifier": ""}), None),
            (json!({"Engine": "mysql"}), Some("Multi-AZ")),
            (json!({"Engine": "aurora-postgresql", "EngineMode": "serverless"}), Some("Serverless v1")),
            (json!({"Engine": "aurora", "EngineMode": "global"}), Some("global database")),
            (json!({"Engine": "aurora-mysql", "GlobalClusterIdentifier": "world"}), Some("global database world")),
            (json!({"Engine": "aurora-mysql", "ReadReplicaIdentifiers": ["far"]}), Some("(far)")),
            (json!({"Engine": "aurora-mysql", "ReplicationSourceIdentifier": "near"}), None),
        ] {
            let cluster: DbCluster = serde_json::from_value(fields.clone()).unwrap();
            let said = cluster.why_it_cannot_stop();
            match why {
                None => assert_eq!(said, None, "{fields}"),
                Some(why) => assert!(said.as_ref().is_some_and(|said| said.contains(why)), "{fields}: {said:?}"),
            }
        }
    }
}
