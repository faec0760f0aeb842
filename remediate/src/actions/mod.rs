//! What each action is, in calls to AWS: one file for each resource type, which implements [`Mended`].
//!
//! Planning is pure: from an action and a resource, as it was just looked at, to the exact calls, what undoes them, and
//! what the resource will be afterwards. Nothing is left to do where no calls are left. Only [`ApiCall::send`] talks to
//! AWS.

mod ami;
mod auto_scaling_group;
mod call;
mod change;
mod closed;
mod database;
mod ebs_snapshot;
mod ebs_volume;
mod ec2;
mod ecs_service;
mod ecs_task;
mod ecs_task_set;
mod elb;
mod elbv2;
mod iam;
mod iam_group;
mod iam_policy;
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
mod spot_request;
mod sqs;
#[cfg(test)]
mod tests;
mod unchanging;

use std::any::Any;
use std::collections::BTreeMap;
use std::time::Duration;

use common::action::{Action, Actions, Kill};
use common::arn::Arn;
use common::operation::Operation;
use common::record::{Call, Resource};
use common::resource::{Config, ResourceType};
use common::settings::Remediate;
use common::with_config;
use serde_json::value::RawValue;

use refusal::foreign;

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

    /// The actions for which it must be looked at more closely: see `poll::look_closely`.
    const CLOSELY: &'static [&'static str] = &[];

    /// How long a change may take to be seen: IAM and S3 answer from copies that lag behind, by seconds.
    const PATIENCE: Duration = Duration::from_secs(32);

    /// The calls that an action on a resource, as it is now, comes to.
    fn plan(action: &Action, resource: &Resource<Self>) -> Result<Planned<Self, Self::Step>, Refusal>;

    /// The actions that take a resource, as it is now, out of use: what `disable` is for the type. Each can be undone.
    fn disable(resource: &Resource<Self>, _settings: &Remediate) -> Result<Vec<Action>, Refusal> {
        Err(foreign(&Action::Disable, resource))
    }

    /// The calls that remove a resource, as it is now, for good: what depends on it first, so that a run that goes on where
    /// another was cut off makes those that are left.
    fn kill(
        resource: &Resource<Self>,
        kill: Kill,
        _settings: &Remediate,
    ) -> Result<Planned<Self, Self::Step>, Refusal> {
        Err(foreign(&Action::Kill(kill), resource))
    }

    /// The other resources that an action changes as well, such as the instance that is stopped for a volume. What nobody may
    /// touch is not touched by way of another either.
    fn along(_action: &Action, _resource: &Resource<Self>) -> Result<Vec<Along>, Refusal> {
        Ok(Vec::new())
    }

    /// Why an action must not be carried out yet, though it is planned: something else must be done first.
    fn not_ready(_action: &Action, _resource: &Resource<Self>) -> Option<String> {
        None
    }

    /// The one call that these calls on several resources come to, where AWS takes them together.
    fn together(_steps: &[&Self::Step]) -> Option<Self::Step> {
        None
    }

    /// The undo, starting from what AWS made (`observed`) of what it was sent (`predicted`): it reorders lists and fills in
    /// what was left out, and an undo that waits for the letter of what was sent would never start. Where an undo starts
    /// from a document, see [`change::rebased`]; the others are as they were.
    fn rebase(undo: Action, predicted: &Self, observed: &Self) -> Action;

    /// What nothing can bring back once the action is done, undo or not: it needs `--irreversible`.
    fn loses(action: &Action, _resource: &Resource<Self>) -> Option<&'static str> {
        lost(action)
    }

    /// When an action is done, among others to the same resource and to other resources.
    fn turn(_action: &Action) -> Turn {
        Turn::Usual
    }
}

/// When an action is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Turn {
    /// Before the others: AWS refuses those until it is, or undoes them.
    First,
    /// In any order.
    Usual,
    /// After the others, which it would undo, or which AWS refuses once it is done: what others hold on to goes after them.
    Last,
}

