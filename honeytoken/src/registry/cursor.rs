//! How far the sources of events were read.

use common::id::AccountId;
use common::record::LastUsed;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::token::{count, maybe, stamp, word};
use super::{Registry, Result};

/// What is known of a file of a trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TrailFile {
    /// Its key in the bucket.
    pub(crate) key: String,
    /// How often it could not be read; 0: it was.
    pub(crate) failures: u32,
    /// When that was.
    pub(crate) at: Timestamp,
}

/// A key that IAM is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UsableKey {
    /// The access key id.
    pub(crate) id: String,
    /// The token that it is of.
    pub(crate) token: String,
    /// The account that it is in.
    pub(crate) account: AccountId,
    /// The ARN of the token's user.
    pub(crate) user: String,
    /// When IAM was asked last; what it told then is no news.
    pub(crate) looked_at: Option<Timestamp>,
    /// Its last use that IAM told of.
    pub(crate) last_used: Option<LastUsed>,
    /// The first use that IAM told of, and no event so far.
    pub(crate) unexplained: Option<Unexplained>,
}

/// A use that no event has told of so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unexplained {
    /// When, for what and where.
    pub(crate) used: LastUsed,
    /// Since when it is known.
    pub(crate) seen_at: Timestamp,
}

impl Registry {
    /// Up to when a source was read.
    pub(crate) fn cursor(&self, source: &str) -> Result<Option<Timestamp>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT value FROM cursor WHERE source = ?1")?;
            statement.query_row([source], |row| word(row, 0)).optional()
        })
    }

    /// Takes down up to when a source was read. It never goes back.
    pub(crate) fn set_cursor(&self, source: &str, to: Timestamp, now: Timestamp) -> Result<()> {
        self.write(|transaction| transaction.execute(SET_CURSOR, params![source, stamp(to), stamp(now)]).map(drop))
    }

    /// What is known of the files of a source.
    pub(crate) fn trail_files(&self, source: &str) -> Result<Vec<TrailFile>> {
        self.read(|connection| {
            let query = "SELECT key, failures, at FROM trail_file WHERE source = ?1 ORDER BY key";
            let mut statement = connection.prepare_cached(query)?;
            let files = statement.query_map([source], |row| {
                let failures = u32::try_from(count(row, 1)?).unwrap_or(u32::MAX);
                Ok(TrailFile { key: row.get(0)?, failures, at: word(row, 2)? })
            })?;
            files.collect()
        })
    }

    /// Takes down what has become of files, and up to when a source was read, all at once. What was read and lies before
    /// `oldest` is not looked at again, and forgotten; what could not be read is kept.
    pub(crate) fn files_read(&self, source: &str, files: &[TrailFile], to: Timestamp, oldest: &str) -> Result<()> {
        let now = common::clock::now();
        self.write(|transaction| {
            for TrailFile { key, failures, at } in files {
                transaction.execute(
                    "INSERT OR REPLACE INTO trail_file (source, key, failures, at) VALUES (?1, ?2, ?3, ?4)",
                    params![source, key, failures, stamp(*at)],
                )?;
            }
            let forget = "DELETE FROM trail_file WHERE source = ?1 AND key < ?2 AND failures = 0";
            transaction.execute(forget, params![source, oldest])?;
            transaction.execute(SET_CURSOR, params![source, stamp(to), stamp(now)]).map(drop)
        })
    }

    /// The keys that can be used, those first that were asked about least lately.
    pub(crate) fn usable_keys(&self) -> Result<Vec<UsableKey>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT key.id, token.id, token.account, token.arn, key.looked_at,
                        key.last_used_at, key.last_used_service, key.last_used_region,
                        unexplained_use.used_at, unexplained_use.service, unexplained_use.region, unexplained_use.seen_at
                 FROM key JOIN token ON token.id = key.token LEFT JOIN unexplained_use ON unexplained_use.key = key.id
                 WHERE key.status IN ('active', 'unconfirmed') AND token.state <> 'deleted'
                 ORDER BY key.looked_at, key.rowid",
            )?;
            let keys = statement.query_map([], |row| {
                let used = |at: usize| -> rusqlite::Result<Option<LastUsed>> {
                    let time: Option<Timestamp> = maybe(row, at)?;
                    let Some(time) = time else { return Ok(None) };
                    Ok(Some(LastUsed { at: time, service: row.get(at + 1)?, region: row.get(at + 2)? }))
                };
                let unexplained = match used(8)? {
                    Some(used) => Some(Unexplained { used, seen_at: word(row, 11)? }),
                    None => None,
                };
                Ok(UsableKey {
                    id: row.get(0)?,
                    token: row.get(1)?,
                    account: word(row, 2)?,
                    user: row.get(3)?,
                    looked_at: maybe(row, 4)?,
                    last_used: used(5)?,
                    unexplained,
                })
            })?;
            keys.collect()
        })
    }

    /// Takes down what IAM said of a key's last use, and which use no event has told of.
    pub(crate) fn looked_at(
        &self,
        key: &str,
        used: Option<&LastUsed>,
        unexplained: Option<&Unexplained>,
        now: Timestamp,
    ) -> Result<()> {
        self.write(|transaction| {
            transaction.execute("UPDATE key SET looked_at = ?2 WHERE id = ?1", params![key, stamp(now)])?;
            if let Some(used) = used {
                transaction.execute(
                    "UPDATE key SET last_used_at = ?2, last_used_service = ?3, last_used_region = ?4
                     WHERE id = ?1 AND coalesce(last_used_at, '') < ?2",
                    params![key, stamp(used.at), used.service, used.region],
                )?;
            }
            match unexplained {
                Some(Unexplained { used, seen_at }) => transaction.execute(
                    "INSERT OR REPLACE INTO unexplained_use (key, used_at, service, region, seen_at)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![key, stamp(used.at), used.service, used.region, stamp(*seen_at)],
                ),
                None => transaction.execute("DELETE FROM unexplained_use WHERE key = ?1", [key]),
            }
            .map(drop)
        })
    }

    /// Whether an event or a drill tells of a use of a token at about that time: `give` before or after it. That somebody else
    /// touched it explains no use.
    pub(crate) fn is_explained(&self, token: &str, at: Timestamp, give: SignedDuration) -> Result<bool> {
        let from = at.saturating_sub(give).unwrap_or(Timestamp::MIN);
        let to = at.saturating_add(give).unwrap_or(Timestamp::MAX);
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM event WHERE token = ?1 AND occurred_at BETWEEN ?2 AND ?3
                                    AND trigger IN ('used', 'used_via_session', 'used_unlogged'))
                     OR EXISTS (SELECT 1 FROM drill WHERE token = ?1 AND started_at BETWEEN ?2 AND ?3)",
            )?;
            statement.query_row(params![token, stamp(from), stamp(to)], |row| row.get(0))
        })
    }
}

