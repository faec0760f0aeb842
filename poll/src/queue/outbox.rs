//! `--send`: references on their way to a queue.
//!
//! Whoever writes resources writes references instead, one by one, and waits where SQS is slower; a thread of its own sends
//! them in batches.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use common::aws::queue::{BATCH, Letter, Queue};
use common::cli::Failure;
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, spawn_blocking};

/// How many letters may wait.
const WAITING: usize = 1000;
/// How many are sent at once, in batches.
const AT_ONCE: usize = 4 * BATCH;
/// How long to wait for more of them.
const GATHER: Duration = Duration::from_millis(50);
/// How many of those that could not be sent are named.
const NAMED: usize = 20;

/// Letters on their way.
#[derive(Debug)]
pub(crate) struct Outbox {
    letters: SyncSender<Letter>,
    sending: JoinHandle<Sent>,
}

/// What became of the letters.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// How many were accepted.
    pub(crate) accepted: u64,
    /// How many were not.
    pub(crate) lost: u64,
    /// Some of these, and why.
    pub(crate) named: Vec<String>,
}

impl Outbox {
    /// Starts to send, in the runtime that it is called in.
    pub(crate) fn new(queue: Queue) -> Self {
        let (letters, receiver) = sync_channel(WAITING);
        let runtime = Handle::current();
        Self { letters, sending: spawn_blocking(move || send(&queue, &receiver, &runtime)) }
    }

    /// Puts a letter on its way. Waits while there are too many.
    pub(crate) fn put(&self, letter: Letter) -> Result<(), Failure> {
        self.letters.send(letter).map_err(|_| Failure::Incomplete("the sending of references broke off".into()))
    }

    /// Waits until all are sent, or cannot be.
    pub(crate) async fn close(self) -> Result<Sent, Failure> {
        drop(self.letters);
        let broke_off = |error| Failure::Incomplete(format!("the sending of references broke off: {error}"));
        self.sending.await.map_err(broke_off)
    }
}

fn send(queue: &Queue, letters: &Receiver<Letter>, runtime: &Handle) -> Sent {
    let mut sent = Sent::default();
    while let Ok(first) = letters.recv() {
        let mut batch = vec![first];
        let until = Instant::now() + GATHER;
        while batch.len() < AT_ONCE {
            match letters.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(letter) => batch.push(letter),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        let count = batch.len() as u64;
        let unsent = runtime.block_on(queue.send(batch));
        sent.accepted += count - unsent.len() as u64;
        sent.lost += unsent.len() as u64;
        let room = NAMED - sent.named.len().min(NAMED);
        sent.named
            .extend(unsent.into_iter().take(room).map(|it| format!("not sent: {}: {}", it.letter.body, it.error)));
    }
    sent
}
