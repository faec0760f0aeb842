//! Spacing, retries and the deadline: one policy for all channels.
//!
//! Delivery is at least once. After a time-out or a broken connection nobody knows whether a message arrived; it is sent
//! again, because a message twice is a nuisance and a message lost is an incident. What was answered with success is
//! never sent again.

use std::time::Duration;

use common::clock;
use common::record::{Delivery, DeliveryKind, DeliveryStatus};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::channels::{Channel, Message, SendError};

/// How often, how fast, how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// How often a message is sent before it counts as failed.
    pub(crate) attempts: u32,
    /// How long one attempt may take, from the connection to the answer.
    pub(crate) timeout: Duration,
    /// The wait before the second attempt, where the other side names none; each further one is twice as long.
    pub(crate) backoff: Duration,
    /// The longest such wait.
    pub(crate) longest: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            attempts: 5,
            timeout: Duration::from_secs(10),
            backoff: Duration::from_secs(1),
            longest: Duration::from_secs(20),
        }
    }
}

impl Policy {
    /// The wait after so many attempts.
    fn wait(&self, attempts: u32) -> Duration {
        self.backoff.saturating_mul(1 << attempts.saturating_sub(1).min(16)).min(self.longest)
    }
}

/// Sends a channel's messages in their order, and reports each as soon as its fate is known. The answer is whether the
/// channel could be opened at all.
///
/// After `until` nothing is sent any more; what is left then has failed.
pub(crate) async fn deliver(
    mut channel: Channel,
    messages: Vec<Message>,
    policy: Policy,
    until: Instant,
    done: UnboundedSender<Delivery>,
) -> bool {
    let opened = channel.open(until).await;
    let mut pace = Pace { next: Instant::now(), until };
    for message in messages {
        let (attempts, result) = match &opened {
            Ok(()) => pace.send(&channel, &message, &policy).await,
            Err(why) => (0, Err(why.clone())),
        };
        // Whoever listens has gone only if the process ends.
        let _ = done.send(record(&channel, message, attempts, result));
    }
    opened.is_ok()
}

/// The record of a message's fate.
fn record(channel: &Channel, message: Message, attempts: u32, result: Result<Option<String>, String>) -> Delivery {
    let (status, message_id, error) = match result {
        Ok(id) => (DeliveryStatus::Delivered, id, None),
        Err(why) => (DeliveryStatus::Failed, None, Some(why)),
    };
    Delivery { status, attempts, message_id, error, ..planned(channel, message) }
}

/// The record of a message that is not sent.
pub(crate) fn planned(channel: &Channel, message: Message) -> Delivery {
    Delivery {
        kind: DeliveryKind::Kind,
        channel: channel.name().to_owned(),
        target: channel.target().to_owned(),
        status: DeliveryStatus::Planned,
        subject: message.subject,
        keys: message.keys,
        attempts: 0,
        message_id: None,
        error: None,
        at: clock::now(),
    }
}

/// When a target may be asked next. It holds for all messages to it: who says "too many requests" means them all.
struct Pace {
    next: Instant,
    until: Instant,
}

impl Pace {
    async fn send(
        &mut self,
        channel: &Channel,
        message: &Message,
        policy: &Policy,
    ) -> (u32, Result<Option<String>, String>) {
        let mut attempts = 0;
        let mut last: Option<String> = None;
        while attempts < policy.attempts {
            if self.next >= self.until {
                let late = match last {
                    Some(why) => format!("{why}; the deadline leaves no time to send it again"),
                    None => "the deadline left no time to send it".to_owned(),
                };
                return (attempts, Err(late));
            }
            sleep_until(self.next).await;
            attempts += 1;
            let start = Instant::now();
            self.not_before(start, channel.spacing());
            let (why, after) = match timeout_at(self.until.min(start + policy.timeout), channel.send(message)).await {
                Ok(Ok(id)) => return (attempts, Ok(id)),
                Ok(Err(SendError::Refused(why))) => return (attempts, Err(why)),
                Ok(Err(SendError::Again { why, after })) => (why, after),
                Err(_) => {
                    let seconds = start.elapsed().as_secs_f32();
                    (format!("no answer within {seconds:.1} s: it may have arrived"), None)
                }
            };
            self.not_before(Instant::now(), after.unwrap_or_else(|| policy.wait(attempts)));
            last = Some(why);
        }
        (attempts, Err(last.unwrap_or_else(|| "it was not sent".to_owned())))
    }

    /// Nothing is sent for so long.
    fn not_before(&mut self, from: Instant, wait: Duration) {
        // What lies beyond all time lies beyond the deadline.
        self.next = self.next.max(from.checked_add(wait).unwrap_or(self.until));
    }
}
