//! The checks of snapshots of volumes: see `shares` for the cases.

use common::resource::Snapshot;
use serde_json::{Value, json};

use super::Example;
use super::shares::shared;

impl Example for Snapshot {
    const ARN: &'static str = "arn:aws:ec2:eu-west-1::snapshot/snap-0abc";
    const IDS: &'static [&'static str] = &["ebs_snapshot_public", "ebs_snapshot_shared"];

    fn healthy() -> Value {
        json!({"SnapshotId": "snap-0abc", "State": "completed", "CreateVolumePermissions": []})
    }

    fn rotten() -> Value {
        shared::<Self>(&["all", "444455556666"])
    }
}
