//! Tasks that nobody's finding asks for: what is disabled comes back as it was, and what is killed is gone.

use serde_json::{Value, json};

use crate::stage::{Stage, input, resources, statuses, text, undos};

/// A task for a resource.
pub fn task(resource: &Value, action: &Value) -> Value {
    json!({
        "kind": "task", "account": resource["account"], "region": resource["region"], "type": resource["type"],
        "id": resource["id"], "action": action,
    })
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
