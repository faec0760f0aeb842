//! For how long it is known which events were seen, and which keys somebody got with a token's.
//!
//! What is forgotten is counted, and what was told of it stays in its incident for ever: whoever reads an old event once more
//! hears nothing that was said already.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, Transaction, params};

use super::event::earlier;
use super::token::stamp;
use super::{Registry, Result};

/// For how long it is known that an event was seen: longer than it can come again by itself. `LookupEvents` reaches back 90
/// days, and a queue keeps a message for 14.
/// <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html>
pub(crate) const EVENTS_KEPT: SignedDuration = SignedDuration::from_hours(100 * 24);

/// How long a session lives at most: 36 hours, of `GetSessionToken` and `GetFederationToken`. Its events come later still.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>
const SESSIONS_KEPT: SignedDuration = SignedDuration::from_hours(36 + 100 * 24);

/// How many events of a token are known at most, the latest ones, and how many keys: a thief may have a loop. As many events
/// as `LookupEvents` can tell of within the time that is read once more.
const MOST_EVENTS: u32 = 100_000;
const MOST_KEYS: u32 = 10_000;

/// How many rows are forgotten at once: some milliseconds' work.
const BATCH: u32 = 1000;

/// What came of a look for what can be forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pruned {
    /// There is more of it.
    pub(crate) more: bool,
    /// Keys were forgotten.
    pub(crate) keys: bool,
}

impl Registry {
    /// Forgets some of what need not be known any more; `busy` are the tokens of which there may be too much. Does not wait
    /// for others who write.
    pub(crate) fn prune(&self, now: Timestamp, busy: &BTreeSet<String>) -> Result<Pruned> {
        self.prune_to(now, busy, MOST_EVENTS, MOST_KEYS)
    }

    fn prune_to(&self, now: Timestamp, busy: &BTreeSet<String>, events: u32, keys: u32) -> Result<Pruned> {
        let (before, sessions) = (stamp(earlier(now, EVENTS_KEPT)), stamp(earlier(now, SESSIONS_KEPT)));
        self.write_unless_busy(|transaction| {
            let old = "SELECT rowid FROM event WHERE seen_at < ?1 ORDER BY seen_at, rowid";
            let mut most = forget_events(transaction, old, &before, "")?;
            let old = "id GLOB 'ASIA*' AND seen_at < ?1 ORDER BY seen_at";
            let mut forgotten = forget_keys(transaction, old, &sessions, "")?;
            for token in busy {
                if let Some(from) = beyond(transaction, "occurred_at", "event", token, events)? {
                    let old =
                        "SELECT rowid FROM event WHERE token = ?2 AND occurred_at <= ?1 ORDER BY occurred_at, rowid";
                    most = most.max(forget_events(transaction, old, &from, token)?);
                }
                if let Some(from) = beyond(transaction, "seen_at", "derived_key", token, keys)? {
                    let old = "id GLOB 'ASIA*' AND token = ?2 AND seen_at <= ?1 ORDER BY seen_at";
                    forgotten = forgotten.max(forget_keys(transaction, old, &from, token)?);
                }
            }
            Ok(Pruned { more: most.max(forgotten) >= BATCH as usize, keys: forgotten > 0 })
        })
    }
}

/// The time of the first of a token's rows, from the latest one back, that is one too many.
fn beyond(
    transaction: &Transaction<'_>,
    time: &str,
    table: &str,
    token: &str,
    most: u32,
) -> rusqlite::Result<Option<String>> {
    let query = format!("SELECT {time} FROM {table} WHERE token = ?1 ORDER BY {time} DESC LIMIT 1 OFFSET ?2");
    transaction.prepare_cached(&query)?.query_row(params![token, most], |row| row.get(0)).optional()
}

/// Forgets events, and keeps how many there were and when.
fn forget_events(transaction: &Transaction<'_>, which: &str, time: &str, token: &str) -> rusqlite::Result<usize> {
    // What has no parameter of its own takes none.
    let which = format!("rowid IN ({which} LIMIT {BATCH}) AND ?2 = ?2");
    let count = format!(
        "INSERT INTO forgotten (token, events, suppressed, first_at, last_at)
         SELECT token, count(*), sum(suppressed), min(occurred_at), max(occurred_at) FROM event
         WHERE NOT drill AND {which} GROUP BY token
         ON CONFLICT (token) DO UPDATE SET events = events + excluded.events,
            suppressed = suppressed + excluded.suppressed,
            first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at)"
    );
    transaction.prepare_cached(&count)?.execute(params![time, token])?;
    transaction.prepare_cached(&format!("DELETE FROM event WHERE {which}"))?.execute(params![time, token])
}

/// Forgets keys. A key that was made for another user lives until somebody deletes it: it is none of these.
fn forget_keys(transaction: &Transaction<'_>, which: &str, time: &str, token: &str) -> rusqlite::Result<usize> {
    let delete = format!(
        "DELETE FROM derived_key WHERE id IN (SELECT id FROM derived_key WHERE {which} LIMIT {BATCH}) AND ?2 = ?2"
    );
    transaction.prepare_cached(&delete)?.execute(params![time, token])
}

#[cfg(test)]
mod tests {
    use super::super::tests::token;
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn event(registry: &Registry, id: &str, seen_at: Timestamp, suppressed: bool, drill: bool) {
        let insert = "INSERT INTO event (id, token, trigger, occurred_at, seen_at, suppressed, drill)
            VALUES (?1, 't1', 'used', ?2, ?3, ?4, ?5)";
        let values = params![id, stamp(seen_at - SignedDuration::from_mins(5)), stamp(seen_at), suppressed, drill];
        registry.write(|transaction| transaction.execute(insert, values)).unwrap();
    }

