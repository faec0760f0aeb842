//! A copy takes the registry's place.
//!
//! The rows are exchanged in one transaction of the registry that is there: no file changes its name under a watch that has
//! it open, nobody writes between the look at what would be lost and the exchange, and a power cut leaves one or the other.
//! Where the registry cannot be read at all it is laid aside under another name, and a new one takes its place.

use std::fs;
use std::path::{Path, PathBuf};

use common::cli::Say;
use common::clock;
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction};
use tempfile::TempDir;

use super::backup::{MADE_AT, check, check_digest, columns, copy, directory, quoted, sync, tables};
use super::{PATIENCE, Registry, RegistryError, Result, file, hold, migrations, private_directory, sqlite};

/// What can be had again, or is of no use elsewhere: how far sources were read (events that come twice count once), and the
/// registry's own notes.
const DISPENSABLE: [&str; 3] = ["caller", "cursor", "meta"];

/// What was begun in AWS, and did not end.
const JOURNAL: &str = "operation";

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Restored {
    /// The copy is the registry now.
    Done {
        /// How many tokens it has.
        tokens: u64,
        /// When the copy was made, where that is known.
        made_at: Option<Timestamp>,
        /// Where the former registry lies, where there was one.
        former: Option<PathBuf>,
    },
    /// The registry has what the copy has not: so many rows of these tables.
    WouldLose(Vec<(String, u64)>),
    /// There is something at the registry's place that is no registry that can be read.
    Unreadable(String),
}

/// Brings the copy at `from` back to `path`. Without `force` nothing may be lost.
pub(crate) fn restore(path: &Path, from: &Path, force: bool, say: &Say) -> Result<Restored> {
    private_directory(&directory(path)).map_err(|error| file(path, error))?;
    let (_directory, copied) = verified(path, from)?;
    let held = hold(path, say)?;
    let mut laid_aside = None;
    let is_there = path.try_exists().map_err(|error| file(path, error))?;
    if is_there && let Some(why) = unreadable(path)? {
        if !force {
            return Ok(Restored::Unreadable(why));
        }
        laid_aside = Some(lay_aside(path)?);
    }
    let registry = Registry::open_or_create(path)?;
    registry.attach(&copied)?;
    let restored = registry.exchange(force);
    drop(held);
    match restored? {
        Restored::Done { tokens, made_at, former } => {
            Ok(Restored::Done { tokens, made_at, former: former.or(laid_aside) })
        }
        other => Ok(other),
    }
}

/// A copy of the copy that is sound and of this version, in a directory that is gone when it is dropped.
fn verified(path: &Path, from: &Path) -> Result<(TempDir, PathBuf)> {
    if !from.try_exists().map_err(|error| file(from, error))? {
        return Err(RegistryError::NoCopy(from.to_owned()));
    }
    let directory = tempfile::Builder::new().prefix(".honeytoken-").tempdir_in(directory(path));
    let directory = directory.map_err(|error| file(path, error))?;
    let copied = directory.path().join("copy.db");
    fs::copy(from, &copied).map_err(|error| file(from, error))?;
    // Of a registry that was copied by other means the last changes may be in its log.
    let log = beside(from, "-wal");
    if log.try_exists().map_err(|error| file(&log, error))? {
        fs::copy(&log, beside(&copied, "-wal")).map_err(|error| file(&log, error))?;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        for path in [copied.clone(), beside(&copied, "-wal")] {
            if path.exists() {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(|error| file(from, error))?;
            }
        }
    }
    let failed = |error| sqlite(from, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(&copied, flags).map_err(failed)?;
    check(&connection, from)?;
    // An empty file is a sound database, and no copy.
    if !migrations::is_registry(&connection).map_err(failed)? {
        return Err(RegistryError::Foreign(from.to_owned()));
    }
    check_digest(&connection, from)?;
    migrations::migrate(&mut connection, from)?;
    check(&connection, from)?;
    connection.pragma_update(None, "journal_mode", "DELETE").map_err(failed)?;
    connection.close().map_err(|(_, error)| failed(error))?;
    Ok((directory, copied))
}

/// Why the registry there cannot be read; nothing where it can. What a person has to put right first is an error.
fn unreadable(path: &Path) -> Result<Option<String>> {
    let registry = match Registry::open(path) {
        Ok(registry) => registry,
        Err(error @ (RegistryError::Foreign(_) | RegistryError::Corrupt { .. })) => return Ok(Some(error.to_string())),
        Err(error @ RegistryError::Sqlite { .. }) if error.is_damage() => return Ok(Some(error.to_string())),
        Err(error) => return Err(error),
    };
    let connection = registry.connection.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    match check(&connection, path) {
        Ok(()) => Ok(None),
        Err(error) => Ok(Some(error.to_string())),
    }
}

/// Gives a registry that cannot be read another name, and its log with it: together they may be of use to somebody.
fn lay_aside(path: &Path) -> Result<PathBuf> {
    let aside = former(path)?;
    // The log first: a database without its log is what it was before; a log without its database would be applied to the
    // next one.
    for end in ["-wal", "-shm", ""] {
        let (from, to) = (beside(path, end), beside(&aside, end));
        if from.try_exists().map_err(|error| file(&from, error))? {
            fs::rename(&from, &to).map_err(|error| file(&from, error))?;
        }
    }
    sync(&directory(path)).map_err(|error| file(path, error))?;
    Ok(aside)
}

/// A name for the former registry that nothing has.
fn former(path: &Path) -> Result<PathBuf> {
    let now = clock::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    for number in 0..1000_u32 {
        let end = if number == 0 { String::new() } else { format!("-{number}") };
        let name = beside(path, &format!(".before-restore-{now}{end}"));
        if name.symlink_metadata().is_err() {
            return Ok(name);
        }
    }
    Err(RegistryError::Exists(beside(path, &format!(".before-restore-{now}"))))
}

/// What stands beside a file under its name and an ending.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(end);
    name.into()
}

