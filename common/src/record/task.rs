//! `task`: what somebody wants done to a resource: a person, jq, another scanner, or an outcome's `undo`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::kind;
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
}
