//! A key and its secret, out of a file that nobody else can read.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// A credentials file has some hundred bytes a profile.
const LARGEST: usize = 1 << 20;

/// A key, and what one signs with.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct KeyPair {
    /// The access key id.
    pub(super) key: String,
    /// Its secret.
    pub(super) secret: Secret,
}

/// Why a file gives no key. None of these quotes the file.
#[derive(Debug, thiserror::Error)]
pub(super) enum SecretFileError {
    /// The file system's answer.
    #[error("cannot read the secret file {path}: {error}")]
    File {
        /// Where.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is no secret.
    #[error("others than its owner may use the secret file {0}: chmod 600 it, for what others can read is no secret")]
    Open(PathBuf),
    /// It is something else.
    #[error("the secret file {0} is larger than a megabyte: name a credentials file, or what `create` wrote")]
    Large(PathBuf),
    /// It is something else.
    #[error("the secret file {0} is no UTF-8 text")]
    Binary(PathBuf),
    /// It looks like JSON, and is not what `create` writes.
    #[error(
        "the secret file {0} is not one JSON object with `access_key_id` and `secret_access_key`, as `create --format json` \
         writes it"
    )]
    Json(PathBuf),
    /// There is no such profile.
    #[error("the secret file {path} has no profile `{profile}`{}: name one with --as-profile", listed(known))]
    NoProfile {
        /// Where.
        path: PathBuf,
        /// The one that was asked for.
        profile: String,
        /// Those that are there.
        known: Vec<String>,
    },
    /// The profile says something else.
    #[error("the profile `{profile}` of the secret file {path} has no {what}")]
    Lacking {
        /// Where.
        path: PathBuf,
        /// The profile.
        profile: String,
        /// What is missing.
        what: &'static str,
    },
}

fn listed(known: &[String]) -> String {
    if known.is_empty() { String::new() } else { format!(" (it has {})", known.join(", ")) }
}

