//! Slack's incoming webhooks, and what speaks the same language.
//!
//! `POST` of a JSON object; the answer is `200 ok`, or a status with one word of why.
//! <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors>
//!
//! The URL is a secret: whoever has it can post. It stands in no error, no log and no record, and is sent to no other
//! host: redirects are not followed, and plain HTTP is for this machine alone.

use std::time::Duration;

use common::settings::Zone;
use serde::Deserialize;

use crate::digest::Digest;
use crate::entry::Alarm;
use crate::render::slack::{Post, alert, posts};
use crate::text::clean;

use super::http::{Poster, Webhook, WebhookError};
use super::{Message, SendError};

/// One message a second and webhook. <https://docs.slack.dev/apis/web-api/rate-limits#rtm-posting-messages>
const SPACING: Duration = Duration::from_secs(1);
/// The longest word that is taken for Slack's.
const WORD: usize = 64;
/// The most characters of a channel's name in records: no more than Slack has.
const NAME: usize = 80;

/// A Slack channel, by its webhook.
#[derive(Clone, Debug)]
pub(crate) struct Slack {
    poster: Poster,
    /// The webhook's host, and the channel.
    target: String,
    channel: Option<String>,
    pub(crate) spacing: Duration,
}

impl Slack {
    /// A channel that posts to a webhook.
    pub(crate) fn new(webhook: Webhook) -> Result<Self, WebhookError> {
        Ok(Self { target: webhook.host().to_owned(), poster: Poster::new(webhook)?, channel: None, spacing: SPACING })
    }

    /// The same, for a channel such as `#security`. Only the older webhooks, which are not bound to one, heed it.
    pub(crate) fn in_channel(mut self, channel: String) -> Self {
        self.target = format!("{} {}", self.poster.host(), clean(&channel, NAME));
        self.channel = Some(channel);
        self
    }

    pub(super) fn target(&self) -> &str {
        &self.target
    }

    pub(super) fn messages(&self, digest: &Digest) -> Result<Vec<Message>, serde_json::Error> {
        let about = digest.about();
        Ok(posts(digest, self.channel.as_deref())?.into_iter().map(|post| message(post, about.clone())).collect())
    }

    pub(super) fn alert(&self, alarm: &Alarm, zone: &Zone) -> Result<Message, serde_json::Error> {
        let post = alert(alarm, zone, self.channel.as_deref())?;
        Ok(message(post, alarm.entry.about.account.to_string()))
    }

    pub(super) async fn send(&self, message: &Message) -> Result<Option<String>, SendError> {
        let answer = self.poster.post(message.body.clone()).await?;
        let Said { word, refused } = Said::of(&answer.body);
        answer.fate(word.as_deref())?;
        // Workflow triggers and imitations of Slack say no in the body.
        if refused { Err(SendError::Refused(answer.why(word.as_deref()))) } else { Ok(None) }
    }
}

fn message(post: Post, about: String) -> Message {
    let Post { subject, body, plain, keys } = post;
    Message { subject, body, plain: Some(plain), keys, about }
}

/// What an answer's body says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    /// Slack's own word for what is wrong.
    word: Option<String>,
    /// Whether the body says no, whatever the status.
    refused: bool,
}

#[derive(Deserialize)]
struct Json {
    ok: Option<bool>,
    error: Option<String>,
}

impl Said {
    fn of(body: &str) -> Self {
        if let Ok(Json { ok, error }) = serde_json::from_str::<Json>(body) {
            return Self { word: error.filter(|word| is_word(word)), refused: ok == Some(false) };
        }
        Self { word: Some(body.trim().to_owned()).filter(|word| is_word(word) && word != "ok"), refused: false }
    }
}

/// `invalid_payload`, `no_service`. Anything else is not repeated: the page of a proxy or of a wrong server may hold
/// the path that was asked for, which is the secret. (Slack's tokens have capitals and digits.)
fn is_word(text: &str) -> bool {
    (1..=WORD).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_slacks_own_words_are_repeated() {
        let word = |word: &str| Said { word: Some(word.into()), refused: false };
        let rows = [
            ("ok", Said::default()),
            ("invalid_payload", word("invalid_payload")),
            (" no_service\n", word("no_service")),
            ("<p>/services/T000/B000/SeCrEt was not found", Said::default()),
            ("SeCrEt", Said::default()),
            ("", Said::default()),
            (r#"{"ok":true}"#, Said::default()),
            (r#"{"ok":false,"error":"invalid_blocks"}"#, Said { word: Some("invalid_blocks".into()), refused: true }),
            (r#"{"ok":false,"error":"no /SeCrEt"}"#, Said { word: None, refused: true }),
        ];
        for (body, expected) in rows {
            assert_eq!(Said::of(body), expected, "{body}");
        }
    }
}
