//! From jobs to outcomes: plan -> guard -> confirm -> journal -> act -> verify.
//!
//! Jobs on one resource are done one after the other, since the second may start from what the first leaves; resources
//! are done side by side. One failing resource never stops the others.

use std::collections::BTreeMap;
use std::time::Duration;

use common::arn::Arn;
use common::aws::{AwsError, Session, Sessions};
use common::clock;
use common::record::{CallResult, Outcome, OutcomeStatus, Task};
use common::reference::Reference;
use common::resource::{ResourceType, UnknownType};
use futures_util::stream::{self, StreamExt};
use poll::Look;

use crate::actions::{self, Looked, Plan, Turn};
use crate::decide::{Rules, Stay};
use crate::job::Job;
use crate::journal::Journal;
use crate::out::Outcomes;
use crate::wait::{Stop, pauses};

/// How long to look for the effect of a call that AWS did not answer. Where it had one, AWS is at work soon, and where it had
/// none, there is nothing to wait for.
const UNANSWERED: Duration = Duration::from_secs(64);

/// How long to look at a resource on which AWS is seen to be at work, however short the patience with its type: an
/// instance that starts is seen to be `pending` at once, and to run after a while.
const AT_WORK: Duration = Duration::from_mins(5);

/// How many resources are worked on at once.
const PARALLEL: usize = 8;

/// What a run works with.
#[derive(Debug)]
pub(crate) struct Engine<'a, 'o> {
    pub(crate) sessions: &'a Sessions,
    pub(crate) rules: Rules<'a>,
    pub(crate) run: &'a str,
    pub(crate) out: &'a Outcomes<'o>,
    /// Set when the run is to end: nothing new is begun.
    pub(crate) stop: &'a Stop,
}

/// A change that was not seen to take effect.
struct Unseen {
    /// Why not.
    why: String,
    /// Whether AWS is seen to be at work on the resource.
    at_work: bool,
}

/// The jobs on one resource, each with what is planned for it, in the order in which they are to be done.
pub(crate) type Group = Vec<(Job, Outcome)>;

impl Engine<'_, '_> {
    /// Plans every job. Those that come to nothing get their outcome at once; the others come back with the outcome
    /// `planned`, by resource.
    pub(crate) async fn plan(&self, jobs: Vec<Job>) -> Vec<Group> {
        let mut by_reference: BTreeMap<Reference, Vec<Job>> = BTreeMap::new();
        for job in jobs {
            match self.rules.at_sight(&job) {
                Ok(_) => by_reference.entry(job.reference.clone()).or_default().push(job),
                Err(stay) => self.stays(&job, stay),
            }
        }
        let mut looks = stream::iter(by_reference)
            .map(|(reference, jobs)| async move {
                let closely = jobs.iter().any(closely);
                (if self.stop.is_set() { None } else { Some(self.look(&reference, closely).await) }, jobs)
            })
            .buffered(PARALLEL);
        // Two references may name one resource (a bucket under another region): it is counted, and acted upon, as one.
        let mut by_resource: BTreeMap<Arn, (Looked, Vec<Job>)> = BTreeMap::new();
        while let Some((look, jobs)) = looks.next().await {
            match look {
                None => jobs.iter().for_each(|job| self.stays(job, stopped())),
                Some(Ok((_, Look::Found(resource)))) => {
                    let reference = resource.reference();
                    let (_, together) = by_resource.entry(resource.arn.clone()).or_insert((*resource, Vec::new()));
                    together.extend(jobs.into_iter().map(|job| Job { reference: reference.clone(), ..job }));
                }
                Some(Ok((_, Look::Gone))) => jobs.iter().for_each(|job| self.stays(job, gone(job))),
                Some(Err(error)) => jobs.iter().for_each(|job| self.stays(job, unseen(&error))),
            }
        }
        let groups = by_resource.into_values().map(|(resource, jobs)| self.plan_resource(&resource, jobs));
        groups.filter(|group| !group.is_empty()).collect()
    }

