//! The memory as a whole.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use common::document::{Document, List, ListEntry, ListError, Listed};
use jiff::{SignedDuration, Timestamp};

use super::TargetName;
use super::note::{Note, NoteError};

/// How exactly it is noted down when something was last in an input: a quiet run writes nothing.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What a memory is a list of.
struct Said;

impl Listed for Said {
    const WHAT: &'static str = "memory";
    const NAME: &'static str = "said";
    const ENTRY: &'static str = "what was said";
    const MAY_BE_BLANK: bool = true;
}

/// The memory: what is known of each key and target.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    list: List<Said>,
    pub(super) all: BTreeMap<(String, TargetName), Known>,
    /// Whether any has gone.
    gone: bool,
}

/// A note, and how it stood there.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) note: Note,
    entry: Option<ListEntry>,
    changed: bool,
}

/// Why a text is no memory.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotesError {
    #[error(transparent)]
    List(#[from] ListError),
    #[error(transparent)]
    Note(#[from] NoteError),
    #[error("line {line}: `{key}` is there twice for {target}: to choose one would lose the other")]
    Twice { line: u64, key: String, target: TargetName },
}

impl Document for Notes {
    const WHAT: &'static str = Said::WHAT;

    type Error = NotesError;

    fn parse(text: &str) -> Result<Self, NotesError> {
        let list = List::<Said>::parse(text)?;
        let mut all = BTreeMap::new();
        for entry in list.entries() {
            let note = Note::read(entry)?;
            match all.entry((note.key.clone(), note.target.clone())) {
                Slot::Vacant(slot) => drop(slot.insert(Known { note, entry: Some(entry.clone()), changed: false })),
                Slot::Occupied(slot) => {
                    let (key, target) = slot.key().clone();
                    return Err(NotesError::Twice { line: entry.line, key, target });
                }
            }
        }
        Ok(Self { list, all, gone: false })
    }

    fn text(&self) -> Result<String, serde_json::Error> {
        self.list.text()
    }

    fn is_changed(&self) -> bool {
        self.list.is_changed()
    }
}

impl Notes {
    /// Puts what was changed into the text, all in its order.
    pub(super) fn write(&mut self) -> Result<(), serde_json::Error> {
        if !self.gone && self.all.values().all(|known| !known.changed) {
            return Ok(());
        }
        let entries = self.all.values().map(|Known { note, entry, changed }| match entry {
            Some(entry) if !changed => Ok(entry.clone()),
            entry => note.write(entry.as_ref()),
        });
        let entries = entries.collect::<Result<_, serde_json::Error>>()?;
        self.list.replace(entries);
        Ok(())
    }

    /// Leaves out those for which `keep` does not say that they stay; the answer is how many.
    pub(super) fn retain(&mut self, keep: impl Fn(&Note) -> bool) -> usize {
        let before = self.all.len();
        self.all.retain(|_, known| keep(&known.note));
        let gone = before - self.all.len();
        self.gone |= gone > 0;
        gone
    }
}

impl Known {
    /// One that was not there.
    pub(super) fn new(note: Note) -> Self {
        Self { note, entry: None, changed: true }
    }

    /// Changes the note; the answer of `change` is whether it did.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut Note) -> bool) {
        self.changed |= change(&mut self.note);
    }

    /// Takes down that it was in an input.
    pub(super) fn seen(&mut self, now: Timestamp) {
        self.change(|note| {
            let is_news = note.seen.is_none_or(|seen| now.duration_since(seen) >= DAY);
            if is_news {
                note.seen = Some(now);
            }
            is_news
        });
    }
}
