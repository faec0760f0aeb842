//! `iam_user`: a user with its password, MFA devices and access keys.
//!
//! A sweep takes it from `GetAccountAuthorizationDetails` and the credential report, which AWS makes anew every four
//! hours at most; the record's `observed_at` is then the report's time. A look at one user asks IAM itself.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::PermissionsBoundary;

/// The name of the inline policy by which `remediate` denies a user or role everything.
pub const SLUICE_DENY_ALL: &str = "SluiceDenyAll";

/// An IAM user. `id` is its name (without the path).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct User {
    /// Its name.
    pub user_name: String,
    /// `AIDA...`: never used twice, unlike the name.
    pub user_id: String,
    /// Such as `/team/web/`.
    pub path: Option<String>,
    /// When it was made.
    pub create_date: Option<Timestamp>,
    /// Whether it has a console password (a login profile).
    pub password_enabled: bool,
    /// When the password was set.
    pub password_last_changed: Option<Timestamp>,
    /// When the password was last used; `null` if never.
    pub password_last_used: Option<Timestamp>,
    /// Whether it has an MFA device.
    pub mfa_active: bool,
    /// Its access keys, oldest first.
    pub access_keys: Vec<AccessKey>,
    /// The policy that bounds what its own policies allow, if any.
    pub permissions_boundary: Option<PermissionsBoundary>,
    /// The names of its groups.
    pub group_list: Vec<String>,
    /// Its managed policies.
    pub attached_managed_policies: Vec<AttachedPolicy>,
    /// The names of its inline policies.
    pub user_policy_list: Vec<String>,
    /// Its inline policy `SluiceDenyAll`, where it has one: by it `remediate` denies it everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sluice_deny_all: Option<Value>,
    /// The serial numbers of its MFA devices; that of a virtual one is an ARN. Not polled, like all that follows: known where
    /// a user is to be deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mfa_devices: Option<Vec<String>>,
    /// The ids of its SSH keys (`APKA...`), for `CodeCommit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh_public_keys: Option<Vec<String>>,
    /// The ids of its credentials for single services (`ACCA...`), such as Git passwords.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_specific_credentials: Option<Vec<String>>,
    /// The ids of its signing certificates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_certificates: Option<Vec<String>>,
}

/// An access key. The secret is never known to Sluice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct AccessKey {
    /// `AKIA...`.
    pub access_key_id: String,
    /// `Active`, `Inactive` or `Expired`.
    pub status: String,
    /// When it was made.
    pub create_date: Option<Timestamp>,
    /// When it was last used; `null` if never.
    pub last_used_date: Option<Timestamp>,
    /// The service that it was last used with.
    pub last_used_service: Option<String>,
    /// The region that it was last used in.
    pub last_used_region: Option<String>,
}

/// A managed policy of a user, group or role.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct AttachedPolicy {
    /// Its name.
    pub policy_name: String,
    /// Its ARN.
    pub policy_arn: String,
}
