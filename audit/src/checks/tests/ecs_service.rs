//! The checks of ECS services.

use common::resource::{EcsService, ResourceType};
use serde_json::{Value, json};

use super::{Example, judge, resource, settings, table, with};

impl Example for EcsService {
    const ARN: &'static str = "arn:aws:ecs:eu-west-1:111122223333:service/blue/web";
    const IDS: &'static [&'static str] = &["ecs_service_public_ip"];

    fn healthy() -> Value {
        json!({
            "ServiceName": "web",
            "Status": "ACTIVE",
            "DeploymentController": {"Type": "ECS"},
            "NetworkConfiguration": network("DISABLED"),
        })
    }

    fn rotten() -> Value {
        json!({"NetworkConfiguration": network("ENABLED")})
    }
}

/// A network that gives its tasks addresses, or does not.
pub(super) fn network(assign: &str) -> Value {
    json!({"AwsvpcConfiguration": {"Subnets": ["subnet-1"], "SecurityGroups": ["sg-1"], "AssignPublicIp": assign}})
}

fn service(fields: Value) -> Value {
    with(ResourceType::EcsService, fields)
}

/// A service with public addresses.
fn open(mut fields: Value) -> Value {
    fields["NetworkConfiguration"] = network("ENABLED");
    service(fields)
}

#[test]
fn public_ip() {
    let fail = &["fail high ecs_unassign_public_ip"][..];
    let no_word = &["unknown the record does not say NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp"][..];
    let controller = |kind: &str| json!({"DeploymentController": {"Type": kind}});
    table(
        &settings(),
        "ecs_service_public_ip",
        &[
            ("gives addresses", open(json!({})), fail),
            ("gives none", service(json!({})), &["pass"]),
            ("has no tasks", open(json!({"DesiredCount": 0})), fail),
            ("its tasks have their instance's network", service(json!({"NetworkConfiguration": null})), &["pass"]),
            ("a controller that goes without saying", open(json!({"DeploymentController": {}})), fail),
            ("CodeDeploy", open(controller("CODE_DEPLOY")), &["fail high -"]),
            ("somebody else deploys", open(controller("EXTERNAL")), &["fail high -"]),
            ("a new controller", open(controller("MAGIC")), &["fail high -"]),
            ("is being deleted", open(json!({"Status": "DRAINING"})), &["pass"]),
            ("is deleted", open(json!({"Status": "INACTIVE"})), &["pass"]),
            ("no status", open(json!({"Status": null})), &["unknown the record does not say Status"]),
            (
                "a new status",
                open(json!({"Status": "SLEEPING"})),
                &["unknown `SLEEPING` is not a status of a service that this version knows"],
            ),
            ("no network in it", service(json!({"NetworkConfiguration": {}})), no_word),
            (
                "no word of addresses",
                service(json!({"NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": ["subnet-1"]}}})),
                no_word,
            ),
            (
                "a new word for it",
                service(json!({"NetworkConfiguration": network("IPV6_ONLY")})),
                &["unknown `IPV6_ONLY` is not a value of AssignPublicIp that this version knows"],
            ),
        ],
    );
}

#[test]
fn the_title_says_who_can_change_it() {
    for (controller, title) in [
        ("ECS", "ECS service blue/web gives its tasks addresses on the internet"),
        (
            "CODE_DEPLOY",
            "ECS service blue/web gives its tasks addresses on the internet, which only a deployment of CodeDeploy can \
             change",
        ),
    ] {
        let config = open(json!({"DeploymentController": {"Type": controller}}));
        let findings = judge(&settings(), "ecs_service_public_ip", &resource("ecs_service", &config));
        assert_eq!(findings[0].title, title);
        let evidence = json!({"NetworkConfiguration": {"AwsvpcConfiguration": {"AssignPublicIp": "ENABLED"}}});
        assert_eq!(findings[0].evidence, evidence);
    }
}
