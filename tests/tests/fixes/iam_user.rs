//! Users.

use serde_json::{Value, json};
use tests::fix::{FIX, Fix, call, goes_there_and_back};
use tests::stage::{Stage, input, resources, text};

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
