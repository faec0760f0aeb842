//! From jobs to outcomes: plan -> guard -> confirm -> journal -> act -> verify.
//!
//! Jobs on one resource are done one after the other, since the second may start from what the first leaves; resources
//! are done side by side, and where AWS takes several in one call (instances to be stopped), in one call. What must come
//! before all else, or after it, has its turn. One failing resource never stops the others.

mod apply;
mod plan;
mod verify;

use common::aws::{AwsError, Session, Sessions};
use common::clock;
use common::operation::{
    EC2_STOP_INSTANCES, IAM_DETACH_ROLE_POLICY, IAM_DETACH_USER_POLICY, IAM_REMOVE_USER_FROM_GROUP, Operation,
};
use common::record::{Call, Outcome, OutcomeStatus};
use common::reference::Reference;
use common::resource::ResourceType;
use poll::Look;

use crate::actions::{self, Looked, Plan};
use crate::decide::{Rules, Stay};
use crate::job::Job;
use crate::out::Outcomes;
use crate::wait::Stop;

/// How many looks, or batches of calls, are under way at once.
const PARALLEL: usize = 8;

/// What a run works with.
#[derive(Debug)]
pub(crate) struct Engine<'a, 'o> {
    pub(crate) sessions: &'a Sessions,
    pub(crate) rules: Rules<'a>,
    pub(crate) run: &'a str,
    pub(crate) out: &'a Outcomes<'o>,
    /// Set when the run is to end: nothing new is begun.
    pub(crate) stop: &'a Stop,
}

/// The jobs on one resource, each with what is planned for it, in the order in which they are to be done.
pub(crate) type Group = Vec<(Job, Outcome)>;

impl Engine<'_, '_> {
    fn decide(&self, job: &Job, resource: &Looked) -> Result<Plan, Stay> {
        let (action, _) = self.rules.at_sight(job)?;
        self.rules.decide(job, action, resource)
    }

    /// Looks at resources of one type in one account and region, with one answer for each, in their order.
    async fn look_all(&self, references: &[&Reference], closely: bool) -> Vec<Result<Look, AwsError>> {
        let Some(first) = references.first() else { return Vec::new() };
        let looks = async {
            let session = self.sessions.account(&first.account).await?;
            let kind = first.kind.parse::<ResourceType>();
            let kind = kind.map_err(|why| AwsError::of("poll:look", "BadReference", why.to_string()))?;
            let ids: Vec<String> = references.iter().map(|reference| reference.id.clone()).collect();
            // It has room for every type's way to look.
            Ok(Box::pin(poll::look_all(&session, &first.region, kind, &ids, closely)).await)
        };
        looks.await.unwrap_or_else(|error: AwsError| references.iter().map(|_| Err(error.clone())).collect())
    }

    /// The outcome of what is to be done, with the calls and their undo.
    fn planned(&self, job: &Job, resource: &Looked, plan: &Plan) -> Outcome {
        let mut outcome = job.outcome(OutcomeStatus::Planned, self.run, clock::now());
        outcome.arn = Some(resource.arn.clone());
        outcome.tags.clone_from(&resource.tags);
        outcome.calls = plan.calls();
        outcome.undo = plan.undo.clone().map(|undo| {
            let mut task = job.task(undo);
            task.arn = Some(resource.arn.clone());
            task
        });
        outcome
    }

    /// Writes the outcome of a job with which nothing is done.
    fn stays(&self, job: &Job, stay: Stay) {
        // What a person asked for by name, and did not get, is a "no"; a finding that has changed is found again tomorrow.
        let asked = job.check.is_none() || job.reviewed.is_some();
        if stay.denied || (asked && matches!(stay.status, OutcomeStatus::Changed | OutcomeStatus::Excepted)) {
            self.out.denied();
        }
        let mut outcome = job.outcome(stay.status, self.run, clock::now());
        outcome.reason = Some(stay.reason);
        outcome.calls = stay.calls;
        let _ = self.out.write(&outcome);
    }
}

/// The type of a job's resource; none only where the job was refused at sight.
fn kind_of(job: &Job) -> Option<ResourceType> {
    job.reference.kind.parse().ok()
}

/// Whether a job needs a closer look at its resource.
fn closely(job: &Job) -> bool {
    match (&job.action, kind_of(job)) {
        (Some(action), Some(kind)) => actions::closely(action, kind),
        _ => false,
    }
}

