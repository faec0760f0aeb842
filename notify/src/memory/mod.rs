//! What was already said (`--memory`). Without it nothing is remembered, and everything is said.

use common::record::{Finding, Outcome, Scope};
use jiff::Timestamp;

use crate::entry::Entry;

/// Whom something is said to: the channel's word, and the target's name in the settings, or else the target itself.
pub(crate) type TargetName = String;

/// What was looked at: the evidence that something is no longer so.
#[derive(Debug, Default)]
pub(crate) struct Looked {}

impl Looked {
    /// Whatever the check says of it.
    pub(crate) fn finding(&mut self, _finding: &Finding) {}

    /// Whatever became of it.
    pub(crate) fn outcome(&mut self, _outcome: &Outcome) {}

    /// Whether a scope was covered, and by which checks.
    pub(crate) fn scope(&mut self, _scope: &Scope) {}
}

/// What is to be said now.
#[derive(Debug)]
pub(crate) struct Claimed {
    /// Entries, and who hears of each. With what is no longer so, for those who had been told that it was.
    pub(crate) say: Vec<(Entry, Vec<TargetName>)>,
    /// How many entries nobody hears of, since nothing has changed.
    pub(crate) unchanged: usize,
}

/// What became of a record's key at a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fate {
    /// The record's key.
    pub(crate) key: String,
    /// Who was to hear of it.
    pub(crate) target: TargetName,
    /// Whether the message got through.
    pub(crate) delivered: bool,
}

/// Why what was said is not known, or cannot be kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MemoryError {}

/// What was said to whom.
#[derive(Debug, Default)]
pub(crate) struct Memory {}

impl Memory {
    /// Whether anything is remembered.
    pub(crate) const fn is_on(&self) -> bool {
        false
    }

    /// Leaves out what was said, and adds what is no longer so. What is left is this run's to say.
    #[expect(clippy::unused_async, reason = "where something is remembered it is asked for")]
    pub(crate) async fn claim(
        &self,
        wanted: Vec<(Entry, Vec<TargetName>)>,
        _looked: &Looked,
        _now: Timestamp,
    ) -> Result<Claimed, MemoryError> {
        Ok(Claimed { say: wanted, unchanged: 0 })
    }

    /// Keeps what was said, and gives back what was not.
    #[expect(clippy::unused_async, reason = "where something is remembered it is written")]
    pub(crate) async fn settle(&self, _fates: Vec<Fate>) -> Result<(), MemoryError> {
        Ok(())
    }
}
