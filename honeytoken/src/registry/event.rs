//! What is known of the events that touched tokens, and what it takes to know one.

use common::id::AccountId;
use common::resource::ResourceType;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, Transaction, params};

use super::token::{stamp, word};
use super::{Registry, Result};

/// An event that touched a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeenEvent {
    /// CloudTrail's `eventID`, or what stands for it.
    pub(crate) id: String,
    /// The token.
    pub(crate) token: String,
    /// The incident that it is a part of; none for a caller who is allowed for, outside of all incidents.
    pub(crate) incident: Option<String>,
    /// What it is, in a word.
    pub(crate) trigger: &'static str,
    /// When it happened.
    pub(crate) occurred_at: Timestamp,
    /// When it was seen.
    pub(crate) seen_at: Timestamp,
    /// Whether its caller is allowed for.
    pub(crate) suppressed: bool,
    /// Whether it is a drill's.
    pub(crate) drill: bool,
}

impl SeenEvent {
    /// Whether this one tells all that the other does. The same event by another way does; one that has borrowed the id of
    /// another, to be a caller's who is allowed for or a mere look, must not make that one unheard.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        self.id == other.id
            && self.token == other.token
            && self.trigger == other.trigger
            && self.suppressed <= other.suppressed
            && self.drill <= other.drill
    }
}

/// A key that somebody got with a token's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DerivedKey {
    /// The access key id, `ASIA...`.
    pub(crate) id: String,
    /// The token.
    pub(crate) token: String,
    /// The event that tells of it.
    pub(crate) event: String,
}

/// A drill, by which its events are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Drilled {
    /// What its calls have in their user agent.
    pub(crate) nonce: String,
    /// The token.
    pub(crate) token: String,
    /// When it began.
    pub(crate) started_at: Timestamp,
}

/// As whom honeytoken itself calls AWS.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Caller {
    /// The account.
    pub(crate) account: String,
    /// `iam_role` or `iam_user`.
    pub(crate) r#type: String,
    /// The role's or user's name.
    pub(crate) name: String,
}

impl Registry {
    /// A number that is another one when somebody else (not this connection) has written to the registry.
    pub(crate) fn version(&self) -> Result<i64> {
        self.read(|connection| connection.pragma_query_value(None, "data_version", |row| row.get(0)))
    }

    /// Whether an event was seen, or one that [covers](SeenEvent::covers) it.
    pub(crate) fn has_event(&self, event: &SeenEvent) -> Result<bool> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT 1 FROM event
                 WHERE id = ?1 AND token = ?2 AND trigger = ?3 AND suppressed <= ?4 AND drill <= ?5",
            )?;
            statement.exists(params![event.id, event.token, event.trigger, event.suppressed, event.drill])
        })
    }

    /// All keys that were got with tokens' keys, with their tokens.
    pub(crate) fn derived_keys(&self) -> Result<Vec<(String, String)>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT id, token FROM derived_key")?;
            let keys = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            keys.collect()
        })
    }

    /// All drills, the latest first.
    pub(crate) fn drilled(&self) -> Result<Vec<Drilled>> {
        self.read(|connection| {
            let query = "SELECT nonce, token, started_at FROM drill ORDER BY started_at DESC";
            let mut statement = connection.prepare_cached(query)?;
            let drills = statement.query_map([], |row| {
                Ok(Drilled { nonce: row.get(0)?, token: row.get(1)?, started_at: word(row, 2)? })
            })?;
            drills.collect()
        })
    }

    /// Takes down as whom honeytoken calls AWS: to be called wherever a session is opened, with what
    /// [`Session::works_as`](common::aws::Session::works_as) says. Calls about tokens by these callers are honeytoken's own.
    pub(crate) fn note_caller(&self, account: &AccountId, works_as: Option<(ResourceType, &str)>) -> Result<()> {
        let Some((kind, name)) = works_as else { return Ok(()) };
        let values = params![account.as_str(), kind.name(), name];
        let known = self.read(|connection| {
            let query = "SELECT 1 FROM caller WHERE account = ?1 AND type = ?2 AND name = ?3";
            connection.query_row(query, values, |_| Ok(())).optional()
        })?;
        if known.is_some() {
            return Ok(());
        }
        self.write(|transaction| {
            let insert = "INSERT OR IGNORE INTO caller (account, type, name) VALUES (?1, ?2, ?3)";
            transaction.execute(insert, values).map(drop)
        })
    }

    /// As whom honeytoken calls AWS.
    pub(crate) fn callers(&self) -> Result<Vec<Caller>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT account, type, name FROM caller")?;
            let callers = statement
                .query_map([], |row| Ok(Caller { account: row.get(0)?, r#type: row.get(1)?, name: row.get(2)? }))?;
            callers.collect()
        })
    }

    /// Whether honeytoken was at work on this token at that time, or within `slack` of it: something was begun or done then.
    pub(crate) fn was_at_work(&self, token: &str, at: Timestamp, slack: SignedDuration) -> Result<bool> {
        let (from, to) = (earlier(at, slack), later(at, slack));
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT 1 FROM history WHERE token = ?1 AND at BETWEEN ?2 AND ?3
                    AND verb IN ('create', 'rotate', 'delete_key', 'delete', 'disable')
                 UNION ALL SELECT 1 FROM operation WHERE token = ?1 AND started_at <= ?3 AND updated_at >= ?2",
            )?;
            statement.exists(params![token, stamp(from), stamp(to)])
        })
    }
}

/// A time before another one; the beginning of all times where there is none.
pub(super) fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}

/// The same the other way.
pub(super) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// Takes an event in. Of two with one id the later one is kept: it was not covered by the other.
pub(super) fn insert_event(transaction: &Transaction<'_>, event: &SeenEvent) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO event (id, token, incident, trigger, occurred_at, seen_at, suppressed, drill)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (id, token) DO UPDATE SET incident = excluded.incident, trigger = excluded.trigger,
            occurred_at = excluded.occurred_at, suppressed = excluded.suppressed, drill = excluded.drill",
    )?;
    let values = params![
        event.id,
        event.token,
        event.incident,
        event.trigger,
        stamp(event.occurred_at),
        stamp(event.seen_at),
        event.suppressed,
        event.drill,
    ];
    statement.execute(values).map(drop)
}

/// Takes a derived key in.
pub(super) fn insert_derived(transaction: &Transaction<'_>, key: &DerivedKey, now: Timestamp) -> rusqlite::Result<()> {
    let values = params![key.id, key.token, key.event, stamp(now)];
    let insert = "INSERT OR IGNORE INTO derived_key (id, token, event, seen_at) VALUES (?1, ?2, ?3, ?4)";
    transaction.execute(insert, values).map(drop)
}

/// A drill was noticed.
pub(super) fn drill_seen(transaction: &Transaction<'_>, nonce: &str, now: Timestamp) -> rusqlite::Result<()> {
    let update = "UPDATE drill SET seen_at = coalesce(seen_at, ?2) WHERE nonce = ?1";
    transaction.execute(update, params![nonce, stamp(now)]).map(drop)
}
