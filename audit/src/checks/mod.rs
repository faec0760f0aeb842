//! The checks.
//!
//! A check is its [`About`] and a function that judges one resource of its type. Each type has a file with its checks in
//! `Checked::CHECKS` (several types that are one service's may share one); a type without them does not compile. Severities are those of AWS Security Hub where it has the
//! control, and `controls` names only what the check really covers: the Foundational Security Best Practices of Security
//! Hub (`FSBP S3.2`) and the CIS AWS Foundations Benchmark 3.0 (`CIS 2.1.4`).
//!
//! Pass, fail or unknown: what cannot be read is unknown, and so is what a record does not say (a key without any date).

mod account;
mod age;
mod ami;
mod auto_scaling_group;
mod ebs_snapshot;
mod ebs_volume;
mod ec2;
mod ecs_service;
mod ecs_task;
mod ecs_task_set;
mod elb;
mod elbv2;
mod iam_group;
mod iam_policy;
mod iam_role;
mod iam_user;
mod kms_key;
mod lambda_function;
mod organization;
mod policies;
mod rds;
mod rds_cluster;
mod rds_cluster_snapshot;
mod rds_snapshot;
mod redshift;
mod region;
pub(crate) mod runaway;
mod s3_bucket;
mod security_group;
mod shares;
mod spend;
mod spot_request;
mod sqs;
mod tags;
#[cfg(test)]
mod tests;

use std::cell::OnceCell;
use std::collections::BTreeSet;

use common::action::Action;
use common::id::AccountId;
use common::record::{Resource, Severity};
use common::resource::{Config, ResourceType};
use common::settings::Runaway;
use common::with_config;
use serde::Serialize;
use serde_json::Value;

use crate::judge::Rules;
use crate::totals::Counted;
use policies::Judged;

/// What is constant of a check: what `--list-checks` shows.
#[derive(Clone, Debug, Serialize)]
pub struct About {
    /// Its id, which never changes.
    pub id: &'static str,
    /// The type that it judges.
    #[serde(rename = "type", serialize_with = "type_name")]
    pub kind: ResourceType,
    /// How bad a finding is, unless the settings or the finding itself say otherwise.
    pub severity: Severity,
    /// The controls that ask for it.
    pub controls: &'static [&'static str],
    /// The actions of which its findings may carry one: the first that fits, unless the settings say which
    /// (`[checks.<id>] action`).
    pub actions: &'static [&'static str],
    /// Whether findings carry the action unless the settings say otherwise (`[checks.<id>] fix`).
    pub fix: bool,
    /// The fields of the configuration (and `Tags`) that it reads. If one of them is unread, the check is unknown.
    pub needs: &'static [&'static str],
    /// What is wrong with a resource that fails it, in a sentence.
    pub meaning: &'static str,
    /// Where AWS describes it.
    pub page: &'static str,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn type_name<S: serde::Serializer>(kind: &ResourceType, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.name())
}

/// A check of resources with the configuration `C`.
pub(crate) struct Check<C: 'static> {
    /// What is constant of it.
    pub(crate) about: About,
    /// Whether the question arises at all for an account: if not, it passes, whatever could be read.
    pub(crate) arises: fn(&Rules, ResourceType, &AccountId) -> bool,
    /// What is wrong; nothing where it passes.
    pub(crate) judge: fn(&Case<'_, C>) -> Result<Vec<Problem>, Unclear>,
}

/// For [`Check::arises`]: it does.
fn always(_: &Rules, _: ResourceType, _: &AccountId) -> bool {
    true
}

/// For [`Check::arises`]: the account is one for development.
fn dev_account(rules: &Rules, _: ResourceType, account: &AccountId) -> bool {
    rules.dev.contains(account)
}

/// A configuration that checks judge.
pub(crate) trait Checked: Config {
    /// Its checks, in the order in which they are made and listed.
    const CHECKS: &'static [Check<Self>];

    /// What it adds to the totals of its account, which has these limits.
    fn counted(_resource: &Resource<Self>, _limits: &Runaway) -> Option<Counted> {
        None
    }
}

/// Every check, by type.
pub fn all() -> impl Iterator<Item = &'static About> {
    let of_all_records = |kind| Some(&runaway::ACCOUNT).filter(|about| about.kind == kind);
    ResourceType::ALL.iter().flat_map(move |kind| of(*kind).into_iter().chain(of_all_records(*kind)))
}

/// Whether a text that a person chooses checks by means this one: its id, or how its id ends (`runaway`).
pub(crate) fn is_named(wanted: &str, id: &str) -> bool {
    id.strip_suffix(wanted).is_some_and(|rest| rest.is_empty() || (rest.ends_with('_') && !wanted.is_empty()))
}

/// Every text that [`is_named`] takes: the ids, and how they end.
pub(crate) fn names() -> BTreeSet<&'static str> {
    let endings = |id: &'static str| id.match_indices('_').map(move |(at, _)| &id[at + 1..]);
    all().flat_map(|about| endings(about.id).chain([about.id])).collect()
}