    /// Each job on a resource is planned on what the ones before it will leave.
    fn plan_resource(&self, now: &Looked, mut jobs: Vec<Job>) -> Group {
        let mut planned = Group::new();
        let mut resource = Some(now.clone());
        jobs.sort_by_key(|job| match (&job.action, now.r#type.parse()) {
            (Some(action), Ok(kind)) => actions::turn(action, kind),
            _ => Turn::Usual,
        });
        // An undo may start from what another undo leaves, whichever stands first in the file: what does not fit yet is
        // tried again after what does.
        loop {
            let before = planned.len();
            let mut waiting = Vec::new();
            for job in jobs {
                let decision = match &resource {
                    Some(resource) => {
                        self.decide(&job, resource).map(|plan| (self.planned(&job, resource, &plan), plan))
                    }
                    None => Err(gone(&job)),
                };
                match decision {
                    Ok((outcome, plan)) => {
                        resource = plan.after;
                        planned.push((job, outcome));
                    }
                    Err(stay) if stay.status == OutcomeStatus::Changed => waiting.push((job, stay)),
                    // It has nothing to do on what is predicted. Whether that comes true is seen when its turn comes.
                    Err(stay) if stay.status == OutcomeStatus::Already && self.is_open(&job, now) => {
                        let mut outcome = job.outcome(OutcomeStatus::Planned, self.run, clock::now());
                        outcome.reason = Some("what is planned for this resource before it mends this, too".to_owned());
                        planned.push((job, outcome));
                    }
                    Err(stay) => self.stays(&job, stay),
                }
            }
            if planned.len() == before || waiting.is_empty() {
                for (job, stay) in waiting {
                    self.stays(&job, stay);
                }
                return planned;
            }
            jobs = waiting.into_iter().map(|(job, _)| job).collect();
        }
    }

    /// Whether something is left to do for a job on the resource as it was found.
    fn is_open(&self, job: &Job, found: &Looked) -> bool {
        !matches!(self.decide(job, found), Err(Stay { status: OutcomeStatus::Already, .. }))
    }

    /// Writes the plan.
    pub(crate) fn print(&self, groups: Vec<Group>, reason: Option<&str>) {
        for (_, mut outcome) in groups.into_iter().flatten() {
            if let Some(reason) = reason {
                outcome.reason = Some(reason.to_owned());
            }
            // Nothing was changed: whoever gathers what undoes a night's outcomes must not find it here.
            outcome.undo = None;
            self.out.write(&outcome);
        }
    }

    /// Carries a plan out.
    pub(crate) async fn apply(&self, groups: Vec<Group>, journal: &Journal) {
        stream::iter(groups)
            .for_each_concurrent(PARALLEL, |group| async move {
                let mut acted = false;
                for (job, planned) in group {
                    let (outcome, begun) = self.apply_one(&job, &planned, acted, journal).await;
                    // Also where nothing can undo it, and it was not seen to take effect yet.
                    acted |= outcome.calls.iter().any(|call| call.result.as_ref().is_some_and(|result| result.ok))
                        || outcome.undo.is_some();
                    // Told first, and closed in the journal then: said twice is better than never.
                    self.out.write(&outcome);
                    if begun && let Err(error) = journal.after(&outcome) {
                        self.out.warn(format_args!("{}: it is done, but {error}", outcome.key));
                    }
                }
            })
            .await;
    }

    /// The outcome of a job, and whether the journal has its beginning. `acted`: something was done to the same resource
    /// before.
    async fn apply_one(&self, job: &Job, planned: &Outcome, acted: bool, journal: &Journal) -> (Outcome, bool) {
        // Confirm: what was planned a minute ago on what was scanned last night is decided anew on what is there now. After
        // an action on the same resource AWS may still answer as it was before that, or be at work on it: acting on such an
        // answer would put back what was just mended, so a plan that does not come true at once is given the time to.
        let mut confirmed = if self.stop.is_set() { Err(stopped()) } else { self.confirm(job, planned, acted).await };
        let patience = if acted { actions::patience(&job.reference.kind) } else { Duration::ZERO };
        for pause in pauses(patience) {
            let early = |stay: &Stay| matches!(stay.status, OutcomeStatus::Changed | OutcomeStatus::Waiting);
            if !confirmed.as_ref().is_err_and(early) {
                break;
            }
            let again = async {
                tokio::time::sleep(pause).await;
                self.confirm(job, planned, acted).await
            };
            confirmed = self.stop.or(again).await.unwrap_or_else(|| Err(stopped()));
        }
        let (session, resource, plan) = match confirmed {
            Ok(confirmed) => confirmed,
            Err(stay) => return (self.ended(job, stay), false),
        };
        let mut outcome = self.planned(job, &resource, &plan);
        if let Err(error) = journal.before(&outcome) {
            outcome.status = OutcomeStatus::Failed;
            outcome.reason = Some(format!("nothing was done: {error}"));
            outcome.undo = None;
            return (outcome, false);
        }
        let error = self.act(&plan, &session, &resource, &mut outcome).await;
        self.verify(job, plan.after.as_ref(), error.as_ref(), &mut outcome).await;
        outcome.at = clock::now();
        (outcome, true)
    }

