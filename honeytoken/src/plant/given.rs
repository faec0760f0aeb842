//! What is to be planted: what `create` wrote.

use std::io::{self, Read};

use serde::Deserialize;
use zeroize::Zeroizing;

use super::edit::pairs;
use crate::secret::Secret;

/// What came on stdin.
#[derive(Debug)]
pub(crate) struct Given {
    /// The first key that came with its secret: the one that is planted.
    pub(crate) key: Key,
    /// Others that came behind it. By what they are called: the token's id, or the key's.
    pub(crate) others: Vec<String>,
    /// Tokens that came without a secret: it was handed out before.
    pub(crate) known: Vec<String>,
    /// Whether there was more, and nobody understands it.
    pub(crate) is_cut: bool,
}

/// A key with its secret.
#[derive(Debug)]
pub(crate) struct Key {
    /// The token's id, where what was given tells it.
    pub(crate) token: Option<String>,
    /// The access key id.
    pub(crate) id: String,
    /// Its secret.
    pub(crate) secret: Secret,
}

impl Key {
    /// By what a person may call it.
    fn name(&self) -> &str {
        self.token.as_ref().unwrap_or(&self.id)
    }

    fn is_fit(&self) -> bool {
        let secret = self.secret.reveal();
        (16..=128).contains(&self.id.len())
            && self.id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            && !secret.is_empty()
            && secret.bytes().all(|byte| byte.is_ascii_graphic())
    }
}

/// Why there is nothing to plant.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GivenError {
    /// stdin broke off.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// It is something else.
    #[error(
        "stdin is not understood: one token is expected, as `honeytoken create` writes it in the formats json and credentials; if \
         `create` made one just now, nobody has its secret, and `rotate` gives it another key"
    )]
    Foreign,
    /// Nothing.
    #[error("there is no token on stdin: `honeytoken create` has said why")]
    Nothing,
    /// A token without its secret.
    #[error(
        "the token {0} was there already, and its secret was handed out when it was made: plant another (`create --new`), or give it another key (`rotate`)"
    )]
    NoSecret(String),
    /// What stands there is not what AWS gives.
    #[error("what stands on stdin for a key and its secret is not what AWS gives")]
    Unfit,
}

/// The longest text that is read: more tokens than there will ever be. What stands behind the first one has to be read as well,
/// for nobody else would know that it was handed out.
const LONGEST: u64 = 256 << 20;

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
    /// There is no key with a secret.
    pub(crate) fn read(input: impl Read) -> Result<Self, GivenError> {
        let mut text = Zeroizing::new(Vec::with_capacity(64 * 1024));
        input.take(LONGEST).read_to_end(&mut text)?;
        let mut all = match text.trim_ascii().first() {
            None => return Err(GivenError::Nothing),
            Some(b'{') => All::of_json(&text),
            Some(_) => All::of_credentials(&text),
        };
        all.keys.reverse();
        let Some(key) = all.keys.pop() else {
            return Err(match all.known.pop() {
                Some(token) if !all.is_cut => GivenError::NoSecret(token),
                _ => GivenError::Foreign,
            });
        };
        if !key.is_fit() {
            return Err(GivenError::Unfit);
        }
        let others = all.keys.iter().rev().filter(|other| other.id != key.id && other.is_fit());
        let others = others.map(|other| other.name().to_owned()).collect();
        Ok(Self { key, others, known: all.known, is_cut: all.is_cut })
    }
}

/// All that there is.
#[derive(Default)]
struct All {
    keys: Vec<Key>,
    known: Vec<String>,
    is_cut: bool,
}

impl All {
    fn of_json(text: &[u8]) -> Self {
        let mut all = Self::default();
        for record in serde_json::Deserializer::from_slice(text).into_iter::<Record>() {
            // The error would quote what it stumbled over.
            let Ok(Record { token, access_key_id, secret_access_key }) = record else {
                all.is_cut = true;
                break;
            };
            match (access_key_id, secret_access_key.map(Secret::new), token) {
                (Some(id), Some(secret), token) => all.keys.push(Key { token, id, secret }),
                (_, _, Some(token)) => all.known.push(token),
                _ => all.is_cut = true,
            }
        }
        all
    }

    fn of_credentials(text: &[u8]) -> Self {
        let keys = pairs(text).into_iter().map(|(id, secret)| Key { token: None, id, secret });
        Self { keys: keys.collect(), ..Self::default() }
    }
}
