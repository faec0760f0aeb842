//! Load balancers.

use serde_json::json;
use tests::fix::{FIX, Fix, call, goes_there_and_back};
use tests::stage::{Stage, text};

use crate::elb::DEV;

#[test]
fn elb_deregister_targets() {
    goes_there_and_back(&Fix {
        kind: "elbv2",
        what: "faces the internet",
        check: "elbv2_public_in_dev",
        settings: DEV,
        calls: |balancer| {
            let group = &balancer["config"]["TargetGroups"][0];
            let parameters = json!({
                "TargetGroupArn": group["TargetGroupArn"],
                "Targets": [{"Id": group["Targets"][0]["Id"], "Port": 80}],
            });
            call("elasticloadbalancing:DeregisterTargets", &parameters)
        },
        // The emulator lets go of a target at once: it does not drain.
        change: |config| {
            config["TargetGroups"][0]["Targets"] = json!([]);
            config["InstanceTags"] = json!({});
        },
        ..FIX
    });
}

#[test]
fn an_instance_with_another_tag_is_found() {
    mismatches_are_found("elbv2", "Load balancer sluice-test-other-tags-nlb");
}

/// That of the instance behind the load balancer of this title, and no other; and that nothing is offered for it.
pub(crate) fn mismatches_are_found(kind: &str, title: &str) {
    let stage = Stage::of(kind);
    let findings = stage.findings();
    let [finding] = findings.as_slice() else { panic!("{findings:#?}") };
    assert_eq!((&finding["check"], &finding["status"]), (&json!(format!("{kind}_tags_mismatch")), &json!("fail")));
    assert!(text(&finding["title"]).starts_with(title), "{finding}");
    let evidence = &finding["evidence"];
    assert_eq!(
        evidence["MismatchedTags"],
        json!([{"Key": "sluice:test-resource", "LoadBalancer": "bad", "Instance": "good"}])
    );
    let key = format!("{kind}_tags_mismatch:{}:{}", text(&finding["arn"]), text(&evidence["InstanceId"]));
    assert_eq!((&finding["key"], finding.get("action").is_none_or(serde_json::Value::is_null)), (&json!(key), true));
}

#[test]
fn the_arn_of_a_target_group_leads_to_its_load_balancer() {
    let stage = Stage::of("elbv2");
    let polled = stage.poll().kind("resource");
    let balancer = &polled[0];
    let group = &balancer["config"]["TargetGroups"][0]["TargetGroupArn"];
    let reference = json!({
        "account": stage.account.id(), "region": balancer["region"], "type": "elbv2", "id": group,
    });
    let looked = stage.run(stage.tool("poll").arg("-").stdin(reference.to_string())).exits(0);
    let mut found = looked.kind("resource").remove(0);
    let mut expected = balancer.clone();
    for record in [&mut found, &mut expected] {
        record.as_object_mut().unwrap().remove("observed_at");
    }
    assert_eq!(found, expected, "a look and a listing see the same");
}
