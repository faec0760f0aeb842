//! What a person asks for with a task of their own: done and undone, or removed for good.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::emulator::Emulator;
use crate::proxy::{Proxy, on};
use crate::stage::{Stage, input, resources, statuses, text, undos, write_names};

/// The task that does `action` to a resource, given its record.
pub fn task(resource: &Value, action: &Value) -> Value {
    let mut task = json!({"kind": "task", "action": action});
    for field in ["account", "region", "type", "id", "arn"] {
        task[field] = resource[field].clone();
    }
    task
}

/// The operations of an outcome's calls, in their order, without the service.
pub fn operations(outcome: &Value) -> Vec<String> {
    let name = |call: &Value| text(&call["operation"]).split_once(':').unwrap().1.to_owned();
    outcome["calls"].as_array().unwrap().iter().map(name).collect()
}

/// The record of one resource as it is now; nothing where it is gone.
pub fn now(stage: &Stage, task: &Value) -> Option<Value> {
    let there = resources(&stage.poll_all()).into_iter().find(|resource| resource["arn"] == task["arn"]);
    there.filter(|resource| resource["config"]["State"]["Name"] != "terminated")
}

/// Planned, done, and undone, after which all is as it was save what is `lost`, AWS being what it is: the outcome, and the
/// resource in between.
pub fn is_done_and_undone(stage: &Stage, task: &Value, lost: &[&str]) -> (Value, Value) {
    let (outcome, between) = there_and_back(stage, task, lost);
    let resource = between.into_iter().find(|resource| resource["arn"] == outcome["arn"]);
    (outcome, resource.unwrap())
}

/// The same, with all that there was in between.
pub fn there_and_back(stage: &Stage, task: &Value, lost: &[&str]) -> (Value, Vec<Value>) {
    let state = || {
        let mut all = resources(&stage.poll_all());
        for resource in &mut all {
            let config = resource["config"].as_object_mut().unwrap();
            config.retain(|field, _| !lost.contains(&field.as_str()));
        }
        all
    };
    let before = state();
    let proxy = Proxy::new(Emulator::shared());
    let plan = stage.run(stage.through(&proxy).remediate(input([task]))).exits(0);
    assert_eq!(statuses(&plan.records()), ["planned"], "{plan}");
    assert_eq!((write_names(&proxy), state()), (Vec::new(), before.clone()), "a plan changes nothing");

    let applied = stage.run(stage.apply(plan.stdout.clone())).exits(0);
    let outcome = applied.one(&json!({"kind": "outcome"}));
    assert_eq!(outcome["status"], "applied", "{applied}");
    assert_eq!(operations(&outcome), operations(&plan.one(&json!({"kind": "outcome"}))), "what was planned was done");
    let between = resources(&stage.poll_all());
    assert_ne!(state(), before, "{applied}");
    let twice = stage.run(stage.apply(input([task]))).exits(0);
    assert_eq!(statuses(&twice.records()), ["already"], "{twice}");

    let undo = undos(std::slice::from_ref(&outcome));
    let undone = stage.run(stage.apply(input(&undo))).exits(0);
    assert_eq!(statuses(&undone.records()), ["applied"], "{undone}");
    assert_eq!(state(), before, "undone, all is as it was");
    let twice = stage.run(stage.apply(input(&undo))).exits(0);
    assert_eq!(statuses(&twice.records()), ["already"], "{twice}");
    (outcome, between)
}

/// Removed for good, but not without `--irreversible`, and nothing else with it: the outcome.
pub fn is_killed(stage: &Stage, task: &Value) -> Value {
    let there = now(stage, task);
    assert!(there.is_some());
    let refused = stage.run(stage.apply(input([task]))).exits(1);
    let outcome = refused.one(&json!({"kind": "outcome"}));
    assert_eq!((&outcome["status"], &outcome["undo"]), (&json!("refused"), &Value::Null), "{refused}");
    assert!(text(&outcome["reason"]).contains("--irreversible"), "{refused}");
    assert_eq!(now(stage, task), there, "it was not touched");

    let killed = stage.run(stage.apply(input([task])).arg("--irreversible")).exits(0);
    let outcome = killed.one(&json!({"kind": "outcome"}));
    assert_eq!((&outcome["status"], &outcome["undo"]), (&json!("applied"), &Value::Null), "{killed}");
    assert_eq!(now(stage, task), None, "{killed}");
    outcome
}

/// Cut off behind each of its calls in turn, and begun again each time: every call is made once in the end.
pub fn goes_on_where_it_was_cut_off(stage: &Stage, task: &Value) {
    let name = |call: &Value| text(&call["operation"]);
    let plan = stage.run(stage.remediate(input([task])).arg("--irreversible")).exits(0);
    let planned = plan.one(&json!({"kind": "outcome"}))["calls"].as_array().unwrap().clone();
    let planned: Vec<String> = planned.iter().map(name).collect();
    let mut made = Vec::new();
    for (number, operation) in planned.iter().enumerate() {
        // Cut off here, it leaves a device that no user has and nobody can tell whose it was.
        if planned.get(number + 1).is_some_and(|next| next == "iam:DeleteVirtualMFADevice") {
            continue;
        }
        // All of this operation but the first are denied, and all that comes behind it.
        let later: BTreeSet<&String> = planned[number + 1..].iter().filter(|it| *it != operation).collect();
        let proxy = Proxy::new(Emulator::shared()).deny(on(operation).after(1));
        let proxy = later.into_iter().fold(proxy, |proxy, later| proxy.deny(later.as_str()));
        let run = stage.run(stage.through(&proxy).apply(input([task])).arg("--irreversible"));
        let outcome = run.one(&json!({"kind": "outcome"}));
        let last = number + 1 == planned.len();
        assert_eq!(outcome["status"], if last { "applied" } else { "failed" }, "{run}");
        let calls = outcome["calls"].as_array().unwrap().iter();
        made.extend(calls.filter(|call| call["ok"] == true).map(name));
    }
    assert_eq!(made, planned, "every call once");
    assert_eq!(now(stage, task), None);
}

