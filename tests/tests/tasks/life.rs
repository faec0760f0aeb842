//! The life of a task: scheduled, waiting, resolved or carried out, tried again, parked.

use std::fs;

use serde_json::{Value, json};
use tests::http::Request;
use tests::{Account, Emulator, Proxy};

use crate::{apply, edit, expect, filed, make_due, queues, read, stop, stream, text, tool, with_settings, write};

const WRITE: &str = "sqs:SetQueueAttributes";

/// Takes the policy from a queue, by hand.
fn mend(account: &Account, name: &str) {
    let call = |operation: &str, input: Value| {
        let request = Request::new("POST", "/")
            .with("Content-Type", "application/x-amz-json-1.0")
            .with("X-Amz-Target", format!("AmazonSQS.{operation}"))
            .body(input.to_string());
        let answer = account.call("sqs", request).unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        serde_json::from_slice::<Value>(&answer.body).unwrap_or_default()
    };
    let url = call("GetQueueUrl", json!({"QueueName": name}))["QueueUrl"].clone();
    call("SetQueueAttributes", json!({"QueueUrl": url, "Attributes": {"Policy": ""}}));
}

fn without<'a>(records: &'a [Value], kind: &'a str) -> Vec<Value> {
    records.iter().filter(|record| record["kind"] != kind).cloned().collect()
}

#[test]
fn owners_are_warned_and_what_they_mend_is_left_alone() {
    let account = queues(4);
    let found = stream(&account);
    let proxy = Proxy::new(Emulator::shared());
    let seen = account.through(&proxy);

    let first = apply(&seen, &found).args(["--grace", "high=24h,critical=24h,default=24h"]).run().exits(0);
    expect(
        &first,
        &[
            ("many-0000", "scheduled"),
            ("many-0001", "scheduled"),
            ("many-0002", "scheduled"),
            ("many-0003", "scheduled"),
        ],
    );
    let times: Vec<String> = first.kind("outcome").iter().map(|outcome| text(&outcome["action_time"])).collect();
    for task in filed(&account) {
        assert_eq!(task["check"], "sqs_public", "{task}");
        assert!(
            times.contains(&text(&task["action_time"])) && text(&task["first_seen"]) < text(&task["action_time"]),
            "{task}"
        );
        assert!(task["title"].is_string() && task["severity"].is_string() && task["told"].is_string(), "{task}");
    }
    // Found again, with another grace: the deadline does not recede.
    let again = apply(&seen, &found).args(["--grace", "high=99h,critical=99h,default=99h"]).run().exits(0);
    expect(
        &again,
        &[("many-0000", "waiting"), ("many-0001", "waiting"), ("many-0002", "waiting"), ("many-0003", "waiting")],
    );
    let later: Vec<String> = again.kind("outcome").iter().map(|outcome| text(&outcome["action_time"])).collect();
    assert_eq!(later, times);

    // Who has atoned is let go; but only where somebody has looked.
    mend(&account, "many-0000");
    mend(&account, "many-0001");
    let found = stream(&account);
    assert_eq!(found.iter().filter(|record| record["kind"] == "finding").count(), 2);
    let mut failed = found.clone();
    for scope in failed.iter_mut().filter(|record| record["kind"] == "scope") {
        scope["status"] = json!("failed");
    }
    for blind in [without(&found, "scope"), failed, Vec::new()] {
        let ran = apply(&seen, &blind).run().exits(0);
        assert_eq!(ran.matching(&json!({"kind": "outcome", "status": "waiting"})).len(), 4, "{ran}");
        assert_eq!(filed(&account).len(), 4);
    }
    // What is gone from the stream and fails still (`audit --checks` another check) stays.
    let resolved = apply(&seen, &without(&found, "finding")).run().exits(0);
    expect(
        &resolved,
        &[("many-0000", "resolved"), ("many-0001", "resolved"), ("many-0002", "waiting"), ("many-0003", "waiting")],
    );
    assert_eq!(filed(&account).len(), 2);
    assert_eq!(proxy.count(WRITE), 0, "nothing was done so far");

    // Due: planned without --apply, and done with it.
    make_due(&account);
    let planned = tool(&seen, &[]).run().exits(0);
    expect(&planned, &[("many-0002", "planned"), ("many-0003", "planned")]);
    assert_eq!((proxy.count(WRITE), filed(&account).len()), (0, 2));
    let applied = apply(&seen, &found).run().exits(0);
    expect(&applied, &[("many-0002", "applied"), ("many-0003", "applied")]);
    assert!(
        applied.kind("outcome").iter().all(|outcome| outcome["undo"].is_object() && outcome["check"] == "sqs_public")
    );
    assert_eq!((proxy.count(WRITE), filed(&account).len()), (2, 0));
    let nothing = apply(&seen, &stream(&account)).run().exits(0);
    assert_eq!(nothing.kind("outcome").len(), 0, "{nothing}");
}