/// The checks that judge single records of a type.
pub(crate) fn of(kind: ResourceType) -> Vec<&'static About> {
    with_config!(kind, C => C::CHECKS.iter().map(|check| &check.about).collect())
}

/// One resource, as its checks see it.
pub(crate) struct Case<'a, C> {
    pub(crate) resource: &'a Resource<C>,
    pub(crate) rules: &'a Rules,
    /// Its policy, judged when the first check asks: several do.
    policy: OnceCell<Result<Option<Judged>, String>>,
}

impl<'a, C: Checked> Case<'a, C> {
    pub(crate) fn new(resource: &'a Resource<C>, rules: &'a Rules) -> Self {
        Self { resource, rules, policy: OnceCell::new() }
    }

    fn config(&self) -> &'a C {
        &self.resource.config
    }

    /// What a person calls the resource: `S3 bucket acme-logs`.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", C::TYPE.singular(), C::TYPE.short_id(&self.resource.id))
    }
}

/// What is wrong with a resource, or with a part of it.
#[derive(Debug)]
pub(crate) struct Problem {
    /// The part of the resource that is meant, where there may be several: it becomes part of the key.
    pub(crate) part: Option<String>,
    /// What is wrong, without the resource's name: "is readable by anyone".
    pub(crate) what: String,
    /// What of the configuration this rests on.
    pub(crate) evidence: Value,
    /// Where it is not the check's own.
    pub(crate) severity: Option<Severity>,
    /// Those of the check's controls that ask for this, where not all do.
    pub(crate) controls: Option<Vec<&'static str>>,
    /// What would mend it: each by itself. The first is taken unless the settings name another.
    pub(crate) actions: Vec<Action>,
    /// Whether it is otherwise.
    pub(crate) pick: Pick,
    /// Why it cannot be said whether anything is wrong.
    pub(crate) unclear: Option<Unclear>,
    /// Whether all that is wrong is that somebody is not known, whom the actions cut off.
    pub(crate) stranger: bool,
    /// Whose exceptions cover it as well.
    pub(crate) of: Option<Box<Other>>,
    /// Why it is excepted, whatever the exceptions say.
    pub(crate) spared: Option<String>,
}

/// Another resource that a problem is about: the instance that a load balancer puts on the internet.
#[derive(Debug)]
pub(crate) struct Other {
    /// The resource, of which no more than its tags is known.
    pub(crate) resource: Resource<()>,
    /// The check that finds the same of the resource by itself.
    pub(crate) check: &'static str,
}

impl Problem {
    pub(crate) fn new(what: impl Into<String>, evidence: Value) -> Self {
        let what = what.into();
        Self {
            part: None,
            what,
            evidence,
            severity: None,
            controls: None,
            actions: Vec::new(),
            pick: Pick::FirstOrNamed,
            unclear: None,
            stranger: false,
            of: None,
            spared: None,
        }
    }

    /// What cannot be judged.
    pub(crate) fn unclear(why: Unclear, evidence: Value) -> Self {
        Self { unclear: Some(why), ..Self::new(String::new(), evidence) }
    }

    fn part(mut self, part: impl Into<String>) -> Self {
        self.part = Some(part.into());
        self
    }

    fn stranger(mut self) -> Self {
        self.stranger = true;
        self
    }

    fn of(mut self, other: Other) -> Self {
        self.of = Some(Box::new(other));
        self
    }

    fn spared(mut self, why: impl Into<String>) -> Self {
        self.spared = Some(why.into());
        self
    }

    fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    fn controls(mut self, controls: Vec<&'static str>) -> Self {
        self.controls = Some(controls);
        self
    }

    /// What would mend it. Said more than once: another way to.
    fn action(mut self, action: impl Into<Option<Action>>) -> Self {
        self.actions.extend(action.into());
        self
    }

    fn pick(mut self, pick: Pick) -> Self {
        self.pick = pick;
        self
    }
}

/// Which of the actions that would mend a problem is taken, given what the settings say for the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pick {
    /// The one that the settings name, or the first where they name none.
    FirstOrNamed,
    /// The one that the settings name, and none where they name none: nobody wants it unasked.
    OnlyNamed,
    /// The first, whatever the settings say: what they choose between is for other findings of the check.
    First,
}

impl Pick {
    /// Whether an action is taken, where the settings name this one or none.
    pub(crate) fn takes(self, action: &Action, named: Option<&str>) -> bool {
        match (self, named) {
            (Self::First, _) | (Self::FirstOrNamed, None) => true,
            (Self::OnlyNamed, None) => false,
            (Self::FirstOrNamed | Self::OnlyNamed, Some(named)) => action.name() == Some(named),
        }
    }
}

/// Why a check can say neither yes nor no: a fragment that stands as a finding's `reason`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unclear(pub(crate) String);
