//! Seeing what came of it: only what is seen is `applied`.

use std::time::Duration;

use common::aws::AwsError;
use common::clock;
use common::record::{Outcome, OutcomeStatus, Task};
use common::reference::Reference;
use poll::Look;

use super::apply::{Begun, Due, any_accepted};
use super::{Engine, closely};
use crate::actions::{self, Looked};
use crate::journal::Journal;
use crate::wait::pauses;

/// How long to look for the effect of a call that AWS did not answer. Where it had one, AWS is at work soon, and where it had
/// none, there is nothing to wait for.
const UNANSWERED: Duration = Duration::from_secs(64);

/// How long to look at a resource on which AWS is seen to be at work, however short the patience with its type: an
/// instance that starts is seen to be `pending` at once, and to run after a while.
const AT_WORK: Duration = Duration::from_mins(5);

/// A change that was not seen to take effect.
struct Unseen {
    /// Why not.
    why: String,
    /// Whether AWS is seen to be at work on the resource.
    at_work: bool,
}

/// What is seen of a job that is done: the resource as it is now, where it still is; if it is not done, why.
type Seen = Result<Option<Box<Looked>>, Unseen>;

impl Begun {
    /// Whether AWS said no.
    fn refused(&self) -> bool {
        self.error.as_ref().is_some_and(|error| !error.outcome_unknown())
    }

    /// How long to wait for the effect: without a sign of it, and while AWS is seen to be at work.
    fn patience(&self) -> (Duration, Duration) {
        let patience = actions::patience(&self.due.job.reference.kind);
        match &self.error {
            None => (patience, patience.max(AT_WORK)),
            Some(_) if self.refused() => (Duration::ZERO, Duration::ZERO),
            Some(_) => (patience.min(UNANSWERED), patience.max(AT_WORK)),
        }
    }

    /// Whether it is worth while to look again after having waited so long.
    fn worth_waiting(&self, seen: &Seen, waited: Duration) -> bool {
        let (patience, longest) = self.patience();
        seen.as_ref().is_err_and(|unseen| waited <= patience || (unseen.at_work && waited <= longest))
    }
}

impl Engine<'_, '_> {
    /// Looks at the resources and judges them once more, until each is in order or has had its time, and writes the
    /// outcomes as they become known. A call that failed may have taken effect all the same (a time-out), and one that
    /// succeeded may not have mended the finding.
    pub(super) async fn verify(&self, begun: Vec<Begun>, journal: &Journal) -> Vec<(Due, Outcome)> {
        let mut ended = Vec::new();
        let mut looked = self.see(begun).await;
        let mut waited = Duration::ZERO;
        let longest = looked.iter().map(|(begun, _)| begun.patience().1).max().unwrap_or_default();
        for pause in pauses(longest) {
            waited += pause;
            let (open, done) = looked.into_iter().partition(|(begun, seen)| begun.worth_waiting(seen, waited));
            self.end(done, false, journal, &mut ended);
            looked = open;
            if looked.is_empty() {
                return ended;
            }
            if self.stop.or(tokio::time::sleep(pause)).await.is_none() {
                self.end(looked, true, journal, &mut ended);
                return ended;
            }
            looked = self.see(looked.into_iter().map(|(begun, _)| begun).collect()).await;
        }
        self.end(looked, false, journal, &mut ended);
        ended
    }

    async fn see(&self, begun: Vec<Begun>) -> Vec<(Begun, Seen)> {
        let references: Vec<&Reference> = begun.iter().map(|begun| &begun.due.job.reference).collect();
        let looks = self.look_all(&references, begun.iter().any(|begun| closely(&begun.due.job))).await;
        begun
            .into_iter()
            .zip(looks)
            .map(|(begun, look)| {
                let seen = self.seen(&begun, look);
                (begun, seen)
            })
            .collect()
    }

    fn seen(&self, begun: &Begun, look: Result<Look, AwsError>) -> Seen {
        let unseen = |why, at_work| Unseen { why, at_work };
        match (look, &begun.due.job.action) {
            (Ok(Look::Found(after)), Some(action)) => match self.rules.done(&begun.due.job, action, &after) {
                Ok(()) => Ok(Some(after)),
                Err(why) => Err(unseen(why, !after.settled)),
            },
            (Ok(Look::Found(_)), None) => Ok(None),
            (Ok(Look::Gone), _) if begun.plan.after.is_none() => Ok(None),
            (Ok(Look::Gone), _) => Err(unseen("the resource no longer exists".to_owned(), false)),
            (Err(error), _) => Err(unseen(format!("it could not be looked at afterwards: {error}"), false)),
        }
    }

    /// Writes outcomes. `stopped`: before their effect was seen.
    fn end(&self, looked: Vec<(Begun, Seen)>, stopped: bool, journal: &Journal, ended: &mut Vec<(Due, Outcome)>) {
        let from = ended.len();
        for (begun, seen) in looked {
            let (due, outcome) = conclude(begun, seen, stopped);
            // Told first, and closed in the journal then: said twice is better than never.
            self.out.write(&outcome);
            ended.push((due, outcome));
        }
        let written = ended[from..].iter().map(|(_, outcome)| outcome);
        if let Err(error) = journal.after(written.clone()) {
            for outcome in written {
                self.out.warn(format_args!("{}: it is done, but {error}", outcome.key));
            }
        }
    }
}

/// What became of a job.
fn conclude(begun: Begun, seen: Seen, stopped: bool) -> (Due, Outcome) {
    let refused = begun.refused();
    let Begun { due, plan, mut outcome, error } = begun;
    // Where AWS said no to the only call, there is nothing to undo. In every other case there may be.
    let changed = !refused || any_accepted(&outcome);
    outcome.undo = outcome.undo.take().filter(|_| changed).map(|task| match (&plan.after, &seen) {
        (Some(predicted), Ok(Some(after))) => Task { action: actions::rebase(task.action, predicted, after), ..task },
        _ => task,
    });
    (outcome.status, outcome.reason) = match (seen.map_err(|unseen| unseen.why), error) {
        (Ok(_), None) => (OutcomeStatus::Applied, None),
        (Ok(_), Some(error)) if error.outcome_unknown() => {
            (OutcomeStatus::Applied, Some(format!("the call took effect, though its answer was lost: {error}")))
        }
        (Err(why), None) if stopped => (
            OutcomeStatus::Interrupted,
            Some(format!("the calls were made, but were not seen to take effect before the run was stopped: {why}")),
        ),
        (_, Some(error)) if stopped => (
            OutcomeStatus::Interrupted,
            Some(format!("it was not seen to take effect before the run was stopped: {error}")),
        ),
        (_, Some(error)) => (OutcomeStatus::Failed, Some(error.to_string())),
        (Err(why), None) => (OutcomeStatus::Failed, Some(format!("the calls were made, but {why}"))),
    };
    outcome.at = clock::now();
    (due, outcome)
}
