//! The journal: what is about to be done is on the disk before it is done.
//!
//! One NDJSON file, appended to and synced: a line `before` each action, with its calls and its undo, and a line `after`
//! it. A `before` without its `after` is an action that a crash cut off; the next run finds it and says so. One run
//! writes to a journal at a time: the lock also keeps two runs of cron from acting on the same resources at once.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use common::record::Outcome;
use common::settings::Settings;
use common::stream::Reader;
use serde::{Deserialize, Serialize};

/// A line of the journal.
#[derive(Debug, Serialize, Deserialize)]
struct Entry<O> {
    kind: EntryKind,
    phase: Phase,
    outcome: O,
}

#[derive(Debug, Serialize, Deserialize)]
enum EntryKind {
    #[serde(rename = "journal")]
    Journal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    Before,
    After,
}

/// Why the journal cannot be used, without which nothing is done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalError {
    #[error("cannot use the journal {path}: {error}; name another with --journal")]
    Io { path: PathBuf, error: io::Error },
    #[error("another run is acting: it holds the journal {path}")]
    Locked { path: PathBuf },
    #[error("there is no place for the journal: neither XDG_STATE_HOME nor HOME is set; name one with --journal")]
    NoPlace,
}

/// An open, locked journal.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: Mutex<File>,
}

/// Where the journal is when neither the command line nor the settings say: `$XDG_STATE_HOME/sluice/journal.ndjson`, as
/// the XDG Base Directory Specification has it.
pub(crate) fn place(argument: Option<&Path>, settings: &Settings) -> Result<PathBuf, JournalError> {
    if let Some(path) = argument.or(settings.remediate.journal.as_deref()) {
        return Ok(path.to_owned());
    }
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")));
    Ok(state.ok_or(JournalError::NoPlace)?.join("sluice").join("journal.ndjson"))
}

impl Journal {
    /// Opens and locks a journal, and reads what earlier runs left unfinished in it.
    pub(crate) fn open(path: PathBuf) -> Result<(Self, Vec<Outcome>), JournalError> {
        let failed = |error| JournalError::Io { path: path.clone(), error };
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            std::fs::create_dir_all(directory).map_err(failed)?;
        }
        let mut options = OpenOptions::new();
        options.create(true).append(true).read(true);
        // It holds policies and key ids: nobody else's business.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(failed)?;
        // A pipe or a device keeps nothing that the next run could read, and may be read without end.
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(failed(io::Error::other("it is no regular file, which alone keeps what is written to it")));
        }
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::Locked { path }),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let unfinished = unfinished(&mut file).map_err(failed)?;
        Ok((Self { path, file: Mutex::new(file) }, unfinished))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What is about to be done.
    pub(crate) fn before<'a>(&self, outcomes: impl IntoIterator<Item = &'a Outcome>) -> Result<(), JournalError> {
        self.append(Phase::Before, outcomes)
    }

    /// What came of it.
    pub(crate) fn after<'a>(&self, outcomes: impl IntoIterator<Item = &'a Outcome>) -> Result<(), JournalError> {
        self.append(Phase::After, outcomes)
    }

    fn append<'a>(&self, phase: Phase, outcomes: impl IntoIterator<Item = &'a Outcome>) -> Result<(), JournalError> {
        let failed = |error| JournalError::Io { path: self.path.clone(), error };
        let mut lines = Vec::new();
        for outcome in outcomes {
            let entry = Entry { kind: EntryKind::Journal, phase, outcome };
            serde_json::to_writer(&mut lines, &entry).map_err(io::Error::from).map_err(failed)?;
            lines.push(b'\n');
        }
        if lines.is_empty() {
            return Ok(());
        }
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        file.write_all(&lines).and_then(|()| file.sync_data()).map_err(failed)
    }
}

/// The actions that have a `before` and no `after`, oldest first. Also ends a line that a crash cut off, lest the next
/// one be glued to it.
fn unfinished(file: &mut File) -> io::Result<Vec<Outcome>> {
    file.rewind()?;
    let mut open: BTreeMap<[String; 6], Outcome> = BTreeMap::new();
    for item in Reader::new(&mut *file) {
        // A torn line is what a crash leaves; the lines around it still count.
        let Ok(item) = item else { continue };
        let Ok(entry) = serde_json::from_str::<Entry<Outcome>>(&item.text) else { continue };
        let key = identity(&entry.outcome);
        match entry.phase {
            Phase::Before => open.insert(key, entry.outcome),
            Phase::After => open.remove(&key),
        };
    }
    let length = file.metadata()?.len();
    if length > 0 {
        let mut last = [0];
        file.seek(io::SeekFrom::Start(length - 1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    Ok(open.into_values().collect())
}

/// Which action of which run: a task's key may be that of another account's or region's too.
fn identity(outcome: &Outcome) -> [String; 6] {
    let Outcome { run, key, account, region, r#type, id, .. } = outcome;
    [run.clone(), key.clone(), account.to_string(), region.to_string(), r#type.clone(), id.clone()]
}

#[cfg(test)]
mod tests {
    use common::record::OutcomeStatus;
    use serde_json::json;

    use super::*;

    fn outcome(run: &str, key: &str, status: &str) -> Outcome {
        serde_json::from_value(json!({
            "kind": "outcome", "key": key, "status": status, "account": "111122223333", "region": "eu-west-1",
            "type": "ec2", "id": "i-1", "run": run,
        }))
        .unwrap()
    }

    #[test]
    fn what_a_crash_cut_off_is_found_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state/journal.ndjson");
        let (journal, unfinished) = Journal::open(path.clone()).unwrap();
        assert!(unfinished.is_empty());
        journal.before([&outcome("run1", "a", "planned")]).unwrap();
        journal.after([&outcome("run1", "a", "applied")]).unwrap();
        journal.before([&outcome("run1", "b", "planned")]).unwrap();
        drop(journal);
        // A line torn in the middle, as a crash leaves it.
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"kind\":\"journal\",\"pha").unwrap();

        let (journal, unfinished) = Journal::open(path.clone()).unwrap();
        assert_eq!(unfinished.iter().map(|outcome| outcome.key.as_str()).collect::<Vec<_>>(), ["b"]);
        journal.after([&outcome("run1", "b", "interrupted")]).unwrap();
        drop(journal);
        let (_, unfinished) = Journal::open(path).unwrap();
        assert!(unfinished.is_empty(), "{unfinished:?}");
    }

    #[test]
    fn two_runs_do_not_act_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal.ndjson");
        let (held, _) = Journal::open(path.clone()).unwrap();
        assert!(matches!(Journal::open(path.clone()), Err(JournalError::Locked { .. })));
        drop(held);
        assert!(Journal::open(path).is_ok());
        assert_eq!(outcome("r", "k", "applied").status, OutcomeStatus::Applied);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal.ndjson");
        Journal::open(path.clone()).unwrap();
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
