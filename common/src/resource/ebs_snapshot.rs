//! `ebs_snapshot`: a snapshot of one's own, as `DescribeSnapshots` and `DescribeSnapshotAttribute` give it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A snapshot of a volume. `id` is its snapshot id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Snapshot {
    /// `snap-...`.
    pub snapshot_id: String,
    /// The volume that it was taken of.
    pub volume_id: Option<String>,
    /// In GiB.
    pub volume_size: Option<i32>,
    /// `completed`, `pending`, `error`, `recoverable` or `recovering`.
    pub state: Option<String>,
    /// When it was begun.
    pub start_time: Option<Timestamp>,
    /// What its maker said of it.
    pub description: Option<String>,
    /// Whether it is encrypted.
    pub encrypted: Option<bool>,
    /// The key that encrypts it.
    pub kms_key_id: Option<String>,
    /// `standard` or `archive`. AWS ends the sharing of what it archives.
    pub storage_tier: Option<String>,
    /// Who may make a volume of it beside its owner.
    pub create_volume_permissions: Vec<CreateVolumePermission>,
}

/// Somebody who may make a volume of the snapshot: one of the fields says who.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct CreateVolumePermission {
    /// `all`: everyone.
    pub group: Option<String>,
    /// An account.
    pub user_id: Option<String>,
}
