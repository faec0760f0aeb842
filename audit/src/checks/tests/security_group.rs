//! The check of security groups.

use common::resource::{ResourceType, SecurityGroup};
use common::settings::{Check, Settings, Thresholds};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Example, judge, resource, said, settings, table, with};

impl Example for SecurityGroup {
    const ARN: &'static str = "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-0abc";
    const IDS: &'static [&'static str] = &["security_group_open"];

    fn healthy() -> Value {
        json!({
            "GroupId": "sg-0abc",
            "IpPermissions": [{
                "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/8"}],
                "UserIdGroupPairs": [{"GroupId": "sg-1"}],
            }],
        })
    }

    fn rotten() -> Value {
        json!({"IpPermissions": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]})
    }
}

fn group(rules: &[Value]) -> Value {
    with(ResourceType::SecurityGroup, json!({"IpPermissions": rules}))
}

fn ipv4(protocol: &str, from: i32, to: i32, cidr: &str) -> Value {
    group(&[json!({"IpProtocol": protocol, "FromPort": from, "ToPort": to, "IpRanges": [{"CidrIp": cidr}]})])
}

fn ipv6(cidr: &str) -> Value {
    group(&[json!({"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "Ipv6Ranges": [{"CidrIpv6": cidr}]})])
}

/// Settings with which findings carry the action.
fn fixing() -> Settings {
    let fix = Check { fix: Some(true), ..Check::default() };
    Settings { checks: [("security_group_open".to_owned(), fix)].into(), ..settings() }
}

#[test]
fn ranges() {
    let open = "fail critical ec2_revoke_ingress tcp:22-22:";
    for (cidr, expected) in [
        ("0.0.0.0/0", Some("0.0.0.0/0")),
        ("0.0.0.0/1", Some("0.0.0.0/1")),
        ("128.0.0.0/1", Some("128.0.0.0/1")),
        ("1.2.3.4/0", Some("0.0.0.0/0")),
        ("0.0.0.0/00", Some("0.0.0.0/0")),
        ("2.0.0.0/7", Some("2.0.0.0/7")),
        ("8.0.0.0/8", None),
        ("10.0.0.0/8", None),
        ("198.51.100.7/32", None),
        ("224.0.0.0/4", None),
    ] {
        let expected = expected.map_or_else(|| "pass".to_owned(), |range| format!("{open}{range}"));
        table(&fixing(), "security_group_open", &[(cidr, ipv4("tcp", 22, 22, cidr), &[&expected])]);
    }
    for (cidr, expected) in [
        ("::/0", Some("::/0")),
        ("0::0/0", Some("::/0")),
        ("2000::/3", Some("2000::/3")),
        ("2a00::/12", Some("2a00::/12")),
        ("2001:db8::/32", None),
        ("fc00::/7", None),
        ("fe80::/10", None),
    ] {
        let expected = expected.map_or_else(|| "pass".to_owned(), |range| format!("{open}{range}"));
        table(&fixing(), "security_group_open", &[(cidr, ipv6(cidr), &[&expected])]);
    }
    for cidr in ["", "0.0.0.0", "0.0.0.0/33", "anywhere/0", "::/129"] {
        let expected = format!("unknown `{cidr}` is not an address range");
        table(&fixing(), "security_group_open", &[(cidr, ipv4("tcp", 22, 22, cidr), &[&expected])]);
        table(&fixing(), "security_group_open", &[(cidr, ipv6(cidr), &[&expected])]);
    }
}

#[test]
fn private_ranges_are_never_open_whatever_the_threshold() {
    let wide = Thresholds { open_ipv4_prefix: 16, ..Thresholds::default() };
    let strict = Settings { thresholds: wide, ..fixing() };
    table(
        &strict,
        "security_group_open",
        &[
            ("private", ipv4("tcp", 22, 22, "10.0.0.0/8"), &["pass"]),
            ("part of a private one", ipv4("tcp", 22, 22, "172.16.0.0/16"), &["pass"]),
            ("public", ipv4("tcp", 22, 22, "8.8.0.0/16"), &["fail critical ec2_revoke_ingress tcp:22-22:8.8.0.0/16"]),
            (
                "half of it private",
                ipv4("tcp", 22, 22, "10.0.0.0/7"),
                &["fail critical ec2_revoke_ingress tcp:22-22:10.0.0.0/7"],
            ),
        ],
    );
}

#[test]
fn the_port_decides_how_bad_it_is() {
    for (protocol, from, to, severity, part, controls) in [
        ("-1", -1, -1, "critical", "all:all", &["FSBP EC2.18", "FSBP EC2.19", "CIS 5.2"][..]),
        ("tcp", 22, 22, "critical", "tcp:22-22", &["FSBP EC2.18", "FSBP EC2.19", "CIS 5.2"]),
        ("6", 3389, 3389, "critical", "tcp:3389-3389", &["FSBP EC2.18", "FSBP EC2.19", "CIS 5.2"]),
        ("tcp", 5432, 5432, "critical", "tcp:5432-5432", &["FSBP EC2.18", "FSBP EC2.19"]),
        ("tcp", 0, 65535, "critical", "tcp:0-65535", &["FSBP EC2.18", "FSBP EC2.19", "CIS 5.2"]),
        ("tcp", -1, -1, "critical", "tcp:0-65535", &["FSBP EC2.18", "FSBP EC2.19", "CIS 5.2"]),
        ("tcp", 20, 30, "critical", "tcp:20-30", &["FSBP EC2.18", "FSBP EC2.19", "CIS 5.2"]),
        ("tcp", 443, 443, "medium", "tcp:443-443", &[]),
        ("tcp", 80, 80, "medium", "tcp:80-80", &[]),
        ("tcp", 80, 443, "critical", "tcp:80-443", &["FSBP EC2.18", "FSBP EC2.19"]),
        ("tcp", 80, 81, "high", "tcp:80-81", &["FSBP EC2.18"]),
        ("udp", 514, 514, "high", "udp:514-514", &["FSBP EC2.18"]),
        ("17", 53, 53, "high", "udp:53-53", &["FSBP EC2.18"]),
        ("icmp", 8, -1, "low", "icmp:8--1", &[]),
        ("50", 0, 0, "high", "50:0-0", &[]),
    ] {
        let config = ipv4(protocol, from, to, "0.0.0.0/0");
        let findings = judge(&fixing(), "security_group_open", &resource("security_group", &config));
        assert_eq!(said(&findings), [format!("fail {severity} ec2_revoke_ingress {part}:0.0.0.0/0")], "{protocol}");
        assert_eq!(findings[0].controls, controls, "{protocol} {from}");
    }
    let findings = judge(&fixing(), "security_group_open", &resource("security_group", &ipv6("::/0")));
    assert_eq!(findings[0].controls, ["FSBP EC2.18", "FSBP EC2.19", "CIS 5.3"]);
    assert!(findings[0].title.ends_with("(::/0) on tcp port 22 (SSH)"), "{}", findings[0].title);
}

#[test]
fn each_rule_and_range_is_a_finding_with_exactly_that_to_revoke() {
    let config = group(&[
        json!({
            "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22,
            "IpRanges": [
                {"CidrIp": "0.0.0.0/0", "Description": "for now"}, {"CidrIp": "10.0.0.0/8"}, {"CidrIp": "nonsense"},
            ],
            "Ipv6Ranges": [{"CidrIpv6": "0::0/0"}],
            "UserIdGroupPairs": [{"GroupId": "sg-1"}],
        }),
        json!({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}),
    ]);
    let findings = judge(&fixing(), "security_group_open", &resource("security_group", &config));
    assert_eq!(
        said(&findings),
        [
            "fail critical ec2_revoke_ingress tcp:22-22:0.0.0.0/0",
            "unknown `nonsense` is not an address range",
            "fail critical ec2_revoke_ingress tcp:22-22:::/0",
            "fail critical ec2_revoke_ingress all:all:0.0.0.0/0",
        ]
    );
    let actions: Vec<Value> = findings.iter().map(|finding| serde_json::to_value(&finding.action).unwrap()).collect();
    assert_eq!(
        actions[0]["IpPermissions"],
        json!([{
            "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22,
            "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "for now"}],
        }])
    );
    assert_eq!(
        actions[2]["IpPermissions"],
        json!([{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "Ipv6Ranges": [{"CidrIpv6": "0::0/0"}]}])
    );
    assert_eq!(findings[0].evidence["IpPermissions"], actions[0]["IpPermissions"]);
}

#[test]
fn a_rule_is_revoked_only_where_the_settings_say_so() {
    let record = resource("security_group", &ipv6("::/0"));
    assert_eq!(said(&judge(&settings(), "security_group_open", &record)), ["fail critical - tcp:22-22:::/0"]);
}

proptest! {
    #[test]
    fn whatever_a_rule_says_each_range_has_at_most_one_answer(
        protocol in "-1|tcp|udp|icmp|[0-9]{1,3}|.{0,6}",
        from in proptest::option::of(any::<i32>()),
        to in proptest::option::of(any::<i32>()),
        cidrs in proptest::collection::vec("[0-9a-f:.]{0,12}/[0-9]{1,3}|.{0,12}", 0..4),
    ) {
        let ranges: Vec<Value> = cidrs.iter().map(|cidr| json!({"CidrIp": cidr})).collect();
        let rule = json!({"IpProtocol": protocol, "FromPort": from, "ToPort": to, "IpRanges": ranges});
        let findings = judge(&fixing(), "security_group_open", &resource("security_group", &group(&[rule])));
        prop_assert!(findings.len() <= cidrs.len().max(1));
    }
}
