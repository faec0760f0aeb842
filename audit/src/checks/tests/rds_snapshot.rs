//! The checks of snapshots of database instances: see `shares` for the cases.

use common::resource::DbSnapshot;
use serde_json::{Value, json};

use super::Example;
use super::shares::shared;

impl Example for DbSnapshot {
    const ARN: &'static str = "arn:aws:rds:eu-west-1:111122223333:snapshot:shop-1";
    const IDS: &'static [&'static str] = &["rds_snapshot_public", "rds_snapshot_shared"];

    fn healthy() -> Value {
        json!({"DBSnapshotIdentifier": "shop-1", "Status": "available", "DBSnapshotAttributes": []})
    }

    fn rotten() -> Value {
        shared::<Self>(&["all", "444455556666"])
    }
}
