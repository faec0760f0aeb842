//! `--sqs`: a queue that gets events of EventBridge's, or notices of new files in S3, which are fetched.
//!
//! A message is deleted when what it holds has settled. What is not understood stays, for the dead-letter queue, and so does a
//! notice of a file that cannot be read. A drill borrows the queue: what is about tokens it gives back, once at once, since
//! another watch may wait for it, and what comes again nevertheless at its end; SQS counts how often a message was received.

use std::future::pending;
use std::sync::atomic::Ordering;
use std::time::Duration;

use common::aws::queue::{BATCH, Consumer, LONGEST_POLL, Message, Queue, Remembered};
use common::aws::{AwsError, Session};
use common::cli::Failure;
use common::event::{self, Found, S3File, What, found_in};
use common::stream::Item;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::value::RawValue;
use tokio::time::{Instant, sleep_until, timeout};

use super::pass::{End, broken, settled};
use super::s3::found_in_file;
use super::{Setup, Source};
use crate::watch::input::{Input, Inputs, Stop};

/// How many batches of messages are under way at once. Few: what one watch holds, no other can begin.
const UNDER_WAY: usize = 4;
/// How long a queue that is emptied is waited for: long enough that SQS asks all of its servers.
const SHORT_POLL: Duration = Duration::from_secs(2);
/// How long whoever ends waits for what SQS may just be handing out.
const GRACE: Duration = Duration::from_secs(2);
/// How long to wait at most before a receive that failed is tried again; longer where it does not get better by itself.
const LONGEST_REST: Duration = Duration::from_mins(1);
const LASTING_REST: Duration = Duration::from_mins(10);
/// After how many failures in a row `--once` gives up. The SDK has tried each eight times.
const FAILURES: u32 = 3;

/// The messages of a queue.
#[derive(Debug)]
pub(super) struct Messages {
    setup: Setup,
    session: Session,
    queue: Queue,
}

/// A worker on a queue.
struct Worker<'a> {
    setup: &'a Setup,
    session: &'a Session,
    consumer: &'a Consumer,
    inputs: &'a Inputs,
    /// What stays on the queue, and what was said of that.
    left: Remembered,
    said: Remembered,
    /// What is given back in the end.
    kept: Vec<String>,
    failures: u32,
}

/// What came of a batch.
struct Done {
    /// Those that stay, and why.
    left: Vec<(Message, Vec<String>)>,
    /// Those that could not be deleted, and so come again.
    undeleted: Vec<AwsError>,
}

impl Messages {
    pub(super) fn new(setup: Setup, session: Session, queue: Queue) -> Self {
        Self { setup, session, queue }
    }
}

impl Source for Messages {
    fn run(self: Box<Self>, inputs: Inputs, stop: Stop) -> BoxFuture<'static, Result<(), Failure>> {
        async move {
            let Self { setup, session, queue } = *self;
            if !queue.has_dead_letters() {
                let url = queue.url();
                setup.say.note(format!(
                    "{url} has no dead-letter queue: what is not understood comes again until its time is over"
                ));
            }
            let consumer = Consumer::new(queue);
            let worker = Worker {
                setup: &setup,
                session: &session,
                consumer: &consumer,
                inputs: &inputs,
                left: Remembered::default(),
                said: Remembered::default(),
                kept: Vec::new(),
                failures: 0,
            };
            match worker.work(stop).await {
                Ok(()) | Err(End::Unheard) => Ok(()),
                Err(End::Failed(failure)) => Err(failure),
                Err(End::Later(why)) => Err(Failure::Incomplete(why)),
            }
        }
        .boxed()
    }
}

