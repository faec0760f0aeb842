//! `--tasks`: warn first, act later.
//!
//! Findings and tasks go into a file, each with the time at which it is due; what is mended until then leaves it, and what
//! is not is carried out by the first run with `--apply` that finds it due. `docs/tasks.md` has the states of a task, and
//! how others write to the file.
//!
//! # Layout
//!
//! - [`store`]: where the tasks are; `common::document` is how several write there at once. [`document`]: the text.
//! - [`known`]: a task, understood. [`merge`]: all that is done to the file, pure. [`schedule`], [`score`]: when, and what.
//! - [`intake`]: what the input comes to. [`look`]: what is mended meanwhile. [`act`]: what is due. [`ledger`]: what came of it.

mod act;
mod document;
mod intake;
mod known;
mod ledger;
mod look;
mod merge;
mod schedule;
mod score;
mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use audit::Judge;
use common::aws::Sessions;
use common::cli::{Failure, Say, Tool};
use common::clock;
use common::document::Place;
use common::exit::Exit;
use common::record::OutcomeStatus;
use common::settings::Settings;
use jiff::Timestamp;
use tokio::sync::OnceCell;

use self::intake::Intake;
use self::known::{Identity, Known, State};
use self::look::Seen;
use self::merge::Judged;
use self::schedule::Policy;
use self::store::Tasks;
use crate::args::Arguments;
use crate::decide::{Rules, Stay};
use crate::guard::Limits;
use crate::job::Job;
use crate::out::Outcomes;
use crate::wait::Stop;

pub(crate) use self::intake::Given;
pub(crate) use self::ledger::Ledger;
pub(crate) use self::look::Covered;

/// What a run works with.
#[derive(Debug)]
pub(crate) struct Work<'a, 'o> {
    pub(crate) place: &'a Place,
    pub(crate) arguments: &'a Arguments,
    pub(crate) settings: &'a Settings,
    pub(crate) judge: &'a Judge,
    pub(crate) limits: &'a Limits<'a>,
    pub(crate) run: &'a str,
    pub(crate) out: &'a Outcomes<'o>,
    pub(crate) stop: &'a Arc<Stop>,
    pub(crate) say: &'a Say,
    pub(crate) apply: bool,
}

/// A run's name that no other run has: claims in S3 go by it, and in containers every process has the same number.
pub(crate) fn unique(run: &str) -> String {
    // Keyed at random, which is all the randomness that is needed.
    format!("{run}-{:08x}", RandomState::new().hash_one(run) >> 32)
}

/// A run, once it has found its tasks.
#[derive(Debug)]
struct Run<'a, 'o> {
    work: &'a Work<'a, 'o>,
    sessions: &'a OnceCell<Sessions>,
    store: Tasks,
    policy: Arc<Policy>,
    /// What is due, is due at this time, however long it has to wait for its turn.
    now: Timestamp,
}

/// Takes in what came, says what becomes of each task, and does what is due.
pub(crate) async fn run(work: &Work<'_, '_>, given: Given) -> Result<Exit, Failure> {
    let policy = Policy::new(&work.settings.schedule, &work.arguments.grace).map_err(Failure::Start)?;
    let policy = Arc::new(policy);
    let now = clock::now();
    let broken =
        |error: serde_json::Error| Failure::Start(format!("the input cannot be written into the tasks file: {error}"));
    let (intake, covered) = Intake::of(given, &work.rules(now), &policy).map_err(broken)?;
    let sessions = OnceCell::new();
    let store = match work.place {
        Place::File(path) => Tasks::at(path)?,
        Place::S3(object) => {
            let sessions = work.sessions(&sessions).await?;
            let session = sessions.account(sessions.caller()).await;
            let session = session.map_err(|error| Failure::Start(error.to_string()))?;
            Tasks::object(object.clone(), session)
        }
    };
    let run = Run { work, sessions: &sessions, store, policy, now };
    Box::pin(run.go(intake, &covered)).await
}

impl Work<'_, '_> {
    fn rules(&self, now: Timestamp) -> Rules<'_> {
        crate::rules(self.arguments, self.settings, self.judge, now)
    }

    async fn sessions<'s>(&self, cell: &'s OnceCell<Sessions>) -> Result<&'s Sessions, Failure> {
        let start = || async {
            let started = Sessions::start(&self.arguments.aws, &self.settings.aws, Arguments::NAME).await;
            started.map_err(|error| Failure::Start(error.to_string()))
        };
        cell.get_or_try_init(start).await
    }

    /// Says what became of a job. The answer is whether it could be written.
    fn tell(&self, job: &Job, status: OutcomeStatus, time: Option<Timestamp>, reason: impl Into<String>) -> bool {
        let mut outcome = job.outcome(status, self.run, clock::now());
        outcome.action_time = time;
        outcome.reason = Some(reason.into());
        self.out.write(&outcome)
    }

    fn stays(&self, job: &Job, stay: Stay) {
        if stay.denied {
            self.out.denied();
        }
        let time = job.action_time.filter(|_| stay.status == OutcomeStatus::Waiting);
        self.tell(job, stay.status, time, stay.reason);
    }
}

