//! Incidents: events of one token that belong together, and what was already said of them.

use std::collections::BTreeSet;

use common::record::Severity;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Row, Transaction, params};
use serde::{Deserialize, Serialize};

use super::event::{DerivedKey, SeenEvent, drill_seen, earlier, insert_derived, insert_event, later};
use super::token::{count, maybe, stamp, word};
use super::{Registry, Result};

/// An incident.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Incident {
    /// Its id, which follows from the token and the first event.
    pub(crate) id: String,
    /// The token.
    pub(crate) token: String,
    /// When the first alert was made.
    pub(crate) opened_at: Timestamp,
    /// When the earliest event happened.
    pub(crate) first_event_at: Timestamp,
    /// When the latest one did.
    pub(crate) last_event_at: Timestamp,
    /// When the last one was seen.
    pub(crate) last_seen_at: Timestamp,
    /// When it was over.
    pub(crate) closed_at: Option<Timestamp>,
    /// How many events it has.
    pub(crate) count: u64,
    /// How many events of callers who are allowed for it has beside.
    pub(crate) suppressed: u64,
    /// How many alerts told of it.
    pub(crate) alerts: u64,
    /// Whether it is a drill.
    pub(crate) drill: bool,
    /// What was said.
    pub(crate) known: Known,
}

/// What alerts said of an incident, so that none says it again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Known {
    /// What stood in alerts: addresses, tools, regions, triggers and so on.
    pub(crate) said: BTreeSet<String>,
    /// How bad it is: as its worst event.
    pub(crate) severity: Option<Severity>,
    /// What the first event was.
    pub(crate) trigger: String,
    /// Where the first event was.
    pub(crate) region: String,
}

/// What was seen since the registry heard last: written at once, or not at all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Incidents as they are now.
    pub(crate) incidents: Vec<Incident>,
    /// New events.
    pub(crate) events: Vec<SeenEvent>,
    /// New derived keys.
    pub(crate) derived: Vec<DerivedKey>,
    /// The nonces of drills that were noticed.
    pub(crate) drills: Vec<String>,
}

impl Seen {
    /// Whether there is nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        let Self { incidents, events, derived, drills } = self;
        incidents.is_empty() && events.is_empty() && derived.is_empty() && drills.is_empty()
    }
}

const COLUMNS: &str = "SELECT id, token, opened_at, first_event_at, last_event_at, last_seen_at, closed_at, count, \
    suppressed, alerts, drill, known FROM incident ";

impl Registry {
    /// The incidents of a token whose span is no further than `near` from `at`; those that are open come first.
    pub(crate) fn incidents_near(
        &self,
        token: &str,
        drill: bool,
        at: Timestamp,
        near: SignedDuration,
    ) -> Result<Vec<Incident>> {
        let condition = "WHERE token = ?1 AND drill = ?2 AND first_event_at <= ?3 AND last_event_at >= ?4 \
            ORDER BY closed_at IS NOT NULL, first_event_at DESC LIMIT 8";
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!("{COLUMNS}{condition}"))?;
            let values = params![token, drill, stamp(later(at, near)), stamp(earlier(at, near))];
            let found = statement.query_map(values, incident)?;
            found.collect()
        })
    }

    /// All incidents of a token, the oldest first.
    pub(crate) fn incidents_of(&self, token: &str) -> Result<Vec<Incident>> {
        self.read(|connection| {
            let condition = "WHERE token = ?1 ORDER BY opened_at, id";
            let mut statement = connection.prepare_cached(&format!("{COLUMNS}{condition}"))?;
            let found = statement.query_map([token], incident)?;
            found.collect()
        })
    }

    /// The incidents that are not over.
    pub(crate) fn open_incidents(&self) -> Result<Vec<Incident>> {
        self.read(|connection| {
            let condition = "WHERE closed_at IS NULL ORDER BY opened_at, id";
            let mut statement = connection.prepare_cached(&format!("{COLUMNS}{condition}"))?;
            let found = statement.query_map([], incident)?;
            found.collect()
        })
    }

    /// Takes down what was seen. What was in the registry of an incident beside (another watch may see the same) is not lost:
    /// spans and counts only grow.
    pub(crate) fn note_seen(&self, seen: &Seen, now: Timestamp) -> Result<()> {
        self.write(|transaction| {
            for incident in &seen.incidents {
                put_incident(transaction, incident)?;
            }
            for event in &seen.events {
                insert_event(transaction, event)?;
            }
            for key in &seen.derived {
                insert_derived(transaction, key, now)?;
            }
            for nonce in &seen.drills {
                drill_seen(transaction, nonce, now)?;
            }
            Ok(())
        })
    }
}

fn put_incident(transaction: &Transaction<'_>, incident: &Incident) -> rusqlite::Result<()> {
    let known = serde_json::to_string(&incident.known)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let mut statement = transaction.prepare_cached(
        "INSERT INTO incident (id, token, opened_at, first_event_at, last_event_at, last_seen_at, closed_at, count,
            suppressed, alerts, drill, known)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (id) DO UPDATE SET
            first_event_at = min(first_event_at, excluded.first_event_at),
            last_event_at = max(last_event_at, excluded.last_event_at),
            last_seen_at = max(last_seen_at, excluded.last_seen_at),
            closed_at = excluded.closed_at,
            count = max(count, excluded.count),
            suppressed = max(suppressed, excluded.suppressed),
            alerts = max(alerts, excluded.alerts),
            known = excluded.known",
    )?;
    statement
        .execute(params![
            incident.id,
            incident.token,
            stamp(incident.opened_at),
            stamp(incident.first_event_at),
            stamp(incident.last_event_at),
            stamp(incident.last_seen_at),
            incident.closed_at.map(stamp),
            number(incident.count),
            number(incident.suppressed),
            number(incident.alerts),
            incident.drill,
            known,
        ])
        .map(drop)
}

fn incident(row: &Row<'_>) -> rusqlite::Result<Incident> {
    let known: String = row.get(11)?;
    Ok(Incident {
        id: row.get(0)?,
        token: row.get(1)?,
        opened_at: word(row, 2)?,
        first_event_at: word(row, 3)?,
        last_event_at: word(row, 4)?,
        last_seen_at: word(row, 5)?,
        closed_at: maybe(row, 6)?,
        count: count(row, 7)?,
        suppressed: count(row, 8)?,
        alerts: count(row, 9)?,
        drill: row.get(10)?,
        // What an earlier version wrote, or none: everything is new then.
        known: serde_json::from_str(&known).unwrap_or_default(),
    })
}
