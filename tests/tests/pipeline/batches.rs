//! Many instances at once: AWS takes them in one call, and each is accounted for by itself.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::stage::{Stage, input, statuses, text, undos, write_names};
use tests::{Emulator, Proxy, on};

const MANY: usize = 250;

/// That many instances, as tasks that stop them.
fn stops(stage: &Stage, count: usize) -> Vec<Value> {
    let task = |id: String| json!({"account": stage.account.id(), "region": "us-east-1", "type": "ec2", "id": id, "action": "stop"});
    stage.launch("us-east-1", count).into_iter().map(task).collect()
}

fn state(stage: &Stage) -> BTreeSet<String> {
    stage.poll_all().kind("resource").iter().map(|it| text(&it["config"]["State"]["Name"])).collect()
}

#[test]
fn hundreds_are_stopped_and_started_by_a_handful_of_calls() {
    let stage = Stage::empty("ec2");
    let tasks = stops(&stage, MANY);
    let proxy = Proxy::new(Emulator::shared());
    let seen = stage.through(&proxy);
    let ran = stage.run(seen.apply(input(&tasks)).args(["--max-actions", "1000"])).exits(0);
    let outcomes = ran.records();
    assert_eq!(statuses(&outcomes), vec!["applied"; MANY], "{ran}");
    let accounted: BTreeSet<String> = outcomes.iter().map(|outcome| text(&outcome["id"])).collect();
    assert_eq!(accounted.len(), MANY);
    for outcome in &outcomes {
        let call = &outcome["calls"][0];
        assert_eq!(call["parameters"], json!({"InstanceIds": [outcome["id"]]}), "its own part of the call");
        assert_eq!((call["ok"].as_bool(), call["request_id"].is_string()), (Some(true), true), "{outcome}");
        assert_eq!(outcome["undo"]["action"], "start");
    }
    // Three batches of up to a hundred, each looked at to plan, to confirm and to verify: the instances and their addresses.
    assert_eq!(write_names(&proxy), ["ec2:StopInstances"; 3]);
    let looks = proxy.count("ec2:DescribeInstances");
    assert!((9..=18).contains(&looks), "{looks} looks at 250 instances");
    assert_eq!(state(&stage), ["stopped".to_owned()].into());

    let proxy = Proxy::new(Emulator::shared());
    let undo = stage.through(&proxy).apply(input(&undos(&outcomes))).args(["--max-actions", "1000"]);
    let undone = stage.run(undo).exits(0);
    assert_eq!(statuses(&undone.records()), vec!["applied"; MANY], "{undone}");
    assert_eq!(write_names(&proxy), ["ec2:StartInstances"; 3]);
    assert_eq!(state(&stage), ["running".to_owned()].into());
}

#[test]
fn without_leave_to_stop_each_is_failed_and_none_applied() {
    let stage = Stage::empty("ec2");
    let tasks = stops(&stage, 30);
    let proxy = Proxy::new(Emulator::shared()).deny("ec2:StopInstances");
    let ran = stage.run(stage.through(&proxy).apply(input(&tasks)).args(["--max-actions", "1000"])).exits(1);
    let outcomes = ran.records();
    assert_eq!(statuses(&outcomes), vec!["failed"; 30], "{ran}");
    assert!(outcomes.iter().all(|it| text(&it["reason"]).contains("StopInstances") && it["undo"].is_null()), "{ran}");
    assert_eq!(state(&stage), ["running".to_owned()].into());
}

#[test]
fn one_that_aws_refuses_does_not_keep_the_others_running() {
    let stage = Stage::empty("ec2");
    let tasks = stops(&stage, 12);
    let bad = text(&tasks[4]["id"]);
    let refused = on("ec2:StopInstances").about(bad.as_str());
    let proxy = Proxy::new(Emulator::shared()).fail(refused, 400, "UnsupportedOperation", "it cannot be stopped");
    let ran = stage.run(stage.through(&proxy).apply(input(&tasks))).exits(1);
    for outcome in ran.records() {
        let expected = if outcome["id"] == bad.as_str() { "failed" } else { "applied" };
        assert_eq!(outcome["status"], expected, "{outcome}");
    }
    let running = stage.poll_all().kind("resource");
    let running: Vec<&Value> = running.iter().filter(|it| it["config"]["State"]["Name"] == "running").collect();
    assert_eq!((running.len(), text(&running[0]["id"])), (1, bad));
}

#[test]
fn an_answer_that_is_lost_is_looked_up_for_each() {
    let stage = Stage::empty("ec2");
    let tasks = stops(&stage, 12);
    let proxy = Proxy::new(Emulator::shared()).cut_after(on("ec2:StopInstances").first(1));
    let ran = stage.run(stage.through(&proxy).apply(input(&tasks))).exits(0);
    assert_eq!(statuses(&ran.records()), vec!["applied"; 12], "{ran}");
    assert!(ran.records().iter().all(|it| text(&it["reason"]).contains("took effect")), "{ran}");
    assert_eq!(write_names(&proxy), ["ec2:StopInstances"], "it is not sent again blindly");
}
