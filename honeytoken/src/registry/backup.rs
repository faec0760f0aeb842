//! Copies of the registry: one file each, whole or not there, with a checksum of all that is in it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::thread;
use std::time::{Duration, Instant};

use common::clock;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};
use sha2::{Digest as _, Sha256};

use super::token::stamp;
use super::{PATIENCE, Registry, RegistryError, Result, file, sqlite};

/// Where a copy keeps when it was made, and its checksum: SQLite notices broken pages, and not a letter that was flipped.
pub(super) const MADE_AT: &str = "copy_made_at";
const DIGEST: &str = "copy_digest";

/// Copies the registry at `from` to a new file, the owner's alone, as it is at one moment: whoever writes meanwhile is not
/// held up. The copy is checked before it gets its name. Answers how many tokens are in it.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<u64> {
    let there = || RegistryError::Exists(to.to_owned());
    if to.symlink_metadata().is_ok() {
        return Err(there());
    }
    let directory = directory(to);
    let temporary = tempfile::Builder::new().prefix(".honeytoken-").suffix(".tmp").tempfile_in(&directory);
    let temporary = temporary.map_err(|error| file(to, error))?;
    let path = temporary.path().to_owned();
    let count = copied(from, &path)?;
    temporary.as_file().sync_all().map_err(|error| file(to, error))?;
    temporary.persist_noclobber(to).map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => there(),
        _ => file(to, error.error),
    })?;
    sync(&directory).map_err(|error| file(to, error))?;
    Ok(count)
}

