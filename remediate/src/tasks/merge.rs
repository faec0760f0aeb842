//! What is done to the tasks file, each as one change of it: pure, and the same when it is made twice.

use std::collections::{BTreeMap, BTreeSet};

use common::action::Action;
use common::record::{Claim, Filed, OutcomeStatus, Task, TaskKind};
use common::reference::Reference;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::document::{Document, Edit};
use super::known::{Identity, Known, State, put};
use super::schedule::Policy;
use super::score::Tally;
use crate::job::Job;

type Done<T> = Result<T, serde_json::Error>;

/// What the input wants of the file.
#[derive(Clone, Debug)]
pub(crate) enum Wish {
    /// A finding is to be acted upon when its time has come.
    Finding(Job),
    /// A task is to be done, as it came; or a plan, which somebody has looked at.
    Task {
        /// What it is.
        job: Job,
        /// As it is written into the file.
        fields: Map<String, Value>,
    },
    /// A finding is excepted.
    Drop(Job),
    /// What the findings of a resource add up to.
    Score {
        /// The task that it comes to.
        job: Job,
        /// The findings.
        tally: Tally,
    },
}

impl Wish {
    pub(crate) fn job(&self) -> &Job {
        match self {
            Self::Finding(job) | Self::Task { job, .. } | Self::Drop(job) | Self::Score { job, .. } => job,
        }
    }
}

/// What the file holds.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// The tasks, each once.
    pub(crate) tasks: Vec<Known>,
    /// Why others are not understood. They stay as they are.
    pub(crate) strange: Vec<String>,
}

/// What the file holds.
pub(crate) fn contents(document: &Document) -> Contents {
    let (mut contents, mut seen) = (Contents::default(), BTreeSet::new());
    for entry in document.entries() {
        match Known::read(entry) {
            // The Justice Engine wrote some n times.
            Ok(known) if !seen.insert(known.identity.clone()) => {}
            Ok(known) => contents.tasks.push(known),
            Err(why) => contents.strange.push(why),
        }
    }
    contents
}

/// Takes in what the input wants.
pub(crate) fn merge(document: &mut Document, wishes: &[Wish], policy: &Policy, now: Timestamp) -> Done<Contents> {
    let of: BTreeMap<Identity, &Wish> = wishes.iter().map(|wish| (Identity::of(wish.job()), wish)).collect();
    let mut found = BTreeSet::new();
    edit(document, |known, fields| {
        let Some(wish) = of.get(&known.identity) else { return Ok(Fate::Stays) };
        found.insert(known.identity.clone());
        // Who is at work on it has read it, and will say what came of it.
        if known.filed.claim.is_some() {
            return Ok(Fate::Stays);
        }
        match wish {
            Wish::Drop(_) => return Ok(Fate::Leaves),
            Wish::Finding(job) => refresh(known, job, fields)?,
            Wish::Task { job, fields: given } => {
                // What is asked for now is due now. A later time is a deadline that recedes each time that it is asked for.
                let due = job.action_time.is_none_or(|time| time <= now);
                if due && known.job.action_time.is_some_and(|time| time > now) {
                    put(fields, "action_time", given.get("action_time").cloned());
                }
                if let Some(calls) = &job.reviewed {
                    put(fields, "action", given.get("action").cloned());
                    put(fields, "calls", serde_json::to_value(calls)?);
                }
            }
            Wish::Score { job, tally } => rescore(known, job.action.as_ref(), tally, Side::Up, policy, now, fields)?,
        }
        Ok(Fate::Stays)
    })?;
    for (identity, wish) in of {
        if found.contains(&identity) {
            continue;
        }
        match wish {
            Wish::Drop(_) => {}
            Wish::Task { fields, .. } => {
                let mut fields = fields.clone();
                put(&mut fields, "claim", None);
                put(&mut fields, "first_seen", serde_json::to_value(now)?);
                document.add(&fields)?;
            }
            Wish::Finding(job) => {
                if let Some(action) = &job.action {
                    let due = policy.due(now, action, job.severity);
                    document.add(&fields(task(job, action.clone(), Some(due), now))?)?;
                }
            }
            Wish::Score { job, tally } => {
                if let Some(action) = &job.action {
                    let mut task = task(job, action.clone(), Some(policy.due(now, action, None)), now);
                    #[expect(clippy::cast_precision_loss, reason = "a sum of scores is far below 2^52")]
                    let sum = tally.sum as f64;
                    task.filed.score = Some(sum);
                    task.filed.issues = Some(tally.issues.clone());
                    document.add(&fields(task)?)?;
                }
            }
        }
    }
    Ok(contents(document))
}

