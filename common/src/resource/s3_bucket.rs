//! `s3_bucket`: what five calls say of a bucket, and the account's public access block.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An S3 bucket. `id` is its name, `region` where it really is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Bucket {
    /// The bucket's name.
    pub name: String,
    /// When it was made.
    pub creation_date: Option<Timestamp>,
    /// Who owns the bucket, by canonical id (`GetBucketAcl`).
    pub owner: Option<Owner>,
    /// Its access control list (`GetBucketAcl`).
    pub grants: Vec<Grant>,
    /// Its policy, as a document; `null` where it has none (`GetBucketPolicy`).
    pub policy: Option<Value>,
    /// Its own public access block; `null` where it has none (`GetPublicAccessBlock`).
    pub public_access_block_configuration: Option<PublicAccessBlock>,
    /// The account's public access block, which counts for each of its buckets (S3 Control's `GetPublicAccessBlock`).
    pub account_public_access_block_configuration: Option<PublicAccessBlock>,
    /// Its default encryption; `null` where it has none (`GetBucketEncryption`).
    pub server_side_encryption_configuration: Option<Encryption>,
    /// Whether it holds a version of an object or a delete marker (`ListObjectVersions`). Only a closer look has it, for what
    /// is done to the bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_objects: Option<bool>,
    /// Whether it holds parts of an upload that is not complete (`ListMultipartUploads`). Only a closer look has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_uploads: Option<bool>,
}

impl Bucket {
    /// The public access block in force: a setting holds when the bucket or its account has it, see
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>.
    pub fn effective_public_access_block(&self) -> PublicAccessBlock {
        let own = self.public_access_block_configuration.unwrap_or_default();
        let account = self.account_public_access_block_configuration.unwrap_or_default();
        PublicAccessBlock {
            block_public_acls: own.block_public_acls || account.block_public_acls,
            ignore_public_acls: own.ignore_public_acls || account.ignore_public_acls,
            block_public_policy: own.block_public_policy || account.block_public_policy,
            restrict_public_buckets: own.restrict_public_buckets || account.restrict_public_buckets,
        }
    }

    /// The access control list as `PutBucketAcl` takes it.
    pub fn access_control_policy(&self) -> AccessControlPolicy {
        AccessControlPolicy { owner: self.owner.clone(), grants: self.grants.clone() }
    }
}

/// A bucket's whole access control list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct AccessControlPolicy {
    /// Who owns the bucket.
    pub owner: Option<Owner>,
    /// Who may do what.
    pub grants: Vec<Grant>,
}

/// Who owns a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Owner {
    /// The owner's canonical user id.
    #[serde(rename = "ID")]
    pub id: String,
    /// The owner's name, where AWS still gives it.
    #[serde(rename = "DisplayName", skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
}

/// One line of an access control list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub struct Grant {
    /// Who.
    pub grantee: Grantee,
    /// `FULL_CONTROL`, `READ`, `WRITE`, `READ_ACP` or `WRITE_ACP`.
    pub permission: String,
}

/// Whom a grant names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Grantee {
    /// `CanonicalUser`, `Group` or `AmazonCustomerByEmail`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// The canonical user id.
    #[serde(rename = "ID", default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The group's URI.
    #[serde(rename = "URI", default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// The user's name, where AWS still gives it.
    #[serde(rename = "DisplayName", default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The address that the grant was made to.
    #[serde(rename = "EmailAddress", default, skip_serializing_if = "Option::is_none")]
    pub email_address: Option<String>,
}

impl Grantee {
    /// The group of everybody: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#specifying-grantee-predefined-groups>.
    pub const ALL_USERS: &'static str = "http://acs.amazonaws.com/groups/global/AllUsers";
    /// The group of everybody who has an AWS account of any kind: no narrower, in effect, than [`Self::ALL_USERS`].
    pub const AUTHENTICATED_USERS: &'static str = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";

    /// Whether anyone at all is meant: `AllUsers` or `AuthenticatedUsers`.
    pub fn is_public(&self) -> bool {
        self.uri.as_deref().is_some_and(|uri| {
            let uri = uri.trim_end_matches('/');
            uri.eq_ignore_ascii_case(Self::ALL_USERS) || uri.eq_ignore_ascii_case(Self::AUTHENTICATED_USERS)
        })
    }
}

/// The four switches of S3's block public access.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
#[expect(clippy::struct_excessive_bools, reason = "they are AWS's four switches, each of its own")]
pub struct PublicAccessBlock {
    /// New public ACLs are refused.
    pub block_public_acls: bool,
    /// Public ACLs have no effect.
    pub ignore_public_acls: bool,
    /// New public policies are refused.
    pub block_public_policy: bool,
    /// A public policy lets in only the owner's account and AWS services.
    pub restrict_public_buckets: bool,
}

impl PublicAccessBlock {
    /// All four on.
    pub const ALL: Self = Self {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    };
}

/// A bucket's default encryption.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Encryption {
    /// One rule, in practice.
    pub rules: Vec<EncryptionRule>,
}

/// A rule of default encryption.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct EncryptionRule {
    /// What new objects are encrypted with.
    pub apply_server_side_encryption_by_default: Option<EncryptionByDefault>,
    /// Whether a bucket key spares calls to KMS.
    pub bucket_key_enabled: Option<bool>,
}

/// What new objects are encrypted with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct EncryptionByDefault {
    /// `AES256`, `aws:kms` or `aws:kms:dsse`.
    #[serde(rename = "SSEAlgorithm")]
    pub sse_algorithm: String,
    /// The KMS key, where one is named.
    #[serde(rename = "KMSMasterKeyID", skip_serializing_if = "Option::is_none")]
    pub kms_master_key_id: Option<String>,
}
