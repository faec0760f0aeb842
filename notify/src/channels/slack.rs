//! Slack's incoming webhooks, and what speaks the same language.
//!
//! `POST` of a JSON object; the answer is `200 ok`, or a status with one word of why.
//! <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors>
//!
//! The URL is a secret: whoever has it can post. It stands in no error, no log and no record, and is sent to no other
//! host: redirects are not followed, and plain HTTP is for this machine alone.

use std::error::Error as _;
use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use common::clock;
use common::settings::Zone;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{Client, Response, Url, redirect};
use serde::Deserialize;

use crate::digest::Digest;
use crate::entry::Alarm;
use crate::render::slack::{Post, alert, posts};
use crate::text::clean;

use super::{Message, SendError, retry_after};

/// One message a second and webhook. <https://docs.slack.dev/apis/web-api/rate-limits#rtm-posting-messages>
const SPACING: Duration = Duration::from_secs(1);
/// A connection that is not there by then never was: the rest of an attempt's time is for the answer.
const CONNECT: Duration = Duration::from_secs(5);
/// No more of an answer is read: it is one word.
const ANSWER: usize = 4_096;
/// The longest word that is taken for Slack's.
const WORD: usize = 64;
/// The most characters of a channel's name in records: no more than Slack has.
const NAME: usize = 80;

/// A webhook's URL.
#[derive(Clone)]
pub(crate) struct Webhook {
    url: Url,
    host: String,
    loopback: bool,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Webhook({}, ...)", self.host)
    }
}

/// Why there is no webhook. None of these says what the text was.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WebhookError {
    /// The file cannot be read.
    #[error("cannot read the Slack webhook's file {path}: {error}")]
    Read {
        /// Which file.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// The text is no URL.
    #[error("{0} does not hold one URL such as https://hooks.slack.com/services/...")]
    NotUrl(String),
    /// The URL would send the secret in the clear.
    #[error("the URL in {0} is not https: a webhook's URL is a secret, and plain http is for this machine alone")]
    NotHttps(String),
    /// The TLS library cannot be set up.
    #[error("cannot make an HTTP client for Slack: {0}")]
    Client(String),
}

impl Webhook {
    /// Reads a URL; `from` says where it stood.
    pub(crate) fn parse(text: &str, from: &str) -> Result<Self, WebhookError> {
        let not_url = || WebhookError::NotUrl(from.to_owned());
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.contains(char::is_whitespace) {
            return Err(not_url());
        }
        let url = Url::parse(text).map_err(|_| not_url())?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(not_url)?.to_owned();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let loopback =
            bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        match url.scheme() {
            "https" => {}
            "http" if loopback => {}
            "http" => return Err(WebhookError::NotHttps(from.to_owned())),
            _ => return Err(not_url()),
        }
        Ok(Self { url, host, loopback })
    }

    /// Reads the URL in a file.
    pub(crate) fn read(path: &Path) -> Result<Self, WebhookError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| WebhookError::Read { path: shown.clone(), error })?;
        Self::parse(&text, &shown)
    }
}

/// A Slack channel, by its webhook.
#[derive(Debug)]
pub(crate) struct Slack {
    webhook: Webhook,
    /// The webhook's host, and the channel.
    target: String,
    channel: Option<String>,
    client: Client,
    pub(crate) spacing: Duration,
}

impl Slack {
    /// A channel that posts to a webhook.
    pub(crate) fn new(webhook: Webhook) -> Result<Self, WebhookError> {
        let builder = Client::builder()
            .user_agent(concat!("sluice-notify/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT);
        // What is on this machine is not behind a proxy.
        let builder = if webhook.loopback { builder.no_proxy() } else { builder.https_only(true) };
        let client = builder.build().map_err(|error| WebhookError::Client(describe(error)))?;
        Ok(Self { target: webhook.host.clone(), webhook, channel: None, client, spacing: SPACING })
    }

    /// The same, for a channel such as `#security`. Only the older webhooks, which are not bound to one, heed it.
    pub(crate) fn to_channel(mut self, channel: String) -> Self {
        self.target = format!("{} {}", self.webhook.host, clean(&channel, NAME));
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
        let request =
            self.client.post(self.webhook.url.clone()).header(CONTENT_TYPE, "application/json; charset=utf-8");
        let response = match request.body(message.body.clone()).send().await {
            Ok(response) => response,
            Err(error) => return Err(SendError::Again { why: describe(error), after: None }),
        };
        let status = response.status();
        let after = wait(response.headers());
        let answer = Answer::read(response).await;
        let why = match &answer.word {
            Some(word) => format!("HTTP {}: {word}", status.as_u16()),
            None => format!("HTTP {}", status.as_u16()),
        };
        match status.as_u16() {
            // Workflow triggers and imitations of Slack say no in the body.
            200..=299 if answer.refused => Err(SendError::Refused(why)),
            200..=299 => Ok(None),
            300..=399 => Err(SendError::Refused(format!("{why}: redirects are not followed"))),
            429 | 500..=599 => Err(SendError::Again { why, after }),
            _ => Err(SendError::Refused(why)),
        }
    }
}

fn message(post: Post, about: String) -> Message {
    let Post { subject, body, plain, keys } = post;
    Message { subject, body, plain: Some(plain), keys, about }
}

fn wait(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let now = text(DATE).and_then(retry_after::date).unwrap_or_else(clock::now);
    retry_after::parse(text(RETRY_AFTER)?, now)
}

/// What an answer's body says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Answer {
    /// Slack's own word for what is wrong.
    word: Option<String>,
    /// Whether the body says no, whatever the status.
    refused: bool,
}

#[derive(Deserialize)]
struct Said {
    ok: Option<bool>,
    error: Option<String>,
}

impl Answer {
    /// The status decides; a body that cannot be read changes nothing.
    async fn read(mut response: Response) -> Self {
        let mut body = Vec::new();
        while let Ok(Some(chunk)) = response.chunk().await {
            body.extend_from_slice(&chunk);
            if body.len() >= ANSWER {
                break;
            }
        }
        Self::of(&String::from_utf8_lossy(&body))
    }

