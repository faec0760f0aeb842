//! The checks of ECS task sets.

use common::resource::{EcsTaskSet, ResourceType};
use serde_json::{Value, json};

use super::ecs_service::network;
use super::{Example, judge, resource, settings, table, with};

impl Example for EcsTaskSet {
    const ARN: &'static str = "arn:aws:ecs:eu-west-1:111122223333:task-set/blue/web/ecs-svc/123";
    const IDS: &'static [&'static str] = &["ecs_task_set_public_ip"];

    fn healthy() -> Value {
        json!({
            "Id": "ecs-svc/123",
            "Status": "ACTIVE",
            "StartedBy": null,
            "NetworkConfiguration": network("DISABLED"),
        })
    }

    fn rotten() -> Value {
        json!({"NetworkConfiguration": network("ENABLED")})
    }
}

/// A task set with public addresses.
fn open(mut fields: Value) -> Value {
    fields["NetworkConfiguration"] = network("ENABLED");
    with(ResourceType::EcsTaskSet, fields)
}

#[test]
fn public_ip() {
    let fail = &["fail high ecs_delete_task_set"][..];
    let code_deploy = |status: &str| open(json!({"StartedBy": "CODE_DEPLOY", "Status": status}));
    table(
        &settings(),
        "ecs_task_set_public_ip",
        &[
            ("gives addresses", open(json!({})), fail),
            ("gives none", with(ResourceType::EcsTaskSet, json!({})), &["pass"]),
            ("no network of its own", with(ResourceType::EcsTaskSet, json!({"NetworkConfiguration": null})), &["pass"]),
            ("started by somebody", open(json!({"StartedBy": "jane"})), fail),
            ("serves", open(json!({"Status": "PRIMARY"})), &["fail high -"]),
            ("CodeDeploy's, serves", code_deploy("PRIMARY"), &["fail high -"]),
            ("CodeDeploy's, to be taken back to", code_deploy("ACTIVE"), &["fail high -"]),
            ("is being stopped", open(json!({"Status": "DRAINING"})), &["pass"]),
            ("no status", open(json!({"Status": null})), &["unknown the record does not say Status"]),
            (
                "a new status",
                open(json!({"Status": "SPARE"})),
                &["unknown `SPARE` is not a status of a task set that this version knows"],
            ),
            (
                "no word of addresses",
                with(ResourceType::EcsTaskSet, json!({"NetworkConfiguration": {"AwsvpcConfiguration": {}}})),
                &["unknown the record does not say NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp"],
            ),
        ],
    );
}

#[test]
fn the_title_says_why_it_is_not_simply_deleted() {
    for (fields, end) in [
        (json!({}), "on the internet"),
        (json!({"Status": "PRIMARY"}), "on the internet and serves: another must take its place"),
        (json!({"StartedBy": "CODE_DEPLOY"}), "on the internet, which only a deployment of CodeDeploy can change"),
    ] {
        let findings = judge(&settings(), "ecs_task_set_public_ip", &resource("ecs_task_set", &open(fields)));
        let title = format!("ECS task set blue/web/ecs-svc/123 gives its tasks addresses {end}");
        assert_eq!(findings[0].title, title);
    }
}
