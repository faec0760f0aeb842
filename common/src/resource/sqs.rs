//! `sqs`: a queue, as `GetQueueAttributes` gives it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An SQS queue. `id` is its URL.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Queue {
    /// Its URL.
    pub queue_url: String,
    /// Its ARN.
    pub queue_arn: String,
    /// Its policy, as a document; `null` where it has none.
    pub policy: Option<Value>,
    /// The KMS key that encrypts it, if any.
    pub kms_master_key_id: Option<String>,
    /// Whether SQS's own key encrypts it.
    pub sqs_managed_sse_enabled: Option<bool>,
    /// Where failed messages go, as a document; `null` where nowhere.
    pub redrive_policy: Option<Value>,
    /// How long a message is kept, in seconds.
    pub message_retention_period: Option<u32>,
    /// How long a received message is hidden, in seconds.
    pub visibility_timeout: Option<u32>,
    /// When it was made.
    pub created_timestamp: Option<Timestamp>,
}
