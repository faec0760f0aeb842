//! `alert`: somebody touched a decoy.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Planting, Severity, TokenState, kind};
use crate::action::Action;
use crate::arn::Arn;
use crate::id::{AccountId, Region};

kind!(AlertKind = "alert");

/// What a decoy tells: at once, and each by itself. `notify` pages somebody, and `remediate` carries out its `action`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Alert {
    /// `alert`.
    #[serde(default)]
    pub kind: AlertKind,
    /// What deduplicates it: the incident, and what is new in it. `notify` says no key twice.
    pub key: String,
    /// What all alerts of one incident share. PagerDuty opens and closes one incident for it.
    pub incident: String,
    /// Whether the incident is open.
    pub status: AlertStatus,
    /// How bad it is.
    pub severity: Severity,
    /// What happened to the decoy, in a word, such as `used`, `used_via_session`, `touched`, `exposed`.
    pub trigger: String,
    /// The account that the decoy is in.
    pub account: AccountId,
    /// The region in which it was touched; `global` where AWS names none.
    pub region: Region,
    /// The type of what `arn` is, such as `iam_user`.
    pub r#type: String,
    /// What the service calls it: the user's name.
    pub id: String,
    /// The ARN of the decoy's user.
    pub arn: Arn,
    /// One sentence.
    pub title: String,
    /// Which decoy.
    pub token: AlertToken,
    /// The call that gave it away, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<AlertEvent>,
    /// How many calls the incident has seen so far.
    #[serde(default)]
    pub count: u64,
    /// How many calls of callers who are allowed for it has seen beside.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub suppressed: u64,
    /// How many seconds after the call the alert was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_seconds: Option<u64>,
    /// Whether this is a drill.
    #[serde(default)]
    pub drill: bool,
    /// What would stop it: a task, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// When the alert was made. The call's own time is `event.time`.
    pub at: Timestamp,
}

/// Whether an incident is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AlertStatus {
    /// It goes on.
    Open,
    /// Nothing more came for a while.
    Closed,
}

impl AlertStatus {
    /// The word in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

/// A decoy, as an alert tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlertToken {
    /// Its id in the registry.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whose it is.
    #[serde(default)]
    pub owner: String,
    /// Where it is meant to lie, as whoever made it said. What is known of where it does lie is in `planted`.
    #[serde(default)]
    pub location: String,
    /// What people should know of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub notes: String,
    /// Labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// What had become of it: a decoy that was deleted may still tell something late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<TokenState>,
    /// Where its key lies, as far as is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub planted: Vec<Planting>,
}

/// A call, as an alert tells of it. Its texts are an attacker's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlertEvent {
    /// CloudTrail's `eventID`.
    pub id: String,
    /// When.
    pub time: Timestamp,
    /// What was called, such as `sts:GetCallerIdentity`.
    pub operation: String,
    /// In which region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Whether AWS let it happen.
    pub allowed: bool,
    /// The error's code, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// From where: an address, or the name of an AWS service.
    #[serde(default)]
    pub source: String,
    /// Whether the address says little: the call came through a VPC endpoint, or the address is private.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub source_is_doubtful: bool,
    /// With what.
    #[serde(default)]
    pub user_agent: String,
    /// The same in a word, such as `aws-cli` or `boto3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The access key's id, where it was used by key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls takes a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
