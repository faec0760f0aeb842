//! `rds_cluster`: a database cluster (Aurora, Multi-AZ), as `DescribeDBClusters` gives it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A database cluster. `id` is its identifier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct DbCluster {
    /// Its identifier.
    #[serde(rename = "DBClusterIdentifier")]
    pub db_cluster_identifier: String,
    /// `available`, `stopped`, `creating`, `modifying`, ...
    pub status: String,
    /// `aurora-mysql`, ...
    pub engine: Option<String>,
    /// Such as `8.0.mysql_aurora.3.05.2`.
    pub engine_version: Option<String>,
    /// `provisioned`, `serverless`, ...
    pub engine_mode: Option<String>,
    /// When it was made.
    pub cluster_create_time: Option<Timestamp>,
    /// Whether its storage is encrypted.
    pub storage_encrypted: Option<bool>,
    /// The key that encrypts it.
    pub kms_key_id: Option<String>,
    /// Whether it has an address on the internet (Multi-AZ clusters alone; Aurora's instances have their own).
    pub publicly_accessible: Option<bool>,
    /// Where clients write.
    pub endpoint: Option<String>,
    /// Whether it can be deleted.
    pub deletion_protection: Option<bool>,
    /// Its instances.
    #[serde(rename = "DBClusterMembers")]
    pub db_cluster_members: Vec<DbClusterMember>,
    /// The ids of its security groups.
    pub vpc_security_groups: Vec<String>,
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
}
