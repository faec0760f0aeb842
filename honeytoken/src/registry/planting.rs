//! Where keys lie.

use common::clock;
use common::record::Planting;
use rusqlite::{Transaction, params};
use serde_json::json;

use super::token::{insert_planting, note, stamp};
use super::{Registry, Result};

impl Registry {
    /// Takes down that a key of a token lies somewhere. What is known of already is not taken down twice. A place (a profile of
    /// a file of a host) holds one key: whichever was known to lie there was written over, and lies there no more. Without a
    /// host nobody can tell whether two places are one.
    pub(crate) fn planted(&self, token: &str, planting: &Planting) -> Result<()> {
        let now = clock::now();
        self.write(|transaction| {
            let Planting { key, host, path, profile, .. } = planting;
            let known: bool = transaction.query_row(
                "SELECT EXISTS (SELECT 1 FROM planting WHERE token = ?1 AND key = ?2 AND host = ?3 AND path = ?4
                    AND profile = ?5 AND removed_at IS NULL)",
                params![token, key, host, path, profile],
                |row| row.get(0),
            )?;
            if known {
                return Ok(());
            }
            if !host.is_empty() {
                remove(transaction, None, planting)?;
            }
            insert_planting(transaction, token, planting)?;
            note(transaction, Some(token), "plant", &place(planting), now)
        })
    }

    /// Takes down that a key does not lie there any more. Answers whether it was known to.
    pub(crate) fn unplanted(&self, key: &str, host: &str, path: &str, profile: &str) -> Result<bool> {
        let planting = Planting {
            key: key.to_owned(),
            host: host.to_owned(),
            path: path.to_owned(),
            profile: profile.to_owned(),
            at: clock::now(),
        };
        self.write(|transaction| remove(transaction, Some(key), &planting))
    }

    /// Takes down that no key lies at a place, whichever was known to. Answers whether any was.
    pub(crate) fn nothing_planted(&self, place: &Planting) -> Result<bool> {
        self.write(|transaction| remove(transaction, None, place))
    }
}

/// Removes what lies at a place: that key, or whichever it is. Answers whether there was any.
fn remove(transaction: &Transaction<'_>, key: Option<&str>, at: &Planting) -> rusqlite::Result<bool> {
    let now = clock::now();
    let mut statement = transaction.prepare_cached(
        "UPDATE planting SET removed_at = ?5
         WHERE removed_at IS NULL AND host = ?1 AND path = ?2 AND profile = ?3 AND (?4 IS NULL OR key = ?4)
         RETURNING token, key",
    )?;
    let removed = statement.query_map(params![at.host, at.path, at.profile, key, stamp(now)], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    let removed = removed.collect::<rusqlite::Result<Vec<_>>>()?;
    for (token, key) in &removed {
        note(transaction, Some(token), "unplant", &place(&Planting { key: key.clone(), ..at.clone() }), now)?;
    }
    Ok(!removed.is_empty())
}

/// A place as the history has it.
fn place(Planting { key, host, path, profile, .. }: &Planting) -> String {
    json!({"key": key, "host": host, "path": path, "profile": profile}).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::tests::token;
    use super::*;

    #[test]
    fn a_place_holds_one_key() {
        let registry = Registry::in_memory().unwrap();
        for (id, name) in [("t1", "svc-a"), ("t2", "svc-b")] {
            registry.insert(&token(id, name), |_| None).unwrap();
        }
        let at = |key: &str, host: &str| Planting {
            key: key.into(),
            host: host.into(),
            path: "/home/ann/.aws/credentials".into(),
            profile: "default".into(),
            at: "2026-11-20T10:00:00Z".parse().unwrap(),
        };
        let keys = |id: &str| -> Vec<String> {
            let planted = registry.token(id).unwrap().unwrap().planted;
            planted.into_iter().map(|planting| format!("{}@{}", planting.key, planting.host)).collect()
        };
        registry.planted("t1", &at("AKIA1", "laptop")).unwrap();
        registry.planted("t1", &at("AKIA1", "laptop")).unwrap();
        registry.planted("t1", &at("AKIA1", "")).unwrap();
        assert_eq!(keys("t1"), ["AKIA1@laptop", "AKIA1@"], "taken down once each");
        // Written over on the laptop; of the file without a host nobody knows.
        registry.planted("t2", &at("AKIA2", "laptop")).unwrap();
        registry.planted("t2", &at("AKIA2", "")).unwrap();
        assert_eq!((keys("t1"), keys("t2")), (vec!["AKIA1@".into()], vec!["AKIA2@laptop".into(), "AKIA2@".into()]));

        let path = "/home/ann/.aws/credentials";
        assert!(!registry.unplanted("AKIA1", "laptop", path, "default").unwrap(), "it is not there any more");
        assert!(!registry.unplanted("AKIA2", "laptop", path, "other").unwrap());
        assert!(registry.unplanted("AKIA2", "laptop", path, "default").unwrap());
        assert!(!registry.unplanted("AKIA2", "laptop", path, "default").unwrap());
        assert_eq!(keys("t2"), ["AKIA2@"]);
        // And again, as of now.
        registry.planted("t2", &at("AKIA2", "laptop")).unwrap();
        assert_eq!(keys("t2"), ["AKIA2@", "AKIA2@laptop"]);
    }
}
