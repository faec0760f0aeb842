//! `iam_policy`: a managed policy of the account's own, with the document of its default version. AWS's own are not polled.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::action::PolicyEntities;

/// A customer-managed IAM policy. `id` is its ARN, by which alone IAM knows it; its name will do to look it up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct ManagedPolicy {
    /// Its name.
    pub policy_name: String,
    /// `ANPA...`: never used twice, unlike the name.
    pub policy_id: String,
    /// Such as `/team/web/`.
    pub path: Option<String>,
    /// When it was made.
    pub create_date: Option<Timestamp>,
    /// When its newest version was made.
    pub update_date: Option<Timestamp>,
    /// The version that is in force, such as `v3`.
    pub default_version_id: Option<String>,
    /// What that version says.
    pub policy_document: Option<Value>,
    /// To how many users, groups and roles it is attached.
    pub attachment_count: Option<i32>,
    /// Of how many users and roles it is the permissions boundary.
    pub permissions_boundary_usage_count: Option<i32>,
    /// To whom it is attached. Not polled, like what follows: known where something is to be done to the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entities: Option<PolicyEntities>,
    /// The ids of its versions, oldest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub versions: Option<Vec<String>>,
}
