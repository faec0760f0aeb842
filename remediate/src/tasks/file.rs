//! The tasks in a file, which others write to at the same time.
//!
//! Read, changed and written under the lock `FILE.lock`, and never while anything is done to AWS: a new file beside it,
//! synced, and renamed over it, so that a reader sees the old one or the new one, whole. `FILE.run` is held by the run that
//! acts, for as long as it does: whatever is claimed in the file while nobody holds it was claimed by a run that died.

use std::fs::{self, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::document::{Document, DocumentError};

/// How long a producer may hold the lock. A file is written in milliseconds; a person with an editor takes longer.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often the file is read anew where somebody writes to it without the lock.
const TRIES: usize = 20;

/// Why the tasks cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("cannot {what} {path}: {error}")]
    Io { what: &'static str, path: PathBuf, error: io::Error },
    #[error("cannot understand the tasks file {path}: {error}; nothing was overwritten")]
    NotUnderstood { path: PathBuf, error: DocumentError },
    #[error("the tasks file {path} is no regular file, which alone keeps what is written to it")]
    NotRegular { path: PathBuf },
    #[error("somebody holds {lock} for more than a minute: the tasks file cannot be changed")]
    Locked { lock: PathBuf },
    #[error("somebody writes to the tasks file {path} again and again without its lock: see docs/tasks.md")]
    Unlocked { path: PathBuf },
    #[error("cannot write the tasks: {0}")]
    Unwritable(#[from] serde_json::Error),
}

/// A tasks file.
#[derive(Clone, Debug)]
pub(crate) struct TasksFile {
    path: PathBuf,
    lock: PathBuf,
    run: PathBuf,
    fresh: PathBuf,
}

/// The lock of the run that acts. Whoever holds it is alone, until it is dropped or the process ends.
#[derive(Debug)]
pub(crate) struct RunLock {
    _file: File,
}

impl TasksFile {
    /// The file at a path, which need not exist. Where the path is a link, what it leads to: a rename would replace the link.
    pub(crate) fn at(path: &Path) -> Result<Self, FileError> {
        let failed =
            |error| FileError::Io { what: "find the directory of the tasks file", path: path.to_owned(), error };
        let path = match fs::canonicalize(path) {
            Ok(path) => path,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
                let directory = fs::canonicalize(directory.unwrap_or(Path::new("."))).map_err(failed)?;
                let name = path.file_name().ok_or_else(|| failed(ErrorKind::InvalidFilename.into()))?;
                directory.join(name)
            }
            Err(error) => return Err(failed(error)),
        };
        let beside = |end: &str| {
            let mut name = path.clone().into_os_string();
            name.push(end);
            PathBuf::from(name)
        };
        Ok(Self { lock: beside(".lock"), run: beside(".run"), fresh: beside(".new"), path })
    }

    /// The lock of the run that acts; `None` where another run has it.
    pub(crate) fn try_run(&self) -> Result<Option<RunLock>, FileError> {
        let file = open_lock(&self.run)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(RunLock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(FileError::Io { what: "lock", path: self.run.clone(), error }),
        }
    }

    /// Changes the tasks. `change` may be called more than once: each time on what the file holds then.
    pub(crate) fn change<R>(
        &self,
        mut change: impl FnMut(&mut Document) -> Result<R, serde_json::Error>,
    ) -> Result<R, FileError> {
        let _lock = self.lock()?;
        for _ in 0..TRIES {
            let (mut document, read) = self.read()?;
            let result = change(&mut document)?;
            if !document.is_changed() || self.write(&document.text()?, read.as_ref())? {
                return Ok(result);
            }
        }
        Err(FileError::Unlocked { path: self.path.clone() })
    }

    fn lock(&self) -> Result<File, FileError> {
        let file = open_lock(&self.lock)?;
        let (start, mut pause) = (Instant::now(), Duration::from_millis(1));
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => {
                    return Err(FileError::Io { what: "lock", path: self.lock.clone(), error });
                }
                Err(TryLockError::WouldBlock) if start.elapsed() > PATIENCE => {
                    return Err(FileError::Locked { lock: self.lock.clone() });
                }
                Err(TryLockError::WouldBlock) => {
                    thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(20));
                }
            }
        }
    }

    /// The tasks, and what tells whether the file is still the one that was read. A missing file is an empty one.
    fn read(&self) -> Result<(Document, Option<Metadata>), FileError> {
        let failed = |error| FileError::Io { what: "read the tasks file", path: self.path.clone(), error };
        let metadata = match fs::metadata(&self.path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok((Document::default(), None)),
            Err(error) => return Err(failed(error)),
        };
        if !metadata.is_file() {
            return Err(FileError::NotRegular { path: self.path.clone() });
        }
        let text = fs::read_to_string(&self.path).map_err(failed)?;
        let not_understood = |error| FileError::NotUnderstood { path: self.path.clone(), error };
        Ok((Document::parse(&text).map_err(not_understood)?, Some(metadata)))
    }

    /// Replaces the file, unless it is not the one any more that was read: somebody wrote to it without the lock.
    fn write(&self, text: &str, read: Option<&Metadata>) -> Result<bool, FileError> {
        let failed = |error| FileError::Io { what: "write the tasks file", path: self.path.clone(), error };
        self.write_fresh(text, read).map_err(failed)?;
        let now = match fs::metadata(&self.path) {
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        if !is_same(read, now.as_ref()) {
            return Ok(false);
        }
        fs::rename(&self.fresh, &self.path).map_err(failed)?;
        // The name itself must survive a power cut, too.
        if let Some(directory) = self.path.parent() {
            File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)?;
        }
        Ok(true)
    }

    fn write_fresh(&self, text: &str, like: Option<&Metadata>) -> io::Result<()> {
        // What a crash left behind may belong to nobody, and have other permissions.
        match fs::remove_file(&self.fresh) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        // It holds policies and key ids: nobody else's business, unless whoever made the file says so.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&self.fresh)?;
        file.write_all(text.as_bytes())?;
        if let Some(like) = like {
            take_after(&file, &self.fresh, like)?;
        }
        file.sync_all()
    }
}

