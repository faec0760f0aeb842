//! The checks of EC2 instances.

use std::slice::from_ref;

use common::resource::{Instance, ResourceType};
use common::settings::{Check, Settings};
use serde_json::{Value, json};

use super::{ACCOUNT, Example, judge, resource, said, settings, table, tags, with};

impl Example for Instance {
    const ARN: &'static str = "arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc";
    const IDS: &'static [&'static str] = &["ec2_imdsv2", "ec2_required_tags", "ec2_public_in_dev", "ec2_runaway"];

    fn healthy() -> Value {
        json!({
            "InstanceId": "i-0abc",
            "State": {"Name": "running"},
            "RootDeviceType": "ebs",
            "MetadataOptions": {"HttpTokens": "required", "HttpEndpoint": "enabled"},
            "PublicIpAddress": null,
            "NetworkInterfaces": [{"NetworkInterfaceId": "eni-1"}],
            "Addresses": [],
        })
    }

    fn rotten() -> Value {
        json!({
            "MetadataOptions": {"HttpTokens": "optional", "HttpEndpoint": "enabled"},
            "PublicIpAddress": "198.51.100.7",
            "NetworkInterfaces": [{"Association": {"PublicIp": "198.51.100.7", "IpOwnerId": "amazon"}}],
        })
    }
}

fn instance(fields: Value) -> Value {
    with(ResourceType::Ec2, fields)
}

fn state(name: &str, mut fields: Value) -> Value {
    fields["State"] = json!({"Name": name});
    instance(fields)
}

#[test]
fn imdsv2() {
    let optional = || json!({"MetadataOptions": {"HttpTokens": "optional", "HttpEndpoint": "enabled"}});
    let fail = &["fail high ec2_require_imdsv2"][..];
    table(
        &settings(),
        "ec2_imdsv2",
        &[
            ("optional", instance(optional()), fail),
            ("pending", state("pending", optional()), fail),
            ("stopping", state("stopping", optional()), fail),
            ("stopped", state("stopped", optional()), fail),
            ("shutting down", state("shutting-down", optional()), &["pass"]),
            ("terminated", state("terminated", optional()), &["pass"]),
            (
                "the service is off",
                instance(json!({
                    "MetadataOptions": {"HttpTokens": "optional", "HttpEndpoint": "disabled"},
                })),
                &["pass"],
            ),
            ("no word of the endpoint", instance(json!({"MetadataOptions": {"HttpTokens": "optional"}})), fail),
            (
                "no word of the tokens",
                instance(json!({"MetadataOptions": {}})),
                &["unknown the record does not say MetadataOptions.HttpTokens"],
            ),
            ("no word of the state", instance(json!({"State": {}})), &["unknown the record does not say State.Name"]),
            (
                "a new state",
                state("hibernating", optional()),
                &["unknown `hibernating` is not a state of an instance that this version knows"],
            ),
        ],
    );
}

#[test]
fn only_what_runs_needs_tags_and_only_what_can_stop_is_stopped() {
    let team = Settings { required_tags: tags(&["Team"]), ..settings() };
    table(
        &team,
        "ec2_required_tags",
        &[
            ("running", instance(json!({})), &["fail low stop"]),
            ("pending", state("pending", json!({})), &["fail low stop"]),
            ("stopped", state("stopped", json!({})), &["pass"]),
            ("terminated", state("terminated", json!({})), &["pass"]),
            ("on an instance store", instance(json!({"RootDeviceType": "instance-store"})), &["fail low -"]),
        ],
    );
}

fn association(ip: &str, owner: &str) -> Value {
    json!({"NetworkInterfaceId": "eni-1", "Association": {"PublicIp": ip, "IpOwnerId": owner}})
}

fn elastic(allocation: &str, ip: &str) -> Value {
    json!({"AllocationId": allocation, "AssociationId": "eipassoc-1", "PublicIp": ip, "NetworkInterfaceId": "eni-1"})
}

fn acting(name: &str) -> Settings {
    let terminate = Check { action: Some(name.to_owned()), ..Check::default() };
    Settings { checks: [("ec2_public_in_dev".to_owned(), terminate)].into(), ..settings() }
}

