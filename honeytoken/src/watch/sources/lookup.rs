//! `--lookup`: the event history (`LookupEvents`) of accounts and regions.
//!
//! It needs no infrastructure, has management events alone, those of 90 days, and bears two requests a second in each account
//! and region: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html>. All events of a window of
//! time are read, since that costs no more than to ask for a single token's.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::config::retry::RetryConfig;
use aws_sdk_cloudtrail::operation::lookup_events::LookupEventsOutput;
use aws_sdk_cloudtrail::primitives::DateTime;
use common::aws::AwsError;
use common::client;
use common::clock;
use common::event::found_in;
use common::id::{AccountId, Region};
use common::operation::CLOUDTRAIL_LOOKUP_EVENTS;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout};

use super::limiter::{Limiter, Real};
use super::pass::{End, Pass, broken, settled};
use super::trouble::Troubles;
use super::{Setup, earlier, later};
use crate::watch::input::{Input, Inputs, Stop};

/// A little more than half a second: requests do not travel equally fast.
const EVERY: Duration = Duration::from_millis(550);
/// How long after it happened an event may come into the history; it takes up to 15 minutes.
const OVERLAP: SignedDuration = SignedDuration::from_mins(20);
/// How much is read before it is taken down, so that a long history need not be read at one go.
const WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// The same where so many events happen that the token of the next page expires before the last one is read, at least.
const SHORTEST: SignedDuration = SignedDuration::from_mins(15);
/// What CloudTrail says of such a token.
const EXPIRED: &str = "InvalidNextTokenException";
/// How long the history is.
const HISTORY: SignedDuration = SignedDuration::from_hours(90 * 24);
/// After how long without an answer that is said; a call that fails for a while is tried again for a minute and a half.
const SILENCE: Duration = Duration::from_secs(15);
/// How many events an answer has at most.
const PAGE: i32 = 50;

/// The event histories of accounts and regions.
#[derive(Debug)]
pub(super) struct Histories {
    setup: Setup,
    histories: Vec<History>,
    troubles: Troubles,
    /// That one does not answer was said, and none has since.
    is_said_silent: AtomicBool,
}

/// The event history of an account and a region.
#[derive(Debug)]
struct History {
    account: AccountId,
    region: Region,
    client: OnceCell<Client>,
    limiter: Limiter,
}

impl Histories {
    pub(super) fn new(setup: Setup, places: impl IntoIterator<Item = (AccountId, Region)>) -> Self {
        let history = |(account, region)| History {
            account,
            region,
            client: OnceCell::new(),
            limiter: Limiter::new(Real, EVERY),
        };
        let histories = places.into_iter().map(history).collect();
        Self { setup, histories, troubles: Troubles::default(), is_said_silent: AtomicBool::new(false) }
    }

    async fn read(&self, history: &History, inputs: &Inputs, stop: &Stop) -> Result<(), End> {
        let (source, what) = (history.source(), history.what());
        if !self.troubles.is_due(&what, Instant::now()) {
            return Ok(());
        }
        let Setup { registry, since, pause, say, .. } = &self.setup;
        let now = clock::now();
        let from = if let Some(cursor) = registry.cursor(&source)? {
            earlier(cursor, OVERLAP)
        } else {
            let from = earlier(now, *since);
            // Also where the history cannot be read today: it is read from here on some time.
            registry.set_cursor(&source, from, now)?;
            from
        };
        let mut from = from.max(earlier(now, HISTORY));
        let mut size = WINDOW;
        while from < now && !stop.is_told() {
            let to = later(from, size).min(now);
            let took = to.duration_since(from);
            match self.window(history, from, to, inputs).await? {
                Ok(()) if settled(inputs).await?.is_some() => registry.set_cursor(&source, to, now)?,
                // It could not be taken down: once more the next time.
                Ok(()) => return Ok(()),
                // The same window would fail for ever: what is behind it would never be read.
                Err(error) if error.code() == EXPIRED && took > SHORTEST => {
                    size = (took / 2).max(SHORTEST);
                    continue;
                }
                Err(error) => {
                    if self.troubles.failed(&what, &error, *pause, Instant::now()) {
                        broken(inputs, format!("the event history of {what}: {error}")).await?;
                    }
                    return Ok(());
                }
            }
            from = to;
        }
        if self.troubles.worked(&what) {
            say.note(format!("the event history of {what} can be read again"));
        }
        Ok(())
    }

