//! What one target is told in one go: account by account, the worst first, then check by check.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use common::id::AccountId;
use common::record::Severity;
use common::settings::Zone;

use crate::entry::{Counted, Entry, Heading};
use crate::text::{clean, grouped, plural};

/// The most characters of an account's name.
const NAME: usize = 40;

/// What one target is told in one go.
#[derive(Clone, Debug)]
pub(crate) struct Digest {
    /// One group per account, none of them empty: that with the worst entry first, and then in the order of their ids.
    pub(crate) groups: Vec<Group>,
    /// What is only counted, of these accounts.
    pub(crate) counted: Tally,
    /// The time zone of those who read it: times are given in UTC and in it.
    pub(crate) zone: Zone,
}

/// All that a target is told of an account.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// The account.
    pub(crate) account: AccountId,
    /// What people call it.
    pub(crate) name: Option<String>,
    /// What is listed, in the order of the message: severity (the worst first), check, heading, place.
    pub(crate) entries: Vec<Arc<Entry>>,
}

/// What is told by its number alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    counts: BTreeMap<Counted, usize>,
    /// The keys of the records, where they are known.
    pub(crate) keys: Vec<String>,
}

impl Tally {
    /// Counts one record.
    pub(crate) fn one(&mut self, counted: Counted, key: String) {
        self.add(counted, 1);
        self.keys.push(key);
    }

    /// Counts so many, whose keys are not told.
    pub(crate) fn add(&mut self, counted: Counted, count: usize) {
        if count > 0 {
            *self.counts.entry(counted).or_default() += count;
        }
    }

    /// Counts what another has counted, too.
    pub(crate) fn extend(&mut self, other: &Self) {
        other.counts.iter().for_each(|(counted, count)| self.add(*counted, *count));
        self.keys.extend(other.keys.iter().cloned());
    }

    /// What was counted, with its numbers.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (Counted, usize)> + '_ {
        self.counts.iter().map(|(counted, count)| (*counted, *count))
    }

    /// `Also 3 passed, 2 already in order.`; nothing where nothing was counted.
    pub(crate) fn also(&self) -> Option<String> {
        let counts = self.counts.iter().map(|(counted, count)| format!("{} {}", grouped(*count), counted.words()));
        let counts: Vec<String> = counts.collect();
        (!counts.is_empty()).then(|| format!("Also {}.", counts.join(", ")))
    }
}

impl Digest {
    /// What is to be told to one target: its entries in any order, and of what was only counted in each account that which
    /// belongs to the accounts of the entries. `name` knows what people call an account.
    pub(crate) fn new(
        entries: Vec<Arc<Entry>>,
        counted: &BTreeMap<AccountId, Tally>,
        zone: Zone,
        name: impl Fn(&AccountId) -> Option<String>,
    ) -> Self {
        let mut accounts: BTreeMap<AccountId, Vec<Arc<Entry>>> = BTreeMap::new();
        for entry in entries {
            accounts.entry(entry.about.account.clone()).or_default().push(entry);
        }
        let mut tally = Tally::default();
        let group = |(account, mut entries): (AccountId, Vec<Arc<Entry>>)| {
            if let Some(counted) = counted.get(&account) {
                tally.extend(counted);
            }
            entries.sort_by(|one, other| order(one).cmp(&order(other)));
            let name = name(&account).map(|name| clean(&name, NAME)).filter(|name| !name.is_empty());
            Group { account, name, entries }
        };
        let mut groups: Vec<Group> = accounts.into_iter().map(group).collect();
        groups.sort_by_key(|group| group.entries.iter().map(|entry| Reverse(entry.weight())).min());
        tally.keys.sort();
        Self { groups, counted: tally, zone }
    }

    /// Whether there is nothing to send: what is only counted is no news.
    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// All entries, in the order of the message.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> + Clone {
        self.groups.iter().flat_map(|group| group.entries.iter().map(AsRef::as_ref))
    }

    /// What the messages are about, for a channel that keeps apart what belongs together: an account, or several.
    pub(crate) fn about(&self) -> String {
        match self.groups.as_slice() {
            [group] => group.account.to_string(),
            _ => "accounts".to_owned(),
        }
    }

    /// `3 accounts: 3 critical, 2 high; 4 done, 1 failed`; of a single account its own headline.
    pub(crate) fn headline(&self) -> String {
        match self.groups.as_slice() {
            [group] => group.headline(),
            groups => format!("{}: {}", plural(groups.len(), "account", "accounts"), counts(self.entries())),
        }
    }
}

