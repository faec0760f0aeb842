//! `iam_role`: a role with its trust policy, as `GetAccountAuthorizationDetails` gives it. What that does not tell
//! (a description, how long a session may be) is left out, so that a sweep and a look tell the same.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::AttachedPolicy;

/// An IAM role. `id` is its name (without the path).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Role {
    /// Its name.
    pub role_name: String,
    /// `AROA...`: never used twice, unlike the name.
    pub role_id: String,
    /// Such as `/service-role/`.
    pub path: Option<String>,
    /// When it was made.
    pub create_date: Option<Timestamp>,
    /// The trust policy: who may assume it.
    pub assume_role_policy_document: Option<Value>,
    /// When and where it was last used, of the last 400 days.
    pub role_last_used: RoleLastUsed,
    /// The policy that bounds what its own policies allow, if any.
    pub permissions_boundary: Option<PermissionsBoundary>,
    /// Its managed policies.
    pub attached_managed_policies: Vec<AttachedPolicy>,
    /// The names of its inline policies.
    pub role_policy_list: Vec<String>,
    /// Its inline policy `SluiceDenyAll`, where it has one: by it `remediate` denies it everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sluice_deny_all: Option<Value>,
    /// The names of the instance profiles that it is in. Not polled: known where a role is to be deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_profiles: Option<Vec<String>>,
}

/// When and where a role was last used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct RoleLastUsed {
    /// `null` if not within the time that AWS looks back.
    pub last_used_date: Option<Timestamp>,
    /// The region.
    pub region: Option<String>,
}

/// The policy that bounds what a user's or role's own policies allow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct PermissionsBoundary {
    /// `PermissionsBoundaryPolicy`, or `Policy` as IAM really says.
    pub permissions_boundary_type: Option<String>,
    /// Its ARN.
    pub permissions_boundary_arn: Option<String>,
}
