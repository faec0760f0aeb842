//! One group per account: what one message (or a few) tells.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use common::id::AccountId;
use common::record::{Finding, Outcome, Scope, ScopeStatus, Severity};
use common::settings::Settings;

use crate::entry::{self, About, Counted, Entry, FACT, Fact, Heading, Told};
use crate::text::{clean, grouped, plural, some};

/// The most characters of an account's name.
const NAME: usize = 40;
/// How many types or regions a line names.
const NAMED: usize = 6;

/// All that is to be told of an account.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// The account.
    pub(crate) account: AccountId,
    /// What people call it.
    pub(crate) name: Option<String>,
    /// What is listed, in the order of the message.
    pub(crate) entries: Vec<Entry>,
    /// What is only counted.
    pub(crate) counted: BTreeMap<Counted, usize>,
    /// The keys of what is only counted.
    pub(crate) counted_keys: Vec<String>,
}

/// Collects records into groups.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    accounts: BTreeMap<AccountId, Collected>,
}

#[derive(Debug, Default)]
struct Collected {
    entries: Vec<Entry>,
    counted: BTreeMap<Counted, usize>,
    counted_keys: Vec<String>,
    /// Failed scopes by operation and code: an account that lets nobody in has a hundred of them, and one cause.
    unseen: BTreeMap<(String, String), Unseen>,
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
        let account = self.accounts.entry(record.account.clone()).or_default();
        account.add(entry::finding(record));
    }

    /// Takes an outcome in.
    pub(crate) fn outcome(&mut self, record: Outcome) {
        let account = self.accounts.entry(record.account.clone()).or_default();
        account.add(entry::outcome(record));
    }

    /// Takes a scope in: one that is `ok` is no news.
    pub(crate) fn scope(&mut self, record: &Scope) {
        if record.status == ScopeStatus::Ok {
            return;
        }
        let account = self.accounts.entry(record.account.clone()).or_default();
        let error = record.error.as_ref();
        let text = |text: Option<&String>| clean(text.map_or("", String::as_str), FACT);
        let cause = (text(error.map(|error| &error.operation)), text(error.map(|error| &error.code)));
        let unseen = account.unseen.entry(cause).or_default();
        unseen.keys.push(format!("scope:{}:{}:{}", record.account, record.region, record.r#type));
        unseen.types.insert(clean(&record.r#type, NAME));
        unseen.regions.insert(record.region.as_str().to_owned());
        if unseen.message.is_empty() {
            unseen.message = text(error.map(|error| &error.message));
        }
    }

    /// The groups, in the order of their accounts; each one's entries in the order of the message, whatever the order
    /// of the input was.
    pub(crate) fn finish(self, settings: &Settings) -> Vec<Group> {
        let group = |(account, collected): (AccountId, Collected)| {
            let Collected { mut entries, counted, mut counted_keys, unseen } = collected;
            entries.extend(unseen.into_iter().map(|(cause, unseen)| unseen.entry(&account, &cause)));
            entries.sort_by(|one, other| order(one).cmp(&order(other)));
            counted_keys.sort();
            let name = settings.account_name(&account).map(|name| clean(name, NAME)).filter(|name| !name.is_empty());
            Group { account, name, entries, counted, counted_keys }
        };
        self.accounts.into_iter().map(group).collect()
    }
}

fn order(entry: &Entry) -> impl Ord + '_ {
    (entry.heading, Reverse(entry.severity), &entry.check, &entry.place, &entry.keys, &entry.title)
}

impl Collected {
    fn add(&mut self, told: Told) {
        match told {
            Told::Listed(entry) => self.entries.push(*entry),
            Told::Counted(counted, key) => {
                *self.counted.entry(counted).or_default() += 1;
                self.counted_keys.push(key);
            }
        }
    }
}

impl Unseen {
    fn entry(self, account: &AccountId, (operation, code): &(String, String)) -> Entry {
        let Self { types, regions, message, mut keys } = self;
        keys.sort();
        let parts = [operation, code, &message].map(String::as_str);
        let error: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let error = if error.is_empty() { "the record does not say why".to_owned() } else { error.join(": ") };
        let some = |names: &BTreeSet<String>| some(names.iter().map(String::as_str), NAMED);
        let facts = [Fact::new("regions", &some(&regions)), Fact::new("error", &error)];
        Entry {
            heading: Heading::NotLooked,
            severity: None,
            check: String::new(),
            title: format!("{}: {}", plural(keys.len(), "scope", "scopes"), some(&types)),
            place: String::new(),
            facts: facts.into_iter().flatten().collect(),
            keys,
            undo: false,
            about: About {
                kind: "scope",
                status: "failed",
                account: account.clone(),
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

impl Group {
    /// Whether there is anything to send: what is only counted is no news.
    pub(crate) fn is_news(&self) -> bool {
        !self.entries.is_empty()
    }

    /// `111122223333 (sandbox): 3 critical, 2 high; 4 done, 1 failed`: how bad what is listed is, what became of it,
    /// and what is not known.
    pub(crate) fn headline(&self) -> String {
        let name = self.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        let parts = [severities(&self.entries), self.fates(), self.gaps()];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        format!("{}{name}: {}", self.account, parts.join("; "))
    }

    /// `Also 3 passed, 2 already in order.`; nothing where nothing was only counted.
    pub(crate) fn also(&self) -> Option<String> {
        let counts = self.counted.iter().map(|(counted, count)| format!("{} {}", grouped(*count), counted.words()));
        let counts: Vec<String> = counts.collect();
        (!counts.is_empty()).then(|| format!("Also {}.", counts.join(", ")))
    }

    fn fates(&self) -> String {
        let words = [
            (Heading::Applied, "done"),
            (Heading::Failed, "failed"),
            (Heading::Interrupted, "interrupted"),
            (Heading::Changed, "changed meanwhile"),
            (Heading::Refused, "refused"),
            (Heading::ByHand, "to be mended by hand"),
            (Heading::Planned, "planned"),
            (Heading::Scheduled, "to be done later"),
            (Heading::Resolved, "put right in time"),
        ];
        self.counts(&words)
    }

    fn gaps(&self) -> String {
        let scopes: usize = self.under(Heading::NotLooked).map(|entry| entry.keys.len()).sum();
        let not_looked = (scopes > 0).then(|| format!("{} not looked at", plural(scopes, "scope", "scopes")));
        let others = self.counts(&[(Heading::Unknown, "unknown"), (Heading::Excepted, "excepted")]);
        [not_looked.unwrap_or_default(), others]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn counts(&self, words: &[(Heading, &str)]) -> String {
        let counts = words.iter().map(|(heading, word)| (self.under(*heading).count(), word));
        let counts = counts.filter(|(count, _)| *count > 0).map(|(count, word)| format!("{} {word}", grouped(count)));
        counts.collect::<Vec<_>>().join(", ")
    }

    fn under(&self, heading: Heading) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.heading == heading)
    }
}

/// `3 critical, 2 high`, of what is really wrong: what is excepted, not known, or was put right in time is no count of
/// problems.
pub(crate) fn severities(entries: &[Entry]) -> String {
    let wrong = |entry: &&Entry| {
        let fine = [Heading::Unknown, Heading::Excepted, Heading::NotLooked, Heading::Resolved];
        !fine.contains(&entry.heading)
    };
    let mut counts: BTreeMap<Reverse<Severity>, usize> = BTreeMap::new();
    for severity in entries.iter().filter(wrong).filter_map(|entry| entry.severity) {
        *counts.entry(Reverse(severity)).or_default() += 1;
    }
    let counts = counts.iter().map(|(Reverse(severity), count)| format!("{} {severity}", grouped(*count)));
    counts.collect::<Vec<_>>().join(", ")
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
