//! The part of a resource that a task of Krampus's or the Justice Engine's is about: a rule of a security group, or grants
//! of a bucket's ACL. Without one, `disable` is for the whole resource.

use common::action::{Action, Grants, Rules};
use common::resource::{IpPermission, IpRange, Ipv6Range, ResourceType};
use ipnet::IpNet;
use serde_json::Value;

use super::Written;

/// What is to be done to a part of a resource.
#[derive(Debug, PartialEq)]
pub(super) struct Part {
    /// The action that takes it out.
    pub(super) action: Action,
    /// What tells it from other parts of the resource: `tcp:22-22:0.0.0.0/0`, as in the keys of findings.
    pub(super) name: String,
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#permissions>.
const PERMISSIONS: [&str; 5] = ["READ", "WRITE", "READ_ACP", "WRITE_ACP", "FULL_CONTROL"];

/// What is to be said of a task that names no resource with such a part, or more than a part.
fn misplaced(field: &str, action: &Action, kind: Option<ResourceType>, meant: ResourceType) -> String {
    let name = action.name().unwrap_or_default();
    if kind == Some(meant) {
        return format!("it has `{field}`, which is a part of the {meant}, but `{name}` is for all of it");
    }
    let kind =
        kind.map_or_else(|| "a resource of another type".to_owned(), |kind| format!("a resource of type {kind}"));
    format!("it has `{field}`, which is for a {meant}, but names {kind}")
}

impl Written {
    /// The part that `disable` is about, where the task names one.
    ///
    /// # Errors
    ///
    /// Why the fields that name it cannot be right: one is missing, is not what it should be, or does not go with the action
    /// or the resource. What is left of the task must not be done: it would take away more than was meant.
    pub(super) fn part(&self, action: &Action, kind: Option<ResourceType>) -> Result<Option<Part>, String> {
        let grant = [("s3_principal", &self.s3_principal), ("s3_permission", &self.s3_permission)];
        let rule = [
            ("cidr_range", &self.cidr_range),
            ("cidr_ip", &self.cidr_ip),
            ("from_port", &self.from_port),
            ("to_port", &self.to_port),
            ("proto", &self.proto),
            ("direction", &self.direction),
        ];
        let given = |fields: &[(&'static str, &Value)]| {
            fields.iter().find(|(_, value)| !is_absent(value)).map(|(field, _)| *field)
        };
        let of = |field, meant| match (action, kind) {
            (Action::Disable, Some(kind)) if kind == meant => Ok(()),
            _ => Err(misplaced(field, action, kind, meant)),
        };
        match (given(&grant), given(&rule)) {
            (None, None) => Ok(None),
            (Some(field), None) => of(field, ResourceType::S3Bucket).and_then(|()| self.grants()).map(Some),
            (None, Some(field)) => of(field, ResourceType::SecurityGroup).and_then(|()| self.rule()).map(Some),
            (Some(grant), Some(rule)) => Err(format!("it has `{grant}` of a bucket and `{rule}` of a security group")),
        }
    }

    fn grants(&self) -> Result<Part, String> {
        let principal = text("s3_principal", &self.s3_principal)?.ok_or(
            "it has `s3_permission`, but no `s3_principal` from whom to take it: without both, all grants are meant",
        )?;
        let one = |value: &Value| {
            let permission = text("s3_permission", value)?.unwrap_or_default().to_ascii_uppercase();
            if PERMISSIONS.contains(&permission.as_str()) {
                return Ok(permission);
            }
            Err(format!("`s3_permission` has {value}, which is none of {}", PERMISSIONS.join(", ")))
        };
        let mut permissions = match &self.s3_permission {
            Value::Array(permissions) => permissions.iter().map(one).collect::<Result<Vec<_>, _>>()?,
            absent if is_absent(absent) => Vec::new(),
            permission => vec![one(permission)?],
        };
        permissions.sort_unstable();
        permissions.dedup();
        if permissions.is_empty() {
            return Err(
                "it has `s3_principal`, but no `s3_permission` to take away: name FULL_CONTROL or others".to_owned()
            );
        }
        let name = format!("{principal}:{}", permissions.join(","));
        let grants = Grants { principal: Some(principal), permissions };
        Ok(Part { action: Action::S3RemoveGrants(grants), name })
    }

    fn rule(&self) -> Result<Part, String> {
        let range = match (text("cidr_range", &self.cidr_range)?, text("cidr_ip", &self.cidr_ip)?) {
            (Some(one), Some(other)) if one != other => {
                return Err(format!("`cidr_range` and `cidr_ip` are not the same: {one}, {other}"));
            }
            (one, other) => {
                one.or(other).ok_or("it names a rule without `cidr_range`: without all of it, all rules are meant")?
            }
        };
        let range: IpNet = range
            .parse::<IpNet>()
            .map(|range| range.trunc())
            .map_err(|_| format!("`{range}` is no range of addresses, such as 10.0.0.0/8 or 2001:db8::/32"))?;
        let protocol = self.protocol()?;
        let (from_port, to_port) = if protocol == ALL_PROTOCOLS { (None, None) } else { self.ports(&protocol)? };
        let ports = match (from_port, to_port) {
            (Some(from), Some(to)) => format!("{from}-{to}"),
            _ => "all".to_owned(),
        };
        let (mut ip_ranges, mut ipv6_ranges) = (Vec::new(), Vec::new());
        match range {
            IpNet::V4(range) => ip_ranges.push(IpRange { cidr_ip: range.to_string(), description: None }),
            IpNet::V6(range) => ipv6_ranges.push(Ipv6Range { cidr_ipv6: range.to_string(), description: None }),
        }
        let rule = IpPermission {
            ip_protocol: protocol.clone(),
            from_port,
            to_port,
            ip_ranges,
            ipv6_ranges,
            ..IpPermission::default()
        };
        let revoke =
            match text("direction", &self.direction)?.map(|direction| direction.to_ascii_lowercase()).as_deref() {
                None | Some("ingress") => Action::Ec2RevokeIngress,
                Some("egress") => Action::Ec2RevokeEgress,
                Some(other) => return Err(format!("`direction` is `{other}`, and neither ingress nor egress")),
            };
        let rules = Rules { ip_permissions: vec![rule] };
        Ok(Part { action: revoke(rules), name: format!("{protocol}:{ports}:{range}") })
    }

    fn protocol(&self) -> Result<String, String> {
        let protocol = match &self.proto {
            // `-1` and IANA's numbers.
            Value::Number(number) => number.to_string(),
            other => text("proto", other)?.ok_or("it names a rule without `proto`")?.to_ascii_lowercase(),
        };
        let known = ["tcp", "udp", "icmp", "icmpv6"].contains(&protocol.as_str()) || protocol.parse::<u8>().is_ok();
        match protocol.as_str() {
            "all" | ALL_PROTOCOLS => Ok(ALL_PROTOCOLS.to_owned()),
            _ if known => Ok(protocol),
            _ => {
                Err(format!("`proto` is `{protocol}`: tcp, udp, icmp, icmpv6, all, or a protocol's number is expected"))
            }
        }
    }

    /// The ports, as EC2 has them: for ICMP the type and the code, of which -1 is any.
    fn ports(&self, protocol: &str) -> Result<(Option<i32>, Option<i32>), String> {
        let ports = (port("from_port", &self.from_port)?, port("to_port", &self.to_port)?);
        let limits = match protocol {
            "tcp" | "udp" | "6" | "17" => 0..=65535,
            "icmp" | "icmpv6" | "1" | "58" => -1..=255,
            // No other protocol has ports.
            _ => return Ok(ports),
        };
        match ports {
            (Some(from), Some(to)) if !limits.contains(&from) || !limits.contains(&to) => {
                Err(format!("there are no ports from {from} to {to} of {protocol}"))
            }
            (Some(from), Some(to)) if *limits.start() == 0 && from > to => {
                Err(format!("`from_port` {from} is above `to_port` {to}"))
            }
            (Some(_), Some(_)) => Ok(ports),
            (None, _) => Err(format!("it names a rule for {protocol} without `from_port`")),
            (_, None) => Err(format!("it names a rule for {protocol} without `to_port`")),
        }
    }
}

/// All protocols, and so all ports.
const ALL_PROTOCOLS: &str = "-1";

/// Producers write what they do not know as `null` or as an empty text.
fn is_absent(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

fn text(field: &str, value: &Value) -> Result<Option<String>, String> {
    match value {
        absent if is_absent(absent) => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        other => Err(format!("`{field}` is {other}, which is no text")),
    }
}

/// A port as a number or its digits.
fn port(field: &str, value: &Value) -> Result<Option<i32>, String> {
    let number = match value {
        absent if is_absent(absent) => return Ok(None),
        Value::Number(number) => number.to_string(),
        other => other.as_str().unwrap_or_default().to_owned(),
    };
    number.parse().map(Some).map_err(|_| format!("`{field}` is {value}, which is no port"))
}
