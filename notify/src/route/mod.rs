//! Who hears of what: `[[route]]`, `notify.default`, the account map, and else everybody.
//!
//! - [`Router`]: from an entry to its targets. `rule`: one `[[route]]`. `targets`: who can be told, each one once.

mod rule;
mod targets;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use common::id::AccountId;

use crate::entry::Entry;

pub(crate) use rule::Rule;
pub(crate) use targets::{Identity, Target, Targets};

/// Somebody in `to`, found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dest {
    /// Whom the account map names for the account.
    Account,
    /// A target, by its place among all.
    Target(usize),
    /// Nobody.
    Nobody,
}

/// Who hears of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whom {
    /// These targets, each once, in their order.
    These(Vec<usize>),
    /// Nobody, as a route (or the default) says.
    Nobody,
    /// Nobody, since nothing says who.
    NotSaid,
}

/// What people call the accounts: in the settings, and in the account map.
pub(crate) type Names = BTreeMap<AccountId, Vec<String>>;

/// From an entry to its targets.
#[derive(Debug, Default)]
pub(crate) struct Router {
    /// In their order; all that match count.
    pub(crate) rules: Vec<Rule>,
    /// Who hears of what no route matches.
    pub(crate) default: Vec<Dest>,
    /// Whom the account map names.
    pub(crate) contacts: BTreeMap<AccountId, Vec<usize>>,
    /// Whom flags, environment and `[notify]` name.
    pub(crate) everybody: Vec<usize>,
    /// For routes that name accounts.
    pub(crate) names: Names,
}

impl Router {
    /// The targets of all routes that match; else the default's; else the account's contact; else everybody. A step that
    /// comes to nobody at all, since the account map does not know the account, is passed over.
    pub(crate) fn whom(&self, entry: &Entry) -> Whom {
        let matching = self.rules.iter().filter(|rule| rule.matches(entry, &self.names));
        let routed = matching.flat_map(|rule| &rule.to);
        let account = &entry.about.account;
        self.found(routed, account)
            .or_else(|| self.found(self.default.iter(), account))
            .or_else(|| self.found([Dest::Account].iter(), account))
            .or_else(|| (!self.everybody.is_empty()).then(|| Whom::These(self.everybody.clone())))
            .unwrap_or(Whom::NotSaid)
    }

    /// `None` where they come to nothing.
    fn found<'a>(&self, to: impl Iterator<Item = &'a Dest>, account: &AccountId) -> Option<Whom> {
        let (mut these, mut nobody) = (BTreeSet::new(), false);
        for dest in to {
            match dest {
                Dest::Account => these.extend(self.contacts.get(account).into_iter().flatten()),
                Dest::Target(target) => {
                    these.insert(*target);
                }
                Dest::Nobody => nobody = true,
            }
        }
        if !these.is_empty() {
            Some(Whom::These(these.into_iter().collect()))
        } else if nobody {
            Some(Whom::Nobody)
        } else {
            None
        }
    }
}
