//! `rds_snapshot` and `rds_cluster_snapshot`: snapshots that somebody took (`SnapshotType` `manual`; automated ones cannot be
//! shared), with those who may restore them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A snapshot of a database instance. `id` is its identifier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct DbSnapshot {
    /// Its identifier.
    #[serde(rename = "DBSnapshotIdentifier")]
    pub db_snapshot_identifier: String,
    /// The instance that it was taken of.
    #[serde(rename = "DBInstanceIdentifier")]
    pub db_instance_identifier: Option<String>,
    /// `manual`.
    pub snapshot_type: Option<String>,
    /// `available`, `creating`, ...
    pub status: Option<String>,
    /// When it was taken.
    pub snapshot_create_time: Option<Timestamp>,
    /// `mysql`, `postgres`, ...
    pub engine: Option<String>,
    /// Its version.
    pub engine_version: Option<String>,
    /// In GiB.
    pub allocated_storage: Option<i32>,
    /// Where it was copied from, if it was: an ARN.
    #[serde(rename = "SourceDBSnapshotIdentifier")]
    pub source_db_snapshot_identifier: Option<String>,
    /// Whether it is encrypted.
    pub encrypted: Option<bool>,
    /// The key that encrypts it.
    pub kms_key_id: Option<String>,
    /// Who may do what with it.
    #[serde(rename = "DBSnapshotAttributes")]
    pub db_snapshot_attributes: Vec<SnapshotAttribute>,
}

/// A snapshot of a database cluster. `id` is its identifier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct DbClusterSnapshot {
    /// Its identifier.
    #[serde(rename = "DBClusterSnapshotIdentifier")]
    pub db_cluster_snapshot_identifier: String,
    /// The cluster that it was taken of.
    #[serde(rename = "DBClusterIdentifier")]
    pub db_cluster_identifier: Option<String>,
    /// `manual`.
    pub snapshot_type: Option<String>,
    /// `available`, `creating`, ...
    pub status: Option<String>,
    /// When it was taken.
    pub snapshot_create_time: Option<Timestamp>,
    /// `aurora-mysql`, ...; `docdb` and `neptune` too, which share RDS's API.
    pub engine: Option<String>,
    /// Its version.
    pub engine_version: Option<String>,
    /// In GiB.
    pub allocated_storage: Option<i32>,
    /// Where it was copied from, if it was.
    #[serde(rename = "SourceDBClusterSnapshotArn")]
    pub source_db_cluster_snapshot_arn: Option<String>,
    /// Whether it is encrypted.
    pub storage_encrypted: Option<bool>,
    /// The key that encrypts it.
    pub kms_key_id: Option<String>,
    /// Who may do what with it.
    #[serde(rename = "DBClusterSnapshotAttributes")]
    pub db_cluster_snapshot_attributes: Vec<SnapshotAttribute>,
}

/// What is allowed to whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct SnapshotAttribute {
    /// `restore`.
    pub attribute_name: Option<String>,
    /// Account ids, or `all`.
    pub attribute_values: Vec<String>,
}
