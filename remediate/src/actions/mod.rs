//! What each action is, in calls to AWS: one file for each resource type.
//!
//! Planning is pure: from an action and a resource, as it was just looked at, to the exact calls, what undoes them, and
//! what the resource will be afterwards. Nothing is left to do where no calls are left. Only [`Step::send`] talks to AWS.

pub(crate) mod ec2;
pub(crate) mod iam_user;
pub(crate) mod policy;
pub(crate) mod s3_bucket;
pub(crate) mod security_group;
pub(crate) mod sqs;
#[cfg(test)]
mod tests;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;
use common::action::{Action, Change};
use common::aws::{AwsError, Session};
use common::id::Region;
use common::record::{Call, Resource};
use common::resource::{Bucket, Config, Instance, Queue, ResourceType};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// A resource whose type is yet to be seen.
pub(crate) type Looked = Resource<Box<RawValue>>;

/// Why an action is not planned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The resource is not in the state from which the action starts.
    #[error("{0}")]
    Changed(String),
    /// The action cannot be done to it.
    #[error("{0}")]
    Impossible(String),
    /// What it needs to know could not be read.
    #[error("`{field}` could not be read ({operation}: {code})")]
    Unread { field: String, operation: String, code: String },
}

/// A call to AWS, typed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    S3(s3_bucket::Step),
    Ec2(ec2::Step),
    SecurityGroup(security_group::Step),
    IamUser(iam_user::Step),
    Sqs(sqs::Step),
}

/// The calls that an action comes to.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// In this order. Empty: nothing is left to do.
    pub(crate) steps: Vec<Step>,
    /// What puts it back.
    pub(crate) undo: Option<Action>,
    /// What the resource will be.
    pub(crate) after: Looked,
}

/// The calls that an action on a resource of configuration `C` comes to.
pub(crate) struct Planned<C, S> {
    pub(crate) steps: Vec<S>,
    pub(crate) undo: Option<Action>,
    pub(crate) after: C,
}

impl<C: Clone, S> Planned<C, S> {
    /// Nothing is left to do.
    fn nothing(resource: &Resource<C>) -> Self {
        Self { steps: Vec::new(), undo: None, after: resource.config.clone() }
    }

    /// One call, what undoes it, and what the configuration will be.
    fn one(step: S, undo: Option<Action>, after: C) -> Self {
        Self { steps: vec![step], undo, after }
    }
}

/// What an action on a resource comes to.
pub(crate) fn plan(action: &Action, resource: &Looked) -> Result<Plan, Refusal> {
    match resource.r#type.parse::<ResourceType>() {
        Ok(ResourceType::S3Bucket) => of_type(resource, Step::S3, |bucket| s3_bucket::plan(action, bucket)),
        Ok(ResourceType::Ec2) => of_type(resource, Step::Ec2, |instance| ec2::plan(action, instance)),
        Ok(ResourceType::SecurityGroup) => {
            of_type(resource, Step::SecurityGroup, |group| security_group::plan(action, group))
        }
        Ok(ResourceType::IamUser) => of_type(resource, Step::IamUser, |user| iam_user::plan(action, user)),
        Ok(ResourceType::Sqs) => of_type(resource, Step::Sqs, |queue| sqs::plan(action, queue)),
        Err(error) => Err(Refusal::Impossible(error.to_string())),
    }
}

fn of_type<C: Config, S>(
    resource: &Looked,
    wrap: fn(S) -> Step,
    plan: impl FnOnce(&Resource<C>) -> Result<Planned<C, S>, Refusal>,
) -> Result<Plan, Refusal> {
    let unreadable =
        |error: serde_json::Error| Refusal::Impossible(format!("its configuration is not understood: {error}"));
    let resource: Resource<C> = resource.clone().typed().map_err(unreadable)?;
    let Planned { steps, undo, after } = plan(&resource)?;
    let after = serde_json::value::to_raw_value(&after).map_err(unreadable)?;
    Ok(Plan { steps: steps.into_iter().map(wrap).collect(), undo, after: resource.map(|_| after) })
}

/// Whether an action takes away a part of a bucket's public access block.
pub(crate) fn loosens(action: &Action) -> bool {
    let Action::S3SetPublicAccessBlock(change) = action else { return false };
    let (from, to) = (change.from.unwrap_or_default(), change.to.unwrap_or_default());
    let taken = |from: bool, to: bool| from && !to;
    taken(from.block_public_acls, to.block_public_acls)
        || taken(from.ignore_public_acls, to.ignore_public_acls)
        || taken(from.block_public_policy, to.block_public_policy)
        || taken(from.restrict_public_buckets, to.restrict_public_buckets)
}

