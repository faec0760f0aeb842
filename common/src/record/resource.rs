//! `resource`: a thing that exists, and all that a check needs to know of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::kind;
use crate::arn::Arn;
use crate::id::{AccountId, Region};
use crate::reference::Reference;

kind!(ResourceKind = "resource");

/// A resource with its configuration `C`: one of [`crate::resource`]'s structs, or the bare text of it, for a reader
/// that has yet to see which type it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Resource<C = Box<RawValue>> {
    /// `resource`.
    #[serde(default)]
    pub kind: ResourceKind,
    /// The account that owns it.
    pub account: AccountId,
    /// Where it really is; `global` for IAM.
    pub region: Region,
    /// Its type.
    pub r#type: String,
    /// What the service calls it.
    pub id: String,
    /// Its ARN.
    pub arn: Arn,
    /// Its tags. `null` in no case: where they could not be read, `unread` says so.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Its configuration.
    pub config: C,
    /// The parts that could not be read. A check that needs one of them answers `unknown`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Unread>,
    /// `false` while AWS is still at work on it (it is being created, modified, started), so that what stands here may not
    /// be what it is going to be. Not written where it is `true`.
    #[serde(default = "settled", skip_serializing_if = "is_settled")]
    pub settled: bool,
    /// When this was true.
    #[serde(default)]
    pub observed_at: Timestamp,
}

fn settled() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_settled(settled: &bool) -> bool {
    *settled
}

impl<C> Resource<C> {
    /// The least that names it.
    pub fn reference(&self) -> Reference {
        Reference {
            account: self.account.clone(),
            region: self.region.clone(),
            kind: self.r#type.clone(),
            id: self.id.clone(),
        }
    }

    /// The same resource with another form of its configuration.
    pub fn map<D>(self, change: impl FnOnce(C) -> D) -> Resource<D> {
        let (config, resource) = self.swap(());
        resource.swap(change(config)).1
    }

    /// The configuration, and the same resource with another in its place.
    pub fn swap<D>(self, other: D) -> (C, Resource<D>) {
        let Self { kind, account, region, r#type, id, arn, tags, config, unread, settled, observed_at } = self;
        let resource =
            Resource { kind, account, region, r#type, id, arn, tags, config: other, unread, settled, observed_at };
        (config, resource)
    }

    /// Why `field` of the configuration (or `Tags`) could not be read, if it could not.
    pub fn unread(&self, field: &str) -> Option<&Unread> {
        self.unread.iter().find(|unread| unread.field == field)
    }
}

impl Resource<Box<RawValue>> {
    /// Reads the configuration as that of a type.
    pub fn typed<C: DeserializeOwned>(self) -> Result<Resource<C>, serde_json::Error> {
        let config = serde_json::from_str(self.config.get())?;
        Ok(self.map(|_| config))
    }
}

/// A part of a resource that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Unread {
    /// The field of `config`, or `Tags`.
    pub field: String,
    /// The call that failed, such as `s3:GetBucketPolicy`.
    #[serde(default)]
    pub operation: String,
    /// AWS's error code, such as `AccessDenied`.
    #[serde(default)]
    pub code: String,
    /// What AWS said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}