/// What a finding says today of what it said before. When it was first seen, and when it is due, stays.
fn refresh(known: &Known, job: &Job, fields: &mut Map<String, Value>) -> Done<()> {
    // A person may have put another action in the place of the finding's: then that is meant.
    let name = |job: &Job| job.action.as_ref().and_then(Action::name);
    if name(job) == name(&known.job) {
        put(fields, "action", serde_json::to_value(&job.action)?);
    }
    put(fields, "severity", serde_json::to_value(job.severity)?);
    put(fields, "title", json!(job.title));
    put(fields, "tags", Some(json!(job.tags)).filter(|_| !job.tags.is_empty()));
    Ok(())
}

/// Which way a score may move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Up alone: the stream may not have all findings.
    Up,
    /// Both ways: all checks were made.
    Both,
}

/// Another sum of the same resource.
fn rescore(
    known: &Known,
    action: Option<&Action>,
    tally: &Tally,
    side: Side,
    policy: &Policy,
    now: Timestamp,
    fields: &mut Map<String, Value>,
) -> Done<()> {
    #[expect(clippy::cast_precision_loss, reason = "a sum of scores is far below 2^52")]
    let sum = tally.sum as f64;
    if side == Side::Up && known.filed.score.is_some_and(|score| sum < score) {
        return Ok(());
    }
    put(fields, "score", json!(sum));
    put(fields, "issues", json!(tally.issues));
    let Some(action) = action else { return Ok(()) };
    let kills = |action: &Action| matches!(action, Action::Kill(_));
    let was = known.job.action.as_ref().is_some_and(kills);
    // From the first sight on for what is milder, and from now on for what nobody was warned of.
    let from = match (was, kills(action)) {
        (false, true) => now,
        (true, false) => known.filed.first_seen.unwrap_or(now),
        _ => return Ok(()),
    };
    put(fields, "action", serde_json::to_value(action)?);
    put(fields, "action_time", serde_json::to_value(policy.due(from, action, None))?);
    put(fields, "told", None);
    Ok(())
}

/// Notes that the outcome `scheduled` was written.
pub(crate) fn told(document: &mut Document, identities: &BTreeSet<Identity>, now: Timestamp) -> Done<()> {
    edit(document, |known, fields| {
        if identities.contains(&known.identity) && known.filed.told.is_none() {
            put(fields, "told", serde_json::to_value(now)?);
        }
        Ok(Fate::Stays)
    })
}

/// What a look at the resource says of a task that nobody is at work on.
#[derive(Clone, Debug)]
pub(crate) enum Judged {
    /// It is mended.
    Resolved,
    /// The findings add up to this now.
    Score { action: Box<Action>, tally: Tally },
}

/// Takes in what a look at the resources said. `run`: that run's own claims count as nobody's, and are given back where the
/// task is not due any more. The answer are those that left the file.
pub(crate) fn judged(
    document: &mut Document,
    all: &BTreeMap<Identity, Judged>,
    run: &str,
    policy: &Policy,
    now: Timestamp,
) -> Done<Vec<Identity>> {
    let mut gone = Vec::new();
    edit(document, |known, fields| {
        let Some(judged) = all.get(&known.identity) else { return Ok(Fate::Stays) };
        if known.filed.claim.as_ref().is_some_and(|claim| claim.run != run) {
            return Ok(Fate::Stays);
        }
        match judged {
            Judged::Resolved => {
                gone.push(known.identity.clone());
                Ok(Fate::Leaves)
            }
            Judged::Score { action, tally } => {
                rescore(known, Some(action), tally, Side::Both, policy, now, fields)?;
                Ok(Fate::Stays)
            }
        }
    })?;
    Ok(gone)
}

