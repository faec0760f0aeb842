//! `finding`: what a check says of a resource.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::kind;
use crate::action::Action;
use crate::arn::Arn;
use crate::id::{AccountId, Region};

kind!(FindingKind = "finding");

/// What a check says of a resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Finding {
    /// `finding`.
    #[serde(default)]
    pub kind: FindingKind,
    /// Stable from run to run: check, ARN and the part of it that is meant. What deduplicates, schedules or resolves
    /// findings goes by it.
    pub key: String,
    /// The check's id.
    pub check: String,
    /// What it says.
    pub status: FindingStatus,
    /// How bad that is.
    pub severity: Severity,
    /// The account that owns the resource.
    pub account: AccountId,
    /// The resource's region; `global` for IAM.
    pub region: Region,
    /// The resource's type.
    pub r#type: String,
    /// What the service calls the resource.
    pub id: String,
    /// The resource's ARN.
    pub arn: Arn,
    /// The resource's tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// One sentence for a person.
    #[serde(default)]
    pub title: String,
    /// What of the configuration the finding rests on.
    #[serde(default)]
    pub evidence: Value,
    /// The controls that ask for this, such as `FSBP S3.2` and `CIS 2.1.4`.
    #[serde(default)]
    pub controls: Vec<String>,
    /// What would mend it; `null` where only a person can.
    #[serde(default)]
    pub action: Option<Action>,
    /// Why it is unknown or excepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The last second in which it is excepted; absent where that is for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// When it was found (the time that was audited, `--now`).
    #[serde(default)]
    pub found_at: Timestamp,
}

/// What a check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FindingStatus {
    /// The resource breaks the rule.
    Fail,
    /// What the check needs to see could not be read.
    Unknown,
    /// It breaks the rule, or may break it, and somebody said that this is allowed.
    Excepted,
    /// It keeps the rule (only with `--passed`).
    Pass,
}

impl FindingStatus {
    /// The word in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Unknown => "unknown",
            Self::Excepted => "excepted",
            Self::Pass => "pass",
        }
    }
}

/// How bad a finding is, in AWS Security Hub's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Low,
    /// To be mended in time.
    Medium,
    /// To be mended now.
    High,
    /// Get up.
    Critical,
}

impl Severity {
    /// All of them, the least first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word in records and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

/// A word that is no severity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a severity (low, medium, high, critical)")]
pub struct ParseSeverityError(String);

impl FromStr for Severity {
    type Err = ParseSeverityError;

    fn from_str(word: &str) -> Result<Self, ParseSeverityError> {
        Self::ALL
            .into_iter()
            .find(|severity| severity.name().eq_ignore_ascii_case(word))
            .ok_or_else(|| ParseSeverityError(word.to_owned()))
    }
}
