//! What is done to load balancers: targets are taken out of their target groups, and put back; nothing gets through to them
//! any more; they go.

use std::time::Duration;

use aws_sdk_elasticloadbalancingv2::types as elbv2;
use common::action::{Action, Kill, TargetAt, Targets};
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::{LoadBalancer, Target, TargetGroup};
use common::settings::Remediate;
use serde::Serialize;

use super::call::sent;
use super::closed;
use super::elb::{NEVER_STOPS, may_be_deregistered};
use super::refusal::{foreign, needs};
use super::{ApiCall, Mended, Planned, Refusal};

/// A call on a load balancer or a target group.
#[derive(Debug, Serialize)]
#[serde(untagged, rename_all_fields = "PascalCase")]
pub(crate) enum Step {
    Deregister { target_group_arn: String, targets: Vec<TargetAt> },
    Register { target_group_arn: String, targets: Vec<TargetAt> },
    SetSecurityGroups { load_balancer_arn: String, security_groups: Vec<String> },
    Delete { load_balancer_arn: String },
}

impl Mended for LoadBalancer {
    type Step = Step;

    const CALLS: &'static [(&'static str, &'static [Operation])] = &[
        ("disable", &[operation::ELB_SET_SECURITY_GROUPS]),
        ("kill", &[operation::ELB_DELETE_LOAD_BALANCER]),
        ("set_security_groups", &[operation::ELB_SET_SECURITY_GROUPS]),
        ("elb_deregister_targets", &[operation::ELB_DEREGISTER_TARGETS]),
        ("elb_register_targets", &[operation::ELB_REGISTER_TARGETS]),
    ];

    /// A target that has been deregistered is `draining` at once, and does not count any more: nobody waits until it is gone.
    const PATIENCE: Duration = Duration::from_secs(32);

    fn plan(action: &Action, resource: &Resource<Self>) -> Result<Planned<Self, Step>, Refusal> {
        match action {
            Action::ElbDeregisterTargets(unwanted) => deregister(resource, unwanted),
            Action::ElbRegisterTargets(wanted) => register(resource, wanted),
            Action::SetSecurityGroups(change) => {
                closed::plan(resource, change, resource.config.security_groups.clone(), |security_groups| {
                    let load_balancer_arn = resource.config.load_balancer_arn.clone();
                    let after = LoadBalancer { security_groups: security_groups.clone(), ..resource.config.clone() };
                    Ok((Step::SetSecurityGroups { load_balancer_arn, security_groups }, after))
                })
            }
            other => Err(foreign(other, resource)),
        }
    }

    fn disable(resource: &Resource<Self>, settings: &Remediate) -> Result<Vec<Action>, Refusal> {
        let balancer = &resource.config;
        if let Some(why) = why_no_group_closes_it(balancer) {
            return Err(Refusal::Impossible(why.to_owned()));
        }
        closed::disable(NEVER_STOPS, balancer.vpc_id.as_deref(), balancer.security_groups.clone(), settings)
    }

    /// Its listeners go with it. One that is protected from that refuses itself.
    fn kill(resource: &Resource<Self>, _: Kill, _: &Remediate) -> BalancerPlan {
        let step = Step::Delete { load_balancer_arn: resource.config.load_balancer_arn.clone() };
        Ok(Planned { steps: vec![step], undo: None, after: None })
    }

    fn rebase(undo: Action, _: &Self, _: &Self) -> Action {
        undo
    }
}

type BalancerPlan = Result<Planned<LoadBalancer, Step>, Refusal>;

/// Why a security group keeps nothing from a load balancer. A network load balancer has groups only if it was created with
/// some: <https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-security-groups.html>.
fn why_no_group_closes_it(balancer: &LoadBalancer) -> Option<&'static str> {
    let enforced = balancer.enforce_security_group_inbound_rules_on_private_link_traffic.as_deref();
    match (balancer.r#type.as_deref(), balancer.security_groups.as_slice(), enforced) {
        (Some("gateway"), ..) => Some("a gateway load balancer has no security groups"),
        (_, [], _) => Some("it was created without security groups, and can be given none any more"),
        (.., Some("off")) => Some(
            "its security groups do not hold for what comes through AWS PrivateLink: turn that on first \
             (EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic)",
        ),
        _ => None,
    }
}