impl Run<'_, '_> {
    async fn go(&self, intake: Intake, covered: &Covered) -> Result<Exit, Failure> {
        let Intake { wishes, said, unless_filed, owed, passed, counted } = intake;
        let (policy, now) = (Arc::clone(&self.policy), self.now);
        let merged = self.store.change(move |document| merge::merge(document, &wishes, &policy, now)).await?;
        for why in &merged.strange {
            self.work.say.error(format_args!("the tasks file {}: {why}", self.work.place));
        }
        let mut exit = if merged.strange.is_empty() { Exit::Done } else { Exit::Incomplete };
        for (job, stay) in said {
            self.work.stays(&job, stay);
        }
        let filed: BTreeMap<Identity, Known> =
            merged.tasks.into_iter().map(|known| (known.identity.clone(), known)).collect();
        let named: BTreeSet<&Identity> = owed
            .keys()
            .chain(unless_filed.iter().filter(|(_, job, _)| !passed.contains(&job.key)).map(|(identity, ..)| identity))
            .collect();
        for (identity, job, stay) in &unless_filed {
            if !filed.contains_key(identity) {
                self.work.stays(job, stay.clone());
            }
        }
        self.tell_counted(&counted, &filed);

        let sum = |identity: &Identity| counted.get(identity).map_or(0, |counted| counted.tally.sum);
        let doubtful = |known: &Known| {
            let gone = covered.has(known)
                || known.job.check.as_ref().is_some_and(|check| {
                    known.job.arn.as_ref().is_some_and(|arn| passed.contains(&format!("{check}:{arn}")))
                });
            #[expect(clippy::cast_precision_loss, reason = "a sum of scores is far below 2^52")]
            let less = || (sum(&known.identity) as f64) < known.filed.score.unwrap_or_default();
            let due = !self.work.apply && self.standing(known) == State::Due;
            match (known.is_score(), &known.job.check) {
                _ if matches!(self.standing(known), State::Claimed(_)) => false,
                (true, _) => self.policy.scoring.is_some() && (due || covered.has(known) && less()),
                (false, Some(_)) => gone && !named.contains(&known.identity),
                (false, None) => false,
            }
        };
        let doubted: Vec<Known> = filed.values().filter(|known| doubtful(known)).cloned().collect();
        let filed = self.look_again(filed, doubted).await;
        let (filed, failure) = match filed {
            Ok(filed) => (filed, None),
            Err((filed, failure)) => (filed, Some(failure)),
        };
        let pending = self.tell_idle(filed).await?;
        if let Some(failure) = failure {
            return Err(self.hold(&pending, failure));
        }
        exit = exit.and(Box::pin(self.act(pending)).await?);
        for job in owed.values().flat_map(|jobs| jobs.iter().skip(1)) {
            let reason = "it is in the input more than once: see the other outcome of this key";
            self.work.tell(job, OutcomeStatus::Waiting, None, reason);
        }
        Ok(exit)
    }

    /// Where a task stands. In S3 a claim holds for as long as it says.
    fn standing(&self, known: &Known) -> State {
        match known.state(self.now) {
            State::Claimed(claim) if claim.until.is_some_and(|until| until <= clock::now()) => {
                known.unclaimed(self.now)
            }
            state => state,
        }
    }

    /// The findings that count towards a score.
    fn tell_counted(&self, counted: &BTreeMap<Identity, intake::Counted>, filed: &BTreeMap<Identity, Known>) {
        for (identity, counted) in counted {
            let sum = counted.tally.sum;
            for job in &counted.findings {
                let Some(known) = filed.get(identity) else {
                    let least = self.policy.scoring.as_ref().map_or(0, score::Scoring::least);
                    let reason = format!(
                        "the findings of this resource add up to a score of {sum}, and nothing is done below {least}"
                    );
                    self.work.stays(job, Stay::because(OutcomeStatus::Refused, reason));
                    continue;
                };
                let status = if known.filed.told.is_none() { OutcomeStatus::Scheduled } else { OutcomeStatus::Waiting };
                let name = known.job.action.as_ref().and_then(common::action::Action::name).unwrap_or("?");
                let reason = format!(
                    "it counts towards the score of its resource: see the outcome of `{}`, which is to {name} it",
                    known.job.key
                );
                self.work.tell(
                    &Job { action: known.job.action.clone(), ..job.clone() },
                    status,
                    known.job.action_time,
                    reason,
                );
            }
        }
    }

