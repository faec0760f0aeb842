//! The checks of classic load balancers.

use common::record::Resource;
use common::resource::{ClassicLoadBalancer, ResourceType};
use common::settings::Settings;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Example, judge, resource, said, settings, table, tags, with};

impl Example for ClassicLoadBalancer {
    const ARN: &'static str = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/web";
    const IDS: &'static [&'static str] = &["elb_required_tags", "elb_tags_mismatch", "elb_public_in_dev"];

    fn healthy() -> Value {
        json!({
            "LoadBalancerName": "web",
            "Scheme": "internal",
            "Instances": [{"InstanceId": "i-1"}],
            "InstanceTags": {"i-1": {"Owner": "web", "Name": "web-1"}},
        })
    }

    fn rotten() -> Value {
        json!({"Scheme": "internet-facing", "InstanceTags": {"i-1": {"Owner": "shop"}}})
    }
}

fn balancer(fields: Value) -> Value {
    with(ResourceType::Elb, fields)
}

/// A load balancer with tags before one instance with tags.
fn tagged(own: Value, theirs: &Value) -> Resource<Box<RawValue>> {
    let config = balancer(json!({"InstanceTags": {"i-1": theirs}}));
    Resource { tags: serde_json::from_value(own).unwrap(), ..resource("elb", &config) }
}

#[test]
fn instances_that_are_on_the_internet_in_a_development_account() {
    let open = |instances: Value| balancer(json!({"Scheme": "internet-facing", "Instances": instances}));
    table(
        &settings(),
        "elb_public_in_dev",
        &[
            ("internal", balancer(json!({})), &["pass"]),
            ("without an instance", open(json!([])), &["pass"]),
            (
                "two instances",
                open(json!([{"InstanceId": "i-1"}, {"InstanceId": "i-2"}])),
                &["fail high elb_deregister_instances i-1", "fail high elb_deregister_instances i-2"],
            ),
            ("no word of the scheme", balancer(json!({"Scheme": null})), &["unknown the record does not say Scheme"]),
            (
                "a new scheme",
                balancer(json!({"Scheme": "interplanetary"})),
                &["unknown `interplanetary` is not a scheme that this version knows"],
            ),
        ],
    );
    let record = resource("elb", &open(json!([{"InstanceId": "i-1"}])));
    let findings = judge(&settings(), "elb_public_in_dev", &record);
    assert_eq!(
        findings[0].title,
        "Classic load balancer web puts instance i-1 on the internet in a development account"
    );
    assert_eq!(
        serde_json::to_value(&findings[0].action).unwrap(),
        json!({"name": "elb_deregister_instances", "InstanceIds": ["i-1"]})
    );
    let production = Settings { accounts: std::collections::BTreeMap::new(), ..settings() };
    assert_eq!(said(&judge(&production, "elb_public_in_dev", &record)), ["pass"]);
}

/// The original framework's list of instances that may be public counted for load balancers, too.
#[test]
fn an_instance_that_may_be_on_the_internet_may_be_so_through_a_load_balancer() {
    let config = json!({
        "Scheme": "internet-facing", "Instances": [{"InstanceId": "i-1"}, {"InstanceId": "i-2"}],
        "InstanceTags": {"i-1": {"Purpose": "bastion"}},
    });
    let record = resource("elb", &balancer(config));
    let (both, one) =
        (["fail high elb_deregister_instances i-1", "fail high elb_deregister_instances i-2"], "excepted");
    for (exception, expected) in [
        (json!({"check": "ec2_public_in_dev", "id": "i-1"}), [one, both[1]]),
        (json!({"check": "elb_public_in_dev", "type": "ec2", "id": "i-1"}), [one, both[1]]),
        (json!({"id": "i-1"}), [one, both[1]]),
        (json!({"arn": "arn:aws:ec2:eu-west-1:111122223333:instance/i-2"}), [both[0], one]),
        (json!({"type": "ec2", "tags": {"purpose": "bastion"}}), [one, both[1]]),
        (json!({"id": "web"}), [one, one]),
        (json!({"check": "ec2_imdsv2", "id": "i-1"}), both),
        (json!({"check": "ec2_public_in_dev", "id": "web"}), both),
        (json!({"check": "ec2_public_in_dev", "id": "i-1", "until": "2020-01-01"}), both),
        (json!({"check": "ec2_public_in_dev", "id": "i-1", "account": "444455556666"}), both),
    ] {
        let mut written = exception.clone();
        written["reason"] = json!("agreed");
        let settings = Settings { exceptions: vec![serde_json::from_value(written).unwrap()], ..settings() };
        assert_eq!(said(&judge(&settings, "elb_public_in_dev", &record)), expected, "{exception}");
    }
}

