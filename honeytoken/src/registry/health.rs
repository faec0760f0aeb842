//! When a watch was last at work, as far as the registry tells.

use jiff::Timestamp;

use super::token::word;
use super::{Registry, Result};

impl Registry {
    /// The sources that a watch has read so far, and when it last did, the latest first. Queues are not among them: their
    /// messages are their own cursor.
    pub(crate) fn sources_read(&self) -> Result<Vec<(String, Timestamp)>> {
        self.read(|connection| {
            let query = "SELECT source, updated_at FROM cursor ORDER BY updated_at DESC, source";
            let mut statement = connection.prepare_cached(query)?;
            let sources = statement.query_map([], |row| Ok((row.get(0)?, word(row, 1)?)))?;
            sources.collect()
        })
    }
}
