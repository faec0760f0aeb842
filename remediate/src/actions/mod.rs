//! What each action is, in calls to AWS: one file for each resource type, which implements [`Mended`].
//!
//! Planning is pure: from an action and a resource, as it was just looked at, to the exact calls, what undoes them, and
//! what the resource will be afterwards. Nothing is left to do where no calls are left. Only [`ApiCall::send`] talks to
//! AWS.

mod ami;
mod call;
mod change;
mod ebs_snapshot;
mod ec2;
mod ecs_service;
mod ecs_task;
mod ecs_task_set;
mod elb;
mod elbv2;
mod iam_role;
mod iam_user;
mod kms_key;
mod lambda_function;
mod policy;
mod rds;
mod rds_cluster;
mod rds_cluster_snapshot;
mod rds_snapshot;
mod redshift;
mod refusal;
mod s3_bucket;
mod security_group;
mod shares;
mod sqs;
#[cfg(test)]
mod tests;
mod unchanging;

use std::time::Duration;

use common::action::Action;
use common::operation::Operation;
use common::record::{Call, Resource};
use common::resource::{Config, ResourceType};
use common::with_config;
use serde_json::value::RawValue;

pub(crate) use call::{AnyCall, ApiCall};
pub(crate) use refusal::Refusal;

/// A resource whose type is yet to be seen.
pub(crate) type Looked = Resource<Box<RawValue>>;

/// A type whose resources can be mended.
pub(crate) trait Mended: Config {
    /// The calls to AWS that its actions come to.
    type Step: ApiCall;

    /// For each of the type's actions, by the names of [`Action::ALL`], the calls that it may come to: what `--iam-policy`
    /// grants.
    const CALLS: &'static [(&'static str, &'static [Operation])];

    /// How long a change may take to be seen: IAM and S3 answer from copies that lag behind, by seconds.
    const PATIENCE: Duration = Duration::from_secs(32);

    /// The calls that an action on a resource, as it is now, comes to.
    fn plan(action: &Action, resource: &Resource<Self>) -> Result<Planned<Self, Self::Step>, Refusal>;

    /// The undo, starting from what AWS made (`observed`) of what it was sent (`predicted`): it reorders lists and fills in
    /// what was left out, and an undo that waits for the letter of what was sent would never start. Where an undo starts
    /// from a document, see [`change::rebased`]; the others are as they were.
    fn rebase(undo: Action, predicted: &Self, observed: &Self) -> Action;

    /// What nothing can bring back once the action is done, undo or not: it needs `--irreversible`.
    fn loses(action: &Action, _resource: &Resource<Self>) -> Option<&'static str> {
        lost(action)
    }

    /// Whether an action must be done before the others to the same resource, because AWS refuses those until it is.
    fn comes_first(_action: &Action) -> bool {
        false
    }
}

/// What is lost for good by an action, whatever it is done to.
fn lost(action: &Action) -> Option<&'static str> {
    action.is_irreversible().then_some("nothing can bring back what this removes")
}

/// The calls that an action on a resource of configuration `C` comes to.
#[derive(Debug)]
pub(crate) struct Planned<C, S> {
    /// In this order. Empty: nothing is left to do.
    steps: Vec<S>,
    /// What puts it back.
    undo: Option<Action>,
    /// What the configuration will be; `None` where the resource will be gone, at once or in the end.
    after: Option<C>,
}

impl<C: Clone, S> Planned<C, S> {
    /// Nothing is left to do.
    fn nothing(resource: &Resource<C>) -> Self {
        Self { steps: Vec::new(), undo: None, after: Some(resource.config.clone()) }
    }

    /// One call, what undoes it, and what the configuration will be.
    fn one(step: S, undo: Option<Action>, after: C) -> Self {
        Self { steps: vec![step], undo, after: Some(after) }
    }
}

/// The calls that an action comes to.
#[derive(Debug)]
pub(crate) struct Plan {
    /// In this order. Empty: nothing is left to do.
    pub(crate) steps: Vec<Box<dyn AnyCall>>,
    /// What puts it back.
    pub(crate) undo: Option<Action>,
    /// What nothing can bring back. See [`Mended::loses`].
    pub(crate) loses: Option<&'static str>,
    /// What the resource will be; `None` where it will be gone.
    pub(crate) after: Option<Looked>,
}

impl Plan {
    /// The calls as a record shows them.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.steps.iter().map(|step| step.call()).collect()
    }
}

/// What an action on a resource comes to.
pub(crate) fn plan(action: &Action, resource: &Looked) -> Result<Plan, Refusal> {
    let kind: ResourceType = resource.r#type.parse().map_err(Refusal::impossible)?;
    with_config!(kind, C => plan_typed::<C>(action, resource))
}

fn plan_typed<C: Mended>(action: &Action, resource: &Looked) -> Result<Plan, Refusal> {
    let unreadable =
        |error: serde_json::Error| Refusal::Impossible(format!("its configuration is not understood: {error}"));
    let typed: Resource<C> = resource.clone().typed().map_err(unreadable)?;
    let Planned { steps, undo, after } = C::plan(action, &typed)?;
    let after = after.as_ref().map(serde_json::value::to_raw_value).transpose().map_err(unreadable)?;
    Ok(Plan {
        steps: steps.into_iter().map(|step| Box::new(step) as Box<dyn AnyCall>).collect(),
        undo,
        loses: C::loses(action, &typed),
        after: after.map(|after| typed.map(|_| after)),
    })
}

/// The undo of what was planned to lead to `predicted`, and led to `observed`. See [`Mended::rebase`].
pub(crate) fn rebase(undo: Action, predicted: &Looked, observed: &Looked) -> Action {
    fn typed<C: Mended>(undo: Action, predicted: &Looked, observed: &Looked) -> Action {
        match (predicted.clone().typed::<C>(), observed.clone().typed::<C>()) {
            (Ok(predicted), Ok(observed)) => C::rebase(undo, &predicted.config, &observed.config),
            _ => undo,
        }
    }
    match predicted.r#type.parse::<ResourceType>() {
        Ok(kind) => with_config!(kind, C => typed::<C>(undo, predicted, observed)),
        Err(_) => undo,
    }
}

/// How long a change to a resource of a type may take to be seen. See [`Mended::PATIENCE`].
pub(crate) fn patience(kind: &str) -> Duration {
    kind.parse::<ResourceType>().map_or(Duration::ZERO, |kind| with_config!(kind, C => C::PATIENCE))
}

/// Whether an action must be done before the others to a resource. See [`Mended::comes_first`].
pub(crate) fn comes_first(action: &Action, kind: &str) -> bool {
    kind.parse::<ResourceType>().is_ok_and(|kind| with_config!(kind, C => C::comes_first(action)))
}

/// The calls that `remediate` may make to mend resources of each type: the type, the action by its name, and the calls
/// that this action may come to.
pub fn calls() -> impl Iterator<Item = (ResourceType, &'static str, &'static [Operation])> {
    ResourceType::ALL.iter().copied().flat_map(|kind| {
        let calls = with_config!(kind, C => C::CALLS);
        calls.iter().map(move |(action, operations)| (kind, *action, *operations))
    })
}
