//! Tasks as anyone writes them: a person, jq, another scanner, Krampus and its Justice Engine.
//!
//! A task is any reference with an `action`, and an `action_time` where it is not to be done at once. Krampus's say `kill`
//! or `disable`, in any case, and may go further: `s3_principal` and `s3_permission` make of `disable` the removal of these
//! grants, `cidr_range` (or `cidr_ip`), `from_port`, `to_port` and `proto` that of a rule. Other fields are not read.
//!
//! A task that cannot be right is refused by itself, as an action that is not understood: it names its resource, so it has
//! its outcome.

mod part;
mod time;

use std::collections::BTreeMap;

use common::action::Action;
use common::arn::Arn;
use common::reference::{Reference, ReferenceError};
use common::resource::ResourceType;
use common::stream::without_place;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::job::Job;

use part::Part;

/// Why a record is no task. What is refused but names its resource is a job with an action that is not understood.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TaskError {
    #[error("this task cannot be read: {why}")]
    Unreadable {
        /// How many lines below the task's first.
        down: u64,
        why: String,
    },
    #[error("this is neither a finding nor a task: {0}")]
    Reference(#[from] ReferenceError),
    #[error("this is neither a finding nor a task: it has no `kind` and no `action`")]
    NoAction,
    #[error("this task has no `action`")]
    Idle,
}

/// What a task says besides naming its resource.
#[derive(Debug, Deserialize)]
struct Written {
    kind: Option<String>,
    action: Option<Action>,
    #[serde(default, deserialize_with = "time::read")]
    action_time: Option<Timestamp>,
    #[serde(default)]
    s3_principal: Value,
    #[serde(default)]
    s3_permission: Value,
    #[serde(default)]
    cidr_range: Value,
    #[serde(default)]
    cidr_ip: Value,
    #[serde(default)]
    from_port: Value,
    #[serde(default)]
    to_port: Value,
    #[serde(default)]
    proto: Value,
    #[serde(default)]
    direction: Value,
    #[serde(default)]
    incident: Value,
}

/// Reads a task: the text of a JSON object.
///
/// # Errors
///
/// [`TaskError`] where no resource or no action is named, or a field is not of its shape.
pub(crate) fn read(text: &str) -> Result<Job, TaskError> {
    let unreadable = |error: serde_json::Error| TaskError::Unreadable {
        down: error.line().saturating_sub(1) as u64,
        why: without_place(&error),
    };
    let written: Written = serde_json::from_str(text).map_err(unreadable)?;
    written.job(text)
}

impl Written {
    /// The job that it is, given the text that it was read from.
    fn job(self, text: &str) -> Result<Job, TaskError> {
        let missing = if self.kind.is_some() { TaskError::Idle } else { TaskError::NoAction };
        let action = in_any_case(self.action.clone().ok_or(missing)?);
        let (reference, arn) = Reference::with_arn(text)?;
        let refused = |why| Action::Unknown { value: serde_json::to_value(&action).unwrap_or_default(), why };
        let (action, name, part) = match self.refined(&action, &reference, arn.as_ref()) {
            Ok(Some(Part { action, name })) => (action.clone(), name_of(&action), format!(":{name}")),
            Ok(None) => (action.clone(), name_of(&action), String::new()),
            Err(why) => (refused(why), name_of(&action), String::new()),
        };
        let arn = arn.map(|arn| as_aws_writes_it(arn, &reference));
        let named = arn.as_ref().map_or_else(|| reference.id.clone(), ToString::to_string);
        Ok(Job {
            key: format!("{name}:{named}{part}"),
            title: format!("{name} {} {}{part}", reference.kind, reference.id),
            reference,
            arn,
            check: None,
            severity: None,
            tags: BTreeMap::new(),
            action: Some(action),
            action_time: self.action_time,
            reviewed: None,
            incident: self.incident.as_str().map(str::to_owned),
            settled: None,
        })
    }

    /// The part of the resource that alone is meant, if the task names one.
    ///
    /// # Errors
    ///
    /// Why it cannot be right.
    fn refined(&self, action: &Action, reference: &Reference, arn: Option<&Arn>) -> Result<Option<Part>, String> {
        if let Some(arn) = arn.filter(|arn| arn.is_aws_managed()) {
            return Err(ReferenceError::AwsManaged(Box::new(arn.clone())).to_string());
        }
        let kind = reference.kind.parse::<ResourceType>().ok();
        if let (Action::Kill(_), Some(ResourceType::LambdaFunction), Some(arn)) = (action, kind, arn)
            && let Some(qualifier) = qualifier(arn)
        {
            return Err(format!(
                "its ARN names `{qualifier}`, an alias or version of the function {}, and `kill` removes all of it: leave \
                 `:{qualifier}` out if that is meant",
                reference.id
            ));
        }
        match action {
            Action::Disable | Action::Kill(_) => self.part(action, kind),
            // Other actions have parameters of their own, and these fields may mean anything.
            _ => Ok(None),
        }
    }
}

/// `KILL` and `Disable` as they are meant; actions that only Sluice has are spelt as they are.
fn in_any_case(action: Action) -> Action {
    let Action::Unknown { value, .. } = &action else { return action };
    let name = value.as_str().or_else(|| value.get("name")?.as_str()).unwrap_or_default();
    let name = match name.to_ascii_lowercase() {
        name if name == "kill" || name == "disable" => Value::from(name),
        _ => return action,
    };
    let mut respelt = value.clone();
    match respelt.get_mut("name") {
        Some(field) => *field = name,
        None => respelt = name,
    }
    serde_json::from_value(respelt).unwrap_or(action)
}

/// What an action is called, also where this version does not know it.
fn name_of(action: &Action) -> String {
    let name = match action {
        Action::Unknown { value, .. } => value.as_str().or_else(|| value.get("name")?.as_str()),
        known => known.name(),
    };
    name.unwrap_or("unknown").chars().take(40).collect()
}

/// What follows the function's name in an ARN: an alias or a version.
fn qualifier(arn: &Arn) -> Option<&str> {
    arn.resource.strip_prefix("function:")?.split_once(':').map(|(_, qualifier)| qualifier)
}

/// The ARN without what others add to it: Krampus's of a bucket carries its region and account, and a function's may name
/// an alias. Outcomes and findings on one resource are to have one ARN.
fn as_aws_writes_it(arn: Arn, reference: &Reference) -> Arn {
    match reference.kind.parse() {
        Ok(ResourceType::S3Bucket) => Arn::s3_bucket(&arn.partition, arn.resource_name()),
        Ok(ResourceType::LambdaFunction) => Arn { resource: format!("function:{}", arn.resource_name()), ..arn },
        _ => arn,
    }
}

#[cfg(test)]
mod tests;
