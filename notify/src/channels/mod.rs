//! The ways to reach people.
//!
//! A channel makes messages of a digest, or of an alert, in its own format, and sends one. It neither waits nor tries again: spacing,
//! retries and the deadline are `send`'s, for all channels alike. A new channel is one file here and one variant.

pub(crate) mod address;
mod aws;
pub(crate) mod file;
mod fingerprint;
pub(crate) mod http;
pub(crate) mod mail;
pub(crate) mod pagerduty;
mod retry_after;
pub(crate) mod secret;
pub(crate) mod slack;
pub(crate) mod sns;
pub(crate) mod webhook;

use std::time::Duration;

use common::settings::Zone;
use serde_json::Value;
use tokio::time::Instant;

use crate::digest::Digest;
use crate::entry::Alarm;

pub(crate) use file::Lines;
pub(crate) use mail::Mail;
pub(crate) use pagerduty::Pagerduty;
pub(crate) use slack::Slack;
pub(crate) use sns::Sns;
pub(crate) use webhook::JsonWebhook;

/// A way to reach people, with its target.
#[derive(Debug)]
pub(crate) enum Channel {
    /// A Slack incoming webhook.
    Slack(Slack),
    /// An SNS topic.
    Sns(Sns),
    /// E-mail by SES.
    Mail(Mail),
    /// A service of PagerDuty's.
    Pagerduty(Pagerduty),
    /// Any server that takes JSON.
    Webhook(JsonWebhook),
    /// A file.
    File(Lines),
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
            Self::Mail(_) => "mail",
            Self::Pagerduty(_) => "pagerduty",
            Self::Webhook(_) => "webhook",
            Self::File(_) => "file",
        }
    }

    /// Whom it reaches, without secrets: a webhook's host, a topic's ARN, addresses, a path.
    pub(crate) fn target(&self) -> &str {
        match self {
            Self::Slack(slack) => slack.target(),
            Self::Sns(sns) => sns.target(),
            Self::Mail(mail) => mail.target(),
            Self::Pagerduty(pagerduty) => pagerduty.target(),
            Self::Webhook(webhook) => webhook.target(),
            Self::File(file) => file.target(),
        }
    }

    /// The least time between two requests.
    pub(crate) const fn spacing(&self) -> Duration {
        match self {
            Self::Slack(slack) => slack.spacing,
            Self::Mail(mail) => mail.spacing,
            Self::Pagerduty(pagerduty) => pagerduty.spacing,
            Self::Sns(_) | Self::Webhook(_) | Self::File(_) => Duration::ZERO,
        }
    }

    /// The messages that tell a digest: one, or a few where that is too long (for PagerDuty one for each entry); none where
    /// there is nothing to tell.
    pub(crate) fn messages(&self, digest: &Digest) -> Result<Vec<Message>, serde_json::Error> {
        if digest.is_empty() {
            return Ok(Vec::new());
        }
        match self {
            Self::Slack(slack) => slack.messages(digest),
            Self::Sns(_) => Ok(Sns::messages(digest)),
            Self::Mail(mail) => mail.messages(digest),
            Self::Pagerduty(_) => pagerduty::messages(digest),
            Self::Webhook(_) | Self::File(_) => webhook::messages(digest),
        }
    }

    /// The messages that tell an alert: one, save for mail to more people than one mail may go to.
    pub(crate) fn alert(&self, alarm: &Alarm, zone: &Zone) -> Result<Vec<Message>, serde_json::Error> {
        let message = match self {
            Self::Slack(slack) => slack.alert(alarm, zone),
            Self::Sns(_) => Ok(Sns::alert(alarm, zone)),
            Self::Mail(mail) => return mail.alert(alarm, zone),
            Self::Pagerduty(_) => pagerduty::alert(alarm),
            Self::Webhook(_) | Self::File(_) => webhook::alert(alarm, zone),
        };
        Ok(vec![message?])
    }

    /// What is sent, as JSON, for `--dry-run`: without keys and the like.
    pub(crate) fn payload(&self, message: &Message) -> Result<Value, serde_json::Error> {
        match self {
            Self::Sns(sns) => Ok(sns.payload(message)),
            Self::Slack(_) | Self::Mail(_) | Self::Pagerduty(_) | Self::Webhook(_) | Self::File(_) => {
                serde_json::from_str(&message.body)
            }
        }
    }

    /// Makes ready to send, by a deadline: finds credentials, for one.
    pub(crate) async fn open(&mut self, until: Instant) -> Result<(), String> {
        match self {
            Self::Sns(sns) => sns.open(until).await,
            Self::Mail(mail) => mail.open(until).await,
            Self::Slack(_) | Self::Pagerduty(_) | Self::Webhook(_) | Self::File(_) => Ok(()),
        }
    }

    /// Sends a message, once. The answer is the channel's own id of it, where it gives one.
    pub(crate) async fn send(&self, message: &Message) -> Result<Option<String>, SendError> {
        match self {
            Self::Slack(slack) => slack.send(message).await,
            Self::Sns(sns) => sns.send(message).await,
            Self::Mail(mail) => mail.send(message).await,
            Self::Pagerduty(pagerduty) => pagerduty.send(message).await,
            Self::Webhook(webhook) => webhook.send(message).await,
            Self::File(file) => file.send(message).await,
        }
    }
}

impl Message {
    /// What a person reads at a terminal.
    pub(crate) fn readable(&self) -> &str {
        self.plain.as_deref().unwrap_or(&self.body)
    }
}
