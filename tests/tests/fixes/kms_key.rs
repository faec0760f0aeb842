//! Keys.

use serde_json::{Value, json};
use tests::fix::{FIX, Fix, call, goes_there_and_back, without_sid};

fn put(key: &Value, change: fn(&mut Value)) -> Vec<Value> {
    let mut config = key["config"].clone();
    change(&mut config);
    call("kms:PutKeyPolicy", &json!({"KeyId": key["id"], "PolicyName": "default", "Policy": config["Policy"]}))
}

fn without_public(config: &mut Value) {
    without_sid(&mut config["Policy"]["Statement"], "Public");
}

fn without_outsider(config: &mut Value) {
    without_sid(&mut config["Policy"]["Statement"], "Outsider");
}

#[test]
fn kms_remove_policy_statements() {
    goes_there_and_back(&Fix {
        kind: "kms_key",
        what: "one of two statements lets in anyone",
        check: "kms_key_public",
        calls: |key| put(key, without_public),
        change: without_public,
        ..FIX
    });
    goes_there_and_back(&Fix {
        kind: "kms_key",
        what: "lets in a foreign account",
        check: "kms_key_outsiders",
        settings: "[checks.kms_key_outsiders]\nfix = true",
        calls: |key| put(key, without_outsider),
        change: without_outsider,
        ..FIX
    });
}