    /// Whether the calls that were planned are those to be made on the resource as it is now. What another action was to
    /// mend as well has none planned: it is done here where that one had no effect.
    async fn confirm(&self, job: &Job, planned: &Outcome, acted: bool) -> Result<(Session, Looked, Plan), Stay> {
        let (session, resource) = match self.look(&job.reference, closely(job)).await {
            Ok((session, Look::Found(resource))) => (session, *resource),
            Ok((_, Look::Gone)) => return Err(gone(job)),
            Err(error) => return Err(unseen(&error)),
        };
        let plan = self.decide(job, &resource)?;
        if let Some(why) = job.action.as_ref().and_then(|action| actions::not_ready(action, &resource)) {
            return Err(Stay::denied(why));
        }
        let calls = plan.calls();
        if calls == planned.calls || (planned.calls.is_empty() && !acted) {
            return Ok((session, resource, plan));
        }
        let reason = "the resource is not as it was when this was planned: other calls would be made now";
        Err(Stay { calls, ..Stay::because(OutcomeStatus::Changed, reason) })
    }

    /// Makes the calls, up to the first that fails.
    async fn act(&self, plan: &Plan, session: &Session, resource: &Looked, outcome: &mut Outcome) -> Option<AwsError> {
        // What was not answered is not blindly sent again: whether it took effect is looked up.
        let session = session.for_writes();
        for (step, call) in plan.steps.iter().zip(&mut outcome.calls) {
            match step.send(&session, &resource.region).await {
                Ok(request_id) => call.result = Some(CallResult { ok: true, request_id, error: None }),
                Err(error) => {
                    let request_id = error.request_id.clone();
                    let text = format!("{}: {}", error.code, error.message);
                    call.result = Some(CallResult { ok: false, request_id, error: Some(text) });
                    return Some(error);
                }
            }
        }
        None
    }

    /// Looks at the resource and judges it once more: only what is seen is `applied`. A call that failed may have taken
    /// effect all the same (a time-out), and one that succeeded may not have mended the finding.
    async fn verify(&self, job: &Job, predicted: Option<&Looked>, error: Option<&AwsError>, outcome: &mut Outcome) {
        let refused = error.is_some_and(|error| !error.outcome_unknown());
        let patience = match error {
            None => actions::patience(&job.reference.kind),
            Some(error) if error.outcome_unknown() => actions::patience(&job.reference.kind).min(UNANSWERED),
            Some(_) => Duration::ZERO,
        };
        let longest = if refused { Duration::ZERO } else { patience.max(AT_WORK) };
        let mut seen = self.seen(job, predicted).await;
        let (mut stopped, mut waited) = (false, Duration::ZERO);
        for pause in pauses(longest) {
            waited += pause;
            let worth_it = |unseen: &Unseen| waited <= patience || unseen.at_work;
            if !seen.as_ref().is_err_and(worth_it) {
                break;
            }
            let again = async {
                tokio::time::sleep(pause).await;
                self.seen(job, predicted).await
            };
            let Some(again) = self.stop.or(again).await else {
                stopped = true;
                break;
            };
            seen = again;
        }
        // Where AWS said no to the only call, there is nothing to undo. In every other case there may be.
        let changed = !refused || outcome.calls.iter().any(|call| call.result.as_ref().is_some_and(|result| result.ok));
        outcome.undo = outcome.undo.take().filter(|_| changed).map(|task| match (predicted, &seen) {
            (Some(predicted), Ok(Some(after))) => {
                Task { action: actions::rebase(task.action, predicted, after), ..task }
            }
            _ => task,
        });
        (outcome.status, outcome.reason) = match (seen.map_err(|unseen| unseen.why), error) {
            (Ok(_), None) => (OutcomeStatus::Applied, None),
            (Ok(_), Some(error)) if error.outcome_unknown() => {
                (OutcomeStatus::Applied, Some(format!("the call took effect, though its answer was lost: {error}")))
            }
            (Err(why), None) if stopped => (
                OutcomeStatus::Interrupted,
                Some(format!(
                    "the calls were made, but were not seen to take effect before the run was stopped: {why}"
                )),
            ),
            (_, Some(error)) if stopped => (
                OutcomeStatus::Interrupted,
                Some(format!("it was not seen to take effect before the run was stopped: {error}")),
            ),
            (_, Some(error)) => (OutcomeStatus::Failed, Some(error.to_string())),
            (Err(why), None) => (OutcomeStatus::Failed, Some(format!("the calls were made, but {why}"))),
        };
    }

