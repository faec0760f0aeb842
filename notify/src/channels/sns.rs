//! SNS: a topic, with plain text for whoever subscribes.
//!
//! The topic's ARN says which region to ask. The credentials are the caller's own, also for a topic of another account:
//! its policy has to let the caller publish. <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>

use std::hash::{DefaultHasher, Hash, Hasher};

use aws_sdk_sns::Client;
use aws_sdk_sns::config::Builder;
use aws_sdk_sns::config::retry::RetryConfig;
use common::arn::{Arn, ArnError};
use common::id::{AccountId, Region};
use common::settings::{self, Zone};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::digest::Digest;
use crate::entry::Alarm;
use crate::render::text::{Letter, alert, letters};

use super::aws::{Login, fate};
use super::{Message, SendError};

/// Why a text names no topic.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TopicError {
    /// It is no ARN.
    #[error("the SNS topic: {0}")]
    Arn(#[from] ArnError),
    /// It is an ARN of something else.
    #[error("`{0}` is not an SNS topic: arn:aws:sns:REGION:ACCOUNT:NAME is expected")]
    NotTopic(Arn),
}

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Topic {
    arn: String,
    region: Region,
    fifo: bool,
}

impl std::str::FromStr for Topic {
    type Err = TopicError;

    fn from_str(text: &str) -> Result<Self, TopicError> {
        let arn: Arn = text.trim().parse()?;
        // The region becomes part of a host name, and a subscription's ARN has one part more than its topic's.
        let region = arn.region.parse::<Region>().ok().filter(|region| !region.is_global());
        let name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let fits = arn.service == "sns" && arn.account.parse::<AccountId>().is_ok() && arn.resource.bytes().all(name);
        match region {
            Some(region) if fits => Ok(Self {
                fifo: arn.resource.rsplit_once('.').is_some_and(|(_, end)| end == "fifo"),
                arn: arn.to_string(),
                region,
            }),
            _ => Err(TopicError::NotTopic(arn)),
        }
    }
}

impl Topic {
    /// Its ARN.
    pub(crate) fn arn(&self) -> &str {
        &self.arn
    }
}

/// An SNS channel.
#[derive(Debug)]
pub(crate) struct Sns {
    topic: Topic,
    login: Login,
    client: Option<Client>,
}

impl Sns {
    /// A channel that publishes to a topic, with the credentials of a profile.
    pub(crate) fn new(topic: Topic, profile: Option<String>, settings: &settings::Aws) -> Self {
        Self { topic, login: Login::new(profile, settings), client: None }
    }

    #[cfg(test)]
    pub(crate) fn with_client(topic: Topic, client: Client) -> Self {
        Self { client: Some(client), ..Self::new(topic, None, &settings::Aws::default()) }
    }

    pub(super) fn target(&self) -> &str {
        &self.topic.arn
    }

    pub(super) fn messages(digest: &Digest) -> Vec<Message> {
        letters(digest).into_iter().map(|letter| message(letter, digest.about())).collect()
    }

    pub(super) fn alert(alarm: &Alarm, zone: &Zone) -> Message {
        message(alert(alarm, zone), alarm.entry.about.account.to_string())
    }

    pub(super) fn payload(&self, message: &Message) -> Value {
        json!({"TopicArn": self.topic.arn, "Subject": message.subject, "Message": message.body})
    }

    pub(super) async fn open(&mut self, until: Instant) -> Result<(), String> {
        if self.client.is_some() {
            return Ok(());
        }
        // The topic's region is home: it is one of the topic's own partition, which the caller's has to be.
        let session = self.login.session(Some(self.topic.region.clone()), until).await?;
        self.client = Some(common::client!(aws_sdk_sns, &session, &self.topic.region));
        Ok(())
    }

    pub(super) async fn send(&self, message: &Message) -> Result<Option<String>, SendError> {
        let Some(client) = &self.client else { return Err(SendError::Refused("the channel is not open".to_owned())) };
        let fifo = self.topic.fifo.then(|| deduplication(message));
        let publish = client
            .publish()
            .topic_arn(&self.topic.arn)
            .subject(&message.subject)
            .message(&message.body)
            .set_message_group_id(fifo.is_some().then(|| message.about.clone()))
            .set_message_deduplication_id(fifo);
        // The SDK must not try again by itself: how often and until when is one policy for all channels, and the
        // delivery record counts the attempts.
        let once = Builder::new().retry_config(RetryConfig::disabled());
        match publish.customize().config_override(once).send().await {
            Ok(output) => Ok(output.message_id),
            Err(error) => Err(fate("sns:Publish", error)),
        }
    }
}

fn message(letter: Letter, about: String) -> Message {
    let Letter { subject, body, keys } = letter;
    Message { subject, body, plain: None, keys, about }
}

/// A FIFO topic drops a second message of the same id within five minutes: a retry of one that did arrive is dropped,
/// and so is the same message of another run, which says nothing new.
fn deduplication(message: &Message) -> String {
    let mut hasher = DefaultHasher::new();
    (&message.about, &message.subject, &message.body).hash(&mut hasher);
    format!("{}-{:016x}", message.about, hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_an_arn_with_region_and_account() {
        for text in
            ["arn:aws:sns:eu-west-1:111122223333:alerts", " arn:aws-cn:sns:cn-north-1:111122223333:a_b-c.fifo\n"]
        {
            let topic: Topic = text.parse().unwrap();
            assert_eq!(topic.arn, text.trim());
            assert_eq!(topic.fifo, text.contains("fifo"));
        }
        for text in [
            "",
            "alerts",
            "arn:aws:sqs:eu-west-1:111122223333:alerts",
            "arn:aws:sns::111122223333:alerts",
            "arn:aws:sns:evil.example/:111122223333:alerts",
            "arn:aws:sns:global:111122223333:alerts",
            "arn:aws:sns:eu-west-1:prod:alerts",
            "arn:aws:sns:eu-west-1:111122223333:alerts:0c8f1f0e-subscription",
        ] {
            assert!(text.parse::<Topic>().is_err(), "{text}");
        }
    }
}
