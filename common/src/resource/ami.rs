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
    /// `available`, `pending`, `failed`, ...
    pub state: Option<String>,
    /// When it was made.
    pub creation_date: Option<Timestamp>,
    /// `x86_64`, `arm64`, ...
    pub architecture: Option<String>,
    /// `ebs` or `instance-store`.
    pub root_device_type: Option<String>,
    /// Whether everyone may start it.
    pub public: Option<bool>,
    /// Its volumes' snapshots.
    pub block_device_mappings: Vec<ImageDevice>,
    /// Who may start it beside its owner.
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
