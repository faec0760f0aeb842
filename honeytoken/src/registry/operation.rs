//! What was begun in AWS, and is not known to have ended: written before each call, and gone when all of it is done.
//!
//! Whoever finds an operation while it holds the registry ([`super::Registry::hold`]) knows that its process is gone.

use std::fmt;
use std::str::FromStr;

use common::clock;
use common::record::{KeyStatus, TokenState};
use rusqlite::params;

use super::token::{note, set_key, set_state, stamp, word};
use super::{Registry, Result};

/// Something that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    /// Its number.
    pub(crate) number: i64,
    /// The token.
    pub(crate) token: String,
    /// What was to be done.
    pub(crate) verb: Verb,
    /// How far it came: the step that was about to be made.
    pub(crate) step: Step,
    /// What the step is about: a key's id, a file.
    pub(crate) detail: String,
}

/// Enums that are one word in the registry.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $( $(#[$doc:meta])* $variant:ident = $word:literal, )+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $name { $( $(#[$doc])* $variant, )+ }

        impl $name {
            /// The word in the registry.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(word: &str) -> std::result::Result<Self, String> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    other => Err(format!("`{other}` is not understood")),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(self.name())
            }
        }
    };
}

words! {
    /// What is to be done.
    Verb {
        /// A token is made.
        Create = "create",
        /// A token gets another key.
        Rotate = "rotate",
        /// A key is taken away.
        DeleteKey = "delete_key",
        /// A token is deleted.
        Delete = "delete",
        /// A token's keys are deactivated.
        Disable = "disable",
    }
}

words! {
    /// What is about to be done.
    Step {
        /// The user.
        User = "user",
        /// The guard.
        Guard = "guard",
        /// The key is asked for: one that is there and not in the registry is one whose secret nobody has.
        Key = "key",
        /// The secret is handed out; the detail is the key's id.
        HandOut = "hand_out",
        /// What is there is taken away.
        Remove = "remove",
    }
}

/// What the history says of how something ended.
fn outcome(verb: Verb, state: TokenState, keys: &[(&str, KeyStatus)]) -> &'static str {
    let has_key = keys.iter().any(|(_, status)| *status == KeyStatus::Active);
    match verb {
        Verb::Create if state == TokenState::Deleted => "taken back",
        Verb::Create | Verb::Rotate if has_key => "done",
        Verb::Rotate if !keys.is_empty() => "taken back",
        Verb::Create | Verb::Rotate => "no key is confirmed",
        Verb::DeleteKey | Verb::Delete | Verb::Disable => "done",
    }
}

impl Registry {
    /// Begins something: to be called before the first call that changes anything. Answers with its number.
    pub(crate) fn begin(&self, token: &str, verb: Verb, step: Step, detail: &str) -> Result<i64> {
        let now = clock::now();
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO operation (token, verb, step, detail, started_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
                params![token, verb.name(), step.name(), detail, stamp(now)],
            )?;
            let number = transaction.last_insert_rowid();
            note(transaction, Some(token), verb.name(), "begun", now)?;
            Ok(number)
        })
    }

    /// Goes on to the next step: to be called before it.
    pub(crate) fn step(&self, number: i64, step: Step, detail: &str) -> Result<()> {
        let now = stamp(clock::now());
        self.write(|transaction| {
            let values = params![number, step.name(), detail, now];
            let update = "UPDATE operation SET step = ?2, detail = ?3, updated_at = ?4 WHERE number = ?1";
            transaction.execute(update, values).map(drop)
        })
    }

    /// Ends something, with what has become of the token and of keys, all at once.
    pub(crate) fn end(
        &self,
        operation: i64,
        token: &str,
        verb: Verb,
        state: TokenState,
        keys: &[(&str, KeyStatus)],
    ) -> Result<()> {
        let now = clock::now();
        self.write(|transaction| {
            for (key, status) in keys {
                set_key(transaction, key, *status, now)?;
            }
            set_state(transaction, token, state, now)?;
            transaction.execute("DELETE FROM operation WHERE number = ?1", [operation])?;
            note(transaction, Some(token), verb.name(), outcome(verb, state, keys), now)
        })
    }

    /// Whether something that was begun did not end.
    pub(crate) fn is_unfinished(&self, operation: i64) -> Result<bool> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT 1 FROM operation WHERE number = ?1")?;
            statement.exists([operation])
        })
    }

    /// What was begun and did not end, the oldest first. Only for whoever holds the registry.
    pub(crate) fn unfinished(&self) -> Result<Vec<Operation>> {
        self.read(|connection| {
            let query = "SELECT number, token, verb, step, detail FROM operation ORDER BY number";
            let mut statement = connection.prepare_cached(query)?;
            let found = statement.query_map([], |row| {
                Ok(Operation {
                    number: row.get(0)?,
                    token: row.get(1)?,
                    verb: word(row, 2)?,
                    step: word(row, 3)?,
                    detail: row.get(4)?,
                })
            })?;
            found.collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_says_done_only_of_what_was_done() {
        use KeyStatus::{Active, Deleted};
        for (verb, state, keys, expected) in [
            (Verb::Create, TokenState::Active, &[("new", Active)][..], "done"),
            (Verb::Create, TokenState::Deleted, &[], "taken back"),
            (Verb::Create, TokenState::Active, &[], "no key is confirmed"),
            (Verb::Rotate, TokenState::Active, &[("new", Active)], "done"),
            (Verb::Rotate, TokenState::Active, &[("new", Deleted)], "taken back"),
            (Verb::Rotate, TokenState::Active, &[], "no key is confirmed"),
            (Verb::Delete, TokenState::Deleted, &[("old", Deleted)], "done"),
            (Verb::DeleteKey, TokenState::Active, &[("old", Deleted)], "done"),
            (Verb::Disable, TokenState::Disabled, &[], "done"),
        ] {
            assert_eq!(outcome(verb, state, keys), expected, "{verb} {state} {keys:?}");
        }
    }
}