/// Another resource that an action on a resource changes as well, as far as the latter's record tells of it.
#[derive(Debug)]
pub(crate) struct Along {
    /// What it is to the resource, a fragment at the beginning of a sentence: "i-1, which has it,".
    pub(crate) name: String,
    /// It, without its configuration.
    pub(crate) resource: Resource<()>,
}

impl Along {
    /// One of the same account and region. `path`: the last part of its ARN.
    fn of<C: Clone>(resource: &Resource<C>, kind: ResourceType, id: &str, path: &str, name: String) -> Self {
        let mut other = resource.clone().map(|_| ());
        let (account, region) = (other.account.as_str(), other.region.as_str());
        other.arn = Arn::new(&resource.arn.partition, &resource.arn.service, region, account, format!("{path}{id}"));
        kind.name().clone_into(&mut other.r#type);
        id.clone_into(&mut other.id);
        other.tags.clear();
        other.unread.clear();
        Self { name, resource: other }
    }

    fn tagged(mut self, tags: &BTreeMap<String, String>) -> Self {
        self.resource.tags.clone_from(tags);
        self
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
pub(crate) fn plan(action: &Action, resource: &Looked, settings: &Remediate) -> Result<Plan, Refusal> {
    let kind: ResourceType = resource.r#type.parse().map_err(Refusal::impossible)?;
    with_config!(kind, C => plan_typed::<C>(action, resource, settings))
}

fn plan_typed<C: Mended>(action: &Action, resource: &Looked, settings: &Remediate) -> Result<Plan, Refusal> {
    let unreadable =
        |error: serde_json::Error| Refusal::Impossible(format!("its configuration is not understood: {error}"));
    let typed: Resource<C> = resource.clone().typed().map_err(unreadable)?;
    let Sequence { planned: Planned { steps, undo, after }, loses } = plan_in_full(action, &typed, settings)?;
    let after = after.as_ref().map(serde_json::value::to_raw_value).transpose().map_err(unreadable)?;
    Ok(Plan {
        steps: steps.into_iter().map(|step| Box::new(step) as Box<dyn AnyCall>).collect(),
        undo,
        loses,
        after: after.map(|after| typed.map(|_| after)),
    })
}

/// The calls of actions, one after the other.
struct Sequence<C, S> {
    planned: Planned<C, S>,
    loses: Option<&'static str>,
}

/// What an action of any kind comes to: `disable` is what the type makes of it, and several are planned each on what those
/// before it leave.
fn plan_in_full<C: Mended>(
    action: &Action,
    resource: &Resource<C>,
    settings: &Remediate,
) -> Result<Sequence<C, C::Step>, Refusal> {
    let actions = match action {
        Action::Kill(kill) => {
            let planned = C::kill(resource, *kill, settings)?;
            return Ok(Sequence { planned, loses: C::loses(action, resource) });
        }
        Action::Disable => &C::disable(resource, settings)?,
        Action::Several(several) => &several.actions,
        one => {
            let planned = C::plan(one, resource)?;
            return Ok(Sequence { planned, loses: C::loses(one, resource) });
        }
    };
    let (mut steps, mut undos, mut loses) = (Vec::new(), Vec::new(), None);
    let mut now = resource.clone();
    for action in actions {
        let next = plan_in_full(action, &now, settings)?;
        loses = loses.or(next.loses);
        steps.extend(next.planned.steps);
        undos.extend(next.planned.undo);
        match next.planned.after {
            Some(after) => now.config = after,
            None => return Ok(Sequence { planned: Planned { steps, undo: None, after: None }, loses }),
        }
    }
    undos.reverse();
    Ok(Sequence { planned: Planned { steps, undo: Action::several(undos), after: Some(now.config) }, loses })
}

/// What else an action on a resource changes. See [`Mended::along`].
pub(crate) fn along(action: &Action, resource: &Looked) -> Result<Vec<Along>, Refusal> {
    fn typed<C: Mended>(action: &Action, resource: &Looked) -> Result<Vec<Along>, Refusal> {
        let resource = resource.clone().typed::<C>().map_err(Refusal::impossible)?;
        C::along(action, &resource)
    }
    if let Action::Several(several) = action {
        let all = several.actions.iter().map(|action| along(action, resource)).collect::<Result<Vec<_>, _>>()?;
        return Ok(all.into_iter().flatten().collect());
    }
    let kind: ResourceType = resource.r#type.parse().map_err(Refusal::impossible)?;
    with_config!(kind, C => typed::<C>(action, resource))
}

/// The undo of what was planned to lead to `predicted`, and led to `observed`. See [`Mended::rebase`].
pub(crate) fn rebase(undo: Action, predicted: &Looked, observed: &Looked) -> Action {
    fn each<C: Mended>(undo: Action, predicted: &C, observed: &C) -> Action {
        match undo {
            Action::Several(several) => {
                let actions = several.actions.into_iter().map(|undo| each(undo, predicted, observed)).collect();
                Action::Several(Actions { actions })
            }
            undo => C::rebase(undo, predicted, observed),
        }
    }
    fn typed<C: Mended>(undo: Action, predicted: &Looked, observed: &Looked) -> Action {
        match (predicted.clone().typed::<C>(), observed.clone().typed::<C>()) {
            (Ok(predicted), Ok(observed)) => each(undo, &predicted.config, &observed.config),
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

/// When an action on a resource of a type is done. See [`Mended::turn`].
pub(crate) fn turn(action: &Action, kind: ResourceType) -> Turn {
    match action {
        Action::Several(several) => {
            several.actions.iter().map(|action| turn(action, kind)).min().unwrap_or(Turn::Usual)
        }
        action => with_config!(kind, C => C::turn(action)),
    }
}

/// The one call that the calls on several resources of a type come to. See [`Mended::together`].
pub(crate) fn together(kind: ResourceType, steps: &[&dyn AnyCall]) -> Option<Box<dyn AnyCall>> {
    fn typed<C: Mended>(steps: &[&dyn AnyCall]) -> Option<Box<dyn AnyCall>> {
        let steps: Option<Vec<&C::Step>> = steps.iter().map(|&step| (step as &dyn Any).downcast_ref()).collect();
        C::together(&steps?).map(|step| Box::new(step) as Box<dyn AnyCall>)
    }
    with_config!(kind, C => typed::<C>(steps))
}

/// Whether an action on a resource of a type needs a closer look. See [`Mended::CLOSELY`].
pub(crate) fn closely(action: &Action, kind: ResourceType) -> bool {
    match action {
        Action::Several(several) => several.actions.iter().any(|action| closely(action, kind)),
        action => action.name().is_some_and(|name| is_closely(name, kind)),
    }
}

/// The same of an action by its name.
pub fn is_closely(action: &str, kind: ResourceType) -> bool {
    with_config!(kind, C => C::CLOSELY.contains(&action))
}

/// Why an action must not be carried out yet. See [`Mended::not_ready`].
pub(crate) fn not_ready(action: &Action, resource: &Looked) -> Option<String> {
    fn typed<C: Mended>(action: &Action, resource: &Looked) -> Option<String> {
        match resource.clone().typed::<C>() {
            Ok(resource) => C::not_ready(action, &resource),
            Err(error) => Some(format!("its configuration is not understood: {error}")),
        }
    }
    let kind: ResourceType = resource.r#type.parse().ok()?;
    with_config!(kind, C => typed::<C>(action, resource))
}

/// The calls that `remediate` may make to mend resources of each type: the type, the action by its name, and the calls
/// that this action may come to.
pub fn calls() -> impl Iterator<Item = (ResourceType, &'static str, &'static [Operation])> {
    ResourceType::ALL.iter().copied().flat_map(|kind| {
        let calls = with_config!(kind, C => C::CALLS);
        calls.iter().map(move |(action, operations)| (kind, *action, *operations))
    })
}
