//! Images.

use serde_json::{Value, json};
use tests::fix::{FIX, Fix, call, goes_there_and_back};

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
