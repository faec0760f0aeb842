//! What the sources hand to the engine.

use std::io;

use common::event::Found;
use common::record::LastUsed;
use tokio::sync::{mpsc, oneshot, watch};

/// One thing that came in.
#[derive(Debug)]
pub(crate) enum Input {
    /// Something that [`common::event`] took out of what came in.
    Found {
        /// It.
        found: Found,
        /// By which way: `stdin`, `file`, `s3`, `sqs` or `lookup`.
        source: &'static str,
        /// Where it stood, for messages: a file, an object, a queue. Empty for stdin.
        origin: String,
    },
    /// Something that is no record, in words. It costs only itself: it is said on stderr, and the run ends with 3.
    Broken(String),
    /// An input broke off; which one, and why.
    Lost {
        /// Where it stood. Empty for stdin.
        origin: String,
        /// Why.
        error: io::Error,
    },
    /// A use that IAM tells of, and that no event has told of within its grace time.
    Used(Use),
    /// Answered when all that was sent before it is in the registry, and its alerts are flushed: only then a message is
    /// deleted, or a cursor moved. The answer is how much was about tokens so far, in all of this run. Dropped unanswered
    /// where that could not be done.
    Settled(oneshot::Sender<u64>),
}

/// A use of a key that IAM tells of.
#[derive(Clone, Debug)]
pub(crate) struct Use {
    /// The token's id in the registry.
    pub(crate) token: String,
    /// The access key's id.
    pub(crate) key: String,
    /// When, for what and where.
    pub(crate) used: LastUsed,
}

/// Where sources send what they find, in the order in which they found it: as much at once as is at hand (up to some hundred),
/// and nothing is kept back to make a batch fuller. An error means that nobody listens any more: the source ends quietly.
pub(crate) type Inputs = mpsc::Sender<Vec<Input>>;

/// Says that the run is to end: what was read is finished, and nothing more is read.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Receiver<bool>);

/// Tells all that have a [`Stop`] of it that the run is to end.
#[derive(Debug)]
pub(crate) struct Stopper(watch::Sender<bool>);

impl Stop {
    /// One that nobody has told yet, and who tells it.
    pub(crate) fn new() -> (Stopper, Self) {
        let (sender, receiver) = watch::channel(false);
        (Stopper(sender), Self(receiver))
    }

    /// Whether the run is to end.
    pub(crate) fn is_told(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the run is to end; for `select!`. Whoever told it being gone is no reason to end.
    pub(crate) async fn told(&mut self) {
        if self.0.wait_for(|told| *told).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Stopper {
    /// The run is to end.
    pub(crate) fn stop(&self) {
        self.0.send_replace(true);
    }
}
