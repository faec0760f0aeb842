//! Any server that takes JSON: one object per message, posted as it is described in `docs/channels.md`.

use common::clock;
use common::settings::Zone;
use reqwest::header::{AUTHORIZATION, HeaderValue};

use crate::digest::Digest;
use crate::entry::Alarm;
use crate::render::json;

use super::http::{Poster, Webhook, WebhookError};
use super::secret::Secret;
use super::{Message, SendError};

/// The most bytes of a message: what the usual servers in front of others take without being told (nginx: 1 MiB).
pub(super) const MESSAGE: usize = 1_000_000;

/// A server that takes JSON.
#[derive(Debug)]
pub(crate) struct JsonWebhook {
    poster: Poster,
    authorization: Option<HeaderValue>,
}

impl JsonWebhook {
    /// A channel that posts to a URL, with what the `Authorization` header is to say.
    pub(crate) fn new(url: Webhook, authorization: Option<&Secret>) -> Result<Self, WebhookError> {
        let header = |secret: &Secret| {
            let mut header = HeaderValue::from_str(secret.expose())
                .map_err(|_| WebhookError::Client("the Authorization header is none".to_owned()))?;
            header.set_sensitive(true);
            Ok(header)
        };
        Ok(Self { poster: Poster::new(url)?, authorization: authorization.map(header).transpose()? })
    }

    /// The host alone: the rest of the URL may be a secret.
    pub(super) fn target(&self) -> &str {
        self.poster.host()
    }

    pub(super) async fn send(&self, message: &Message) -> Result<Option<String>, SendError> {
        let authorized = |request: reqwest::RequestBuilder| match &self.authorization {
            Some(header) => request.header(AUTHORIZATION, header.clone()),
            None => request,
        };
        // Of a stranger's answer nothing is repeated.
        self.poster.post_with(message.body.clone(), authorized).await?.fate(None)?;
        Ok(None)
    }
}

/// The message that tells a digest.
pub(super) fn messages(digest: &Digest) -> Result<Vec<Message>, serde_json::Error> {
    let subject = digest.headline();
    let body = json::digest(digest, &subject, clock::now(), MESSAGE)?;
    let keys = digest.entries().flat_map(|entry| &entry.keys).chain(&digest.counted.keys).cloned().collect();
    let plain = Some(letters(digest));
    Ok(vec![Message { subject, body, plain, keys, about: digest.about() }])
}

/// The message that tells an alert.
pub(super) fn alert(alarm: &Alarm, zone: &Zone) -> Result<Message, serde_json::Error> {
    let body = json::alert(alarm, clock::now(), MESSAGE)?;
    Ok(Message {
        subject: alarm.subject.clone(),
        body,
        plain: Some(crate::render::text::alert(alarm, zone).body),
        keys: alarm.entry.keys.clone(),
        about: alarm.entry.about.account.to_string(),
    })
}

/// What a person reads at a terminal.
fn letters(digest: &Digest) -> String {
    let letters = crate::render::text::letters(digest);
    letters.into_iter().map(|letter| letter.body).collect::<Vec<_>>().join("\n")
}
