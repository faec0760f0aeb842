//! What was looked at: the evidence that something is no longer so. Not looked is not clean, and not heard is not mended.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use common::id::AccountId;
use common::record::{Finding, FindingStatus, Outcome, OutcomeStatus, Scope, ScopeStatus, Unsettled};

use super::note::{Note, SCOPE, is_runaway};
use crate::entry::key_or;

/// What `audit` names where an account was weighed, and is within its limits.
const ACCOUNT_RUNAWAY: &str = "account_runaway";

/// An account, a region, a type.
type Place = (AccountId, String, String);

/// What an input says was looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Looked {
    /// The keys of what was found, or not mended, with the resource's id.
    found: HashMap<String, String>,
    /// The keys of what was mended.
    mended: HashSet<String>,
    /// The keys of what passed, with the resource's id.
    passed: HashMap<String, String>,
    covered: BTreeMap<Place, Covered>,
    failed: BTreeSet<Place>,
    /// The keys of the findings of each place, by check, whatever has become of them since.
    heard: BTreeMap<Place, BTreeMap<String, HashSet<String>>>,
    /// Resources on which AWS is at work, by account, type and id.
    unsettled: BTreeSet<(AccountId, String, String)>,
    /// The accounts that are within their limits.
    within: BTreeSet<AccountId>,
    /// Whether something of the input was lost: it may have been anything.
    lost: bool,
}

/// What was made of a scope.
#[derive(Clone, Debug, Default)]
struct Covered {
    checks: BTreeSet<String>,
    findings: u64,
}

impl Looked {
    /// Whatever the check says of it.
    pub(crate) fn finding(&mut self, finding: &Finding) {
        let key = key_or(finding.key.clone(), "finding", &finding.id);
        if finding.status != FindingStatus::Pass {
            self.heard(place(&finding.account, finding.region.as_str(), &finding.r#type), &finding.check, &key);
            self.mended.remove(&key);
            self.found.insert(key, finding.id.clone());
            return;
        }
        if finding.check == ACCOUNT_RUNAWAY {
            self.within.insert(finding.account.clone());
        }
        self.passed.insert(key, finding.id.clone());
    }

    /// Whatever became of it.
    pub(crate) fn outcome(&mut self, outcome: &Outcome) {
        let key = key_or(outcome.key.clone(), "outcome", &outcome.id);
        if let Some(check) = &outcome.check {
            self.heard(place(&outcome.account, outcome.region.as_str(), &outcome.r#type), check, &key);
        }
        if matches!(outcome.status, OutcomeStatus::Applied | OutcomeStatus::Already | OutcomeStatus::Resolved) {
            self.mended.insert(key);
        } else {
            // What came last counts.
            self.mended.remove(&key);
            self.found.insert(key, outcome.id.clone());
        }
    }

    /// Whether a scope was covered, and by which checks. Two of one scope do not make up for each other.
    pub(crate) fn scope(&mut self, scope: &Scope) {
        let place = place(&scope.account, scope.region.as_str(), &scope.r#type);
        if scope.status == ScopeStatus::Failed {
            self.failed.insert(place);
            return;
        }
        if scope.checks.iter().any(|check| check == ACCOUNT_RUNAWAY) {
            self.within.insert(scope.account.clone());
        }
        let covered = self.covered.entry(place).or_default();
        covered.checks.extend(scope.checks.iter().cloned());
        covered.findings = covered.findings.max(scope.findings.unwrap_or_default());
    }

    /// That a resource was passed over.
    pub(crate) fn unsettled(&mut self, unsettled: &Unsettled) {
        let Unsettled { account, r#type, id, .. } = unsettled;
        self.unsettled.insert((account.clone(), r#type.clone(), id.clone()));
    }

    /// That something of the input was lost.
    pub(crate) fn lost(&mut self) {
        self.lost = true;
    }

    /// Whether a key was in the input, as something that is not in order.
    pub(super) fn has(&self, key: &str) -> bool {
        self.found.contains_key(key)
    }

    /// Whether what was said is no longer so.
    pub(super) fn is_over(&self, note: &Note) -> bool {
        if self.mended.contains(&note.key) {
            return true;
        }
        if note.kind == SCOPE {
            let place = place(&note.account, &note.region, &note.r#type);
            return self.covered.contains_key(&place) && !self.failed.contains(&place);
        }
        // Where the whole cannot be judged, it is as if each of its parts could not.
        if is_in(&self.found, note) {
            return false;
        }
        let within = || is_runaway(&note.check) && self.within.contains(&note.account);
        is_in(&self.passed, note) || (!self.lost && (within() || self.is_absent(note)))
    }

    /// Whether all was looked at where it was, by the check that found it, and it was not there any more.
    fn is_absent(&self, note: &Note) -> bool {
        let Note { account, region, r#type, id, check, .. } = note;
        let place = place(account, region, r#type);
        let Some(covered) = self.covered.get(&place) else { return false };
        // It may be somewhere else now: a bucket's name says nothing of its region.
        let region_is_certain = region == "global" || note.key.contains(&format!(":{region}:"));
        let elsewhere = |(of, _, kind): &Place| of == account && kind == r#type;
        let unseen = if region_is_certain { self.failed.contains(&place) } else { self.failed.iter().any(elsewhere) };
        let of_check = |check| self.heard.get(&place)?.get(check).map(HashSet::len);
        let heard: usize = covered.checks.iter().filter_map(of_check).sum();
        covered.checks.contains(check)
            && !is_runaway(check)
            && !unseen
            && heard as u64 >= covered.findings
            && !self.unsettled.contains(&(account.clone(), r#type.clone(), id.clone()))
    }

    fn heard(&mut self, place: Place, check: &str, key: &str) {
        self.heard.entry(place).or_default().entry(check.to_owned()).or_default().insert(key.to_owned());
    }
}

fn place(account: &AccountId, region: &str, kind: &str) -> Place {
    (account.clone(), region.to_owned(), kind.to_owned())
}

/// Whether a note's key, or that of the whole of which it is a part, is among the keys of its resource: a finding of a part has
/// the key of the whole, a colon, and the part.
fn is_in(keys: &HashMap<String, String>, note: &Note) -> bool {
    let of_it = |key: &str| keys.get(key).is_some_and(|id| *id == note.id);
    let wholes = note.key.match_indices(':').filter_map(|(at, _)| note.key.get(..at));
    keys.contains_key(&note.key) || wholes.into_iter().any(of_it)
}
