//! `redshift`: a cluster, as `DescribeClusters` gives it, with what its parameter groups say of TLS.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::rds::{DbEndpoint, VpcSecurityGroup};

/// A Redshift cluster. `id` is its identifier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct RedshiftCluster {
    /// Its identifier.
    pub cluster_identifier: String,
    /// `available`, `creating`, `modifying`, `paused`, ...
    pub cluster_status: String,
    /// `Available`, `Unavailable`, `Maintenance`, `Modifying`, ...
    pub cluster_availability_status: Option<String>,
    /// `ra3.xlplus`, ...
    pub node_type: Option<String>,
    /// How many nodes.
    pub number_of_nodes: Option<i32>,
    /// When it was made; `null` while it is being made.
    pub cluster_create_time: Option<Timestamp>,
    /// Whether it is encrypted.
    pub encrypted: Option<bool>,
    /// The key that encrypts it.
    pub kms_key_id: Option<String>,
    /// Whether it has an address on the internet.
    pub publicly_accessible: Option<bool>,
    /// Where clients connect.
    pub endpoint: Option<DbEndpoint>,
    /// Its VPC.
    pub vpc_id: Option<String>,
    /// Its zone.
    pub availability_zone: Option<String>,
    /// Whether its traffic with S3 stays in the VPC.
    pub enhanced_vpc_routing: Option<bool>,
    /// For how many days its automated snapshots are kept; 0 where none are made.
    pub automated_snapshot_retention_period: Option<i32>,
    /// Whether new versions are installed by themselves.
    pub allow_version_upgrade: Option<bool>,
    /// Its security groups.
    pub vpc_security_groups: Vec<VpcSecurityGroup>,
    /// Its parameter groups.
    pub cluster_parameter_groups: Vec<ClusterParameterGroup>,
}

/// A parameter group of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct ClusterParameterGroup {
    /// Its name.
    pub parameter_group_name: Option<String>,
    /// `in-sync`, or `pending-reboot`, `applying`, ...: only what is in sync is in force.
    pub parameter_apply_status: Option<String>,
    /// The group's parameter `require_ssl`: whether connections without TLS are turned away. `null` where it could not be
    /// read, and where the group does not say.
    pub require_ssl: Option<bool>,
}
