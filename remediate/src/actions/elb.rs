//! What is done to classic load balancers: instances are taken out, and put behind them again; nothing gets through to them
//! any more; they go.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancing::types as elb;
use common::action::{Action, Instances, Kill};
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::{ClassicLoadBalancer, InstanceTags, RegisteredInstance, auto_scaling_group};
use common::settings::Remediate;
use serde::Serialize;

use super::call::sent;
use super::closed;
use super::refusal::{foreign, needs};
use super::{ApiCall, Mended, Planned, Refusal};
use crate::decide::protection;

/// A call on a classic load balancer.
#[derive(Debug, Serialize)]
#[serde(untagged, rename_all_fields = "PascalCase")]
pub(crate) enum Step {
    Deregister { load_balancer_name: String, instances: Vec<RegisteredInstance> },
    Register { load_balancer_name: String, instances: Vec<RegisteredInstance> },
    SetSecurityGroups { load_balancer_name: String, security_groups: Vec<String> },
    Delete { load_balancer_name: String },
}

/// Why a load balancer is moved to a closed security group.
pub(super) const NEVER_STOPS: &str = "cannot be stopped, being a load balancer";

impl Mended for ClassicLoadBalancer {
    type Step = Step;

    const CALLS: &'static [(&'static str, &'static [Operation])] = &[
        ("disable", &[operation::ELB_APPLY_SECURITY_GROUPS_TO_LOAD_BALANCER]),
        ("kill", &[operation::ELB_DELETE_LOAD_BALANCER]),
        ("set_security_groups", &[operation::ELB_APPLY_SECURITY_GROUPS_TO_LOAD_BALANCER]),
        ("elb_deregister_instances", &[operation::ELB_DEREGISTER_INSTANCES_FROM_LOAD_BALANCER]),
        ("elb_register_instances", &[operation::ELB_REGISTER_INSTANCES_WITH_LOAD_BALANCER]),
    ];

    fn plan(action: &Action, resource: &Resource<Self>) -> Result<Planned<Self, Step>, Refusal> {
        let present = &resource.config.instances;
        let load_balancer_name = resource.id.clone();
        match action {
            Action::ElbDeregisterInstances(unwanted) => {
                let (gone, kept): (Vec<_>, Vec<_>) =
                    present.iter().cloned().partition(|instance| unwanted.instance_ids.contains(&instance.instance_id));
                if gone.is_empty() {
                    return Ok(Planned::nothing(resource));
                }
                needs(resource, &["InstanceTags"])?;
                let ids = gone.iter().map(|instance| instance.instance_id.as_str());
                may_be_deregistered(ids.clone(), &resource.config.instance_tags)?;
                let undo = Instances { instance_ids: ids.map(str::to_owned).collect() };
                let step = Step::Deregister { load_balancer_name, instances: gone };
                Ok(Planned::one(step, Some(Action::ElbRegisterInstances(undo)), with(resource, kept)))
            }
            Action::ElbRegisterInstances(wanted) => {
                let wanted: BTreeSet<&String> = wanted.instance_ids.iter().collect();
                let missing = wanted.into_iter().map(|id| RegisteredInstance { instance_id: id.clone() });
                let missing: Vec<_> = missing.filter(|instance| !present.contains(instance)).collect();
                if missing.is_empty() {
                    return Ok(Planned::nothing(resource));
                }
                let undo = Instances { instance_ids: missing.iter().map(|it| it.instance_id.clone()).collect() };
                let after = with(resource, [present.clone(), missing.clone()].concat());
                let step = Step::Register { load_balancer_name, instances: missing };
                Ok(Planned::one(step, Some(Action::ElbDeregisterInstances(undo)), after))
            }
            Action::SetSecurityGroups(change) => {
                closed::plan(resource, change, resource.config.security_groups.clone(), |security_groups| {
                    let after =
                        ClassicLoadBalancer { security_groups: security_groups.clone(), ..resource.config.clone() };
                    Ok((Step::SetSecurityGroups { load_balancer_name, security_groups }, after))
                })
            }
            other => Err(foreign(other, resource)),
        }
    }

    fn disable(resource: &Resource<Self>, settings: &Remediate) -> Result<Vec<Action>, Refusal> {
        let balancer = &resource.config;
        if balancer.vpc_id.as_deref().is_none_or(str::is_empty) {
            return Err(Refusal::Impossible("it is in no VPC (EC2-Classic), and so has no security groups".to_owned()));
        }
        closed::disable(NEVER_STOPS, balancer.vpc_id.as_deref(), balancer.security_groups.clone(), settings)
    }

    fn kill(resource: &Resource<Self>, _: Kill, _: &Remediate) -> Result<Planned<Self, Step>, Refusal> {
        let step = Step::Delete { load_balancer_name: resource.id.clone() };
        Ok(Planned { steps: vec![step], undo: None, after: None })
    }

    fn rebase(undo: Action, _: &Self, _: &Self) -> Action {
        undo
    }
}

