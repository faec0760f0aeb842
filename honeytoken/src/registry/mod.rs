//! The registry: what is known of the tokens, in a file of SQLite. It never holds a secret.
//!
//! It is the owner's alone (0600), and all that is committed is on the disk. Commands that change tokens take turns
//! ([`Registry::hold`]); a watch writes what it sees beside them.
//!
//! - `migrations`: its tables. `token`: tokens with their keys. `making`: those that are being made. `expiry`: whose time is
//!   over. `adoption`: what IAM tells of users and keys. `operation`: what was begun in AWS, and is not known to have ended.
//!   `planting`: where keys lie. `history`: who did what. `import`: tokens that come from elsewhere. `backup`: copies. `restore`:
//!   copies that come back.
//! - `event`, `incident`: what was seen of tokens being touched; `retention`: for how long. `cursor`: how far the sources of
//!   events were read. `health`: when that was. `drill`: uses on purpose.

mod adoption;
mod backup;
mod cursor;
mod drill;
mod event;
mod expiry;
mod health;
mod history;
mod import;
mod incident;
mod making;
mod migrations;
mod operation;
mod planting;
mod restore;
mod retention;
mod token;

#[cfg(test)]
pub(crate) mod tests;

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use common::cli::Say;
use common::document::{Lock, LockError};
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use crate::secret::{Mark, Marks};

pub(crate) use backup::copy;
pub(crate) use common::document::Held;
pub(crate) use cursor::{TrailFile, Unexplained, UsableKey};
pub(crate) use event::{Caller, DerivedKey, Drilled, SeenEvent};
pub(crate) use history::Past;
pub(crate) use import::{Incoming, Taken};
pub(crate) use incident::{Incident, Known, Seen};
pub(crate) use operation::{Operation, Step, Verb};
pub(crate) use restore::{Restored, restore};
pub(crate) use retention::EVENTS_KEPT;
pub(crate) use token::{Filter, Key};

/// How long somebody else may take to write.
const PATIENCE: Duration = Duration::from_secs(30);

/// A registry that is open. To be shared between tasks and threads by reference.
pub(crate) struct Registry {
    connection: Mutex<Connection>,
    path: PathBuf,
    marks: Marks,
}

/// What is wrong with a registry.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegistryError {
    /// There is none.
    #[error(
        "there is no registry {0}: `honeytoken create` makes one, `honeytoken reconcile --apply` makes a lost one again, --registry names another"
    )]
    Missing(PathBuf),
    /// Others may read or write it.
    #[error("others than its owner may use the registry {0}: chmod 600 it, for it tells which keys are decoys")]
    Open(PathBuf),
    /// It is something else.
    #[error("{0} is not a registry of honeytoken's")]
    Foreign(PathBuf),
    /// It was written by a later version.
    #[error("the registry {path} is of version {version}, and this honeytoken knows up to {known}: update it")]
    Newer {
        /// Where.
        path: PathBuf,
        /// Its version.
        version: i64,
        /// The last one that is known.
        known: i64,
    },
    /// Another one was restored while this process waited for its turn.
    #[error("the registry {0} was restored from the copy of another one meanwhile: try again")]
    Replaced(PathBuf),
    /// Somebody else changes tokens.
    #[error("another honeytoken is changing tokens in {0}, and did not end in time")]
    Busy(PathBuf),
    /// A copy is never written over.
    #[error("{0} is there already: name a file that is not")]
    Exists(PathBuf),
    /// There is no copy.
    #[error("there is no copy of a registry {0}")]
    NoCopy(PathBuf),
    /// The file system's answer.
    #[error("cannot use the registry {path}: {error}")]
    File {
        /// Where.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The lock's.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// SQLite's.
    #[error("the registry {path}: {error}{}", what_next(.error))]
    Sqlite {
        /// Where.
        path: PathBuf,
        /// Why.
        error: rusqlite::Error,
    },
    /// What is in it makes no sense.
    #[error("the registry {path}: {what}")]
    Corrupt {
        /// Where.
        path: PathBuf,
        /// What.
        what: String,
    },
}

/// What is to be done about an error of SQLite's, behind it.
fn what_next(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt) => {
            "; `honeytoken restore --force COPY` brings a copy back, and keeps this one beside it"
        }
        _ => "",
    }
}

impl RegistryError {
    /// Whether SQLite says that the file is damaged.
    fn is_damage(&self) -> bool {
        let code = match self {
            Self::Sqlite { error, .. } => error.sqlite_error_code(),
            _ => None,
        };
        matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
    }

    /// Whether it may get better by itself, or by what people do about it: the disk is full, or somebody else writes for long.
    pub(crate) fn may_pass(&self) -> bool {
        use ErrorCode::{CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, ReadOnly, SystemIoFailure};
        let code = match self {
            Self::Sqlite { error, .. } => error.sqlite_error_code(),
            _ => None,
        };
        matches!(code, Some(DiskFull | DatabaseBusy | DatabaseLocked | SystemIoFailure | ReadOnly | CannotOpen))
    }
}

