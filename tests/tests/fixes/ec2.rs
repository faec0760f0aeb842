//! Instances.

use serde_json::{Value, json};
use tests::fix::{FIX, Fix, call, goes_there_and_back};

#[test]
fn ec2_require_imdsv2() {
    goes_there_and_back(&Fix {
        kind: "ec2",
        what: "hands out credentials without a token",
        check: "ec2_imdsv2",
        calls: |instance| {
            let parameters = json!({"InstanceId": instance["id"], "HttpTokens": "required"});
            call("ec2:ModifyInstanceMetadataOptions", &parameters)
        },
        change: |config| {
            config["MetadataOptions"]["HttpTokens"] = json!("required");
            // The emulator forgets what it is not told again.
            for forgotten in ["HttpEndpoint", "HttpProtocolIpv6", "InstanceMetadataTags"] {
                config["MetadataOptions"][forgotten] = Value::Null;
            }
        },
        ..FIX
    });
}

#[test]
fn stop() {
    goes_there_and_back(&Fix {
        kind: "ec2",
        what: "for a token alone",
        check: "ec2_required_tags",
        settings: "required_tags = [\"Owner\"]",
        calls: |instance| call("ec2:StopInstances", &json!({"InstanceIds": [instance["id"]]})),
        change: |config| config["State"]["Name"] = json!("stopped"),
        lost: &["LaunchTime"],
    });
}