fn with(resource: &Resource<ClassicLoadBalancer>, mut instances: Vec<RegisteredInstance>) -> ClassicLoadBalancer {
    instances.sort_unstable();
    ClassicLoadBalancer { instances, ..resource.config.clone() }
}

/// Refuses to deregister what is protected, of which the load balancer's own tags say nothing, and what belongs to an Auto
/// Scaling group: a group that checks its instances' health at the load balancer
/// takes one that is not there for a broken one, terminates it and starts another behind the same load balancer. See
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-add-elb-healthcheck.html>.
pub(super) fn may_be_deregistered<'a>(ids: impl Iterator<Item = &'a str>, tags: &InstanceTags) -> Result<(), Refusal> {
    for id in ids {
        let Some(tags) = tags.get(id) else { continue };
        if let Some(tag) = protection(tags) {
            return Err(Refusal::Impossible(format!("instance {id} is protected by its tag {tag}")));
        }
        if let Some(group) = tags.get(auto_scaling_group::TAG) {
            return Err(Refusal::Impossible(format!(
                "instance {id} belongs to the Auto Scaling group {group}, which may terminate and replace it: detach the \
                 load balancer from the group instead"
            )));
        }
    }
    Ok(())
}

impl ApiCall for Step {
    fn operation(&self) -> Operation {
        match self {
            Self::Deregister { .. } => operation::ELB_DEREGISTER_INSTANCES_FROM_LOAD_BALANCER,
            Self::Register { .. } => operation::ELB_REGISTER_INSTANCES_WITH_LOAD_BALANCER,
            Self::SetSecurityGroups { .. } => operation::ELB_APPLY_SECURITY_GROUPS_TO_LOAD_BALANCER,
            Self::Delete { .. } => operation::ELB_DELETE_LOAD_BALANCER,
        }
    }

    async fn send(&self, session: &Session, region: &Region) -> Result<Option<String>, AwsError> {
        let client = common::client!(aws_sdk_elasticloadbalancing, session, region);
        let operation = self.operation();
        match self {
            Self::Deregister { load_balancer_name, instances } => {
                let call = client.deregister_instances_from_load_balancer().load_balancer_name(load_balancer_name);
                sent(operation, call.set_instances(Some(sdk(instances))).send().await)
            }
            Self::Register { load_balancer_name, instances } => {
                let call = client.register_instances_with_load_balancer().load_balancer_name(load_balancer_name);
                sent(operation, call.set_instances(Some(sdk(instances))).send().await)
            }
            Self::SetSecurityGroups { load_balancer_name, security_groups } => {
                let call = client.apply_security_groups_to_load_balancer().load_balancer_name(load_balancer_name);
                sent(operation, call.set_security_groups(Some(security_groups.clone())).send().await)
            }
            Self::Delete { load_balancer_name } => {
                sent(operation, client.delete_load_balancer().load_balancer_name(load_balancer_name).send().await)
            }
        }
    }
}

