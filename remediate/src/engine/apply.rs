//! Carrying a plan out: confirm -> journal -> act. What comes of it is seen in [`super::verify`].

use std::collections::BTreeMap;
use std::time::Duration;

use common::aws::{AwsError, Session};
use common::record::{CallResult, Outcome, OutcomeStatus};
use common::reference::Reference;
use common::resource::ResourceType;
use futures_util::stream::{self, StreamExt};
use poll::Look;

use super::plan::turn;
use super::{Engine, Group, PARALLEL, closely, gone, kind_of, stopped, unseen};
use crate::actions::{self, AnyCall, Looked, Plan, Turn};
use crate::decide::{self, Stay};
use crate::job::Job;
use crate::journal::Journal;
use crate::wait::pauses;

/// A job whose turn has come.
pub(super) struct Due {
    /// Which group it belongs to.
    group: usize,
    pub(super) job: Job,
    planned: Outcome,
    /// Whether something was done to the same resource before.
    acted: bool,
}

/// A job that was confirmed: its resource as it is now, and what is done to it.
pub(super) struct Begun {
    pub(super) due: Due,
    pub(super) plan: Plan,
    pub(super) outcome: Outcome,
    /// The call that failed.
    pub(super) error: Option<AwsError>,
}

type Confirmed = Result<(Looked, Plan), Stay>;

impl Engine<'_, '_> {
    /// Carries a plan out: what comes first, then all else, then what comes last.
    pub(crate) async fn apply(&self, groups: Vec<Group>, journal: &Journal) {
        let mut turns: BTreeMap<Turn, Vec<Group>> = BTreeMap::new();
        for group in groups {
            let turn = group.iter().map(|(job, _)| turn(job)).min().unwrap_or(Turn::Usual);
            turns.entry(turn).or_default().push(group);
        }
        for groups in turns.into_values() {
            stream::iter(batches(groups)).for_each_concurrent(PARALLEL, |batch| self.apply_batch(batch, journal)).await;
        }
    }

    /// The first jobs of all groups together, then the second ones, and so on.
    async fn apply_batch(&self, batch: Vec<Group>, journal: &Journal) {
        let mut acted = vec![false; batch.len()];
        let mut groups: Vec<_> = batch.into_iter().map(Vec::into_iter).collect();
        loop {
            let next = |(group, jobs): (usize, &mut std::vec::IntoIter<(Job, Outcome)>)| {
                let (job, planned) = jobs.next()?;
                Some(Due { group, job, planned, acted: acted[group] })
            };
            let due: Vec<Due> = groups.iter_mut().enumerate().filter_map(next).collect();
            if due.is_empty() {
                return;
            }
            for (due, outcome) in self.apply_together(due, journal).await {
                // Also where nothing can undo it, and it was not seen to take effect yet.
                acted[due.group] |= outcome.undo.is_some() || any_accepted(&outcome);
            }
        }
    }

    /// Does jobs on several resources of one type, in one account and region. The answer is what was begun.
    async fn apply_together(&self, due: Vec<Due>, journal: &Journal) -> Vec<(Due, Outcome)> {
        let confirmed = self.confirm(&due).await;
        let mut begun = Vec::new();
        for (due, confirmed) in due.into_iter().zip(confirmed) {
            match confirmed {
                Ok((resource, plan)) => {
                    let outcome = self.planned(&due.job, &resource, &plan);
                    begun.push(Begun { due, plan, outcome, error: None });
                }
                Err(stay) => self.stays(&due.job, stay),
            }
        }
        if let Err(error) = journal.before(begun.iter().map(|begun| &begun.outcome)) {
            for Begun { mut outcome, .. } in begun {
                outcome.status = OutcomeStatus::Failed;
                outcome.reason = Some(format!("nothing was done: {error}"));
                outcome.undo = None;
                self.out.write(&outcome);
            }
            return Vec::new();
        }
        self.act(&mut begun).await;
        self.verify(begun, journal).await
    }

    /// Confirms: what was planned a minute ago on what was scanned last night is decided anew on what is there now.
    ///
    /// After an action on the same resource AWS may still answer as it was before that, or be at work on it: acting on such
    /// an answer would put back what was just mended, so a plan that does not come true at once is given the time to.
    async fn confirm(&self, due: &[Due]) -> Vec<Confirmed> {
        if self.stop.is_set() {
            return due.iter().map(|_| Err(stopped())).collect();
        }
        let all: Vec<&Due> = due.iter().collect();
        let mut confirmed = self.confirm_once(&all).await;
        let patience = |due: &Due| if due.acted { actions::patience(&due.job.reference.kind) } else { Duration::ZERO };
        let mut waited = Duration::ZERO;
        for pause in pauses(due.iter().map(patience).max().unwrap_or_default()) {
            waited += pause;
            let early = |stay: &Stay| matches!(stay.status, OutcomeStatus::Changed | OutcomeStatus::Waiting);
            let open = (0..due.len())
                .filter(|index| waited <= patience(&due[*index]) && confirmed[*index].as_ref().is_err_and(early));
            let open: Vec<usize> = open.collect();
            if open.is_empty() {
                break;
            }
            let again = async {
                tokio::time::sleep(pause).await;
                self.confirm_once(&open.iter().map(|index| &due[*index]).collect::<Vec<_>>()).await
            };
            let again = self.stop.or(again).await;
            let again = again.unwrap_or_else(|| open.iter().map(|_| Err(stopped())).collect());
            for (index, anew) in open.into_iter().zip(again) {
                confirmed[index] = anew;
            }
        }
        confirmed
    }

