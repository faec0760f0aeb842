//! Snapshots of database instances.

use serde_json::{Value, json};
use tests::fix::{FIX, Fix, call, goes_there_and_back};
use tests::stage::{Stage, statuses, text};
use tests::task::{disabled_and_back, killed, task};

const KIND: Fix = Fix { kind: "rds_snapshot", check: "rds_snapshot_public", ..FIX };

fn removed(snapshot: &Value, who: &Value) -> Vec<Value> {
    let parameters =
        json!({"DBSnapshotIdentifier": snapshot["id"], "AttributeName": "restore", "ValuesToRemove": [who]});
    call("rds:ModifyDBSnapshotAttribute", &parameters)
}

/// The account that it is shared with.
fn stranger(snapshot: &Value) -> &Value {
    let mut values = snapshot["config"]["DBSnapshotAttributes"][0]["AttributeValues"].as_array().unwrap().iter();
    values.find(|value| **value != "all").unwrap()
}

/// Those who may restore it.
fn restorers(config: &mut Value) -> &mut Vec<Value> {
    config["DBSnapshotAttributes"][0]["AttributeValues"].as_array_mut().unwrap()
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
            check: "rds_snapshot_shared",
            calls: |snapshot| removed(snapshot, stranger(snapshot)),
            change: |config| restorers(config).retain(|value| value == "all"),
            ..KIND
        });
    }
}

/// The one that is shared with everyone and a stranger.
fn shared(stage: &Stage) -> Value {
    let arn = stage.arn("shared with everyone and a stranger");
    stage.poll_all().matching(&json!({"kind": "resource", "arn": arn})).remove(0)
}

#[test]
fn disable() {
    let stage = Stage::of("rds_snapshot");
    let snapshot = shared(&stage);
    let parameters = json!({
        "DBSnapshotIdentifier": snapshot["id"], "AttributeName": "restore", "ValuesToRemove": [stranger(&snapshot), "all"],
    });
    let calls = call("rds:ModifyDBSnapshotAttribute", &parameters);
    disabled_and_back(&stage, &snapshot, &calls, |config| restorers(config).clear(), || ());
}

#[test]
fn kill() {
    let stage = Stage::of("rds_snapshot");
    let snapshot = shared(&stage);
    let mut automated = task(&snapshot, &json!("kill"));
    automated["id"] = json!("rds:shop-2026-11-20-03-04");
    automated["arn"] = Value::Null;
    let failed = stage.run(stage.apply(automated.to_string()).arg("--irreversible")).exits(1).records();
    assert_eq!(statuses(&failed), ["failed"], "{failed:?}");
    assert!(text(&failed[0]["reason"]).contains("looks after it by itself"), "{failed:?}");
    let calls = call("rds:DeleteDBSnapshot", &json!({"DBSnapshotIdentifier": snapshot["id"]}));
    killed(&stage, &snapshot, &json!("kill"), &calls);
}