fn deregister(resource: &Resource<LoadBalancer>, unwanted: &Targets) -> BalancerPlan {
    needs(resource, &["TargetGroups"])?;
    // A group that is not the load balancer's any more does not put anything on the internet through it.
    let Some(group) = group(resource, &unwanted.target_group_arn) else { return Ok(Planned::nothing(resource)) };
    let (gone, kept): (Vec<&Target>, Vec<&Target>) = group
        .targets
        .iter()
        .partition(|target| target.is_registered() && unwanted.targets.iter().any(|it| names(it, target)));
    if gone.is_empty() {
        return Ok(Planned::nothing(resource));
    }
    needs(resource, &["InstanceTags"])?;
    may_be_deregistered(gone.iter().map(|target| target.id.as_str()), &resource.config.instance_tags)?;
    let targets: Vec<TargetAt> = gone.into_iter().map(|target| at(group, target)).collect();
    let undo = Targets { target_group_arn: group.target_group_arn.clone(), targets: targets.clone() };
    let after = with(resource, group, kept.into_iter().cloned().collect());
    let step = Step::Deregister { target_group_arn: group.target_group_arn.clone(), targets };
    Ok(Planned::one(step, Some(Action::ElbRegisterTargets(undo)), after))
}

fn register(resource: &Resource<LoadBalancer>, wanted: &Targets) -> BalancerPlan {
    needs(resource, &["TargetGroups"])?;
    let Some(group) = group(resource, &wanted.target_group_arn) else {
        return Err(Refusal::Changed(format!("{} is no target group of it", wanted.target_group_arn)));
    };
    let registered = |it: &TargetAt| group.targets.iter().any(|target| target.is_registered() && names(it, target));
    let missing: Vec<TargetAt> = wanted.targets.iter().filter(|it| !registered(it)).cloned().collect();
    if missing.is_empty() {
        return Ok(Planned::nothing(resource));
    }
    let undo = Targets { target_group_arn: group.target_group_arn.clone(), targets: missing.clone() };
    // One that was still draining is the same target, registered again.
    let others = group.targets.iter().filter(|target| !missing.iter().any(|it| names(it, target))).cloned();
    let back = missing.iter().map(|it| Target {
        id: it.id.clone(),
        port: it.port.or(group.port),
        availability_zone: it.availability_zone.clone(),
        quic_server_id: it.quic_server_id.clone(),
        ..Target::default()
    });
    let after = with(resource, group, others.chain(back).collect());
    let step = Step::Register { target_group_arn: group.target_group_arn.clone(), targets: missing };
    Ok(Planned::one(step, Some(Action::ElbDeregisterTargets(undo)), after))
}

fn group<'a>(resource: &'a Resource<LoadBalancer>, arn: &str) -> Option<&'a TargetGroup> {
    resource.config.target_groups.iter().find(|group| group.target_group_arn == arn)
}

/// Whether it is this target that an action names: without a port, under each that it is registered with, as AWS has it.
fn names(it: &TargetAt, target: &Target) -> bool {
    it.id == target.id && it.port.is_none_or(|port| target.port == Some(port))
}

/// The zone goes with addresses only: an instance is not registered with one, and an address outside the VPC not without.
fn at(group: &TargetGroup, target: &Target) -> TargetAt {
    let availability_zone = target.availability_zone.clone().filter(|_| group.target_type.as_deref() == Some("ip"));
    TargetAt {
        id: target.id.clone(),
        port: target.port,
        availability_zone,
        quic_server_id: target.quic_server_id.clone(),
    }
}

fn with(resource: &Resource<LoadBalancer>, group: &TargetGroup, mut targets: Vec<Target>) -> LoadBalancer {
    targets.sort_unstable();
    let mut after = resource.config.clone();
    if let Some(changed) = after.target_groups.iter_mut().find(|it| it.target_group_arn == group.target_group_arn) {
        changed.targets = targets;
    }
    after
}

impl ApiCall for Step {
    fn operation(&self) -> Operation {
        match self {
            Self::Deregister { .. } => operation::ELB_DEREGISTER_TARGETS,
            Self::Register { .. } => operation::ELB_REGISTER_TARGETS,
            Self::SetSecurityGroups { .. } => operation::ELB_SET_SECURITY_GROUPS,
            Self::Delete { .. } => operation::ELB_DELETE_LOAD_BALANCER,
        }
    }