impl Registry {
    fn attach(&self, copied: &Path) -> Result<()> {
        let copied = copied.to_string_lossy().into_owned();
        self.read(|connection| {
            connection.busy_timeout(PATIENCE)?;
            connection.execute("ATTACH ?1 AS copy", [copied]).map(drop)
        })
    }

    /// Takes the rows of the copy that is attached for its own.
    fn exchange(&self, force: bool) -> Result<Restored> {
        let mut aside = Ok(None);
        let restored = self.write(|transaction| {
            let tables = tables(transaction, "main")?;
            let lost = lost(transaction, &tables)?;
            if !lost.is_empty() && !force {
                return Ok(Restored::WouldLose(lost));
            }
            if !lost.is_empty() {
                // Nobody else writes now; what is read is what was committed.
                aside = former(self.path()).and_then(|aside| copy(self.path(), &aside).map(|_| Some(aside)));
                if aside.is_err() {
                    // Nothing was changed.
                    return Ok(Restored::WouldLose(lost));
                }
            }
            let made_at: Option<Vec<u8>> = transaction
                .query_row("SELECT value FROM copy.meta WHERE name = ?1", [MADE_AT], |row| row.get(0))
                .optional()?;
            take(transaction, &tables)?;
            let tokens: i64 = transaction.query_row("SELECT count(*) FROM token", [], |row| row.get(0))?;
            let made_at = made_at.and_then(|at| String::from_utf8(at).ok()?.parse().ok());
            Ok(Restored::Done { tokens: tokens.try_into().unwrap_or_default(), made_at, former: None })
        })?;
        match (aside?, restored) {
            (Some(aside), Restored::Done { tokens, made_at, .. }) => {
                Ok(Restored::Done { tokens, made_at, former: Some(aside) })
            }
            (_, restored) => Ok(restored),
        }
    }
}

/// How many rows of which tables the copy does not have as they are here.
fn lost(transaction: &Transaction<'_>, tables: &[String]) -> rusqlite::Result<Vec<(String, u64)>> {
    let mut lost = Vec::new();
    for table in tables.iter().filter(|table| !DISPENSABLE.contains(&table.as_str())) {
        let (name, columns) = (quoted(table), columns(transaction, "main", table)?.join(", "));
        let query = format!(
            "SELECT count(*) FROM (SELECT {columns} FROM main.{name} EXCEPT SELECT {columns} FROM copy.{name})"
        );
        let count: i64 = transaction.query_row(&query, [], |row| row.get(0))?;
        if count > 0 {
            lost.push((table.clone(), count.try_into().unwrap_or_default()));
        }
    }
    Ok(lost)
}

fn take(transaction: &Transaction<'_>, tables: &[String]) -> rusqlite::Result<()> {
    // What refers to what is looked at in the end.
    transaction.pragma_update(None, "defer_foreign_keys", true)?;
    for table in tables {
        let (name, columns) = (quoted(table), columns(transaction, "main", table)?.join(", "));
        if table == JOURNAL {
            // What was under way when the copy was made has ended since, as far as anybody knows: taken up again, it would take
            // tokens back that were made to their end, and planted. What the registry itself has not ended stays.
            let ended = format!(
                "DELETE FROM main.{name} WHERE number IN (SELECT number FROM
                    (SELECT {columns} FROM main.{name} EXCEPT SELECT {columns} FROM copy.{name}))"
            );
            transaction.execute(&ended, [])?;
            continue;
        }
        transaction.execute(&format!("DELETE FROM main.{name}"), [])?;
        let own = if table == "meta" { "WHERE name NOT LIKE 'copy\\_%' ESCAPE '\\'" } else { "" };
        transaction
            .execute(&format!("INSERT INTO main.{name} ({columns}) SELECT {columns} FROM copy.{name} {own}"), [])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
