//! `kms_key`: a key of the account's own (`KeyManager` `CUSTOMER`), as `DescribeKey` and `GetKeyPolicy` give it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A KMS key. `id` is its key id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct KmsKey {
    /// Its id.
    pub key_id: String,
    /// What its maker said of it.
    pub description: Option<String>,
    /// `Enabled`, `Disabled`, `PendingDeletion`, ...
    pub key_state: Option<String>,
    /// `CUSTOMER`: AWS's own keys are not polled.
    pub key_manager: Option<String>,
    /// `ENCRYPT_DECRYPT`, ...
    pub key_usage: Option<String>,
    /// `SYMMETRIC_DEFAULT`, ...
    pub key_spec: Option<String>,
    /// `AWS_KMS`, `EXTERNAL`, ...
    pub origin: Option<String>,
    /// Whether it is one of several regions.
    pub multi_region: Option<bool>,
    /// When it was made.
    pub creation_date: Option<Timestamp>,
    /// When it will be deleted, if it will.
    pub deletion_date: Option<Timestamp>,
    /// Its policy, the one that is called `default`; a key has no other.
    pub policy: Option<Value>,
}
