//! Tokens that are being made.

use std::collections::BTreeSet;

use common::record::Token;
use rusqlite::params;

use super::{Registry, Result};

impl Registry {
    /// Gives a token whose user is not made yet another name, or another account.
    pub(crate) fn replan(&self, token: &Token) -> Result<()> {
        self.write(|transaction| {
            let Token { token, account, id, arn, guard, .. } = token;
            let values = params![token, account.as_str(), id, arn.to_string(), guard.name()];
            let update =
                "UPDATE token SET account = ?2, user_name = ?3, arn = ?4, guard = ?5, principal_id = NULL WHERE id = ?1";
            transaction.execute(update, values).map(drop)
        })
    }

    /// The names of all users that there are or were, in lower case: events of those that were deleted come late.
    pub(crate) fn names(&self) -> Result<BTreeSet<String>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT DISTINCT lower(user_name) FROM token")?;
            let names = statement.query_map([], |row| row.get(0))?;
            names.collect()
        })
    }
}
