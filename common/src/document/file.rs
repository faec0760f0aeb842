//! A document in a file, to which others write at the same time.
//!
//! Read, changed and written under the lock `FILE.lock`, which nobody holds for longer than that takes: a new file beside
//! it, synced, and renamed over it, so that a reader sees the old one or the new one, whole.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::lock::beside;
use super::{Document, Lock, LockError, NotUnderstood};

/// How long somebody else may hold the lock. A file is written in milliseconds; a person with an editor takes longer.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often the file is read anew where somebody writes to it without the lock.
const TRIES: usize = 20;

/// Why a document in a file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// What the file system says.
    #[error("cannot {verb} the {what} {path}: {error}")]
    Io {
        /// What was tried.
        verb: &'static str,
        /// What the document is.
        what: &'static str,
        /// Where it is.
        path: PathBuf,
        /// Why it did not work.
        error: io::Error,
    },
    /// It is none.
    #[error("cannot understand the {what} {path}: {error}; nothing was overwritten")]
    NotUnderstood {
        /// What the document is.
        what: &'static str,
        /// Where it is.
        path: PathBuf,
        /// Why it is none.
        error: NotUnderstood,
    },
    /// It is a device, say.
    #[error("the {what} {path} is no regular file, which alone keeps what is written to it")]
    NotRegular {
        /// What the document is.
        what: &'static str,
        /// Where it is.
        path: PathBuf,
    },
    /// The lock cannot be used.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The lock is somebody else's.
    #[error("somebody holds {lock} for more than a minute: the {what} cannot be changed")]
    Locked {
        /// What the document is.
        what: &'static str,
        /// The lock.
        lock: PathBuf,
    },
    /// Somebody does not know of the lock.
    #[error("somebody writes to the {what} {path} again and again without holding its lock, {lock}")]
    Unlocked {
        /// What the document is.
        what: &'static str,
        /// Where it is.
        path: PathBuf,
        /// The lock.
        lock: PathBuf,
    },
    /// What was made of it cannot be written.
    #[error("cannot write the {what}: {error}")]
    Unwritable {
        /// What the document is.
        what: &'static str,
        /// Why not.
        error: serde_json::Error,
    },
}

/// A document in a file.
#[derive(Debug)]
pub struct DocumentFile<D> {
    path: PathBuf,
    lock: Lock,
    fresh: PathBuf,
    document: PhantomData<fn() -> D>,
}

impl<D> Clone for DocumentFile<D> {
    fn clone(&self) -> Self {
        let Self { path, lock, fresh, document } = self;
        Self { path: path.clone(), lock: lock.clone(), fresh: fresh.clone(), document: *document }
    }
}

impl<D: Document> DocumentFile<D> {
    /// The file at a path, which need not exist. Where the path is a link, what it leads to: a rename would replace the link.
    ///
    /// # Errors
    ///
    /// Its directory is not there.
    pub fn at(path: &Path) -> Result<Self, FileError> {
        let failed =
            |error| FileError::Io { verb: "find the directory of", what: D::WHAT, path: path.to_owned(), error };
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
        let (lock, fresh) = (Lock::beside(&path, ".lock"), beside(&path, ".new"));
        Ok(Self { path, lock, fresh, document: PhantomData })
    }

    /// A lock beside the file that has nothing to do with how it is written: `end` is the end of its name.
    pub fn lock_beside(&self, end: &str) -> Lock {
        Lock::beside(&self.path, end)
    }

    /// Changes the document. `change` may be called more than once: each time on what the file holds then.
    ///
    /// # Errors
    ///
    /// The file cannot be read, understood or written, or others do not let it.
    pub fn change<R>(&self, mut change: impl FnMut(&mut D) -> Result<R, serde_json::Error>) -> Result<R, FileError> {
        let held = self.lock.hold(PATIENCE)?;
        let lock = || self.lock.path().to_owned();
        let _held = held.ok_or_else(|| FileError::Locked { what: D::WHAT, lock: lock() })?;
        let unwritable = |error| FileError::Unwritable { what: D::WHAT, error };
        for _ in 0..TRIES {
            let (mut document, read) = self.read()?;
            let result = change(&mut document).map_err(unwritable)?;
            if !document.is_changed() || self.write(&document.text().map_err(unwritable)?, read.as_ref())? {
                return Ok(result);
            }
        }
        Err(FileError::Unlocked { what: D::WHAT, path: self.path.clone(), lock: lock() })
    }

    fn failed(&self, verb: &'static str, error: io::Error) -> FileError {
        FileError::Io { verb, what: D::WHAT, path: self.path.clone(), error }
    }

    /// The document, and what tells whether the file is still the one that was read. A missing file is an empty document.
    fn read(&self) -> Result<(D, Option<Metadata>), FileError> {
        let failed = |error| self.failed("read", error);
        let metadata = match fs::metadata(&self.path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok((D::default(), None)),
            Err(error) => return Err(failed(error)),
        };
        if !metadata.is_file() {
            return Err(FileError::NotRegular { what: D::WHAT, path: self.path.clone() });
        }
        let text = fs::read_to_string(&self.path).map_err(failed)?;
        let not_understood =
            |error: D::Error| FileError::NotUnderstood { what: D::WHAT, path: self.path.clone(), error: error.into() };
        Ok((D::parse(&text).map_err(not_understood)?, Some(metadata)))
    }