/// Refused with a reason that says `why`, and nothing is changed.
pub fn is_refused(stage: &Stage, task: &Value, why: &str) {
    let proxy = Proxy::new(Emulator::shared());
    let run = stage.run(stage.through(&proxy).apply(input([task])).arg("--irreversible")).exits(1);
    let outcome = run.one(&json!({"kind": "outcome"}));
    assert_eq!(outcome["status"], "refused", "{run}");
    assert!(text(&outcome["reason"]).contains(why), "{run}");
    assert_eq!(write_names(&proxy), [""; 0], "{run}");
}

/// Failed, with a reason that says `why`: the outcome.
pub fn has_failed(stage: &Stage, task: &Value, why: &str) -> Value {
    let run = stage.run(stage.apply(input([task])).arg("--irreversible")).exits(1);
    let outcome = run.one(&json!({"kind": "outcome"}));
    assert_eq!(outcome["status"], "failed", "{run}");
    assert!(text(&outcome["reason"]).contains(why), "{run}");
    outcome
}

/// The calls of outcomes, without what came of them.
fn calls(outcomes: &[Value]) -> Vec<Value> {
    let calls = outcomes.iter().flat_map(|outcome| outcome["calls"].as_array().unwrap().clone());
    calls.map(|call| json!({"operation": call["operation"], "parameters": call["parameters"]})).collect()
}

/// Disables a resource by these calls, which change nothing else, and undoes that: it is as it was, field by field.
/// `while_disabled` looks at what no poll shows.
pub fn disabled_and_back(
    stage: &Stage,
    resource: &Value,
    made: &[Value],
    change: impl FnOnce(&mut Value),
    while_disabled: impl FnOnce(),
) {
    let before = resources(&stage.poll_all());
    let task = task(resource, &json!("disable"));
    let plan = stage.run(stage.remediate(task.to_string())).exits(0);
    assert_eq!(statuses(&plan.records()), ["planned"], "{plan}");
    assert_eq!(calls(&plan.records()), made, "{plan}");
    assert_eq!(resources(&stage.poll_all()), before, "a plan changes nothing");

    let applied = stage.run(stage.apply(plan.stdout.clone())).exits(0);
    assert_eq!(statuses(&applied.records()), ["applied"], "{applied}");
    assert_eq!(calls(&applied.records()), made, "{applied}");
    let mut expected = before.clone();
    change(&mut expected.iter_mut().find(|it| it["arn"] == resource["arn"]).unwrap()["config"]);
    assert_eq!(resources(&stage.poll_all()), expected);
    while_disabled();
    let twice = stage.run(stage.apply(task.to_string())).exits(0);
    assert_eq!(statuses(&twice.records()), ["already"], "{twice}");

    let undo = input(&undos(&applied.records()));
    let undone = stage.run(stage.apply(undo.clone())).exits(0);
    assert_eq!(statuses(&undone.records()), ["applied"], "{undone}");
    assert_eq!(resources(&stage.poll_all()), before, "undone, it is as it was");
    let twice = stage.run(stage.apply(undo)).exits(0);
    assert_eq!(statuses(&twice.records()), ["already"], "{twice}");
}

/// Kills a resource by these calls, once `--irreversible` says that it may be: it is gone, and all others are as they were.
pub fn killed(stage: &Stage, resource: &Value, action: &Value, made: &[Value]) {
    let before = resources(&stage.poll_all());
    let task = task(resource, action);
    refused(stage, &task, "--irreversible");
    assert_eq!(resources(&stage.poll_all()), before);

    let plan = stage.run(stage.remediate(task.to_string()).arg("--irreversible")).exits(0);
    assert_eq!(calls(&plan.records()), made, "{plan}");
    let applied = stage.run(stage.apply(plan.stdout.clone()).arg("--irreversible")).exits(0);
    let outcomes = applied.records();
    assert_eq!((statuses(&outcomes), &outcomes[0]["undo"]), (vec!["applied".to_owned()], &Value::Null), "{applied}");
    assert_eq!(calls(&outcomes), made, "{applied}");
    let others: Vec<Value> = before.into_iter().filter(|it| it["arn"] != resource["arn"]).collect();
    assert_eq!(resources(&stage.poll_all()), others, "it alone is gone");
}

/// A task is refused with a reason that says this.
pub fn refused(stage: &Stage, task: &Value, why: &str) {
    let ran = stage.run(stage.apply(task.to_string())).exits(1);
    let outcome = &ran.records()[0];
    assert_eq!(outcome["status"], "refused", "{ran}");
    assert!(text(&outcome["reason"]).contains(why), "{ran}");
}
