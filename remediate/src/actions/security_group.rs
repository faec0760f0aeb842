//! What is done to security groups: rules go out one range at a time, and come back with their descriptions.
//!
//! A group is taken out of use by taking all of its rules, since what is in it cannot be without a group.

use aws_sdk_ec2::types as ec2;
use common::action::{Action, Kill, Rules};
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::{IpPermission, SecurityGroup};
use common::settings::Remediate;
use ipnet::IpNet;
use serde::Serialize;

use super::call::sent;
use super::refusal::foreign;
use super::{ApiCall, Mended, Planned, Refusal, Turn};

/// All protocols, and so all ports.
const ALL_PROTOCOLS: &str = "-1";

/// The group that every VPC has, and that AWS lets nobody delete.
const DEFAULT_GROUP: &str = "default";

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// What comes in.
    Ingress,
    /// What goes out.
    Egress,
}

impl Way {
    /// The group's rules of this kind, one by one.
    fn rules(self, group: &SecurityGroup) -> Vec<IpPermission> {
        flat(match self {
            Self::Ingress => &group.ip_permissions,
            Self::Egress => &group.ip_permissions_egress,
        })
    }

    fn revoke(self, rules: Vec<IpPermission>) -> Action {
        let rules = Rules { ip_permissions: rules };
        match self {
            Self::Ingress => Action::Ec2RevokeIngress(rules),
            Self::Egress => Action::Ec2RevokeEgress(rules),
        }
    }

    fn authorize(self, rules: Vec<IpPermission>) -> Action {
        let rules = Rules { ip_permissions: rules };
        match self {
            Self::Ingress => Action::Ec2AuthorizeIngress(rules),
            Self::Egress => Action::Ec2AuthorizeEgress(rules),
        }
    }
}

/// A call on a security group.
#[derive(Debug, Serialize)]
#[serde(untagged, rename_all_fields = "PascalCase")]
pub(crate) enum Step {
    Revoke {
        group_id: String,
        ip_permissions: Vec<IpPermission>,
        #[serde(skip)]
        way: Way,
    },
    Authorize {
        group_id: String,
        ip_permissions: Vec<IpPermission>,
        #[serde(skip)]
        way: Way,
    },
    Delete {
        group_id: String,
    },
}

type GroupPlan = Result<Planned<SecurityGroup, Step>, Refusal>;

impl Mended for SecurityGroup {
    type Step = Step;

    const CALLS: &'static [(&'static str, &'static [Operation])] = &[
        ("disable", &[operation::EC2_REVOKE_SECURITY_GROUP_INGRESS, operation::EC2_REVOKE_SECURITY_GROUP_EGRESS]),
        (
            "kill",
            &[
                operation::EC2_REVOKE_SECURITY_GROUP_INGRESS,
                operation::EC2_REVOKE_SECURITY_GROUP_EGRESS,
                operation::EC2_DELETE_SECURITY_GROUP,
            ],
        ),
        ("ec2_revoke_ingress", &[operation::EC2_REVOKE_SECURITY_GROUP_INGRESS]),
        ("ec2_authorize_ingress", &[operation::EC2_AUTHORIZE_SECURITY_GROUP_INGRESS]),
        ("ec2_revoke_egress", &[operation::EC2_REVOKE_SECURITY_GROUP_EGRESS]),
        ("ec2_authorize_egress", &[operation::EC2_AUTHORIZE_SECURITY_GROUP_EGRESS]),
    ];

    fn plan(action: &Action, resource: &Resource<Self>) -> GroupPlan {
        match action {
            Action::Ec2RevokeIngress(rules) => revoke(resource, Way::Ingress, rules),
            Action::Ec2AuthorizeIngress(rules) => authorize(resource, Way::Ingress, rules),
            Action::Ec2RevokeEgress(rules) => revoke(resource, Way::Egress, rules),
            Action::Ec2AuthorizeEgress(rules) => authorize(resource, Way::Egress, rules),
            other => Err(foreign(other, resource)),
        }
    }

    fn disable(resource: &Resource<Self>, _: &Remediate) -> Result<Vec<Action>, Refusal> {
        let all = [Way::Ingress, Way::Egress].map(|way| (way, way.rules(&resource.config)));
        let some = all.into_iter().filter(|(_, rules)| !rules.is_empty());
        Ok(some.map(|(way, rules)| way.revoke(rules)).collect())
    }

    /// Without its rules first: whatever keeps AWS from deleting it, nothing gets through it any more.
    fn kill(resource: &Resource<Self>, _: Kill, _: &Remediate) -> GroupPlan {
        if resource.config.group_name == DEFAULT_GROUP {
            return Err(Refusal::Impossible(
                "it is the default group of its VPC, which AWS deletes with the VPC alone: `disable` takes all of its rules"
                    .to_owned(),
            ));
        }
        let group_id = &resource.config.group_id;
        let revokes = [Way::Ingress, Way::Egress].map(|way| (way, way.rules(&resource.config))).into_iter();
        let revokes = revokes.filter(|(_, rules)| !rules.is_empty()).map(|(way, ip_permissions)| Step::Revoke {
            group_id: group_id.clone(),
            ip_permissions,
            way,
        });
        let steps = revokes.chain([Step::Delete { group_id: group_id.clone() }]).collect();
        Ok(Planned { steps, undo: None, after: None })
    }

    fn rebase(undo: Action, _: &Self, _: &Self) -> Action {
        undo
    }

    /// AWS deletes none that something is in, which may be to go as well.
    fn turn(action: &Action) -> Turn {
        if matches!(action, Action::Kill(_)) { Turn::Last } else { Turn::Usual }
    }
}