    /// Replaces the file, unless it is not the one any more that was read: somebody wrote to it without the lock.
    fn write(&self, text: &str, read: Option<&Metadata>) -> Result<bool, FileError> {
        let failed = |error| self.failed("write", error);
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
        // It may hold policies and key ids: nobody else's business, unless whoever made the file says so.
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

#[cfg(test)]
mod tests {
    use std::process;
    use std::thread;

    use super::*;
    use crate::document::Numbers;

    /// A directory of the test's own, removed with it.
    struct Directory(PathBuf);

    impl Directory {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("common-document-{}-{name}", process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn file(&self, name: &str) -> PathBuf {
            self.0.join(name)
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    fn at(path: &Path) -> DocumentFile<Numbers> {
        DocumentFile::at(path).unwrap()
    }

    fn add(number: u64) -> impl Fn(&mut Numbers) -> Result<(), serde_json::Error> {
        move |numbers| {
            numbers.add(number);
            Ok(())
        }
    }

    #[test]
    fn many_who_write_at_once_lose_nothing() {
        let directory = Directory::new("many");
        let path = directory.file("numbers");
        thread::scope(|scope| {
            for writer in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    let file = at(path);
                    for number in 0..50 {
                        file.change(add(writer * 100 + number)).unwrap();
                    }
                });
            }
        });
        assert_eq!(at(&path).change(|numbers| Ok(numbers.all.len())).unwrap(), 200);
    }

    #[test]
    fn who_writes_without_the_lock_is_seen() {
        let directory = Directory::new("unlocked");
        let path = directory.file("numbers");
        let file = at(&path);
        file.change(add(1)).unwrap();
        let mut times = 0;
        file.change(|numbers| {
            times += 1;
            if times < 3 {
                fs::write(&path, "7\n".repeat(1 + times)).unwrap();
            }
            add(2)(numbers)
        })
        .unwrap();
        assert_eq!(times, 3);
        assert_eq!(fs::read_to_string(&path).unwrap(), "7\n7\n7\n2");
        let error = file.change(|numbers| {
            times += 1;
            fs::write(&path, "7\n".repeat(times)).unwrap();
            add(3)(numbers)
        });
        assert!(matches!(error, Err(FileError::Unlocked { .. })), "{error:?}");
        assert!(error.unwrap_err().to_string().contains("numbers.lock"));
    }

    #[test]
    fn nothing_is_written_where_nothing_is_changed_or_understood() {
        let directory = Directory::new("unchanged");
        let path = directory.file("numbers");
        let file = at(&path);
        file.change(|_| Ok(())).unwrap();
        assert!(!path.exists());
        for (text, understood) in [("1   2", true), ("1 x", false)] {
            fs::write(&path, text).unwrap();
            let changed = file.change(|numbers| if understood { Ok(()) } else { add(1)(numbers) });
            assert_eq!(changed.is_ok(), understood, "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        let error = file.change(|_| Ok(())).unwrap_err().to_string();
        assert!(error.starts_with("cannot understand the list of numbers /"), "{error}");
        assert!(error.ends_with("invalid digit found in string; nothing was overwritten"), "{error}");
        let error = DocumentFile::<Numbers>::at(&directory.file("no/numbers")).unwrap_err().to_string();
        assert!(error.starts_with("cannot find the directory of the list of numbers "), "{error}");
        let error = at(&directory.0).change(|_| Ok(())).unwrap_err();
        assert!(matches!(error, FileError::NotRegular { .. }), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn the_file_keeps_its_permissions_and_its_link() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let directory = Directory::new("permissions");
        let (path, link) = (directory.file("numbers"), directory.file("link"));
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        let file = at(&path);
        file.change(add(1)).unwrap();
        assert_eq!(mode(), 0o600, "nobody else's business");
        fs::set_permissions(&path, Permissions::from_mode(0o664)).unwrap();
        symlink(&path, &link).unwrap();
        // What a crash left behind.
        fs::write(directory.file("numbers.new"), "7").unwrap();
        at(&link).change(add(2)).unwrap();
        assert_eq!(mode(), 0o664);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n2");
    }

    #[test]
    fn a_lock_beside_it_is_one_of_its_own() {
        let directory = Directory::new("lock");
        let file = at(&directory.file("numbers"));
        let run = file.lock_beside(".run");
        let held = run.try_hold().unwrap();
        assert!(held.is_some());
        assert!(run.try_hold().unwrap().is_none());
        assert!(run.hold(Duration::ZERO).unwrap().is_none());
        file.change(add(1)).unwrap();
        drop(held);
        assert!(run.try_hold().unwrap().is_some());
    }
}
