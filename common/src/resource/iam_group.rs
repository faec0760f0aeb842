//! `iam_group`: a group with its policies, as `GetAccountAuthorizationDetails` gives it. Groups have no tags.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::AttachedPolicy;

/// An IAM group. `id` is its name (without the path).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Group {
    /// Its name.
    pub group_name: String,
    /// `AGPA...`: never used twice, unlike the name.
    pub group_id: String,
    /// Such as `/team/web/`.
    pub path: Option<String>,
    /// When it was made.
    pub create_date: Option<Timestamp>,
    /// Its managed policies.
    pub attached_managed_policies: Vec<AttachedPolicy>,
    /// The names of its inline policies.
    pub group_policy_list: Vec<String>,
    /// The names of the users in it, sorted. Not polled: a user's record names its groups. Known where something is to be
    /// done to the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<Vec<String>>,
}