/// What a run has taken upon itself.
#[derive(Debug, Default)]
pub(crate) struct Claimed {
    /// To be done by this run.
    pub(crate) ours: Vec<Known>,
    /// Those of them, or of the others, that another run has died over.
    pub(crate) dead: Vec<(Known, Claim)>,
    /// The others.
    pub(crate) others: Vec<Known>,
}

/// Takes what is due. `alone`: nobody else acts, so that whoever has claimed something has died. Otherwise a claim holds as
/// long as it says.
pub(crate) fn claim(
    document: &mut Document,
    claim: &Claim,
    alone: bool,
    due: Timestamp,
    now: Timestamp,
) -> Done<Claimed> {
    let (mut claimed, mut seen) = (Claimed::default(), BTreeSet::new());
    edit(document, |known, fields| {
        // What is there more than once is done once, and leaves the file as one.
        let first = seen.insert(known.identity.clone());
        if let Some(other) = known.filed.claim.clone().filter(|other| other.run != claim.run) {
            let lives = !alone && other.until.is_some_and(|until| until > now);
            if lives {
                claimed.others.extend(first.then(|| known.clone()));
                return Ok(Fate::Stays);
            }
            claimed.dead.extend(first.then(|| (known.clone(), other)));
        }
        let due = known.unclaimed(due) == State::Due;
        put(fields, "claim", if due { Some(serde_json::to_value(claim)?) } else { None });
        let side = if due { &mut claimed.ours } else { &mut claimed.others };
        side.extend(first.then(|| known.clone()));
        Ok(Fate::Stays)
    })?;
    Ok(claimed)
}

/// Says that a run is still alive. The answer is whether it still has what it claimed.
pub(crate) fn renew(document: &mut Document, claim: &Claim, expected: &BTreeSet<Identity>) -> Done<bool> {
    let mut ours = BTreeSet::new();
    edit(document, |known, fields| {
        if known.filed.claim.as_ref().is_some_and(|other| other.run == claim.run) {
            put(fields, "claim", serde_json::to_value(claim)?);
            ours.insert(known.identity.clone());
        }
        Ok(Fate::Stays)
    })?;
    Ok(expected.is_subset(&ours))
}

/// What came of a task that a run had claimed.
#[derive(Clone, Debug)]
pub(crate) struct Settlement {
    pub(crate) status: OutcomeStatus,
    pub(crate) reason: Option<String>,
}

/// Takes out what is done, and notes down what is not.
pub(crate) fn settle(
    document: &mut Document,
    run: &str,
    settlements: &BTreeMap<Identity, Settlement>,
    policy: &Policy,
    now: Timestamp,
) -> Done<()> {
    edit(document, |known, fields| {
        // Without its claim it was settled already, by this same change, or belongs to somebody else.
        let ours = known.filed.claim.as_ref().is_some_and(|claim| claim.run == run);
        let Some(settlement) = settlements.get(&known.identity).filter(|_| ours) else { return Ok(Fate::Stays) };
        let after = After::of(settlement.status, known, policy, now);
        put(fields, "claim", None);
        match after {
            After::Leaves => return Ok(Fate::Leaves),
            After::Stays => {}
            After::Refused => put(fields, "error", settlement.reason.clone().map(Value::from)),
            After::Failed { attempts, again } => {
                put(fields, "attempts", json!(attempts));
                put(fields, "error", settlement.reason.clone().map(Value::from));
                put(fields, "retry_at", again.map(|time| json!(time)));
                put(fields, "parked", again.is_none().then_some(Value::Bool(true)));
            }
        }
        Ok(Fate::Stays)
    })
}

