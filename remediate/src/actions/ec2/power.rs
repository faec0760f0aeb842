//! Stopping, starting and terminating.

use common::action::Action;
use common::record::Resource;
use common::resource::{Instance, InstanceState, auto_scaling_group};

use super::{InstancePlan, Step};
use crate::actions::refusal::needs;
use crate::actions::{Planned, Refusal};

pub(super) fn stop(resource: &Resource<Instance>) -> InstancePlan {
    match resource.config.state.name.as_str() {
        // Its group takes a stopped instance for a broken one, terminates it and starts another.
        "running" | "pending" if resource.tags.contains_key(auto_scaling_group::TAG) => {
            Err(Refusal::Impossible(format!(
                "it belongs to the Auto Scaling group {}, which would terminate and replace it",
                resource.tags[auto_scaling_group::TAG]
            )))
        }
        _ => halt(resource),
    }
}

pub(super) fn halt(resource: &Resource<Instance>) -> InstancePlan {
    match resource.config.state.name.as_str() {
        "stopped" | "stopping" | "shutting-down" | "terminated" => Ok(Planned::nothing(resource)),
        "running" | "pending" if resource.config.root_device_type.as_deref() == Some("instance-store") => Err(
            Refusal::Impossible("its root device is an instance store: it can be terminated, not stopped".to_owned()),
        ),
        "running" | "pending" => {
            needs(resource, &["AutoScalingGroup"])?;
            stoppable(&resource.config)?;
            let step = Step::Stop { instance_ids: vec![resource.id.clone()] };
            Ok(Planned::one(step, Some(Action::Start), in_state(resource, "stopped")))
        }
        other => Err(Refusal::Impossible(format!("its state is `{other}`, which this version does not know"))),
    }
}

/// Why an instance must not be halted yet.
pub(super) fn replaced(resource: &Resource<Instance>) -> Option<String> {
    let name = resource.tags.get(auto_scaling_group::TAG)?;
    match &resource.config.auto_scaling_group {
        Some(group) if group.replaces() => {
            Some(format!("its Auto Scaling group {name} is not suspended, and would terminate and replace it"))
        }
        Some(_) => None,
        None => Some(format!("nobody has looked whether its Auto Scaling group {name} is suspended")),
    }
}

/// Refuses a Spot Instance that AWS does not stop, as far as it was looked at closely: see
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-spot-instances-request.html>.
fn stoppable(instance: &Instance) -> Result<(), Refusal> {
    let Some(request) = &instance.spot_instance_request else { return Ok(()) };
    let id = instance.spot_instance_request_id.as_deref().unwrap_or("its request");
    let is_there = matches!(request.state.as_deref(), None | Some("open" | "active" | "disabled"));
    let why = match request.r#type.as_deref() {
        Some("one-time") => format!("is a Spot Instance whose request {id} is a one-time one"),
        _ if !is_there => format!("is a Spot Instance whose request {id} is no longer there"),
        _ => return Ok(()),
    };
    Err(Refusal::Impossible(format!(
        "it {why}, and AWS does not stop it: cancel the request (ec2_cancel_spot_request) where it is still there, and \
         terminate it (ec2_terminate, with --irreversible)"
    )))
}

pub(super) fn start(resource: &Resource<Instance>) -> InstancePlan {
    match resource.config.state.name.as_str() {
        "running" | "pending" => Ok(Planned::nothing(resource)),
        "stopped" => {
            let step = Step::Start { instance_ids: vec![resource.id.clone()] };
            Ok(Planned::one(step, Some(Action::Stop), in_state(resource, "running")))
        }
        "stopping" => Err(Refusal::Impossible("it is still stopping: start it in a minute".to_owned())),
        other => Err(Refusal::Changed(format!("it cannot be started: its state is `{other}`"))),
    }
}

/// Whether the instance is protected against it is AWS's to say: it answers `OperationNotPermitted`, and nothing is done.
pub(super) fn terminate(resource: &Resource<Instance>) -> InstancePlan {
    match resource.config.state.name.as_str() {
        "shutting-down" | "terminated" => Ok(Planned::nothing(resource)),
        "pending" | "running" | "stopping" | "stopped" => {
            let step = Step::Terminate { instance_ids: vec![resource.id.clone()] };
            Ok(Planned { steps: vec![step], undo: None, after: None })
        }
        other => Err(Refusal::Impossible(format!("its state is `{other}`, which this version does not know"))),
    }
}

fn in_state(resource: &Resource<Instance>, state: &str) -> Instance {
    Instance { state: InstanceState { name: state.to_owned() }, ..resource.config.clone() }
}

/// Whether instances of a type have volumes in the machine that they run on, which they lose with it when they stop: those
/// with a `d` after their generation, and others that the list of AWS has. See
/// <https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html> and
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-store-lifetime.html>.
pub(super) fn has_instance_store(kind: &str) -> bool {
    const CLASSES: [&str; 6] = ["d", "f", "h", "i", "im", "is"];
    const FAMILIES: [&str; 22] = [
        "c3", "dl1", "g2", "g5", "g6", "g6e", "g6f", "g7e", "gr6", "gr6f", "m3", "p5", "p5e", "p5en", "p6-b200",
        "p6-b300", "r3", "trn1", "trn1n", "trn2", "x1", "x1e",
    ];
    let family = kind.split('.').next().unwrap_or_default();
    let class = family.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let (class, rest) = family.split_at(family.len() - class.len());
    let attributes = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let attributes = attributes.split('-').next().unwrap_or_default();
    CLASSES.contains(&class) || FAMILIES.contains(&family) || (class.len() < family.len() && attributes.contains('d'))
}

