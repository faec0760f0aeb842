//! Classic load balancers.

use serde_json::{Value, json};
use tests::fix::{FIX, Fix, call, goes_there_and_back};
use tests::ground::{closed_groups, group, put_elb};
use tests::stage::{Stage, text};
use tests::task::{disabled_and_back, killed, refused, task};
use tests::{Emulator, Proxy};

use crate::elbv2::mismatches_are_found;

pub(crate) const DEV: &str = "[accounts.ACCOUNT]\ndev = true";

#[test]
fn elb_deregister_instances() {
    goes_there_and_back(&Fix {
        kind: "elb",
        what: "faces the internet",
        check: "elb_public_in_dev",
        settings: DEV,
        calls: |balancer| {
            let instances = &balancer["config"]["Instances"];
            assert_eq!(instances.as_array().map(Vec::len), Some(1), "{balancer}");
            call(
                "elasticloadbalancing:DeregisterInstancesFromLoadBalancer",
                &json!({"LoadBalancerName": "sluice-test-facing", "Instances": instances}),
            )
        },
        change: |config| {
            config["Instances"] = json!([]);
            config["InstanceTags"] = json!({});
        },
        ..FIX
    });
}

#[test]
fn an_instance_with_another_tag_is_found() {
    mismatches_are_found("elb", "Classic load balancer sluice-test-other-tags");
}

#[test]
fn where_the_tags_of_instances_are_denied_what_needs_them_is_unknown_and_nothing_else() {
    let stage = Stage::of("elb");
    stage.set(DEV);
    let proxy = Proxy::new(Emulator::shared()).deny("ec2:DescribeTags");
    let seen = stage.through(&proxy);
    let polled = seen.run(seen.tool("poll").args(["--types", "elb"])).exits(3);
    assert_eq!(proxy.count("ec2:DescribeTags"), 1, "asked for once for all load balancers");
    let audited = stage.run(stage.tool("audit").stdin(polled.stdout)).exits(3);
    let status = |check: &str| -> Vec<Value> {
        let findings = audited.matching(&json!({"kind": "finding", "check": check}));
        findings.into_iter().map(|finding| finding["status"].clone()).collect()
    };
    assert_eq!(status("elb_tags_mismatch"), ["unknown", "unknown", "unknown"]);
    assert_eq!(status("elb_public_in_dev"), ["fail"]);
}

/// One that is in two security groups, of a stage whose settings name a closed one: its record, and that.
fn grouped() -> (Stage, Value, String) {
    let stage = Stage::of("elb");
    let arn = stage.arn("faces the internet");
    let of = |stage: &Stage| stage.poll_all().matching(&json!({"kind": "resource", "arn": arn})).remove(0);
    let balancer = of(&stage);
    let vpc = text(&balancer["config"]["VPCId"]);
    let groups = ["one", "two"].map(|name| group(&stage.account, &vpc, name));
    put_elb(&stage.account, &text(&balancer["id"]), &groups.each_ref().map(String::as_str));
    let (settings, closed) = closed_groups(&stage.account);
    refused(&stage, &task(&balancer, &json!("disable")), &vpc);
    stage.set(&settings);
    let balancer = of(&stage);
    (stage, balancer, closed)
}

#[test]
fn disable() {
    let (stage, balancer, closed) = grouped();
    let parameters = json!({"LoadBalancerName": balancer["id"], "SecurityGroups": [closed]});
    let calls = call("elasticloadbalancing:ApplySecurityGroupsToLoadBalancer", &parameters);
    disabled_and_back(&stage, &balancer, &calls, |config| config["SecurityGroups"] = json!([closed]), || ());
}

#[test]
fn kill() {
    let (stage, balancer, _) = grouped();
    let calls = call("elasticloadbalancing:DeleteLoadBalancer", &json!({"LoadBalancerName": balancer["id"]}));
    killed(&stage, &balancer, &json!("kill"), &calls);
}
