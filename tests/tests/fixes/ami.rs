//! Images.

use serde_json::{Value, json};
use tests::fix::{FIX, Fix, call, goes_there_and_back};
use tests::stage::{Stage, input, resources, statuses};
use tests::task::{is_done_and_undone, is_killed, operations, task};

const KIND: Fix = Fix { kind: "ami", check: "ami_public", ..FIX };

fn removed(image: &Value, permission: &Value) -> Vec<Value> {
    let parameters = json!({"ImageId": image["id"], "LaunchPermission": {"Remove": [permission]}});
    call("ec2:ModifyImageAttribute", &parameters)
}

/// The account that it is shared with.
fn stranger(image: &Value) -> &Value {
    let mut permissions = image["config"]["LaunchPermissions"].as_array().unwrap().iter();
    permissions.find_map(|permission| permission.get("UserId").filter(|id| id.is_string())).unwrap()
}

/// The permissions without those that name somebody in a field.
fn without(config: &mut Value, field: &str) {
    config["LaunchPermissions"].as_array_mut().unwrap().retain(|permission| permission[field].is_null());
}

fn private(config: &mut Value) {
    without(config, "Group");
    config["Public"] = json!(false);
}

#[test]
fn unshare_with_everyone() {
    for what in ["shared with everyone", "shared with everyone and a stranger"] {
        goes_there_and_back(&Fix {
            what,
            calls: |image| removed(image, &json!({"Group": "all"})),
            change: private,
            ..KIND
        });
    }
}

#[test]
fn unshare_with_a_stranger() {
    for what in ["shared with a stranger", "shared with everyone and a stranger"] {
        goes_there_and_back(&Fix {
            what,
            check: "ami_shared",
            calls: |image| removed(image, &json!({"UserId": stranger(image)})),
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
fn disable_shares_an_image_with_nobody_and_then_with_the_same() {
    let stage = Stage::of("ami");
    let (outcome, between) = is_done_and_undone(&stage, &task(&shared(&stage), &json!("disable")), &[]);
    assert_eq!(operations(&outcome), ["ModifyImageAttribute"]);
    assert_eq!((&between["config"]["LaunchPermissions"], &between["config"]["Public"]), (&json!([]), &json!(false)));
}

#[test]
fn kill_deregisters_an_image() {
    let stage = Stage::of("ami");
    let outcome = is_killed(&stage, &task(&shared(&stage), &json!("kill")));
    assert_eq!(operations(&outcome), ["DeregisterImage"]);
    let again = stage.run(stage.apply(input([&task(&outcome, &json!("kill"))])).arg("--irreversible")).exits(0);
    assert_eq!(statuses(&again.records()), ["already"], "it no longer exists: {again}");
}
