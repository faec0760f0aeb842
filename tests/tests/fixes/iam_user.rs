//! Users.

use serde_json::{Value, json};
use tests::fix::{FIX, Fix, call, goes_there_and_back};
use tests::iam::{self, Iam, LOADED, loaded, state};
use tests::stage::{Stage, input, resources, text};
use tests::task::{goes_on_where_it_was_cut_off, is_killed, operations, task, there_and_back};
use tests::{Emulator, Proxy};

#[test]
fn iam_deactivate_key() {
    goes_there_and_back(&Fix {
        kind: "iam_user",
        what: "a key that is never used",
        check: "iam_user_key_unused",
        calls: |user| {
            let id = &user["config"]["AccessKeys"][0]["AccessKeyId"];
            let parameters = json!({"UserName": user["id"], "AccessKeyId": id, "Status": "Inactive"});
            call("iam:UpdateAccessKey", &parameters)
        },
        change: |config| config["AccessKeys"][0]["Status"] = json!("Inactive"),
        ..FIX
    });
}

#[test]
fn a_password_is_removed_only_when_that_is_said_and_never_brought_back() {
    let stage = Stage::of("iam_user");
    let before = resources(&stage.poll());
    let findings: Vec<Value> = stage.findings().into_iter().filter(|it| it["check"] == "iam_user_mfa").collect();
    assert_eq!(findings.len(), 1);

    let refused = stage.run(stage.apply(input(&findings))).exits(1);
    let outcome = refused.one(&json!({"kind": "outcome"}));
    assert_eq!((&outcome["status"], &outcome["undo"]), (&json!("refused"), &Value::Null));
    assert!(text(&outcome["reason"]).contains("--irreversible"), "{outcome}");
    assert_eq!(resources(&stage.poll()), before);

    let applied = stage.run(stage.apply(input(&findings)).arg("--irreversible")).exits(0);
    let outcome = applied.one(&json!({"kind": "outcome"}));
    assert_eq!((&outcome["status"], &outcome["undo"]), (&json!("applied"), &Value::Null), "{outcome}");
    assert!(outcome.as_object().unwrap().contains_key("undo"));
    assert_eq!(outcome["calls"][0]["operation"], "iam:DeleteLoginProfile");
    assert_eq!(outcome["calls"][0]["parameters"], json!({"UserName": "sluice-test-password"}));
    assert!(stage.findings().iter().all(|finding| finding["id"] != "sluice-test-password"));

    let journal = std::fs::read_to_string(stage.tool("audit").home().join(".local/state/sluice/journal.ndjson"));
    let phases: Vec<Value> = journal.unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let phases: Vec<_> = phases.iter().map(|entry| (&entry["phase"], &entry["outcome"]["status"])).collect();
    assert_eq!(phases, [(&json!("before"), &json!("planned")), (&json!("after"), &json!("applied"))]);
}

#[test]
fn a_key_is_deleted_only_where_the_settings_and_the_command_say_so() {
    let stage = Stage::of("iam_user");
    stage.set("[checks.iam_user_key_unused]\naction = \"iam_delete_key\"");
    let findings: Vec<Value> = stage.findings().into_iter().filter(|it| it["check"] == "iam_user_key_unused").collect();
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!(finding["action"]["name"], "iam_delete_key");

    let refused = stage.run(stage.apply(input(&findings))).exits(1).one(&json!({"kind": "outcome"}));
    assert!(text(&refused["reason"]).contains("--irreversible"), "{refused}");
    assert_eq!(stage.findings().iter().filter(|it| it["check"] == "iam_user_key_unused").count(), 1);

    let applied = stage.run(stage.apply(input(&findings)).arg("--irreversible")).exits(0);
    let outcome = applied.one(&json!({"kind": "outcome"}));
    assert_eq!((&outcome["status"], &outcome["undo"]), (&json!("applied"), &Value::Null), "{outcome}");
    let id = &finding["action"]["AccessKeyId"];
    assert_eq!(outcome["calls"][0]["operation"], "iam:DeleteAccessKey");
    assert_eq!(outcome["calls"][0]["parameters"], json!({"UserName": finding["id"], "AccessKeyId": id}));
    let left = resources(&stage.poll());
    let user = left.iter().find(|user| user["id"] == finding["id"]).unwrap();
    assert_eq!(user["config"]["AccessKeys"], json!([]));
    let twice = stage.run(stage.apply(input(&findings)).arg("--irreversible")).exits(0);
    assert_eq!(twice.one(&json!({"kind": "outcome"}))["status"], "already", "{twice}");
}