#[test]
fn with_no_grace_a_finding_is_acted_upon_at_once() {
    let account = queues(1);
    let ran = apply(&account, &stream(&account))
        .args(["--grace", "default=0s,low=0s,medium=0s,high=0s,critical=0s"])
        .run()
        .exits(0);
    expect(&ran, &[("many-0000", "applied")]);
    assert_eq!(filed(&account).len(), 0);
}

#[test]
fn the_brake_waits_for_nothing_and_is_no_task() {
    let account = Account::new();
    let arn = format!("arn:aws:ec2:us-east-1:{}:instance/i-0123456789abcdef0", account.id());
    let finding = |check: &str, action: &str| {
        json!({
            "kind": "finding", "key": format!("{check}:{arn}"), "check": check, "status": "fail", "severity": "critical",
            "account": account.id(), "region": "us-east-1", "type": "ec2", "id": "i-0123456789abcdef0", "arn": arn,
            "title": "it is so", "action": {"name": action},
        })
    };
    let found = [finding("ec2_runaway", "ec2_halt"), finding("ec2_imdsv2", "ec2_require_imdsv2")];
    // In two days the account may be within its limit, and a look at the instance could not tell.
    for settings in ["", "[schedule]\ndisable_score = 5\nkill_score = 15"] {
        let ran = with_settings(apply(&account, &found), settings).run().exits(1);
        let outcomes = ran.kind("outcome");
        let of = |check: &str| outcomes.iter().find(|outcome| outcome["check"] == check).unwrap();
        assert_eq!(of("ec2_runaway")["status"], "refused", "{ran}");
        assert!(text(&of("ec2_runaway")["reason"]).contains("docs/brake.md"), "{ran}");
        assert_eq!(of("ec2_imdsv2")["status"], "scheduled", "{ran}");
        let filed = filed(&account);
        assert_eq!(filed.len(), 1, "{ran}");
        assert_ne!(filed[0]["check"], "ec2_runaway");
        assert_ne!(filed[0]["action"], "kill", "what the brake finds counts towards no score");
        write(&account, &json!({"tasks": []}));
    }
}

#[test]
fn an_exception_drops_the_task_and_what_is_unknown_leaves_it() {
    let account = queues(2);
    let mut found = stream(&account);
    let _ = tool(&account, &found).run().exits(0);
    for finding in found.iter_mut().filter(|record| record["kind"] == "finding") {
        let first = text(&finding["id"]).ends_with("many-0000");
        finding["status"] = json!(if first { "excepted" } else { "unknown" });
        finding["reason"] = json!("it is ours");
    }
    let ran = tool(&account, &found).run().exits(0);
    expect(&ran, &[("many-0000", "excepted"), ("many-0001", "waiting")]);
    assert_eq!(filed(&account).len(), 1);
    write(&account, &json!({"tasks": []}));
    let ran = tool(&account, &found).run().exits(0);
    expect(&ran, &[("many-0000", "excepted"), ("many-0001", "refused")]);
    assert_eq!(filed(&account).len(), 0);
}

#[test]
fn what_fails_is_tried_again_and_parked_for_a_person() {
    let account = queues(1);
    let found = stream(&account);
    let proxy = Proxy::new(Emulator::shared()).deny(WRITE);
    let seen = account.through(&proxy);
    let run = |settings: &str| with_settings(apply(&seen, &found), settings).run();
    let at_once = "[schedule]\nmax_attempts = 2\nretry = \"0s\"\n[schedule.grace]\nhigh = \"0s\"\ncritical = \"0s\"\ndefault = \"0s\"\n";
    let first = run(&at_once.replace("retry = \"0s\"", "retry = \"1h\"")).exits(1);
    expect(&first, &[("many-0000", "failed")]);
    let outcome = &first.kind("outcome")[0];
    assert!(text(&outcome["reason"]).contains("attempt 1 of 2, the next one from"), "{outcome}");
    let task = &filed(&account)[0];
    assert_eq!((&task["attempts"], task["claim"].is_null()), (&json!(1), true), "{task}");
    assert!(text(&task["error"]).contains("SetQueueAttributes"), "{task}");
    assert_eq!(task["retry_at"], outcome["action_time"], "{task}");

    // Not before its time.
    let early = run(at_once).exits(0);
    expect(&early, &[("many-0000", "waiting")]);
    assert!(text(&early.kind("outcome")[0]["reason"]).contains("attempt 1 of 2 failed"), "{early}");
    edit(&account, |task| drop(task.as_object_mut().unwrap().remove("retry_at")));
    let second = run(at_once).exits(1);
    assert!(text(&second.kind("outcome")[0]["reason"]).contains("it is parked"), "{second}");
    assert_eq!(filed(&account)[0]["parked"], true);

    // Reported once; then it waits for a person.
    let writes = proxy.count(WRITE);
    for _ in 0..2 {
        let parked = run(at_once).exits(0);
        expect(&parked, &[("many-0000", "waiting")]);
        assert!(text(&parked.kind("outcome")[0]["reason"]).contains("take its `parked` out of tasks.json"), "{parked}");
    }
    assert_eq!(proxy.count(WRITE), writes);
    edit(&account, |task| drop(task.as_object_mut().unwrap().remove("parked")));
    let third = run(at_once).exits(1);
    assert!(text(&third.kind("outcome")[0]["reason"]).contains("attempt 1 of 2"), "all its attempts again: {third}");
    proxy.reset();
    let done = run(at_once).exits(0);
    expect(&done, &[("many-0000", "applied")]);
    assert_eq!(filed(&account).len(), 0);
}