/// Fills a file that is empty.
fn copied(from: &Path, to: &Path) -> Result<u64> {
    let failed = |error| sqlite(from, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(from, flags).map_err(failed)?;
    source.busy_timeout(PATIENCE).map_err(failed)?;
    let mut copy = Connection::open_with_flags(to, flags).map_err(failed)?;
    all_pages(&source, &mut copy, from)?;
    // One file, without a log beside it.
    copy.pragma_update(None, "journal_mode", "DELETE").map_err(failed)?;
    check(&copy, from)?;
    let digest = digest(&copy).map_err(failed)?;
    let made_at = stamp(clock::now());
    let insert = "INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2), (?3, ?4)";
    copy.execute(insert, params![MADE_AT, made_at.as_bytes(), DIGEST, digest]).map_err(failed)?;
    let count: i64 = copy.query_row("SELECT count(*) FROM token", [], |row| row.get(0)).map_err(failed)?;
    copy.close().map_err(|(_, error)| failed(error))?;
    Ok(count.try_into().unwrap_or_default())
}

/// Copies all pages in one step: that is one look, and nobody's writing makes it start again.
fn all_pages(source: &Connection, copy: &mut Connection, from: &Path) -> Result<()> {
    let failed = |error| sqlite(from, error);
    let backup = Backup::new(source, copy).map_err(failed)?;
    let start = Instant::now();
    while backup.step(-1).map_err(failed)? != StepResult::Done {
        if start.elapsed() > PATIENCE {
            return Err(RegistryError::Busy(from.to_owned()));
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

impl Registry {
    /// A copy of this registry as it is now, which is gone with the process: what is taken down in it nobody hears of.
    pub(crate) fn borrowed(&self) -> Result<Self> {
        let mut copy = Connection::open_in_memory().map_err(|error| sqlite(&self.path, error))?;
        {
            let own = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
            all_pages(&own, &mut copy, &self.path)?;
        }
        let copy = Self::with(copy, &self.path)?;
        // It may hear of tokens that were made since.
        copy.read(|connection| connection.pragma_update(None, "foreign_keys", false))?;
        Ok(copy)
    }
}

/// Whether SQLite finds nothing wrong, neither with the pages nor with what refers to what.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<()> {
    let corrupt = |what: String| RegistryError::Corrupt { path: path.to_owned(), what };
    let failed = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => sqlite(path, error),
        _ => corrupt(format!("it is damaged: {error}")),
    };
    let answer: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if answer != "ok" {
        return Err(corrupt(format!("it is damaged: {answer}")));
    }
    let dangling: Option<String> =
        connection.query_row("PRAGMA foreign_key_check", [], |row| row.get(0)).optional().map_err(failed)?;
    match dangling {
        Some(table) => Err(corrupt(format!("it is damaged: the table {table} refers to what is not there"))),
        None => Ok(()),
    }
}

/// Whether a copy is as it was made; what is no copy of [`copy`]'s has nothing to compare.
pub(super) fn check_digest(connection: &Connection, path: &Path) -> Result<()> {
    let damaged = |error: rusqlite::Error| RegistryError::Corrupt {
        path: path.to_owned(),
        what: format!("it is damaged: {error}"),
    };
    let query = "SELECT value FROM meta WHERE name = ?1";
    let noted = connection.query_row(query, [DIGEST], |row| row.get::<_, Vec<u8>>(0)).optional().map_err(damaged)?;
    let Some(noted) = noted else { return Ok(()) };
    if noted == digest(connection).map_err(damaged)? {
        return Ok(());
    }
    let what = "it is damaged: what is in it does not match its checksum".to_owned();
    Err(RegistryError::Corrupt { path: path.to_owned(), what })
}

/// SHA-256 of all rows of all tables, and of their definitions, in an order that does not depend on where they lie.
fn digest(connection: &Connection) -> rusqlite::Result<Vec<u8>> {
    let mut hash = Sha256::new();
    let mut schema = connection.prepare("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name")?;
    digest_rows(&mut schema, &mut hash)?;
    for table in tables(connection, "main")? {
        hash.update(table.as_bytes());
        let columns = columns(connection, "main", &table)?;
        let order: Vec<String> = (1..=columns.len()).map(|number| number.to_string()).collect();
        let own = if table == "meta" { format!("WHERE name NOT IN ('{MADE_AT}', '{DIGEST}')") } else { String::new() };
        let query =
            format!("SELECT {} FROM {} {own} ORDER BY {}", columns.join(", "), quoted(&table), order.join(", "));
        digest_rows(&mut connection.prepare(&query)?, &mut hash)?;
    }
    Ok(hash.finalize().to_vec())
}

fn digest_rows(statement: &mut rusqlite::Statement<'_>, hash: &mut Sha256) -> rusqlite::Result<()> {
    let width = statement.column_count();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        for column in 0..width {
            // With its type and length, so that no two rows have the same bytes.
            let (tag, bytes) = match row.get_ref(column)? {
                ValueRef::Null => (b'n', Vec::new()),
                ValueRef::Integer(number) => (b'i', number.to_be_bytes().to_vec()),
                ValueRef::Real(number) => (b'r', number.to_bits().to_be_bytes().to_vec()),
                ValueRef::Text(text) => (b't', text.to_vec()),
                ValueRef::Blob(bytes) => (b'b', bytes.to_vec()),
            };
            hash.update([tag]);
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(&bytes);
        }
    }
    Ok(())
}

/// The tables of a database that is attached.
pub(super) fn tables(connection: &Connection, database: &str) -> rusqlite::Result<Vec<String>> {
    let query = format!(
        "SELECT name FROM {database}.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    );
    let mut statement = connection.prepare(&query)?;
    statement.query_map([], |row| row.get(0))?.collect()
}

/// A table's columns, ready for a statement.
pub(super) fn columns(connection: &Connection, database: &str, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1, ?2) ORDER BY cid")?;
    let names = statement.query_map([table, database], |row| row.get::<_, String>(0))?;
    names.map(|name| name.map(|name| quoted(&name))).collect()
}

/// A name as SQL has it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The directory that a file is in.
pub(super) fn directory(path: &Path) -> PathBuf {
    match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Makes sure that the names in a directory are on the disk.
pub(super) fn sync(directory: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(directory)?.sync_all()?;
    Ok(())
}
