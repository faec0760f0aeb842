//! What is done to ECS task sets.

use common::action::Action;
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::EcsTaskSet;
use serde::Serialize;

use super::call::sent;
use super::refusal::foreign;
use super::{ApiCall, Mended, Planned, Refusal};

/// The call on a task set.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteTaskSet {
    cluster: String,
    service: String,
    task_set: String,
    /// Also where tasks of it run.
    force: bool,
}

impl Mended for EcsTaskSet {
    type Step = DeleteTaskSet;

    const CALLS: &'static [(&'static str, &'static [Operation])] =
        &[("ecs_delete_task_set", &[operation::ECS_DELETE_TASK_SET])];

    fn plan(action: &Action, resource: &Resource<Self>) -> Result<Planned<Self, DeleteTaskSet>, Refusal> {
        let Action::EcsDeleteTaskSet = action else { return Err(foreign(action, resource)) };
        let set = &resource.config;
        if set.started_by.as_deref() == Some("CODE_DEPLOY") {
            let why = "CodeDeploy made it, and has to replace it: deploy a revision with AssignPublicIp DISABLED in its \
                       AppSpec file";
            return Err(Refusal::Impossible(why.to_owned()));
        }
        match set.status.as_deref() {
            Some("DRAINING") => Ok(Planned::nothing(resource)),
            Some("ACTIVE") => {
                let step = DeleteTaskSet {
                    cluster: set.cluster_arn.clone(),
                    service: set.service_arn.clone(),
                    task_set: set.id.clone(),
                    force: true,
                };
                Ok(Planned { steps: vec![step], undo: None, after: None })
            }
            Some("PRIMARY") => Err(Refusal::Impossible(
                "it is the primary task set, which serves: create another one with assignPublicIp DISABLED and make that \
                 the primary one first"
                    .to_owned(),
            )),
            other => {
                let other = other.unwrap_or_default();
                Err(Refusal::Impossible(format!("its status is `{other}`, which this version does not know")))
            }
        }
    }

    fn rebase(undo: Action, _: &Self, _: &Self) -> Action {
        undo
    }
}

impl ApiCall for DeleteTaskSet {
    fn operation(&self) -> Operation {
        operation::ECS_DELETE_TASK_SET
    }

    async fn send(&self, session: &Session, region: &Region) -> Result<Option<String>, AwsError> {
        let client = common::client!(aws_sdk_ecs, session, region);
        let delete = client.delete_task_set().cluster(&self.cluster).service(&self.service);
        sent(self.operation(), delete.task_set(&self.task_set).force(self.force).send().await)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::actions::tests::{Samples, planned, resource, the_call};

    const ARN: &str = "arn:aws:ecs:eu-west-1:111122223333:task-set/blue/web/ecs-svc/123";
    const CLUSTER: &str = "arn:aws:ecs:eu-west-1:111122223333:cluster/blue";
    const SERVICE: &str = "arn:aws:ecs:eu-west-1:111122223333:service/blue/web";

    fn set(status: &str, started_by: Option<&str>) -> Resource<EcsTaskSet> {
        let config = EcsTaskSet {
            id: "ecs-svc/123".into(),
            cluster_arn: CLUSTER.into(),
            service_arn: SERVICE.into(),
            status: Some(status.into()),
            started_by: started_by.map(str::to_owned),
            ..EcsTaskSet::default()
        };
        resource("blue/web/ecs-svc/123", ARN, config)
    }

    impl Samples for EcsTaskSet {
        fn samples() -> Vec<(Action, Resource<Self>)> {
            vec![(Action::EcsDeleteTaskSet, set("ACTIVE", None))]
        }
    }

    #[test]
    fn a_task_set_that_does_not_serve_is_deleted_with_its_tasks() {
        let (operation, parameters) = the_call(&Action::EcsDeleteTaskSet, &set("ACTIVE", None));
        assert_eq!(operation, "ecs:DeleteTaskSet");
        assert_eq!(
            parameters,
            json!({"Cluster": CLUSTER, "Service": SERVICE, "TaskSet": "ecs-svc/123", "Force": true})
        );
        assert!(planned(&Action::EcsDeleteTaskSet, &set("DRAINING", None)).unwrap().steps.is_empty());
    }

    #[test]
    fn what_serves_or_is_code_deploys_is_not_deleted() {
        for (status, started_by, hint) in [
            ("PRIMARY", None, "make that the primary one"),
            ("PRIMARY", Some("CODE_DEPLOY"), "AppSpec"),
            ("ACTIVE", Some("CODE_DEPLOY"), "AppSpec"),
            ("SPARE", None, "`SPARE`"),
        ] {
            let refused = planned(&Action::EcsDeleteTaskSet, &set(status, started_by));
            assert!(matches!(&refused, Err(Refusal::Impossible(why)) if why.contains(hint)), "{status}: {refused:?}");
        }
    }
}