fn revoke(resource: &Resource<SecurityGroup>, way: Way, rules: &Rules) -> GroupPlan {
    let unwanted = named(resource, rules)?;
    let (gone, kept): (Vec<_>, Vec<_>) = way
        .rules(&resource.config)
        .into_iter()
        .partition(|rule| unwanted.iter().any(|unwanted| same_rule(rule, unwanted)));
    if gone.is_empty() {
        return Ok(Planned::nothing(resource));
    }
    let step = Step::Revoke { group_id: resource.config.group_id.clone(), ip_permissions: gone.clone(), way };
    Ok(Planned::one(step, Some(way.authorize(gone)), with(resource, way, kept)))
}

fn authorize(resource: &Resource<SecurityGroup>, way: Way, rules: &Rules) -> GroupPlan {
    let present = way.rules(&resource.config);
    let missing: Vec<IpPermission> = named(resource, rules)?
        .into_iter()
        .filter(|wanted| !present.iter().any(|rule| same_rule(rule, wanted)))
        .collect();
    if missing.is_empty() {
        return Ok(Planned::nothing(resource));
    }
    let step = Step::Authorize { group_id: resource.config.group_id.clone(), ip_permissions: missing.clone(), way };
    let all = [present, missing.clone()].concat();
    Ok(Planned::one(step, Some(way.revoke(missing)), with(resource, way, all)))
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

/// The rules that an action names, of which each must name somebody. A group without its account is one of the same account,
/// as EC2 has it.
fn named(resource: &Resource<SecurityGroup>, rules: &Rules) -> Result<Vec<IpPermission>, Refusal> {
    let permissions = &rules.ip_permissions;
    let empty = permissions.is_empty()
        || permissions.iter().any(|permission| flat(std::slice::from_ref(permission)).is_empty());
    if empty {
        return Err(Refusal::Impossible(
            "the action names a rule without a range, a prefix list or a group".to_owned(),
        ));
    }
    let mut rules = flat(permissions);
    for pair in rules.iter_mut().flat_map(|rule| &mut rule.user_id_group_pairs) {
        pair.user_id.get_or_insert_with(|| resource.account.as_str().to_owned());
    }
    Ok(rules)
}

/// Whether two rules are one to EC2, to which the description does not count.
fn same_rule(one: &IpPermission, other: &IpPermission) -> bool {
    plain(one) == plain(other)
}

/// The rule as EC2 spells it, without descriptions: people write `TCP`, `6` and `0::0/0`.
fn plain(rule: &IpPermission) -> IpPermission {
    fn cidr(text: &mut String) {
        if let Ok(range) = text.parse::<IpNet>() {
            *text = range.trunc().to_string();
        }
    }
    let mut rule = rule.clone();
    rule.ip_protocol = match rule.ip_protocol.to_ascii_lowercase().as_str() {
        "1" => "icmp".to_owned(),
        "6" => "tcp".to_owned(),
        "17" => "udp".to_owned(),
        "58" => "icmpv6".to_owned(),
        "all" => ALL_PROTOCOLS.to_owned(),
        other => other.to_owned(),
    };
    if rule.ip_protocol == ALL_PROTOCOLS {
        (rule.from_port, rule.to_port) = (None, None);
    }
    rule.ip_ranges.iter_mut().for_each(|range| cidr(&mut range.cidr_ip));
    rule.ipv6_ranges.iter_mut().for_each(|range| cidr(&mut range.cidr_ipv6));
    rule.ip_ranges.iter_mut().for_each(|range| range.description = None);
    rule.ipv6_ranges.iter_mut().for_each(|range| range.description = None);
    rule.prefix_list_ids.iter_mut().for_each(|list| list.description = None);
    rule.user_id_group_pairs.iter_mut().for_each(|pair| pair.description = None);
    rule
}

/// The group with these rules instead.
fn with(resource: &Resource<SecurityGroup>, way: Way, mut rules: Vec<IpPermission>) -> SecurityGroup {
    rules.sort();
    let mut group = resource.config.clone();
    match way {
        Way::Ingress => group.ip_permissions = rules,
        Way::Egress => group.ip_permissions_egress = rules,
    }
    group
}

impl ApiCall for Step {
    fn operation(&self) -> Operation {
        match self {
            Self::Revoke { way: Way::Ingress, .. } => operation::EC2_REVOKE_SECURITY_GROUP_INGRESS,
            Self::Revoke { way: Way::Egress, .. } => operation::EC2_REVOKE_SECURITY_GROUP_EGRESS,
            Self::Authorize { way: Way::Ingress, .. } => operation::EC2_AUTHORIZE_SECURITY_GROUP_INGRESS,
            Self::Authorize { way: Way::Egress, .. } => operation::EC2_AUTHORIZE_SECURITY_GROUP_EGRESS,
            Self::Delete { .. } => operation::EC2_DELETE_SECURITY_GROUP,
        }
    }

    async fn send(&self, session: &Session, region: &Region) -> Result<Option<String>, AwsError> {
        let client = common::client!(aws_sdk_ec2, session, region);
        let operation = self.operation();
        let sdk = |rules: &[IpPermission]| Some(rules.iter().map(sdk).collect());
        match self {
            Self::Revoke { group_id, ip_permissions, way: Way::Ingress } => {
                let revoke = client.revoke_security_group_ingress().group_id(group_id);
                sent(operation, revoke.set_ip_permissions(sdk(ip_permissions)).send().await)
            }
            Self::Revoke { group_id, ip_permissions, way: Way::Egress } => {
                let revoke = client.revoke_security_group_egress().group_id(group_id);
                sent(operation, revoke.set_ip_permissions(sdk(ip_permissions)).send().await)
            }
            Self::Authorize { group_id, ip_permissions, way: Way::Ingress } => {
                let authorize = client.authorize_security_group_ingress().group_id(group_id);
                sent(operation, authorize.set_ip_permissions(sdk(ip_permissions)).send().await)
            }
            Self::Authorize { group_id, ip_permissions, way: Way::Egress } => {
                let authorize = client.authorize_security_group_egress().group_id(group_id);
                sent(operation, authorize.set_ip_permissions(sdk(ip_permissions)).send().await)
            }
            Self::Delete { group_id } => {
                sent(operation, client.delete_security_group().group_id(group_id).send().await)
            }
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

#[cfg(test)]
mod tests {
    use common::resource::{IpRange, Ipv6Range, UserIdGroupPair};
    use serde_json::json;

    use super::*;
    use crate::actions::Plan;
    use crate::actions::tests::{Samples, planned, resource, the_call};

    fn ssh(ranges: &[(&str, &str)]) -> IpPermission {
        let ip_ranges =
            ranges.iter().map(|(cidr, text)| IpRange { cidr_ip: (*cidr).into(), description: Some((*text).into()) });
        IpPermission {
            ip_protocol: "tcp".into(),
            from_port: Some(22),
            to_port: Some(22),
            ip_ranges: ip_ranges.collect(),
            ..IpPermission::default()
        }
    }

    fn group() -> Resource<SecurityGroup> {
        let world = Ipv6Range { cidr_ipv6: "::/0".into(), description: None };
        let mut permissions = vec![
            ssh(&[("0.0.0.0/0", "for now")]),
            ssh(&[("10.0.0.0/8", "office")]),
            IpPermission { ip_ranges: Vec::new(), ipv6_ranges: vec![world], ..ssh(&[]) },
        ];
        permissions.sort();
        let anywhere = IpRange { cidr_ip: "0.0.0.0/0".into(), description: Some("all out".into()) };
        let out = IpPermission { ip_protocol: "-1".into(), ip_ranges: vec![anywhere], ..IpPermission::default() };
        let config = SecurityGroup {
            group_id: "sg-1".into(),
            group_name: "web".into(),
            ip_permissions: permissions,
            ip_permissions_egress: vec![out],
            ..SecurityGroup::default()
        };
        resource("sg-1", "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1", config)
    }

    fn rules(permission: IpPermission) -> Rules {
        Rules { ip_permissions: vec![permission] }
    }

    impl Samples for SecurityGroup {
        fn samples() -> Vec<(Action, Resource<Self>)> {
            vec![
                (Action::Ec2RevokeIngress(rules(ssh(&[("0.0.0.0/0", "another text")]))), group()),
                (Action::Ec2AuthorizeIngress(rules(ssh(&[("192.0.2.0/24", "new")]))), group()),
                (Action::Ec2RevokeEgress(rules(group().config.ip_permissions_egress[0].clone())), group()),
                (Action::Ec2AuthorizeEgress(rules(ssh(&[("192.0.2.0/24", "new")]))), group()),
                (Action::Disable, group()),
                (Action::Kill(Kill::default()), group()),
            ]
        }
    }

    #[test]
    fn a_rule_goes_out_with_the_description_that_its_undo_needs() {
        let (_, parameters) = the_call(&Action::Ec2RevokeIngress(rules(ssh(&[("0.0.0.0/0", "")]))), &group());
        assert_eq!(parameters["IpPermissions"], json!([ssh(&[("0.0.0.0/0", "for now")])]));
    }

    #[test]
    fn a_rule_is_the_same_however_it_is_spelt() {
        let revoke =
            |permission| -> Result<Plan, Refusal> { planned(&Action::Ec2RevokeIngress(rules(permission)), &group()) };
        for protocol in ["tcp", "TCP", "6"] {
            let permission = IpPermission { ip_protocol: protocol.into(), ..ssh(&[("0.0.0.0/0", "")]) };
            assert_eq!(revoke(permission).unwrap().steps.len(), 1, "{protocol}");
        }
        let pair = |account: Option<&str>| {
            let pair = UserIdGroupPair {
                group_id: Some("sg-2".into()),
                user_id: account.map(str::to_owned),
                description: None,
            };
            IpPermission { user_id_group_pairs: vec![pair], ..ssh(&[]) }
        };
        let mut with_pair = group();
        with_pair.config.ip_permissions.push(pair(Some("111122223333")));
        for (account, calls) in [(None, 1), (Some("111122223333"), 1), (Some("444455556666"), 0)] {
            let plan = planned(&Action::Ec2RevokeIngress(rules(pair(account))), &with_pair).unwrap();
            assert_eq!(plan.steps.len(), calls, "{account:?}");
        }
        let world = Ipv6Range { cidr_ipv6: "0::0/0".into(), description: None };
        assert_eq!(revoke(IpPermission { ipv6_ranges: vec![world], ..ssh(&[]) }).unwrap().steps.len(), 1);
        assert!(
            matches!(revoke(ssh(&[])), Err(Refusal::Impossible(_))),
            "a rule that names nobody is not a rule that is gone"
        );
    }
    #[test]
    fn rules_go_the_way_that_they_are_about() {
        let everywhere = rules(ssh(&[("0.0.0.0/0", "")]));
        let plan = planned(&Action::Ec2RevokeEgress(everywhere.clone()), &group()).unwrap();
        assert!(plan.steps.is_empty(), "it lets SSH in, not out");
        let (operation, _) = the_call(&Action::Ec2AuthorizeEgress(everywhere), &group());
        assert_eq!(operation, "ec2:AuthorizeSecurityGroupEgress");
        let disabled = planned(&Action::Disable, &group()).unwrap();
        let names: Vec<String> = disabled.calls().into_iter().map(|call| call.operation).collect();
        assert_eq!(names, ["ec2:RevokeSecurityGroupIngress", "ec2:RevokeSecurityGroupEgress"]);
        let egress = json!(group().config.ip_permissions_egress);
        assert_eq!(disabled.calls()[1].parameters, json!({"GroupId": "sg-1", "IpPermissions": egress}));
        let undo = serde_json::to_value(disabled.undo).unwrap();
        assert_eq!(undo["Actions"][0], json!({"name": "ec2_authorize_egress", "IpPermissions": egress}));
    }

    #[test]
    fn a_kill_makes_the_calls_that_are_left() {
        let names = |group: &Resource<SecurityGroup>| -> Vec<String> {
            let calls = planned(&Action::Kill(Kill::default()), group).unwrap().calls();
            calls.into_iter().map(|call| call.operation.replace("ec2:", "")).collect()
        };
        let mut group = group();
        let all = ["RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress", "DeleteSecurityGroup"];
        assert_eq!(names(&group), all);
        group.config.ip_permissions.clear();
        assert_eq!(names(&group), all[1..]);
        group.config.ip_permissions_egress.clear();
        assert_eq!(names(&group), all[2..]);
        assert!(planned(&Action::Disable, &group).unwrap().steps.is_empty());
        group.config.group_name = "default".into();
        let refused = planned(&Action::Kill(Kill::default()), &group);
        assert!(matches!(refused, Err(Refusal::Impossible(why)) if why.contains("`disable`")));
    }
}