impl<'a> Worker<'a> {
    async fn work(mut self, mut stop: Stop) -> Result<(), End> {
        // Whoever gives back must not leave a receive behind that gets it.
        let wait = if self.setup.once || self.setup.borrows { SHORT_POLL } else { LONGEST_POLL };
        let grace = if self.setup.borrows { SHORT_POLL + GRACE } else { GRACE };
        let consumer = self.consumer;
        let mut under_way: FuturesUnordered<BoxFuture<'a, Result<Done, End>>> = FuturesUnordered::new();
        let mut receive: Option<BoxFuture<'a, Result<Vec<Message>, AwsError>>> = None;
        let (mut rest, mut ends): (Option<Instant>, bool) = (None, false);
        loop {
            if receive.is_none() && rest.is_none() && !ends && under_way.len() < UNDER_WAY {
                receive = Some(consumer.receive(BATCH, wait).boxed());
            }
            if ends && under_way.is_empty() {
                consumer.release(&self.kept).await;
                return Ok(());
            }
            tokio::select! {
                () = stop.told(), if !ends => {
                    ends = true;
                    // What SQS is handing out just now would stay out of everybody's sight.
                    if let Some(receive) = receive.take() && let Ok(Ok(messages)) = timeout(grace, receive).await {
                        let handles: Vec<String> = messages.into_iter().map(|message| message.handle).collect();
                        consumer.release(&handles).await;
                    }
                }
                received = some(&mut receive), if !ends => {
                    receive = None;
                    match received {
                        Ok(messages) => {
                            self.failures = 0;
                            let new = self.new_of(messages);
                            if !new.is_empty() {
                                under_way.push(take(self.setup.borrows, self.session, consumer, self.inputs, new).boxed());
                            } else if self.setup.once && under_way.is_empty() {
                                ends = true;
                            }
                        }
                        Err(error) => match self.not_received(&error).await? {
                            Some(time) => rest = Some(Instant::now() + time),
                            None => ends = true,
                        },
                    }
                }
                Some(done) = under_way.next() => ends |= !self.done(done?).await?,
                () = at(rest) => rest = None,
            }
        }
    }

    /// With `--once`, what this run leaves on the queue is for the next one, and what is borrowed for another watch.
    fn new_of(&mut self, messages: Vec<Message>) -> Vec<Message> {
        let Setup { once, borrows, .. } = *self.setup;
        let (known, new): (Vec<_>, Vec<_>) =
            messages.into_iter().partition(|message| (once || borrows) && self.left.has(&message.id));
        let known = known.into_iter().map(|message| message.handle);
        if borrows {
            self.kept.extend(known);
        } else {
            self.consumer.let_go(&known.collect::<Vec<_>>());
        }
        new
    }

    /// How long to wait until it is tried again; `None` where it is not.
    async fn not_received(&mut self, error: &AwsError) -> Result<Option<Duration>, End> {
        self.failures += 1;
        let url = self.consumer.queue().url();
        if self.setup.once && (error.is_lasting() || self.failures >= FAILURES) {
            broken(self.inputs, format!("{url}: {error}")).await?;
            return Ok(None);
        }
        let longest = if error.is_lasting() { LASTING_REST } else { LONGEST_REST };
        let rest = Duration::from_secs(1 << self.failures.min(10)).min(longest);
        if error.is_lasting() && self.failures == 1 {
            broken(self.inputs, format!("{url}: {error}; trying again and again")).await?;
        } else {
            self.setup.say.warn(format!("{url}: {error}; trying again in {} s", rest.as_secs()));
        }
        Ok(Some(rest))
    }

    /// Says what is left on the queue, and returns whether to go on.
    async fn done(&mut self, done: Done) -> Result<bool, End> {
        let url = self.consumer.queue().url();
        let mut goes_on = true;
        for error in done.undeleted {
            if !error.is_lasting() {
                self.setup.say.warn(format!("{url}: {error}; the message comes again"));
            } else if self.said.is_new(error.code().to_owned()) {
                broken(self.inputs, format!("{url}: {error}; the messages come again")).await?;
            }
            // Nothing would ever leave the queue.
            goes_on &= !(self.setup.once && error.is_lasting());
        }
        for (message, why) in done.left {
            for why in why {
                if self.said.is_new(format!("{} {why}", message.id)) {
                    broken(self.inputs, format!("message {}: {why}; it stays on the queue", message.id)).await?;
                }
            }
            self.left.is_new(message.id);
        }
        Ok(goes_on)
    }
}

