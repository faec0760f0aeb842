//! The checks of load balancers.

use common::resource::{LoadBalancer, ResourceType};
use common::settings::Settings;
use serde_json::{Value, json};

use super::{Example, judge, resource, said, settings, table, tags, with};

impl Example for LoadBalancer {
    const ARN: &'static str =
        "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/50dc6c495c0c9188";
    const IDS: &'static [&'static str] = &["elbv2_required_tags", "elbv2_tags_mismatch", "elbv2_public_in_dev"];

    fn healthy() -> Value {
        json!({
            "LoadBalancerName": "web",
            "Type": "application",
            "Scheme": "internal",
            "TargetGroups": [group("instance", &json!([{"Id": "i-1", "Port": 80, "State": "healthy"}]))],
            "InstanceTags": {"i-1": {"Owner": "web"}},
        })
    }

    fn rotten() -> Value {
        json!({"Scheme": "internet-facing", "InstanceTags": {"i-1": {"Owner": "shop"}}})
    }
}

const GROUP: &str = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/73e2d6bc24d8a067";

fn group(kind: &str, targets: &Value) -> Value {
    json!({"TargetGroupArn": GROUP, "TargetType": kind, "Targets": targets})
}

fn balancer(fields: Value) -> Value {
    with(ResourceType::Elbv2, fields)
}

fn open(groups: &[Value]) -> Value {
    balancer(json!({"Scheme": "internet-facing", "TargetGroups": groups}))
}

#[test]
fn instances_that_are_on_the_internet_in_a_development_account() {
    let target = |state: &str| json!([{"Id": "i-1", "Port": 80, "State": state}]);
    let fail = &["fail high elb_deregister_targets web/73e2d6bc24d8a067:i-1:80"][..];
    table(
        &settings(),
        "elbv2_public_in_dev",
        &[
            ("internal", balancer(json!({})), &["pass"]),
            ("without a target group", open(&[]), &["pass"]),
            ("healthy", open(&[group("instance", &target("healthy"))]), fail),
            ("unhealthy", open(&[group("instance", &target("unhealthy"))]), fail),
            // It gets no new requests as long as it is unhealthy, and is in the group all the same.
            ("unhealthy.draining", open(&[group("instance", &target("unhealthy.draining"))]), fail),
            ("no word of its health", open(&[group("instance", &json!([{"Id": "i-1", "Port": 80}]))]), fail),
            ("deregistered", open(&[group("instance", &target("draining"))]), &["pass"]),
            ("addresses", open(&[group("ip", &json!([{"Id": "10.0.0.7", "Port": 80}]))]), &["pass"]),
            ("a function", open(&[group("lambda", &json!([{"Id": "arn:aws:lambda:..."}]))]), &["pass"]),
            (
                "under two ports",
                open(&[group("instance", &json!([{"Id": "i-1", "Port": 80}, {"Id": "i-1", "Port": 81}]))]),
                &[fail[0], "fail high elb_deregister_targets web/73e2d6bc24d8a067:i-1:81"],
            ),
            (
                "no word of the port",
                open(&[group("instance", &json!([{"Id": "i-1"}]))]),
                &["fail high elb_deregister_targets web/73e2d6bc24d8a067:i-1"],
            ),
            (
                "no word of the group's type",
                open(&[json!({"TargetGroupArn": "arn:a"})]),
                &["unknown the record does not say the TargetType of arn:a"],
            ),
            ("a gateway has no scheme", balancer(json!({"Scheme": null, "Type": "gateway"})), &["pass"]),
            ("no word of the scheme", balancer(json!({"Scheme": null})), &["unknown the record does not say Scheme"]),
        ],
    );
    let record = resource("elbv2", &open(&[group("instance", &target("healthy"))]));
    let finding = &judge(&settings(), "elbv2_public_in_dev", &record)[0];
    assert_eq!(finding.title, "Load balancer web puts instance i-1 on the internet in a development account");
    assert_eq!(
        serde_json::to_value(&finding.action).unwrap(),
        json!({
            "name": "elb_deregister_targets", "TargetGroupArn": GROUP, "Targets": [{"Id": "i-1", "Port": 80}],
        })
    );
    let production = Settings { accounts: std::collections::BTreeMap::new(), ..settings() };
    assert_eq!(said(&judge(&production, "elbv2_public_in_dev", &record)), ["pass"]);
}

#[test]
fn tags_are_compared_with_each_instance_once() {
    let target = |id: &str, port: u16, state: &str| json!({"Id": id, "Port": port, "State": state});
    table(
        &settings(),
        "elbv2_tags_mismatch",
        &[
            (
                "under two ports, and in two groups",
                balancer(json!({
                    "TargetGroups": [
                        group("instance", &json!([target("i-1", 80, "healthy"), target("i-1", 81, "healthy")])),
                        group("instance", &json!([target("i-1", 80, "unused"), target("i-2", 80, "healthy")])),
                    ],
                    "InstanceTags": {"i-1": {"Owner": "shop"}, "i-2": {"Owner": "web"}},
                })),
                &["fail low - i-1"],
            ),
            (
                "deregistered",
                balancer(json!({
                    "TargetGroups": [group("instance", &json!([target("i-1", 80, "draining")]))],
                    "InstanceTags": {"i-1": {"Owner": "shop"}},
                })),
                &["pass"],
            ),
            (
                "an instance of which nothing is known",
                balancer(json!({"InstanceTags": {}})),
                &["unknown the record does not say the tags of instance i-1"],
            ),
            (
                "addresses have no tags",
                balancer(json!({"TargetGroups": [group("ip", &json!([{"Id": "10.0.0.7"}]))], "InstanceTags": {}})),
                &["pass"],
            ),
        ],
    );
}

#[test]
fn required_tags() {
    let team = Settings { required_tags: tags(&["Team"]), ..settings() };
    table(&team, "elbv2_required_tags", &[("without the tag", balancer(json!({})), &["fail low -"])]);
}
