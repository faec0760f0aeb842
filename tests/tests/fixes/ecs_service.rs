//! ECS services.

use serde_json::{Value, json};
use tests::fix::{FIX, Fix, call, goes_there_and_back};
use tests::stage::{Stage, input, json_request, resources, statuses, text};
use tests::{Emulator, Proxy, on};

fn network(service: &Value, assign: &str) -> Value {
    let mut network = service["config"]["NetworkConfiguration"].clone();
    network["AwsvpcConfiguration"]["AssignPublicIp"] = json!(assign);
    network
}

#[test]
fn ecs_unassign_public_ip() {
    goes_there_and_back(&Fix {
        kind: "ecs_service",
        what: "bad: its tasks get addresses",
        check: "ecs_service_public_ip",
        calls: |service| {
            let config = &service["config"];
            let parameters = json!({
                "Cluster": config["ClusterArn"], "Service": config["ServiceName"],
                "NetworkConfiguration": network(service, "DISABLED"), "ForceNewDeployment": true,
            });
            call("ecs:UpdateService", &parameters)
        },
        change: |config| config["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] = json!("DISABLED"),
        ..FIX
    });
}

#[test]
fn only_the_service_with_public_addresses_is_found() {
    let stage = Stage::of("ecs_service");
    let findings = stage.findings();
    let found: Vec<_> = findings.iter().map(|finding| (text(&finding["id"]), text(&finding["check"]))).collect();
    assert_eq!(found, [("sluice-test-ecs/sluice-test-public".to_owned(), "ecs_service_public_ip".to_owned())]);
}

#[test]
fn a_service_that_was_moved_since_is_not_given_addresses_again() {
    let stage = Stage::of("ecs_service");
    let applied = stage.run(stage.apply(input(&stage.findings()))).exits(0);
    let undo = applied.one(&json!({"kind": "outcome"}))["undo"].clone();
    assert_eq!(undo["action"]["name"], "ecs_assign_public_ip");
    let polled = stage.poll();
    let service = polled.one(&json!({"kind": "resource", "id": "sluice-test-ecs/sluice-test-public"}));
    let subnets = &service["config"]["NetworkConfiguration"]["AwsvpcConfiguration"]["Subnets"];
    assert_eq!(undo["action"]["Subnets"], *subnets);
    let moved = json!({
        "cluster": "sluice-test-ecs", "service": "sluice-test-public",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": subnets, "securityGroups": ["sg-other"],
                                                         "assignPublicIp": "DISABLED"}},
    });
    stage.call("ecs", json_request("AmazonEC2ContainerServiceV20141113.UpdateService", &moved));
    let undone = stage.run(stage.tool("remediate").arg("--apply").stdin(input(&[undo])));
    assert_eq!(statuses(&undone.kind("outcome")), ["changed"], "{undone}");
}

#[test]
fn what_is_made_twice_is_made_once_and_cleaned_it_is_gone() {
    let types = "ecs_service,ecs_task,ecs_task_set";
    let stage = Stage::of(types);
    let before = resources(&stage.poll());
    let maker = |more: &[&str]| {
        let ran = stage.account.tool("misconfigure").args(["--types", types]).args(more).run().exits(0);
        ran.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    let mut findings = stage.findings();
    findings.retain(|finding| finding["type"] == "ecs_service");
    let mended = stage.run(stage.apply(input(&findings))).exits(0);
    assert_eq!(statuses(&mended.kind("outcome")), ["applied"]);
    assert_ne!(resources(&stage.poll()), before);
    assert_eq!(maker(&[]), stage.made());
    assert_eq!(resources(&stage.poll()), before, "the fix is unmade, and nothing is there twice");

    assert_eq!(maker(&["--clean"]).len(), stage.made().len());
    assert_eq!(resources(&stage.poll_all()), [Value::Null; 0]);
    assert_eq!(maker(&["--clean"]), [Value::Null; 0]);
}

#[test]
fn a_cluster_that_cannot_be_listed_does_not_hide_the_others_and_one_that_vanished_is_no_fault() {
    let stage = Stage::of("ecs_service");
    let other = json!({"clusterName": "sluice-test-other"});
    stage.call("ecs", json_request("AmazonEC2ContainerServiceV20141113.CreateCluster", &other));
    let list = || on("ecs:ListServices").about("sluice-test-other");
    let gone = ("ClusterNotFoundException", "Cluster not found.");
    for (proxy, exit, status) in [
        (Proxy::new(Emulator::shared()).deny(list()), 3, "failed"),
        (Proxy::new(Emulator::shared()).fail(list(), 400, gone.0, gone.1), 0, "ok"),
    ] {
        let poll = stage.through(&proxy).tool("poll").args(["--types", "ecs_service", "--only-test-resources"]);
        let polled = stage.run(poll).exits(exit);
        assert_eq!(polled.kind("resource").len(), stage.made().len(), "{polled}");
        assert_eq!(statuses(&polled.kind("scope")), [status], "{polled}");
    }
}
