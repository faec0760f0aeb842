//! `unsettled`: a resource that could not be judged yet.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Resource, kind};
use crate::arn::Arn;
use crate::id::{AccountId, Region};

kind!(UnsettledKind = "unsettled");

/// A resource on which AWS was still at work when it was polled, so that `audit` passed over it: it is neither clean nor a
/// finding. `poll --settle` waits for such resources; otherwise the next run sees what has become of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Unsettled {
    /// `unsettled`.
    #[serde(default)]
    pub kind: UnsettledKind,
    /// The account that owns it.
    pub account: AccountId,
    /// Its region; `global` for IAM.
    pub region: Region,
    /// Its type.
    pub r#type: String,
    /// What the service calls it.
    pub id: String,
    /// Its ARN.
    pub arn: Arn,
    /// When it was polled.
    #[serde(default)]
    pub observed_at: Timestamp,
}

impl<C> From<&Resource<C>> for Unsettled {
    fn from(resource: &Resource<C>) -> Self {
        Self {
            kind: UnsettledKind::Kind,
            account: resource.account.clone(),
            region: resource.region.clone(),
            r#type: resource.r#type.clone(),
            id: resource.id.clone(),
            arn: resource.arn.clone(),
            observed_at: resource.observed_at,
        }
    }
}