impl Group {
    /// `111122223333 (sandbox): 3 critical, 2 high; 4 done, 1 failed`: how bad what is listed is, what became of it,
    /// and what is not known.
    pub(crate) fn headline(&self) -> String {
        let name = self.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        format!("{}{name}: {}", self.account, counts(self.entries.iter().map(AsRef::as_ref)))
    }
}

impl Entry {
    /// What has to be told first where not all can be: by its severity; a failure of a task, which has none, and what was
    /// not looked at are as good as high, and what is fine comes last.
    pub(crate) fn weight(&self) -> impl Ord + Copy + use<> {
        match self.heading {
            Heading::Failed | Heading::Interrupted | Heading::NotLooked => self.severity.or(Some(Severity::High)),
            heading if heading.is_fine() && heading != Heading::Unknown => None,
            _ => self.severity.or(Some(Severity::Low)),
        }
    }
}

fn order(entry: &Entry) -> impl Ord + '_ {
    // What was not looked at has no check either: it stands behind the tasks.
    let check = (Reverse(entry.severity), &entry.check, entry.heading == Heading::NotLooked);
    let what = (check, entry.heading, &entry.shape);
    (what, &entry.place, &entry.keys, &entry.title)
}

fn counts<'a>(entries: impl Iterator<Item = &'a Entry> + Clone) -> String {
    let mut headings: BTreeMap<Heading, usize> = BTreeMap::new();
    for entry in entries.clone() {
        // A failed scope is told of with others.
        *headings.entry(entry.heading).or_default() +=
            if entry.heading == Heading::NotLooked { entry.keys.len() } else { 1 };
    }
    let words = |words: &[(Heading, &str)]| {
        let counts = words.iter().filter_map(|(heading, word)| headings.get(heading).map(|count| (*count, word)));
        counts.map(|(count, word)| format!("{} {word}", grouped(count))).collect::<Vec<_>>().join(", ")
    };
    let fates = words(&[
        (Heading::Applied, "done"),
        (Heading::Failed, "failed"),
        (Heading::Interrupted, "interrupted"),
        (Heading::Changed, "changed meanwhile"),
        (Heading::Refused, "refused"),
        (Heading::ByHand, "to be mended by hand"),
        (Heading::Planned, "planned"),
        (Heading::Scheduled, "to be done later"),
        (Heading::Resolved, "put right in time"),
        (Heading::Settled, "resolved"),
    ]);
    let scopes = headings.get(&Heading::NotLooked);
    let scopes = scopes.map(|count| format!("{} not looked at", plural(*count, "scope", "scopes"))).unwrap_or_default();
    let others = words(&[(Heading::Unknown, "unknown"), (Heading::Excepted, "excepted")]);
    let gaps = joined([scopes, others], ", ");
    joined([severities(entries), fates, gaps], "; ")
}

fn joined<const N: usize>(parts: [String; N], by: &str) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(by)
}

