//! Spacing, retries and the deadline: one policy for all channels, one lane for all that share a limit.
//!
//! Each lane works for itself, so that a dead target holds up nobody else. In a lane alerts go first: they do not wait for
//! what was collected, not even for its retries.
//!
//! Delivery is at least once. After a time-out or a broken connection nobody knows whether a message arrived; it is sent
//! again, because a message twice is a nuisance and a message lost is an incident. What was answered with success is
//! never sent again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use common::clock;
use common::record::{Delivery, DeliveryKind, DeliveryStatus};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::channels::{Message, SendError};
use crate::digest::Digest;
use crate::entry::Alarm;
use crate::route::Target;

/// The longest that a `Retry-After` closes a lane.
const SILENCE: Duration = Duration::from_mins(5);

/// How often, how fast, how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// How often a message is sent before it counts as failed. An alert is sent for as long as its deadline lasts.
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

/// What one target is to be told.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// All that was collected for it.
    Digest(Arc<Digest>),
    /// Something that does not wait.
    Alert(Arc<Alarm>),
}

impl What {
    /// Its messages for a target.
    pub(crate) fn messages(&self, target: &Target) -> Result<Vec<Message>, serde_json::Error> {
        match self {
            Self::Digest(digest) => target.channel.messages(digest),
            Self::Alert(alarm) => target.channel.alert(alarm, &target.zone),
        }
    }

    /// The keys of all that it tells of.
    fn keys(&self) -> Vec<String> {
        match self {
            Self::Digest(digest) => {
                digest.entries().flat_map(|entry| &entry.keys).chain(&digest.counted.keys).cloned().collect()
            }
            Self::Alert(alarm) => alarm.entry.keys.clone(),
        }
    }
}

/// Something to be told to one target.
#[derive(Debug)]
pub(crate) struct Order {
    /// With what else it belongs together.
    pub(crate) batch: u64,
    /// Whom.
    pub(crate) target: usize,
    /// What.
    pub(crate) what: What,
    /// After this nothing of it is sent any more.
    pub(crate) until: Instant,
}

/// What a lane says.
#[derive(Debug)]
pub(crate) enum Told {
    /// An order has come to so many messages.
    Messages {
        /// The order's batch.
        batch: u64,
        /// How many.
        count: usize,
    },
    /// What became of one of them.
    Fate {
        /// The order's batch.
        batch: u64,
        /// Whom it was for.
        target: usize,
        /// What became of it.
        delivery: Box<Delivery>,
    },
}

/// Works off the orders of one lane until there are no more, and reports each message as soon as its fate is known. The
/// answer is whether any of the targets could be opened, where one had to be.
pub(crate) async fn work(
    targets: BTreeMap<usize, Target>,
    mut orders: UnboundedReceiver<Order>,
    policy: Policy,
    told: UnboundedSender<Told>,
) -> Option<bool> {
    let targets = targets.into_iter().map(|(place, target)| (place, Member { target, open: false })).collect();
    let mut lane = Lane {
        targets,
        policy,
        told,
        urgent: VecDeque::new(),
        others: VecDeque::new(),
        next: Instant::now(),
        opened: None,
    };
    loop {
        while let Ok(order) = orders.try_recv() {
            lane.take(&order);
        }
        match lane.first() {
            // Nothing is lost when an order comes while the lane waits: it may be more urgent.
            Some(until) if lane.next < until && lane.next > Instant::now() => {
                tokio::select! {
                    () = sleep_until(lane.next) => {}
                    Some(order) = orders.recv() => lane.take(&order),
                }
            }
            Some(_) => lane.step().await,
            None => match orders.recv().await {
                Some(order) => lane.take(&order),
                None => return lane.opened,
            },
        }
    }
}

/// A target, and whether it is ready.
#[derive(Debug)]
struct Member {
    target: Target,
    open: bool,
}

/// A message that is to be sent.
#[derive(Debug)]
struct Pending {
    batch: u64,
    target: usize,
    message: Message,
    until: Instant,
    attempts: u32,
    /// What went wrong with it last.
    last: Option<String>,
}

struct Lane {
    targets: BTreeMap<usize, Member>,
    policy: Policy,
    told: UnboundedSender<Told>,
    /// Alerts, ahead of all others.
    urgent: VecDeque<Pending>,
    others: VecDeque<Pending>,
    /// When the next message may be sent. It holds for all: who says "too many requests" means them all.
    next: Instant,
    /// Whether any of the targets could be opened.
    opened: Option<bool>,
}

impl Lane {
    /// Makes an order's messages.
    fn take(&mut self, order: &Order) {
        let Order { batch, target, what, until } = order;
        let Some(member) = self.targets.get(target) else { return };
        match what.messages(&member.target) {
            Ok(messages) => {
                self.say(Told::Messages { batch: *batch, count: messages.len() });
                let queue = if matches!(what, What::Alert(_)) { &mut self.urgent } else { &mut self.others };
                queue.extend(messages.into_iter().map(|message| Pending {
                    batch: *batch,
                    target: *target,
                    message,
                    until: *until,
                    attempts: 0,
                    last: None,
                }));
            }
            Err(error) => {
                self.say(Told::Messages { batch: *batch, count: 1 });
                let message = Message {
                    subject: String::new(),
                    body: String::new(),
                    plain: None,
                    keys: what.keys(),
                    about: String::new(),
                };
                let pending =
                    Pending { batch: *batch, target: *target, message, until: *until, attempts: 0, last: None };
                self.done(pending, Err(format!("cannot write the message: {error}")));
            }
        }
    }

