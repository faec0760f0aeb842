//! `task`: what somebody wants done to a resource: a person, jq, another scanner, or an outcome's `undo`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{Call, Severity, kind};
use crate::action::Action;
use crate::arn::Arn;
use crate::id::{AccountId, Region};

kind!(TaskKind = "task");

/// An action on a resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Task {
    /// `task`.
    #[serde(default)]
    pub kind: TaskKind,
    /// The account that owns the resource.
    pub account: AccountId,
    /// The resource's region; `global` for IAM.
    pub region: Region,
    /// The resource's type.
    pub r#type: String,
    /// What the service calls the resource.
    pub id: String,
    /// The resource's ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<Arn>,
    /// What to do.
    pub action: Action,
    /// Not before this time; absent: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action_time: Option<Timestamp>,
    /// The incident of the alert that it comes of: it may be done to the decoy that the alert is about.
    #[serde(default, deserialize_with = "if_understood", skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// What the tasks file knows of it beside.
    #[serde(flatten)]
    pub filed: Filed,
}

/// What a task in the tasks file (`remediate --tasks`) carries: the finding that it comes from, and what has become of it so
/// far. None of it is needed of who writes a task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Filed {
    /// The finding's key; `score:<arn>` where the findings of a resource add up to this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The finding's check: the resource is judged by it again before anything is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// The finding's severity.
    #[serde(deserialize_with = "if_understood", skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// The finding's title.
    #[serde(deserialize_with = "if_understood", skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The resource's tags, so that `notify` can tell its owner.
    #[serde(deserialize_with = "if_understood", skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// What the findings of the resource added up to when it was last seen.
    #[serde(deserialize_with = "if_understood", skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// Those findings, one a line with its score, as the Justice Engine wrote them.
    #[serde(deserialize_with = "if_understood", skip_serializing_if = "Option::is_none")]
    pub issues: Option<String>,
    /// When it came into the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<Timestamp>,
    /// When an outcome first said that it is `scheduled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told: Option<Timestamp>,
    /// The calls of a plan that somebody has looked at: these, and no others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<Vec<Call>>,
    /// How often it was tried in vain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// What came of the last time.
    #[serde(deserialize_with = "if_understood", skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When it is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
    /// It was tried often enough: nothing is done until a person removes this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parked: Option<bool>,
    /// The run that is at work on it, or was cut off in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<Claim>,
}

/// Which run of `remediate` has taken a task upon itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Claim {
    /// The run.
    pub run: String,
    /// Until when, for a file in S3, where nothing else shows that the run is alive. It renews this while it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// Fields for people alone: another scanner's task may use them its own way, which is none of our business.
fn if_understood<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(deserializer: D) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}
