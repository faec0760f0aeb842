//! `organization`: the accounts that are known, since they are of the same organization.

use serde::{Deserialize, Serialize};

/// An organization. `id` is its id (`o-...`), `account` its management account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Organization {
    /// `o-...`.
    pub id: String,
    /// The management account.
    pub master_account_id: Option<String>,
    /// `ALL` or `CONSOLIDATED_BILLING`.
    pub feature_set: Option<String>,
    /// Its accounts.
    pub accounts: Vec<OrganizationAccount>,
}

/// An account of the organization.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct OrganizationAccount {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// `ACTIVE`, `SUSPENDED`, ...
    pub state: Option<String>,
}
