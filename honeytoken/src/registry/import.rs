//! Tokens that come from elsewhere: from another registry, or from SpaceCrab.

use std::collections::{BTreeMap, BTreeSet};

use common::clock;
use common::record::{Planting, Token, TokenState};
use rusqlite::{ErrorCode, OptionalExtension, Transaction, params};

use super::token::{describe, insert_planting, insert_token, load, note, stamp};
use super::{Registry, Result};
use crate::secret::Mark;

/// A token, with what is kept of its keys' secrets where they came with it.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) token: Token,
    pub(crate) marks: BTreeMap<String, Mark>,
}

/// What became of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is in the registry now.
    New,
    /// It was there, in this state, which stays; what people say of it is as it came.
    Known(TokenState),
    /// It was not taken, for this reason.
    Refused(String),
}

/// Why one is not taken, or why none can be.
enum Refusal {
    Because(String),
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Registry {
    /// Takes tokens in, all at once; one that is refused costs only itself.
    pub(crate) fn take_in(&self, all: &[Incoming]) -> Result<Vec<Taken>> {
        self.write(|transaction| {
            let mut taken = Vec::with_capacity(all.len());
            for incoming in all {
                transaction.execute_batch("SAVEPOINT one")?;
                let refused = match take_one(transaction, incoming) {
                    Ok(answer) => {
                        transaction.execute_batch("RELEASE one")?;
                        taken.push(answer);
                        continue;
                    }
                    Err(Refusal::Because(why)) => why,
                    Err(Refusal::Sqlite(error))
                        if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) =>
                    {
                        format!("the registry does not take it: {error}")
                    }
                    Err(Refusal::Sqlite(error)) => return Err(error),
                };
                transaction.execute_batch("ROLLBACK TO one; RELEASE one")?;
                taken.push(Taken::Refused(refused));
            }
            Ok(taken)
        })
    }
}

fn take_one(transaction: &Transaction<'_>, incoming: &Incoming) -> std::result::Result<Taken, Refusal> {
    let Incoming { token, marks } = incoming;
    if let Some(before) = load(transaction, Some(&token.token))?.pop() {
        return known(transaction, &before, incoming);
    }
    for key in &token.keys {
        let query = "SELECT token FROM key WHERE id = ?1";
        let other: Option<String> = transaction.query_row(query, [&key.id], |row| row.get(0)).optional()?;
        if let Some(other) = other {
            return Err(Refusal::Because(format!("its key {} is one of the token {other} already", key.id)));
        }
    }
    if token.state.is_there() {
        let query = "SELECT id FROM token WHERE account = ?1 AND lower(user_name) = lower(?2) AND state <> 'deleted'";
        let values = params![token.account.as_str(), token.id];
        let other: Option<String> = transaction.query_row(query, values, |row| row.get(0)).optional()?;
        if let Some(other) = other {
            return Err(Refusal::Because(format!("its user is the token {other} already")));
        }
    }
    insert_token(transaction, token, |key| marks.get(key).map(|mark| mark.to_vec()))?;
    note(transaction, Some(&token.token), "import", "new", clock::now())?;
    Ok(Taken::New)
}

/// What people say of it, where it lies, and secrets that nobody knew; never another user, or other keys.
fn known(transaction: &Transaction<'_>, before: &Token, incoming: &Incoming) -> std::result::Result<Taken, Refusal> {
    let Incoming { token, marks } = incoming;
    if (&before.account, &before.id, &before.arn) != (&token.account, &token.id, &token.arn) {
        return Err(Refusal::Because(format!(
            "the token {} is another user in the registry: {}",
            before.token, before.arn
        )));
    }
    let ids = |token: &Token| token.keys.iter().map(|key| key.id.clone()).collect::<BTreeSet<_>>();
    let (here, there) = (ids(before), ids(token));
    if here != there {
        let list = |ids: BTreeSet<String>| {
            if ids.is_empty() { "none".to_owned() } else { ids.into_iter().collect::<Vec<_>>().join(", ") }
        };
        let why = format!("its keys are {} in the registry, and {} here", list(here), list(there));
        return Err(Refusal::Because(why));
    }
    for (key, mark) in marks {
        let query = "SELECT mark FROM key WHERE id = ?1";
        let noted: Option<Vec<u8>> = transaction.query_row(query, [key], |row| row.get(0))?;
        match noted {
            Some(noted) if noted == mark => {}
            Some(_) => {
                return Err(Refusal::Because(format!(
                    "the secret of its key {key} is not the one that was handed out"
                )));
            }
            None => {
                let update = "UPDATE key SET mark = ?2 WHERE id = ?1";
                transaction.execute(update, params![key, mark])?;
            }
        }
    }
    let mut after = before.clone();
    after.owner.clone_from(&token.owner);
    after.location.clone_from(&token.location);
    after.notes.clone_from(&token.notes);
    after.labels.clone_from(&token.labels);
    after.expires_at = token.expires_at;
    after.expired_at = token.expired_at;
    describe(transaction, before, &after, "import")?;
    for planting in &token.planted {
        let Planting { key, host, path, profile, at } = planting;
        // One that was taken away since is not there again.
        let is_known: bool = transaction.query_row(
            "SELECT EXISTS (SELECT 1 FROM planting WHERE token = ?1 AND key = ?2 AND host = ?3 AND path = ?4
                AND profile = ?5 AND (at = ?6 OR removed_at IS NULL))",
            params![before.token, key, host, path, profile, stamp(*at)],
            |row| row.get(0),
        )?;
        if !is_known {
            insert_planting(transaction, &before.token, planting)?;
        }
    }
    Ok(Taken::Known(before.state))
}
