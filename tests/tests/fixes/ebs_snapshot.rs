//! Snapshots of volumes.

use serde_json::{Value, json};
use tests::fix::{FIX, Fix, call, goes_there_and_back};

const KIND: Fix = Fix { kind: "ebs_snapshot", check: "ebs_snapshot_public", ..FIX };

fn removed(snapshot: &Value, field: &str, who: &Value) -> Vec<Value> {
    let parameters = json!({
        "SnapshotId": snapshot["id"], "Attribute": "createVolumePermission", "OperationType": "remove", field: [who],
    });
    call("ec2:ModifySnapshotAttribute", &parameters)
}

/// The account that it is shared with.
fn stranger(snapshot: &Value) -> &Value {
    let mut permissions = snapshot["config"]["CreateVolumePermissions"].as_array().unwrap().iter();
    permissions.find_map(|permission| permission.get("UserId").filter(|id| id.is_string())).unwrap()
}

/// The permissions without those that name somebody in a field.
fn without(config: &mut Value, field: &str) {
    config["CreateVolumePermissions"].as_array_mut().unwrap().retain(|permission| permission[field].is_null());
}

#[test]
fn unshare_with_everyone() {
    for what in ["shared with everyone", "shared with everyone and a stranger"] {
        goes_there_and_back(&Fix {
            what,
            calls: |snapshot| removed(snapshot, "GroupNames", &json!("all")),
            change: |config| without(config, "Group"),
            ..KIND
        });
    }
}

#[test]
fn unshare_with_a_stranger() {
    for what in ["shared with a stranger", "shared with everyone and a stranger"] {
        goes_there_and_back(&Fix {
            what,
            check: "ebs_snapshot_shared",
            calls: |snapshot| removed(snapshot, "UserIds", stranger(snapshot)),
            change: |config| without(config, "UserId"),
            ..KIND
        });
    }
}