/// Waits for what is there.
async fn some<T>(future: &mut Option<BoxFuture<'_, T>>) -> T {
    match future {
        Some(future) => future.await,
        None => pending().await,
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}

/// Sends on what messages hold and deletes those of which all has settled. Where they are borrowed, all of them stay if
/// something may have been about tokens.
async fn take(
    borrows: bool,
    session: &Session,
    consumer: &Consumer,
    inputs: &Inputs,
    messages: Vec<Message>,
) -> Result<Done, End> {
    let before = if borrows { settled(inputs).await? } else { None };
    let origin = consumer.queue().url().as_str();
    let read = messages.iter().map(|message| hand_on(session, inputs, origin, message));
    let problems = join_all(read).await.into_iter().collect::<Result<Vec<_>, End>>()?;
    let settled = settled(inputs).await?;
    // What else is under way counts, too: then more is given back than has to be.
    let is_done = settled.is_some() && (!borrows || settled == before);
    let (mut good, mut left) = (Vec::new(), Vec::new());
    for (message, problems) in messages.into_iter().zip(problems) {
        if problems.is_empty() && is_done {
            good.push(message.handle);
        } else {
            let handle = std::slice::from_ref(&message.handle);
            if borrows {
                consumer.release(handle).await;
            } else {
                consumer.let_go(handle);
            }
            left.push((message, problems));
        }
    }
    Ok(Done { left, undeleted: consumer.delete(&good).await })
}

/// Sends on what a message holds, and what is in the files that it names; says what was not understood, or could not be read.
async fn hand_on(session: &Session, inputs: &Inputs, origin: &str, message: &Message) -> Result<Vec<String>, End> {
    let (mut found_here, mut files, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    for found in found_in(&message.body) {
        match found {
            Ok(Found { what: What::File(file), .. }) => files.push(file),
            Ok(Found { what: What::Other(item), .. }) => {
                if !is_for_others(&item) {
                    problems.push("it holds no event of CloudTrail's, and no notice of a file".to_owned());
                }
            }
            Ok(found) => found_here.push(Input::Found { found, source: "sqs", origin: origin.to_owned() }),
            Err(error) => problems.push(error.to_string()),
        }
    }
    if !found_here.is_empty() {
        inputs.send(found_here).await?;
    }
    for file in files {
        problems.extend(fetch(session, inputs, &file).await);
    }
    Ok(problems)
}

/// Sends on what is in a file; says why that is not all.
async fn fetch(session: &Session, inputs: &Inputs, file: &S3File) -> Option<String> {
    let (whole, found) = found_in_file(file, "sqs");
    match event::fetch(session, file, inputs, found).await {
        Err(error) => Some(error.to_string()),
        Ok(()) if !whole.load(Ordering::Relaxed) => Some(format!("{file}: it is no whole file of events")),
        Ok(()) => None,
    }
}

/// Whether it is an event of EventBridge's that a rule let through with those that are for us.
fn is_for_others(item: &Item) -> bool {
    #[derive(serde::Deserialize)]
    struct Envelope<'a> {
        #[serde(rename = "detail-type", borrow)]
        kind: Option<&'a RawValue>,
    }
    serde_json::from_str::<Envelope<'_>>(&item.text).is_ok_and(|envelope| envelope.kind.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_rule_let_through_is_no_rubbish() {
        for (text, expected) in [
            (r#"{"detail-type":"EC2 Instance State-change Notification","source":"aws.ec2","detail":{}}"#, true),
            (r#"{"kind":"finding"}"#, false),
            (r#"{"hello":1}"#, false),
            ("{", false),
        ] {
            assert_eq!(is_for_others(&Item { line: 1, text: text.to_owned() }), expected, "{text}");
        }
    }
}