fn sdk(instances: &[RegisteredInstance]) -> Vec<elb::Instance> {
    instances.iter().map(|it| elb::Instance::builder().instance_id(&it.instance_id).build()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::actions::closed::tests::{moves_into_the_closed_group, stays_where_the_settings_name_no_group};
    use crate::actions::tests::{Samples, after, needs as refuses_without, planned, resource, the_call};

    fn balancer(ids: &[&str]) -> Resource<ClassicLoadBalancer> {
        let config = ClassicLoadBalancer {
            load_balancer_name: "web".into(),
            vpc_id: Some("vpc-1".into()),
            security_groups: vec!["sg-1".into(), "sg-2".into()],
            instances: ids.iter().map(|id| RegisteredInstance { instance_id: (*id).into() }).collect(),
            ..ClassicLoadBalancer::default()
        };
        resource("web", "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/web", config)
    }

    fn these(ids: &[&str]) -> Instances {
        Instances { instance_ids: ids.iter().map(|id| (*id).to_owned()).collect() }
    }

    impl Samples for ClassicLoadBalancer {
        fn samples() -> Vec<(Action, Resource<Self>)> {
            vec![
                (Action::ElbDeregisterInstances(these(&["i-2"])), balancer(&["i-1", "i-2", "i-3"])),
                (Action::Disable, balancer(&["i-1"])),
                (Action::Kill(Kill::default()), balancer(&["i-1"])),
            ]
        }
    }

    #[test]
    fn only_what_is_there_is_deregistered_and_only_what_is_not_is_registered() {
        let deregister = Action::ElbDeregisterInstances(these(&["i-2", "i-9"]));
        let (operation, parameters) = the_call(&deregister, &balancer(&["i-1", "i-2"]));
        assert_eq!(
            (operation.as_str(), parameters),
            (
                "elasticloadbalancing:DeregisterInstancesFromLoadBalancer",
                json!({"LoadBalancerName": "web", "Instances": [{"InstanceId": "i-2"}]})
            )
        );
        let register = Action::ElbRegisterInstances(these(&["i-2", "i-1", "i-2"]));
        let plan = planned(&register, &balancer(&["i-1", "i-3"])).unwrap();
        assert_eq!(plan.undo, Some(Action::ElbDeregisterInstances(these(&["i-2"]))));
        assert_eq!(after::<ClassicLoadBalancer>(&plan).config, balancer(&["i-1", "i-2", "i-3"]).config);
        assert!(planned(&deregister, &balancer(&["i-1"])).unwrap().steps.is_empty());
    }

    #[test]
    fn an_instance_that_is_protected_or_of_an_auto_scaling_group_is_not_deregistered() {
        let mut balancer = balancer(&["i-1", "i-2"]);
        let group = [(auto_scaling_group::TAG.to_owned(), "web".to_owned())].into();
        balancer.config.instance_tags = [("i-1".to_owned(), group)].into();
        let deregister = |id: &str| Action::ElbDeregisterInstances(these(&[id]));
        assert!(
            matches!(planned(&deregister("i-1"), &balancer), Err(Refusal::Impossible(why)) if why.contains("group web"))
        );
        assert!(planned(&deregister("i-2"), &balancer).is_ok());
        balancer.config.instance_tags =
            [("i-1".to_owned(), [("Sluice:Protect".to_owned(), String::new())].into())].into();
        assert!(
            matches!(planned(&deregister("i-1"), &balancer), Err(Refusal::Impossible(why)) if why.contains("protected"))
        );
        assert!(refuses_without(&deregister("i-2"), balancer, "InstanceTags"));
    }

    #[test]
    fn it_is_moved_to_the_closed_group_of_its_vpc() {
        let call = json!({"LoadBalancerName": "web", "SecurityGroups": ["sg-closed"]});
        let operation = "elasticloadbalancing:ApplySecurityGroupsToLoadBalancer";
        moves_into_the_closed_group(&balancer(&["i-1"]), (operation, &call));
        let of = |vpc: Option<&str>| {
            let vpc_id = vpc.map(str::to_owned);
            balancer(&["i-1"]).map(|it| ClassicLoadBalancer { vpc_id, ..it })
        };
        stays_where_the_settings_name_no_group(&of(Some("vpc-2")), "vpc-2");
        for vpc in [None, Some("")] {
            let refused = planned(&Action::Disable, &of(vpc));
            assert!(matches!(&refused, Err(Refusal::Impossible(why)) if why.contains("EC2-Classic")), "{refused:?}");
        }
    }
}