#[test]
fn automatic_addresses_in_a_development_account() {
    let automatic = association("198.51.100.7", "amazon");
    let unknown = association("198.51.100.8", ACCOUNT);
    let on = |interfaces: &[Value]| json!({"NetworkInterfaces": interfaces});
    let with_store = || instance(json!({"RootDeviceType": "instance-store", "NetworkInterfaces": [automatic.clone()]}));
    table(
        &settings(),
        "ec2_public_in_dev",
        &[
            ("automatic", instance(on(from_ref(&automatic))), &["fail high stop"]),
            ("pending", state("pending", on(from_ref(&automatic))), &["fail high stop"]),
            ("on the second interface", instance(on(&[json!({}), automatic.clone()])), &["fail high stop"]),
            ("of unknown kind", instance(on(from_ref(&unknown))), &["fail high -"]),
            ("automatic and of unknown kind", instance(on(&[automatic.clone(), unknown])), &["fail high -"]),
            ("an address without an interface", instance(json!({"PublicIpAddress": "198.51.100.9"})), &["fail high -"]),
            ("IPv6 alone", instance(on(&[json!({"Ipv6Addresses": ["2001:db8::1"]})])), &["pass"]),
            ("stopped", state("stopped", on(from_ref(&automatic))), &["pass"]),
            ("on an instance store", with_store(), &["fail high -"]),
        ],
    );
    table(
        &acting("ec2_terminate"),
        "ec2_public_in_dev",
        &[
            ("automatic", instance(on(from_ref(&automatic))), &["fail high ec2_terminate"]),
            ("on an instance store", with_store(), &["fail high ec2_terminate"]),
            ("an address without an interface", instance(json!({"PublicIpAddress": "198.51.100.9"})), &["fail high -"]),
        ],
    );
    table(
        &acting("stop"),
        "ec2_public_in_dev",
        &[
            ("automatic", instance(on(from_ref(&automatic))), &["fail high stop"]),
            ("on an instance store", with_store(), &["fail high -"]),
        ],
    );
    let record = resource("ec2", &instance(on(from_ref(&automatic))));
    let production = Settings { accounts: std::collections::BTreeMap::new(), ..settings() };
    assert_eq!(said(&judge(&production, "ec2_public_in_dev", &record)), ["pass"]);
}

#[test]
fn each_elastic_ip_is_a_finding_beside_that_of_the_automatic_addresses() {
    let both = || {
        json!({
            "PublicIpAddress": "198.51.100.8",
            "NetworkInterfaces": [association("198.51.100.8", ACCOUNT), association("198.51.100.7", "amazon")],
            // The third stands for a second address of an interface, whose association DescribeInstances gives elsewhere.
            "Addresses": [elastic("eipalloc-1", "198.51.100.8"), elastic("eipalloc-2", "198.51.100.9")],
        })
    };
    let apart = ["fail high ec2_disassociate_address eipalloc-1", "fail high ec2_disassociate_address eipalloc-2"];
    table(
        &settings(),
        "ec2_public_in_dev",
        &[
            ("both kinds", instance(both()), &["fail high stop", apart[0], apart[1]]),
            ("stopped", state("stopped", both()), &["pass"]),
            (
                "without an allocation",
                instance(json!({"Addresses": [elastic("", "198.51.100.8")]})),
                &["fail high - 198.51.100.8"],
            ),
        ],
    );
    for action in ["ec2_terminate", "ec2_disassociate_address", "stop"] {
        let automatic = if action == "ec2_disassociate_address" { "-" } else { action };
        let first = format!("fail high {automatic}");
        let expected = [first.as_str(), apart[0], apart[1]];
        table(&acting(action), "ec2_public_in_dev", &[("what the settings choose", instance(both()), &expected)]);
    }
    let findings = judge(&settings(), "ec2_public_in_dev", &resource("ec2", &instance(both())));
    assert_eq!(findings[0].evidence, json!({"PublicAddresses": [{"PublicIp": "198.51.100.7", "Kind": "automatic"}]}));
    let [automatic, elastic, _] = findings.as_slice() else { panic!("three") };
    assert!(automatic.title.ends_with(": 198.51.100.7 (automatic)"), "{}", automatic.title);
    assert!(elastic.title.ends_with(": 198.51.100.8 (Elastic IP)"), "{}", elastic.title);
    assert_eq!(
        serde_json::to_value(&elastic.action).unwrap(),
        json!({"name": "ec2_disassociate_address", "AllocationId": "eipalloc-1", "PublicIp": "198.51.100.8"})
    );
}