#[test]
fn tags_are_compared_where_both_have_them() {
    let all = Settings { required_tags: Vec::new(), ..settings() };
    let required = Settings { required_tags: tags(&["OWNER", "Team"]), ..settings() };
    let (fail, pass) = (&["fail low - i-1"][..], &["pass"][..]);
    for (name, own, theirs, of_all, of_required) in [
        ("equal", json!({"Owner": "web"}), json!({"Owner": "web"}), pass, pass),
        ("different", json!({"Owner": "web"}), json!({"Owner": "shop"}), fail, fail),
        ("not required", json!({"Stage": "dev"}), json!({"Stage": "live"}), fail, pass),
        ("on one side", json!({"Owner": "web"}), json!({"Stage": "live"}), pass, pass),
        ("on no side", json!({}), json!({}), pass, pass),
        ("names are their own", json!({"Name": "web"}), json!({"Name": "web-1"}), pass, pass),
        (
            "Auto Scaling's",
            json!({"aws:autoscaling:groupName": "a"}),
            json!({"aws:autoscaling:groupName": "b"}),
            pass,
            pass,
        ),
        // Two tags to AWS, one to whoever requires it.
        ("another case", json!({"Owner": "web"}), json!({"owner": "shop"}), pass, fail),
        ("one of two spellings", json!({"Owner": "web"}), json!({"owner": "web", "OWNER": "shop"}), pass, pass),
        ("empty", json!({"Owner": ""}), json!({"Owner": "web"}), fail, fail),
    ] {
        let record = tagged(own, &theirs);
        assert_eq!(said(&judge(&all, "elb_tags_mismatch", &record)), of_all, "{name}");
        assert_eq!(said(&judge(&required, "elb_tags_mismatch", &record)), of_required, "{name}");
    }
    let finding = &judge(&all, "elb_tags_mismatch", &tagged(json!({"Owner": "web"}), &json!({"Owner": "shop"})))[0];
    assert_eq!(
        finding.title,
        "Classic load balancer web and instance i-1 behind it have different tags: Owner is `web` here and `shop` there"
    );
    assert_eq!(
        finding.evidence,
        json!({"InstanceId": "i-1", "MismatchedTags": [{"Key": "Owner", "LoadBalancer": "web", "Instance": "shop"}]})
    );
}

#[test]
fn each_instance_is_judged_for_itself() {
    table(
        &settings(),
        "elb_tags_mismatch",
        &[(
            "a good one, a bad one, and one of which nothing is known",
            balancer(json!({
                "Instances": [{"InstanceId": "i-1"}, {"InstanceId": "i-2"}, {"InstanceId": "i-3"}],
                "InstanceTags": {"i-1": {"Owner": "web"}, "i-2": {"Owner": "shop"}, "i-9": {"Owner": "gone"}},
            })),
            &["fail low - i-2", "unknown the record does not say the tags of instance i-3"],
        )],
    );
}

#[test]
fn required_tags() {
    let team = Settings { required_tags: tags(&["Team"]), ..settings() };
    table(&team, "elb_required_tags", &[("without the tag", balancer(json!({})), &["fail low -"])]);
    let elsewhere = Settings { required_tags: Vec::new(), ..settings() };
    table(&elsewhere, "elb_required_tags", &[("nothing is required", balancer(json!({})), &["pass"])]);
}
