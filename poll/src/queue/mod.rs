//! Queues: `poll --sqs` does with the messages of a queue what `poll -` does with stdin, `poll --send` puts references on one.
//!
//! A message is deleted when its records have been written and flushed, so that each is answered at least once, whatever
//! becomes of the process. See `docs/scaling.md`.
//!
//! - `worker`: the work on a queue. `board`: which messages wait for which looks.
//! - `letter`: references as messages. `outbox`: references on their way to a queue. `names`: what they
//!   are found without.

mod board;
mod letter;
mod names;
mod outbox;
mod worker;

use std::io::Write;
use std::time::Duration;

use common::aws::queue::{Consumer, Queue, QueueUrl};
use common::aws::{AwsError, Sessions, Signals};
use common::cli::{Failure, Say};
use common::reference::Reference;
use futures_util::stream::{self, StreamExt};
use tokio::sync::mpsc::Receiver;

use crate::lookup::{Answer, Answers, Entry, Lookup, Wanted};
use crate::output::Output;
use worker::Worker;

pub(crate) use names::DETAILS;
pub(crate) use outbox::Outbox;

/// For how long in all something that has not settled is waited for, unless told otherwise.
pub(crate) const SETTLE: Duration = Duration::from_hours(1);

/// How the messages of a queue are worked on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Whether to end when the queue is empty.
    pub(crate) once: bool,
    /// For how long in all something that has not settled is waited for.
    pub(crate) settle: Duration,
    /// The misconfiguration maker's resources alone are wanted.
    pub(crate) only_tests: bool,
}

/// Why the work on a queue ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The queue is empty.
    Empty,
    /// Somebody sent a signal, and what was held was finished.
    Signalled,
    /// Somebody sent another, and it was not.
    AtOnce,
}

/// Finds a queue.
///
/// # Errors
///
/// There is none, or the caller may not use it.
pub(crate) async fn open(sessions: &Sessions, url: &QueueUrl) -> Result<Queue, Failure> {
    let failed = |error: AwsError| Failure::Start(format!("cannot use the queue {url}: {error}"));
    let session = sessions.account(sessions.caller()).await.map_err(failed)?;
    Queue::open(&session, url).await.map_err(failed)
}

/// Works on a queue. With `to`, references go there instead of being looked up.
pub(crate) async fn consume<W: Write>(
    queue: Queue,
    to: Option<&Queue>,
    lookup: &Lookup,
    rules: Rules,
    output: &mut Output<W>,
    say: &Say,
) -> Result<End, Failure> {
    let signals = Signals::new();
    let signals = signals.map_err(|error| Failure::Start(format!("cannot listen to signals: {error}")))?;
    if !queue.has_dead_letters() {
        let url = queue.url();
        say.note(format!("{url} has no dead-letter queue: what is not understood comes again until its time is over"));
    }
    let consumer = Consumer::new(queue);
    let answers = Answers::new(output, say, rules.only_tests);
    Worker::new(&consumer, lookup, to, rules, answers, say).run(signals).await
}

/// Puts references to what stdin is about into the outbox. Whatever else comes in is written.
pub(crate) async fn send_on<W: Write>(
    entries: Receiver<Vec<Entry>>,
    lookup: &Lookup,
    outbox: &Outbox,
    output: &mut Output<W>,
    say: &Say,
) -> Result<(), Failure> {
    let batches = stream::unfold(entries, |mut entries| async { Some((entries.recv().await?, entries)) });
    let mut entries = std::pin::pin!(lookup.gathered(batches.map(stream::iter).flatten()));
    let mut answers = Answers::new(output, say, false);
    let put = |wanted: &Wanted| outbox.put(letter::plain(&wanted.reference, wanted.delay));
    while let Some(entry) = entries.next().await {
        match entry {
            Entry::Look(wanted) | Entry::Changed(wanted) => put(&wanted)?,
            Entry::Ask(asked) => match lookup.ask(&asked).await {
                Ok(wanted) => wanted.iter().try_for_each(put)?,
                Err(why) => answers.write(Answer::Other(Entry::Broken(why)))?,
            },
            other => answers.write(Answer::Other(other))?,
        }
        answers.flush()?;
    }
    answers.finish()
}

/// A resource that a sweep found, as a message that names it.
pub(crate) fn reference(record: &str) -> Option<common::aws::queue::Letter> {
    let reference = Reference::from_json(record).ok()?;
    Some(letter::plain(&reference, Duration::ZERO))
}
