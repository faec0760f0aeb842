//! What a scope says of what is in order: the checks that were made on each of its resources, and how many findings they made.
//!
//! Whoever remembers what was found takes a finding that is no longer there for mended only where its check was made again, on
//! all that there is. So nothing is named of a scope of which not all resources were judged before it went by: some were not
//! understood, somebody took them out of the stream, or they are yet to come. And who does not get all of the findings knows by
//! their number that he has not: somebody took some out, or a tool in between broke off.

use std::collections::{BTreeMap, BTreeSet};

use common::id::{AccountId, Region};
use common::record::{Finding, FindingStatus, Resource, Scope, ScopeStatus};
use common::resource::ResourceType;
use common::stream::Item;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::checks::runaway;
use crate::judge::Judge;

/// What was judged of each scope that has not gone by yet.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    judged: BTreeMap<Place, Judged>,
}

/// What was judged of a scope.
#[derive(Debug, Default)]
struct Judged {
    resources: u64,
    findings: u64,
}

/// What is said of a scope: nothing where no check was made on all of it.
#[derive(Debug, Default)]
pub(crate) struct Made {
    checks: Vec<&'static str>,
    findings: u64,
}

/// What a scope is about.
pub(crate) type Place = (AccountId, Region, ResourceType);

impl Evidence {
    /// The scope that a resource belongs to.
    pub(crate) fn place<C>(resource: &Resource<C>) -> Option<Place> {
        Some((resource.account.clone(), resource.region.clone(), resource.r#type.parse().ok()?))
    }

    /// Takes down that a resource was judged, and what was found. What AWS is still at work on has a record of its own that
    /// says so.
    pub(crate) fn judged(&mut self, place: Option<Place>, findings: &[Finding]) {
        let Some(place) = place else { return };
        let is_told =
            |finding: &&Finding| finding.status != FindingStatus::Pass && !runaway::is_runaway(&finding.check);
        let keys: BTreeSet<&str> = findings.iter().filter(is_told).map(|finding| finding.key.as_str()).collect();
        let judged = self.judged.entry(place).or_default();
        judged.resources += 1;
        judged.findings += keys.len() as u64;
    }

    /// The checks that were made on all resources of a scope, and what they found.
    pub(crate) fn made(&mut self, scope: &Scope, judge: &Judge) -> Made {
        let Ok(kind) = scope.r#type.parse() else { return Made::default() };
        let Judged { resources, findings } =
            self.judged.remove(&(scope.account.clone(), scope.region.clone(), kind)).unwrap_or_default();
        if scope.status == ScopeStatus::Ok && resources >= scope.resources {
            Made { checks: judge.checks_of(kind).collect(), findings }
        } else {
            Made::default()
        }
    }
}

/// A scope that waits for what its account comes to.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// The scope's account.
    pub(crate) account: AccountId,
    item: Item,
    made: Made,
}

impl Waiting {
    /// A scope of which this is known.
    pub(crate) fn new(account: AccountId, item: &Item, made: Made) -> Self {
        Self { account, item: item.clone(), made }
    }

    /// The scope as it goes on, given whether its account was weighed and is within its limits.
    pub(crate) fn item(mut self, is_within: bool) -> Item {
        if is_within {
            self.made.checks.push(runaway::ACCOUNT.id);
            self.made.checks.sort_unstable();
        }
        self.made.said(&self.item).unwrap_or(self.item)
    }
}

impl Made {
    /// A scope that says so, the rest of it to the letter; nothing where there is nothing to say, or it says so already.
    pub(crate) fn said(&self, item: &Item) -> Option<Item> {
        #[derive(Deserialize)]
        struct Named {
            checks: Option<IgnoredAny>,
        }
        let Ok(Named { checks: None }) = item.parse() else { return None };
        let rest = item.text.trim_end().strip_suffix('}').filter(|_| !self.checks.is_empty())?;
        let (checks, findings) = (serde_json::to_string(&self.checks).ok()?, self.findings);
        Some(Item { line: item.line, text: format!("{rest},\"checks\":{checks},\"findings\":{findings}}}") })
    }
}
