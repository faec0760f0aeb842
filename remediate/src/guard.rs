//! How much one run may do, everywhere and in each account. Beyond it nothing is done there, and the plan is printed.

use std::collections::{BTreeMap, BTreeSet};

use common::id::{AccountId, Region};
use common::record::Scope;
use common::reference::Reference;
use common::settings::Account;

/// Percentages say nothing of a handful of resources: one of two is half of all.
const PERCENT_COUNTS_ABOVE: usize = 5;

/// The limits of one run. What `audit`'s brake asks for is not counted where the settings limit the account: whoever set that
/// limit has said how much is to be done beyond it, which is everything.
#[derive(Clone, Debug)]
pub(crate) struct Limits<'a> {
    /// How many actions.
    pub(crate) max_actions: usize,
    /// How many per cent of a type's polled resources.
    pub(crate) max_percent: u8,
    /// The settings' limits for single accounts.
    pub(crate) accounts: &'a BTreeMap<AccountId, Account>,
    /// How many resources were polled, as far as the stream tells.
    pub(crate) polled: Polled,
}

/// How many resources of each type were polled, as the stream's scope records tell.
#[derive(Clone, Debug, Default)]
pub(crate) struct Polled(BTreeMap<(String, AccountId, Region), u64>);

impl Polled {
    /// What a scope says. One that failed counts with what it has: that is what the findings come from. Two of one scope
    /// (two nights in one stream) are not two accounts.
    pub(crate) fn add(&mut self, scope: Scope) {
        let polled = self.0.entry((scope.r#type, scope.account, scope.region)).or_default();
        *polled = scope.resources.max(*polled);
    }

    /// How many there are of a type, in one account or in all; `None` where nobody says.
    fn of(&self, kind: &str, account: Option<&AccountId>) -> Option<u64> {
        let asked = |(polled, of, _): &(String, AccountId, Region)| polled == kind && account.is_none_or(|it| it == of);
        let mut counts = self.0.iter().filter(|(scope, _)| asked(scope)).map(|(_, count)| *count).peekable();
        counts.peek()?;
        Some(counts.fold(0, u64::saturating_add))
    }
}

/// What the actions of a run, or of an account in it, come to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Touched<'a> {
    actions: Vec<&'a Reference>,
    /// Several actions on one resource touch one resource.
    by_type: BTreeMap<&'a str, BTreeSet<&'a Reference>>,
}

impl<'a> Touched<'a> {
    /// The resource of each action.
    pub(crate) fn by(actions: impl Iterator<Item = &'a Reference>) -> Self {
        let mut touched = Self::default();
        for reference in actions {
            touched.actions.push(reference);
            touched.by_type.entry(&reference.kind).or_default().insert(reference);
        }
        touched
    }

    fn in_account(&self, account: &AccountId) -> Self {
        Self::by(self.actions.iter().copied().filter(|reference| reference.account == *account))
    }

    /// The types of which so many resources are touched that percentages count, and how many.
    fn many(&self) -> impl Iterator<Item = (&'a str, u64)> {
        let counts = self.by_type.iter().map(|(kind, resources)| (*kind, resources.len()));
        counts.filter(|(_, count)| *count > PERCENT_COUNTS_ABOVE).map(|(kind, count)| (kind, count as u64))
    }
}

impl Limits<'_> {
    /// Which limit of the run is exceeded, if any. It counts what an account's own limit would hold back, too: a stricter
    /// limit must not let more happen.
    pub(crate) fn exceeded(&self, touched: &Touched<'_>) -> Option<String> {
        let actions = touched.actions.len();
        if actions > self.max_actions {
            return Some(format!("{actions} actions are more than --max-actions {}", self.max_actions));
        }
        self.beyond(touched, None, self.max_percent, "--max-percent")
    }

