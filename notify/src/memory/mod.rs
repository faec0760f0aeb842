//! What was already said (`--memory`). Without it nothing is remembered, and everything is said.
//!
//! The memory is a JSON document in a file or in S3, with one object for each key and target: what was said, when, and what
//! is needed to see that it is no longer so. A run first claims what it is about to say, so that no other one says it too;
//! then it says it, and then notes down what got through. A claim holds for as long as a run may take: what a run that was
//! killed had claimed is said by the first one after that.
//!
//! # Layout
//!
//! - [`looked`]: what of the input shows that something is no longer so.
//! - [`notes`], [`note`]: the memory, and one object of it. [`merge`]: all that is done to it, pure.

mod looked;
mod merge;
mod note;
mod notes;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use common::cli::Failure;
use common::document::{DocumentFile, Place, Store, StoreError};
use common::id::AccountId;
use common::settings::Period;
use jiff::{SignedDuration, Timestamp};

use self::merge::{Answer, Ask};
use self::notes::Notes;
use crate::entry::{Before, Entry, resolved};
use crate::session::Caller;

pub(crate) use self::looked::Looked;

/// Whom something is said to: the channel's word, and the target's name in the settings, or else the target itself, with a mark
/// of the secret that is part of it.
pub(crate) type TargetName = String;

/// How much longer than sending may take a claim holds: to make the messages, and to note down what came of them.
const MARGIN: SignedDuration = SignedDuration::from_mins(1);

/// What is to be said now.
#[derive(Debug)]
pub(crate) struct Claimed {
    /// Entries, and who hears of each. With what is no longer so, for those who had been told that it was.
    pub(crate) say: Vec<(Entry, Vec<TargetName>)>,
    /// The accounts and keys of the records that nobody hears of, since nothing has changed.
    pub(crate) unchanged: Vec<(AccountId, String)>,
    /// How many were forgotten, since they were in no input for long.
    pub(crate) forgotten: usize,
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
#[error(transparent)]
pub(crate) struct MemoryError(#[from] StoreError);

impl From<MemoryError> for Failure {
    fn from(MemoryError(error): MemoryError) -> Self {
        error.into()
    }
}

/// What was said to whom.
#[derive(Debug, Default)]
pub(crate) struct Memory(Option<Kept>);

#[derive(Debug)]
struct Kept {
    store: Store<Notes>,
    terms: Terms,
    /// This run's name, which no other has.
    run: String,
}

/// On which terms something is said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    /// To whom this run can say anything.
    pub(crate) targets: BTreeSet<TargetName>,
    /// After how long what has not changed is said again; without it never.
    pub(crate) repeat: Option<Period>,
    /// How long sending may take.
    pub(crate) deadline: Duration,
    /// Whether nothing is said: then nothing is claimed either.
    pub(crate) dry_run: bool,
}

impl Memory {
    /// The memory at a place, which need not exist.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is not understood.
    pub(crate) async fn open(place: &Place, terms: Terms, caller: &Caller) -> Result<Self, Failure> {
        let store = match place {
            Place::File(path) => Store::File(DocumentFile::at(path).map_err(StoreError::from)?),
            Place::S3(object) => Store::object(object.clone(), caller.session().await?),
        };
        let memory = Self::with(store, terms);
        memory.check().await?;
        Ok(memory)
    }

    fn with(store: Store<Notes>, terms: Terms) -> Self {
        // Keyed at random, which is all the randomness that is needed.
        let run = format!("{:016x}", RandomState::new().hash_one(std::process::id()));
        Self(Some(Kept { store, terms, run }))
    }

    /// Whether anything is remembered.
    pub(crate) const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    async fn check(&self) -> Result<(), MemoryError> {
        let Some(kept) = &self.0 else { return Ok(()) };
        Ok(kept.store.change(|_| Ok(())).await?)
    }

    /// Leaves out what was said, and adds what is no longer so. What is left is this run's to say.
    pub(crate) async fn claim(
        &self,
        wanted: Vec<(Entry, Vec<TargetName>)>,
        looked: Arc<Looked>,
        now: Timestamp,
    ) -> Result<Claimed, MemoryError> {
        let Some(Kept { store, terms, run }) = &self.0 else {
            return Ok(Claimed { say: wanted, unchanged: Vec::new(), forgotten: 0 });
        };
        let deadline = SignedDuration::try_from(terms.deadline).unwrap_or(SignedDuration::MAX);
        let ask = Arc::new(Ask {
            wanted,
            looked,
            targets: terms.targets.clone(),
            run: run.clone(),
            repeat: terms.repeat.map(Period::get),
            lease: deadline.saturating_add(MARGIN),
            now,
            dry_run: terms.dry_run,
        });
        let asked = Arc::clone(&ask);
        let answer = store.change(move |notes| merge::claim(notes, &asked)).await?;
        let Answer { say, resolved, unchanged, forgotten } = answer;
        let wanted = Arc::try_unwrap(ask).map_or_else(|ask| ask.wanted.clone(), |ask| ask.wanted);
        let mut all: Vec<(Entry, Vec<TargetName>)> =
            wanted.into_iter().zip(say).map(|((entry, _), names)| (entry, names)).collect();
        all.retain(|(_, names)| !names.is_empty());
        all.extend(together(resolved));
        Ok(Claimed { say: all, unchanged, forgotten })
    }

    /// Keeps what was said, and gives back what was not.
    pub(crate) async fn settle(&self, fates: Vec<Fate>, now: Timestamp) -> Result<(), MemoryError> {
        let Some(Kept { store, run, .. }) = self.0.as_ref().filter(|_| !fates.is_empty()) else { return Ok(()) };
        let run = run.clone();
        Ok(store.change(move |notes| merge::settle(notes, &fates, &run, now)).await?)
    }
}

/// What is no longer so, each once for all who were told the same.
fn together(over: Vec<(Before, TargetName)>) -> Vec<(Entry, Vec<TargetName>)> {
    let mut all: Vec<(Before, Vec<TargetName>)> = Vec::new();
    for (before, target) in over {
        // They come in the order of their keys.
        match all.last_mut() {
            Some((last, names)) if *last == before => names.push(target),
            _ => all.push((before, vec![target])),
        }
    }
    all.into_iter().map(|(before, names)| (resolved(before), names)).collect()
}