#[test]
fn disable_shuts_a_user_out_and_lets_them_in_again() {
    let (stage, before) = iam::stage();
    let task = task(loaded(&before, "iam_user"), &json!("disable"));
    let (outcome, between) = there_and_back(&stage, &task, &[]);
    assert_eq!(operations(&outcome), ["UpdateAccessKey", "UpdateAccessKey", "PutUserPolicy"]);
    let mut expected = loaded(&before, "iam_user").clone();
    // Somebody else's policy had the name; undone, it is back.
    expected["config"]["SluiceDenyAll"] = outcome["calls"][2]["parameters"]["PolicyDocument"].clone();
    for key in expected["config"]["AccessKeys"].as_array_mut().unwrap() {
        key["Status"] = json!("Inactive");
    }
    assert_eq!(loaded(&between, "iam_user"), &expected, "the password stays, and so does all else");
    let statement = json!([{"Effect": "Deny", "Action": "*", "Resource": "*"}]);
    assert_eq!(expected["config"]["SluiceDenyAll"]["Statement"], statement);
}

#[test]
fn iam_deny_all() {
    let stage = Stage::of("iam_user");
    for what in ["no password and no key", "a key that is never used"] {
        let before = state(&stage);
        let user = before.iter().find(|user| user["arn"] == stage.arn(what)).unwrap();
        let (outcome, between) = there_and_back(&stage, &task(user, &json!("iam_deny_all")), &[]);
        assert_eq!(operations(&outcome), ["PutUserPolicy"]);
        assert_eq!(outcome["undo"]["action"], "iam_allow_again");
        let denied = between.iter().find(|it| it["arn"] == user["arn"]).unwrap();
        assert_eq!(denied["config"]["UserPolicyList"], json!(["SluiceDenyAll", "sluice-test-deny-all"]));
        assert_eq!(denied["config"]["AccessKeys"], user["config"]["AccessKeys"]);
    }
}

#[test]
fn iam_delete_keys_denies_all_and_needs_to_be_meant() {
    let (stage, before) = iam::stage();
    let task = task(loaded(&before, "iam_user"), &json!("iam_delete_keys"));
    let refused = stage.run(stage.apply(input([&task]))).exits(1);
    assert!(text(&refused.one(&json!({"kind": "outcome"}))["reason"]).contains("--irreversible"), "{refused}");
    assert_eq!(state(&stage), before);
    let applied = stage.run(stage.apply(input([&task])).arg("--irreversible")).exits(0);
    let outcome = applied.one(&json!({"kind": "outcome"}));
    assert_eq!(operations(&outcome), ["DeleteAccessKey", "DeleteAccessKey", "PutUserPolicy"]);
    let left = state(&stage);
    let config = &loaded(&left, "iam_user")["config"];
    assert_eq!((&config["AccessKeys"], &config["PasswordEnabled"]), (&json!([]), &json!(true)));
    assert_eq!(config["SluiceDenyAll"]["Statement"][0]["Effect"], "Deny");
}

/// The emulator refuses to delete a user who has anything left, as AWS does.
#[test]
fn kill_removes_all_that_a_user_has_and_the_user() {
    let (stage, before) = iam::stage();
    let outcome = is_killed(&stage, &task(loaded(&before, "iam_user"), &json!("kill")));
    assert_eq!(
        operations(&outcome),
        [
            "DeleteLoginProfile",
            "DeactivateMFADevice",
            "DeactivateMFADevice",
            "DeleteVirtualMFADevice",
            "DeleteSSHPublicKey",
            "DeleteServiceSpecificCredential",
            "DeleteSigningCertificate",
            "DeleteAccessKey",
            "DeleteAccessKey",
            "RemoveUserFromGroup",
            "DetachUserPolicy",
            "DetachUserPolicy",
            "DeleteUserPolicy",
            "DeleteUserPolicy",
            "DeleteUserPermissionsBoundary",
            "DeleteUser",
        ]
    );
    let devices = Iam(&stage.account).call("ListVirtualMFADevices", &[]);
    assert!(!devices.contains(LOADED), "an MFA device is left: {devices}");
    let others =
        |state: &[Value]| state.iter().filter(|it| it["type"] != "iam_user" && it["type"] != "iam_policy").count();
    assert_eq!(others(&state(&stage)), others(&before));
}

#[test]
fn kill_goes_on_where_it_was_cut_off() {
    let (stage, before) = iam::stage();
    goes_on_where_it_was_cut_off(&stage, &task(loaded(&before, "iam_user"), &json!("kill")));
}

#[test]
fn a_user_whose_belongings_cannot_be_listed_is_left_alone() {
    let (stage, before) = iam::stage();
    let task = task(loaded(&before, "iam_user"), &json!("kill"));
    for call in ["ListSSHPublicKeys", "ListServiceSpecificCredentials", "ListSigningCertificates", "ListMFADevices"] {
        let proxy = Proxy::new(Emulator::shared()).deny(format!("iam:{call}").as_str());
        let run = stage.run(stage.through(&proxy).apply(input([&task])).arg("--irreversible")).exits(1);
        let outcome = run.one(&json!({"kind": "outcome"}));
        assert_eq!(outcome["status"], "refused", "{run}");
        assert!(text(&outcome["reason"]).contains(call), "{run}");
    }
    assert_eq!(state(&stage), before);
}
