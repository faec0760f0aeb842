//! What is done to queues.

use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;
use common::action::{Action, Change, Kill};
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::Queue;
use common::settings::Remediate;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::call::sent;
use super::change::{pending, rebased};
use super::policy::{self, text};
use super::refusal::{foreign, needs};
use super::{ApiCall, Mended, Planned, Refusal};

/// A call on a queue.
#[derive(Debug, Serialize)]
#[serde(untagged, rename_all_fields = "PascalCase")]
pub(crate) enum Step {
    SetAttributes { queue_url: String, attributes: Attributes },
    Delete { queue_url: String },
}

/// The attributes that are set.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Attributes {
    /// The policy; `null` removes it.
    policy: Option<Value>,
}

type QueuePlan = Result<Planned<Queue, Step>, Refusal>;

/// What a queue that is disabled lets nobody do. That its policy is changed again must stay possible: it is how it is
/// enabled again.
const DENIED: [&str; 5] =
    ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:PurgeQueue", "sqs:ChangeMessageVisibility"];

/// What the statement that denies it is called.
const SID: &str = "SluiceDisabled";

impl Mended for Queue {
    type Step = Step;

    const CALLS: &'static [(&'static str, &'static [Operation])] = &[
        ("disable", &[operation::SQS_SET_QUEUE_ATTRIBUTES]),
        ("kill", &[operation::SQS_DELETE_QUEUE]),
        ("sqs_remove_policy_statements", &[operation::SQS_SET_QUEUE_ATTRIBUTES]),
        ("sqs_set_policy", &[operation::SQS_SET_QUEUE_ATTRIBUTES]),
    ];

    /// Attributes take up to a minute, says
    /// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>, and so do the ends
    /// of queues.
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

    fn disable(resource: &Resource<Self>, _: &Remediate) -> Result<Vec<Action>, Refusal> {
        needs(resource, &["Policy"])?;
        let queue = &resource.config;
        if queue.policy.as_ref().is_some_and(|policy| denies_everybody(policy, &queue.queue_arn)) {
            return Ok(Vec::new());
        }
        let mut deny = Map::new();
        deny.insert("Effect".to_owned(), json!("Deny"));
        deny.insert("Principal".to_owned(), json!("*"));
        deny.insert("Action".to_owned(), json!(DENIED));
        deny.insert("Resource".to_owned(), json!(queue.queue_arn));
        let to = Some(policy::with(queue.policy.as_ref(), SID, deny));
        Ok(vec![Action::SqsSetPolicy(Change { from: queue.policy.clone(), to })])
    }

    /// Its messages go with it: nobody keeps anything in a queue that is to be kept.
    fn kill(resource: &Resource<Self>, _: Kill, _: &Remediate) -> QueuePlan {
        let step = Step::Delete { queue_url: resource.config.queue_url.clone() };
        Ok(Planned { steps: vec![step], undo: None, after: None })
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

/// Whether a statement of the policy denies all that a disabled queue denies.
fn denies_everybody(policy: &Value, queue: &str) -> bool {
    // One of anything may stand there without its list.
    let holds = |part: &Value, text: &str| match part {
        Value::Array(all) => all.iter().any(|one| one.as_str().is_some_and(|one| one.eq_ignore_ascii_case(text))),
        one => one.as_str().is_some_and(|one| one.eq_ignore_ascii_case(text)),
    };
    policy::statements(policy).iter().any(|it| {
        it["Effect"] == "Deny"
            && it.get("Condition").is_none()
            && (holds(&it["Principal"], "*") || holds(&it["Principal"]["AWS"], "*"))
            && (holds(&it["Resource"], queue) || holds(&it["Resource"], "*"))
            && DENIED.iter().all(|denied| holds(&it["Action"], denied) || holds(&it["Action"], "sqs:*"))
    })
}

fn set_policy(resource: &Resource<Queue>, change: &Change<Option<Value>>) -> QueuePlan {
    let now = resource.config.policy.clone();
    if !pending(change, &now, "the policy")? {
        return Ok(Planned::nothing(resource));
    }
    let attributes = Attributes { policy: change.to.clone() };
    let step = Step::SetAttributes { queue_url: resource.config.queue_url.clone(), attributes };
    let after = Queue { policy: change.to.clone(), ..resource.config.clone() };
    Ok(Planned::one(step, Some(Action::SqsSetPolicy(Change { from: change.to.clone(), to: now })), after))
}

impl ApiCall for Step {
    fn operation(&self) -> Operation {
        match self {
            Self::SetAttributes { .. } => operation::SQS_SET_QUEUE_ATTRIBUTES,
            Self::Delete { .. } => operation::SQS_DELETE_QUEUE,
        }
    }

    async fn send(&self, session: &Session, region: &Region) -> Result<Option<String>, AwsError> {
        let client = common::client!(aws_sdk_sqs, session, region);
        match self {
            Self::SetAttributes { queue_url, attributes } => {
                // SQS removes a policy when it is given an empty one.
                let policy = attributes.policy.as_ref().map(text).unwrap_or_default();
                let set = client.set_queue_attributes().queue_url(queue_url);
                sent(self.operation(), set.attributes(QueueAttributeName::Policy, policy).send().await)
            }
            Self::Delete { queue_url } => {
                sent(self.operation(), client.delete_queue().queue_url(queue_url).send().await)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::actions::tests::{Samples, needs, only, planned, resource, statement, the_call};

    const ARN: &str = "arn:aws:sqs:eu-west-1:111122223333:jobs";

    fn queue() -> Resource<Queue> {
        let policy = Some(json!({"Version": "2012-10-17", "Statement": [statement("one")]}));
        let config = Queue { queue_url: "https://sqs/jobs".into(), queue_arn: ARN.into(), policy, ..Queue::default() };
        resource("https://sqs/jobs", ARN, config)
    }

    impl Samples for Queue {
        fn samples() -> Vec<(Action, Resource<Self>)> {
            vec![
                (Action::SqsRemovePolicyStatements(only("one")), queue()),
                (Action::Disable, queue()),
                (Action::Disable, queue().map(|queue| Queue { policy: None, ..queue })),
                (Action::Kill(Kill::default()), queue()),
            ]
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
        assert!(needs(&Action::Disable, queue(), "Policy"));
    }

    /// The statements of a queue that was disabled.
    fn disabled(queue: &Resource<Queue>) -> Value {
        the_call(&Action::Disable, queue).1["Attributes"]["Policy"]["Statement"].clone()
    }

    #[test]
    fn a_disabled_queue_denies_everybody_its_messages_and_nobody_its_policy() {
        let deny = json!({
            "Sid": "SluiceDisabled", "Effect": "Deny", "Principal": "*", "Resource": ARN,
            "Action": [
                "sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:PurgeQueue", "sqs:ChangeMessageVisibility",
            ],
        });
        assert_eq!(disabled(&queue()), json!([statement("one"), deny]));
        assert_eq!(disabled(&queue().map(|it| Queue { policy: None, ..it })), json!([deny]));
    }

    #[test]
    fn only_what_denies_as_much_is_as_good() {
        let with = |statement: Value| {
            let policy = Some(json!({"Version": "2012-10-17", "Statement": [statement]}));
            queue().map(|it| Queue { policy, ..it })
        };
        let ours = disabled(&queue())[1].clone();
        let but = |field: &str, value: Value| {
            let mut statement = ours.clone();
            statement[field] = value;
            statement
        };
        for (statement, done) in [
            (ours.clone(), true),
            (but("Principal", json!({"AWS": "*"})), true),
            (but("Principal", json!({"AWS": ["*"]})), true),
            (but("Action", json!("SQS:*")), true),
            (but("Resource", json!("*")), true),
            (but("Sid", json!("Closed")), true),
            (but("Effect", json!("Allow")), false),
            (but("Principal", json!({"AWS": "444455556666"})), false),
            (but("Action", json!(["sqs:SendMessage"])), false),
            (but("Resource", json!("arn:aws:sqs:eu-west-1:111122223333:others")), false),
            (but("Condition", json!({"Bool": {"aws:SecureTransport": "false"}})), false),
        ] {
            let plan = planned(&Action::Disable, &with(statement.clone())).unwrap();
            assert_eq!(plan.steps.is_empty(), done, "{statement}");
        }
        let taken = disabled(&with(but("Effect", json!("Allow"))));
        assert_eq!(taken[1]["Sid"], "SluiceDisabled2");
    }
}