    /// Sends all events of a time.
    async fn window(
        &self,
        history: &History,
        from: Timestamp,
        to: Timestamp,
        inputs: &Inputs,
    ) -> Result<Result<(), AwsError>, End> {
        let client = history.client.get_or_try_init(|| self.client(history));
        let client = match or_say(client, SILENCE, || self.silent(history, None)).await {
            Ok(client) => client,
            Err(error) => return Ok(Err(error)),
        };
        let origin = format!("the event history of {}", history.what());
        let mut token: Option<String> = None;
        let last = Mutex::new(None);
        loop {
            let page = || async {
                let call = client.lookup_events().start_time(time(from)).end_time(time(to)).max_results(PAGE);
                let answer = call.set_next_token(token.clone()).send().await;
                match answer.map_err(|error| AwsError::new(CLOUDTRAIL_LOOKUP_EVENTS, error)) {
                    // The same call again would be answered alike.
                    Err(error) if error.code() == EXPIRED => Ok(Err(error)),
                    Err(error) => {
                        *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
                        Err(error)
                    }
                    answer => answer.map(Ok),
                }
            };
            let answer = or_say(history.limiter.call(page), SILENCE, || {
                self.silent(history, last.lock().unwrap_or_else(PoisonError::into_inner).take());
            });
            let LookupEventsOutput { events, next_token, .. } = match answer.await {
                Ok(Ok(page)) => page,
                Ok(Err(error)) | Err(error) => return Ok(Err(error)),
            };
            self.is_said_silent.store(false, Ordering::Relaxed);
            let texts = events.unwrap_or_default().into_iter().filter_map(|event| event.cloud_trail_event);
            let found = texts.flat_map(|text| found_in(&text)).map(|found| match found {
                Ok(found) => Input::Found { found, source: "lookup", origin: origin.clone() },
                Err(error) => Input::Broken(format!("{origin}: {error}")),
            });
            let found: Vec<Input> = found.collect();
            if !found.is_empty() {
                inputs.send(found).await?;
            }
            // The same token again would be the same page again, for ever.
            if next_token.is_none() || next_token == token {
                return Ok(Ok(()));
            }
            token = next_token;
        }
    }

    /// Says that a history does not answer: once, whichever it is, unless it is known to fail.
    fn silent(&self, history: &History, error: Option<String>) {
        let what = history.what();
        if !self.troubles.has(&what) && !self.is_said_silent.swap(true, Ordering::Relaxed) {
            let why = error.map(|error| format!(": {error}")).unwrap_or_default();
            let silence = SILENCE.as_secs();
            self.setup
                .say
                .warn(format!("the event history of {what} gave no answer for {silence} s{why}; asking again"));
        }
    }

    /// A client that makes each call once: a second try has to wait for its turn, too.
    async fn client(&self, history: &History) -> Result<Client, AwsError> {
        let session = self.setup.sessions.account(&history.account).await?;
        let config = client!(aws_sdk_cloudtrail, &session, &history.region).config().to_builder();
        Ok(Client::from_conf(config.retry_config(RetryConfig::disabled()).build()))
    }
}

/// Waits for an answer, and has it said where that takes long.
async fn or_say<T>(answer: impl Future<Output = T>, long: Duration, say: impl FnOnce()) -> T {
    let mut answer = pin!(answer);
    if let Ok(answer) = timeout(long, &mut answer).await {
        return answer;
    }
    say();
    answer.await
}

impl History {
    fn what(&self) -> String {
        format!("account {}, {}", self.account, self.region)
    }

    fn source(&self) -> String {
        format!("lookup:{}/{}", self.account, self.region)
    }
}

impl Pass for Histories {
    async fn pass(&mut self, inputs: &Inputs, stop: &Stop) -> Result<(), End> {
        let this = &*self;
        let read = this.histories.iter().map(|history| this.read(history, inputs, stop));
        join_all(read).await.into_iter().collect()
    }
}

fn time(at: Timestamp) -> DateTime {
    DateTime::from_secs(at.as_second())
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn an_answer_that_takes_long_is_awaited_and_that_is_said() {
        let (sender, answer) = oneshot::channel();
        let late = or_say(answer, Duration::from_millis(5), || sender.send("late").unwrap());
        assert_eq!(late.await, Ok("late"));
        let quick = or_say(async { 7 }, Duration::from_mins(1), || panic!("it was there at once"));
        assert_eq!(quick.await, 7);
    }
}
