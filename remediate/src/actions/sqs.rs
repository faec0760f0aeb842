//! What is done to queues.

use aws_sdk_sqs::types::QueueAttributeName;
use common::action::{Action, Change};
use common::aws::{AwsError, Session};
use common::id::Region;
use common::record::Resource;
use common::resource::Queue;
use serde::Serialize;
use serde_json::Value;

use super::{Planned, Refusal, foreign, needs, pending, policy, sent, text};

/// A call on a queue.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "operation", content = "parameters", rename_all_fields = "PascalCase")]
pub(crate) enum Step {
    #[serde(rename = "sqs:SetQueueAttributes")]
    SetAttributes { queue_url: String, attributes: Attributes },
}

/// The attributes that are set.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Attributes {
    /// The policy; `null` removes it.
    policy: Option<Value>,
}

pub(crate) fn plan(action: &Action, resource: &Resource<Queue>) -> Result<Planned<Queue, Step>, Refusal> {
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

fn set_policy(resource: &Resource<Queue>, change: &Change<Option<Value>>) -> Result<Planned<Queue, Step>, Refusal> {
    let now = resource.config.policy.clone();
    if !pending(change, &now, "the policy")? {
        return Ok(Planned::nothing(resource));
    }
    let attributes = Attributes { policy: change.to.clone() };
    let step = Step::SetAttributes { queue_url: resource.config.queue_url.clone(), attributes };
    let after = Queue { policy: change.to.clone(), ..resource.config.clone() };
    Ok(Planned::one(step, Some(Action::SqsSetPolicy(Change { from: change.to.clone(), to: now })), after))
}

impl Step {
    pub(crate) async fn send(&self, session: &Session, region: &Region) -> Result<Option<String>, AwsError> {
        let Self::SetAttributes { queue_url, attributes } = self;
        // SQS removes a policy when it is given an empty one.
        let policy = attributes.policy.as_ref().map(text).unwrap_or_default();
        sent(
            "sqs:SetQueueAttributes",
            common::client!(aws_sdk_sqs, session, region)
                .set_queue_attributes()
                .queue_url(queue_url)
                .attributes(QueueAttributeName::Policy, policy)
                .send()
                .await,
        )
    }
}
