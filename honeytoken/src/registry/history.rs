//! What came of a token: who did what, what was begun, the keys that somebody got with it, incidents, events, drills.

use jiff::Timestamp;
use rusqlite::{Connection, Row, Statement};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::token::{maybe, word};
use super::{Incident, Known, Registry, Result};

/// How many events are told of, the last ones; `fired.events` has the number of all.
const EVENTS: u32 = 100;

/// What the registry knows beside the token itself, the oldest first.
#[derive(Debug, Serialize)]
pub(crate) struct Past {
    /// Who did what.
    history: Vec<Deed>,
    /// What was begun, and is not known to have ended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unfinished: Vec<Begun>,
    /// Keys that somebody got with the token's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    derived_keys: Vec<DerivedKey>,
    incidents: Vec<Case>,
    /// The last ones.
    events: Vec<Event>,
    drills: Vec<Practice>,
    /// Where it lay, and lies no more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unplanted: Vec<Value>,
}

#[derive(Debug, Serialize)]
struct Deed {
    at: Timestamp,
    #[serde(skip_serializing_if = "String::is_empty")]
    who: String,
    verb: String,
    /// What it is about: a word, or an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Value>,
    /// What was changed: for each field `before` and `after`.
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Value>,
}

#[derive(Debug, Serialize)]
struct Begun {
    verb: String,
    step: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
    started_at: Timestamp,
    updated_at: Timestamp,
}

#[derive(Debug, Serialize)]
struct DerivedKey {
    id: String,
    /// The event that gave it away.
    event: String,
    seen_at: Timestamp,
}

/// An incident, as far as people want to know of it.
#[derive(Debug, Serialize)]
struct Case {
    id: String,
    opened_at: Timestamp,
    first_event_at: Timestamp,
    last_event_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_at: Option<Timestamp>,
    events: u64,
    suppressed: u64,
    alerts: u64,
    drill: bool,
    /// What was alerted about: addresses, tools, regions, triggers.
    known: Known,
}

impl From<Incident> for Case {
    fn from(incident: Incident) -> Self {
        let Incident {
            id, opened_at, first_event_at, last_event_at, closed_at, suppressed, alerts, drill, known, ..
        } = incident;
        let events = incident.count;
        Self { id, opened_at, first_event_at, last_event_at, closed_at, events, suppressed, alerts, drill, known }
    }
}

#[derive(Debug, Serialize)]
struct Event {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    incident: Option<String>,
    trigger: String,
    occurred_at: Timestamp,
    seen_at: Timestamp,
    suppressed: bool,
    drill: bool,
}

#[derive(Debug, Serialize)]
struct Practice {
    key: String,
    started_at: Timestamp,
    /// Absent where it was not noticed.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen_at: Option<Timestamp>,
}

impl Registry {
    /// What came of a token.
    pub(crate) fn past(&self, token: &str) -> Result<Past> {
        let incidents = self.incidents_of(token)?.into_iter().map(Case::from).collect();
        self.read(|connection| {
            let all = Of { connection, token };
            Ok(Past {
                history: all.rows(
                    "SELECT at, who, verb, detail FROM history WHERE token = ?1 ORDER BY number",
                    |row| {
                        let (detail, changes) = told(&row.get::<_, String>(3)?);
                        Ok(Deed { at: word(row, 0)?, who: row.get(1)?, verb: row.get(2)?, detail, changes })
                    },
                )?,
                unfinished: all.rows(
                    "SELECT verb, step, detail, started_at, updated_at FROM operation WHERE token = ?1 ORDER BY number",
                    |row| {
                        Ok(Begun {
                            verb: row.get(0)?,
                            step: row.get(1)?,
                            detail: row.get(2)?,
                            started_at: word(row, 3)?,
                            updated_at: word(row, 4)?,
                        })
                    },
                )?,
                derived_keys: all.rows(
                    "SELECT id, event, seen_at FROM derived_key WHERE token = ?1 ORDER BY seen_at, id",
                    |row| Ok(DerivedKey { id: row.get(0)?, event: row.get(1)?, seen_at: word(row, 2)? }),
                )?,
                incidents,
                events: all.events()?,
                drills: all.rows(
                    "SELECT key, started_at, seen_at FROM drill WHERE token = ?1 ORDER BY started_at, nonce",
                    |row| Ok(Practice { key: row.get(0)?, started_at: word(row, 1)?, seen_at: maybe(row, 2)? }),
                )?,
                unplanted: all.rows(
                    "SELECT key, host, path, profile, at, removed_at FROM planting
                     WHERE token = ?1 AND removed_at IS NOT NULL ORDER BY number",
                    |row| {
                        let (at, removed_at): (Timestamp, Timestamp) = (word(row, 4)?, word(row, 5)?);
                        let text = |column| row.get::<_, String>(column);
                        Ok(json!({"key": text(0)?, "host": text(1)?, "path": text(2)?, "profile": text(3)?, "at": at,
                            "removed_at": removed_at}))
                    },
                )?,
            })
        })
    }
}

/// What belongs to one token.
struct Of<'a> {
    connection: &'a Connection,
    token: &'a str,
}

