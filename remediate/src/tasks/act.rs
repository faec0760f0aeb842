//! What is due: claimed in the file, done, and taken out of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::action::Action;
use common::aws::Sessions;
use common::cli::Failure;
use common::clock;
use common::document::StoreError;
use common::exit::Exit;
use common::record::{Claim, Outcome, OutcomeStatus};
use jiff::{SignedDuration, Timestamp};

use super::Run;
use super::known::{Identity, Known, State};
use super::ledger::{Ledger, note_down};
use super::look::{self, Seen};
use super::merge::{self, Claimed, Judged};
use super::store::Alone;
use crate::engine::Engine;
use crate::job::Job;
use crate::journal::{self, Journal, JournalError};
use crate::{carry_out, report, signals};

/// How long a run waits for another one that acts.
const PATIENCE: Duration = Duration::from_mins(10);

/// How often it looks whether that one has ended.
const LOOK: Duration = Duration::from_millis(100);

/// For how long a claim in S3 holds. A run that lives renews it long before.
const LEASE: SignedDuration = SignedDuration::from_mins(10);

/// How often.
const RENEWAL: Duration = Duration::from_mins(3);

/// That it is this run's turn to act.
struct Turn {
    _alone: Alone,
    journal: Journal,
    unfinished: Vec<Outcome>,
}

/// Why it is not.
enum NoTurn {
    /// Another run acts for too long.
    Taken,
    /// This one is to end.
    Stopped,
    Failed(Failure),
}

impl Run<'_, '_> {
    /// Does what is due, or says what would be done.
    pub(super) async fn act(&self, pending: Vec<Known>) -> Result<Exit, Failure> {
        if pending.is_empty() {
            return if self.work.apply { self.catch_up() } else { Ok(Exit::Done) };
        }
        let sessions = match self.work.sessions(self.sessions).await {
            Ok(sessions) => sessions,
            Err(failure) => return Err(self.hold(&pending, failure)),
        };
        signals::watch(Arc::clone(self.work.stop));
        if !self.work.apply {
            let jobs = pending.into_iter().map(|known| known.job).collect();
            return Ok(self.carry_out(sessions, jobs, None).await);
        }
        let turn = match self.turn().await {
            Ok(turn) => turn,
            Err(NoTurn::Failed(failure)) => return Err(self.hold(&pending, failure)),
            Err(NoTurn::Stopped) => {
                self.tell_all(
                    &pending,
                    OutcomeStatus::Interrupted,
                    "the run was stopped before it came to this: nothing was done",
                );
                return Ok(Exit::Incomplete);
            }
            Err(NoTurn::Taken) => {
                let reason = "another run has been acting for ten minutes: nothing was done, the next run sees to it";
                self.work.say.error(reason);
                self.tell_all(&pending, OutcomeStatus::Waiting, reason);
                return Ok(Exit::Incomplete);
            }
        };
        report(&turn.unfinished, &turn.journal, self.work.out);
        let claim = self.claim_of(clock::now());
        let (ours, alone, due) = (claim.clone(), self.store.has_run_lock(), self.now);
        let change = move |document: &mut _| merge::claim(document, &ours, alone, due, clock::now());
        let claimed = match self.store.change(change).await {
            Ok(claimed) => claimed,
            Err(error) => return Err(self.hold(&pending, error.into())),
        };
        self.tell_dead(&claimed, &turn.unfinished);
        self.tell_others(&pending, &claimed);
        // It has room for all that actions come to.
        Box::pin(self.do_all(sessions, claimed.ours, &turn.journal)).await
    }

    /// What an earlier run was cut off in is told even where nothing is due. Where another run acts, it does that.
    fn catch_up(&self) -> Result<Exit, Failure> {
        match self.journal() {
            Ok((journal, unfinished)) => report(&unfinished, &journal, self.work.out),
            Err(JournalError::Locked { .. }) => {}
            Err(error) => return Err(Failure::Start(error.to_string())),
        }
        Ok(Exit::Done)
    }

    fn journal(&self) -> Result<(Journal, Vec<Outcome>), JournalError> {
        Journal::open(journal::place(self.work.arguments.journal.as_deref(), self.work.settings)?)
    }