/// Gives a file the owner and the permissions of another.
fn take_after(file: &File, path: &Path, like: &Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, chown};
        let own = file.metadata()?;
        if (own.uid(), own.gid()) != (like.uid(), like.gid()) {
            // Only root may give a file away; whoever may not keeps it, with the same permissions.
            drop(chown(path, Some(like.uid()), Some(like.gid())));
        }
    }
    let permissions: Permissions = like.permissions();
    file.set_permissions(permissions)
}

/// Whether nobody has written to the file since.
fn is_same(before: Option<&Metadata>, now: Option<&Metadata>) -> bool {
    match (before, now) {
        (None, None) => true,
        (Some(before), Some(now)) => {
            #[cfg(unix)]
            {
                use std::os::unix::fs::MetadataExt;
                if (before.dev(), before.ino()) != (now.dev(), now.ino()) {
                    return false;
                }
            }
            before.len() == now.len() && before.modified().ok() == now.modified().ok()
        }
        _ => false,
    }
}

/// Opens a file that is only there to be locked, and is never removed: whoever waits for it would wait for another one.
fn open_lock(path: &Path) -> Result<File, FileError> {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    let opened = match opened {
        // Another user's, which can be locked all the same.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => File::open(path).map_err(|_| error),
        opened => opened,
    };
    opened.map_err(|error| FileError::Io { what: "open the lock", path: path.to_owned(), error })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn add(document: &mut Document, number: usize) -> Result<(), serde_json::Error> {
        document.add(
            json!({"action": "stop", "id": number}).as_object().cloned().as_ref().unwrap_or(&serde_json::Map::new()),
        )
    }

    #[test]
    fn many_who_write_at_once_lose_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tasks.json");
        thread::scope(|scope| {
            for writer in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    let file = TasksFile::at(path).unwrap();
                    for number in 0..50 {
                        file.change(|document| add(document, writer * 100 + number)).unwrap();
                    }
                });
            }
        });
        let file = TasksFile::at(&path).unwrap();
        assert_eq!(file.change(|document| Ok(document.tasks().len())).unwrap(), 200);
    }

    #[test]
    fn who_writes_without_the_lock_is_seen() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tasks.json");
        let file = TasksFile::at(&path).unwrap();
        file.change(|document| add(document, 1)).unwrap();
        let mut times = 0;
        file.change(|document| {
            times += 1;
            if times < 3 {
                fs::write(&path, format!("{{\"tasks\": [{{\"id\": {times}}}], \"times\": {times}}}")).unwrap();
            }
            add(document, 2)
        })
        .unwrap();
        assert_eq!(times, 3);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("\"times\": 2") && text.contains("{\"id\": 2}"), "{text}");
        let error = file.change(|document| {
            times += 1;
            fs::write(&path, format!("{{\"tasks\": [], \"times\": {times}}}")).unwrap();
            add(document, 3)
        });
        assert!(matches!(error, Err(FileError::Unlocked { .. })), "{error:?}");
    }

    #[test]
    fn nothing_is_written_where_nothing_is_changed_or_understood() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tasks.json");
        let file = TasksFile::at(&path).unwrap();
        file.change(|_| Ok(())).unwrap();
        assert!(!path.exists());
        for text in ["{\"tasks\":[{}]}", "{\"tasks\": [", ""] {
            fs::write(&path, text).unwrap();
            let changed = file.change(|document| if text.len() > 12 { Ok(()) } else { add(document, 1) });
            assert_eq!(changed.is_ok(), text.len() > 12, "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert!(matches!(TasksFile::at(&directory.path().join("no/tasks.json")), Err(FileError::Io { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn the_file_keeps_its_permissions_and_its_link() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let directory = tempfile::tempdir().unwrap();
        let (path, link) = (directory.path().join("tasks.json"), directory.path().join("link.json"));
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        let file = TasksFile::at(&path).unwrap();
        file.change(|document| add(document, 1)).unwrap();
        assert_eq!(mode(), 0o600, "nobody else's business");
        fs::set_permissions(&path, Permissions::from_mode(0o664)).unwrap();
        symlink(&path, &link).unwrap();
        // What a crash left behind.
        fs::write(directory.path().join("tasks.json.new"), "{").unwrap();
        TasksFile::at(&link).unwrap().change(|document| add(document, 2)).unwrap();
        assert_eq!(mode(), 0o664);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(file.change(|document| Ok(document.tasks().len())).unwrap(), 2);
    }

    #[test]
    fn one_run_acts_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tasks.json");
        let file = TasksFile::at(&path).unwrap();
        let held = file.try_run().unwrap();
        assert!(held.is_some());
        assert!(file.try_run().unwrap().is_none());
        file.change(|document| add(document, 1)).unwrap();
        drop(held);
        assert!(file.try_run().unwrap().is_some());
    }
}
