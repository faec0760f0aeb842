//! `scope`: not looked is not clean. `poll` writes one for each (account, region, type) that it set out to cover.

use serde::{Deserialize, Serialize};

use super::kind;
use crate::id::{AccountId, Region};

kind!(ScopeKind = "scope");

/// What became of an (account, region, type).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Scope {
    /// `scope`.
    #[serde(default)]
    pub kind: ScopeKind,
    /// The account.
    pub account: AccountId,
    /// The region; `global` for IAM.
    pub region: Region,
    /// The type.
    pub r#type: String,
    /// Whether all of it was listed.
    pub status: ScopeStatus,
    /// How many resources of it were written.
    #[serde(default)]
    pub resources: u64,
    /// The ids of the checks that `audit` made on each of its resources, sorted: what they had to say came before. One that is
    /// not named says nothing of what is in order. `account_runaway` says that the account was weighed, and is within its
    /// limits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<String>,
    /// How many findings of these checks it wrote on them: who does not get as many has not heard all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub findings: Option<u64>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ScopeError>,
}

/// Whether a scope was covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ScopeStatus {
    /// All of it was listed: a resource that is not there does not exist.
    Ok,
    /// It was not, or not all of it: an absent resource means nothing.
    Failed,
}

/// Why a scope failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ScopeError {
    /// The call that failed, such as `rds:DescribeDBInstances`.
    pub operation: String,
    /// AWS's error code, or Sluice's own word where AWS was not reached.
    pub code: String,
    /// What AWS said.
    #[serde(default)]
    pub message: String,
    /// AWS's id of the request, for its support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}