/// The undo, starting from what AWS made of what it was sent: it reorders lists and fills in what was left out, and an
/// undo that waits for the letter of what was sent would never start. It must mean the same, though: where somebody else
/// has changed it in the meantime, the undo keeps waiting for what was sent, and so does not wipe that out.
pub(crate) fn rebase(undo: Action, predicted: &Looked, observed: &Looked) -> Action {
    fn config<C: Config>(resource: &Looked) -> Option<C> {
        resource.clone().typed().ok().map(|resource| resource.config)
    }
    fn from<C: Config, T: Serialize>(
        change: Change<T>,
        predicted: &Looked,
        observed: &Looked,
        part: fn(C) -> T,
    ) -> Change<T> {
        match (config(predicted).map(part), config(observed).map(part)) {
            (Some(sent), Some(seen)) if meaning(&sent) == meaning(&seen) => Change { from: seen, to: change.to },
            _ => change,
        }
    }
    match undo {
        Action::S3SetAcl(change) => {
            Action::S3SetAcl(from(change, predicted, observed, |bucket: Bucket| bucket.access_control_policy()))
        }
        Action::S3SetPolicy(change) => {
            Action::S3SetPolicy(from(change, predicted, observed, |bucket: Bucket| bucket.policy))
        }
        Action::S3SetEncryption(change) => {
            Action::S3SetEncryption(from(change, predicted, observed, |bucket: Bucket| {
                bucket.server_side_encryption_configuration
            }))
        }
        Action::SqsSetPolicy(change) => {
            Action::SqsSetPolicy(from(change, predicted, observed, |queue: Queue| queue.policy))
        }
        // No document that somebody else might have added to: what is seen is what AWS made of it.
        Action::Ec2SetMetadataOptions(change) => {
            let seen = config(observed).map(|instance: Instance| instance.metadata_options);
            Action::Ec2SetMetadataOptions(Change { from: seen.unwrap_or(change.from), to: change.to })
        }
        other => other,
    }
}

/// What a part of a configuration means: without the order of its lists, without lists of one, and without what is
/// absent, off or only a name to show.
fn meaning(part: &impl Serialize) -> Value {
    fn plain(value: Value) -> Value {
        match value {
            Value::Array(items) => {
                let mut items: Vec<Value> = items.into_iter().map(plain).collect();
                items.sort_by_cached_key(Value::to_string);
                if items.len() == 1 { items.remove(0) } else { Value::Array(items) }
            }
            Value::Object(fields) => {
                let kept = fields.into_iter().filter(|(name, value)| {
                    name != "DisplayName" && !matches!(value, Value::Null | Value::Bool(false))
                });
                let mut kept: Vec<(String, Value)> = kept.map(|(name, value)| (name, plain(value))).collect();
                kept.sort_by(|(one, _), (other, _)| one.cmp(other));
                Value::Object(kept.into_iter().collect())
            }
            other => other,
        }
    }
    serde_json::to_value(part).map_or(Value::Null, plain)
}

impl Step {
    /// The call as a record shows it.
    pub(crate) fn call(&self) -> Call {
        let shown = match self {
            Self::S3(step) => serde_json::to_value(step),
            Self::Ec2(step) => serde_json::to_value(step),
            Self::SecurityGroup(step) => serde_json::to_value(step),
            Self::IamUser(step) => serde_json::to_value(step),
            Self::Sqs(step) => serde_json::to_value(step),
        };
        let mut shown = shown.unwrap_or_default();
        let operation = shown["operation"].as_str().unwrap_or_default().to_owned();
        Call { operation, parameters: shown["parameters"].take(), result: None }
    }

    /// Makes the call. The answer is AWS's id of the request.
    pub(crate) async fn send(&self, session: &Session, region: &Region) -> Result<Option<String>, AwsError> {
        match self {
            Self::S3(step) => step.send(session, region).await,
            Self::Ec2(step) => step.send(session, region).await,
            Self::SecurityGroup(step) => step.send(session, region).await,
            Self::IamUser(step) => step.send(session).await,
            Self::Sqs(step) => step.send(session, region).await,
        }
    }
}

/// Refuses to go on where a field that the action rests on could not be read.
fn needs<C>(resource: &Resource<C>, fields: &[&str]) -> Result<(), Refusal> {
    fields.iter().find_map(|field| resource.unread(field)).map_or(Ok(()), |unread| {
        let (field, operation, code) = (unread.field.clone(), unread.operation.clone(), unread.code.clone());
        Err(Refusal::Unread { field, operation, code })
    })
}

/// Whether a change is still to be made: not where it is made already, and not where the state is neither that from
/// which it starts nor that to which it leads.
fn pending<T: PartialEq + Serialize>(change: &Change<T>, now: &T, what: &str) -> Result<bool, Refusal> {
    if *now == change.to {
        return Ok(false);
    }
    if *now == change.from {
        return Ok(true);
    }
    let now = serde_json::to_string(now).unwrap_or_default();
    Err(Refusal::Changed(format!(
        "{what} is neither as it was left nor as it was before; it is now {}",
        shortened(&now)
    )))
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 200;
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let cut: String = text.chars().take(LONGEST).collect();
    format!("{cut}...")
}

/// The refusal of an action that is for another type.
fn foreign<C>(action: &Action, resource: &Resource<C>) -> Refusal {
    Refusal::Impossible(format!(
        "`{}` cannot be done to a resource of type {}",
        action.name().unwrap_or("?"),
        resource.r#type
    ))
}

/// What came of a call: AWS's id of the request, by which its support and CloudTrail know it.
fn sent<O: RequestId, E>(operation: &str, answer: Result<O, SdkError<E>>) -> Result<Option<String>, AwsError>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match answer {
        Ok(answer) => Ok(answer.request_id().map(str::to_owned)),
        Err(error) => Err(AwsError::new(operation, error)),
    }
}

/// A document as the text that AWS takes.
fn text(document: &Value) -> String {
    document.to_string()
}
