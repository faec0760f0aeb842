//! ECS tasks.

use serde_json::{Value, json};
use tests::stage::{Stage, input, resources, text};
use tests::{Emulator, Proxy, on};

#[test]
fn ecs_stop_task() {
    let stage = Stage::of("ecs_task");
    let bad = stage.arn("bad: ");
    let before = resources(&stage.poll());
    let findings = stage.findings();
    let found: Vec<_> = findings.iter().map(|finding| (&finding["arn"], text(&finding["check"]))).collect();
    assert_eq!(found, [(&bad, "ecs_task_public_ip".to_owned())]);

    let refused = stage.run(stage.apply(input(&findings))).exits(1);
    let outcome = refused.one(&json!({"kind": "outcome"}));
    assert!(text(&outcome["reason"]).contains("--irreversible"), "{outcome}");
    assert_eq!(resources(&stage.poll()), before);

    let applied = stage.run(stage.apply(input(&findings)).arg("--irreversible")).exits(0);
    let outcome = applied.one(&json!({"kind": "outcome"}));
    assert_eq!((&outcome["status"], &outcome["undo"]), (&json!("applied"), &Value::Null), "{outcome}");
    let cluster = text(&bad).replace(":task/", ":cluster/");
    let cluster = cluster.rsplit_once('/').unwrap().0;
    assert_eq!(outcome["calls"][0]["operation"], "ecs:StopTask");
    assert_eq!(
        outcome["calls"][0]["parameters"],
        json!({"Cluster": cluster, "Task": bad, "Reason": "stopped by Sluice (remediate)"})
    );
    let after: Vec<Value> = before.into_iter().filter(|task| task["arn"] != bad).collect();
    assert_eq!(resources(&stage.poll()), after, "the other one runs");
}

#[test]
fn a_task_whose_addresses_cannot_be_read_is_neither_public_nor_private() {
    let stage = Stage::of("ecs_task");
    let proxy = Proxy::new(Emulator::shared()).deny("ec2:DescribeNetworkInterfaces");
    let poll = stage.through(&proxy).tool("poll").args(["--types", "ecs_task", "--only-test-resources"]);
    let polled = stage.run(poll).exits(3);
    assert_eq!(polled.kind("resource").len(), 2, "{polled}");
    let audited = stage.run(stage.tool("audit").stdin(polled.stdout)).exits(3);
    for finding in audited.kind("finding") {
        assert_eq!(finding["status"], "unknown", "{finding}");
    }
    assert_eq!(audited.kind("finding").len(), 2, "{audited}");
}

#[test]
fn a_sweep_of_all_three_types_asks_for_clusters_and_services_once() {
    let types = "ecs_service,ecs_task,ecs_task_set";
    let stage = Stage::of(types);
    let proxy = Proxy::new(Emulator::shared());
    let polled = stage.run(stage.through(&proxy).tool("poll").args(["--types", types])).exits(0);
    assert_eq!(polled.kind("resource").len(), stage.made().len(), "{polled}");
    for operation in
        ["ecs:ListClusters", "ecs:ListServices", "ecs:DescribeServices", "ecs:DescribeTaskSets", "ecs:ListTasks"]
    {
        assert_eq!(proxy.count(on(operation)), 1, "{operation}");
    }
    assert_eq!(proxy.count(on("ec2:DescribeNetworkInterfaces")), 1);
}
