//! What a scope says of what is in order: the checks that were made on each of its resources.
//!
//! Whoever remembers what was found takes a finding that is no longer there for mended only where its check was made again, on
//! all that there is. So nothing is named of a scope of which not all resources were judged before it went by: some were not
//! understood, somebody took them out of the stream, or they are yet to come.

use std::collections::BTreeMap;

use common::id::{AccountId, Region};
use common::record::{Resource, Scope, ScopeStatus};
use common::resource::ResourceType;
use common::stream::Item;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::checks::runaway;
use crate::judge::Judge;

/// How many resources of each scope were judged that has not gone by yet.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    judged: BTreeMap<Place, u64>,
}

/// What a scope is about.
pub(crate) type Place = (AccountId, Region, ResourceType);

/// A scope that waits for what its account comes to.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// The scope's account.
    pub(crate) account: AccountId,
    item: Item,
    checks: Vec<&'static str>,
}

impl Evidence {
    /// The scope that a resource belongs to.
    pub(crate) fn place<C>(resource: &Resource<C>) -> Option<Place> {
        Some((resource.account.clone(), resource.region.clone(), resource.r#type.parse().ok()?))
    }

    /// Takes down that a resource was judged. What AWS is still at work on has a record of its own that says so.
    pub(crate) fn judged(&mut self, place: Option<Place>) {
        if let Some(place) = place {
            *self.judged.entry(place).or_default() += 1;
        }
    }

    /// The checks that were made on all resources of a scope.
    pub(crate) fn checks(&mut self, scope: &Scope, judge: &Judge) -> Vec<&'static str> {
        let Ok(kind) = scope.r#type.parse() else { return Vec::new() };
        let judged = self.judged.remove(&(scope.account.clone(), scope.region.clone(), kind)).unwrap_or_default();
        if scope.status == ScopeStatus::Ok && judged >= scope.resources {
            judge.checks_of(kind).collect()
        } else {
            Vec::new()
        }
    }
}

impl Waiting {
    /// A scope on which these checks were made.
    pub(crate) fn new(account: AccountId, item: &Item, checks: Vec<&'static str>) -> Self {
        Self { account, item: item.clone(), checks }
    }

    /// The scope as it goes on, given whether its account was weighed and is within its limits.
    pub(crate) fn item(mut self, is_within: bool) -> Item {
        if is_within {
            self.checks.insert(0, runaway::ACCOUNT.id);
            self.checks.sort_unstable();
        }
        naming(&self.item, &self.checks).unwrap_or(self.item)
    }
}

/// A scope that names checks, the rest of it to the letter; nothing where there are none to name, or it names some already.
pub(crate) fn naming(item: &Item, checks: &[&str]) -> Option<Item> {
    #[derive(Deserialize)]
    struct Named {
        checks: Option<IgnoredAny>,
    }
    let Ok(Named { checks: None }) = item.parse() else { return None };
    let rest = item.text.trim_end().strip_suffix('}').filter(|_| !checks.is_empty())?;
    let checks = serde_json::to_string(checks).ok()?;
    Some(Item { line: item.line, text: format!("{rest},\"checks\":{checks}}}") })
}
