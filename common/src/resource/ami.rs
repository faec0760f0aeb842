//! `ami`: an image of one's own, as `DescribeImages` and `DescribeImageAttribute` give it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A machine image. `id` is its image id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Image {
    /// `ami-...`.
    pub image_id: String,
    /// Its name.
    pub name: Option<String>,
    /// What its maker said of it.
    pub description: Option<String>,
    /// `available`, `pending`, `failed`, `disabled`, ...
    pub state: Option<String>,
    /// When it was made.
    pub creation_date: Option<Timestamp>,
    /// From when on it is not offered any more to those with whom it is shared.
    pub deprecation_time: Option<Timestamp>,
    /// The image that it was copied from.
    pub source_image_id: Option<String>,
    /// The instance that it was made from.
    pub source_instance_id: Option<String>,
    /// `x86_64`, `arm64`, ...
    pub architecture: Option<String>,
    /// `Linux/UNIX`, `Windows`, ...
    pub platform_details: Option<String>,
    /// `ebs` or `instance-store`.
    pub root_device_type: Option<String>,
    /// Whether everyone may start it, as `DescribeImages` says it.
    pub public: Option<bool>,
    /// Its volumes' snapshots.
    pub block_device_mappings: Vec<ImageDevice>,
    /// Who may start it beside its owner. Nobody may start what is `disabled`.
    pub launch_permissions: Vec<LaunchPermission>,
}

/// A volume that the image brings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct ImageDevice {
    /// Such as `/dev/xvda`.
    pub device_name: Option<String>,
    /// The snapshot that it is made from.
    pub snapshot_id: Option<String>,
    /// Whether it is encrypted.
    pub encrypted: Option<bool>,
}

/// Somebody who may start the image: one of the fields says who.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct LaunchPermission {
    /// `all`: everyone.
    pub group: Option<String>,
    /// An account.
    pub user_id: Option<String>,
    /// An organization, by its ARN.
    pub organization_arn: Option<String>,
    /// An organizational unit, by its ARN.
    pub organizational_unit_arn: Option<String>,
}
