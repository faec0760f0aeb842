//! What became of the tasks that this run has claimed: told in their outcomes, and noted down in the file right after.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use common::clock;
use common::document::StoreError;
use common::record::Outcome;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::known::{Identity, Known};
use super::merge::{self, After, Settlement};
use super::schedule::Policy;
use super::store::Tasks;

/// The tasks that this run has claimed, until their outcomes are written.
#[derive(Debug)]
pub(crate) struct Ledger {
    open: Mutex<Vec<Known>>,
    /// Until it is closed.
    settled: Mutex<Option<UnboundedSender<(Identity, Settlement)>>>,
    policy: Arc<Policy>,
}

impl Ledger {
    /// A ledger of these tasks, and what comes out of it.
    pub(crate) fn new(claimed: Vec<Known>, policy: Arc<Policy>) -> (Self, UnboundedReceiver<(Identity, Settlement)>) {
        let (settled, receiver) = unbounded_channel();
        (Self { open: Mutex::new(claimed), settled: Mutex::new(Some(settled)), policy }, receiver)
    }

    /// Finds the task that an outcome is about, and says in the outcome what comes next.
    pub(crate) fn begin(&self, outcome: &mut Outcome) -> Option<(Identity, Settlement)> {
        let known = self.take(outcome)?;
        let settlement = Settlement { status: outcome.status, reason: outcome.reason.clone() };
        if let After::Failed { attempts, again } = After::of(outcome.status, &known, &self.policy, clock::now()) {
            let most = self.policy.max_attempts;
            let next = match again {
                Some(time) => format!("attempt {attempts} of {most}, the next one from {time} on"),
                None => format!(
                    "attempt {attempts} of {most}: it is parked until somebody takes `parked` out of the tasks file"
                ),
            };
            let why = outcome.reason.take();
            outcome.reason = Some(why.map_or_else(|| next.clone(), |why| format!("{why} ({next})")));
            outcome.action_time = again;
        }
        Some((known.identity, settlement))
    }

    /// The outcome is out: now the file may forget.
    pub(crate) fn end(&self, settled: (Identity, Settlement)) {
        let sender = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = sender.as_ref() {
            // Nobody listens only where the run comes to its end.
            drop(sender.send(settled));
        }
    }

    /// No more comes.
    pub(crate) fn close(&self) {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Which tasks have no outcome yet.
    pub(crate) fn open(&self) -> BTreeSet<Identity> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.iter().map(|known| known.identity.clone()).collect()
    }

    /// The task that an outcome is about. The engine may have put the region where the resource really is in the place of
    /// the one that the task names.
    fn take(&self, outcome: &Outcome) -> Option<Known> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let likeness = |known: &Known| {
            let (job, reference) = (&known.job, &known.job.reference);
            let same =
                job.key == outcome.key && reference.account == outcome.account && reference.kind == outcome.r#type;
            same.then(|| {
                usize::from(job.action == outcome.action) * 4
                    + usize::from(reference.id == outcome.id) * 2
                    + usize::from(reference.region == outcome.region)
            })
        };
        let best = open.iter().enumerate().filter_map(|(at, known)| Some((likeness(known)?, at)));
        let (_, at) = best.max_by_key(|(likeness, at)| (*likeness, usize::MAX - at))?;
        Some(open.swap_remove(at))
    }
}

/// Notes down in the file what comes out of the ledger, until it is closed: all that has come meanwhile in one change.
/// What cannot be noted down is tried again with the next. `stop` is called when that goes wrong: nothing new is begun then.
pub(crate) async fn note_down(
    store: &Tasks,
    run: &str,
    mut settled: UnboundedReceiver<(Identity, Settlement)>,
    policy: &Arc<Policy>,
    stop: impl Fn(&StoreError),
) -> Result<(), StoreError> {
    let mut all: BTreeMap<Identity, Settlement> = BTreeMap::new();
    let mut result = Ok(());
    while let Some((identity, settlement)) = settled.recv().await {
        all.insert(identity, settlement);
        while let Ok((identity, settlement)) = settled.try_recv() {
            all.insert(identity, settlement);
        }
        let (these, run, policy) = (all.clone(), run.to_owned(), Arc::clone(policy));
        let now = clock::now();
        result = store.change(move |document| merge::settle(document, &run, &these, &policy, now)).await;
        match &result {
            Ok(()) => all.clear(),
            Err(error) => stop(error),
        }
    }
    result
}
