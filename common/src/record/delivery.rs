//! `delivery`: whom `notify` told, or could not tell.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::kind;

kind!(DeliveryKind = "delivery");

/// One message to one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Delivery {
    /// `delivery`.
    #[serde(default)]
    pub kind: DeliveryKind,
    /// The channel, such as `slack` or `sns`; `none` where nothing says who is to hear.
    pub channel: String,
    /// Whom it went to: a topic's ARN, a webhook's host, with the channel where there is one. Never a secret.
    pub target: String,
    /// The target's name in the settings, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What became of it.
    pub status: DeliveryStatus,
    /// The subject, or the first line.
    pub subject: String,
    /// The keys of the records that it tells of (for a record without one, its kind and id).
    pub keys: Vec<String>,
    /// How often it was sent.
    pub attempts: u32,
    /// The channel's own id of the message, where it gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When this became so.
    pub at: Timestamp,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// The channel accepted it.
    Delivered,
    /// It did not.
    Failed,
    /// `--dry-run`: this would be sent.
    Planned,
}
