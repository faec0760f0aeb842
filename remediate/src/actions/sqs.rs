//! What is done to queues.

use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;
use common::action::{Action, Change};
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::Queue;
use serde::Serialize;
use serde_json::Value;

use super::call::sent;
use super::change::{pending, rebased};
use super::policy::{self, text};
use super::refusal::{foreign, needs};
use super::{ApiCall, Mended, Planned, Refusal};

/// The call on a queue.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SetQueueAttributes {
    queue_url: String,
    attributes: Attributes,
}

/// The attributes that are set.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Attributes {
    /// The policy; `null` removes it.
    policy: Option<Value>,
}

type QueuePlan = Result<Planned<Queue, SetQueueAttributes>, Refusal>;

impl Mended for Queue {
    type Step = SetQueueAttributes;

    const CALLS: &'static [(&'static str, &'static [Operation])] = &[
        ("sqs_remove_policy_statements", &[operation::SQS_SET_QUEUE_ATTRIBUTES]),
        ("sqs_set_policy", &[operation::SQS_SET_QUEUE_ATTRIBUTES]),
    ];

    /// Attributes take up to a minute, says
    /// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>.
    const PATIENCE: Duration = Duration::from_secs(64);

    fn plan(action: &Action, resource: &Resource<Self>) -> QueuePlan {
        needs(resource, &["Policy"])?;
        let from = resource.config.policy.clone();
        match action {
            Action::SqsRemovePolicyStatements(unwanted) => {
                let to = from.as_ref().and_then(|policy| policy::without(policy, &unwanted.statements));
                set_policy(resource, &Change { from, to })
            }
            Action::SqsSetPolicy(change) => set_policy(resource, change),
            other => Err(foreign(other, resource)),
        }
    }

    fn rebase(undo: Action, predicted: &Self, observed: &Self) -> Action {
        match undo {
            Action::SqsSetPolicy(change) => {
                Action::SqsSetPolicy(rebased(change, &predicted.policy, observed.policy.clone()))
            }
            other => other,
        }
    }
}

fn set_policy(resource: &Resource<Queue>, change: &Change<Option<Value>>) -> QueuePlan {
    let now = resource.config.policy.clone();
    if !pending(change, &now, "the policy")? {
        return Ok(Planned::nothing(resource));
    }
    let attributes = Attributes { policy: change.to.clone() };
    let step = SetQueueAttributes { queue_url: resource.config.queue_url.clone(), attributes };
    let after = Queue { policy: change.to.clone(), ..resource.config.clone() };
    Ok(Planned::one(step, Some(Action::SqsSetPolicy(Change { from: change.to.clone(), to: now })), after))
}

impl ApiCall for SetQueueAttributes {
    fn operation(&self) -> Operation {
        operation::SQS_SET_QUEUE_ATTRIBUTES
    }

    async fn send(&self, session: &Session, region: &Region) -> Result<Option<String>, AwsError> {
        // SQS removes a policy when it is given an empty one.
        let policy = self.attributes.policy.as_ref().map(text).unwrap_or_default();
        let set = common::client!(aws_sdk_sqs, session, region).set_queue_attributes().queue_url(&self.queue_url);
        sent(self.operation(), set.attributes(QueueAttributeName::Policy, policy).send().await)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::actions::tests::{Samples, needs, only, resource, statement, the_call};

    fn queue() -> Resource<Queue> {
        let policy = Some(json!({"Version": "2012-10-17", "Statement": [statement("one")]}));
        let config = Queue { queue_url: "https://sqs/jobs".into(), policy, ..Queue::default() };
        resource("https://sqs/jobs", "arn:aws:sqs:eu-west-1:111122223333:jobs", config)
    }

    impl Samples for Queue {
        fn samples() -> Vec<(Action, Resource<Self>)> {
            vec![(Action::SqsRemovePolicyStatements(only("one")), queue())]
        }
    }

    #[test]
    fn the_last_statement_takes_the_policy_with_it() {
        let (operation, parameters) = the_call(&Action::SqsRemovePolicyStatements(only("one")), &queue());
        assert_eq!(operation, "sqs:SetQueueAttributes");
        assert_eq!(parameters, json!({"QueueUrl": "https://sqs/jobs", "Attributes": {"Policy": null}}));
    }

    #[test]
    fn what_could_not_be_read_is_not_changed() {
        assert!(needs(&Action::SqsSetPolicy(Change { from: None, to: None }), queue(), "Policy"));
    }
}
