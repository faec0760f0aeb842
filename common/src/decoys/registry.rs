//! The decoys of a registry of `honeytoken`'s.
//!
//! It is in WAL mode, and may be in use. A reader joins its `-wal` file by a `-shm` file beside it, which SQLite makes where it
//! is missing (<https://www.sqlite.org/wal.html#read_only_databases>). Where it may not, on a file system that is read-only,
//! the registry alone is read, if there is nothing in its `-wal` file.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{Decoy, DecoysError, decoy};
use crate::id::Region;
use crate::reference::Reference;
use crate::resource::{Config, User};

/// What says that a file of SQLite is a registry: "slht".
const APPLICATION: i64 = 0x736c_6874;

/// How long a writer may be in the way: while it joins what was written last with the rest.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often the registry alone is read that changes meanwhile.
const ATTEMPTS: usize = 5;

/// A row of the view `decoys`, which is for us.
type Row = [String; 4];

/// Reads the decoys of a registry, and changes nothing in it.
pub(super) fn read(path: &Path) -> Result<Vec<Decoy>, DecoysError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let rows = match Connection::open_with_flags(path, flags).and_then(|connection| rows(&connection)) {
        Err(error) if matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly)) => {
            alone(path)?
        }
        rows => rows.map_err(|error| failed(path, error))?,
    };
    let rows = rows.ok_or_else(|| DecoysError::Foreign(path.to_owned()))?;
    rows.into_iter().map(|row| of_row(row).map_err(|why| DecoysError::Corrupt { path: path.to_owned(), why })).collect()
}

/// The rows, or nothing where it is somebody else's file.
fn rows(connection: &Connection) -> rusqlite::Result<Option<Vec<Row>>> {
    connection.busy_timeout(PATIENCE)?;
    let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if application != APPLICATION {
        return Ok(None);
    }
    let mut select = connection.prepare("SELECT token, account, user_name, arn FROM decoys")?;
    let rows = select.query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))?;
    rows.collect::<Result<_, _>>().map(Some)
}

/// The rows of the registry alone, without what stands beside it.
pub(super) fn alone(path: &Path) -> Result<Option<Vec<Row>>, DecoysError> {
    for _ in 0..ATTEMPTS {
        let before = state(path)?;
        let rows = unchanging(path).and_then(|connection| rows(&connection));
        // Somebody else may have the right to write, and may just have done so.
        if state(path)? == before {
            return rows.map_err(|error| failed(path, error));
        }
    }
    Err(DecoysError::Unjoined(path.to_owned()))
}

/// Opens it as a file that nobody changes: without locks, and without a look at what stands beside it.
fn unchanging(path: &Path) -> rusqlite::Result<Connection> {
    let name = path.to_str().ok_or_else(|| rusqlite::Error::InvalidPath(path.to_owned()))?;
    // What has a meaning in a URI: https://www.sqlite.org/uri.html.
    let name = name.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    // A second slash at its front would begin the name of a host.
    let name = if name.starts_with("//") { format!("//{name}") } else { name };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(format!("file:{name}?immutable=1"), flags)
}

/// By what a change of the registry is seen.
///
/// # Errors
///
/// [`DecoysError::Unjoined`] where a part of it stands in its `-wal` file.
fn state(path: &Path) -> Result<(u64, Option<SystemTime>), DecoysError> {
    let unreadable = |error| DecoysError::Read { path: path.to_owned(), error };
    let mut beside = path.as_os_str().to_owned();
    beside.push("-wal");
    match fs::metadata(PathBuf::from(beside)) {
        Ok(wal) if wal.len() > 0 => return Err(DecoysError::Unjoined(path.to_owned())),
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(unreadable(error)),
        Ok(_) | Err(_) => {}
    }
    let registry = fs::metadata(path).map_err(unreadable)?;
    Ok((registry.len(), registry.modified().ok()))
}

fn of_row([token, account, user, arn]: Row) -> Result<Decoy, String> {
    let named = |why: &dyn std::fmt::Display| format!("the token {}: {why}", token.escape_default());
    let account = account.parse().map_err(|error| named(&error))?;
    let arn = arn.parse().map_err(|error| named(&error))?;
    let user = Reference { account, region: Region::global(), kind: User::TYPE.name().to_owned(), id: user };
    decoy(token.clone(), user, &arn).map_err(|why| named(&why))
}

fn failed(path: &Path, error: rusqlite::Error) -> DecoysError {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => DecoysError::Foreign(path),
        _ => DecoysError::Sqlite { path, error },
    }
}
