//! Security groups.

use serde_json::{Value, json};
use tests::fix::{FIX, Fix, goes_there_and_back};
use tests::http::Request;
use tests::stage::{Stage, resources};
use tests::task::{
    goes_on_where_it_was_cut_off, has_failed, is_done_and_undone, is_killed, is_refused, now, operations, task,
};
use tests::{Emulator, Proxy};

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

/// A group that lets in three networks and lets out one more than anybody asked for, each with its description.
fn group() -> (Stage, Value) {
    let stage = Stage::of("security_group");
    let arn = stage.arn("three networks");
    let there = || resources(&stage.poll()).into_iter().find(|group| group["arn"] == arn).unwrap();
    let rule = "IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=25&IpPermissions.1.ToPort=25\
        &IpPermissions.1.IpRanges.1.CidrIp=192.0.2.7/32&IpPermissions.1.IpRanges.1.Description=the%20mail%20server";
    let form = format!("Action=AuthorizeSecurityGroupEgress&Version=2016-11-15&GroupId={}&{rule}", there()["id"]);
    stage.call("ec2", Request::form(form.replace('"', "")));
    let group = there();
    assert_eq!(group["config"]["IpPermissionsEgress"].as_array().map(Vec::len), Some(2), "{group}");
    (stage, group)
}

#[test]
fn disable_revokes_all_rules_and_puts_back_exactly_them() {
    let (stage, group) = group();
    let (outcome, between) = is_done_and_undone(&stage, &task(&group, &json!("disable")), &[]);
    assert_eq!(operations(&outcome), ["RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress"]);
    for rules in ["IpPermissions", "IpPermissionsEgress"] {
        assert_eq!(between["config"][rules], json!([]), "{rules}");
    }
    let undo = outcome["undo"].to_string();
    assert!(undo.contains("the mail server") && undo.contains("sluice test: nothing is in this group"), "{undo}");
}

#[test]
fn ec2_revoke_egress_leaves_the_other_rules() {
    let (stage, group) = group();
    let rule = json!({"IpProtocol": "TCP", "FromPort": 25, "ToPort": 25, "IpRanges": [{"CidrIp": "192.0.2.7/32"}]});
    let action = json!({"name": "ec2_revoke_egress", "IpPermissions": [rule]});
    let (_, between) = is_done_and_undone(&stage, &task(&group, &action), &[]);
    assert_eq!(between["config"]["IpPermissions"], group["config"]["IpPermissions"]);
    assert_eq!(between["config"]["IpPermissionsEgress"].as_array().map(Vec::len), Some(1), "{between}");
}

#[test]
fn kill_deletes_a_group_without_its_rules() {
    let (stage, group) = group();
    let outcome = is_killed(&stage, &task(&group, &json!("kill")));
    let all = ["RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress", "DeleteSecurityGroup"];
    assert_eq!(operations(&outcome), all);
}

#[test]
fn kill_goes_on_where_it_was_cut_off() {
    let (stage, group) = group();
    goes_on_where_it_was_cut_off(&stage, &task(&group, &json!("kill")));
}

#[test]
fn a_group_that_is_in_use_lets_nothing_through_and_stays() {
    let (stage, group) = group();
    let kill = task(&group, &json!("kill"));
    let why = format!("resource {} has a dependent object", group["id"].as_str().unwrap());
    let proxy = Proxy::new(Emulator::shared()).fail("ec2:DeleteSecurityGroup", 400, "DependencyViolation", &why);
    has_failed(&stage.through(&proxy), &kill, &why);
    let left = now(&stage, &kill).unwrap();
    assert_eq!((&left["config"]["IpPermissions"], &left["config"]["IpPermissionsEgress"]), (&json!([]), &json!([])));
}

#[test]
fn the_default_group_can_be_disabled_and_not_killed() {
    let stage = Stage::empty("security_group");
    let groups = resources(&stage.poll_all());
    let group = groups.iter().find(|group| group["config"]["GroupName"] == "default").unwrap();
    is_refused(&stage, &task(group, &json!("kill")), "it is the default group of its VPC");
    is_done_and_undone(&stage, &task(group, &json!("disable")), &[]);
}
