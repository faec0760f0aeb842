//! A sweep: everything of some types, in some regions, in some accounts.
//!
//! Accounts and listings are tasks. What they find goes through one channel to the one writer, so that a record is out as
//! soon as it is known, and listings wait while the reader of our output is slow. Each listing's `scope` records come
//! behind its resources.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use common::aws::{AwsError, Sessions};
use common::cli::{Failure, Say};
use common::id::{AccountId, Region};
use common::resource::{Extent, ResourceType};
use futures_util::{StreamExt, stream};
use tokio::sync::mpsc::{self, Sender};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::account::Account;
use crate::output::Output;
use crate::plan::{Unit, Wanted, needs_regions, units};
use crate::queue::DETAILS;
use crate::settle::Settle;
use crate::sink::{Failures, Line, Sink};
use crate::types;
use crate::types::spend::Sources;

/// How many listings are under way at once. The session layer limits requests; this limits what they hold in memory.
const LISTINGS: usize = 128;
/// How many records may wait to be written.
const WAITING: usize = 1024;
/// How often the progress line changes.
const TICK: Duration = Duration::from_millis(200);

/// What is to be swept.
#[derive(Debug)]
pub(crate) struct Sweep {
    pub(crate) sessions: Sessions,
    pub(crate) types: Vec<ResourceType>,
    pub(crate) wanted: Wanted,
    /// Where it is asked what accounts spend.
    pub(crate) spend: Arc<Sources>,
    pub(crate) only_tests: bool,
    /// Whether it is enough to know what there is.
    pub(crate) names_only: bool,
    /// Until when to wait for what has not settled.
    pub(crate) settle: Option<Settle>,
}

enum Job {
    Account(AccountId),
    Listing(Arc<Account>, Unit),
}

impl Sweep {
    /// Lists everything and writes it.
    pub(crate) async fn run<W: Write>(
        self,
        accounts: Vec<AccountId>,
        output: &mut Output<W>,
        progress: Option<&Say>,
    ) -> Result<(), Failure> {
        let sweep = Arc::new(self);
        let (sender, mut lines) = mpsc::channel(WAITING);
        let mut waiting: VecDeque<Job> = accounts.into_iter().map(Job::Account).collect();
        let mut tasks = JoinSet::new();
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut total, mut done) = (waiting.len(), 0);
        loop {
            while tasks.len() < LISTINGS
                && let Some(job) = waiting.pop_front()
            {
                tasks.spawn(Arc::clone(&sweep).work(job, sender.clone()));
            }
            if tasks.is_empty() {
                break;
            }
            tokio::select! {
                Some(line) = lines.recv() => {
                    output.line(line)?;
                    if lines.is_empty() {
                        output.flush()?;
                    }
                }
                Some(ended) = tasks.join_next() => {
                    let more = ended.map_err(|error| Failure::Incomplete(format!("a listing broke off: {error}")))?;
                    total += more.len();
                    done += 1;
                    waiting.extend(more);
                }
                _ = tick.tick() => if let Some(say) = progress {
                    let requests: u64 = sweep.sessions.requests().values().sum();
                    let resources = output.tally.resources;
                    say.progress(format!("{done} of {total} listings, {resources} resources, {requests} requests"));
                }
            }
        }
        drop(sender);
        while let Some(line) = lines.recv().await {
            output.line(line)?;
        }
        output.flush()
    }

    /// Does one job and says which others it leads to.
    async fn work(self: Arc<Self>, job: Job, sender: Sender<Line>) -> Vec<Job> {
        match job {
            Job::Account(account) => self.enter(account, sender).await,
            Job::Listing(account, unit) => {
                self.list(&account, &unit, sender).await;
                Vec::new()
            }
        }
    }

    /// Enters an account and finds its regions. Where that fails, each of its scopes has failed.
    async fn enter(&self, id: AccountId, sender: Sender<Line>) -> Vec<Job> {
        let session = self.sessions.account(&id).await;
        let account = match session.map(|session| if self.names_only { session.without(DETAILS) } else { session }) {
            Ok(session) => Arc::new(Account::new(session, Arc::clone(&self.spend))),
            Err(error) => {
                for &kind in &self.types {
                    self.failed(&id, kind, &self.wanted.blind(kind), &error, &sender).await;
                }
                return Vec::new();
            }
        };
        let units = match &self.wanted {
            Wanted::Named(regions) => units(&self.types, regions, false),
            Wanted::Enabled if !needs_regions(&self.types) => units(&self.types, &[], true),
            Wanted::Enabled => match account.enabled().await {
                Ok(regions) => units(&self.types, regions, true),
                Err(error) => {
                    // What needs no region is listed all the same: buckets are, and have their scopes where there are
                    // some. But nobody can say of the other regions that there are none.
                    for &kind in self.types.iter().filter(|kind| needs_regions(&[**kind])) {
                        self.failed(&id, kind, &[Region::global()], error, &sender).await;
                    }
                    units(&self.types, &[], true)
                }
            },
        };
        units.into_iter().map(|unit| Job::Listing(Arc::clone(&account), unit)).collect()
    }

    async fn list(&self, account: &Account, unit: &Unit, sender: Sender<Line>) {
        let mut sink = Sink::new(sender, self.only_tests).settling(self.settle.is_some());
        let regions = unit.reach.regions();
        let mut failures = Failures::default();
        let listed = types::list(unit.kind, account, &unit.reach, &sink).await;
        if let Some(settle) = self.settle {
            self.wait(settle, account, &mut sink).await;
        }
        match (listed, regions) {
            // Only a listing of one region can fail because of the region.
            (Err(error), [region]) if unit.kind.extent() == Extent::Regional => {
                failures.whole = Some(account.explain(region, error).await);
            }
            (Err(error), _) => failures.whole = Some(error),
            // A listing of the account says nothing of a region where there is none of it. If somebody named that region,
            // it may be misspelt.
            (Ok(()), _) if unit.kind.extent() == Extent::AccountWide && self.wanted != Wanted::Enabled => {
                let counts = sink.counts();
                let empty: Vec<_> = regions.iter().filter(|region| !counts.contains_key(region)).collect();
                failures.regions = account.not_enabled(&empty).await;
            }
            (Ok(()), _) => {}
        }
        sink.end(account.session.account(), unit.kind, regions, &failures).await;
    }

    /// Puts what has not settled into the sink when it has, or when the time is up.
    async fn wait(&self, settle: Settle, account: &Account, sink: &mut Sink) {
        let mut settled = stream::iter(sink.take_unsettled())
            .map(|resource| settle.wait(&account.session, resource))
            .buffer_unordered(types::AT_ONCE);
        while let Some(resource) = settled.next().await {
            if let Some(resource) = resource {
                sink.resource(resource).await;
            }
        }
    }

    async fn failed(
        &self,
        account: &AccountId,
        kind: ResourceType,
        regions: &[Region],
        error: &AwsError,
        sender: &Sender<Line>,
    ) {
        let failures = Failures { whole: Some(error.clone()), ..Failures::default() };
        Sink::new(sender.clone(), self.only_tests).end(account, kind, regions, &failures).await;
    }
}