    /// Waits until no other run acts.
    async fn turn(&self) -> Result<Turn, NoTurn> {
        let failed = |error: &dyn std::fmt::Display| NoTurn::Failed(Failure::Start(error.to_string()));
        let (start, mut said) = (Instant::now(), false);
        let mut alone = None;
        loop {
            if alone.is_none() {
                alone = self.store.try_run().map_err(|error| failed(&error))?;
            }
            if alone.is_some() {
                // Its lock keeps out those that act without these tasks, too.
                match self.journal() {
                    Ok((journal, unfinished)) => {
                        let Some(alone) = alone else { continue };
                        return Ok(Turn { _alone: alone, journal, unfinished });
                    }
                    Err(JournalError::Locked { .. }) => {}
                    Err(error) => return Err(failed(&error)),
                }
            }
            if start.elapsed() > PATIENCE {
                return Err(NoTurn::Taken);
            }
            if !said {
                said = true;
                self.work.say.note("another run is acting: waiting for it, for up to ten minutes");
            }
            self.work.stop.or(tokio::time::sleep(LOOK)).await.ok_or(NoTurn::Stopped)?;
        }
    }

    fn claim_of(&self, now: Timestamp) -> Claim {
        let until = (!self.store.has_run_lock()).then(|| now.checked_add(LEASE).unwrap_or(Timestamp::MAX));
        Claim { run: self.work.run.to_owned(), until }
    }

    fn tell_all(&self, pending: &[Known], status: OutcomeStatus, reason: &str) {
        for known in pending {
            self.work.tell(&known.job, status, None, reason);
        }
    }

    /// What another run has died over. The journal knows more of what had begun, and has told it where it did.
    fn tell_dead(&self, claimed: &Claimed, unfinished: &[Outcome]) {
        for (known, claim) in &claimed.dead {
            let (job, account) = (&known.job, &known.job.reference.account);
            if unfinished.iter().any(|told| told.key == job.key && told.account == *account) {
                continue;
            }
            let run = &claim.run;
            self.work.out.warn(format_args!(
                "{}: the run {run} was cut off before it had noted down what came of this",
                job.key
            ));
            let reason = format!(
                "the run {run} was cut off before it had noted down what came of this: it is looked at anew, so that nothing is \
                 done twice"
            );
            self.work.tell(job, OutcomeStatus::Interrupted, None, reason);
        }
    }

    /// What was due, and is not ours after all.
    fn tell_others(&self, pending: &[Known], claimed: &Claimed) {
        let ours: BTreeSet<&Identity> = claimed.ours.iter().map(|known| &known.identity).collect();
        let others: BTreeMap<&Identity, &Known> = claimed.others.iter().map(|known| (&known.identity, known)).collect();
        for known in pending.iter().filter(|known| !ours.contains(&known.identity)) {
            match others.get(&known.identity) {
                // A claim that was dead is gone now.
                Some(other) if self.store.has_run_lock() => self.tell_state(other, &other.unclaimed(self.now)),
                Some(other) => self.tell_state(other, &self.standing(other)),
                None => self.tell_state(known, &State::Due),
            };
        }
    }

    /// Does what was claimed, and notes down what comes of each at once.
    async fn do_all(&self, sessions: &Sessions, ours: Vec<Known>, journal: &Journal) -> Result<Exit, Failure> {
        let (scores, others): (Vec<Known>, Vec<Known>) = ours.iter().cloned().partition(Known::is_score);
        let (ledger, settled) = Ledger::new(ours, Arc::clone(&self.policy));
        let ledger = Arc::new(ledger);
        self.work.out.keep(Arc::clone(&ledger));
        let acting = async {
            let mut jobs: Vec<Job> = others.into_iter().map(|known| known.job).collect();
            jobs.extend(self.still_reaching(sessions, scores).await);
            let exit = self.carry_out(sessions, jobs, Some(journal)).await;
            // The file is told of the rest, and no more comes.
            ledger.close();
            exit
        };
        let stop = |error: &StoreError| {
            self.work.out.warn(format_args!("{error}; nothing new is begun"));
            self.work.stop.set();
        };
        let noting = note_down(&self.store, self.work.run, settled, &self.policy, stop);
        let (exit, noted) = tokio::select! {
            both = async { tokio::join!(acting, noting) } => both,
            () = self.renew(Arc::clone(&ledger)) => (Exit::Incomplete, Ok(())),
        };
        let run = self.work.run.to_owned();
        let released = match noted {
            Ok(()) => self.store.change(move |document| merge::release(document, &run)).await,
            failed => failed,
        };
        if let Err(error) = released {
            self.work.say.error(format_args!(
                "what was done could not be taken out of the tasks file: {error}; the next run looks at each of it anew"
            ));
            return Ok(exit.and(Exit::Incomplete));
        }
        Ok(exit)
    }