    fn key(registry: &Registry, id: &str, seen_at: Timestamp) {
        let insert = "INSERT INTO derived_key (id, token, event, seen_at) VALUES (?1, 't1', 'e', ?2)";
        registry.write(|transaction| transaction.execute(insert, params![id, stamp(seen_at)])).unwrap();
    }

    fn ids(registry: &Registry, table: &str) -> Vec<String> {
        let query = format!("SELECT id FROM {table} ORDER BY id");
        registry.read(|connection| connection.prepare(&query)?.query_map([], |row| row.get(0))?.collect()).unwrap()
    }

    fn registry() -> Registry {
        let registry = Registry::in_memory().unwrap();
        registry.insert(&token("t1", "svc"), |_| None).unwrap();
        registry
    }

    #[test]
    fn what_is_old_is_forgotten_and_counted() {
        let registry = registry();
        let now = at("2026-11-20T12:00:00Z");
        let days = |days: i64| now - SignedDuration::from_hours(24 * days);
        event(&registry, "e1", days(300), false, false);
        event(&registry, "e2", days(101), true, false);
        event(&registry, "e3", days(101), false, true);
        event(&registry, "e4", days(99), false, false);
        for (id, days_ago) in [("ASIA1", 102), ("ASIA2", 101), ("AKIA1", 1000)] {
            key(&registry, id, days(days_ago));
        }
        let fired = || registry.token("t1").unwrap().unwrap().fired.unwrap();
        let before = fired();
        assert_eq!((before.events, before.suppressed), (3, 1));
        let pruned = registry.prune(now, &BTreeSet::new()).unwrap();
        assert_eq!(pruned, Pruned { more: false, keys: true });
        assert_eq!(ids(&registry, "event"), ["e4"]);
        assert_eq!(
            ids(&registry, "derived_key"),
            ["AKIA1", "ASIA2"],
            "a session that began then may be told of until now"
        );
        assert_eq!(fired(), before, "what is told of a token is what it was");
        assert_eq!(registry.prune(now, &BTreeSet::new()).unwrap(), Pruned::default());
        // In pieces, none of which counts twice.
        for number in 0..2500 {
            event(&registry, &format!("n{number}"), days(200), false, false);
        }
        let more: Vec<bool> = (0..3).map(|_| registry.prune(now, &BTreeSet::new()).unwrap().more).collect();
        assert_eq!(more, [true, true, false]);
        assert_eq!((fired().events, ids(&registry, "event").len()), (2503, 1));
    }

    #[test]
    fn a_loop_of_a_thiefs_does_not_fill_the_disk() {
        let registry = registry();
        let now = at("2026-11-20T12:00:00Z");
        for number in 0..50 {
            event(&registry, &format!("e{number:02}"), now + SignedDuration::from_secs(number), false, false);
            key(&registry, &format!("ASIA{number:02}"), now + SignedDuration::from_secs(number));
        }
        let prune = |busy: &[&str]| {
            let busy = busy.iter().map(|&token| token.to_owned()).collect();
            registry.prune_to(now, &busy, 20, 5).unwrap();
            (ids(&registry, "event").len(), ids(&registry, "derived_key"))
        };
        assert_eq!(prune(&["t2"]).0, 50);
        let (events, keys) = prune(&["t1"]);
        assert_eq!((events, keys.len()), (20, 5));
        assert_eq!((ids(&registry, "event")[0].as_str(), keys[0].as_str()), ("e30", "ASIA45"), "the latest stay");
        assert_eq!(registry.token("t1").unwrap().unwrap().fired.unwrap().events, 50);
    }

    #[test]
    fn nobody_who_writes_is_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("r.db");
        let registry = Registry::open_or_create(&path).unwrap();
        let other = rusqlite::Connection::open(&path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let start = std::time::Instant::now();
        assert!(registry.prune(at("2026-11-20T12:00:00Z"), &BTreeSet::new()).unwrap_err().may_pass());
        assert!(start.elapsed() < super::super::PATIENCE / 2);
        other.execute_batch("COMMIT").unwrap();
        registry.insert(&token("t1", "svc"), |_| None).unwrap();
    }

    #[test]
    fn what_the_watch_asks_all_the_time_is_found_by_an_index() {
        let registry = registry();
        for query in [
            "SELECT rowid FROM event WHERE seen_at < 'x' ORDER BY seen_at, rowid LIMIT 1000",
            "SELECT id FROM derived_key WHERE seen_at < 'x' ORDER BY seen_at LIMIT 1000",
            "SELECT seen_at FROM derived_key WHERE token = 't1' ORDER BY seen_at DESC LIMIT 1 OFFSET 5",
            "SELECT occurred_at FROM event WHERE token = 't1' ORDER BY occurred_at DESC LIMIT 1 OFFSET 5",
            "SELECT id FROM incident WHERE closed_at IS NULL ORDER BY opened_at, id",
            "SELECT id FROM incident WHERE token = 't1' AND drill = 0 AND first_event_at <= 'x' AND last_event_at >= 'x'",
        ] {
            let plan: Vec<String> = registry
                .read(|connection| {
                    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {query}"))?;
                    statement.query_map([], |row| row.get(3))?.collect()
                })
                .unwrap();
            let indexed = |step: &String| step.contains(" USING ") && !step.contains("TEMP B-TREE");
            assert!(plan.iter().all(indexed), "{query}: {plan:?}");
        }
    }
}
