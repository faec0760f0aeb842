//! What is said, and what is remembered, run after run.

mod laws;
mod life;
mod looked;

use std::collections::BTreeMap;

use common::document::Document;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::looked::Looked;
use super::merge::{self, Answer, Ask};
use super::notes::Notes;
use super::{Fate, TargetName, together};
use crate::entry::Entry;
use crate::group::Groups;

const ACCOUNT: &str = "111122223333";
const CHECK: &str = "s3_bucket_public_acl";
const SLACK: &str = "slack hooks.slack.com";
const LEASE: SignedDuration = SignedDuration::from_mins(2);

/// The time at which all begins.
fn start() -> Timestamp {
    "2026-11-20T10:00:00Z".parse().unwrap()
}

/// A record of a bucket.
fn record(kind: &str, status: &str, id: &str) -> Value {
    let arn = format!("arn:aws:s3:::{id}");
    json!({
        "kind": kind, "key": format!("{CHECK}:{arn}"), "check": CHECK, "status": status, "severity": "high",
        "account": ACCOUNT, "region": "eu-west-1", "type": "s3_bucket", "id": id, "arn": arn,
        "title": format!("S3 bucket {id} is readable by anyone"), "action": "s3_make_acl_private",
    })
}

fn finding(status: &str, id: &str) -> Value {
    record("finding", status, id)
}

fn outcome(status: &str, id: &str) -> Value {
    record("outcome", status, id)
}

/// A scope of buckets that `audit` has seen, with so many findings.
fn scope(status: &str, findings: usize) -> Value {
    json!({
        "kind": "scope", "account": ACCOUNT, "region": "eu-west-1", "type": "s3_bucket", "status": status,
        "checks": [CHECK], "findings": findings,
    })
}

/// A record with another value in a field.
fn with(mut record: Value, field: &str, value: impl Into<Value>) -> Value {
    record[field] = value.into();
    record
}

/// What the records say, and what they show was looked at.
fn read(records: &[Value]) -> (Vec<Entry>, Looked) {
    let (mut groups, mut looked) = (Groups::default(), Looked::default());
    for record in records {
        match record["kind"].as_str() {
            Some("finding") => {
                looked.finding(&parsed_finding(record));
                groups.finding(parsed_finding(record));
            }
            Some("outcome") => {
                looked.outcome(&serde_json::from_value(record.clone()).unwrap());
                groups.outcome(serde_json::from_value(record.clone()).unwrap());
            }
            Some("scope") => {
                looked.scope(&serde_json::from_value(record.clone()).unwrap());
                groups.scope(&serde_json::from_value(record.clone()).unwrap());
            }
            Some("unsettled") => looked.unsettled(&serde_json::from_value(record.clone()).unwrap()),
            _ => looked.lost(),
        }
    }
    (groups.finish().entries, looked)
}

fn parsed_finding(record: &Value) -> common::record::Finding {
    serde_json::from_value(record.clone()).unwrap()
}

/// A memory's text, and whoever uses it.
#[derive(Debug, Default)]
struct World {
    text: String,
    repeat: Option<SignedDuration>,
    runs: usize,
}

/// A run that has claimed what it is about to say.
#[derive(Debug)]
struct Run {
    name: String,
    /// What it says: target, status and key.
    says: Vec<(TargetName, String, String)>,
    answer: Answer,
}

impl World {
    fn notes(&self) -> Notes {
        Notes::parse(&self.text).unwrap()
    }

    /// What stands in the memory.
    fn said(&self) -> Vec<Value> {
        let memory: Value = serde_json::from_str(&self.text).unwrap_or(json!({"said": []}));
        memory["said"].as_array().unwrap().clone()
    }

    /// Claims what these records say to these targets.
    fn claim(&mut self, at: Timestamp, targets: &[&str], records: &[Value]) -> Run {
        self.runs += 1;
        let name = format!("run-{}", self.runs);
        let (entries, looked) = read(records);
        let names: Vec<TargetName> = targets.iter().map(|&name| name.to_owned()).collect();
        let ask = Ask {
            wanted: entries.into_iter().map(|entry| (entry, names.clone())).collect(),
            looked: looked.into(),
            targets: names.iter().cloned().collect(),
            run: name.clone(),
            repeat: self.repeat,
            lease: LEASE,
            now: at,
            dry_run: false,
        };
        let mut notes = self.notes();
        let answer = merge::claim(&mut notes, &ask).unwrap();
        self.keep(&notes);
        let mut all: Vec<(Entry, Vec<TargetName>)> =
            ask.wanted.into_iter().zip(&answer.say).map(|((entry, _), names)| (entry, names.clone())).collect();
        all.extend(together(answer.resolved.clone()));
        let mut says = Vec::new();
        for (entry, names) in all {
            for name in names {
                for key in &entry.keys {
                    says.push((name.clone(), entry.about.status.to_owned(), key.clone()));
                }
            }
        }
        Run { name, says, answer }
    }

    /// Notes down what became of what a run has said.
    fn settle(&mut self, at: Timestamp, run: &Run, delivered: bool) {
        let fate = |(target, _, key): &(TargetName, String, String)| Fate {
            key: key.clone(),
            target: target.clone(),
            delivered,
        };
        let fates: Vec<Fate> = run.says.iter().map(fate).collect();
        let mut notes = self.notes();
        merge::settle(&mut notes, &fates, &run.name, at).unwrap();
        self.keep(&notes);
    }

    fn keep(&mut self, notes: &Notes) {
        if notes.is_changed() {
            self.text = notes.text().unwrap();
        }
    }

    /// A whole run, of which all gets through; what it said, as `status id`.
    fn run(&mut self, at: Timestamp, records: &[Value]) -> Vec<String> {
        let run = self.claim(at, &[SLACK], records);
        self.settle(at, &run, true);
        shown(&run)
    }
}

/// What a run says, as `status id`.
fn shown(run: &Run) -> Vec<String> {
    let mut all: Vec<String> =
        run.says.iter().map(|(_, status, key)| format!("{status} {}", key.rsplit(':').next().unwrap())).collect();
    all.sort();
    all
}

/// How many of each.
fn counts<T: Ord>(all: impl IntoIterator<Item = T>) -> BTreeMap<T, usize> {
    let mut counts = BTreeMap::new();
    for one in all {
        *counts.entry(one).or_default() += 1;
    }
    counts
}