    async fn confirm_once(&self, due: &[&Due]) -> Vec<Confirmed> {
        let references: Vec<&Reference> = due.iter().map(|due| &due.job.reference).collect();
        let looks = self.look_all(&references, due.iter().any(|due| closely(&due.job))).await;
        looks.into_iter().zip(due).map(|(look, due)| self.confirm_seen(due, look)).collect()
    }

    /// Whether the calls that were planned are those to be made on the resource as it is now. What another action was to mend as well has none planned: it is done here
    /// where that one had no effect.
    fn confirm_seen(&self, due: &Due, look: Result<Look, AwsError>) -> Confirmed {
        let Due { job, planned, acted, .. } = due;
        let resource = match look {
            Ok(Look::Found(resource)) => *resource,
            Ok(Look::Gone) => return Err(gone(job)),
            Err(error) => return Err(unseen(&error)),
        };
        let (action, _) = self.rules.at_sight(job)?;
        let plan = self.rules.decide(job, action, &resource)?;
        if let Some(why) = actions::not_ready(action, &resource) {
            return Err(Stay::denied(why));
        }
        let calls = plan.calls();
        if decide::are_as_planned(action, &calls, &planned.calls) || (planned.calls.is_empty() && !acted) {
            return Ok((resource, plan));
        }
        Err(Stay { calls, ..Stay::because(OutcomeStatus::Changed, decide::OTHER_CALLS) })
    }

    /// Makes the calls: one for all resources where AWS takes them together.
    async fn act(&self, begun: &mut [Begun]) {
        let Some(Begun { due: Due { job, .. }, .. }) = begun.first() else { return };
        let (reference, kind) = (job.reference.clone(), kind_of(job));
        // It was entered for the look.
        let session = match self.sessions.account(&reference.account).await {
            // What was not answered is not blindly sent again: whether it took effect is looked up.
            Ok(session) => session.for_writes(),
            Err(error) => return begun.iter_mut().for_each(|begun| begun.error = Some(error.clone())),
        };
        if let Some(call) = kind.and_then(|kind| one_for_all(begun, kind)) {
            let answer = call.send(&session, &reference.region).await;
            // One resource that AWS does not take spoils the call for all: each is asked for by itself then.
            if answer.as_ref().map_or_else(AwsError::outcome_unknown, |_| true) {
                for begun in begun {
                    begun.answered(0, &answer);
                }
                return;
            }
        }
        stream::iter(begun).for_each_concurrent(PARALLEL, |begun| begun.act(&session)).await;
    }
}

impl Begun {
    /// Makes the calls, up to the first that fails.
    async fn act(&mut self, session: &Session) {
        let region = self.due.job.reference.region.clone();
        for number in 0..self.plan.steps.len() {
            let answer = self.plan.steps[number].send(session, &region).await;
            self.answered(number, &answer);
            if self.error.is_some() {
                return;
            }
        }
    }

    /// What came of a call.
    fn answered(&mut self, number: usize, answer: &Result<Option<String>, AwsError>) {
        let result = match answer {
            Ok(request_id) => CallResult { ok: true, request_id: request_id.clone(), error: None },
            Err(error) => {
                self.error = Some(error.clone());
                let text = format!("{}: {}", error.code, error.message);
                CallResult { ok: false, request_id: error.request_id.clone(), error: Some(text) }
            }
        };
        if let Some(call) = self.outcome.calls.get_mut(number) {
            call.result = Some(result);
        }
    }
}

/// The one call that those of several resources come to.
fn one_for_all(begun: &[Begun], kind: ResourceType) -> Option<Box<dyn AnyCall>> {
    if begun.len() < 2 {
        return None;
    }
    if begun.iter().any(|begun| begun.plan.steps.len() != 1) {
        return None;
    }
    let steps: Vec<&dyn AnyCall> = begun.iter().map(|begun| begun.plan.steps[0].as_ref()).collect();
    actions::together(kind, &steps)
}

/// Whether AWS accepted one of an outcome's calls.
pub(super) fn any_accepted(outcome: &Outcome) -> bool {
    outcome.calls.iter().any(|call| call.result.as_ref().is_some_and(|result| result.ok))
}

/// Groups whose resources are looked at, and acted upon, together: of one type in one account and region, with the same
/// single action. Any other is by itself.
fn batches(groups: Vec<Group>) -> Vec<Vec<Group>> {
    let mut batches: Vec<Vec<Group>> = Vec::new();
    let mut open: BTreeMap<(Reference, Option<&'static str>), usize> = BTreeMap::new();
    for group in groups {
        let [(job, _)] = group.as_slice() else {
            batches.push(vec![group]);
            continue;
        };
        let most = kind_of(job).map_or(1, poll::looked_at_together);
        let place = Reference { id: String::new(), ..job.reference.clone() };
        let key = (place, job.action.as_ref().and_then(common::action::Action::name));
        match open.get(&key) {
            Some(number) if batches[*number].len() < most => batches[*number].push(group),
            _ => {
                open.insert(key, batches.len());
                batches.push(vec![group]);
            }
        }
    }
    batches
}
