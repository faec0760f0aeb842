//! Roles.

use serde_json::{Value, json};
use tests::fix::{FIX, Fix, call, goes_there_and_back, without_sid};
use tests::http::Request;
use tests::iam::{self, loaded, state};
use tests::stage::{Stage, input, text};
use tests::task::{goes_on_where_it_was_cut_off, is_killed, operations, task, there_and_back};

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

#[test]
fn disable_shuts_a_role_down_and_opens_it_again() {
    let (stage, before) = iam::stage();
    let (outcome, between) = there_and_back(&stage, &task(loaded(&before, "iam_role"), &json!("disable")), &[]);
    assert_eq!(operations(&outcome), ["UpdateAssumeRolePolicy", "PutRolePolicy"]);
    let mut expected = loaded(&before, "iam_role").clone();
    expected["config"]["SluiceDenyAll"] = outcome["calls"][1]["parameters"]["PolicyDocument"].clone();
    closed(&mut expected["config"]);
    assert_eq!(loaded(&between, "iam_role"), &expected, "all else stays");

    // Without an inline policy of that name before.
    let stage = Stage::of("iam_role");
    let before = state(&stage);
    let role = before.iter().find(|role| role["arn"] == stage.arn("trusts its own account")).unwrap();
    let (outcome, between) = there_and_back(&stage, &task(role, &json!("disable")), &[]);
    assert_eq!(outcome["undo"]["action"]["Actions"][0], "iam_allow_again");
    let disabled = between.iter().find(|it| it["arn"] == role["arn"]).unwrap();
    assert_eq!(disabled["config"]["RolePolicyList"], json!(["SluiceDenyAll", "sluice-test-deny-all"]));
}

#[test]
fn kill_removes_all_that_a_role_has_and_the_role() {
    let (stage, before) = iam::stage();
    let outcome = is_killed(&stage, &task(loaded(&before, "iam_role"), &json!("kill")));
    assert_eq!(
        operations(&outcome),
        [
            "DetachRolePolicy",
            "DetachRolePolicy",
            "DeleteRolePolicy",
            "DeleteRolePolicy",
            "DeleteRolePermissionsBoundary",
            "RemoveRoleFromInstanceProfile",
            "DeleteRole",
        ]
    );
    assert_eq!(outcome["calls"][3]["parameters"]["PolicyName"], "SluiceDenyAll", "it goes last");
}

#[test]
fn kill_goes_on_where_it_was_cut_off() {
    let (stage, before) = iam::stage();
    goes_on_where_it_was_cut_off(&stage, &task(loaded(&before, "iam_role"), &json!("kill")));
}

#[test]
fn what_a_service_keeps_is_left_alone() {
    let stage = Stage::empty("iam_role");
    let form = "Action=CreateServiceLinkedRole&Version=2010-05-08&AWSServiceName=ecs.amazonaws.com";
    stage.call("iam", Request::form(form));
    let before = state(&stage);
    let [role] = before.as_slice() else { panic!("{before:?}") };
    for action in ["kill", "disable", "iam_deny_all"] {
        let run = stage.run(stage.apply(input([&task(role, &json!(action))])).arg("--irreversible")).exits(1);
        let outcome = run.one(&json!({"kind": "outcome"}));
        assert_eq!(outcome["status"], "refused", "{run}");
        assert!(text(&outcome["reason"]).contains("linked to an AWS service"), "{run}");
    }
    assert_eq!(state(&stage), before);
}
