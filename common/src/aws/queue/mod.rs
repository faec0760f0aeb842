//! A queue of SQS: [`Queue`] makes the calls, [`Consumer`] holds what it received for as long as the work on it takes.
//!
//! SQS delivers *at least* once: whoever deletes a message only after the work is done and written loses nothing, and may
//! do the same work twice. Limits and formats:
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>.
//!
//! - `url`: what a queue's URL tells. `batch`: calls that are about up to ten messages, each of which may fail alone.
//! - `consumer`: messages that are held. `remembered`: what was said of messages.

mod batch;
mod consumer;
mod remembered;
mod url;

#[cfg(test)]
mod tests;

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::SharedHttpClient;
use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};
use aws_smithy_http_client::proxy::ProxyConfig;
use jiff::Timestamp;

use crate::client;
use crate::operation::{Operation, SQS_GET_QUEUE_ATTRIBUTES, SQS_RECEIVE_MESSAGE};

use super::config::Deadlines;
use super::http::Limited;
use super::{AwsError, Session};

pub use batch::{Letter, RECEIVE_CALLS, SEND_CALLS, Unsent};
pub use consumer::Consumer;
pub use remembered::Remembered;
pub use url::{QueueUrl, QueueUrlError};

/// How many messages a call is about at most.
pub const BATCH: usize = 10;
/// For how long a call waits for messages at most: long polling.
pub const LONGEST_POLL: Duration = Duration::from_secs(20);
/// For how long a message can be delayed on its way at most.
pub const LONGEST_DELAY: Duration = Duration::from_mins(15);

/// How many calls about queues are under way at once. They do not wait for their turn among the others: while all of those
/// hang, what is held would be given to somebody else.
const CONCURRENCY: usize = 16;
/// The visibility time-out where the queue has none that one could work with.
const VISIBILITY: Duration = Duration::from_secs(30);
/// The size of a message, and of a batch, that every queue takes; the newer limit is four times that.
const SMALL: usize = 256 << 10;
/// The size of a batch that queues with the newer limit take.
const LARGE: usize = 1 << 20;

/// A queue that is there, with what the work on it has to know.
#[derive(Clone, Debug)]
pub struct Queue {
    client: Client,
    url: QueueUrl,
    /// For how long a message that was received stays out of others' sight.
    visibility: Duration,
    /// How big a message may be.
    message_size: usize,
    dead_letters: bool,
}

/// A message that was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The message's id: the same whenever it comes.
    pub id: String,
    /// What this delivery is deleted by.
    pub handle: String,
    /// What it says.
    pub body: String,
    /// How often it has been received, about; this time included.
    pub receives: u32,
    /// When it was sent.
    pub sent: Option<Timestamp>,
}

impl Queue {
    /// Asks the queue for its limits, and so finds out whether it is there, in the region that its URL tells (otherwise in
    /// the session's home region).
    ///
    /// # Errors
    ///
    /// What SQS says: that there is none, or that it is not the caller's to look at.
    pub async fn open(session: &Session, url: &QueueUrl) -> Result<Self, AwsError> {
        let region = url.region().unwrap_or(session.home_region());
        let http = Limited::new(CONCURRENCY, Deadlines::default().exchange, ProxyConfig::from_env());
        let config = client!(aws_sdk_sqs, session, region)
            .config()
            .to_builder()
            .http_client(SharedHttpClient::new(http))
            // Nor are they slowed down because looks at queues are.
            .retry_partition(session.retry_partition("queue", region))
            .build();
        let client = Client::from_conf(config);
        let wanted = [
            QueueAttributeName::VisibilityTimeout,
            QueueAttributeName::MaximumMessageSize,
            QueueAttributeName::RedrivePolicy,
        ];
        let call = client.get_queue_attributes().queue_url(url.as_str()).set_attribute_names(Some(wanted.into()));
        let answer = call.send().await.map_err(|error| AwsError::new(SQS_GET_QUEUE_ATTRIBUTES, error))?;
        let attributes = answer.attributes.unwrap_or_default();
        let number = |name| attributes.get(&name).and_then(|text| text.parse::<u64>().ok());
        let visibility = number(QueueAttributeName::VisibilityTimeout).filter(|seconds| *seconds > 0);
        let size = number(QueueAttributeName::MaximumMessageSize).and_then(|size| usize::try_from(size).ok());
        Ok(Self {
            client,
            url: url.clone(),
            visibility: visibility.map_or(VISIBILITY, Duration::from_secs),
            message_size: size.unwrap_or(SMALL),
            dead_letters: attributes.contains_key(&QueueAttributeName::RedrivePolicy),
        })
    }

    /// The call that [`open`](Self::open) makes.
    pub const OPEN: Operation = SQS_GET_QUEUE_ATTRIBUTES;

    /// Its URL.
    pub fn url(&self) -> &QueueUrl {
        &self.url
    }

    /// For how long a message that was received and is not held any more stays out of sight.
    pub fn visibility(&self) -> Duration {
        self.visibility
    }

    /// Whether a message that is received again and again ends in another queue, instead of coming back until its time in
    /// this one is over.
    pub fn has_dead_letters(&self) -> bool {
        self.dead_letters
    }

    /// Receives up to `most` messages ([`BATCH`] at most), and waits up to `wait` ([`LONGEST_POLL`] at most) for the first
    /// of them. They are out of others' sight for the queue's visibility time-out.
    ///
    /// # Errors
    ///
    /// What SQS says. A message without body, id or receipt is none.
    pub async fn receive(&self, most: usize, wait: Duration) -> Result<Vec<Message>, AwsError> {
        let names = [MessageSystemAttributeName::ApproximateReceiveCount, MessageSystemAttributeName::SentTimestamp];
        let call = self
            .client
            .receive_message()
            .queue_url(self.url.as_str())
            .max_number_of_messages(i32::try_from(most.clamp(1, BATCH)).unwrap_or(1))
            .wait_time_seconds(seconds(wait.min(LONGEST_POLL)))
            .visibility_timeout(seconds(self.visibility))
            .set_message_system_attribute_names(Some(names.into()));
        let answer = call.send().await.map_err(|error| AwsError::new(SQS_RECEIVE_MESSAGE, error))?;
        Ok(answer.messages.unwrap_or_default().into_iter().filter_map(message).collect())
    }
}

fn message(message: aws_sdk_sqs::types::Message) -> Option<Message> {
    let attributes = message.attributes.unwrap_or_default();
    let number = |name| attributes.get(&name).and_then(|text| text.parse::<i64>().ok());
    let receives = number(MessageSystemAttributeName::ApproximateReceiveCount);
    // Milliseconds since 1970.
    let sent = number(MessageSystemAttributeName::SentTimestamp);
    Some(Message {
        id: message.message_id?,
        handle: message.receipt_handle?,
        body: message.body?,
        receives: receives.and_then(|count| u32::try_from(count).ok()).unwrap_or(1),
        sent: sent.and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok()),
    })
}

fn seconds(time: Duration) -> i32 {
    i32::try_from(time.as_secs()).unwrap_or(i32::MAX)
}
