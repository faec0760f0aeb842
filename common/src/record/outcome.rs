//! `outcome`: what became of a finding, a task or an alert. One input, one outcome, always.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Severity, Task, kind};
use crate::action::Action;
use crate::arn::Arn;
use crate::id::{AccountId, Region};

kind!(OutcomeKind = "outcome");

/// What became of a finding, a task or an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Outcome {
    /// `outcome`.
    #[serde(default)]
    pub kind: OutcomeKind,
    /// The finding's or the alert's key; for a task, `<action>:<arn or id>`.
    pub key: String,
    /// What became of it.
    pub status: OutcomeStatus,
    /// The account that owns the resource.
    pub account: AccountId,
    /// The resource's region; `global` for IAM.
    pub region: Region,
    /// The resource's type.
    pub r#type: String,
    /// What the service calls the resource.
    pub id: String,
    /// The resource's ARN, where it is known.
    #[serde(default)]
    pub arn: Option<Arn>,
    /// The resource's tags, so that `notify` can tell its owner.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The finding's check; `null` for a task or an alert.
    #[serde(default)]
    pub check: Option<String>,
    /// The finding's or the alert's severity; `null` for a task.
    #[serde(default)]
    pub severity: Option<Severity>,
    /// The finding's or the alert's title, or what the task is.
    #[serde(default)]
    pub title: String,
    /// The incident of the alert that it comes of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// What was to be done.
    #[serde(default)]
    pub action: Option<Action>,
    /// When it is to be done, where that was or is yet to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action_time: Option<Timestamp>,
    /// The exact calls, in order: those planned, or those made with what came of each.
    #[serde(default)]
    pub calls: Vec<Call>,
    /// Why it is not `applied`, in a sentence.
    #[serde(default)]
    pub reason: Option<String>,
    /// A task that puts things back, where anything was (or would be) changed and can be put back.
    #[serde(default)]
    pub undo: Option<Task>,
    /// When this became so.
    #[serde(default)]
    pub at: Timestamp,
    /// The run of `remediate` that says so.
    #[serde(default)]
    pub run: String,
}

/// What became of a finding, a task or an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OutcomeStatus {
    /// These calls would be made; nothing was.
    Planned,
    /// Done, looked at again, and in order now.
    Applied,
    /// Nothing is left to do.
    Already,
    /// New in the tasks file: it will be done when its time has come.
    Scheduled,
    /// Its time has not come.
    Waiting,
    /// It was in the tasks file, and what was to be mended is in order now: nothing will be done.
    Resolved,
    /// The resource is not what was planned for any more; it was left alone.
    Changed,
    /// Somebody said that this is allowed.
    Excepted,
    /// A guard said no.
    Refused,
    /// A call failed, or the resource is not in order after all.
    Failed,
    /// The run was stopped before it came to this, or in the middle of it.
    Interrupted,
}

impl OutcomeStatus {
    /// The word in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Applied => "applied",
            Self::Already => "already",
            Self::Scheduled => "scheduled",
            Self::Waiting => "waiting",
            Self::Resolved => "resolved",
            Self::Changed => "changed",
            Self::Excepted => "excepted",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// A call to AWS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Call {
    /// The IAM action, such as `s3:PutBucketAcl`.
    pub operation: String,
    /// Its parameters, as the API names them. Secrets never stand here.
    #[serde(default)]
    pub parameters: Value,
    /// What came of it. Absent from a plan.
    #[serde(default, flatten, skip_serializing_if = "Option::is_none")]
    pub result: Option<CallResult>,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CallResult {
    /// Whether AWS accepted it.
    pub ok: bool,
    /// AWS's id of the request, for its support and for CloudTrail.
    #[serde(default)]
    pub request_id: Option<String>,
    /// AWS's error code and message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
