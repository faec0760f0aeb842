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
            },
            due: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use common::record::{FindingStatus, OutcomeStatus};
    use serde_json::json;

    use super::*;
    use crate::samples;

    fn scope(region: &str, kind: &str, status: &str) -> Scope {
        serde_json::from_value(json!({
            "account": "111122223333", "region": region, "type": kind, "status": status,
            "error": {"operation": "sts:AssumeRole", "code": "AccessDenied", "message": "no"}
        }))
        .unwrap()
    }

    #[test]
    fn a_message_per_account_in_the_order_of_accounts() {
        let mut groups = Groups::default();
        for account in ["444455556666", "111122223333", "444455556666"] {
            let account = account.parse().unwrap();
            groups.finding(Finding { account, ..samples::finding("b", Severity::Low) });
        }
        let groups = groups.finish(&Settings::default());
        let sizes: Vec<_> = groups.iter().map(|group| (group.account.as_str(), group.entries.len())).collect();
        assert_eq!(sizes, [("111122223333", 1), ("444455556666", 2)]);
    }

    #[test]
    fn the_headline_counts_severities_and_then_fates() {
        let settings: Settings = samples::settings("[accounts.\"111122223333\"]\nname = \"sand\\nbox\"");
        let mut groups = Groups::default();
        for (severity, count) in [(Severity::High, 2), (Severity::Critical, 3)] {
            (0..count).for_each(|_| groups.finding(samples::finding("b", severity)));
        }
        for (status, count) in [(OutcomeStatus::Failed, 1), (OutcomeStatus::Applied, 4), (OutcomeStatus::Already, 2)] {
            (0..count).for_each(|_| groups.outcome(Outcome { severity: None, ..samples::outcome("b", status) }));
        }
        let groups = groups.finish(&settings);
        assert_eq!(groups[0].headline(), "111122223333 (sand box): 3 critical, 2 high; 4 done, 1 failed");
        assert_eq!(groups[0].also().as_deref(), Some("Also 2 already in order."));
        assert_eq!(groups[0].counted_keys.len(), 2);
    }

    #[test]
    fn the_headline_says_what_is_to_come_and_what_no_longer_is() {
        let mut groups = Groups::default();
        for (status, count) in [(OutcomeStatus::Scheduled, 2), (OutcomeStatus::Resolved, 3)] {
            let severity = Some(Severity::Critical);
            (0..count).for_each(|_| groups.outcome(Outcome { severity, ..samples::outcome("b", status) }));
        }
        let groups = groups.finish(&Settings::default());
        assert_eq!(groups[0].headline(), "111122223333: 2 critical; 2 to be done later, 3 put right in time");
    }

    #[test]
    fn what_is_not_known_stands_apart() {
        let mut groups = Groups::default();
        let unknown = Finding { status: FindingStatus::Unknown, ..samples::finding("b", Severity::Critical) };
        groups.finding(unknown);
        groups.scope(&scope("eu-west-1", "sqs", "failed"));
        groups.scope(&scope("eu-west-2", "sqs", "failed"));
        groups.scope(&scope("eu-west-3", "sqs", "ok"));
        let groups = groups.finish(&Settings::default());
        assert_eq!(groups[0].headline(), "111122223333: 2 scopes not looked at, 1 unknown");
        let entry = &groups[0].entries[0];
        assert_eq!(entry.title, "2 scopes: sqs");
        assert_eq!(entry.keys, ["scope:111122223333:eu-west-1:sqs", "scope:111122223333:eu-west-2:sqs"]);
        assert_eq!(entry.facts[0].text, "eu-west-1, eu-west-2");
        assert_eq!(entry.facts[1].text, "sts:AssumeRole: AccessDenied: no");
    }

    #[test]
    fn what_is_only_counted_is_no_news() {
        let mut groups = Groups::default();
        groups.outcome(samples::outcome("b", OutcomeStatus::Already));
        groups.scope(&scope("eu-west-1", "sqs", "ok"));
        let groups = groups.finish(&Settings::default());
        assert_eq!(groups.iter().filter(|group| group.is_news()).count(), 0);
    }

    #[test]
    fn the_order_of_the_input_does_not_matter() {
        let mut records = Vec::new();
        for severity in Severity::ALL {
            for (check, id) in [("b", "1"), ("a", "2"), ("a", "1")] {
                records.push(Finding { check: check.into(), ..samples::finding(id, severity) });
            }
        }
        let titles = |records: &[Finding]| {
            let mut groups = Groups::default();
            records.iter().cloned().for_each(|record| groups.finding(record));
            let groups = groups.finish(&Settings::default());
            groups[0].entries.iter().map(|it| (it.severity, it.check.clone(), it.place.clone())).collect::<Vec<_>>()
        };
        let expected = titles(&records);
        assert_eq!(expected[0].0, Some(Severity::Critical));
        assert_eq!(expected[0].1, "a");
        assert!(expected[0].2.starts_with("arn:aws:s3:::1 "));
        for turn in 1..records.len() {
            records.rotate_left(turn);
            assert_eq!(titles(&records), expected);
        }
        records.reverse();
        assert_eq!(titles(&records), expected);
    }
}
