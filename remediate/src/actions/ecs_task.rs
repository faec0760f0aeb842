//! What is done to ECS tasks.

use common::action::Action;
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::EcsTask;
use serde::Serialize;

use super::call::sent;
use super::refusal::foreign;
use super::{ApiCall, Mended, Planned, Refusal};

/// What whoever looks at the stopped task reads.
const REASON: &str = "stopped by Sluice (remediate)";

/// The call on a task.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StopTask {
    cluster: String,
    task: String,
    reason: &'static str,
}

impl Mended for EcsTask {
    type Step = StopTask;

    const CALLS: &'static [(&'static str, &'static [Operation])] = &[("ecs_stop_task", &[operation::ECS_STOP_TASK])];

    fn plan(action: &Action, resource: &Resource<Self>) -> Result<Planned<Self, StopTask>, Refusal> {
        let task = &resource.config;
        match action {
            Action::EcsStopTask if task.desired_status.as_deref() == Some("STOPPED") => Ok(Planned::nothing(resource)),
            Action::EcsStopTask => {
                let step = StopTask { cluster: task.cluster_arn.clone(), task: task.task_arn.clone(), reason: REASON };
                Ok(Planned { steps: vec![step], undo: None, after: None })
            }
            other => Err(foreign(other, resource)),
        }
    }

    fn rebase(undo: Action, _: &Self, _: &Self) -> Action {
        undo
    }
}

impl ApiCall for StopTask {
    fn operation(&self) -> Operation {
        operation::ECS_STOP_TASK
    }

    async fn send(&self, session: &Session, region: &Region) -> Result<Option<String>, AwsError> {
        let client = common::client!(aws_sdk_ecs, session, region);
        let stop = client.stop_task().cluster(&self.cluster).task(&self.task).reason(self.reason);
        sent(self.operation(), stop.send().await)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::actions::tests::{Samples, planned, resource, the_call};

    const ARN: &str = "arn:aws:ecs:eu-west-1:111122223333:task/blue/0f9d";
    const CLUSTER: &str = "arn:aws:ecs:eu-west-1:111122223333:cluster/blue";

    fn task(desired_status: &str) -> Resource<EcsTask> {
        let config = EcsTask {
            task_arn: ARN.into(),
            cluster_arn: CLUSTER.into(),
            last_status: Some("RUNNING".into()),
            desired_status: Some(desired_status.into()),
            ..EcsTask::default()
        };
        resource("blue/0f9d", ARN, config)
    }

    impl Samples for EcsTask {
        fn samples() -> Vec<(Action, Resource<Self>)> {
            vec![(Action::EcsStopTask, task("RUNNING"))]
        }
    }

    #[test]
    fn a_task_is_stopped_for_a_reason() {
        let (operation, parameters) = the_call(&Action::EcsStopTask, &task("RUNNING"));
        assert_eq!(operation, "ecs:StopTask");
        assert_eq!(parameters, json!({"Cluster": CLUSTER, "Task": ARN, "Reason": "stopped by Sluice (remediate)"}));
    }

    #[test]
    fn a_task_that_is_being_stopped_is_let_be() {
        assert!(planned(&Action::EcsStopTask, &task("STOPPED")).unwrap().steps.is_empty());
    }
}
