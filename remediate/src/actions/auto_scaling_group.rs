//! What is done to Auto Scaling groups: their processes are suspended and resumed. Their size is never changed: a group that
//! is set to zero terminates its instances, and all that is on them is lost.

use common::action::{Action, Processes};
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::auto_scaling_group::REPLACING;
use common::resource::{AutoScalingGroup, GroupInstance, SuspendedProcess};
use serde::Serialize;

use super::call::sent;
use super::refusal::{foreign, needs};
use super::{ApiCall, Mended, Planned, Refusal, Turn};

/// A call on a group. The processes are never left out, which would mean all.
#[derive(Debug, Serialize)]
#[serde(untagged, rename_all_fields = "PascalCase")]
pub(crate) enum Step {
    Suspend { auto_scaling_group_name: String, scaling_processes: Vec<String> },
    Resume { auto_scaling_group_name: String, scaling_processes: Vec<String> },
}

type GroupPlan = Result<Planned<AutoScalingGroup, Step>, Refusal>;

impl Mended for AutoScalingGroup {
    type Step = Step;

    const CALLS: &'static [(&'static str, &'static [Operation])] = &[
        ("asg_suspend", &[operation::AUTOSCALING_SUSPEND_PROCESSES]),
        ("asg_resume", &[operation::AUTOSCALING_RESUME_PROCESSES]),
    ];

    const CLOSELY: &'static [&'static str] = &["asg_resume"];

    fn plan(action: &Action, resource: &Resource<Self>) -> GroupPlan {
        match action {
            Action::AsgSuspend(processes) => suspend(resource, processes),
            Action::AsgResume(processes) => resume(resource, processes),
            other => Err(foreign(other, resource)),
        }
    }

    fn not_ready(action: &Action, resource: &Resource<Self>) -> Option<String> {
        match action {
            Action::AsgResume(processes) => not_running(&resource.config, processes),
            _ => None,
        }
    }

    fn rebase(undo: Action, _: &Self, _: &Self) -> Action {
        undo
    }

    /// A group that is not suspended replaces each instance that stops, and so does one that is resumed before they run again.
    fn turn(action: &Action) -> Turn {
        match action {
            Action::AsgSuspend(_) => Turn::First,
            Action::AsgResume(_) => Turn::Last,
            _ => Turn::Usual,
        }
    }
}

fn suspend(resource: &Resource<AutoScalingGroup>, processes: &Processes) -> GroupPlan {
    let group = &resource.config;
    let scaling_processes = of(processes, |name| !is_suspended(group, name));
    if scaling_processes.is_empty() {
        return Ok(Planned::nothing(resource));
    }
    stays(group)?;
    let mut after = group.clone();
    let added = scaling_processes.iter().map(|name| SuspendedProcess { process_name: name.clone() });
    after.suspended_processes.extend(added);
    after.suspended_processes.sort_unstable();
    let undo = Action::AsgResume(Processes { scaling_processes: scaling_processes.clone() });
    let step = Step::Suspend { auto_scaling_group_name: resource.id.clone(), scaling_processes };
    Ok(Planned::one(step, Some(undo), after))
}

fn resume(resource: &Resource<AutoScalingGroup>, processes: &Processes) -> GroupPlan {
    let group = &resource.config;
    let scaling_processes = of(processes, |name| is_suspended(group, name));
    if scaling_processes.is_empty() {
        return Ok(Planned::nothing(resource));
    }
    stays(group)?;
    needs(resource, &["Instances"])?;
    let mut after = group.clone();
    after.suspended_processes.retain(|process| !scaling_processes.contains(&process.process_name));
    let undo = Action::AsgSuspend(Processes { scaling_processes: scaling_processes.clone() });
    let step = Step::Resume { auto_scaling_group_name: resource.id.clone(), scaling_processes };
    Ok(Planned::one(step, Some(undo), after))
}