/// A registry's answer.
pub(crate) type Result<T> = std::result::Result<T, RegistryError>;

impl Registry {
    /// Opens a registry that is there.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        if !path.try_exists().map_err(|error| file(path, error))? {
            return Err(RegistryError::Missing(path.to_owned()));
        }
        Self::open_or_create(path)
    }

    /// Opens a registry, and makes it where there is none.
    pub(crate) fn open_or_create(path: &Path) -> Result<Self> {
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            private_directory(directory).map_err(|error| file(path, error))?;
        }
        private_file(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|error| sqlite(path, error))?;
        Self::with(connection, path)
    }

    /// One that is gone with the process.
    pub(crate) fn in_memory() -> Result<Self> {
        let path = Path::new(":memory:");
        let connection = Connection::open_in_memory().map_err(|error| sqlite(path, error))?;
        Self::with(connection, path)
    }

    fn with(mut connection: Connection, path: &Path) -> Result<Self> {
        connection.busy_timeout(PATIENCE).map_err(|error| sqlite(path, error))?;
        // What is somebody else's stays as it is: WAL is written down in the file.
        migrations::version(&connection, path)?;
        let set_up = |connection: &Connection| {
            // Readers and the watch do not wait for a writer; what is committed survives a power cut.
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.pragma_update(None, "foreign_keys", true)?;
            connection.pragma_update(None, "secure_delete", true)
        };
        set_up(&connection).map_err(|error| sqlite(path, error))?;
        migrations::migrate(&mut connection, path)?;
        let key = migrations::mark_key(&mut connection).map_err(|error| sqlite(path, error))?;
        Ok(Self { connection: Mutex::new(connection), path: path.to_owned(), marks: Marks::new(key) })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes this process the one that changes tokens, until the answer is dropped.
    pub(crate) fn hold(&self, say: &Say) -> Result<Held> {
        let held = hold(&self.path, say)?;
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let key = migrations::mark_key(&mut connection).map_err(|error| sqlite(&self.path, error))?;
        // What it marks with its own key, nobody would know again.
        if Marks::new(key) == self.marks { Ok(held) } else { Err(RegistryError::Replaced(self.path.clone())) }
    }

    /// What is kept of a secret.
    pub(crate) fn mark(&self, secret: &str) -> Mark {
        self.marks.of(secret)
    }

    /// Whether that was kept of this secret.
    pub(crate) fn is_marked(&self, mark: &[u8], secret: &str) -> bool {
        self.marks.matches(mark, secret)
    }

    /// Looks something up.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        look(&connection).map_err(|error| sqlite(&self.path, error))
    }

    /// Changes something: all of it or nothing. When this answers it is on the disk.
    pub(crate) fn write<T>(&self, change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        written(&mut connection, change).map_err(|error| sqlite(&self.path, error))
    }

    /// The same for what can be done another time: where somebody else is writing it fails at once.
    fn write_unless_busy<T>(&self, change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let write = || {
            connection.busy_timeout(Duration::ZERO)?;
            let answer = written(&mut connection, change);
            connection.busy_timeout(PATIENCE)?;
            answer
        };
        write().map_err(|error| sqlite(&self.path, error))
    }
}

fn written<T>(
    connection: &mut Connection,
    change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let answer = change(&transaction)?;
    transaction.commit()?;
    Ok(answer)
}

/// Makes this process the one that changes tokens in the registry there, readable or not.
fn hold(path: &Path, say: &Say) -> Result<Held> {
    let lock = Lock::private_beside(path, ".lock");
    if let Some(held) = lock.try_hold()? {
        return Ok(held);
    }
    say.note("waiting for another honeytoken that changes tokens");
    lock.hold(Duration::from_mins(10))?.ok_or_else(|| RegistryError::Busy(path.to_owned()))
}

impl fmt::Debug for Registry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Registry").field("path", &self.path).finish_non_exhaustive()
    }
}

fn file(path: &Path, error: io::Error) -> RegistryError {
    RegistryError::File { path: path.to_owned(), error }
}

fn sqlite(path: &Path, error: rusqlite::Error) -> RegistryError {
    match error {
        rusqlite::Error::SqliteFailure(code, _) if code.code == ErrorCode::NotADatabase => {
            RegistryError::Foreign(path.to_owned())
        }
        error => RegistryError::Sqlite { path: path.to_owned(), error },
    }
}

/// Makes a directory of the owner's alone; one that is there stays as it is.
fn private_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(path)
}

/// Makes the file, the owner's alone; SQLite gives those beside it the same permissions.
fn private_file(path: &Path) -> Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        options.mode(0o600);
        let opened = options.open(path).map_err(|error| file(path, error))?;
        let mode = opened.metadata().map_err(|error| file(path, error))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(RegistryError::Open(path.to_owned()));
        }
    }
    #[cfg(not(unix))]
    options.open(path).map_err(|error| file(path, error))?;
    Ok(())
}
