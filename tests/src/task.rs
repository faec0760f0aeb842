//! What a person asks for with a task of their own: done and undone, or removed for good.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::emulator::Emulator;
use crate::pipeline::Ran;
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

/// The calls of outcomes, without what came of them.
fn calls(outcomes: &[Value]) -> Vec<Value> {
    let calls = outcomes.iter().flat_map(|outcome| outcome["calls"].as_array().unwrap().clone());
    calls.map(|call| json!({"operation": call["operation"], "parameters": call["parameters"]})).collect()
}

/// The one outcome of a run.
fn outcome(run: &Ran) -> Value {
    run.one(&json!({"kind": "outcome"}))
}

/// The one outcome of a run, which has this status and a reason that says `why`.
fn outcome_because(run: &Ran, status: &str, why: &str) -> Value {
    let outcome = outcome(run);
    assert_eq!(outcome["status"], status, "{run}");
    assert!(text(&outcome["reason"]).contains(why), "{run}");
    outcome
}

/// The record of one resource as it is now; nothing where it is gone.
pub fn now(stage: &Stage, task: &Value) -> Option<Value> {
    of(&resources(&stage.poll_all()), task)
}

/// The record of one resource among those of a poll; nothing where it is gone.
fn of(polled: &[Value], task: &Value) -> Option<Value> {
    let there = polled.iter().find(|resource| resource["arn"] == task["arn"]).cloned();
    there.filter(|resource| resource["config"]["State"]["Name"] != "terminated")
}

/// What came of a task: its outcome, and all that there was before and after.
struct Done {
    outcome: Value,
    before: Vec<Value>,
    after: Vec<Value>,
}

/// Planned, done, and undone, after which all is as it was save the fields that are `lost`. `while_done` looks at what no
/// poll shows.
fn round_trip(stage: &Stage, task: &Value, lost: &[&str], while_done: impl FnOnce()) -> Done {
    let state = || without(resources(&stage.poll_all()), lost);
    let before = state();
    let proxy = Proxy::new(Emulator::shared());
    let plan = stage.run(stage.through(&proxy).remediate(input([task]))).exits(0);
    assert_eq!(statuses(&plan.records()), ["planned"], "{plan}");
    assert_eq!((write_names(&proxy), state()), (Vec::new(), before.clone()), "a plan changes nothing");

    let applied = stage.run(stage.apply(plan.stdout.clone())).exits(0);
    assert_eq!(statuses(&applied.records()), ["applied"], "{applied}");
    assert_eq!(calls(&applied.records()), calls(&plan.records()), "what was planned was done");
    let after = resources(&stage.poll_all());
    while_done();
    let twice = stage.run(stage.apply(input([task]))).exits(0);
    assert_eq!(statuses(&twice.records()), ["already"], "{twice}");

    let undo = input(&undos(&applied.records()));
    let undone = stage.run(stage.apply(undo.clone())).exits(0);
    assert_eq!(statuses(&undone.records()), ["applied"], "{undone}");
    assert_eq!(state(), before, "undone, all is as it was");
    let twice = stage.run(stage.apply(undo)).exits(0);
    assert_eq!(statuses(&twice.records()), ["already"], "{twice}");
    Done { outcome: outcome(&applied), before, after }
}

/// Resources without some fields of their configurations.
fn without(mut resources: Vec<Value>, fields: &[&str]) -> Vec<Value> {
    for resource in &mut resources {
        let config = resource["config"].as_object_mut().unwrap();
        config.retain(|field, _| !fields.contains(&field.as_str()));
    }
    resources
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
    let Done { outcome, before, after } = round_trip(stage, task, lost, || ());
    assert_ne!(without(after.clone(), lost), before, "{outcome}");
    (outcome, after)
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
    let task = task(resource, &json!("disable"));
    let Done { outcome, mut before, after } = round_trip(stage, &task, &[], while_disabled);
    assert_eq!(calls(&[outcome]), made);
    change(&mut before.iter_mut().find(|it| it["arn"] == resource["arn"]).unwrap()["config"]);
    assert_eq!(after, before, "nothing else was changed");
}

/// Removed for good, but not without `--irreversible`.
fn removal(stage: &Stage, task: &Value) -> Done {
    let before = resources(&stage.poll_all());
    assert!(of(&before, task).is_some());
    refused(stage, task, "--irreversible");
    assert_eq!(resources(&stage.poll_all()), before, "it was not touched");

    let plan = stage.run(stage.remediate(input([task])).arg("--irreversible")).exits(0);
    let killed = stage.run(stage.apply(plan.stdout.clone()).arg("--irreversible")).exits(0);
    assert_eq!(statuses(&killed.records()), ["applied"], "{killed}");
    assert_eq!(calls(&killed.records()), calls(&plan.records()), "what was planned was done");
    let outcome = outcome(&killed);
    assert_eq!(outcome["undo"], Value::Null, "{killed}");
    let after = resources(&stage.poll_all());
    assert_eq!(of(&after, task), None, "{killed}");
    Done { outcome, before, after }
}

/// Removed for good, but not without `--irreversible`: the outcome.
pub fn is_killed(stage: &Stage, task: &Value) -> Value {
    removal(stage, task).outcome
}

/// Kills a resource by these calls, once `--irreversible` says that it may be: it is gone, and all others are as they were.
pub fn killed(stage: &Stage, resource: &Value, action: &Value, made: &[Value]) {
    let Done { outcome, before, after } = removal(stage, &task(resource, action));
    assert_eq!(calls(&[outcome]), made);
    let others: Vec<Value> = before.into_iter().filter(|it| it["arn"] != resource["arn"]).collect();
    assert_eq!(after, others, "it alone is gone");
}

/// Cut off behind each of its calls in turn, and begun again each time: every call is made once in the end.
pub fn goes_on_where_it_was_cut_off(stage: &Stage, task: &Value) {
    let name = |call: &Value| text(&call["operation"]);
    let plan = stage.run(stage.remediate(input([task])).arg("--irreversible")).exits(0);
    let planned = outcome(&plan)["calls"].as_array().unwrap().clone();
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
        let outcome = outcome(&run);
        let last = number + 1 == planned.len();
        assert_eq!(outcome["status"], if last { "applied" } else { "failed" }, "{run}");
        let calls = outcome["calls"].as_array().unwrap().iter();
        made.extend(calls.filter(|call| call["ok"] == true).map(name));
    }
    assert_eq!(made, planned, "every call once");
    assert_eq!(now(stage, task), None);
}

/// Refused with a reason that says `why`.
pub fn refused(stage: &Stage, task: &Value, why: &str) {
    let run = stage.run(stage.apply(input([task]))).exits(1);
    let outcome = outcome_because(&run, "refused", why);
    assert_eq!(outcome["undo"], Value::Null, "{run}");
}

/// The same even with `--irreversible`, and nothing is changed.
pub fn is_refused(stage: &Stage, task: &Value, why: &str) {
    let proxy = Proxy::new(Emulator::shared());
    let run = stage.run(stage.through(&proxy).apply(input([task])).arg("--irreversible")).exits(1);
    outcome_because(&run, "refused", why);
    assert_eq!(write_names(&proxy), [""; 0], "{run}");
}

/// Failed, with a reason that says `why`: the outcome.
pub fn has_failed(stage: &Stage, task: &Value, why: &str) -> Value {
    let run = stage.run(stage.apply(input([task])).arg("--irreversible")).exits(1);
    outcome_because(&run, "failed", why)
}
