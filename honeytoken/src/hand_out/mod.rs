//! Secrets, on their way to where they are planted: handed out once, and kept nowhere.
//!
//! - `format`: how they are written. `quote`: how texts are written in the formats' languages.
//! - `hand`: where they go.

mod format;
mod hand;
mod quote;

#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use common::id::Region;
use common::record::Token;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::secret::Secret;

pub(crate) use format::Format;
pub(crate) use hand::{Hand, check_profile};

/// A key with its secret, as it is handed out.
#[derive(Clone, Copy)]
pub(crate) struct Handout<'a> {
    /// Whose key it is.
    pub(crate) token: &'a Token,
    /// The access key id.
    pub(crate) key: &'a str,
    /// The secret.
    pub(crate) secret: &'a Secret,
    /// The profile, where the format has profiles.
    pub(crate) profile: &'a str,
    /// The region beside it, where the format has one.
    pub(crate) region: Option<&'a Region>,
}

impl fmt::Debug for Handout<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Handout").field("token", &self.token.token).field("key", &self.key).finish_non_exhaustive()
    }
}

impl Handout<'_> {
    /// The token's record, without the secret; with the file that has it, if there is one.
    fn record(&self, file: Option<&Path>) -> String {
        record(self.token, file.map(|path| (self.key, path)))
    }
}

/// A token's record on one line.
fn record(token: &Token, file: Option<(&str, &Path)>) -> String {
    // A record consists of texts and times: there is nothing that JSON could not write.
    let mut value = serde_json::to_value(token).unwrap_or_default();
    if let (Value::Object(fields), Some((key, path))) = (&mut value, file) {
        fields.insert("access_key_id".to_owned(), key.into());
        fields.insert("file".to_owned(), path.to_string_lossy().into_owned().into());
    }
    value.to_string()
}

/// Whether a secret that was on its way to a file when its process ended arrived there. What there is of it beside the file
/// goes: its key is one that is deleted, or one whose secret is in its place.
///
/// # Errors
///
/// The file cannot be read, or what is beside it not be removed.
pub(crate) fn arrived(path: &Path, key: &str, is_secret: impl Fn(&str) -> bool) -> io::Result<bool> {
    match hand::unfinished(path).map(fs::remove_file) {
        Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => holds(path, key, is_secret),
    }
}

/// How much of a file is looked at: what `honeytoken` writes is far shorter.
const LOOK: u64 = 1 << 20;

/// Whether a file has this key with its right secret, in whatever format. One that is not there has not.
///
/// # Errors
///
/// The file cannot be read: it may have both.
fn holds(path: &Path, key: &str, is_secret: impl Fn(&str) -> bool) -> io::Result<bool> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len().min(LOOK);
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(length).unwrap_or_default() + 1));
    file.take(LOOK).read_to_end(&mut bytes)?;
    let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || b"/+".contains(&byte);
    let mut words = bytes.split(|byte| !is_inside(*byte)).filter_map(|word| std::str::from_utf8(word).ok());
    let has_key = words.clone().any(|word| word == key);
    Ok(has_key && words.any(|word| !word.is_empty() && is_secret(word)))
}