#[test]
fn what_a_guard_refuses_stays_and_is_not_counted() {
    let account = queues(3);
    let found = stream(&account);
    let _ = tool(&account, &found).run().exits(0);
    make_due(&account);
    let held =
        account.tool("remediate").args(["--tasks", "tasks.json", "--apply", "--max-actions", "2"]).run().exits(1);
    expect(&held, &[("many-0000", "planned"), ("many-0001", "planned"), ("many-0002", "planned")]);
    let other = apply(&account, &[]).args(["--accounts", "999988887777"]).run().exits(1);
    expect(&other, &[("many-0000", "refused"), ("many-0001", "refused"), ("many-0002", "refused")]);
    for task in filed(&account) {
        assert!(task["attempts"].is_null() && task["claim"].is_null() && task["parked"].is_null(), "{task}");
    }
    let done = apply(&account, &[]).run().exits(0);
    expect(&done, &[("many-0000", "applied"), ("many-0001", "applied"), ("many-0002", "applied")]);
}

#[test]
fn tasks_of_others_are_kept_as_they_are_until_they_are_due() {
    let account = Account::new();
    let text_of_theirs = format!(
        "{{\"note\": 1,\n \"tasks\": [\n  {{\"action\":\"stop\", \"arn\":\"arn:aws:ec2:us-east-1:{}:instance/i-0a1b2c3d4e5f60718\",  \
         \"action_time\":\"2100-01-01T00:00:00Z\", \"issues\": [1.50], \"severity\": \"URGENT\", \"key\": 7e2}}\n ], \"z\": {{}}}}\n",
        account.id()
    );
    fs::write(crate::path(&account), &text_of_theirs).unwrap();
    // `key` is no text: it is said, with its line, and the file stays.
    let _ = tool(&account, &[]).run().exits(3).says("line 3");
    assert_eq!(fs::read_to_string(crate::path(&account)).unwrap(), text_of_theirs);
    fs::write(crate::path(&account), text_of_theirs.replace("7e2", "\"mine\"")).unwrap();
    let ran = tool(&account, &[]).run().exits(0);
    expect(&ran, &[("i-0a1b2c3d4e5f60718", "scheduled")]);
    let task = &filed(&account)[0];
    assert_eq!((&task["issues"], &task["severity"], &task["key"]), (&json!([1.5]), &json!("URGENT"), &json!("mine")));
    assert_eq!(read(&account).as_object().unwrap().keys().collect::<Vec<_>>(), ["note", "tasks", "z"]);

    // The same task again, later: its time stays. At once: its time has come.
    let mut later = stop(account.id(), "i-0a1b2c3d4e5f60718");
    later["action_time"] = json!("2101-01-01T00:00:00Z");
    let ran = tool(&account, &[later.clone(), later.clone()]).run().exits(0);
    expect(&ran, &[("i-0a1b2c3d4e5f60718", "waiting"), ("i-0a1b2c3d4e5f60718", "waiting")]);
    assert_eq!((filed(&account).len(), &filed(&account)[0]["action_time"]), (1, &json!("2100-01-01T00:00:00Z")));
    let gone = apply(&account, &[stop(account.id(), "i-0a1b2c3d4e5f60718")]).run().exits(1);
    expect(&gone, &[("i-0a1b2c3d4e5f60718", "changed")]);
    assert_eq!(read(&account), json!({"note": 1, "tasks": [], "z": {}}));
}

#[test]
fn a_plan_that_was_looked_at_is_done_at_once() {
    let account = queues(1);
    let found = stream(&account);
    let _ = tool(&account, &found).run().exits(0);
    let plan = account.tool("remediate").args(["--max-percent", "100"]).stdin(tests::ndjson(&found)).run().exits(0);
    let planned = plan.kind("outcome");
    assert_eq!(planned[0]["status"], "planned", "{plan}");
    let ran = apply(&account, &planned).run().exits(0);
    expect(&ran, &[("many-0000", "applied")]);
    assert_eq!(filed(&account).len(), 0);
}

#[test]
fn nothing_of_it_is_for_a_stream_that_is_misspelt() {
    let account = Account::new();
    for (arguments, expected) in [
        (&["--tasks", "t.json", "--grace", "kil=3h"][..], "`kil`"),
        (&["--tasks", "t.json", "--grace", "kill=3"], "`3`"),
        (&["--grace", "kill=3h"], "--tasks"),
        (&["--tasks", "s3://bucket"], "s3://bucket/key"),
    ] {
        let _ = account.tool("remediate").args(arguments.iter().copied()).run().exits(2).says(expected);
    }
    let wrong = "[schedule]\ndisable_score = 9\nkill_score = 3\n";
    let _ = with_settings(tool(&account, &[]), wrong).run().exits(4).says("kill_score = 3");
}
