//! The registry's tables, and how those of an earlier version become those of this one.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::{RegistryError, Result, sqlite};
use crate::secret::Marks;

/// What says that a file of SQLite is a registry: "slht".
const APPLICATION: i64 = 0x736c_6874;

/// Each takes the registry from the version that is its index to the next. One that was released is never changed.
const MIGRATIONS: &[&str] = &[
    // Times are RFC 3339 in UTC, lists and maps are JSON.
    "
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;

CREATE TABLE token (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    account TEXT NOT NULL,
    user_name TEXT NOT NULL,
    arn TEXT NOT NULL,
    principal_id TEXT,
    guard TEXT NOT NULL,
    owner TEXT NOT NULL,
    location TEXT NOT NULL,
    notes TEXT NOT NULL,
    labels TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    expired_at TEXT,
    blind_since TEXT,
    deleted_at TEXT,
    drilled_at TEXT,
    drill_latency REAL
) STRICT;
-- IAM knows no two names that differ in case alone.
CREATE UNIQUE INDEX token_user ON token (account, lower(user_name)) WHERE state <> 'deleted';
CREATE INDEX token_place ON token (owner, location);
CREATE INDEX token_name ON token (lower(user_name));
CREATE INDEX token_arn ON token (arn);
CREATE INDEX token_principal ON token (principal_id);

CREATE TABLE key (
    id TEXT PRIMARY KEY,
    token TEXT NOT NULL REFERENCES token (id),
    status TEXT NOT NULL,
    -- HMAC-SHA-256 of the secret; absent where nobody knows it.
    mark BLOB,
    created_at TEXT NOT NULL,
    deleted_at TEXT,
    last_used_at TEXT,
    last_used_service TEXT,
    last_used_region TEXT,
    -- When IAM was asked for its last use; absent where nobody asked.
    looked_at TEXT
) STRICT;
CREATE INDEX key_token ON key (token);

-- The first use of a key that IAM told of, and no event so far.
CREATE TABLE unexplained_use (
    key TEXT PRIMARY KEY REFERENCES key (id),
    used_at TEXT NOT NULL,
    service TEXT NOT NULL,
    region TEXT NOT NULL,
    seen_at TEXT NOT NULL
) STRICT;

-- Keys that somebody got with a token's key.
CREATE TABLE derived_key (
    id TEXT PRIMARY KEY,
    token TEXT NOT NULL REFERENCES token (id),
    event TEXT NOT NULL,
    seen_at TEXT NOT NULL
) STRICT;

CREATE TABLE planting (
    number INTEGER PRIMARY KEY,
    token TEXT NOT NULL REFERENCES token (id),
    key TEXT NOT NULL,
    host TEXT NOT NULL,
    path TEXT NOT NULL,
    profile TEXT NOT NULL,
    at TEXT NOT NULL,
    removed_at TEXT
) STRICT;
CREATE INDEX planting_token ON planting (token);

-- What was begun in AWS, and is not known to have ended.
CREATE TABLE operation (
    number INTEGER PRIMARY KEY,
    token TEXT NOT NULL REFERENCES token (id),
    verb TEXT NOT NULL,
    step TEXT NOT NULL,
    detail TEXT NOT NULL,
    started_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;

CREATE TABLE incident (
    id TEXT PRIMARY KEY,
    token TEXT NOT NULL REFERENCES token (id),
    opened_at TEXT NOT NULL,
    first_event_at TEXT NOT NULL,
    last_event_at TEXT NOT NULL,
    last_seen_at TEXT NOT NULL,
    closed_at TEXT,
    count INTEGER NOT NULL,
    suppressed INTEGER NOT NULL,
    alerts INTEGER NOT NULL,
    drill INTEGER NOT NULL,
    -- What alerts were about so far: addresses, tools, regions, triggers.
    known TEXT NOT NULL
) STRICT;
CREATE INDEX incident_token ON incident (token, closed_at);

-- Each event once, however often and by whatever way it comes.
CREATE TABLE event (
    id TEXT NOT NULL,
    token TEXT NOT NULL REFERENCES token (id),
    incident TEXT REFERENCES incident (id),
    trigger TEXT NOT NULL,
    occurred_at TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    suppressed INTEGER NOT NULL,
    drill INTEGER NOT NULL,
    PRIMARY KEY (id, token)
) STRICT;
CREATE INDEX event_token ON event (token, occurred_at);

CREATE TABLE drill (
    nonce TEXT PRIMARY KEY,
    token TEXT NOT NULL REFERENCES token (id),
    key TEXT NOT NULL,
    started_at TEXT NOT NULL,
    seen_at TEXT
) STRICT;

-- As whom honeytoken itself calls AWS: a change of a token by one of these is no alert.
CREATE TABLE caller (
    account TEXT NOT NULL,
    type TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (account, type, name)
) STRICT;

-- How far a source was read.
CREATE TABLE cursor (source TEXT PRIMARY KEY, value TEXT NOT NULL, updated_at TEXT NOT NULL) STRICT;

-- The files of a trail that were read lately, and those that could not be: how often that failed, 0 for the former.
CREATE TABLE trail_file (
    source TEXT NOT NULL,
    key TEXT NOT NULL,
    failures INTEGER NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (source, key)
) STRICT;

-- Who did what to which token.
CREATE TABLE history (
    number INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    token TEXT,
    verb TEXT NOT NULL,
    detail TEXT NOT NULL,
    -- As the environment has it; empty where it does not say.
    who TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX history_token ON history (token);

-- What audit and remediate read: it keeps its columns whatever becomes of the tables.
CREATE VIEW decoys AS
    SELECT id AS token, account, user_name, arn, principal_id FROM token WHERE state <> 'deleted';
",
    // What a watch of years asks for all the time, and what is left of the events that it forgot.
    "
CREATE TABLE forgotten (
    token TEXT PRIMARY KEY REFERENCES token (id),
    events INTEGER NOT NULL,
    suppressed INTEGER NOT NULL,
    first_at TEXT NOT NULL,
    last_at TEXT NOT NULL
) STRICT;
CREATE INDEX event_seen ON event (seen_at);
CREATE INDEX derived_key_seen ON derived_key (seen_at);
CREATE INDEX derived_key_token ON derived_key (token, seen_at);
CREATE INDEX incident_open ON incident (opened_at, id) WHERE closed_at IS NULL;
CREATE INDEX incident_span ON incident (token, drill, last_event_at);
",
];

/// Whether a database says of itself that it is a registry, of whatever version.
pub(super) fn is_registry(connection: &Connection) -> rusqlite::Result<bool> {
    let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(application == APPLICATION && tables > 0)
}

/// The version that is known.
fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// The version of a registry, 0 where it is new: changes nothing, and so is to be asked for before anything is changed.
///
/// # Errors
///
/// It is somebody else's file, or a later version's.
pub(super) fn version(connection: &Connection, path: &Path) -> Result<i64> {
    let failed = |error| sqlite(path, error);
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(failed);
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    let is_new = tables == 0 && version == 0;
    if !is_new && application != APPLICATION {
        return Err(RegistryError::Foreign(path.to_owned()));
    }
    let known = known();
    if version > known {
        return Err(RegistryError::Newer { path: path.to_owned(), version, known });
    }
    Ok(version)
}

/// Brings the tables to this version's.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<()> {
    let failed = |error| sqlite(path, error);
    // Only one of two that start at the same time makes the tables.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let (version, known) = (version(&transaction, path)?, known());
    if version == known {
        // Whoever only looks changes nothing, and wakes no watch.
        return Ok(());
    }
    for migration in MIGRATIONS.iter().skip(usize::try_from(version).unwrap_or(usize::MAX)) {
        transaction.execute_batch(migration).map_err(failed)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION).map_err(failed)?;
    transaction.pragma_update(None, "user_version", known).map_err(failed)?;
    transaction.commit().map_err(failed)
}

/// The key of the registry's marks, made when it is asked for first.
pub(super) fn mark_key(connection: &mut Connection) -> rusqlite::Result<Vec<u8>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = transaction
        .query_row("SELECT value FROM meta WHERE name = 'mark_key'", [], |row| row.get::<_, Vec<u8>>(0))
        .optional()?;
    let key = if let Some(key) = found {
        key
    } else {
        let mut key = vec![0; Marks::KEY];
        getrandom::fill(&mut key).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        transaction.execute("INSERT INTO meta (name, value) VALUES ('mark_key', ?1)", params![key])?;
        key
    };
    transaction.commit()?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::registry::Registry;

    #[test]
    fn a_registry_of_an_earlier_version_becomes_one_of_this_with_all_that_is_in_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("r.db");
        drop(Registry::open_or_create(&path).unwrap());
        for version in 1..MIGRATIONS.len() {
            let old = Connection::open(&path).unwrap();
            let objects = "SELECT type || ' ' || name FROM sqlite_schema WHERE name NOT LIKE 'sqlite%'";
            let all: Vec<String> = {
                let mut statement = old.prepare(objects).unwrap();
                statement.query_map([], |row| row.get(0)).unwrap().collect::<rusqlite::Result<_>>().unwrap()
            };
            old.pragma_update(None, "foreign_keys", false).unwrap();
            for object in all {
                // An index goes with its table.
                let _ = old.execute_batch(&format!("DROP {object}"));
            }
            MIGRATIONS[..version].iter().for_each(|migration| old.execute_batch(migration).unwrap());
            old.execute_batch(
                "INSERT INTO token (id, state, account, user_name, arn, guard, owner, location, notes, labels, created_at)
                 VALUES ('t1', 'active', '111122223333', 'svc', 'arn:aws:iam::111122223333:user/svc', 'inline', '', '', '', '{}',
                    '2026-01-01T00:00:00Z');
                 INSERT INTO event (id, token, trigger, occurred_at, seen_at, suppressed, drill)
                 VALUES ('e1', 't1', 'used', '2026-01-02T00:00:00Z', '2026-01-02T00:00:00Z', 0, 0);",
            )
            .unwrap();
            old.pragma_update(None, "user_version", i64::try_from(version).unwrap()).unwrap();
            drop(old);
            let registry = Registry::open(&path).unwrap();
            registry.prune("2026-12-01T00:00:00Z".parse().unwrap(), &BTreeSet::new()).unwrap();
            let fired = registry.token("t1").unwrap().unwrap().fired.unwrap();
            assert_eq!((fired.events, fired.last.to_string()), (1, "2026-01-02T00:00:00Z".to_owned()), "{version}");
        }
    }
}
