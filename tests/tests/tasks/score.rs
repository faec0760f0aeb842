//! Scores: the findings of a resource add up to one task for it.

use serde_json::{Value, json};
use tests::Account;
use tests::http::Request;

use crate::{edit, filed, make_due, text, tool, with_settings};

const SETTINGS: &str = r#"
required_tags = ["Owner"]
[schedule]
disable_score = 4
kill_score = 100
scores = { low = 3, medium = 3, high = 3, critical = 3 }
[checks.ec2_required_tags]
severity = "low"
"#;

/// An instance without tags that takes metadata requests without a token: two findings, 6 in all.
fn instance(account: &Account) -> String {
    let form = "Version=2016-11-15&Action=RunInstances&ImageId=ami-12c6146b&MinCount=1&MaxCount=1&MetadataOptions.HttpTokens=optional";
    let made = account.call("ec2", Request::form(form)).unwrap().text();
    made.split("<instanceId>").nth(1).unwrap().split('<').next().unwrap().to_owned()
}

fn tag(account: &Account, id: &str) {
    let form = format!("Version=2016-11-15&Action=CreateTags&ResourceId.1={id}&Tag.1.Key=Owner&Tag.1.Value=web");
    assert_eq!(account.call("ec2", Request::form(form)).unwrap().status, 200);
}

fn stream(account: &Account, only: &[&str]) -> Vec<Value> {
    let polled = account.tool("poll").args(["--types", "ec2", "--regions", "us-east-1"]).run().exits(0);
    with_settings(polled.pipe("audit").args(only.iter().copied()), SETTINGS).run().exits(0).records()
}

fn run(account: &Account, records: &[Value], apply: bool) -> tests::Ran {
    let tool = with_settings(tool(account, records), SETTINGS);
    if apply { tool.arg("--apply").run() } else { tool.run() }
}

fn state(account: &Account, id: &str) -> String {
    let polled = account.tool("poll").args(["--types", "ec2", "--regions", "us-east-1"]).run().exits(0);
    text(&polled.one(&json!({"id": id}))["config"]["State"]["Name"])
}

#[test]
fn the_findings_of_a_resource_add_up_to_one_task() {
    let account = Account::new();
    let (bad, tagged) = (instance(&account), instance(&account));
    tag(&account, &tagged);
    let found = stream(&account, &[]);
    assert_eq!(found.iter().filter(|record| record["kind"] == "finding").count(), 3, "{found:?}");

    let first = run(&account, &found, true).exits(0);
    // Two findings and their task; and one that does not reach.
    assert_eq!(first.matching(&json!({"id": bad, "status": "scheduled"})).len(), 3, "{first}");
    let below = first.one(&json!({"id": tagged}));
    assert_eq!(below["status"], "refused");
    assert!(text(&below["reason"]).contains("a score of 3, and nothing is done below 4"), "{below}");
    let tasks = filed(&account);
    assert_eq!(tasks.len(), 1);
    let task = &tasks[0];
    assert!(text(&task["key"]).starts_with("score:arn:aws:ec2:us-east-1:"), "{task}");
    assert_eq!((&task["action"], &task["score"]), (&json!("disable"), &json!(6.0)), "{task}");
    let issues = text(&task["issues"]);
    assert!(
        issues.lines().count() == 2 && issues.lines().all(|line| line.contains("::") && line.ends_with("\t3")),
        "{issues}"
    );

    // Fewer checks are no atonement.
    let part = run(&account, &stream(&account, &["--checks", "ec2_imdsv2"]), true).exits(0);
    assert_eq!(part.matching(&json!({"status": "waiting", "key": task["key"]})).len(), 1, "{part}");
    assert_eq!(filed(&account)[0]["score"], 6.0);

    // Due, and judged anew: the sum still reaches.
    make_due(&account);
    let done = run(&account, &[], true).exits(0);
    assert_eq!(done.one(&json!({"kind": "outcome"}))["status"], "applied", "{done}");
    assert_eq!(state(&account, &bad), "stopped");
    assert_eq!(filed(&account).len(), 0);
}

#[test]
fn who_falls_below_the_threshold_has_atoned() {
    for due in [false, true] {
        let account = Account::new();
        let id = instance(&account);
        let _ = run(&account, &stream(&account, &[]), false).exits(0);
        assert_eq!(filed(&account).len(), 1);
        tag(&account, &id);
        let records = if due { Vec::new() } else { stream(&account, &[]) };
        if due {
            make_due(&account);
        }
        let ran = run(&account, &records, true).exits(0);
        let outcome = ran.one(&json!({"kind": "outcome", "status": "resolved"}));
        assert!(text(&outcome["reason"]).contains("add up to 3 now, which is less than 4"), "{outcome}");
        assert_eq!((filed(&account).len(), state(&account, &id)), (0, "running".to_owned()));
    }
}

#[test]
fn what_was_to_be_killed_is_only_disabled_where_that_is_enough_now() {
    let account = Account::new();
    let id = instance(&account);
    let _ = run(&account, &stream(&account, &[]), false).exits(0);
    edit(&account, |task| {
        task["action"] = json!("kill");
        task["action_time"] = json!("2020-01-01T00:00:00Z");
    });
    let ran = run(&account, &[], true).exits(0);
    let outcome = ran.one(&json!({"kind": "outcome"}));
    assert_eq!((&outcome["status"], &outcome["action"]), (&json!("scheduled"), &json!("disable")), "{outcome}");
    let task = &filed(&account)[0];
    assert_eq!((&task["action"], task["claim"].is_null()), (&json!("disable"), true), "{task}");
    assert_eq!(task["action_time"], outcome["action_time"]);
    assert_eq!(state(&account, &id), "running");
}
