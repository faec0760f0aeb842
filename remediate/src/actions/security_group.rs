//! What is done to security groups: rules go out one range at a time, and come back with their descriptions.

use aws_sdk_ec2::types as ec2;
use common::action::{Action, Rules};
use common::aws::{AwsError, Session};
use common::id::Region;
use common::record::Resource;
use common::resource::{IpPermission, SecurityGroup};
use serde::Serialize;

use super::{Planned, Refusal, foreign, sent};

/// A call on a security group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "operation", content = "parameters", rename_all_fields = "PascalCase")]
pub(crate) enum Step {
    #[serde(rename = "ec2:RevokeSecurityGroupIngress")]
    Revoke { group_id: String, ip_permissions: Vec<IpPermission> },
    #[serde(rename = "ec2:AuthorizeSecurityGroupIngress")]
    Authorize { group_id: String, ip_permissions: Vec<IpPermission> },
}

pub(crate) fn plan(
    action: &Action,
    resource: &Resource<SecurityGroup>,
) -> Result<Planned<SecurityGroup, Step>, Refusal> {
    let present = flat(&resource.config.ip_permissions);
    let group_id = resource.config.group_id.clone();
    match action {
        Action::Ec2RevokeIngress(rules) => {
            let unwanted = flat(&rules.ip_permissions);
            let (gone, kept): (Vec<_>, Vec<_>) =
                present.into_iter().partition(|rule| unwanted.iter().any(|unwanted| same_rule(rule, unwanted)));
            if gone.is_empty() {
                return Ok(Planned::nothing(resource));
            }
            let step = Step::Revoke { group_id, ip_permissions: gone.clone() };
            Ok(Planned::one(
                step,
                Some(Action::Ec2AuthorizeIngress(Rules { ip_permissions: gone })),
                with(resource, kept),
            ))
        }
        Action::Ec2AuthorizeIngress(rules) => {
            let missing: Vec<IpPermission> = flat(&rules.ip_permissions)
                .into_iter()
                .filter(|wanted| !present.iter().any(|rule| same_rule(rule, wanted)))
                .collect();
            if missing.is_empty() {
                return Ok(Planned::nothing(resource));
            }
            let step = Step::Authorize { group_id, ip_permissions: missing.clone() };
            let undo = Action::Ec2RevokeIngress(Rules { ip_permissions: missing.clone() });
            Ok(Planned::one(step, Some(undo), with(resource, [present, missing].concat())))
        }
        other => Err(foreign(other, resource)),
    }
}

/// The rules one by one: a permission with three ranges is three rules.
fn flat(permissions: &[IpPermission]) -> Vec<IpPermission> {
    let mut rules = Vec::new();
    for permission in permissions {
        let bare = IpPermission {
            ip_protocol: permission.ip_protocol.clone(),
            from_port: permission.from_port,
            to_port: permission.to_port,
            ..IpPermission::default()
        };
        rules.extend(
            permission.ip_ranges.iter().map(|range| IpPermission { ip_ranges: vec![range.clone()], ..bare.clone() }),
        );
        rules.extend(
            permission
                .ipv6_ranges
                .iter()
                .map(|range| IpPermission { ipv6_ranges: vec![range.clone()], ..bare.clone() }),
        );
        rules.extend(
            permission
                .prefix_list_ids
                .iter()
                .map(|list| IpPermission { prefix_list_ids: vec![list.clone()], ..bare.clone() }),
        );
        rules.extend(
            permission
                .user_id_group_pairs
                .iter()
                .map(|pair| IpPermission { user_id_group_pairs: vec![pair.clone()], ..bare.clone() }),
        );
    }
    rules
}

/// Whether two rules are one to EC2, to which the description does not count.
fn same_rule(one: &IpPermission, other: &IpPermission) -> bool {
    undescribed(one) == undescribed(other)
}

fn undescribed(rule: &IpPermission) -> IpPermission {
    let mut rule = rule.clone();
    rule.ip_ranges.iter_mut().for_each(|range| range.description = None);
    rule.ipv6_ranges.iter_mut().for_each(|range| range.description = None);
    rule.prefix_list_ids.iter_mut().for_each(|list| list.description = None);
    rule.user_id_group_pairs.iter_mut().for_each(|pair| pair.description = None);
    rule
}

fn with(resource: &Resource<SecurityGroup>, mut ip_permissions: Vec<IpPermission>) -> SecurityGroup {
    ip_permissions.sort();
    SecurityGroup { ip_permissions, ..resource.config.clone() }
}

impl Step {
    pub(crate) async fn send(&self, session: &Session, region: &Region) -> Result<Option<String>, AwsError> {
        let client = common::client!(aws_sdk_ec2, session, region);
        match self {
            Self::Revoke { group_id, ip_permissions } => sent(
                "ec2:RevokeSecurityGroupIngress",
                client
                    .revoke_security_group_ingress()
                    .group_id(group_id)
                    .set_ip_permissions(Some(ip_permissions.iter().map(sdk).collect()))
                    .send()
                    .await,
            ),
            Self::Authorize { group_id, ip_permissions } => sent(
                "ec2:AuthorizeSecurityGroupIngress",
                client
                    .authorize_security_group_ingress()
                    .group_id(group_id)
                    .set_ip_permissions(Some(ip_permissions.iter().map(sdk).collect()))
                    .send()
                    .await,
            ),
        }
    }
}

fn sdk(permission: &IpPermission) -> ec2::IpPermission {
    let filled = |list: Vec<_>| (!list.is_empty()).then_some(list);
    let ipv4 = permission.ip_ranges.iter().map(|range| {
        ec2::IpRange::builder().cidr_ip(&range.cidr_ip).set_description(range.description.clone()).build()
    });
    let ipv6: Vec<_> = permission
        .ipv6_ranges
        .iter()
        .map(|range| {
            ec2::Ipv6Range::builder().cidr_ipv6(&range.cidr_ipv6).set_description(range.description.clone()).build()
        })
        .collect();
    let lists: Vec<_> = permission
        .prefix_list_ids
        .iter()
        .map(|list| {
            ec2::PrefixListId::builder()
                .prefix_list_id(&list.prefix_list_id)
                .set_description(list.description.clone())
                .build()
        })
        .collect();
    let pairs: Vec<_> = permission
        .user_id_group_pairs
        .iter()
        .map(|pair| {
            ec2::UserIdGroupPair::builder()
                .set_group_id(pair.group_id.clone())
                .set_user_id(pair.user_id.clone())
                .set_description(pair.description.clone())
                .build()
        })
        .collect();
    ec2::IpPermission::builder()
        .ip_protocol(&permission.ip_protocol)
        .set_from_port(permission.from_port)
        .set_to_port(permission.to_port)
        .set_ip_ranges(filled(ipv4.collect()))
        .set_ipv6_ranges((!ipv6.is_empty()).then_some(ipv6))
        .set_prefix_list_ids((!lists.is_empty()).then_some(lists))
        .set_user_id_group_pairs((!pairs.is_empty()).then_some(pairs))
        .build()
}
