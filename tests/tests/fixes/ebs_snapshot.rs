//! Snapshots of volumes.

use serde_json::{Value, json};
use tests::fix::{FIX, Fix, call, goes_there_and_back};
use tests::stage::{Stage, resources};
use tests::task::{has_failed, is_done_and_undone, is_killed, operations, task};
use tests::{Emulator, Proxy};

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

/// The record of what is shared with everyone and a stranger.
fn shared(stage: &Stage) -> Value {
    let arn = stage.arn("shared with everyone and a stranger");
    resources(&stage.poll()).into_iter().find(|resource| resource["arn"] == arn).unwrap()
}

#[test]
fn disable_shares_a_snapshot_with_nobody_and_then_with_the_same() {
    let stage = Stage::of("ebs_snapshot");
    let (outcome, between) = is_done_and_undone(&stage, &task(&shared(&stage), &json!("disable")), &[]);
    assert_eq!(operations(&outcome), ["ModifySnapshotAttribute"]);
    assert_eq!(between["config"]["CreateVolumePermissions"], json!([]));
}

#[test]
fn kill_deletes_a_snapshot_unless_an_image_uses_it() {
    let stage = Stage::of("ebs_snapshot");
    let kill = task(&shared(&stage), &json!("kill"));
    let why = "The snapshot is currently in use by ami-0123456789abcdef0";
    let proxy = Proxy::new(Emulator::shared()).fail("ec2:DeleteSnapshot", 400, "InvalidSnapshot.InUse", why);
    has_failed(&stage.through(&proxy), &kill, why);
    assert_eq!(operations(&is_killed(&stage, &kill)), ["DeleteSnapshot"]);
}
