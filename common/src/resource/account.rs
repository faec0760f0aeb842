//! `account`: what holds for an account as a whole.

use serde::{Deserialize, Serialize};

use super::PublicAccessBlock;

/// An account. `id` is its id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct AccountSecurity {
    /// Whether the root user has an MFA device.
    #[serde(rename = "AccountMFAEnabled")]
    pub account_mfa_enabled: Option<bool>,
    /// How many access keys the root user has.
    pub account_access_keys_present: Option<i32>,
    /// Whether the root user has a password. A member account that the organization made, or whose root credentials it took
    /// away, has none. `null` where AWS does not say.
    pub account_password_present: Option<bool>,
    /// The rules for passwords; `null` where there are none.
    pub password_policy: Option<PasswordPolicy>,
    /// S3's public access block of the account; `null` where it has none.
    pub public_access_block_configuration: Option<PublicAccessBlock>,
}

/// The rules for passwords of IAM users.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct PasswordPolicy {
    /// How long at least.
    pub minimum_password_length: Option<i32>,
    /// Whether an upper-case letter is needed.
    pub require_uppercase_characters: Option<bool>,
    /// Whether a lower-case letter is needed.
    pub require_lowercase_characters: Option<bool>,
    /// Whether a digit is needed.
    pub require_numbers: Option<bool>,
    /// Whether a special character is needed.
    pub require_symbols: Option<bool>,
    /// After how many days a password must be changed.
    pub max_password_age: Option<i32>,
    /// How many earlier passwords are refused.
    pub password_reuse_prevention: Option<i32>,
    /// Whether users may change their own.
    pub allow_users_to_change_password: Option<bool>,
}
