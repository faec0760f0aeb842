//! Drills: uses of tokens on purpose, and when they were noticed.

use common::clock;
use common::record::Drill;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use serde_json::json;

use super::event::drill_seen;
use super::token::{maybe, note, stamp};
use super::{Registry, Result};

impl Registry {
    /// Takes down that a token is about to be used on purpose, by calls that have the nonce in their user agent: to be called
    /// before the first of them.
    pub(crate) fn begin_drill(&self, nonce: &str, token: &str, key: &str) -> Result<()> {
        let now = stamp(clock::now());
        self.write(|transaction| {
            let values = params![nonce, token, key, now];
            let insert = "INSERT INTO drill (nonce, token, key, started_at) VALUES (?1, ?2, ?3, ?4)";
            transaction.execute(insert, values).map(drop)
        })
    }

    /// When a watch noticed the drill; `None`: not yet.
    pub(crate) fn drill_seen(&self, nonce: &str) -> Result<Option<Timestamp>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT seen_at FROM drill WHERE nonce = ?1")?;
            Ok(statement.query_row([nonce], |row| maybe(row, 0)).optional()?.flatten())
        })
    }

    /// Takes down when a drill was noticed, where nobody has yet.
    pub(crate) fn note_drill_seen(&self, nonce: &str, at: Timestamp) -> Result<()> {
        self.write(|transaction| drill_seen(transaction, nonce, at))
    }

    /// Takes down how a token's drill ended.
    pub(crate) fn drill_ended(&self, token: &str, drill: &Drill) -> Result<()> {
        let Drill { at, latency_seconds } = drill;
        let detail = json!({"latency_seconds": latency_seconds}).to_string();
        self.write(|transaction| {
            let values = params![token, stamp(*at), latency_seconds];
            transaction.execute("UPDATE token SET drilled_at = ?2, drill_latency = ?3 WHERE id = ?1", values)?;
            note(transaction, Some(token), "drill", &detail, clock::now())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::token;
    use super::*;

    #[test]
    fn a_drill_is_seen_once_somebody_says_so_and_the_last_one_is_kept() {
        let registry = Registry::in_memory().unwrap();
        registry.insert(&token("t1", "svc"), |_| None).unwrap();
        registry.begin_drill("build-1", "t1", "AKIAEXAMPLE").unwrap();
        assert!(registry.begin_drill("build-2", "t9", "AKIAEXAMPLE").is_err(), "there is no such token");
        assert_eq!(registry.drill_seen("build-1").unwrap(), None);
        assert_eq!(registry.drill_seen("build-9").unwrap(), None);
        let seen = "2026-11-20T10:00:12Z".parse().unwrap();
        for at in [seen, clock::now()] {
            registry.note_drill_seen("build-1", at).unwrap();
        }
        assert_eq!(registry.drill_seen("build-1").unwrap(), Some(seen));

        for latency_seconds in [Some(12.3), None] {
            let drill = Drill { at: seen, latency_seconds };
            registry.drill_ended("t1", &drill).unwrap();
            assert_eq!(registry.token("t1").unwrap().unwrap().drill, Some(drill));
        }
    }

    #[test]
    fn what_is_taken_down_in_a_borrowed_registry_nobody_hears_of() {
        let directory = tempfile::tempdir().unwrap();
        let registry = Registry::open_or_create(&directory.path().join("r.db")).unwrap();
        registry.insert(&token("t1", "svc"), |_| None).unwrap();
        registry.begin_drill("build-1", "t1", "AKIAEXAMPLE").unwrap();
        let borrowed = registry.borrowed().unwrap();
        assert_eq!(borrowed.all_tokens().unwrap(), registry.all_tokens().unwrap());
        borrowed.note_drill_seen("build-1", clock::now()).unwrap();
        borrowed.set_cursor("s", clock::now(), clock::now()).unwrap();
        // Of a token that was made since, too.
        borrowed.begin_drill("build-2", "t2", "AKIAEXAMPLE").unwrap();
        assert!(borrowed.drill_seen("build-1").unwrap().is_some());
        assert_eq!((registry.drill_seen("build-1").unwrap(), registry.cursor("s").unwrap()), (None, None));
        assert_eq!(registry.drilled().unwrap().len(), 1);
    }
}
