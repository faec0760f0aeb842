//! The decoys, as audit and remediate know them: users whose unused keys are bait, which nobody is to take away.
//!
//! They stand in a registry of `honeytoken`'s, or in a list that `honeytoken export` wrote. Each becomes exceptions like
//! those that people write; a decoy that was deleted is none. What is not understood is an error: it is a guard that is off.

mod list;
mod registry;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::arn::Arn;
use crate::cli::{Failure, Say};
use crate::id::AccountId;
use crate::reference::Reference;
use crate::resource::{Config, User};
use crate::settings::{Exception, Patterns, Settings};
use crate::stream::Broken;
use crate::wildcard;

/// The checks that would take the bait away: a decoy is there not to be used, and has what it takes to be used.
pub const CHECKS: [&str; 4] = ["iam_user_key_unused", "iam_user_mfa", "iam_user_password_unused", "iam_user_runaway"];

/// How a file of SQLite begins: <https://www.sqlite.org/fileformat.html#the_database_header>.
const SQLITE: &[u8] = b"SQLite format 3\0";

/// Why the decoys are not known.
#[derive(Debug, thiserror::Error)]
pub enum DecoysError {
    /// The file cannot be read.
    #[error("cannot read the decoys {path}: {error}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// There is nothing in it, as where `honeytoken export` failed.
    #[error(
        "there is nothing in {0}, where decoys are expected: if `honeytoken export` failed, run it again; if there are no decoys \
         yet, name no list of them"
    )]
    Empty(PathBuf),
    /// The list is not understood.
    #[error("cannot understand the decoys {path}: {broken}")]
    Broken {
        /// Which file.
        path: PathBuf,
        /// Why, with the place.
        broken: Box<Broken>,
    },
    /// A record of the list makes no sense.
    #[error("cannot understand the decoys {path}: line {line}: {why}")]
    Senseless {
        /// Which file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// Why.
        why: String,
    },
    /// It is a file of SQLite of somebody else's.
    #[error(
        "cannot understand the decoys {0}: it is neither a registry of honeytoken's nor a list of `honeytoken export`'s"
    )]
    Foreign(PathBuf),
    /// What was written last stands beside the registry, and SQLite may not join it.
    #[error(
        "cannot read the decoys {0}: what was written last stands in its -wal file, for which SQLite has to write beside it: \
         give the list that `honeytoken export` writes, or the right to write"
    )]
    Unjoined(PathBuf),
    /// SQLite's answer.
    #[error("cannot read the decoys {path}: {error}")]
    Sqlite {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: rusqlite::Error,
    },
    /// What is in the registry makes no sense.
    #[error("cannot understand the decoys {path}: {why}")]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

impl From<DecoysError> for Failure {
    fn from(error: DecoysError) -> Self {
        Self::Start(error.to_string())
    }
}

/// A decoy: a user. IAM has no two of one name in an account, whatever their paths.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Decoy {
    account: AccountId,
    user: String,
    /// Its id in the registry.
    token: String,
}

impl Decoy {
    /// What keeps it from being taken away.
    fn exception(self) -> Exception {
        let Self { account, user, token } = self;
        Exception {
            account: Some(Patterns::One(account.to_string())),
            r#type: Some(Patterns::One(User::TYPE.name().to_owned())),
            check: Some(Patterns::Many(CHECKS.map(str::to_owned).to_vec())),
            id: Some(Patterns::One(user)),
            decoy: true,
            ..Exception::because(format!("a decoy (honeytoken {token})"), None)
        }
    }
}

impl Settings {
    /// The same, with an exception for each decoy of a file, or else of the registry that they name, behind its own.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read, and where any part of it is not understood.
    pub fn with_decoys(mut self, file: Option<&Path>, say: &Say) -> Result<Self, DecoysError> {
        let Some(path) = file.or(self.honeytoken.registry.as_deref()) else { return Ok(self) };
        let decoys = load(path)?;
        if decoys.is_empty() {
            say.note(format_args!("there is no decoy in {}", path.display()));
        } else {
            say.detail(format_args!("{} decoys are known from {}", decoys.len(), path.display()));
        }
        self.exceptions.extend(decoys.into_iter().map(Decoy::exception));
        Ok(self)
    }
}

/// The decoys of a file.
fn load(path: &Path) -> Result<Vec<Decoy>, DecoysError> {
    let unreadable = |error| DecoysError::Read { path: path.to_owned(), error };
    let mut file = File::open(path).map_err(unreadable)?;
    let mut head = Vec::new();
    // What is no file but a pipe (`<(honeytoken export)`) is read once.
    file.by_ref().take(SQLITE.len() as u64).read_to_end(&mut head).map_err(unreadable)?;
    if head.is_empty() {
        // What failed to write the list would take the bait away.
        return Err(DecoysError::Empty(path.to_owned()));
    }
    let mut decoys = if head == SQLITE { registry::read(path)? } else { list::read(path, head.chain(file))? };
    decoys.sort_unstable();
    decoys.dedup();
    Ok(decoys)
}

/// A decoy, unless its ARN names another user than the rest: it would protect neither.
fn decoy(token: String, user: Reference, arn: &Arn) -> Result<Decoy, String> {
    if user.kind != User::TYPE.name() {
        return Err(format!("its `type` is `{}`, and not {}", user.kind.escape_default(), User::TYPE));
    }
    // In an exception it would stand for others, too.
    if user.id.is_empty() || wildcard::has_wildcard(&user.id) {
        return Err(format!("`{}` is no name of a user", user.id.escape_default()));
    }
    user.agrees_with(arn).map_err(|error| error.to_string())?;
    Ok(Decoy { account: user.account, user: user.id, token })
}