    /// Looks at what has gone from the stream: what is mended leaves the file, and a score may have changed.
    async fn look_again(
        &self,
        mut filed: BTreeMap<Identity, Known>,
        doubted: Vec<Known>,
    ) -> Result<BTreeMap<Identity, Known>, (BTreeMap<Identity, Known>, Failure)> {
        if doubted.is_empty() {
            return Ok(filed);
        }
        let sessions = match self.work.sessions(self.sessions).await {
            Ok(sessions) => sessions,
            Err(failure) => return Err((filed, failure)),
        };
        let rules = self.work.rules(self.now);
        let looked = look::look(doubted, sessions, &rules, self.policy.scoring.as_ref()).await;
        let (mut all, mut mended) = (BTreeMap::new(), BTreeMap::new());
        for (known, seen) in looked {
            let due = self.standing(&known) == State::Due;
            match seen {
                Seen::Mended(why) => {
                    all.insert(known.identity.clone(), Judged::Resolved);
                    mended.insert(known.identity, why);
                }
                Seen::Score(action, tally) => drop(all.insert(known.identity, Judged::Score { action, tally })),
                Seen::Unclear(why) if due && !self.work.apply => {
                    filed.remove(&known.identity);
                    self.work.tell(&known.job, OutcomeStatus::Failed, None, format!("nothing was done: {why}"));
                }
                Seen::Unsettled(why) if due && !self.work.apply => {
                    filed.remove(&known.identity);
                    self.work.tell(&known.job, OutcomeStatus::Waiting, None, why);
                }
                Seen::Open | Seen::Unclear(_) | Seen::Unsettled(_) => {}
            }
        }
        let (run, policy, now) = (self.work.run.to_owned(), Arc::clone(&self.policy), self.now);
        let changed = self.store.change(move |document| {
            let gone = merge::judged(document, &all, &run, &policy, now)?;
            Ok((gone, merge::contents(document)))
        });
        let (gone, contents) = match changed.await {
            Ok(changed) => changed,
            Err(error) => return Err((filed, error.into())),
        };
        for identity in gone {
            if let (Some(known), Some(why)) = (filed.remove(&identity), mended.remove(&identity)) {
                self.work.tell(&known.job, OutcomeStatus::Resolved, None, why);
            }
        }
        for known in contents.tasks {
            if let Some(before) = filed.get_mut(&known.identity) {
                *before = known;
            }
        }
        Ok(filed)
    }

    /// Says of what is not due that it is not. The answer is the rest.
    async fn tell_idle(&self, filed: BTreeMap<Identity, Known>) -> Result<Vec<Known>, Failure> {
        let (mut pending, mut told) = (Vec::new(), BTreeSet::new());
        for known in filed.into_values() {
            match self.standing(&known) {
                State::Due => pending.push(known),
                // Whether that run lives is seen when it is our turn.
                State::Claimed(_) if self.work.apply && self.store.has_run_lock() => pending.push(known),
                state => {
                    let new = known.filed.told.is_none() && matches!(state, State::NotBefore(_));
                    if self.tell_state(&known, &state) && new {
                        told.insert(known.identity);
                    }
                }
            }
        }
        if !told.is_empty() {
            let now = self.now;
            self.store.change(move |document| merge::told(document, &told, now)).await?;
        }
        Ok(pending)
    }

    fn tell_state(&self, known: &Known, state: &State) -> bool {
        let last = || known.filed.error.as_deref().unwrap_or("nobody noted down why");
        let attempts = known.filed.attempts.unwrap_or_default();
        let (status, time, reason) = match state {
            State::NotBefore(time) => {
                let status = if known.filed.told.is_none() { OutcomeStatus::Scheduled } else { OutcomeStatus::Waiting };
                (status, Some(*time), format!("it is not due before {time}"))
            }
            State::Again(time) => {
                let most = self.policy.max_attempts;
                let reason =
                    format!("attempt {attempts} of {most} failed ({}); it is tried again from {time} on", last());
                (OutcomeStatus::Waiting, Some(*time), reason)
            }
            State::Parked => {
                let place = self.work.place;
                let reason = format!(
                    "it is parked after {attempts} attempts ({}): take its `parked` out of {place} to have it tried again",
                    last()
                );
                (OutcomeStatus::Waiting, None, reason)
            }
            State::Claimed(claim) => {
                let reason = format!("the run {} has claimed it, and is at work on it or was cut off in it", claim.run);
                (OutcomeStatus::Waiting, known.job.action_time, reason)
            }
            State::Due => (OutcomeStatus::Already, None, "another run has seen to it meanwhile".to_owned()),
        };
        self.work.tell(&known.job, status, time, reason)
    }

    /// Says of what is due that nothing was done, and why.
    fn hold(&self, pending: &[Known], failure: Failure) -> Failure {
        for known in pending {
            let reason = format!("nothing was done: {failure}");
            self.work.tell(&known.job, OutcomeStatus::Interrupted, None, reason);
        }
        failure
    }
}