    /// Until when the first in line may be sent.
    fn first(&self) -> Option<Instant> {
        self.urgent.front().or_else(|| self.others.front()).map(|pending| pending.until)
    }

    /// Sends the first in line, once.
    async fn step(&mut self) {
        let urgent = !self.urgent.is_empty();
        let Some(mut pending) = self.urgent.pop_front().or_else(|| self.others.pop_front()) else { return };
        if self.next.max(Instant::now()) >= pending.until {
            let late = match pending.last.take() {
                Some(why) => format!("{why}; the deadline leaves no time to send it again"),
                None => "the deadline left no time to send it".to_owned(),
            };
            return self.done(pending, Err(late));
        }
        if let Err(why) = self.open(&pending).await {
            return self.closed(pending, &why);
        }
        let Some(Member { target, .. }) = self.targets.get(&pending.target) else { return };
        let start = Instant::now();
        pending.attempts += 1;
        let until = pending.until.min(start + self.policy.timeout);
        let answer = timeout_at(until, target.channel.send(&pending.message)).await;
        self.not_before(start, target.channel.spacing(), pending.until);
        let (why, after) = match answer {
            Ok(Ok(id)) => return self.done(pending, Ok(id)),
            Ok(Err(SendError::Refused(why))) => return self.done(pending, Err(why)),
            Ok(Err(SendError::Again { why, after })) => (why, after),
            Err(_) => {
                let seconds = start.elapsed().as_secs_f32();
                (format!("no answer within {seconds:.1} s: it may have arrived"), None)
            }
        };
        self.not_before(Instant::now(), after.unwrap_or_else(|| self.policy.wait(pending.attempts)), pending.until);
        let is_often = pending.attempts >= self.policy.attempts;
        if is_often && !urgent {
            return self.done(pending, Err(why));
        }
        pending.last = Some(why);
        match (urgent, is_often) {
            (false, _) => self.others.push_front(pending),
            (true, false) => self.urgent.push_front(pending),
            // Who wrote it says it once: it is tried for as long as its time lasts, and lets others go before it.
            (true, true) => self.urgent.push_back(pending),
        }
    }

    /// Makes its target ready, where it is not yet.
    async fn open(&mut self, pending: &Pending) -> Result<(), String> {
        let Some(member) = self.targets.get_mut(&pending.target) else { return Ok(()) };
        if !member.open {
            let opened = member.target.channel.open(pending.until).await;
            self.opened = Some(self.opened.unwrap_or(false) || opened.is_ok());
            opened?;
            member.open = true;
        }
        Ok(())
    }

    /// Whatever else waits for a target that could not be opened fails with it: each would wait as long for the same
    /// answer. The next order tries again.
    fn closed(&mut self, pending: Pending, why: &str) {
        let target = pending.target;
        let mut failed = vec![pending];
        for queue in [&mut self.urgent, &mut self.others] {
            let (its, others): (VecDeque<_>, VecDeque<_>) = queue.drain(..).partition(|it| it.target == target);
            failed.extend(its);
            *queue = others;
        }
        for pending in failed {
            self.done(pending, Err(why.to_owned()));
        }
    }

    /// Nothing is sent for so long.
    fn not_before(&mut self, from: Instant, wait: Duration, until: Instant) {
        self.next = self.next.max(opens(from, wait, until));
    }

    fn done(&self, pending: Pending, result: Result<Option<String>, String>) {
        let Some(Member { target, .. }) = self.targets.get(&pending.target) else { return };
        let (status, message_id, error) = match result {
            Ok(id) => (DeliveryStatus::Delivered, id, None),
            Err(why) => (DeliveryStatus::Failed, None, Some(why)),
        };
        let attempts = pending.attempts;
        let delivery = Delivery { status, attempts, message_id, error, ..planned(target, pending.message) };
        self.say(Told::Fate { batch: pending.batch, target: pending.target, delivery: Box::new(delivery) });
    }

    fn say(&self, what: Told) {
        // Whoever listens has gone only if the process ends.
        let _ = self.told.send(what);
    }
}

/// The record of a message that is not sent.
pub(crate) fn planned(target: &Target, message: Message) -> Delivery {
    Delivery {
        kind: DeliveryKind::Kind,
        channel: target.channel.name().to_owned(),
        target: target.channel.target().to_owned(),
        name: target.label.clone(),
        status: DeliveryStatus::Planned,
        subject: message.subject,
        keys: message.keys,
        attempts: 0,
        message_id: None,
        error: None,
        at: clock::now(),
    }
}

/// When a lane opens again that was asked to wait: no later than a message's deadline or [`SILENCE`], whichever is longer. In
/// a stream that does not end, one server that asks for a year must not keep what comes tomorrow from all of its lane.
fn opens(from: Instant, wait: Duration, until: Instant) -> Instant {
    let longest = until.max(from + SILENCE);
    from.checked_add(wait).unwrap_or(longest).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_a_year_closes_a_lane_for_minutes() {
        let from = Instant::now();
        let minutes = Duration::from_mins;
        for (wait, deadline, expected) in [
            (minutes(1), minutes(10), minutes(1)),
            (minutes(9), minutes(10), minutes(9)),
            (minutes(60 * 24 * 365), minutes(10), minutes(10)),
            (minutes(60 * 24 * 365), minutes(1), SILENCE),
            (Duration::MAX, minutes(1), SILENCE),
        ] {
            assert_eq!(opens(from, wait, from + deadline), from + expected, "{wait:?} {deadline:?}");
        }
    }
}
