//! Roles.

use serde_json::{Value, json};
use tests::fix::{FIX, Fix, call, goes_there_and_back, without_sid};

const ROLE: Fix = Fix { kind: "iam_role", ..FIX };

fn update(role: &Value, change: impl Fn(&mut Value)) -> Vec<Value> {
    let mut config = role["config"].clone();
    change(&mut config);
    let document = &config["AssumeRolePolicyDocument"];
    call("iam:UpdateAssumeRolePolicy", &json!({"RoleName": role["id"], "PolicyDocument": document}))
}

fn without_public(config: &mut Value) {
    without_sid(&mut config["AssumeRolePolicyDocument"]["Statement"], "Public");
}

fn without_outsider(config: &mut Value) {
    without_sid(&mut config["AssumeRolePolicyDocument"]["Statement"], "Outsider");
}

fn closed(config: &mut Value) {
    config["AssumeRolePolicyDocument"]["Statement"] = json!([{
        "Sid": "SluiceRemovedAllOtherStatements", "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole",
    }]);
}

#[test]
fn iam_remove_trust_statements() {
    goes_there_and_back(&Fix {
        what: "one of two statements trusts anyone",
        check: "iam_role_public",
        calls: |role| update(role, without_public),
        change: without_public,
        ..ROLE
    });
    goes_there_and_back(&Fix {
        what: "trusts a foreign account",
        check: "iam_role_outsiders",
        settings: "[checks.iam_role_outsiders]\nfix = true",
        calls: |role| update(role, without_outsider),
        change: without_outsider,
        ..ROLE
    });
}

#[test]
fn iam_remove_trust_statements_leaves_a_role_that_nobody_may_assume() {
    goes_there_and_back(&Fix {
        what: "trusts anyone, in the only statement",
        check: "iam_role_public",
        calls: |role| update(role, closed),
        change: closed,
        ..ROLE
    });
}
