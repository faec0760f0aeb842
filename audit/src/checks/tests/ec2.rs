//! The checks of EC2 instances.

use std::slice::from_ref;

use common::resource::{Instance, ResourceType};
use common::settings::Settings;
use serde_json::{Value, json};

use super::{Example, judge, resource, said, settings, table, tags, with};

impl Example for Instance {
    const ARN: &'static str = "arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc";
    const IDS: &'static [&'static str] = &["ec2_imdsv2", "ec2_required_tags", "ec2_public_in_dev"];

    fn healthy() -> Value {
        json!({
            "InstanceId": "i-0abc",
            "State": {"Name": "running"},
            "RootDeviceType": "ebs",
            "MetadataOptions": {"HttpTokens": "required", "HttpEndpoint": "enabled"},
            "PublicIpAddress": null,
            "NetworkInterfaces": [{"NetworkInterfaceId": "eni-1"}],
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

#[test]
fn public_addresses_in_a_development_account() {
    let address = |ip: &str, owner: &str| json!({"Association": {"PublicIp": ip, "IpOwnerId": owner}});
    let on = |interfaces: &[Value]| json!({"NetworkInterfaces": interfaces});
    let automatic = address("198.51.100.7", "amazon");
    let elastic = address("198.51.100.8", "111122223333");
    table(
        &settings(),
        "ec2_public_in_dev",
        &[
            ("automatic", instance(on(from_ref(&automatic))), &["fail high stop"]),
            ("Elastic IP", instance(on(from_ref(&elastic))), &["fail high -"]),
            ("both", instance(on(&[automatic.clone(), elastic.clone()])), &["fail high -"]),
            ("on the second interface", instance(on(&[json!({}), automatic.clone()])), &["fail high stop"]),
            ("an address without an interface", instance(json!({"PublicIpAddress": "198.51.100.9"})), &["fail high -"]),
            ("IPv6 alone", instance(on(&[json!({"Ipv6Addresses": ["2001:db8::1"]})])), &["pass"]),
            ("stopped", state("stopped", on(from_ref(&elastic))), &["pass"]),
            (
                "on an instance store",
                instance(json!({
                    "RootDeviceType": "instance-store", "NetworkInterfaces": [automatic],
                })),
                &["fail high -"],
            ),
        ],
    );
    let record = resource("ec2", &instance(on(&[automatic.clone(), elastic])));
    let findings = judge(&settings(), "ec2_public_in_dev", &record);
    assert_eq!(
        findings[0].evidence,
        json!({"PublicAddresses": [
            {"PublicIp": "198.51.100.7", "Kind": "automatic"}, {"PublicIp": "198.51.100.8", "Kind": "Elastic IP"},
        ]})
    );
    let production = Settings { accounts: std::collections::BTreeMap::new(), ..settings() };
    assert_eq!(said(&judge(&production, "ec2_public_in_dev", &record)), ["pass"]);
}
