//! Exceptions in a file of their own, in TOML or as a stream of JSON.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

use super::{Exception, Place};
use crate::stream::{Broken, ReadError, Reader};

/// Why a file of exceptions cannot be used. None of it is then: what it was to protect must not be touched.
#[derive(Debug, thiserror::Error)]
pub enum ExceptionsError {
    /// The file cannot be read.
    #[error("cannot read the exceptions {path}: {error}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It is TOML, and not understood; TOML's message has the line and the column.
    #[error("cannot understand the exceptions {path}: {error}")]
    Toml {
        /// Which file.
        path: PathBuf,
        /// Why, with the place.
        error: Box<toml::de::Error>,
    },
    /// It is a whitelist, and not understood.
    #[error("cannot understand the whitelist {path}: {why}")]
    Whitelist {
        /// Which file.
        path: PathBuf,
        /// Why, with the entry.
        why: String,
    },
    /// It is JSON, and not understood.
    #[error("cannot understand the exceptions {path}: {broken}")]
    Json {
        /// Which file.
        path: PathBuf,
        /// Why, with the place.
        broken: Box<Broken>,
    },
}

/// A file of exceptions in TOML: they stand in it as they do in the settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    exceptions: Vec<Exception>,
}

impl Exception {
    /// Reads a file of exceptions: TOML with `[[exceptions]]`, or any stream of JSON objects.
    ///
    /// # Errors
    ///
    /// Where any part of it is not understood.
    pub fn load(path: &Path) -> Result<Vec<Self>, ExceptionsError> {
        let unreadable = |error| ExceptionsError::Read { path: path.to_owned(), error };
        let bytes = std::fs::read(path).map_err(unreadable)?;
        if is_json(&bytes) {
            return json(path, &bytes);
        }
        let text = String::from_utf8(bytes)
            .map_err(|error| unreadable(std::io::Error::new(std::io::ErrorKind::InvalidData, error.utf8_error())))?;
        let File { mut exceptions } = toml::from_str(&text)
            .map_err(|error| ExceptionsError::Toml { path: path.to_owned(), error: Box::new(error) })?;
        place_in_toml(&mut exceptions, path, &text);
        Ok(exceptions)
    }
}

/// Whether a file holds JSON: TOML has no line that begins with `{`, and no `[` with a brace or a bracket's end behind it.
fn is_json(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut rest = bytes.iter().skip_while(|byte| byte.is_ascii_whitespace()).peekable();
    let array = rest.peek() == Some(&&b'[');
    let first = rest.find(|byte| !byte.is_ascii_whitespace() && **byte != b'[');
    first == Some(&b'{') || (array && first == Some(&b']'))
}

fn json(path: &Path, bytes: &[u8]) -> Result<Vec<Exception>, ExceptionsError> {
    let broken = |broken| ExceptionsError::Json { path: path.to_owned(), broken: Box::new(broken) };
    Reader::new(bytes)
        .map(|item| match item {
            Ok(item) => {
                let exception: Exception = item.parse().map_err(broken)?;
                Ok(Exception { place: Some(Place { file: path.to_owned(), line: item.line }), ..exception })
            }
            Err(ReadError::Broken(what)) => Err(broken(what)),
            Err(ReadError::Io { source, .. }) => Err(ExceptionsError::Read { path: path.to_owned(), error: source }),
        })
        .collect()
}

/// Writes into exceptions that were read from this text on which lines they stand.
pub(in crate::settings) fn place_in_toml(exceptions: &mut [Exception], path: &Path, text: &str) {
    #[derive(Default, Deserialize)]
    struct Spans {
        #[serde(default)]
        exceptions: Vec<Spanned<IgnoredAny>>,
    }
    // It was understood before.
    let Spans { exceptions: spans } = toml::from_str(text).unwrap_or_default();
    for (exception, span) in exceptions.iter_mut().zip(spans) {
        let before = text.as_bytes().get(..span.span().start).unwrap_or_default();
        let line = 1 + memchr::memchr_iter(b'\n', before).count() as u64;
        exception.place = Some(Place { file: path.to_owned(), line });
    }
}
