//! Auto Scaling groups. What is wrong with one shows in its instances; the emergency brake alone asks about the group.

use common::action::{Action, Processes};
use common::record::Severity;
use common::resource::{AutoScalingGroup, ResourceType};
use serde_json::json;

use super::{About, Case, Check, Checked, Problem, runaway};

impl Checked for AutoScalingGroup {
    const CHECKS: &'static [Check<Self>] = &[Check {
        about: About {
            id: "auto_scaling_group_runaway",
            kind: ResourceType::AutoScalingGroup,
            severity: Severity::Critical,
            controls: &[],
            actions: &["asg_suspend"],
            fix: true,
            needs: &["Status", "SuspendedProcesses"],
            meaning: "The group would replace instances that stop, in an account that is over its limit.",
            page: "https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html",
        },
        arises: runaway::limited,
        judge: |case| Ok(running_away(case).into_iter().collect()),
    }];
}

/// An empty group counts, too: it may grow at any moment. One that is being deleted launches nothing.
fn running_away(case: &Case<'_, AutoScalingGroup>) -> Option<Problem> {
    let group = case.config();
    let processes: Vec<String> = group.replacing().into_iter().map(str::to_owned).collect();
    if processes.is_empty() || group.is_deleting() {
        return None;
    }
    let evidence = json!({"SuspendedProcesses": group.suspended_processes});
    let problem = runaway::to_halt(case, "it would replace the instances that stop", evidence);
    Some(problem.action(Action::AsgSuspend(Processes { scaling_processes: processes })))
}
