//! Load balancers.

use serde_json::{Value, json};
use tests::fix::{FIX, Fix, call, goes_there_and_back};
use tests::ground::{closed_groups, group, put_elbv2};
use tests::stage::{Stage, statuses, text};
use tests::task::{disabled_and_back, killed, refused, task};
use tests::{Emulator, Proxy};

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
    assert_eq!((&finding["key"], finding.get("action").is_none_or(Value::is_null)), (&json!(key), true));
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

/// A load balancer of a stage whose settings name a closed security group, and that.
fn with_closed_group() -> (Stage, Value, String) {
    let stage = Stage::of("elbv2");
    let (settings, closed) = closed_groups(&stage.account);
    stage.set(&settings);
    let arn = stage.arn("faces the internet");
    let balancer = stage.poll_all().matching(&json!({"kind": "resource", "arn": arn})).remove(0);
    (stage, balancer, closed)
}

#[test]
fn disable() {
    let (stage, balancer, closed) = with_closed_group();
    refused(&stage, &task(&balancer, &json!("disable")), "created without security groups");
    let own = group(&stage.account, &text(&balancer["config"]["VpcId"]), "own");
    put_elbv2(&stage.account, &text(&balancer["id"]), &[&own]);
    let parameters = json!({"LoadBalancerArn": balancer["id"], "SecurityGroups": [closed]});
    let calls = call("elasticloadbalancing:SetSecurityGroups", &parameters);
    disabled_and_back(&stage, &balancer, &calls, |config| config["SecurityGroups"] = json!([closed]), || ());
}

#[test]
fn kill() {
    let (stage, balancer, _) = with_closed_group();
    // The emulator deletes it all the same.
    let why = "Load balancer cannot be deleted because deletion protection is enabled";
    let delete = "elasticloadbalancing:DeleteLoadBalancer";
    let proxy = Proxy::new(Emulator::shared()).fail(delete, 400, "OperationNotPermitted", why);
    let kill = task(&balancer, &json!("kill"));
    let protected = stage.through(&proxy);
    let failed = protected.run(protected.apply(kill.to_string()).arg("--irreversible")).exits(1).records();
    assert_eq!(statuses(&failed), ["failed"], "{failed:?}");
    assert!(text(&failed[0]["reason"]).contains(why), "{failed:?}");
    killed(&stage, &balancer, &json!("kill"), &call(delete, &json!({"LoadBalancerArn": balancer["id"]})));
}
