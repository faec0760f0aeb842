//! What IAM tells of users and keys that the registry did not know, or knew otherwise.

use common::arn::Arn;
use common::clock;
use common::record::{KeyStatus, TokenKey, TokenState};
use rusqlite::{OptionalExtension, params};

use super::token::{insert_key, note, set_key, set_state};
use super::{Registry, Result};

/// What `reconcile` is called in the history.
const VERB: &str = "reconcile";

impl Registry {
    /// Takes down how a token's user is called by now.
    pub(crate) fn user_is(&self, token: &str, name: &str, arn: &Arn, principal_id: &str) -> Result<()> {
        self.write(|transaction| {
            let values = params![token, name, arn.to_string(), principal_id];
            let update = "UPDATE token SET user_name = ?2, arn = ?3, principal_id = ?4 WHERE id = ?1";
            transaction.execute(update, values)?;
            note(transaction, Some(token), VERB, &format!("its user is {name} ({principal_id})"), clock::now())
        })
    }

    /// Takes down what has become of a key.
    pub(crate) fn key_is(&self, token: &str, key: &str, status: KeyStatus) -> Result<()> {
        let now = clock::now();
        self.write(|transaction| {
            set_key(transaction, key, status, now)?;
            note(transaction, Some(token), VERB, &format!("its key {key} is {status}"), now)
        })
    }

    /// Takes down what a token's keys are, and the state that follows. Keys that were not known come in: nobody knows who has
    /// their secrets, and nothing is kept of them.
    pub(crate) fn token_is(&self, token: &str, state: TokenState, keys: &[TokenKey]) -> Result<()> {
        let now = clock::now();
        self.write(|transaction| {
            for key in keys {
                let known = "SELECT status FROM key WHERE id = ?1 AND token = ?2";
                let known: Option<String> =
                    transaction.query_row(known, [&key.id, token], |row| row.get(0)).optional()?;
                match known {
                    // Whether anybody has its secret IAM does not know.
                    Some(known) if known == KeyStatus::Unconfirmed.name() && key.status == KeyStatus::Active => {}
                    Some(_) => set_key(transaction, &key.id, key.status, now)?,
                    None => insert_key(transaction, token, key, None)?,
                }
            }
            // One that comes back says something again; what it was before is in the history.
            set_state(transaction, token, TokenState::Active, now)?;
            set_state(transaction, token, state, now)?;
            note(transaction, Some(token), VERB, &format!("it is {state}"), now)
        })
    }
}
