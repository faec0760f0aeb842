//! ECS task sets.

use serde_json::{Value, json};
use tests::stage::{Stage, input, json_request, resources, statuses, text};
use tests::{Emulator, Proxy};

#[test]
fn ecs_delete_task_set() {
    let stage = Stage::of("ecs_task_set");
    let bad = stage.arn("bad: ");
    let before = resources(&stage.poll());
    let findings = stage.findings();
    let found: Vec<_> = findings.iter().map(|finding| (&finding["arn"], text(&finding["check"]))).collect();
    assert_eq!(found, [(&bad, "ecs_task_set_public_ip".to_owned())]);

    let refused = stage.run(stage.apply(input(&findings))).exits(1);
    let outcome = refused.one(&json!({"kind": "outcome"}));
    assert!(text(&outcome["reason"]).contains("--irreversible"), "{outcome}");
    assert_eq!(resources(&stage.poll()), before);

    let applied = stage.run(stage.apply(input(&findings)).arg("--irreversible")).exits(0);
    let outcome = applied.one(&json!({"kind": "outcome"}));
    assert_eq!((&outcome["status"], &outcome["undo"]), (&json!("applied"), &Value::Null), "{outcome}");
    let config = &before.iter().find(|set| set["arn"] == bad).unwrap()["config"];
    assert_eq!(outcome["calls"][0]["operation"], "ecs:DeleteTaskSet");
    assert_eq!(
        outcome["calls"][0]["parameters"],
        json!({"Cluster": config["ClusterArn"], "Service": config["ServiceArn"], "TaskSet": config["Id"], "Force": true})
    );
    let after: Vec<Value> = before.iter().filter(|set| set["arn"] != bad).cloned().collect();
    assert_eq!(resources(&stage.poll()), after, "the other one stays");
}

#[test]
fn the_task_set_that_serves_is_found_and_let_be() {
    let stage = Stage::of("ecs_task_set");
    let bad = stage.arn("bad: ");
    let primary = json!({"cluster": "sluice-test-ecs", "service": "sluice-test-external", "primaryTaskSet": bad});
    stage.call("ecs", json_request("AmazonEC2ContainerServiceV20141113.UpdateServicePrimaryTaskSet", &primary));
    let findings = stage.findings();
    assert_eq!((&findings[0]["arn"], &findings[0]["action"]), (&bad, &Value::Null));
    let mut ordered = findings[0].clone();
    ordered["action"] = json!("ecs_delete_task_set");
    let refused = stage.run(stage.apply(input(&[ordered])).arg("--irreversible"));
    assert_eq!(statuses(&refused.kind("outcome")), ["refused"], "{refused}");
    assert!(text(&refused.kind("outcome")[0]["reason"]).contains("primary"), "{refused}");
}

#[test]
fn without_its_tags_a_task_set_is_judged_all_the_same_and_not_touched() {
    let stage = Stage::of("ecs_task_set");
    let proxy = Proxy::new(Emulator::shared()).deny("ecs:DescribeTaskSets");
    let polled = stage.run(stage.through(&proxy).tool("poll").args(["--types", "ecs_task_set"])).exits(3);
    let sets = polled.kind("resource");
    assert_eq!(sets.len(), 2, "{polled}");
    assert!(sets.iter().all(|set| set["unread"][0]["field"] == "Tags"), "{polled}");
    let audited = stage.audit(polled.stdout);
    let failed = audited.matching(&json!({"kind": "finding", "status": "fail"}));
    assert_eq!(failed.len(), 1, "{audited}");
}