    /// What is seen of a job that is done: the resource as it is now, where it still is; if it is not done, why.
    async fn seen(&self, job: &Job, predicted: Option<&Looked>) -> Result<Option<Box<Looked>>, Unseen> {
        let unseen = |why, at_work| Unseen { why, at_work };
        match (self.look(&job.reference, closely(job)).await, &job.action) {
            (Ok((_, Look::Found(after))), Some(action)) => match self.rules.done(job, action, &after) {
                Ok(()) => Ok(Some(after)),
                Err(why) => Err(unseen(why, !after.settled)),
            },
            (Ok((_, Look::Found(_))), None) => Ok(None),
            (Ok((_, Look::Gone)), _) if predicted.is_none() => Ok(None),
            (Ok((_, Look::Gone)), _) => Err(unseen("the resource no longer exists".to_owned(), false)),
            (Err(error), _) => Err(unseen(format!("it could not be looked at afterwards: {error}"), false)),
        }
    }

    fn decide(&self, job: &Job, resource: &Looked) -> Result<Plan, Stay> {
        let (action, _) = self.rules.at_sight(job)?;
        self.rules.decide(job, action, resource)
    }

    async fn look(&self, reference: &Reference, closely: bool) -> Result<(Session, Look), AwsError> {
        let session = self.sessions.account(&reference.account).await?;
        let bad = |why: UnknownType| AwsError::of("poll:look", "BadReference", why.to_string());
        let kind: ResourceType = reference.kind.parse().map_err(bad)?;
        let ids = std::slice::from_ref(&reference.id);
        // It has room for every type's way to look.
        let mut looks = Box::pin(poll::look_all(&session, &reference.region, kind, ids, closely)).await;
        Ok((session, looks.pop().unwrap_or(Ok(Look::Gone))?))
    }

    fn planned(&self, job: &Job, resource: &Looked, plan: &Plan) -> Outcome {
        let mut outcome = job.outcome(OutcomeStatus::Planned, self.run, clock::now());
        outcome.arn = Some(resource.arn.clone());
        outcome.tags.clone_from(&resource.tags);
        outcome.calls = plan.calls();
        outcome.undo = plan.undo.clone().map(|undo| {
            let mut task = job.task(undo);
            task.arn = Some(resource.arn.clone());
            task
        });
        outcome
    }

    /// The outcome of a job with which nothing is done.
    fn ended(&self, job: &Job, stay: Stay) -> Outcome {
        // What a person asked for by name, and did not get, is a "no"; a finding that has changed is found again tomorrow.
        let asked = job.check.is_none() || job.reviewed.is_some();
        if stay.denied || (asked && matches!(stay.status, OutcomeStatus::Changed | OutcomeStatus::Excepted)) {
            self.out.denied();
        }
        let mut outcome = job.outcome(stay.status, self.run, clock::now());
        outcome.reason = Some(stay.reason);
        outcome.calls = stay.calls;
        outcome
    }

    fn stays(&self, job: &Job, stay: Stay) {
        let outcome = self.ended(job, stay);
        let _ = self.out.write(&outcome);
    }
}

/// Whether a job needs a closer look at its resource.
fn closely(job: &Job) -> bool {
    match (&job.action, job.reference.kind.parse()) {
        (Some(action), Ok(kind)) => actions::closely(action, kind),
        _ => false,
    }
}

/// A resource that could not be looked at.
fn unseen(error: &AwsError) -> Stay {
    Stay::because(OutcomeStatus::Failed, format!("nothing was done: {error}"))
}

/// A resource that no longer exists has nothing left to mend; but a task wanted something of it.
fn gone(job: &Job) -> Stay {
    let status = if job.check.is_some() { OutcomeStatus::Already } else { OutcomeStatus::Changed };
    Stay::because(status, "the resource does not exist, or no longer exists")
}

/// The run is to end.
fn stopped() -> Stay {
    Stay::because(OutcomeStatus::Interrupted, "the run was stopped before it came to this: nothing was done")
}
