//! Locks that end with the process that holds them, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// A lock: a file that is only there to be locked, and is never removed. Whoever waits for it would wait for another one.
#[derive(Clone, Debug)]
pub struct Lock {
    path: PathBuf,
    /// Nobody but the owner may take it.
    is_private: bool,
}

/// That this process holds a lock, until it is dropped or the process ends.
#[derive(Debug)]
pub struct Held {
    _file: File,
}

/// A lock that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} {path}: {error}")]
pub struct LockError {
    what: &'static str,
    path: PathBuf,
    error: io::Error,
}

impl Lock {
    /// The lock whose name is that of a file with `end` behind it. Whoever may see it may take it: files are shared.
    pub fn beside(path: &Path, end: &str) -> Self {
        Self { path: beside(path, end), is_private: false }
    }

    /// The same beside a file that is its owner's alone. Whoever may open a lock may hold it, and the owner up: so it is the
    /// owner's alone, too.
    pub fn private_beside(path: &Path, end: &str) -> Self {
        Self { path: beside(path, end), is_private: true }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the lock; `None` where somebody else holds it.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub fn try_hold(&self) -> Result<Option<Held>, LockError> {
        Self::try_file(self.open()?).map_err(|error| self.failed("lock", error)).map(Result::ok)
    }

    /// Takes the lock as soon as nobody else holds it; `None` where that takes longer than `patience`.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub fn hold(&self, patience: Duration) -> Result<Option<Held>, LockError> {
        let (start, mut pause) = (Instant::now(), Duration::from_millis(1));
        let mut file = self.open()?;
        loop {
            match Self::try_file(file).map_err(|error| self.failed("lock", error))? {
                Ok(held) => return Ok(Some(held)),
                Err(_) if start.elapsed() > patience => return Ok(None),
                Err(again) => file = again,
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    /// The file back where somebody else holds its lock.
    fn try_file(file: File) -> io::Result<Result<Held, File>> {
        match file.try_lock() {
            Ok(()) => Ok(Ok(Held { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(Err(file)),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn open(&self) -> Result<File, LockError> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        if self.is_private {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        let opened = match options.open(&self.path) {
            // Another user's, which can be locked all the same.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => File::open(&self.path).map_err(|_| error),
            opened => opened,
        };
        opened.and_then(|file| self.close_to_others(file)).map_err(|error| self.failed("open the lock", error))
    }

    /// Takes from others what they may do with a private lock that was made before.
    fn close_to_others(&self, file: File) -> io::Result<File> {
        #[cfg(unix)]
        if self.is_private {
            use std::os::unix::fs::PermissionsExt;
            let mut permissions = file.metadata()?.permissions();
            if permissions.mode() & 0o077 != 0 {
                permissions.set_mode(0o600);
                file.set_permissions(permissions)?;
            }
        }
        Ok(file)
    }

    fn failed(&self, what: &'static str, error: io::Error) -> LockError {
        LockError { what, path: self.path.clone(), error }
    }
}

/// The path of what stands beside a file, under its name and an ending.
pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(end);
    PathBuf::from(name)
}
