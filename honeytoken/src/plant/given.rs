//! What is to be planted: what `create` wrote.

use std::io::{self, Read};

use serde::Deserialize;
use zeroize::Zeroizing;

use super::edit::only_pair;
use crate::secret::Secret;

/// A key with its secret.
#[derive(Debug)]
pub(crate) struct Given {
    /// The token's id, where what was given tells it.
    pub(crate) token: Option<String>,
    /// The access key id.
    pub(crate) key: String,
    /// Its secret.
    pub(crate) secret: Secret,
}

/// Why there is nothing to plant.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GivenError {
    /// stdin broke off.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// It is something else.
    #[error("stdin is not understood: one token is expected, as `honeytoken create` writes it (json or credentials)")]
    Foreign,
    /// Nothing.
    #[error("there is no token on stdin: `honeytoken create` has said why")]
    Nothing,
    /// A token without its secret.
    #[error(
        "the token {0} was there already, and its secret was handed out when it was made: plant another (`create --new`), or give it another key (`rotate`)"
    )]
    NoSecret(String),
    /// Several.
    #[error("there is more than one token on stdin, and one place to plant: give them one by one")]
    Several,
    /// What stands there is not what AWS gives.
    #[error("what stands on stdin for a key and its secret is not what AWS gives")]
    Unfit,
}

/// The longest text that is read.
const LONGEST: u64 = 1 << 20;

/// A token's record, as far as it matters here.
#[derive(Deserialize)]
struct Record {
    token: Option<String>,
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
}

impl Given {
    /// Reads what is to be planted.
    ///
    /// # Errors
    ///
    /// There is not one key with one secret.
    pub(crate) fn read(input: impl Read) -> Result<Self, GivenError> {
        let mut text = Zeroizing::new(Vec::with_capacity(64 * 1024));
        input.take(LONGEST).read_to_end(&mut text)?;
        let given = match text.trim_ascii().first() {
            None => return Err(GivenError::Nothing),
            Some(b'{') => Self::of_json(&text)?,
            Some(_) => {
                let (key, secret) = only_pair(&text).ok_or(GivenError::Foreign)?;
                Self { token: None, key, secret }
            }
        };
        let is_id = (16..=128).contains(&given.key.len())
            && given.key.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        let secret = given.secret.reveal();
        if !is_id || secret.is_empty() || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(GivenError::Unfit);
        }
        Ok(given)
    }

    fn of_json(text: &[u8]) -> Result<Self, GivenError> {
        let mut given = None;
        for record in serde_json::Deserializer::from_slice(text).into_iter::<Record>() {
            // The error would quote what it stumbled over.
            let Ok(Record { token, access_key_id, secret_access_key }) = record else {
                return Err(GivenError::Foreign);
            };
            if given.is_some() {
                return Err(GivenError::Several);
            }
            let secret = secret_access_key.map(Secret::new);
            given = match (access_key_id, secret, &token) {
                (Some(key), Some(secret), _) => Some(Self { token, key, secret }),
                (_, _, Some(token)) => return Err(GivenError::NoSecret(token.clone())),
                _ => return Err(GivenError::Foreign),
            };
        }
        given.ok_or(GivenError::Nothing)
    }
}
