//! The checks of ECS tasks.

use common::resource::{EcsTask, ResourceType};
use serde_json::{Value, json};

use super::{Example, judge, resource, settings, table, with};

impl Example for EcsTask {
    const ARN: &'static str = "arn:aws:ecs:eu-west-1:111122223333:task/blue/0f9d";
    const IDS: &'static [&'static str] = &["ecs_task_public_ip"];

    fn healthy() -> Value {
        json!({
            "TaskArn": Self::ARN,
            "LastStatus": "RUNNING",
            "DesiredStatus": "RUNNING",
            "Group": "family:web",
            "NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "PublicIp": null}],
        })
    }

    fn rotten() -> Value {
        json!({"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "PublicIp": "198.51.100.7"}]})
    }
}

/// A task with a public address.
fn open(mut fields: Value) -> Value {
    if fields["NetworkInterfaces"].is_null() {
        fields["NetworkInterfaces"] = json!([{"NetworkInterfaceId": "eni-1", "PublicIp": "198.51.100.7"}]);
    }
    with(ResourceType::EcsTask, fields)
}

#[test]
fn public_ip() {
    let fail = &["fail high ecs_stop_task"][..];
    let second = json!([{"NetworkInterfaceId": "eni-1"}, {"NetworkInterfaceId": "eni-2", "PublicIp": "198.51.100.8"}]);
    table(
        &settings(),
        "ecs_task_public_ip",
        &[
            ("has an address", open(json!({})), fail),
            ("has none", with(ResourceType::EcsTask, json!({})), &["pass"]),
            ("has no interface", open(json!({"NetworkInterfaces": []})), &["pass"]),
            ("on the second interface", open(json!({"NetworkInterfaces": second})), fail),
            ("of no group", open(json!({"Group": null})), fail),
            ("of a group of its own", open(json!({"Group": "my-service:web"})), fail),
            ("of a service", open(json!({"Group": "service:web"})), &["fail high -"]),
            ("starts", open(json!({"LastStatus": "PENDING"})), fail),
            ("is being stopped", open(json!({"DesiredStatus": "STOPPED"})), &["pass"]),
            ("no status", open(json!({"DesiredStatus": null})), &["unknown the record does not say DesiredStatus"]),
            (
                "a new status",
                open(json!({"DesiredStatus": "PAUSED"})),
                &["unknown `PAUSED` is not a status of a task that this version knows"],
            ),
        ],
    );
}

#[test]
fn the_title_says_whether_a_service_would_replace_it() {
    for (group, title) in [
        ("family:web", "ECS task blue/0f9d is on the internet: 198.51.100.7"),
        (
            "service:web",
            "ECS task blue/0f9d is on the internet: 198.51.100.7 (its service web has to be mended, and would replace it)",
        ),
    ] {
        let findings = judge(&settings(), "ecs_task_public_ip", &resource("ecs_task", &open(json!({"Group": group}))));
        assert_eq!(findings[0].title, title);
        let interface = json!({"NetworkInterfaceId": "eni-1", "PublicIp": "198.51.100.7"});
        assert_eq!(findings[0].evidence, json!({"Group": group, "NetworkInterfaces": [interface]}));
    }
}
