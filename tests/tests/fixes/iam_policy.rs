//! Managed policies.

use serde_json::{Value, json};
use tests::iam::{self, LOADED, loaded, state};
use tests::stage::{input, resources, text};
use tests::task::{goes_on_where_it_was_cut_off, is_killed, operations, task, there_and_back};

#[test]
fn disable_detaches_a_policy_from_all_and_attaches_it_to_them_again() {
    let (stage, before) = iam::stage();
    let (outcome, between) = there_and_back(&stage, &task(loaded(&before, "iam_policy"), &json!("disable")), &[]);
    assert_eq!(operations(&outcome), ["DetachUserPolicy", "DetachGroupPolicy", "DetachRolePolicy"]);
    let everyone = json!({"name": "iam_attach_policy", "Users": [LOADED], "Groups": [LOADED], "Roles": [LOADED]});
    assert_eq!(outcome["undo"]["action"], everyone);
    let mut expected = loaded(&before, "iam_policy").clone();
    assert_eq!(expected["config"]["AttachmentCount"], 3);
    expected["config"]["AttachmentCount"] = json!(0);
    assert_eq!(loaded(&between, "iam_policy"), &expected);
    for kind in ["iam_user", "iam_role", "iam_group"] {
        let attached = text(&json!(loaded(&between, kind)["config"]["AttachedManagedPolicies"].to_string()));
        assert!(!attached.contains(&text(&expected["arn"])) && attached.contains("managed-"), "{kind}: {attached}");
    }
}

#[test]
fn iam_detach_policy_leaves_those_alone_that_are_not_named() {
    let (stage, before) = iam::stage();
    let action = json!({"name": "iam_detach_policy", "Roles": [LOADED, "other"]});
    let (outcome, between) = there_and_back(&stage, &task(loaded(&before, "iam_policy"), &action), &[]);
    assert_eq!(operations(&outcome), ["DetachRolePolicy"]);
    assert_eq!(loaded(&between, "iam_policy")["config"]["AttachmentCount"], 2);
}

#[test]
fn kill_removes_all_its_versions_and_the_policy() {
    let (stage, before) = iam::stage();
    let outcome = is_killed(&stage, &task(loaded(&before, "iam_policy"), &json!("kill")));
    assert_eq!(
        operations(&outcome),
        [
            "DetachUserPolicy",
            "DetachGroupPolicy",
            "DetachRolePolicy",
            "DeletePolicyVersion",
            "DeletePolicyVersion",
            "DeletePolicy",
        ]
    );
    let versions: Vec<&Value> = [3, 4].map(|call| &outcome["calls"][call]["parameters"]["VersionId"]).into();
    assert_eq!(versions, ["v1", "v3"], "the second was in force");
}

#[test]
fn kill_goes_on_where_it_was_cut_off() {
    let (stage, before) = iam::stage();
    goes_on_where_it_was_cut_off(&stage, &task(loaded(&before, "iam_policy"), &json!("kill")));
}

#[test]
fn a_permissions_boundary_is_not_killed_and_stays_one_when_it_is_disabled() {
    let (stage, before) = iam::stage();
    let boundary = before.iter().find(|it| text(&it["arn"]).ends_with("policy/managed-user")).unwrap();
    assert_eq!(boundary["config"]["PermissionsBoundaryUsageCount"], 1);
    let run = stage.run(stage.apply(input([&task(boundary, &json!("kill"))])).arg("--irreversible")).exits(1);
    let outcome = run.one(&json!({"kind": "outcome"}));
    assert_eq!(outcome["status"], "refused", "{run}");
    assert!(text(&outcome["reason"]).contains("permissions boundary"), "{run}");
    assert_eq!(state(&stage), before);
    let (_, between) = there_and_back(&stage, &task(boundary, &json!("disable")), &[]);
    let user = loaded(&between, "iam_user");
    assert_eq!(user["config"]["PermissionsBoundary"]["PermissionsBoundaryArn"], boundary["arn"]);
}

#[test]
fn a_policy_goes_by_its_name_as_well_and_aws_s_own_are_left_alone() {
    let (stage, before) = iam::stage();
    let account = stage.account.id();
    let by_name = json!({"account": account, "region": "global", "type": "iam_policy", "id": LOADED});
    let looked = stage.run(stage.tool("poll").arg("-").stdin(input([&by_name]))).exits(0);
    assert_eq!(resources(&looked), [loaded(&before, "iam_policy").clone()], "whatever its path");
    let gone = json!({"account": account, "region": "global", "type": "iam_policy", "id": "gone"});
    let looked = stage.run(stage.tool("poll").arg("-").stdin(input([&gone]))).exits(0);
    assert!(looked.stdout.is_empty(), "{looked}");

    let role = loaded(&before, "iam_role");
    let tasks = [
        json!({"kind": "task", "account": account, "type": "iam_policy", "id": "arn:aws:iam::aws:policy/job-function/Billing", "action": "kill"}),
        json!({"kind": "task", "arn": "arn:aws:iam::aws:policy/AdministratorAccess", "action": "disable"}),
        task(role, &json!("iam_deny_all")),
    ];
    let run = stage.run(stage.apply(input(&tasks)).arg("--irreversible"));
    assert_eq!(run.matching(&json!({"kind": "outcome", "status": "applied"})).len(), 1, "nothing else suffers\n{run}");
    let expected = loaded(&before, "iam_policy");
    assert_eq!(loaded(&state(&stage), "iam_policy"), expected);
}
