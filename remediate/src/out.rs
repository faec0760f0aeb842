//! Outcomes on their way out, and what they add up to.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, OnceLock};

use common::cli::Say;
use common::exit::Exit;
use common::record::{Outcome, OutcomeStatus};
use common::stream::Writer;

use crate::tasks::Ledger;
use crate::wait::Stop;

/// Where outcomes go.
pub(crate) struct Outcomes<'a> {
    state: Mutex<State<'a>>,
    say: &'a Say,
    /// Set when they cannot be written any more: what nobody can read about is not begun.
    stop: &'a Stop,
    /// The tasks that this run has claimed: what became of them is noted down as soon as it is told.
    ledger: OnceLock<Arc<Ledger>>,
}

struct State<'a> {
    writer: Writer<Box<dyn Write + Send + 'a>>,
    error: Option<io::Error>,
    counts: BTreeMap<OutcomeStatus, usize>,
    denied: usize,
}

impl std::fmt::Debug for Outcomes<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Outcomes").finish_non_exhaustive()
    }
}

impl<'a> Outcomes<'a> {
    pub(crate) fn new(writer: Writer<Box<dyn Write + Send + 'a>>, say: &'a Say, stop: &'a Stop) -> Self {
        let state = State { writer, error: None, counts: BTreeMap::new(), denied: 0 };
        Self { state: Mutex::new(state), say, stop, ledger: OnceLock::new() }
    }

    /// Keeps a ledger from now on.
    pub(crate) fn keep(&self, ledger: Arc<Ledger>) {
        // There is one for each run.
        drop(self.ledger.set(ledger));
    }

    /// Writes an outcome, at once: somebody may be watching. The answer is whether it could be written.
    pub(crate) fn write(&self, outcome: &Outcome) -> bool {
        let mut outcome = outcome.clone();
        let settled = self.ledger.get().and_then(|ledger| ledger.begin(&mut outcome));
        let mut state = self.lock();
        *state.counts.entry(outcome.status).or_default() += 1;
        if state.error.is_none()
            && let Err(error) = state.writer.write(&outcome).and_then(|()| state.writer.flush())
        {
            state.error = Some(error);
            self.stop.set();
        }
        let written = state.error.is_none();
        let (done, status) = (state.counts.values().sum::<usize>(), outcome.status.name());
        drop(state);
        self.say.progress(format_args!("{done} outcomes, last: {status} {}", outcome.key));
        if let (Some(ledger), Some(settled)) = (self.ledger.get(), settled) {
            ledger.end(settled);
        }
        written
    }

    /// Somebody asked for something that a guard denies.
    pub(crate) fn denied(&self) {
        self.lock().denied += 1;
    }

    pub(crate) fn warn(&self, what: impl Display) {
        self.say.warn(what);
    }

    /// How many outcomes there were of each kind, in words.
    fn summary(counts: &BTreeMap<OutcomeStatus, usize>) -> String {
        let mut text = String::new();
        for (status, count) in counts {
            let comma = if text.is_empty() { "" } else { ", " };
            // Writing to a String does not fail.
            let _ = write!(text, "{comma}{count} {}", status.name());
        }
        if text.is_empty() { "nothing to do".to_owned() } else { text }
    }

    /// Says what the outcomes add up to, and with which code the run ends.
    pub(crate) fn finish(self, applied: bool) -> (Exit, Option<io::Error>) {
        let State { error, counts, denied, .. } =
            self.state.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.say.end_progress();
        self.say.note(Self::summary(&counts));
        let any = |status| counts.contains_key(&status);
        let mut exit = Exit::Done;
        if any(OutcomeStatus::Interrupted) || any(OutcomeStatus::Failed) {
            exit = exit.and(Exit::Incomplete);
        }
        if applied && (any(OutcomeStatus::Failed) || denied > 0) {
            exit = exit.and(Exit::No);
        }
        (exit, error)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
