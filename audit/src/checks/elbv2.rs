//! Application, network and gateway load balancers:
//! <https://docs.aws.amazon.com/securityhub/latest/userguide/elb-controls.html>.

use std::collections::BTreeSet;

use common::action::{Action, TargetAt, Targets};
use common::arn::Arn;
use common::record::Severity;
use common::resource::{LoadBalancer, ResourceType, Target, TargetGroup};
use serde_json::json;

use super::elb::{TAGGING_PAGE, behind, internet_facing, mismatches, puts_on_the_internet};
use super::{About, Case, Check, Checked, Problem, Unclear, always, dev_account, tags};

impl Checked for LoadBalancer {
    const CHECKS: &'static [Check<Self>] = &[
        Check {
            about: About {
                id: "elbv2_required_tags",
                kind: ResourceType::Elbv2,
                severity: Severity::Low,
                controls: &[],
                actions: &[],
                fix: false,
                needs: &["Tags"],
                meaning: "The load balancer lacks a tag that the settings require.",
                page: "https://docs.aws.amazon.com/config/latest/developerguide/required-tags.html",
            },
            arises: tags::required,
            judge: |case| Ok(tags::missing(case).into_iter().collect()),
        },
        Check {
            about: About {
                id: "elbv2_tags_mismatch",
                kind: ResourceType::Elbv2,
                severity: Severity::Low,
                controls: &[],
                actions: &[],
                fix: false,
                needs: &["InstanceTags", "Tags", "TargetGroups"],
                meaning: "A tag of the load balancer has another value on an instance behind it.",
                page: TAGGING_PAGE,
            },
            arises: always,
            judge: tags_mismatch,
        },
        Check {
            about: About {
                id: "elbv2_public_in_dev",
                kind: ResourceType::Elbv2,
                severity: Severity::High,
                controls: &[],
                actions: &["elb_deregister_targets"],
                fix: true,
                needs: &["Scheme", "TargetGroups", "Type"],
                meaning: "An instance can be reached from the internet through the load balancer, though its account is a \
                          development account.",
                page: "https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/how-elastic-load-balancing-works.html",
            },
            arises: dev_account,
            judge: public_in_dev,
        },
    ];
}

fn tags_mismatch(case: &Case<'_, LoadBalancer>) -> Result<Vec<Problem>, Unclear> {
    let mut instances = BTreeSet::new();
    for group in &case.config().target_groups {
        instances.extend(registered_instances(group)?.map(|target| target.id.as_str()));
    }
    Ok(mismatches(case, &instances, &case.config().instance_tags))
}

/// The instances that a group sends requests to: none where its targets are addresses, functions or load balancers.
fn registered_instances(group: &TargetGroup) -> Result<impl Iterator<Item = &Target>, Unclear> {
    let of_instances = match group.target_type.as_deref() {
        Some(kind) => kind == "instance",
        None => return Err(Unclear(format!("the record does not say the TargetType of {}", group.target_group_arn))),
    };
    Ok(group.targets.iter().filter(move |target| of_instances && target.is_registered()))
}

/// A gateway load balancer has no address that clients connect to:
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/gateway/introduction.html>.
fn public_in_dev(case: &Case<'_, LoadBalancer>) -> Result<Vec<Problem>, Unclear> {
    let balancer = case.config();
    if balancer.r#type.as_deref() == Some("gateway") || !internet_facing(balancer.scheme.as_deref())? {
        return Ok(Vec::new());
    }
    let mut problems = Vec::new();
    for group in &balancer.target_groups {
        problems.extend(
            registered_instances(group)?
                .map(|target| exposed(balancer, group, target).of(behind(case, &target.id, &balancer.instance_tags))),
        );
    }
    Ok(problems)
}

fn exposed(balancer: &LoadBalancer, group: &TargetGroup, target: &Target) -> Problem {
    let Target { id, port, quic_server_id, .. } = target;
    let arn = &group.target_group_arn;
    let evidence = json!({
        "Scheme": balancer.scheme, "DNSName": balancer.dns_name, "TargetGroupArn": arn,
        "Target": {"Id": id, "Port": port},
    });
    // An instance may stand in several groups, and in one under several ports.
    let name = arn.parse::<Arn>().map_or_else(|_| arn.clone(), |arn| arn.resource_name().to_owned());
    let part = match port {
        Some(port) => format!("{name}:{id}:{port}"),
        None => format!("{name}:{id}"),
    };
    let target = TargetAt {
        id: id.clone(),
        port: *port,
        // Instances have none.
        availability_zone: None,
        quic_server_id: quic_server_id.clone(),
    };
    let action = Action::ElbDeregisterTargets(Targets { target_group_arn: arn.clone(), targets: vec![target] });
    Problem::new(puts_on_the_internet(id), evidence).part(part).action(action)
}
