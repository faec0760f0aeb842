//! Messages that are held: received, and out of others' sight until they are deleted, released or let go.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::batch::has_expired;
use super::{Message, Queue};
use crate::aws::AwsError;

/// For how long SQS keeps a message out of sight at most, from when it was received:
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html>.
const LONGEST_HOLD: Duration = Duration::from_hours(12);

/// Receives messages and keeps them out of others' sight while they are worked on.
///
/// A task of its own extends the visibility time-out of everything that is held, each third of that time; it ends with the
/// consumer. What is held when the process dies comes again when the time-out is over.
#[derive(Debug)]
pub struct Consumer {
    queue: Queue,
    held: Arc<Held>,
    heartbeat: JoinHandle<()>,
}

/// The receipts of what is held, with the time until which it may be.
#[derive(Debug, Default)]
struct Held {
    receipts: Mutex<HashMap<String, Instant>>,
    /// Taken while an extension is under way.
    extending: tokio::sync::Mutex<()>,
}

impl Consumer {
    /// Starts to hold, in the runtime that it is called in.
    pub fn new(queue: Queue) -> Self {
        let held = Arc::new(Held::default());
        let heartbeat = tokio::spawn(beat(queue.clone(), Arc::clone(&held)));
        Self { queue, held, heartbeat }
    }

    /// The queue.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// How many messages are held.
    pub fn held(&self) -> usize {
        self.held.lock().len()
    }

    /// Receives as [`Queue::receive`] does, and holds what came.
    ///
    /// # Errors
    ///
    /// What SQS says.
    pub async fn receive(&self, most: usize, wait: Duration) -> Result<Vec<Message>, AwsError> {
        let messages = self.queue.receive(most, wait).await?;
        // The time-out began when SQS answered: a little earlier than now.
        let until = Instant::now() + LONGEST_HOLD.saturating_sub(self.queue.visibility);
        self.held.lock().extend(messages.iter().map(|message| (message.handle.clone(), until)));
        Ok(messages)
    }

    /// Deletes messages as [`Queue::delete`] does; those that could not be are let go.
    pub async fn delete(&self, handles: &[String]) -> Vec<AwsError> {
        let failed = self.queue.delete(handles).await;
        self.let_go(handles);
        failed
    }

    /// Gives messages back, so that anyone can receive them at once. Where that fails they come when their time-out is over.
    pub async fn release(&self, handles: &[String]) -> Vec<AwsError> {
        self.let_go(handles);
        // An extension that is under way would take it back.
        drop(self.held.extending.lock().await);
        let failed = self.queue.hide(handles, Duration::ZERO).await;
        failed.into_iter().map(|(_, error)| error).filter(|error| !has_expired(error)).collect()
    }

    /// Holds messages no longer: they come again when their time-out is over.
    pub fn let_go(&self, handles: &[String]) {
        let mut held = self.held.lock();
        for handle in handles {
            held.remove(handle);
        }
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.heartbeat.abort();
    }
}

impl Held {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.receipts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Extends what is held, for as long as the consumer is there.
async fn beat(queue: Queue, held: Arc<Held>) {
    loop {
        sleep(queue.visibility / 3).await;
        let extending = held.extending.lock().await;
        let now = Instant::now();
        let handles: Vec<String> =
            held.lock().iter().filter(|(_, until)| now < **until).map(|(handle, _)| handle.clone()).collect();
        // What cannot be extended any more comes again; all else is tried again in a moment.
        let failed = queue.hide(&handles, queue.visibility).await;
        drop(extending);
        let mut held = held.lock();
        for (handle, _) in failed.iter().filter(|(_, error)| has_expired(error)) {
            held.remove(handle);
        }
    }
}
