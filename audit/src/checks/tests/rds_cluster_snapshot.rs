//! The checks of snapshots of database clusters: see `shares` for the cases.

use common::resource::DbClusterSnapshot;
use serde_json::{Value, json};

use super::Example;
use super::shares::shared;

impl Example for DbClusterSnapshot {
    const ARN: &'static str = "arn:aws:rds:eu-west-1:111122223333:cluster-snapshot:shop-1";
    const IDS: &'static [&'static str] = &["rds_cluster_snapshot_public", "rds_cluster_snapshot_shared"];

    fn healthy() -> Value {
        json!({"DBClusterSnapshotIdentifier": "shop-1", "Status": "available", "DBClusterSnapshotAttributes": []})
    }

    fn rotten() -> Value {
        shared::<Self>(&["all", "444455556666"])
    }
}