/// What becomes of a task in the file, by its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// It is done, or nothing is left to do.
    Leaves,
    /// It was not its turn, or the run came to its end before: as if nothing had been.
    Stays,
    /// A guard says no. Nothing was tried, so that this counts as no attempt: it is asked again each time.
    Refused,
    /// It was tried in vain.
    Failed {
        attempts: u32,
        /// When it is tried again; `None`: not before a person says so.
        again: Option<Timestamp>,
    },
}

impl After {
    pub(crate) fn of(status: OutcomeStatus, known: &Known, policy: &Policy, now: Timestamp) -> Self {
        match status {
            OutcomeStatus::Applied | OutcomeStatus::Already | OutcomeStatus::Resolved | OutcomeStatus::Excepted => {
                Self::Leaves
            }
            // What a person wanted done to something that is not there any more. A finding stays until it is seen to be mended:
            // it would come back tomorrow, and have all its time again.
            OutcomeStatus::Changed if known.job.check.is_none() => Self::Leaves,
            OutcomeStatus::Failed | OutcomeStatus::Changed => {
                let attempts = known.attempts(policy.max_attempts).saturating_add(1);
                Self::Failed { attempts, again: policy.again(attempts, now) }
            }
            OutcomeStatus::Refused => Self::Refused,
            OutcomeStatus::Planned | OutcomeStatus::Scheduled | OutcomeStatus::Waiting | OutcomeStatus::Interrupted => {
                Self::Stays
            }
        }
    }
}

/// Gives back all that a run has not come to.
pub(crate) fn release(document: &mut Document, run: &str) -> Done<()> {
    edit(document, |known, fields| {
        if known.filed.claim.as_ref().is_some_and(|claim| claim.run == run) {
            put(fields, "claim", None);
        }
        Ok(Fate::Stays)
    })
}

enum Fate {
    Stays,
    Leaves,
}

/// Goes through the tasks that are understood.
fn edit(document: &mut Document, mut each: impl FnMut(&Known, &mut Map<String, Value>) -> Done<Fate>) -> Done<()> {
    let mut failed = None;
    document.edit(|entry| {
        let Ok(known) = Known::read(entry) else { return Edit::Keep };
        let edited = entry.fields().and_then(|before| {
            let mut fields = before.clone();
            Ok(match each(&known, &mut fields)? {
                Fate::Leaves => Edit::Remove,
                Fate::Stays if fields == before => Edit::Keep,
                Fate::Stays => Edit::Put(fields),
            })
        });
        edited.unwrap_or_else(|error| {
            failed = Some(error);
            Edit::Keep
        })
    })?;
    failed.map_or(Ok(()), Err)
}

/// A task for the file.
fn task(job: &Job, action: Action, due: Option<Timestamp>, now: Timestamp) -> Task {
    let Reference { account, region, kind, id } = job.reference.clone();
    Task {
        kind: TaskKind::Kind,
        account,
        region,
        r#type: kind,
        id,
        arn: job.arn.clone(),
        action,
        action_time: due,
        incident: job.incident.clone(),
        filed: Filed {
            key: Some(job.key.clone()),
            check: job.check.clone(),
            severity: job.severity,
            title: Some(job.title.clone()),
            tags: job.tags.clone(),
            first_seen: Some(now),
            ..Filed::default()
        },
    }
}

/// A plan that somebody has looked at, as a task: those calls, at once.
pub(crate) fn reviewed(job: &Job, now: Timestamp) -> Done<Map<String, Value>> {
    let Some(action) = &job.action else { return Ok(Map::new()) };
    let mut task = task(job, action.clone(), None, now);
    task.filed.calls.clone_from(&job.reviewed);
    fields(task)
}

fn fields(task: Task) -> Done<Map<String, Value>> {
    match serde_json::to_value(task)? {
        Value::Object(fields) => Ok(fields),
        _ => Ok(Map::new()),
    }
}

#[cfg(test)]
mod tests;