/// Forwards only: two that read the same source at the same time do not set each other back.
const SET_CURSOR: &str = "INSERT INTO cursor (source, value, updated_at) VALUES (?1, ?2, ?3) \
    ON CONFLICT (source) DO UPDATE SET value = max(value, excluded.value), updated_at = excluded.updated_at";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::tests::token;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_cursor_goes_forwards_only() {
        let registry = Registry::in_memory().unwrap();
        assert_eq!(registry.cursor("s").unwrap(), None);
        for (to, expected) in [("10:00", "10:00"), ("12:00", "12:00"), ("11:00", "12:00")] {
            let time = |hour: &str| at(&format!("2026-11-20T{hour}:00Z"));
            registry.set_cursor("s", time(to), time(to)).unwrap();
            assert_eq!(registry.cursor("s").unwrap(), Some(time(expected)));
        }
        assert_eq!(registry.cursor("other").unwrap(), None);
    }

    #[test]
    fn files_are_forgotten_behind_the_cursor_save_those_that_failed() {
        let registry = Registry::in_memory().unwrap();
        let now = at("2026-11-20T10:00:00Z");
        let file = |key: &str, failures| TrailFile { key: key.to_owned(), failures, at: now };
        let keys = || -> Vec<(String, u32)> {
            registry.trail_files("s").unwrap().into_iter().map(|file| (file.key, file.failures)).collect()
        };
        registry.files_read("s", &[file("a", 0), file("b", 1), file("c", 0)], now, "").unwrap();
        registry.files_read("other", &[file("a", 0)], now, "").unwrap();
        assert_eq!(keys(), [("a".into(), 0), ("b".into(), 1), ("c".into(), 0)]);
        registry.files_read("s", &[file("d", 0)], now, "c").unwrap();
        assert_eq!(keys(), [("b".into(), 1), ("c".into(), 0), ("d".into(), 0)]);
        registry.files_read("s", &[file("b", 0)], now, "c").unwrap();
        assert_eq!(keys(), [("c".into(), 0), ("d".into(), 0)], "it was read at last");
        assert_eq!(registry.trail_files("other").unwrap().len(), 1);
    }

    #[test]
    fn what_explains_a_use_is_a_use_or_a_drill_at_about_that_time() {
        let registry = Registry::in_memory().unwrap();
        registry.insert(&token("t1", "svc"), |_| None).unwrap();
        registry.insert(&token("t2", "svc2"), |_| None).unwrap();
        let event = |id: &str, trigger: &str, time: &str| {
            registry
                .write(|transaction| {
                    transaction.execute(
                        "INSERT INTO event (id, token, trigger, occurred_at, seen_at, suppressed, drill)
                         VALUES (?1, 't1', ?2, ?3, ?3, 0, 0)",
                        params![id, trigger, stamp(at(time))],
                    )
                })
                .unwrap();
        };
        let (noon, give) = (at("2026-11-20T12:00:00Z"), SignedDuration::from_mins(20));
        let is_explained = |token: &str| registry.is_explained(token, noon, give).unwrap();
        event("e1", "touched", "2026-11-20T12:00:00Z");
        event("e2", "used", "2026-11-20T11:39:59Z");
        event("e3", "used", "2026-11-20T12:20:01Z");
        assert!(!is_explained("t1"));
        event("e4", "used", "2026-11-20T12:20:00Z");
        assert!(is_explained("t1") && !is_explained("t2"));
        let drill = "INSERT INTO drill (nonce, token, key, started_at) VALUES ('n', 't2', 'k', ?1)";
        registry.write(|transaction| transaction.execute(drill, [stamp(at("2026-11-20T11:45:00Z"))])).unwrap();
        assert!(is_explained("t2"));
    }

    #[test]
    fn keys_that_can_be_used_come_with_what_is_known_of_them_and_the_least_known_first() {
        let registry = Registry::in_memory().unwrap();
        let now = at("2026-11-20T12:00:00Z");
        for (name, state) in [("a", "active"), ("b", "active"), ("c", "deleted")] {
            let mut token = token(name, name);
            token.state = state.parse().unwrap();
            registry.insert(&token, |_| None).unwrap();
            registry.key_made(name, &format!("AKIA{name}"), &registry.mark("x"), now).unwrap();
        }
        let ids = || -> Vec<String> { registry.usable_keys().unwrap().into_iter().map(|key| key.id).collect() };
        assert_eq!(ids(), ["AKIAa", "AKIAb"]);
        let used = LastUsed { at: now, service: "s3".into(), region: "eu-west-1".into() };
        let unexplained = Unexplained { used: used.clone(), seen_at: now };
        registry.looked_at("AKIAa", Some(&used), Some(&unexplained), now).unwrap();
        assert_eq!(ids(), ["AKIAb", "AKIAa"]);
        let key = registry.usable_keys().unwrap().pop().unwrap();
        assert_eq!((key.looked_at, key.last_used, key.unexplained), (Some(now), Some(used.clone()), Some(unexplained)));
        // What IAM said once it does not take back, and what was explained is gone.
        let older = LastUsed { at: at("2026-11-20T11:00:00Z"), ..used.clone() };
        registry.looked_at("AKIAa", Some(&older), None, now).unwrap();
        let key = registry.usable_keys().unwrap().pop().unwrap();
        assert_eq!((key.last_used, key.unexplained), (Some(used), None));
    }
}