    /// The accounts whose own limits are exceeded, and which.
    pub(crate) fn exceeded_by_accounts(&self, touched: &Touched<'_>) -> Vec<(AccountId, String)> {
        let exceeded = |(id, account): (&AccountId, &Account)| {
            let touched = touched.in_account(id);
            let actions = touched.actions.len();
            let why = match (account.max_actions.filter(|most| actions > *most), account.max_percent) {
                (Some(most), _) => Some(format!("{actions} actions are more than its max_actions {most}")),
                (None, Some(most)) => self.beyond(&touched, Some(id), most, "its max_percent"),
                (None, None) => None,
            };
            Some((id.clone(), why?))
        };
        self.accounts.iter().filter_map(exceeded).collect()
    }

    /// The limits that cannot be held, since the stream does not tell how many resources there are: silence would read as
    /// consent.
    pub(crate) fn unheld(&self, touched: &Touched<'_>) -> Vec<String> {
        let unheld = |touched: &Touched<'_>, most: u8, account: Option<&AccountId>| {
            let (limit, place) = match account {
                Some(account) => ("max_percent".to_owned(), format!(" in account {account}")),
                None => ("--max-percent".to_owned(), String::new()),
            };
            let unknown = touched.many().filter(|(kind, _)| most < 100 && self.polled.of(kind, account).is_none());
            let said = unknown.map(|(kind, count)| {
                format!(
                    "{limit} could not be held: {count} resources of type {kind}{place} are touched, and the stream has no \
                     `scope` records of it; keep those of poll, or set --max-actions"
                )
            });
            said.collect::<Vec<_>>()
        };
        let own = self.accounts.iter().filter_map(|(id, account)| Some((id, account.max_percent?)));
        let own = own.flat_map(|(id, most)| unheld(&touched.in_account(id), most, Some(id)));
        unheld(touched, self.max_percent, None).into_iter().chain(own).collect()
    }

    /// The first type of which more than so many per cent are touched, in one account or in all.
    fn beyond(&self, touched: &Touched<'_>, account: Option<&AccountId>, most: u8, limit: &str) -> Option<String> {
        touched.many().find_map(|(kind, count)| {
            let polled = self.polled.of(kind, account)?;
            let beyond = count.saturating_mul(100) > polled.saturating_mul(u64::from(most));
            beyond.then(|| format!("{count} of {polled} resources of type {kind} are more than {limit} {most}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "111122223333";
    const THEIRS: &str = "444455556666";

    fn scope(account: &str, region: &str, resources: u64) -> Scope {
        serde_json::from_value(serde_json::json!({
            "account": account, "region": region, "type": "ec2", "status": "ok", "resources": resources,
        }))
        .unwrap()
    }

    fn references(account: &str, count: usize) -> Vec<Reference> {
        let reference = |number: usize| Reference {
            account: account.parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
            kind: "ec2".to_owned(),
            id: format!("i-{number}"),
        };
        (0..count).map(reference).collect()
    }

    /// No account has a limit of its own.
    static NONE: BTreeMap<AccountId, Account> = BTreeMap::new();

    #[test]
    fn the_limits_hold_to_the_last_action() {
        let limits = |max_actions, max_percent, counts: &[u64]| {
            let mut polled = Polled::default();
            for (number, count) in counts.iter().enumerate() {
                polled.add(scope(OURS, &format!("eu-west-{}", number + 1), *count));
                polled.add(scope(OURS, &format!("eu-west-{}", number + 1), *count));
            }
            Limits { max_actions, max_percent, accounts: &NONE, polled }
        };
        let rows = [
            (20, limits(20, 100, &[100]), None),
            (21, limits(20, 100, &[100]), Some("21 actions are more than --max-actions 20")),
            (10, limits(20, 10, &[60, 40]), None),
            (11, limits(20, 10, &[60, 40]), Some("11 of 100 resources of type ec2 are more than --max-percent 10")),
            (6, limits(20, 100, &[0]), Some("6 of 0 resources of type ec2")),
            (6, limits(20, 100, &[u64::MAX, u64::MAX]), None),
            // Of a handful, and of a number that is not known, nothing can be said.
            (5, limits(20, 10, &[5]), None),
            (11, limits(20, 10, &[]), None),
            // Nobody has so many: the record was not poll's.
            (11, limits(20, 10, &[u64::MAX]), None),
        ];
        for (count, limits, expected) in rows {
            let said = limits.exceeded(&Touched::by(references(OURS, count).iter()));
            match expected {
                Some(expected) => {
                    assert!(said.as_deref().is_some_and(|said| said.starts_with(expected)), "{count}: {said:?}");
                }
                None => assert_eq!(said, None, "{count}"),
            }
        }
    }

    #[test]
    fn two_actions_on_one_resource_are_one_resource() {
        let mut polled = Polled::default();
        polled.add(scope(OURS, "eu-west-1", 12));
        let limits = Limits { max_actions: 20, max_percent: 50, accounts: &NONE, polled };
        let twice = [references(OURS, 6), references(OURS, 6)].concat();
        assert_eq!(limits.exceeded(&Touched::by(twice.iter())), None);
    }

    #[test]
    fn an_account_has_limits_of_its_own() {
        let limit = |max_actions, max_percent| Account { max_actions, max_percent, ..Account::default() };
        // The limits of our account; how many instances it has, and how many actions it and the other have.
        let rows = [
            (limit(None, None), Some(100), 20, 0, None),
            (limit(Some(3), None), Some(100), 3, 20, None),
            (limit(Some(3), None), Some(100), 4, 0, Some("4 actions are more than its max_actions 3")),
            (limit(Some(0), None), None, 1, 0, Some("1 actions are more than its max_actions 0")),
            (limit(Some(0), None), None, 0, 9, None),
            (limit(None, Some(10)), Some(60), 6, 20, None),
            (
                limit(None, Some(10)),
                Some(59),
                6,
                0,
                Some("6 of 59 resources of type ec2 are more than its max_percent 10"),
            ),
            (limit(None, Some(10)), Some(5), 5, 0, None),
            (limit(None, Some(10)), None, 20, 0, None),
            (
                limit(Some(9), Some(10)),
                Some(60),
                7,
                0,
                Some("7 of 60 resources of type ec2 are more than its max_percent 10"),
            ),
        ];
        for (account, resources, ours, theirs, expected) in rows {
            let accounts = BTreeMap::from([(OURS.parse().unwrap(), account)]);
            let mut polled = Polled::default();
            polled.add(scope(THEIRS, "eu-west-1", 1000));
            if let Some(resources) = resources {
                polled.add(scope(OURS, "eu-west-1", resources));
            }
            let limits = Limits { max_actions: 100, max_percent: 100, accounts: &accounts, polled };
            let all = [references(OURS, ours), references(THEIRS, theirs)].concat();
            let touched = Touched::by(all.iter());
            let expected: Vec<(AccountId, String)> =
                expected.map(|why| (OURS.parse().unwrap(), why.to_owned())).into_iter().collect();
            assert_eq!(limits.exceeded_by_accounts(&touched), expected, "{accounts:?} {ours} {theirs}");
            assert_eq!(limits.exceeded(&touched), None, "the run's limits are its own");
        }
    }

    #[test]
    fn a_share_of_an_unknown_number_is_said_to_be_unknown() {
        let account = Account { max_percent: Some(10), ..Account::default() };
        let accounts = BTreeMap::from([(OURS.parse().unwrap(), account)]);
        let unheld_by = |max_percent, count: usize, scopes: &[&str]| {
            let mut polled = Polled::default();
            for account in scopes {
                polled.add(scope(account, "eu-west-1", 100));
            }
            let limits = Limits { max_actions: 100, max_percent, accounts: &accounts, polled };
            limits.unheld(&Touched::by(references(OURS, count).iter()))
        };
        let unheld = |count, scopes: &[&str]| unheld_by(30, count, scopes);
        assert_eq!(
            unheld_by(100, 6, &[]).len(),
            1,
            "there is no share that is more than all, but the account's is less"
        );
        assert_eq!(unheld(6, &[OURS]), [""; 0]);
        assert_eq!(unheld(5, &[]), [""; 0]);
        let said = unheld(6, &[]);
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(
            said[0].starts_with("--max-percent could not be held: 6 resources of type ec2 are touched"),
            "{said:?}"
        );
        let own = unheld(6, &[THEIRS]);
        assert_eq!(own.len(), 1, "{own:?}");
        assert!(own[0].contains("6 resources of type ec2 in account 111122223333"), "{own:?}");
    }
}
