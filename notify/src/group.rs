//! Records in, entries out: what failed for one reason becomes one entry, and what is only counted is counted.

use std::collections::{BTreeMap, BTreeSet};

use common::id::AccountId;
use common::record::{Finding, Outcome, Scope, ScopeStatus};

use crate::digest::Tally;
use crate::entry::{self, About, Entry, FACT, Fact, Heading, Told};
use crate::text::{clean, plural, some};

/// The most characters of a type's name.
const NAME: usize = 40;
/// How many types or regions a line names.
const NAMED: usize = 6;

/// Collects records.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    entries: Vec<Entry>,
    counted: BTreeMap<AccountId, Tally>,
    /// Failed scopes by account, operation and code: an account that lets nobody in has a hundred of them, and one cause.
    unseen: BTreeMap<(AccountId, String, String), Unseen>,
}

/// What was collected.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gathered {
    /// What is listed.
    pub(crate) entries: Vec<Entry>,
    /// What is only counted.
    pub(crate) counted: BTreeMap<AccountId, Tally>,
}

#[derive(Debug, Default)]
struct Unseen {
    types: BTreeSet<String>,
    regions: BTreeSet<String>,
    message: String,
    keys: Vec<String>,
}

impl Groups {
    /// Takes a finding in.
    pub(crate) fn finding(&mut self, record: Finding) {
        let account = record.account.clone();
        self.add(account, entry::finding(record));
    }

    /// Takes an outcome in.
    pub(crate) fn outcome(&mut self, record: Outcome) {
        let account = record.account.clone();
        self.add(account, entry::outcome(record));
    }

    /// Takes a scope in: one that is `ok` is no news.
    pub(crate) fn scope(&mut self, record: &Scope) {
        if record.status == ScopeStatus::Ok {
            return;
        }
        let error = record.error.as_ref();
        let text = |text: Option<&String>| clean(text.map_or("", String::as_str), FACT);
        let operation = text(error.map(|error| &error.operation));
        let code = text(error.map(|error| &error.code));
        let unseen = self.unseen.entry((record.account.clone(), operation, code)).or_default();
        unseen.keys.push(format!("scope:{}:{}:{}", record.account, record.region, record.r#type));
        unseen.types.insert(clean(&record.r#type, NAME));
        unseen.regions.insert(record.region.as_str().to_owned());
        if unseen.message.is_empty() {
            unseen.message = text(error.map(|error| &error.message));
        }
    }

    /// What was collected, in no order: that of a message is the digest's.
    pub(crate) fn finish(self) -> Gathered {
        let Self { mut entries, counted, unseen } = self;
        entries.extend(unseen.into_iter().map(|(cause, unseen)| unseen.entry(cause)));
        Gathered { entries, counted }
    }

    fn add(&mut self, account: AccountId, told: Told) {
        match told {
            Told::Listed(entry) => self.entries.push(*entry),
            Told::Counted(counted, key) => self.counted.entry(account).or_default().one(counted, key),
        }
    }
}

impl Unseen {
    fn entry(self, (account, operation, code): (AccountId, String, String)) -> Entry {
        let Self { types, regions, message, mut keys } = self;
        keys.sort();
        let parts = [&operation, &code, &message].map(String::as_str);
        let error: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let error = if error.is_empty() { "the record does not say why".to_owned() } else { error.join(": ") };
        let some = |names: &BTreeSet<String>| some(names.iter().map(String::as_str), NAMED);
        let facts = [Fact::new("regions", &some(&regions)), Fact::new("error", &error)];
        let title = format!("{}: {}", plural(keys.len(), "scope", "scopes"), some(&types));
        Entry {
            heading: Heading::NotLooked,
            severity: None,
            check: String::new(),
            controls: String::new(),
            shape: title.clone(),
            title,
            place: String::new(),
            facts: facts.into_iter().flatten().collect(),
            keys,
            undo: false,
            about: About {
                kind: "scope",
                status: "failed",
                account,
                regions,
                types,
                check: String::new(),
                id: String::new(),
                tags: BTreeMap::new(),
                incident: String::new(),
            },
            due: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use common::record::OutcomeStatus;
    use serde_json::json;

    use super::*;
    use crate::samples;

    fn scope(account: &str, region: &str, kind: &str, status: &str) -> Scope {
        serde_json::from_value(json!({
            "account": account, "region": region, "type": kind, "status": status,
            "error": {"operation": "sts:AssumeRole", "code": "AccessDenied", "message": "no"}
        }))
        .unwrap()
    }

    #[test]
    fn what_failed_for_one_reason_is_one_entry() {
        let mut groups = Groups::default();
        for (account, region, status) in [
            ("111122223333", "eu-west-1", "failed"),
            ("444455556666", "eu-west-1", "failed"),
            ("111122223333", "eu-west-2", "failed"),
            ("111122223333", "eu-west-3", "ok"),
        ] {
            groups.scope(&scope(account, region, "sqs", status));
        }
        let gathered = groups.finish();
        assert_eq!(gathered.entries.len(), 2, "one for each account");
        let entry = &gathered.entries[0];
        assert_eq!((entry.heading, entry.title.as_str()), (Heading::NotLooked, "2 scopes: sqs"));
        assert_eq!(entry.keys, ["scope:111122223333:eu-west-1:sqs", "scope:111122223333:eu-west-2:sqs"]);
        let facts: Vec<_> = entry.facts.iter().map(|fact| fact.text(&common::settings::Zone::default())).collect();
        assert_eq!(facts, ["eu-west-1, eu-west-2", "sts:AssumeRole: AccessDenied: no"]);
        assert_eq!(entry.about.regions.len(), 2);
    }

    #[test]
    fn what_is_only_counted_is_no_entry() {
        let mut groups = Groups::default();
        groups.outcome(samples::outcome("b", OutcomeStatus::Already));
        groups.scope(&scope("111122223333", "eu-west-1", "sqs", "ok"));
        let gathered = groups.finish();
        assert_eq!(gathered.entries, []);
        let tally = &gathered.counted[&"111122223333".parse().unwrap()];
        assert_eq!((tally.also().as_deref(), tally.keys.len()), (Some("Also 1 already in order."), 1));
    }
}
