//! What the channels share that post over HTTP: whom, with which secret, what the answer means.
//!
//! A URL is a secret where whoever has it can post. It stands in no error, no log and no record, and is sent to no other
//! host: redirects are not followed, and plain HTTP is for this machine alone. The same goes for keys in headers and
//! bodies.

use std::error::Error as _;
use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use common::clock;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, Url, redirect};
use tokio::time::{Instant, timeout_at};

use super::fingerprint::mark;
use super::{SendError, retry_after};

/// A connection that is not there by then never was: the rest of an attempt's time is for the answer.
const CONNECT: Duration = Duration::from_secs(5);
/// No more of an answer is read: nobody says more in a few words.
const ANSWER: usize = 4_096;
/// How long its body is waited for once its status is there. Who has said 200 and then falls silent has taken the message.
const BODY: Duration = Duration::from_secs(2);

/// A webhook's URL.
#[derive(Clone, PartialEq, Eq, Hash)]
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

/// Why there is no webhook, or no secret. None of these says what the text was.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WebhookError {
    /// The file cannot be read.
    #[error("cannot read the {what}'s file {path}: {error}")]
    Read {
        /// What the file should hold.
        what: &'static str,
        /// Which file.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// The text is no URL.
    #[error("{0} does not hold one URL such as https://example.org/path")]
    NotUrl(String),
    /// The URL would send the secret in the clear.
    #[error("the URL in {0} is not https: a webhook's URL is a secret, and plain http is for this machine alone")]
    NotHttps(String),
    /// The text is no secret of that kind.
    #[error("{from} does not hold one {what}: {expected} is expected")]
    NotSecret {
        /// What it should be.
        what: &'static str,
        /// Where it stood.
        from: String,
        /// What it should look like.
        expected: &'static str,
    },
    /// The TLS library cannot be set up.
    #[error("cannot make an HTTP client: {0}")]
    Client(String),
}

impl Webhook {
    /// Reads a URL; `from` says where it stood.
    pub(crate) fn parse(text: &str, from: &str) -> Result<Self, WebhookError> {
        let not_url = || WebhookError::NotUrl(from.to_owned());
        let text = trim(text);
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
        Self::parse(&content(path, "webhook")?, &path.display().to_string())
    }

    /// All of it that may be shown.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// What tells it apart from another one of its host, and does not give it away.
    pub(crate) fn mark(&self) -> String {
        mark(self.url.as_str())
    }
}

/// The text of a file with a secret; `what` says what it should hold.
pub(super) fn content(path: &Path, what: &'static str) -> Result<String, WebhookError> {
    let failed = |error| WebhookError::Read { what, path: path.display().to_string(), error };
    std::fs::read_to_string(path).map_err(failed)
}

/// A file's content without what editors leave at its ends.
pub(super) fn trim(text: &str) -> &str {
    text.trim_start_matches('\u{feff}').trim()
}

/// Posts JSON to one webhook.
#[derive(Clone, Debug)]
pub(super) struct Poster {
    webhook: Webhook,
    client: Client,
}

impl Poster {
    pub(super) fn new(webhook: Webhook) -> Result<Self, WebhookError> {
        let builder = Client::builder()
            .user_agent(concat!("sluice-notify/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT);
        // What is on this machine is not behind a proxy.
        let builder = if webhook.loopback { builder.no_proxy() } else { builder.https_only(true) };
        let client = builder.build().map_err(|error| WebhookError::Client(describe(error)))?;
        Ok(Self { webhook, client })
    }

    /// The host that it posts to: all of the URL that may be shown.
    pub(super) fn host(&self) -> &str {
        self.webhook.host()
    }

    /// Posts a body, once.
    pub(super) async fn post(&self, body: String) -> Result<Answer, SendError> {
        self.post_with(body, |request| request).await
    }

    /// The same with more in the request than its body.
    pub(super) async fn post_with(
        &self,
        body: String,
        more: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Answer, SendError> {
        let request =
            self.client.post(self.webhook.url.clone()).header(CONTENT_TYPE, "application/json; charset=utf-8");
        match more(request).body(body).send().await {
            Ok(response) => Ok(Answer::read(response).await),
            Err(error) => Err(SendError::Again { why: describe(error), after: None }),
        }
    }
}

/// What came back.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    status: u16,
    /// How long the other side asked to wait.
    after: Option<Duration>,
    /// Its beginning. It is a stranger's: a proxy's page may hold the path that was asked for, which is the secret.
    pub(super) body: String,
}

impl Answer {
    /// The status decides; a body that cannot be read changes nothing.
    async fn read(mut response: Response) -> Self {
        let (status, after) = (response.status().as_u16(), wait(response.headers()));
        let mut body = Vec::new();
        let until = Instant::now() + BODY;
        while let Ok(Ok(Some(chunk))) = timeout_at(until, response.chunk()).await {
            body.extend_from_slice(&chunk);
            if body.len() >= ANSWER {
                body.truncate(ANSWER);
                break;
            }
        }
        Self { status, after, body: String::from_utf8_lossy(&body).into_owned() }
    }

    /// `HTTP 400`, and what the body says, where that may be repeated.
    pub(super) fn why(&self, said: Option<&str>) -> String {
        let said = said.filter(|said| !said.is_empty()).map(|said| format!(": {said}")).unwrap_or_default();
        format!("HTTP {}{said}", self.status)
    }

    /// Whether the message was taken, or may be the next time: the other side was busy (408, 425, 429) or in trouble of
    /// its own. `said` is what of the body may be repeated.
    pub(super) fn fate(&self, said: Option<&str>) -> Result<(), SendError> {
        let why = self.why(said);
        match self.status {
            200..=299 => Ok(()),
            300..=399 => Err(SendError::Refused(format!("{why}: redirects are not followed"))),
            408 | 425 | 429 | 500..=599 => Err(SendError::Again { why, after: self.after }),
            _ => Err(SendError::Refused(why)),
        }
    }
}

fn wait(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let now = text(DATE).and_then(retry_after::date).unwrap_or_else(clock::now);
    retry_after::parse(text(RETRY_AFTER)?, now)
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
        let poster = Poster::new(Webhook::parse(SECRET, "it").unwrap()).unwrap();
        let shown = format!("{poster:?}");
        assert!(shown.contains("hooks.slack.com") && !shown.contains("SeCrEt"), "{shown}");
        assert_eq!(poster.host(), "hooks.slack.com");
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
        assert!(error.starts_with("cannot read the webhook's file"), "{error}");
    }

    #[test]
    fn the_status_decides() {
        let (taken, refused, again) = (0, 1, 2);
        for (status, expected) in [
            (200, taken),
            (202, taken),
            (204, taken),
            (302, refused),
            (400, refused),
            (401, refused),
            (404, refused),
            (413, refused),
            (408, again),
            (425, again),
            (429, again),
            (500, again),
            (503, again),
            (600, refused),
        ] {
            let after = Some(Duration::from_secs(7));
            let fate = match (Answer { status, after, body: "SeCrEt".into() }).fate(None) {
                Ok(()) => taken,
                Err(SendError::Refused(why)) => {
                    assert!(why.starts_with(&format!("HTTP {status}")) && !why.contains("SeCrEt"), "{why}");
                    refused
                }
                Err(SendError::Again { after: asked, .. }) => {
                    assert_eq!(asked, after);
                    again
                }
            };
            assert_eq!(fate, expected, "{status}");
        }
    }
}
