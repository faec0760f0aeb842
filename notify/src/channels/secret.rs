//! Keys and the like: they come from a file or an environment variable, and are shown nowhere.

use std::fmt;
use std::path::Path;

use super::fingerprint::mark;
use super::http::{WebhookError, content, trim};

/// A text that is in no record, no log, no error and no debug output.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(...)")
    }
}

/// What a secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretKind {
    /// The routing key of a PagerDuty integration.
    RoutingKey,
    /// The value of an `Authorization` header.
    Authorization,
}

impl SecretKind {
    const fn name(self) -> &'static str {
        match self {
            Self::RoutingKey => "PagerDuty routing key",
            Self::Authorization => "Authorization header",
        }
    }

    /// What it looks like, which an error says in its place.
    const fn expected(self) -> &'static str {
        match self {
            Self::RoutingKey => "the integration key of an Events API v2 integration, one word of letters and digits",
            Self::Authorization => "one line such as `Bearer ...`, in ASCII",
        }
    }

    fn fits(self, text: &str) -> bool {
        let byte = |byte: u8| match self {
            Self::RoutingKey => byte.is_ascii_alphanumeric() || b"-_".contains(&byte),
            Self::Authorization => (b' '..=b'~').contains(&byte),
        };
        !text.is_empty() && text.bytes().all(byte)
    }
}

impl Secret {
    /// Reads a secret; `from` says where it stood.
    pub(crate) fn parse(kind: SecretKind, text: &str, from: &str) -> Result<Self, WebhookError> {
        let text = trim(text);
        if kind.fits(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(WebhookError::NotSecret { what: kind.name(), from: from.to_owned(), expected: kind.expected() })
        }
    }

    /// Reads the secret in a file.
    pub(crate) fn read(kind: SecretKind, path: &Path) -> Result<Self, WebhookError> {
        Self::parse(kind, &content(path, kind.name())?, &path.display().to_string())
    }

    /// What tells it apart from another one, and does not give it away.
    pub(crate) fn mark(&self) -> String {
        mark(&self.0)
    }

    /// The secret itself, for a request.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_one_line_of_its_kind_and_is_never_shown() {
        use SecretKind::{Authorization, RoutingKey};
        for (kind, text, expected) in [
            (RoutingKey, "R0SeCrEt0123456789abcdef01234567\n", Some("R0SeCrEt0123456789abcdef01234567")),
            (RoutingKey, "\u{feff}SeCrEt\r\n", Some("SeCrEt")),
            (RoutingKey, "", None),
            (RoutingKey, " \n", None),
            (RoutingKey, "SeCrEt SeCrEt", None),
            (RoutingKey, "SeCrEt\nSeCrEt", None),
            (RoutingKey, "SeCrEt\"}", None),
            (Authorization, "Bearer SeCrEt\n", Some("Bearer SeCrEt")),
            (Authorization, "Bearer SeCrEt\r\nX-Evil: 1", None),
            (Authorization, "Bearer Sé", None),
            (Authorization, "", None),
        ] {
            match (Secret::parse(kind, text, "PAGERDUTY_ROUTING_KEY"), expected) {
                (Ok(secret), Some(expected)) => {
                    assert_eq!(secret.expose(), expected);
                    assert!(!format!("{secret:?}").contains("SeCrEt"));
                }
                (Err(error), None) => {
                    let error = error.to_string();
                    assert!(error.contains("PAGERDUTY_ROUTING_KEY") && !error.contains("SeCrEt"), "{error}");
                }
                (parsed, _) => panic!("{text:?}: {parsed:?}"),
            }
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Secret::read(SecretKind::RoutingKey, Path::new("/nonexistent/key")).unwrap_err().to_string();
        assert!(error.starts_with("cannot read the PagerDuty routing key's file /nonexistent/key: "), "{error}");
    }
}
