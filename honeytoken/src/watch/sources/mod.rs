//! Where events come from: the sources in AWS, each of which reads what is new and keeps in the registry how far it came.
//!
//! - `s3`, `trail`: a trail's files. `sqs`: a queue. `lookup`: the event history. `last_used`: what IAM tells.
//! - `pass`: what is looked at again and again. `limiter`, `trouble`: how often, and what becomes of what fails.

mod last_used;
mod limiter;
mod lookup;
mod pass;
mod regions;
mod report;
mod s3;
mod sqs;
mod trail;
mod trouble;

use std::sync::Arc;
use std::time::Duration;

use common::aws::queue::Queue;
use common::aws::{AwsError, Sessions};
use common::cli::{Failure, Say};
use common::id::{AccountId, Region};
use common::operation::{
    IAM_GENERATE_CREDENTIAL_REPORT, IAM_GET_ACCESS_KEY_LAST_USED, IAM_GET_CREDENTIAL_REPORT, Operation,
};
use common::settings::{Period, Settings};
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

use super::input::{Inputs, Stop};
use crate::commands::Sources;
use crate::registry::Registry;
use last_used::LastUses;
use lookup::Histories;
use pass::Passes;
use s3::Trail;
use sqs::Messages;
use trail::TrailUrl;

/// The calls of `--last-used`.
pub(crate) const LAST_USED_CALLS: &[Operation] =
    &[IAM_GENERATE_CREDENTIAL_REPORT, IAM_GET_ACCESS_KEY_LAST_USED, IAM_GET_CREDENTIAL_REPORT];

/// How long to pause between looks.
const PAUSE: Duration = Duration::from_mins(1);
/// From when on events are read where nothing was read so far.
const SINCE: SignedDuration = SignedDuration::from_hours(1);
/// How long CloudTrail has for telling of a use that IAM tells of.
const GRACE: SignedDuration = SignedDuration::from_mins(30);

/// Somewhere that events come from. Each runs as a task of its own.
pub(crate) trait Source: Send {
    /// Reads until the input ends, until all that was there has been read where that was asked for (`--once`), or until it is
    /// told to stop: then it finishes what it holds (waits for [`Settled`](super::input::Input::Settled), deletes its messages,
    /// moves its cursor) and ends. What goes wrong for a while is said and tried again; only what cannot get better is an
    /// error, and ends the run.
    fn run(self: Box<Self>, inputs: Inputs, stop: Stop) -> BoxFuture<'static, Result<(), Failure>>;
}

/// How sources read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    /// Each ends when it has read all that was there.
    pub(crate) once: bool,
    /// Another watch has to hear of all that is about tokens: a message of that is given back.
    pub(crate) borrows: bool,
}

/// What sources work with.
#[derive(Clone, Debug)]
struct Setup {
    registry: Arc<Registry>,
    sessions: Sessions,
    say: &'static Say,
    once: bool,
    borrows: bool,
    pause: Duration,
    since: SignedDuration,
    grace: SignedDuration,
}

/// Makes the sources that were asked for.
///
/// # Errors
///
/// One is named wrongly, or is not there.
pub(crate) async fn open(
    asked: &Sources,
    Way { once, borrows }: Way,
    settings: &Settings,
    registry: Arc<Registry>,
    sessions: Sessions,
    say: &'static Say,
) -> Result<Vec<Box<dyn Source>>, Failure> {
    let time = |period: Option<Period>| period.map(Period::get);
    let setup = Setup {
        registry,
        sessions,
        say,
        once,
        borrows,
        pause: time(asked.pause).map_or(PAUSE, SignedDuration::unsigned_abs),
        since: time(asked.since).unwrap_or(SINCE),
        grace: time(asked.grace).unwrap_or(GRACE),
    };
    let pause = setup.pause;
    let mut sources: Vec<Box<dyn Source>> = Vec::new();
    if let Some(url) = &asked.s3 {
        let source = Trail::new(setup.clone(), TrailUrl::parse(url).map_err(Failure::Usage)?);
        sources.push(Box::new(Passes { source, once, pause }));
    }
    if let Some(url) = &asked.sqs {
        let failed = |error: AwsError| Failure::Start(format!("cannot use the queue {url}: {error}"));
        let session = setup.sessions.account(setup.sessions.caller()).await.map_err(failed)?;
        let queue = Queue::open(&session, url).await.map_err(failed)?;
        sources.push(Box::new(Messages::new(setup.clone(), session, queue)));
    }
    if asked.lookup {
        let accounts = setup.sessions.accounts().await.map_err(|error| Failure::Start(error.to_string()))?;
        let regions = |account: &AccountId| -> Vec<Region> {
            regions::wanted(&asked.regions, account, settings, setup.sessions.partition(), setup.sessions.home_region())
        };
        let places: Vec<(AccountId, Region)> = accounts
            .iter()
            .flat_map(|account| regions(account).into_iter().map(|region| (account.clone(), region)))
            .collect();
        let global = regions::of_global_services(setup.sessions.partition());
        for account in &accounts {
            let mut own = places.iter().filter(|(of, _)| of == account);
            if let Some(global) = global.filter(|global| own.all(|(_, region)| region.as_str() != *global)) {
                let calls = "the calls of IAM and of the global endpoint of STS, such as GetCallerIdentity";
                say.warn(format!("{global}, where {calls} are logged, is not looked at in account {account}"));
            }
        }
        sources.push(Box::new(Passes { source: Histories::new(setup.clone(), places), once, pause }));
    }
    if asked.last_used {
        sources.push(Box::new(Passes { source: LastUses::new(setup), once, pause }));
    }
    Ok(sources)
}

/// Whether a source, as the registry has it, is one of those that are named.
pub(crate) fn is_named(asked: &Sources, source: &str) -> bool {
    let is_bucket =
        || asked.s3.as_deref().and_then(|url| TrailUrl::parse(url).ok()).is_some_and(|url| url.shown() == source);
    let region = source.strip_prefix("lookup:").and_then(|place| place.rsplit('/').next());
    let is_wanted = |region: &str| asked.regions.is_empty() || asked.regions.iter().any(|it| it.as_str() == region);
    asked.lookup && region.is_some_and(is_wanted) || is_bucket()
}

/// So much before a time.
fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_sub(by).unwrap_or(Timestamp::MIN)
}

/// So much behind it.
fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}