impl Of<'_> {
    fn rows<T>(&self, query: &str, read: impl Fn(&Row<'_>) -> rusqlite::Result<T>) -> rusqlite::Result<Vec<T>> {
        let mut statement: Statement<'_> = self.connection.prepare(query)?;
        statement.query_map([self.token], |row| read(row))?.collect()
    }

    fn events(&self) -> rusqlite::Result<Vec<Event>> {
        let query = format!(
            "SELECT id, incident, trigger, occurred_at, seen_at, suppressed, drill FROM event
             WHERE token = ?1 ORDER BY occurred_at DESC, id DESC LIMIT {EVENTS}"
        );
        let mut events = self.rows(&query, |row| {
            Ok(Event {
                id: row.get(0)?,
                incident: row.get(1)?,
                trigger: row.get(2)?,
                occurred_at: word(row, 3)?,
                seen_at: word(row, 4)?,
                suppressed: row.get(5)?,
                drill: row.get(6)?,
            })
        })?;
        events.reverse();
        Ok(events)
    }
}

/// The detail of a line of the history, and of a change what it changed.
fn told(detail: &str) -> (Option<Value>, Option<Value>) {
    let value = match serde_json::from_str(detail) {
        Ok(value @ Value::Object(_)) => value,
        _ if detail.is_empty() => return (None, None),
        _ => return (Some(detail.into()), None),
    };
    let (Some(Value::Object(before)), Some(Value::Object(after))) = (value.get("before"), value.get("after")) else {
        return (Some(value), None);
    };
    let changed = after.iter().filter(|(name, new)| before.get(*name) != Some(new));
    let changes = changed
        .map(|(name, new)| (name.clone(), json!({"before": before.get(name).unwrap_or(&Value::Null), "after": new})));
    (None, Some(Value::Object(changes.collect::<Map<_, _>>())))
}

#[cfg(test)]
mod tests {
    use super::super::tests::token;
    use super::*;

    #[test]
    fn a_change_is_told_by_what_it_changed() {
        let both = json!({"before": {"owner": "web", "notes": "", "labels": {}},
            "after": {"owner": "db", "notes": "", "labels": {"a": "b"}}});
        for (detail, expected) in [
            ("", (None, None)),
            ("begun", (Some(json!("begun")), None)),
            ("12", (Some(json!("12")), None)),
            (r#"{"key":"AKIA"}"#, (Some(json!({"key": "AKIA"})), None)),
            (
                &both.to_string(),
                (
                    None,
                    Some(json!({"owner": {"before": "web", "after": "db"},
                        "labels": {"before": {}, "after": {"a": "b"}}})),
                ),
            ),
        ] {
            assert_eq!(told(detail), expected, "{detail}");
        }
    }

    #[test]
    fn all_that_the_tables_hold_of_a_token_is_told_and_nothing_of_another() {
        let registry = Registry::in_memory().unwrap();
        for id in ["t1", "t2"] {
            registry.insert(&token(id, id), |_| None).unwrap();
        }
        registry
            .write(|transaction| {
                transaction.execute_batch(
                    "INSERT INTO incident (id, token, opened_at, first_event_at, last_event_at, last_seen_at, closed_at,
                        count, suppressed, alerts, drill, known) VALUES ('i1', 't1', '2026-11-20T00:00:01Z', '2026-11-20T00:00:00Z',
                        '2026-11-20T00:01:00Z', '2026-11-20T00:01:01Z', NULL, 2, 1, 1, 0, '{\"said\":[\"tool aws-cli\"]}');
                     INSERT INTO event (id, token, incident, trigger, occurred_at, seen_at, suppressed, drill) VALUES
                        ('e2', 't1', 'i1', 'used', '2026-11-20T00:01:00Z', '2026-11-20T00:01:01Z', 1, 0),
                        ('e1', 't1', 'i1', 'used', '2026-11-20T00:00:00Z', '2026-11-20T00:00:01Z', 0, 0),
                        ('e1', 't2', NULL, 'touched', '2026-11-20T00:00:00Z', '2026-11-20T00:00:01Z', 0, 0);
                     INSERT INTO derived_key (id, token, event, seen_at) VALUES ('ASIA1', 't1', 'e1', '2026-11-20T00:00:01Z');
                     INSERT INTO drill (nonce, token, key, started_at, seen_at) VALUES ('n', 't2', 'AKIA2', '2026-11-20T00:00:00Z', NULL);",
                )
            })
            .unwrap();
        let past = serde_json::to_value(registry.past("t1").unwrap()).unwrap();
        assert_eq!(past["incidents"][0]["known"]["said"], json!(["tool aws-cli"]), "{past}");
        assert!(past["incidents"][0].get("closed_at").is_none(), "{past}");
        assert_eq!(past["incidents"][0]["events"], 2);
        assert_eq!([&past["events"][0]["id"], &past["events"][1]["id"]], ["e1", "e2"]);
        assert_eq!(past["events"][1]["suppressed"], true);
        assert_eq!(past["derived_keys"], json!([{"id": "ASIA1", "event": "e1", "seen_at": "2026-11-20T00:00:01Z"}]));
        assert_eq!(past["drills"], json!([]));
        let past = serde_json::to_value(registry.past("t2").unwrap()).unwrap();
        assert_eq!(past["events"].as_array().unwrap().len(), 1);
        assert_eq!(past["drills"], json!([{"key": "AKIA2", "started_at": "2026-11-20T00:00:00Z"}]));
    }
}
