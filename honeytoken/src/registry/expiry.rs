//! Tokens whose time is over.

use jiff::Timestamp;
use rusqlite::params;

use super::token::{note, stamp};
use super::{Registry, Result};

impl Registry {
    /// Takes down that the time of these tokens was found to be over, all at once; what was taken down before stays.
    pub(crate) fn expire(&self, tokens: &[&str], now: Timestamp) -> Result<()> {
        self.write(|transaction| {
            for token in tokens {
                let update = "UPDATE token SET expired_at = ?2 WHERE id = ?1 AND expired_at IS NULL";
                if transaction.execute(update, params![token, stamp(now)])? > 0 {
                    note(transaction, Some(token), "expire", "its time is over", now)?;
                }
            }
            Ok(())
        })
    }
}