/// Reads the key of a profile, where the file has profiles.
pub(super) fn read(path: &Path, profile: &str) -> Result<KeyPair, SecretFileError> {
    let failed = |error| SecretFileError::File { path: path.to_owned(), error };
    let file = File::open(path).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Of what is open, not of what has the name by now.
        if file.metadata().map_err(failed)?.permissions().mode() & 0o077 != 0 {
            return Err(SecretFileError::Open(path.to_owned()));
        }
    }
    // As large as it may get: a buffer that grows leaves copies behind that are not wiped.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LARGEST + 1));
    file.take(LARGEST as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > LARGEST {
        return Err(SecretFileError::Large(path.to_owned()));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| SecretFileError::Binary(path.to_owned()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with('{') { json(path, text) } else { profile_of(path, text, profile) }
}

/// What `create` writes as JSON: the token's record with the two fields that no other has.
#[derive(Deserialize)]
struct Handed {
    access_key_id: String,
    secret_access_key: String,
}

fn json(path: &Path, text: &str) -> Result<KeyPair, SecretFileError> {
    // The error of serde_json may quote what it stumbled on.
    let Handed { access_key_id, secret_access_key } =
        serde_json::from_str(text).map_err(|_| SecretFileError::Json(path.to_owned()))?;
    Ok(KeyPair { key: access_key_id, secret: Secret::new(secret_access_key) })
}

/// Reads a profile as the AWS CLI does: sections in brackets, `name = value`, comments on lines of their own, and of a name that
/// comes twice the last one. `[profile NAME]`, as in `~/.aws/config`, is the same.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>
fn profile_of(path: &Path, text: &str, profile: &str) -> Result<KeyPair, SecretFileError> {
    let mut known: Vec<String> = Vec::new();
    let (mut key, mut secret) = (None, None);
    let mut within = false;
    for line in text.lines() {
        if line.trim_start().starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = section(line) {
            within = name == profile;
            if !known.iter().any(|known| known == name) {
                known.push(name.to_owned());
            }
            continue;
        }
        let Some((name, value)) = line.split_once('=').filter(|_| within) else { continue };
        match name.trim().to_ascii_lowercase().as_str() {
            "aws_access_key_id" => key = Some(value.trim()),
            "aws_secret_access_key" => secret = Some(value.trim()),
            _ => {}
        }
    }
    if !known.iter().any(|known| known == profile) {
        return Err(SecretFileError::NoProfile { path: path.to_owned(), profile: profile.to_owned(), known });
    }
    let lacking = |what| SecretFileError::Lacking { path: path.to_owned(), profile: profile.to_owned(), what };
    let key = key.filter(|key| !key.is_empty()).ok_or_else(|| lacking("aws_access_key_id"))?;
    let secret = secret.filter(|secret| !secret.is_empty()).ok_or_else(|| lacking("aws_secret_access_key"))?;
    Ok(KeyPair { key: key.to_owned(), secret: Secret::new(secret.to_owned()) })
}

/// The name in `[name]` or `[profile name]`.
fn section(line: &str) -> Option<&str> {
    let (name, _) = line.trim_end().strip_prefix('[')?.split_once(']')?;
    let name = name.trim();
    Some(name.strip_prefix("profile").filter(|rest| rest.starts_with([' ', '\t'])).map_or(name, str::trim))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    fn of(text: impl AsRef<[u8]>, profile: &str) -> Result<KeyPair, SecretFileError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        read(&path, profile)
    }

    #[test]
    fn a_key_is_read_out_of_what_create_wrote_and_out_of_credentials_files() {
        let json = format!(r#"{{"kind":"token","id":"x","access_key_id":"{KEY}","secret_access_key":"{SECRET}"}}"#);
        let plain = format!("[default]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n");
        let windows =
            format!("\u{feff}[default]\r\naws_access_key_id={KEY}\r\nAWS_SECRET_ACCESS_KEY={SECRET}\r\nx\r\n");
        let several = format!(
            "# aws_access_key_id = AKIANO\n[other]\naws_access_key_id = AKIANO\naws_secret_access_key = no\n\n[ default ]\n\
             ; no\naws_access_key_id = AKIANO\naws_secret_access_key =  {SECRET}  \n[next]\nx = y\n[default]\n\
             aws_access_key_id = {KEY}\n[later]\naws_access_key_id = AKIANO\n"
        );
        let config = format!("[profile default]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}");
        for text in [json.clone(), format!("\n {json}\n"), plain, windows, several, config] {
            let pair = of(&text, "default").unwrap();
            assert_eq!((pair.key.as_str(), pair.secret.reveal()), (KEY, SECRET), "{text}");
            assert!(!format!("{pair:?}").contains(SECRET));
        }
    }

    #[test]
    fn what_gives_no_key_is_named_and_never_quoted() {
        let half = format!("[default]\naws_access_key_id = {KEY}\n[other]\naws_secret_access_key = {SECRET}\n");
        let two = format!(r#"{{"access_key_id":"{KEY}","secret_access_key":"{SECRET}"}}"#);
        for (text, says) in [
            (half.clone().into_bytes(), "has no aws_secret_access_key"),
            (
                format!("[default]\naws_access_key_id =\naws_secret_access_key = {SECRET}").into(),
                "no aws_access_key_id",
            ),
            (format!("[prod]\naws_secret_access_key = {SECRET}").into(), "has no profile `default` (it has prod)"),
            (format!("aws_secret_access_key = {SECRET}").into(), "has no profile `default`: name one"),
            (Vec::new(), "has no profile `default`"),
            (
                format!(r#"{{"access_key_id":"{KEY}","secret_access_key":["{SECRET}"]}}"#).into(),
                "is not one JSON object",
            ),
            (format!("{two}\n{two}\n").into(), "is not one JSON object"),
            (vec![0xff, 0xfe, 0x00], "no UTF-8"),
            (vec![b'#'; LARGEST + 1], "larger than a megabyte"),
        ] {
            let error = of(&text, "default").unwrap_err().to_string();
            assert!(error.contains(says) && !error.contains(SECRET), "{error}");
        }
    }

    #[test]
    fn what_others_can_read_is_no_secret() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        fs::write(&path, format!("[default]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n")).unwrap();
        for (mode, is_private) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o620, false)] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let found = read(&path, "default");
            assert_eq!(found.is_ok(), is_private, "{mode:o}");
            assert!(is_private || matches!(found, Err(SecretFileError::Open(_))));
        }
        assert!(matches!(read(&directory.path().join("gone"), "default"), Err(SecretFileError::File { .. })));
    }
}