    fn of(body: &str) -> Self {
        if let Ok(Said { ok, error }) = serde_json::from_str::<Said>(body) {
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

/// An error with its causes, and without the URL.
fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut said = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.iter().any(|earlier| earlier.contains(&text)) {
            said.push(text);
        }
        cause = error.source();
    }
    said.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "https://hooks.slack.com/services/T000/B000/SeCrEt";

    #[test]
    fn a_webhook_is_https_or_on_this_machine() {
        for (text, host) in [
            (SECRET, "hooks.slack.com"),
            (" https://hooks.slack.com/services/T/B/x\r\n", "hooks.slack.com"),
            ("\u{feff}https://user:pass@mattermost.example:8443/hooks/x", "mattermost.example"),
            ("http://127.0.0.1:8080/x", "127.0.0.1"),
            ("http://localhost/x", "localhost"),
            ("http://[::1]:80/x", "[::1]"),
        ] {
            assert_eq!(Webhook::parse(text, "it").unwrap().host, host);
        }
        for text in [
            "",
            "SeCrEt",
            "http://hooks.slack.com/services/SeCrEt",
            "http://127.0.0.1.evil.example/SeCrEt",
            "http://localhost.evil.example/SeCrEt",
            "ftp://localhost/SeCrEt",
            "file:///SeCrEt",
            "https:///",
            "https://a/SeCrEt https://b/SeCrEt",
        ] {
            let error = Webhook::parse(text, "SLACK_WEBHOOK_URL").unwrap_err().to_string();
            assert!(error.contains("SLACK_WEBHOOK_URL") && !error.contains("SeCrEt"), "{text}: {error}");
        }
    }

    #[test]
    fn the_secret_is_in_no_debug_output() {
        let slack = Slack::new(Webhook::parse(SECRET, "it").unwrap()).unwrap();
        let shown = format!("{slack:?}");
        assert!(shown.contains("hooks.slack.com") && !shown.contains("SeCrEt"), "{shown}");
        assert_eq!(slack.target(), "hooks.slack.com");
    }

    #[test]
    fn a_file_holds_the_url() {
        let path = std::env::temp_dir().join(format!("notify-webhook-{}", std::process::id()));
        std::fs::write(&path, format!("{SECRET}\n")).unwrap();
        assert_eq!(Webhook::read(&path).unwrap().url.as_str(), SECRET);
        std::fs::write(&path, "not the URL SeCrEt").unwrap();
        let error = Webhook::read(&path).unwrap_err().to_string();
        std::fs::remove_file(&path).unwrap();
        assert!(error.contains("notify-webhook-") && !error.contains("SeCrEt"), "{error}");
        let error = Webhook::read(&path).unwrap_err().to_string();
        assert!(error.starts_with("cannot read the Slack webhook's file"), "{error}");
    }

    #[test]
    fn only_slacks_own_words_are_repeated() {
        let word = |word: &str| Answer { word: Some(word.into()), refused: false };
        let rows = [
            ("ok", Answer::default()),
            ("invalid_payload", word("invalid_payload")),
            (" no_service\n", word("no_service")),
            ("<p>/services/T000/B000/SeCrEt was not found", Answer::default()),
            ("SeCrEt", Answer::default()),
            ("", Answer::default()),
            (r#"{"ok":true}"#, Answer::default()),
            (r#"{"ok":false,"error":"invalid_blocks"}"#, Answer { word: Some("invalid_blocks".into()), refused: true }),
            (r#"{"ok":false,"error":"no /SeCrEt"}"#, Answer { word: None, refused: true }),
        ];
        for (body, expected) in rows {
            assert_eq!(Answer::of(body), expected, "{body}");
        }
    }
}
