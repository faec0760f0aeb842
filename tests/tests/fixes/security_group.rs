//! Security groups.

use serde_json::{Value, json};
use tests::fix::{FIX, Fix, goes_there_and_back};

fn revoked(group: &Value, keys: [&str; 2], range: &str) -> Value {
    let mut rule = group["config"]["IpPermissions"][0].clone();
    let others: Vec<String> = rule.as_object().unwrap().keys().cloned().collect();
    for other in others.iter().filter(|key| key.ends_with("Ranges") && *key != keys[0]) {
        rule.as_object_mut().unwrap().remove(other);
    }
    rule[keys[0]].as_array_mut().unwrap().retain(|present| present[keys[1]] == range);
    json!({"operation": "ec2:RevokeSecurityGroupIngress",
           "parameters": {"GroupId": group["id"], "IpPermissions": [rule]}})
}

#[test]
fn ec2_revoke_ingress() {
    let group = Fix { kind: "security_group", check: "security_group_open", ..FIX };
    goes_there_and_back(&Fix {
        what: "SSH from anywhere",
        calls: |group| vec![revoked(group, ["IpRanges", "CidrIp"], "0.0.0.0/0")],
        change: |config| config["IpPermissions"] = json!([]),
        ..group
    });
    goes_there_and_back(&Fix {
        what: "RDP from anywhere that has IPv6",
        calls: |group| vec![revoked(group, ["Ipv6Ranges", "CidrIpv6"], "::/0")],
        change: |config| config["IpPermissions"] = json!([]),
        ..group
    });
}

#[test]
fn ec2_revoke_ingress_leaves_the_other_ranges() {
    goes_there_and_back(&Fix {
        kind: "security_group",
        check: "security_group_open",
        what: "three networks, of which one is the internet",
        calls: |group| vec![revoked(group, ["IpRanges", "CidrIp"], "0.0.0.0/0")],
        change: |config| {
            let ranges = config["IpPermissions"][0]["IpRanges"].as_array_mut().unwrap();
            ranges.retain(|range| range["CidrIp"] != "0.0.0.0/0");
            assert_eq!(ranges.len(), 2);
        },
        ..FIX
    });
}

#[test]
fn ec2_revoke_ingress_of_both_halves() {
    goes_there_and_back(&Fix {
        kind: "security_group",
        check: "security_group_open",
        what: "both halves of the internet",
        calls: |group| ["0.0.0.0/1", "128.0.0.0/1"].map(|half| revoked(group, ["IpRanges", "CidrIp"], half)).to_vec(),
        change: |config| config["IpPermissions"] = json!([]),
        ..FIX
    });
}
