//! ECS tasks: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/security-network.html>.

use common::action::Action;
use common::record::Severity;
use common::resource::{EcsTask, ResourceType};
use serde_json::json;

use super::{About, Case, Check, Checked, Problem, Unclear, always};

impl Checked for EcsTask {
    const CHECKS: &'static [Check<Self>] = &[Check {
        about: About {
            id: "ecs_task_public_ip",
            kind: ResourceType::EcsTask,
            severity: Severity::High,
            controls: &[],
            actions: &["ecs_stop_task"],
            fix: true,
            needs: &["DesiredStatus", "Group", "NetworkInterfaces"],
            meaning: "The task has an address on the internet.",
            page: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html",
        },
        arises: always,
        judge: public_ip,
    }];
}

/// A task of a service is not stopped: the service would start another like it. It is the service that has to be mended,
/// and its new tasks have no address then.
fn public_ip(case: &Case<'_, EcsTask>) -> Result<Vec<Problem>, Unclear> {
    let task = case.config();
    match task.desired_status.as_deref() {
        Some("RUNNING") => {}
        // It is being stopped.
        Some("STOPPED") => return Ok(Vec::new()),
        Some(other) => return Err(Unclear(format!("`{other}` is not a status of a task that this version knows"))),
        None => return Err(Unclear("the record does not say DesiredStatus".to_owned())),
    }
    let public: Vec<_> = task.network_interfaces.iter().filter(|interface| interface.public_ip.is_some()).collect();
    if public.is_empty() {
        return Ok(Vec::new());
    }
    let addresses: Vec<&str> = public.iter().filter_map(|interface| interface.public_ip.as_deref()).collect();
    let service = task.group.as_deref().and_then(|group| group.strip_prefix("service:"));
    let replaced = service.map(|service| format!(" (its service {service} has to be mended, and would replace it)"));
    let what = format!("is on the internet: {}{}", addresses.join(", "), replaced.unwrap_or_default());
    let problem = Problem::new(what, json!({"Group": task.group, "NetworkInterfaces": public}));
    Ok(vec![problem.action(service.is_none().then_some(Action::EcsStopTask))])
}