    async fn send(&self, session: &Session, region: &Region) -> Result<Option<String>, AwsError> {
        let client = common::client!(aws_sdk_elasticloadbalancingv2, session, region);
        let operation = self.operation();
        match self {
            Self::Deregister { target_group_arn, targets } => {
                let call = client.deregister_targets().target_group_arn(target_group_arn);
                sent(operation, call.set_targets(Some(targets.iter().map(sdk).collect())).send().await)
            }
            Self::Register { target_group_arn, targets } => {
                let call = client.register_targets().target_group_arn(target_group_arn);
                sent(operation, call.set_targets(Some(targets.iter().map(sdk).collect())).send().await)
            }
            Self::SetSecurityGroups { load_balancer_arn, security_groups } => {
                let call = client.set_security_groups().load_balancer_arn(load_balancer_arn);
                sent(operation, call.set_security_groups(Some(security_groups.clone())).send().await)
            }
            Self::Delete { load_balancer_arn } => {
                sent(operation, client.delete_load_balancer().load_balancer_arn(load_balancer_arn).send().await)
            }
        }
    }
}

fn sdk(target: &TargetAt) -> elbv2::TargetDescription {
    let description = elbv2::TargetDescription::builder().id(&target.id).set_port(target.port);
    let description = description.set_availability_zone(target.availability_zone.clone());
    description.set_quic_server_id(target.quic_server_id.clone()).build()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::actions::closed::tests::{moves_into_the_closed_group, stays_where_the_settings_name_no_group};
    use crate::actions::tests::{Samples, after, needs as refuses_without, planned, resource, the_call};

    const ARN: &str = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/50dc6c495c0c9188";
    const GROUP: &str = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/73e2d6bc24d8a067";

    fn balancer(targets: &[(&str, i32, Option<&str>)]) -> Resource<LoadBalancer> {
        let targets = targets.iter().map(|(id, port, state)| Target {
            id: (*id).into(),
            port: Some(*port),
            state: state.map(str::to_owned),
            ..Target::default()
        });
        let group =
            TargetGroup { target_group_arn: GROUP.into(), targets: targets.collect(), ..TargetGroup::default() };
        let other = TargetGroup { target_group_arn: "arn:other".into(), ..group.clone() };
        let config = LoadBalancer {
            load_balancer_arn: ARN.into(),
            r#type: Some("application".into()),
            vpc_id: Some("vpc-1".into()),
            security_groups: vec!["sg-1".into(), "sg-2".into()],
            target_groups: vec![group, other],
            ..LoadBalancer::default()
        };
        resource(ARN, ARN, config)
    }

    fn these(targets: &[(&str, Option<i32>)]) -> Targets {
        let at = |(id, port): &(&str, Option<i32>)| TargetAt {
            id: (*id).into(),
            port: *port,
            availability_zone: None,
            quic_server_id: None,
        };
        Targets { target_group_arn: GROUP.into(), targets: targets.iter().map(at).collect() }
    }

    impl Samples for LoadBalancer {
        fn samples() -> Vec<(Action, Resource<Self>)> {
            let targets = [("i-1", 80, None), ("i-1", 81, None), ("i-2", 80, None)];
            vec![
                (Action::ElbDeregisterTargets(these(&[("i-1", Some(81))])), balancer(&targets)),
                (Action::Disable, balancer(&targets)),
                (Action::Kill(Kill::default()), balancer(&targets)),
            ]
        }
    }

    #[test]
    fn a_port_that_is_not_named_is_every_port() {
        let balancer = balancer(&[("i-1", 80, None), ("i-1", 81, None), ("i-2", 80, None)]);
        let (operation, parameters) = the_call(&Action::ElbDeregisterTargets(these(&[("i-1", None)])), &balancer);
        assert_eq!(
            (operation.as_str(), parameters),
            (
                "elasticloadbalancing:DeregisterTargets",
                json!({"TargetGroupArn": GROUP, "Targets": [{"Id": "i-1", "Port": 80}, {"Id": "i-1", "Port": 81}]})
            )
        );
    }

    #[test]
    fn what_is_draining_is_gone_and_can_be_registered_again() {
        let draining = balancer(&[("i-1", 80, Some("draining"))]);
        let targets = || these(&[("i-1", Some(80))]);
        assert!(planned(&Action::ElbDeregisterTargets(targets()), &draining).unwrap().steps.is_empty());
        let plan = planned(&Action::ElbRegisterTargets(targets()), &draining).unwrap();
        assert_eq!(plan.calls()[0].operation, "elasticloadbalancing:RegisterTargets");
        let group = &after::<LoadBalancer>(&plan).config.target_groups[0];
        assert_eq!(group.targets.len(), 1);
        assert!(group.targets[0].is_registered());
    }

    #[test]
    fn a_group_of_another_load_balancer_is_left_alone() {
        let elsewhere =
            || Targets { target_group_arn: "arn:elsewhere".into(), targets: these(&[("i-1", None)]).targets };
        let balancer = balancer(&[("i-1", 80, None)]);
        assert!(planned(&Action::ElbDeregisterTargets(elsewhere()), &balancer).unwrap().steps.is_empty());
        let refused = planned(&Action::ElbRegisterTargets(elsewhere()), &balancer);
        assert!(matches!(refused, Err(Refusal::Changed(why)) if why.contains("arn:elsewhere")));
    }

    #[test]
    fn an_instance_of_an_auto_scaling_group_is_not_deregistered() {
        let mut grouped = balancer(&[("i-1", 80, None)]);
        let tags = [("aws:autoscaling:groupName".to_owned(), "web".to_owned())].into();
        grouped.config.instance_tags = [("i-1".to_owned(), tags)].into();
        let action = Action::ElbDeregisterTargets(these(&[("i-1", None)]));
        assert!(matches!(planned(&action, &grouped), Err(Refusal::Impossible(why)) if why.contains("group web")));
        for field in ["TargetGroups", "InstanceTags"] {
            assert!(refuses_without(&action, balancer(&[("i-1", 80, None)]), field), "{field}");
        }
    }

    #[test]
    fn an_address_comes_back_in_its_zone_and_an_instance_without() {
        for (target_type, zone) in [("ip", Some("all")), ("instance", None)] {
            let mut balancer = balancer(&[("10.9.0.1", 80, None)]);
            balancer.config.target_groups[0].target_type = Some(target_type.into());
            balancer.config.target_groups[0].targets[0].availability_zone = Some("all".into());
            let plan = planned(&Action::ElbDeregisterTargets(these(&[("10.9.0.1", None)])), &balancer).unwrap();
            let Some(Action::ElbRegisterTargets(undo)) = &plan.undo else { panic!("{plan:?}") };
            assert_eq!(undo.targets[0].availability_zone.as_deref(), zone, "{target_type}");
            let (_, parameters) = the_call(plan.undo.as_ref().unwrap(), &after::<LoadBalancer>(&plan));
            assert_eq!(parameters["Targets"][0]["AvailabilityZone"].as_str(), zone, "{target_type}");
        }
    }

    #[test]
    fn a_target_comes_back_with_its_id_in_quic() {
        let mut balancer = balancer(&[("i-1", 443, None)]);
        balancer.config.target_groups[0].targets[0].quic_server_id = Some("0x0102030405060708".into());
        let plan = planned(&Action::ElbDeregisterTargets(these(&[("i-1", None)])), &balancer).unwrap();
        let Some(Action::ElbRegisterTargets(undo)) = plan.undo else { panic!("{plan:?}") };
        assert_eq!(undo.targets[0].quic_server_id.as_deref(), Some("0x0102030405060708"));
    }

    #[test]
    fn it_is_moved_to_the_closed_group_of_its_vpc() {
        let call = json!({"LoadBalancerArn": ARN, "SecurityGroups": ["sg-closed"]});
        moves_into_the_closed_group(&balancer(&[]), ("elasticloadbalancing:SetSecurityGroups", &call));
        let elsewhere = balancer(&[]).map(|it| LoadBalancer { vpc_id: Some("vpc-2".into()), ..it });
        stays_where_the_settings_name_no_group(&elsewhere, "vpc-2");
    }

    #[test]
    fn where_no_group_would_close_it_that_is_said() {
        type Change = fn(&mut LoadBalancer);
        let rows: [(Change, Option<&str>); 5] = [
            (|it| it.r#type = Some("network".into()), None),
            (|it| it.r#type = Some("gateway".into()), Some("gateway")),
            (|it| it.security_groups.clear(), Some("created without")),
            (|it| it.enforce_security_group_inbound_rules_on_private_link_traffic = Some("on".into()), None),
            (
                |it| it.enforce_security_group_inbound_rules_on_private_link_traffic = Some("off".into()),
                Some("PrivateLink"),
            ),
        ];
        for (number, (change, why)) in rows.into_iter().enumerate() {
            let mut balancer = balancer(&[]);
            change(&mut balancer.config);
            let plan = planned(&Action::Disable, &balancer);
            match why {
                None => assert!(plan.is_ok(), "{number}: {plan:?}"),
                Some(why) => {
                    assert!(
                        matches!(&plan, Err(Refusal::Impossible(said)) if said.contains(why)),
                        "{number}: {plan:?}"
                    );
                }
            }
        }
    }
}
