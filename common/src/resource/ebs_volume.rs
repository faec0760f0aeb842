//! `ebs_volume`: a volume, as `DescribeVolumes` gives it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::InstanceState;

/// A volume. `id` is its volume id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Volume {
    /// `vol-...`.
    pub volume_id: String,
    /// In GiB.
    pub size: Option<i32>,
    /// `gp3`, `io2`, ...
    pub volume_type: Option<String>,
    /// Input and output operations a second.
    pub iops: Option<i32>,
    /// In MiB a second; `gp3` alone has it.
    pub throughput: Option<i32>,
    /// Whether several instances may have it at once.
    pub multi_attach_enabled: Option<bool>,
    /// `in-use`, `available`, `creating`, ...
    pub state: Option<String>,
    /// When it was made.
    pub create_time: Option<Timestamp>,
    /// Where it is.
    pub availability_zone: Option<String>,
    /// The snapshot that it was made from.
    pub snapshot_id: Option<String>,
    /// Whether it is encrypted.
    pub encrypted: Option<bool>,
    /// The key that encrypts it.
    pub kms_key_id: Option<String>,
    /// What it is attached to.
    pub attachments: Vec<VolumeAttachment>,
    /// Those instances, by id (`DescribeInstances`). Only a closer look at a volume has them, for what is done to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attached_instances: Option<Vec<AttachedInstance>>,
}

/// An instance that the volume is attached to.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct VolumeAttachment {
    /// `i-...`.
    pub instance_id: Option<String>,
    /// Such as `/dev/xvda`.
    pub device: Option<String>,
    /// `attached`, `attaching`, ...
    pub state: Option<String>,
    /// Whether it goes with the instance.
    pub delete_on_termination: Option<bool>,
}

/// What matters of an instance to whoever takes a volume from it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct AttachedInstance {
    /// `i-...`.
    pub instance_id: String,
    /// Whether it runs.
    pub state: InstanceState,
    /// Where its root volume is, such as `/dev/xvda`.
    pub root_device_name: Option<String>,
    /// `ebs` or `instance-store`: the latter cannot be stopped.
    pub root_device_type: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}