#[cfg(test)]
mod tests {
    use common::resource::auto_scaling_group::REPLACING;
    use common::resource::{InstanceGroup, InstanceSpotRequest, SuspendedProcess};

    use super::super::tests::instance;
    use super::*;
    use crate::actions::not_ready;
    use crate::actions::tests::{looked, needs as refuses_without, planned};

    #[test]
    fn data_that_does_not_outlast_a_stop_is_not_lost_by_surprise() {
        for (kind, stored) in [
            ("i3en.xlarge", true),
            ("m5d.large", true),
            ("c6gd.medium", true),
            ("x2iedn.32xlarge", true),
            ("z1d.metal", true),
            ("d3.xlarge", true),
            ("g5.xlarge", true),
            ("p6-b200.48xlarge", true),
            ("t3.micro", false),
            ("m1.small", false),
            ("m7i-flex.large", false),
            ("g5g.xlarge", false),
            ("mac2-m2pro.metal", false),
            ("u-6tb1.metal", false),
            ("hpc7a.96xlarge", false),
            ("", false),
        ] {
            let mut instance = instance("running");
            instance.config.instance_type = Some(kind.into());
            let loses = |action: Action| planned(&action, &instance).unwrap().loses;
            assert_eq!(loses(Action::Stop).is_some(), stored, "{kind}");
            assert!(loses(Action::Ec2Halt).is_none(), "{kind}");
            assert!(loses(Action::Ec2Terminate).is_some() && loses(Action::Ec2RequireImdsv2).is_none(), "{kind}");
        }
    }

    #[test]
    fn an_instance_of_an_auto_scaling_group_is_not_stopped() {
        let mut instance = instance("running");
        instance.tags.insert("aws:autoscaling:groupName".into(), "web".into());
        assert!(matches!(planned(&Action::Stop, &instance), Err(Refusal::Impossible(why)) if why.contains("web")));
    }

    #[test]
    fn an_instance_of_an_auto_scaling_group_is_halted_once_the_group_is_suspended() {
        let suspended = |names: &[&str]| {
            let process = |name: &&str| SuspendedProcess { process_name: (*name).to_owned() };
            Some(names.iter().map(process).collect())
        };
        let group = |suspended_processes| {
            Some(InstanceGroup { auto_scaling_group_name: "web".to_owned(), suspended_processes })
        };
        let active = "its Auto Scaling group web is not suspended, and would terminate and replace it";
        for (tagged, group, why) in [
            (false, None, None),
            (true, None, Some("nobody has looked whether its Auto Scaling group web is suspended")),
            (true, group(suspended(&[])), Some(active)),
            (true, group(suspended(&REPLACING[1..])), Some(active)),
            (true, group(suspended(&REPLACING)), None),
            (true, group(None), None),
        ] {
            let mut instance = instance("running");
            instance.config.auto_scaling_group = group;
            if tagged {
                instance.tags.insert(auto_scaling_group::TAG.into(), "web".into());
            }
            let instance = looked(&instance);
            assert_eq!(not_ready(&Action::Ec2Halt, &instance).as_deref(), why);
            assert_eq!(not_ready(&Action::Start, &instance), None);
        }
        assert!(refuses_without(&Action::Ec2Halt, instance("running"), "AutoScalingGroup"));
    }

    #[test]
    fn a_spot_instance_that_aws_does_not_stop_is_not_halted() {
        for (kind, state, why) in [
            ("persistent", "active", None),
            ("persistent", "cancelled", Some("is no longer there")),
            ("persistent", "closed", Some("is no longer there")),
            ("one-time", "active", Some("request sir-1 is a one-time one")),
        ] {
            let mut instance = instance("running");
            instance.config.spot_instance_request_id = Some("sir-1".into());
            instance.config.spot_instance_request =
                Some(InstanceSpotRequest { r#type: Some(kind.into()), state: Some(state.into()) });
            match (planned(&Action::Ec2Halt, &instance), why) {
                (Ok(plan), None) => assert_eq!(plan.steps.len(), 1),
                (Err(Refusal::Impossible(said)), Some(why)) => {
                    assert!(said.contains(why) && said.contains("ec2_terminate, with --irreversible"), "{said}");
                }
                (other, _) => panic!("{kind} {state}: {other:?}"),
            }
            instance.config.state.name = "stopped".into();
            assert!(planned(&Action::Ec2Halt, &instance).unwrap().steps.is_empty());
        }
    }

    #[test]
    fn whatever_is_not_gone_is_terminated() {
        for (state, calls) in [("running", 1), ("stopped", 1), ("shutting-down", 0), ("terminated", 0)] {
            let plan = planned(&Action::Ec2Terminate, &instance(state)).unwrap();
            assert_eq!((plan.steps.len(), plan.undo), (calls, None), "{state}");
        }
        assert!(matches!(planned(&Action::Ec2Terminate, &instance("melting")), Err(Refusal::Impossible(_))));
    }

    #[test]
    fn states_in_which_nothing_can_be_done_are_said() {
        assert!(planned(&Action::Stop, &instance("terminated")).unwrap().steps.is_empty());
        assert!(matches!(planned(&Action::Start, &instance("terminated")), Err(Refusal::Changed(_))));
        assert!(matches!(planned(&Action::Start, &instance("stopping")), Err(Refusal::Impossible(_))));
    }
}
