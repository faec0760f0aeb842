//! Snapshots of database clusters.

use serde_json::{Value, json};
use tests::fix::{FIX, Fix, call, goes_there_and_back};

const KIND: Fix = Fix { kind: "rds_cluster_snapshot", check: "rds_cluster_snapshot_public", ..FIX };

fn removed(snapshot: &Value, who: &Value) -> Vec<Value> {
    let parameters =
        json!({"DBClusterSnapshotIdentifier": snapshot["id"], "AttributeName": "restore", "ValuesToRemove": [who]});
    call("rds:ModifyDBClusterSnapshotAttribute", &parameters)
}

/// The account that it is shared with.
fn stranger(snapshot: &Value) -> &Value {
    let mut values = snapshot["config"]["DBClusterSnapshotAttributes"][0]["AttributeValues"].as_array().unwrap().iter();
    values.find(|value| **value != "all").unwrap()
}

/// Those who may restore it.
fn restorers(config: &mut Value) -> &mut Vec<Value> {
    config["DBClusterSnapshotAttributes"][0]["AttributeValues"].as_array_mut().unwrap()
}

#[test]
fn unshare_with_everyone() {
    for what in ["shared with everyone", "shared with everyone and a stranger"] {
        goes_there_and_back(&Fix {
            what,
            calls: |snapshot| removed(snapshot, &json!("all")),
            change: |config| restorers(config).retain(|value| value != "all"),
            ..KIND
        });
    }
}

#[test]
fn unshare_with_a_stranger() {
    for what in ["shared with a stranger", "shared with everyone and a stranger"] {
        goes_there_and_back(&Fix {
            what,
            check: "rds_cluster_snapshot_shared",
            calls: |snapshot| removed(snapshot, stranger(snapshot)),
            change: |config| restorers(config).retain(|value| value == "all"),
            ..KIND
        });
    }
}
