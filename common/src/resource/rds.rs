//! `rds`: a database instance, as `DescribeDBInstances` gives it.

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
    /// The cluster that it is a part of.
    #[serde(rename = "DBClusterIdentifier")]
    pub db_cluster_identifier: Option<String>,
    /// `db.t3.micro`, ...
    #[serde(rename = "DBInstanceClass")]
    pub db_instance_class: Option<String>,
    /// `available`, `stopped`, `creating`, `modifying`, ...
    #[serde(rename = "DBInstanceStatus")]
    pub db_instance_status: String,
    /// `mysql`, `postgres`, ...
    pub engine: Option<String>,
    /// Such as `8.0.35`.
    pub engine_version: Option<String>,
    /// When it was made; `null` while it is being made.
    pub instance_create_time: Option<Timestamp>,
    /// Whether its storage is encrypted.
    pub storage_encrypted: Option<bool>,
    /// The key that encrypts it.
    pub kms_key_id: Option<String>,
    /// Whether it has an address on the internet.
    pub publicly_accessible: Option<bool>,
    /// Where clients connect.
    pub endpoint: Option<DbEndpoint>,
    /// Whether it has a standby in another zone.
    #[serde(rename = "MultiAZ")]
    pub multi_az: Option<bool>,
    /// Whether it can be deleted.
    pub deletion_protection: Option<bool>,
    /// The instance that it is a replica of.
    #[serde(rename = "ReadReplicaSourceDBInstanceIdentifier")]
    pub read_replica_source_db_instance_identifier: Option<String>,
    /// Its replicas.
    #[serde(rename = "ReadReplicaDBInstanceIdentifiers")]
    pub read_replica_db_instance_identifiers: Vec<String>,
    /// The ids of its security groups.
    pub vpc_security_groups: Vec<String>,
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
