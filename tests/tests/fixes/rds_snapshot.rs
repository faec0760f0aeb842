//! Snapshots of database instances, and what is tried on those of clusters as well.

use serde_json::{Value, json};
use tests::fix::{FIX, Fix, call, goes_there_and_back};
use tests::stage::{Stage, statuses, text};
use tests::task::{disabled_and_back, killed, task};

const PUBLIC: Fix = Fix { kind: "rds_snapshot", check: "rds_snapshot_public", ..FIX };
const SHARED: Fix = Fix { check: "rds_snapshot_shared", ..PUBLIC };

/// What the API calls it.
fn noun(snapshot: &Value) -> &'static str {
    if snapshot["type"] == "rds_cluster_snapshot" { "DBClusterSnapshot" } else { "DBSnapshot" }
}

fn removed(snapshot: &Value, who: &[&Value]) -> Vec<Value> {
    let noun = noun(snapshot);
    let parameters = json!({
        format!("{noun}Identifier"): snapshot["id"], "AttributeName": "restore", "ValuesToRemove": who,
    });
    call(&format!("rds:Modify{noun}Attribute"), &parameters)
}

/// The account that it is shared with.
fn stranger(snapshot: &Value) -> &Value {
    let attributes = &snapshot["config"][format!("{}Attributes", noun(snapshot))];
    let mut values = attributes[0]["AttributeValues"].as_array().unwrap().iter();
    values.find(|value| **value != "all").unwrap()
}

/// Those who may restore it.
fn restorers(config: &mut Value) -> &mut Vec<Value> {
    let mut fields = config.as_object_mut().unwrap().iter_mut();
    let (_, attributes) = fields.find(|(field, _)| field.ends_with("SnapshotAttributes")).unwrap();
    attributes[0]["AttributeValues"].as_array_mut().unwrap()
}

/// Such a snapshot is no longer shared with everyone, and with the others as before.
pub(crate) fn unshares_with_everyone(public: &Fix) {
    for what in ["shared with everyone", "shared with everyone and a stranger"] {
        goes_there_and_back(&Fix {
            what,
            calls: |snapshot| removed(snapshot, &[&json!("all")]),
            change: |config| restorers(config).retain(|value| value != "all"),
            ..*public
        });
    }
}

/// Such a snapshot is no longer shared with a stranger, and with everyone as before.
pub(crate) fn unshares_with_a_stranger(shared: &Fix) {
    for what in ["shared with a stranger", "shared with everyone and a stranger"] {
        goes_there_and_back(&Fix {
            what,
            calls: |snapshot| removed(snapshot, &[stranger(snapshot)]),
            change: |config| restorers(config).retain(|value| value == "all"),
            ..*shared
        });
    }
}

/// The one that is shared with everyone and a stranger.
fn shared(stage: &Stage) -> Value {
    let arn = stage.arn("shared with everyone and a stranger");
    stage.poll_all().matching(&json!({"kind": "resource", "arn": arn})).remove(0)
}

/// Disabled, such a snapshot is shared with nobody.
pub(crate) fn disables(kind: &str) {
    let stage = Stage::of(kind);
    let snapshot = shared(&stage);
    let calls = removed(&snapshot, &[stranger(&snapshot), &json!("all")]);
    disabled_and_back(&stage, &snapshot, &calls, |config| restorers(config).clear(), || ());
}

/// Such a snapshot is deleted, unless AWS made it.
pub(crate) fn kills(kind: &str) {
    let stage = Stage::of(kind);
    let snapshot = shared(&stage);
    let mut automated = task(&snapshot, &json!("kill"));
    automated["id"] = json!("rds:shop-2026-11-20-03-04");
    automated["arn"] = Value::Null;
    let failed = stage.run(stage.apply(automated.to_string()).arg("--irreversible")).exits(1).records();
    assert_eq!(statuses(&failed), ["failed"], "{failed:?}");
    assert!(text(&failed[0]["reason"]).contains("looks after it by itself"), "{failed:?}");
    let noun = noun(&snapshot);
    let calls = call(&format!("rds:Delete{noun}"), &json!({format!("{noun}Identifier"): snapshot["id"]}));
    killed(&stage, &snapshot, &json!("kill"), &calls);
}

#[test]
fn unshare_with_everyone() {
    unshares_with_everyone(&PUBLIC);
}

#[test]
fn unshare_with_a_stranger() {
    unshares_with_a_stranger(&SHARED);
}

#[test]
fn disable() {
    disables(PUBLIC.kind);
}

#[test]
fn kill() {
    kills(PUBLIC.kind);
}