/// Those of an action's processes that are as asked, sorted, each once.
fn of(processes: &Processes, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let mut names: Vec<_> = processes.scaling_processes.iter().filter(|name| wanted(name)).cloned().collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn is_suspended(group: &AutoScalingGroup, name: &str) -> bool {
    group.suspended_processes.iter().any(|process| process.process_name == name)
}

fn stays(group: &AutoScalingGroup) -> Result<(), Refusal> {
    if group.is_deleting() {
        return Err(Refusal::Changed("it is being deleted, and its instances with it".to_owned()));
    }
    Ok(())
}

/// Why the group would replace an instance if these were resumed.
fn not_running(group: &AutoScalingGroup, processes: &Processes) -> Option<String> {
    if !processes.scaling_processes.iter().any(|name| REPLACING.contains(&name.as_str())) {
        return None;
    }
    let idle = |instance: &GroupInstance| match instance.state.as_ref().map(|state| state.name.as_str()) {
        // What is gone is replaced in any case.
        Some("running" | "shutting-down" | "terminated") => None,
        Some(state) => Some(format!("{} is {state}", instance.instance_id)),
        None => Some(format!("nobody knows whether {} runs", instance.instance_id)),
    };
    let idle: Vec<String> = group.instances.iter().filter(|it| must_run(it)).filter_map(idle).collect();
    let (first, others) = (idle.first()?, idle.len() - 1);
    let more = if others == 0 { String::new() } else { format!(", and so are {others} more") };
    Some(format!("{first}{more}: the group would terminate and replace what does not run, so start it first"))
}

/// Whether the group takes an instance that does not run for a broken one. It does not look at those on standby or in its
/// warm pool, nor at those that it is about to part with:
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-lifecycle.html>.
fn must_run(instance: &GroupInstance) -> bool {
    const LEFT_ALONE: [&str; 5] = ["Standby", "EnteringStandby", "Warmed", "Terminat", "Detach"];
    let state = instance.lifecycle_state.as_deref().unwrap_or_default();
    !LEFT_ALONE.iter().any(|prefix| state.starts_with(prefix))
}

impl ApiCall for Step {
    fn operation(&self) -> Operation {
        match self {
            Self::Suspend { .. } => operation::AUTOSCALING_SUSPEND_PROCESSES,
            Self::Resume { .. } => operation::AUTOSCALING_RESUME_PROCESSES,
        }
    }

    async fn send(&self, session: &Session, region: &Region) -> Result<Option<String>, AwsError> {
        let client = common::client!(aws_sdk_autoscaling, session, region);
        let operation = self.operation();
        match self {
            Self::Suspend { auto_scaling_group_name, scaling_processes } => {
                let call = client.suspend_processes().auto_scaling_group_name(auto_scaling_group_name);
                sent(operation, call.set_scaling_processes(Some(scaling_processes.clone())).send().await)
            }
            Self::Resume { auto_scaling_group_name, scaling_processes } => {
                let call = client.resume_processes().auto_scaling_group_name(auto_scaling_group_name);
                sent(operation, call.set_scaling_processes(Some(scaling_processes.clone())).send().await)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use common::resource::InstanceState;
    use serde_json::json;

    use super::*;
    use crate::actions::not_ready;
    use crate::actions::tests::{Samples, after, looked, needs as refuses_without, planned, resource, the_call};

    fn processes(names: &[&str]) -> Processes {
        Processes { scaling_processes: names.iter().map(|&name| name.to_owned()).collect() }
    }

    /// A group with these processes suspended, and an instance for each lifecycle state and state.
    fn group(suspended: &[&str], instances: &[(&str, Option<&str>)]) -> Resource<AutoScalingGroup> {
        let instance = |(number, (lifecycle, state)): (usize, &(&str, Option<&str>))| GroupInstance {
            instance_id: format!("i-{number}"),
            lifecycle_state: Some((*lifecycle).to_owned()),
            health_status: Some("Healthy".to_owned()),
            state: state.map(|name| InstanceState { name: name.to_owned() }),
        };
        let config = AutoScalingGroup {
            auto_scaling_group_name: "web".to_owned(),
            suspended_processes: suspended
                .iter()
                .map(|&name| SuspendedProcess { process_name: name.to_owned() })
                .collect(),
            instances: instances.iter().enumerate().map(instance).collect(),
            ..AutoScalingGroup::default()
        };
        let arn = "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:0f9d-1:autoScalingGroupName/web";
        resource("web", arn, config)
    }

    impl Samples for AutoScalingGroup {
        fn samples() -> Vec<(Action, Resource<Self>)> {
            vec![(Action::AsgSuspend(processes(&REPLACING)), group(&["AddToLoadBalancer"], &[]))]
        }
    }

    #[test]
    fn what_somebody_else_has_suspended_is_not_resumed() {
        let suspend = Action::AsgSuspend(processes(&["Terminate", "Launch", "HealthCheck", "Launch"]));
        let group = group(&["AZRebalance", "HealthCheck"], &[]);
        let (operation, parameters) = the_call(&suspend, &group);
        assert_eq!(
            (operation.as_str(), parameters),
            (
                "autoscaling:SuspendProcesses",
                json!({"AutoScalingGroupName": "web", "ScalingProcesses": ["Launch", "Terminate"]})
            )
        );
        let plan = planned(&suspend, &group).unwrap();
        let suspended = after::<AutoScalingGroup>(&plan);
        let (operation, parameters) = the_call(&plan.undo.unwrap(), &suspended);
        assert_eq!(
            (operation.as_str(), parameters),
            (
                "autoscaling:ResumeProcesses",
                json!({"AutoScalingGroupName": "web", "ScalingProcesses": ["Launch", "Terminate"]})
            )
        );
    }

    /// A call without processes would mean all of them.
    #[test]
    fn no_processes_are_none_and_not_all() {
        for action in [Action::AsgSuspend(processes(&[])), Action::AsgResume(processes(&[]))] {
            assert!(planned(&action, &group(&["Launch"], &[])).unwrap().steps.is_empty(), "{action:?}");
        }
    }

    #[test]
    fn a_group_is_not_resumed_before_its_instances_run() {
        let resume = |names: &[&str], instances: &[(&str, Option<&str>)]| {
            not_ready(&Action::AsgResume(processes(names)), &looked(&group(&REPLACING, instances)))
        };
        for (instances, why) in [
            (&[][..], None),
            (&[("InService", Some("running")), ("InService", Some("running"))], None),
            (&[("InService", Some("running")), ("InService", Some("stopped"))], Some("i-1 is stopped: ")),
            (
                &[("InService", Some("stopping")), ("InService", Some("stopped"))],
                Some("i-0 is stopping, and so are 1 more"),
            ),
            (&[("Pending", Some("pending"))], Some("i-0 is pending")),
            (&[("InService", None)], Some("nobody knows whether i-0 runs")),
            (&[("InService", Some("terminated")), ("InService", Some("shutting-down"))], None),
            (&[("Standby", Some("stopped")), ("Warmed:Stopped", Some("stopped"))], None),
            (&[("Terminating:Wait", Some("stopping")), ("Detaching", Some("stopped"))], None),
        ] {
            let said = resume(&["HealthCheck", "Launch"], instances);
            assert!(
                match (&said, why) {
                    (Some(said), Some(why)) => said.starts_with(why),
                    (None, None) => true,
                    _ => false,
                },
                "{instances:?}: {said:?}"
            );
        }
        let stopped = &[("InService", Some("stopped"))];
        assert_eq!(resume(&["AddToLoadBalancer"], stopped), None, "it replaces nothing");
        let suspend = Action::AsgSuspend(processes(&["Launch"]));
        assert_eq!(not_ready(&suspend, &looked(&group(&[], stopped))), None);
    }

    #[test]
    fn what_is_not_known_or_about_to_go_is_not_touched() {
        let resume = Action::AsgResume(processes(&["Launch"]));
        assert!(refuses_without(&resume, group(&["Launch"], &[("InService", None)]), "Instances"));
        let mut going = group(&["Launch"], &[]);
        going.config.status = Some("Delete in progress".to_owned());
        for action in [resume, Action::AsgSuspend(processes(&["Terminate"]))] {
            assert!(matches!(planned(&action, &going), Err(Refusal::Changed(why)) if why.contains("deleted")));
        }
    }
}