/// What a run stands on in an account. Who takes that away from under himself neither finishes nor undoes it.
#[derive(Clone, Debug, Default)]
struct Own {
    /// The user or role that it works as.
    identity: Option<(ResourceType, String)>,
    /// The instance that it works on.
    instance: Option<String>,
}

impl Own {
    fn of(session: &Session) -> Self {
        let identity = session.works_as().map(|(kind, name)| (kind, name.to_owned()));
        Self { identity, instance: session.works_on().map(str::to_owned) }
    }

    /// Whether a job is about just that.
    fn is(&self, job: &Job) -> bool {
        let (kind, id) = (kind_of(job), &job.reference.id);
        let same = self.identity.as_ref().is_some_and(|(own, name)| kind == Some(*own) && id == name);
        same || (kind == Some(ResourceType::Ec2) && self.instance.as_ref() == Some(id))
    }

    /// Whether one of these calls on something else takes it away: a policy or a group from the user or role, or the instance
    /// for the sake of a volume.
    fn loses_by(&self, calls: &[Call]) -> bool {
        let names = |call: &Call| match (Operation::named(&call.operation), &self.identity) {
            (Some(IAM_DETACH_USER_POLICY | IAM_REMOVE_USER_FROM_GROUP), Some((ResourceType::IamUser, name))) => {
                call.parameters["UserName"] == name.as_str()
            }
            (Some(IAM_DETACH_ROLE_POLICY), Some((ResourceType::IamRole, name))) => {
                call.parameters["RoleName"] == name.as_str()
            }
            (Some(EC2_STOP_INSTANCES), _) => self.instance.as_ref().is_some_and(|own| {
                call.parameters["InstanceIds"].as_array().is_some_and(|ids| ids.iter().any(|id| id == own.as_str()))
            }),
            _ => false,
        };
        calls.iter().any(names)
    }
}

/// What is said of what a run stands on.
fn own() -> Stay {
    Stay::denied(
        "this run itself works as it, on it or by it, and could neither finish nor undo this: do it with other credentials",
    )
}

/// A resource that could not be looked at.
fn unseen(error: &AwsError) -> Stay {
    Stay::because(OutcomeStatus::Failed, format!("nothing was done: {error}"))
}

/// A resource that no longer exists has nothing left to mend, and need not be removed; any other task wanted something of
/// it.
fn gone(job: &Job) -> Stay {
    let removes = job.action.as_ref().is_some_and(common::action::Action::is_irreversible);
    let status = if job.check.is_some() || removes { OutcomeStatus::Already } else { OutcomeStatus::Changed };
    Stay::because(status, "the resource does not exist, or no longer exists")
}

/// The run is to end.
fn stopped() -> Stay {
    Stay::because(OutcomeStatus::Interrupted, "the run was stopped before it came to this: nothing was done")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_run_stands_on_is_lost_by_way_of_other_resources_too() {
        let as_role = Own { identity: Some((ResourceType::IamRole, "sluice".to_owned())), instance: None };
        let as_user = Own { identity: Some((ResourceType::IamUser, "sluice".to_owned())), instance: None };
        let on_instance = Own { instance: Some("i-1".to_owned()), ..as_role.clone() };
        let rows = [
            ("iam:DetachRolePolicy", json!({"RoleName": "sluice"}), [true, false, true]),
            ("iam:DetachRolePolicy", json!({"RoleName": "other"}), [false; 3]),
            ("iam:AttachRolePolicy", json!({"RoleName": "sluice"}), [false; 3]),
            ("iam:DetachUserPolicy", json!({"UserName": "sluice"}), [false, true, false]),
            ("iam:RemoveUserFromGroup", json!({"GroupName": "admins", "UserName": "sluice"}), [false, true, false]),
            ("iam:DetachGroupPolicy", json!({"GroupName": "sluice"}), [false; 3]),
            ("ec2:StopInstances", json!({"InstanceIds": ["i-0", "i-1"]}), [false, false, true]),
            ("ec2:StopInstances", json!({"InstanceIds": ["i-2"]}), [false; 3]),
        ];
        for (operation, parameters, expected) in rows {
            let call = |operation: &str, parameters| Call { operation: operation.to_owned(), parameters, result: None };
            let calls = [call("iam:DetachRolePolicy", json!({"RoleName": "web"})), call(operation, parameters)];
            let found = [&as_role, &as_user, &on_instance].map(|own| own.loses_by(&calls));
            assert_eq!(found, expected, "{calls:?}");
            assert!(!Own::default().loses_by(&calls));
        }
    }
}