    async fn carry_out(&self, sessions: &Sessions, jobs: Vec<Job>, journal: Option<&Journal>) -> Exit {
        let work = self.work;
        let rules = work.rules(self.now);
        let engine = Engine { sessions, rules, run: work.run, out: work.out, stop: work.stop };
        carry_out(&engine, jobs, work.limits, work.settings, journal, work.say).await
    }

    /// The jobs of those resources whose findings still add up to what is to be done; the others are told of.
    async fn still_reaching(&self, sessions: &Sessions, scores: Vec<Known>) -> Vec<Job> {
        let rules = self.work.rules(self.now);
        let mut jobs = Vec::new();
        for (known, seen) in look::look(scores, sessions, &rules, self.policy.scoring.as_ref()).await {
            let kills = |action: Option<&Action>| matches!(action, Some(Action::Kill(_)));
            match seen {
                Seen::Mended(why) => drop(self.work.tell(&known.job, OutcomeStatus::Resolved, None, why)),
                Seen::Score(action, tally) if kills(known.job.action.as_ref()) && !kills(Some(&action)) => {
                    self.milder(known, action, tally).await;
                }
                Seen::Score(..) => jobs.push(known.job),
                Seen::Unsettled(why) => drop(self.work.tell(&known.job, OutcomeStatus::Waiting, None, why)),
                Seen::Unclear(why) => {
                    self.work.tell(&known.job, OutcomeStatus::Failed, None, format!("nothing was done: {why}"));
                }
                Seen::Open => drop(self.work.tell(
                    &known.job,
                    OutcomeStatus::Failed,
                    None,
                    "nothing was done: it cannot be judged",
                )),
            }
        }
        jobs
    }

    /// A resource that was to be killed is only to be disabled now, which has its own time.
    async fn milder(&self, known: Known, action: Box<Action>, tally: super::score::Tally) {
        let from = known.filed.first_seen.unwrap_or(self.now);
        let time = self.policy.due(from, &action, None);
        let reason =
            format!("its findings add up to {} now: it is to be disabled instead, not before {time}", tally.sum);
        let all = BTreeMap::from([(known.identity.clone(), Judged::Score { action: action.clone(), tally })]);
        let (run, policy, now) = (self.work.run.to_owned(), Arc::clone(&self.policy), self.now);
        let changed = self.store.change(move |document| merge::judged(document, &all, &run, &policy, now)).await;
        match changed {
            Ok(_) => drop(self.work.tell(
                &Job { action: Some(*action), ..known.job },
                OutcomeStatus::Scheduled,
                Some(time),
                reason,
            )),
            Err(error) => {
                self.work.tell(&known.job, OutcomeStatus::Failed, None, format!("nothing was done: {error}"));
            }
        }
    }

    /// Says every few minutes that this run is alive, where nothing else does. Where it cannot, nothing new is begun before
    /// somebody else may take over. Never ends.
    async fn renew(&self, ledger: Arc<Ledger>) {
        if self.store.has_run_lock() {
            return std::future::pending().await;
        }
        let mut since = Instant::now();
        loop {
            tokio::time::sleep(RENEWAL).await;
            let claim = self.claim_of(clock::now());
            let ledger = Arc::clone(&ledger);
            // Asked for once the file is read: what is settled by then is not missed in it.
            let renew = move |document: &mut _| merge::renew(document, &claim, &ledger.open());
            let renewed = self.store.change(renew).await;
            match renewed {
                Ok(true) => since = Instant::now(),
                Ok(false) => {
                    self.work.out.warn(
                        "another run, or a person, has taken over what this run had claimed; nothing new is begun",
                    );
                    self.work.stop.set();
                }
                Err(error) if since.elapsed() >= RENEWAL * 2 => {
                    self.work.out.warn(format_args!("{error}; nothing new is begun, since others may soon take over"));
                    self.work.stop.set();
                }
                Err(error) => self.work.out.warn(error),
            }
        }
    }
}
