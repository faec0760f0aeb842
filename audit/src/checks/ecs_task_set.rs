//! ECS task sets: <https://docs.aws.amazon.com/securityhub/latest/userguide/ecs-controls.html>.

use common::action::Action;
use common::record::Severity;
use common::resource::{EcsTaskSet, ResourceType};

use super::ecs_service::assigned;
use super::{About, Case, Check, Checked, Problem, Unclear, always};

impl Checked for EcsTaskSet {
    const CHECKS: &'static [Check<Self>] = &[Check {
        about: About {
            id: "ecs_task_set_public_ip",
            kind: ResourceType::EcsTaskSet,
            severity: Severity::High,
            controls: &["FSBP ECS.16"],
            actions: &["ecs_delete_task_set"],
            fix: true,
            needs: &["NetworkConfiguration", "StartedBy", "Status"],
            meaning: "The task set gives its tasks addresses on the internet.",
            page: "https://docs.aws.amazon.com/securityhub/latest/userguide/ecs-controls.html#ecs-16",
        },
        arises: always,
        judge: public_ip,
    }];
}

/// The network of a task set never changes, so nothing mends it but another in its place. It is deleted only where that
/// takes nothing from anybody: the primary one serves, and what `CodeDeploy` made is `CodeDeploy`'s to replace or to take back.
fn public_ip(case: &Case<'_, EcsTaskSet>) -> Result<Vec<Problem>, Unclear> {
    let set = case.config();
    let primary = match set.status.as_deref() {
        Some("PRIMARY") => true,
        Some("ACTIVE") => false,
        // Its tasks are being stopped.
        Some("DRAINING") => return Ok(Vec::new()),
        Some(other) => return Err(Unclear(format!("`{other}` is not a status of a task set that this version knows"))),
        None => return Err(Unclear("the record does not say Status".to_owned())),
    };
    let Some(evidence) = assigned(set.network_configuration.as_ref())? else { return Ok(Vec::new()) };
    let code_deploy = set.started_by.as_deref() == Some("CODE_DEPLOY");
    let (what, action) = match (code_deploy, primary) {
        (true, _) => (", which only a deployment of CodeDeploy can change", None),
        (false, true) => (" and serves: another must take its place", None),
        (false, false) => ("", Some(Action::EcsDeleteTaskSet)),
    };
    let problem = Problem::new(format!("gives its tasks addresses on the internet{what}"), evidence);
    Ok(vec![problem.action(action)])
}