/// `3 critical, 2 high`, of what is really wrong: what is excepted, not known, or was put right is no count of problems.
pub(crate) fn severities<'a>(entries: impl Iterator<Item = &'a Entry>) -> String {
    let mut counts: BTreeMap<Reverse<Severity>, usize> = BTreeMap::new();
    for severity in entries.filter(|entry| !entry.heading.is_fine()).filter_map(|entry| entry.severity) {
        *counts.entry(Reverse(severity)).or_default() += 1;
    }
    let counts = counts.iter().map(|(Reverse(severity), count)| format!("{} {severity}", grouped(*count)));
    counts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use common::record::{Finding, FindingStatus, Outcome, OutcomeStatus};
    use common::settings::Settings;

    use super::*;
    use crate::group::Groups;
    use crate::samples;

    fn in_account(account: &str, id: &str, severity: Severity) -> Finding {
        Finding { account: account.parse().unwrap(), ..samples::finding(id, severity) }
    }

    #[test]
    fn the_account_with_the_worst_comes_first() {
        let mut groups = Groups::default();
        for (account, severity) in [
            ("111111111111", Severity::Low),
            ("333333333333", Severity::High),
            ("222222222222", Severity::High),
            ("444444444444", Severity::Critical),
            ("111111111111", Severity::Medium),
        ] {
            groups.finding(in_account(account, "b", severity));
        }
        // What is excepted is not bad, and what was not looked at may be.
        let excepted = FindingStatus::Excepted;
        groups.finding(Finding { status: excepted, ..in_account("000000000001", "b", Severity::Critical) });
        let failed = r#"{"account":"555555555555","region":"global","type":"iam_user","status":"failed"}"#;
        groups.scope(&serde_json::from_str(failed).unwrap());
        let digest = samples::digest(groups, &Settings::default());
        let accounts: Vec<_> = digest.groups.iter().map(|group| &group.account.as_str()[..1]).collect();
        assert_eq!(accounts, ["4", "2", "3", "5", "1", "0"]);
        assert_eq!(
            digest.headline(),
            "6 accounts: 1 critical, 2 high, 1 medium, 1 low; 1 scope not looked at, 1 excepted"
        );
    }

    #[test]
    fn the_headline_counts_severities_and_then_fates() {
        let settings = samples::settings("[accounts.\"111122223333\"]\nname = \"sand\\nbox\"");
        let mut groups = Groups::default();
        for (severity, count) in [(Severity::High, 2), (Severity::Critical, 3)] {
            (0..count).for_each(|_| groups.finding(samples::finding("b", severity)));
        }
        for (status, count) in [(OutcomeStatus::Failed, 1), (OutcomeStatus::Applied, 4), (OutcomeStatus::Already, 2)] {
            (0..count).for_each(|_| groups.outcome(Outcome { severity: None, ..samples::outcome("b", status) }));
        }
        let mut digest = samples::digest(groups, &settings);
        assert_eq!(digest.headline(), "111122223333 (sand box): 3 critical, 2 high; 4 done, 1 failed");
        assert_eq!(digest.counted.keys.len(), 2);
        digest.counted.add(Counted::Unchanged, 1_018);
        digest.counted.add(Counted::Pass, 0);
        let also = "Also 2 already in order, 1,018 unchanged since they were told.";
        assert_eq!(digest.counted.also().as_deref(), Some(also));
    }

    #[test]
    fn the_headline_says_what_is_to_come_and_what_no_longer_is() {
        let mut groups = Groups::default();
        for (status, count) in [(OutcomeStatus::Scheduled, 2), (OutcomeStatus::Resolved, 3)] {
            let severity = Some(Severity::Critical);
            (0..count).for_each(|_| groups.outcome(Outcome { severity, ..samples::outcome("b", status) }));
        }
        groups.finding(Finding { status: FindingStatus::Unknown, ..samples::finding("b", Severity::Critical) });
        let digest = samples::digest(groups, &Settings::default());
        let expected = "111122223333: 2 critical; 2 to be done later, 3 put right in time; 1 unknown";
        assert_eq!(digest.headline(), expected);
    }

    #[test]
    fn of_quiet_accounts_nothing_is_counted() {
        let mut groups = Groups::default();
        groups.finding(samples::finding("b", Severity::Low));
        for account in ["111122223333", "444455556666"] {
            let pass = FindingStatus::Pass;
            groups.finding(Finding { status: pass, ..in_account(account, "c", Severity::Low) });
        }
        let digest = samples::digest(groups, &Settings::default());
        assert_eq!((digest.groups.len(), digest.counted.keys.len()), (1, 1));
        let mut quiet = Groups::default();
        quiet.outcome(samples::outcome("b", OutcomeStatus::Already));
        assert!(samples::digest(quiet, &Settings::default()).is_empty());
    }

    #[test]
    fn the_order_of_the_input_does_not_matter() {
        let mut records = Vec::new();
        for severity in Severity::ALL {
            for (check, id) in [("b", "1"), ("a", "2"), ("a", "1")] {
                records.push(Finding { check: check.into(), ..samples::finding(id, severity) });
            }
        }
        let order = |records: &[Finding]| {
            let mut groups = Groups::default();
            records.iter().cloned().for_each(|record| groups.finding(record));
            let digest = samples::digest(groups, &Settings::default());
            digest.entries().map(|it| (it.severity, it.check.clone(), it.place.clone())).collect::<Vec<_>>()
        };
        let expected = order(&records);
        assert_eq!(expected[0].0, Some(Severity::Critical));
        assert_eq!(expected[0].1, "a");
        assert!(expected[0].2.starts_with("arn:aws:s3:::1 "));
        for turn in 1..records.len() {
            records.rotate_left(turn);
            assert_eq!(order(&records), expected);
        }
        records.reverse();
        assert_eq!(order(&records), expected);
    }
}
