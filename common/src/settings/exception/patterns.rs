//! Texts with wildcards.

use serde::{Deserialize, Serialize};

use crate::wildcard;

/// One text or several, with the wildcards of [`crate::wildcard`], in the case that AWS uses. At least one has to match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged, expecting = "expected a text, or a list of texts")]
pub enum Patterns {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Patterns {
    /// The texts as they are written.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let texts = match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        };
        texts.iter().map(String::as_str)
    }

    /// Whether one of them stands for this text, in which a `*` is a character like any other.
    pub fn matches(&self, text: &str) -> bool {
        // Most are plain: they are compared without being taken apart, for each problem that is found.
        self.texts()
            .any(|pattern| pattern == text || (wildcard::has_wildcard(pattern) && wildcard::matches(pattern, text)))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.texts().next().is_none()
    }
}
