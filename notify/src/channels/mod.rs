//! The ways to reach people.
//!
//! A channel makes messages of a digest, or of an alert, in its own format, and sends one. It neither waits nor tries again: spacing,
//! retries and the deadline are `send`'s, for all channels alike. A new channel is one file here and one variant.

pub(crate) mod http;
mod retry_after;
pub(crate) mod slack;
pub(crate) mod sns;

use std::time::Duration;

use common::settings::Zone;
use serde_json::Value;
use tokio::time::Instant;

use crate::digest::Digest;
use crate::entry::Alarm;

pub(crate) use slack::Slack;
pub(crate) use sns::Sns;

/// A way to reach people, with its target.
#[derive(Debug)]
pub(crate) enum Channel {
    /// A Slack incoming webhook.
    Slack(Slack),
    /// An SNS topic.
    Sns(Sns),
}

/// A message in its channel's format.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// The subject, or the first line, as a person reads it.
    pub(crate) subject: String,
    /// What is sent.
    pub(crate) body: String,
    /// What a person reads at a terminal, where that is not the body itself.
    pub(crate) plain: Option<String>,
    /// The keys of the records that it tells of.
    pub(crate) keys: Vec<String>,
    /// What it is about: the account, or several. Messages about the same arrive in their order where a channel promises
    /// one (a FIFO topic's group).
    pub(crate) about: String,
}

/// Why a message was not taken. The texts go into records and logs: no secret stands in them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SendError {
    /// Another try would get the same answer.
    #[error("{0}")]
    Refused(String),
    /// Another try may succeed. Where the answer was lost, the message may have arrived all the same.
    #[error("{why}")]
    Again {
        /// What happened.
        why: String,
        /// How long the other side asked to wait.
        after: Option<Duration>,
    },
}

impl Channel {
    /// The word in records.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Slack(_) => "slack",
            Self::Sns(_) => "sns",
        }
    }

    /// Whom it reaches, without secrets: a webhook's host, a topic's ARN.
    pub(crate) fn target(&self) -> &str {
        match self {
            Self::Slack(slack) => slack.target(),
            Self::Sns(sns) => sns.target(),
        }
    }

    /// The least time between two requests.
    pub(crate) fn spacing(&self) -> Duration {
        match self {
            Self::Slack(slack) => slack.spacing,
            Self::Sns(_) => Duration::ZERO,
        }
    }

    /// The messages that tell a digest: one, or a few where that is too long; none where there is nothing to tell.
    pub(crate) fn messages(&self, digest: &Digest) -> Result<Vec<Message>, serde_json::Error> {
        if digest.is_empty() {
            return Ok(Vec::new());
        }
        match self {
            Self::Slack(slack) => slack.messages(digest),
            Self::Sns(_) => Ok(Sns::messages(digest)),
        }
    }

    /// The message that tells an alert.
    pub(crate) fn alert(&self, alarm: &Alarm, zone: &Zone) -> Result<Message, serde_json::Error> {
        match self {
            Self::Slack(slack) => slack.alert(alarm, zone),
            Self::Sns(_) => Ok(Sns::alert(alarm, zone)),
        }
    }

    /// What is sent, as JSON, for `--dry-run`.
    pub(crate) fn payload(&self, message: &Message) -> Result<Value, serde_json::Error> {
        match self {
            Self::Slack(_) => serde_json::from_str(&message.body),
            Self::Sns(sns) => Ok(sns.payload(message)),
        }
    }

    /// Makes ready to send, by a deadline: finds credentials, for one.
    pub(crate) async fn open(&mut self, until: Instant) -> Result<(), String> {
        match self {
            Self::Slack(_) => Ok(()),
            Self::Sns(sns) => sns.open(until).await,
        }
    }

    /// Sends a message, once. The answer is the channel's own id of it, where it gives one.
    pub(crate) async fn send(&self, message: &Message) -> Result<Option<String>, SendError> {
        match self {
            Self::Slack(slack) => slack.send(message).await,
            Self::Sns(sns) => sns.send(message).await,
        }
    }
}

impl Message {
    /// What a person reads at a terminal.
    pub(crate) fn readable(&self) -> &str {
        self.plain.as_deref().unwrap_or(&self.body)
    }
}
