//! The work on a queue: receive, look, write, flush, and only then delete.

use std::collections::VecDeque;
use std::io::Write;
use std::time::Duration;

use common::aws::queue::{BATCH, Consumer, LONGEST_POLL, Letter, Message, Queue, Remembered};
use common::aws::{AwsError, Signals};
use common::cli::{Failure, Say};
use common::clock;
use futures_util::future::{FutureExt, LocalBoxFuture, join_all};
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::sleep;

use super::board::{Board, Ended};
use super::letter::{self, Course};
use super::{End, Rules};
use crate::lookup::{Answer, Answers, Entry, Intake, Lookup, Wanted};
use crate::sink::TEST_TAG;
use crate::types::Look;

/// How many messages are under way at once.
const BEGUN: usize = 64;
/// How many looks are.
const LOOKS: usize = 64;
/// How many messages are received ahead. Few: what one worker holds, no other can begin.
const AHEAD: usize = 2 * BATCH;
/// How long a queue that is emptied is waited for: long enough that SQS asks all of its servers.
const SHORT_POLL: Duration = Duration::from_secs(2);
/// How long to wait at most before a receive that failed is tried again.
const LONGEST_REST: Duration = Duration::from_mins(1);
/// After how many failures in a row `--once` gives up. The SDK has tried each eight times.
const FAILURES: u32 = 3;
/// How long somebody who ends before its time tries to give back what it holds.
const FAREWELL: Duration = Duration::from_secs(5);
/// How long somebody who ends waits for what SQS may just be handing out. What is not waited for stays out of everybody's
/// sight until its time-out is over.
const GRACE: Duration = Duration::from_secs(2);

/// What came of something that was under way.
enum Event {
    Understood(Vec<(Message, Intake)>),
    Looked(Box<(Wanted, Course, Answer)>),
    /// References were put on a queue, or not: why.
    Sent(Vec<(Wanted, Option<AwsError>)>),
    /// It is time to receive again.
    Rested,
    /// What has not been received by now is not waited for.
    GraceOver,
    Released(Vec<AwsError>),
}

type Work<'a, T> = FuturesUnordered<LocalBoxFuture<'a, T>>;

/// A worker on a queue.
pub(super) struct Worker<'a, W: Write> {
    consumer: &'a Consumer,
    lookup: &'a Lookup,
    /// Where references go instead of being looked up.
    to: Option<&'a Queue>,
    rules: Rules,
    answers: Answers<'a, W>,
    say: &'a Say,
    board: Board,
    /// Received, and not begun.
    waiting: VecDeque<Message>,
    work: Work<'a, Event>,
    receives: Work<'a, Result<Vec<Message>, AwsError>>,
    deletes: Work<'a, Vec<AwsError>>,
    looking: usize,
    taking_in: usize,
    resting: bool,
    /// Whether there was as much as one call can bring.
    plenty: bool,
    failures: u32,
    /// The receipts of what is to be deleted as soon as all is flushed.
    done: Vec<String>,
    /// What stays on the queue.
    left: Remembered,
    said: Remembered,
    end: Option<End>,
    failure: Option<Failure>,
}

impl<'a, W: Write> Worker<'a, W> {
    pub(super) fn new(
        consumer: &'a Consumer,
        lookup: &'a Lookup,
        to: Option<&'a Queue>,
        rules: Rules,
        answers: Answers<'a, W>,
        say: &'a Say,
    ) -> Self {
        Self {
            consumer,
            lookup,
            to,
            rules,
            answers,
            say,
            board: Board::default(),
            waiting: VecDeque::new(),
            work: Work::new(),
            receives: Work::new(),
            deletes: Work::new(),
            looking: 0,
            taking_in: 0,
            resting: false,
            plenty: false,
            failures: 0,
            done: Vec::new(),
            left: Remembered::default(),
            said: Remembered::default(),
            end: None,
            failure: None,
        }
    }

    /// Works until there is nothing left (`--once`), or until somebody says that it is enough.
    pub(super) async fn run(mut self, mut signals: Signals) -> Result<End, Failure> {
        let ended = self.work(&mut signals).await;
        if let Err(failure) = ended {
            self.give_back().await;
            return Err(failure);
        }
        match (self.failure, self.end) {
            (Some(failure), _) => Err(failure),
            (None, end) => Ok(end.unwrap_or(End::Empty)),
        }
    }

    async fn work(&mut self, signals: &mut Signals) -> Result<(), Failure> {
        loop {
            self.begin();
            self.start_looks();
            self.receive();
            // What was written goes out before anybody waits, and before what it came from is deleted.
            self.answers.flush()?;
            self.delete();
            if self.is_idle() && self.receives.is_empty() && (self.end.is_some() || self.failure.is_some()) {
                return Ok(());
            }
            tokio::select! {
                () = signals.next() => if self.end == Some(End::Signalled) {
                    self.end = Some(End::AtOnce);
                    self.give_back().await;
                    return Ok(());
                } else {
                    self.say.note("ending: what is held is finished first");
                    self.stop(End::Signalled);
                },
                Some(received) = self.receives.next(), if !self.receives.is_empty() => self.received(received),
                Some(failed) = self.deletes.next(), if !self.deletes.is_empty() => self.deleted(failed),
                Some(event) = self.work.next(), if !self.work.is_empty() => self.handle(event)?,
            }
            // Whatever else is ready goes out with the same flush.
            while let Some(Some(event)) = self.work.next().now_or_never() {
                self.handle(event)?;
            }
        }
    }

    /// Whether nothing is held and nothing under way.
    fn is_idle(&self) -> bool {
        self.board.len() == 0 && self.waiting.is_empty() && self.work.is_empty() && self.deletes.is_empty()
    }

    fn is_ending(&self) -> bool {
        self.end.is_some() || self.failure.is_some()
    }

    /// Receives no more, and gives back what was not begun.
    fn stop(&mut self, end: End) {
        self.end = Some(end);
        if !self.receives.is_empty() {
            self.work.push(sleep(GRACE).map(|()| Event::GraceOver).boxed_local());
        }
        self.release();
    }

    /// Gives back what was not begun.
    fn release(&mut self) {
        let handles: Vec<String> = self.waiting.drain(..).map(|message| message.handle).collect();
        if !handles.is_empty() {
            let consumer = self.consumer;
            self.work.push(async move { Event::Released(consumer.release(&handles).await) }.boxed_local());
        }
    }

    fn receive(&mut self) {
        let at_once = if self.plenty { AHEAD / BATCH } else { 1 };
        while !self.is_ending()
            && !self.resting
            && self.receives.len() < at_once
            && self.waiting.len() + self.receives.len() * BATCH < AHEAD
            && self.board.len() + self.taking_in < BEGUN
        {
            let (consumer, wait) = (self.consumer, if self.rules.once { SHORT_POLL } else { LONGEST_POLL });
            self.receives.push(async move { consumer.receive(BATCH, wait).await }.boxed_local());
        }
    }

    fn received(&mut self, received: Result<Vec<Message>, AwsError>) {
        let messages = match received {
            Ok(messages) => messages,
            Err(_) if self.is_ending() => return,
            Err(error) => return self.not_received(&error),
        };
        self.failures = 0;
        self.plenty = messages.len() == BATCH;
        // With `--once`, what this run leaves on the queue is for the next one.
        let (known, new): (Vec<_>, Vec<_>) =
            messages.into_iter().partition(|message| self.rules.once && self.left.has(&message.id));
        self.consumer.let_go(&known.into_iter().map(|message| message.handle).collect::<Vec<_>>());
        if new.is_empty() && self.rules.once && self.is_idle() && self.receives.is_empty() {
            self.stop(End::Empty);
        }
        self.waiting.extend(new);
        if self.is_ending() {
            self.release();
        }
    }

    fn not_received(&mut self, error: &AwsError) {
        self.failures += 1;
        if error.is_lasting() || (self.rules.once && self.failures >= FAILURES) {
            self.stop(End::Empty);
            self.failure = Some(Failure::Incomplete(error.to_string()));
            return;
        }
        let rest = Duration::from_secs(1 << self.failures.min(6)).min(LONGEST_REST);
        self.say.warn(format!("{error}; trying again in {} s", rest.as_secs()));
        self.resting = true;
        self.work.push(sleep(rest).map(|()| Event::Rested).boxed_local());
    }

    /// Reads what messages say, as many as can be under way; those that came together are understood together.
    fn begin(&mut self) {
        let room = BEGUN.saturating_sub(self.board.len() + self.taking_in).min(self.waiting.len());
        if room == 0 {
            return;
        }
        let (messages, lookup) = (self.waiting.drain(..room).collect::<Vec<_>>(), self.lookup);
        self.taking_in += messages.len();
        let understood = async move {
            let understand = |message: Message| async {
                let intake = lookup.intake(&message.body).await;
                (message, intake)
            };
            Event::Understood(join_all(messages.into_iter().map(understand)).await)
        };
        self.work.push(understood.boxed_local());
    }

    fn start_looks(&mut self) {
        let own = self.consumer.queue();
        let mut letters: Vec<(Wanted, Letter)> = Vec::new();
        while self.looking < LOOKS
            && let Some((wanted, course)) = self.board.next_look()
        {
            self.looking += 1;
            let delays = !wanted.delay.is_zero() && !own.url().is_fifo();
            if self.to.is_some() {
                let letter = letter::plain(&wanted.reference, wanted.delay);
                letters.push((wanted, letter));
            } else if delays {
                let letter = course.later(&wanted.reference, wanted.delay);
                letters.push((wanted, letter));
            } else {
                let lookup = self.lookup;
                let look = async move {
                    let answer = lookup.look(wanted.clone()).await;
                    Event::Looked(Box::new((wanted, course, answer)))
                };
                self.work.push(look.boxed_local());
            }
        }
        self.send(self.to.unwrap_or(own), letters);
    }

    fn send(&mut self, queue: &'a Queue, letters: Vec<(Wanted, Letter)>) {
        if letters.is_empty() {
            return;
        }
        let sent = async move {
            let unsent = queue.send(letters.iter().map(|(_, letter)| letter.clone()).collect()).await;
            let why = |letter: &Letter| Some(unsent.iter().find(|unsent| unsent.letter == *letter)?.error.clone());
            Event::Sent(letters.into_iter().map(|(wanted, letter)| (wanted, why(&letter))).collect())
        };
        self.work.push(sent.boxed_local());
    }

    fn handle(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::Understood(messages) => {
                self.taking_in -= messages.len();
                messages.into_iter().try_for_each(|(message, intake)| self.understood(message, intake))
            }
            Event::Looked(looked) => {
                let (wanted, course, answer) = *looked;
                self.looked(&wanted, course, answer)
            }
            Event::Sent(sent) => sent.into_iter().try_for_each(|(wanted, error)| self.sent(&wanted, error)),
            Event::Rested => {
                self.resting = false;
                Ok(())
            }
            Event::GraceOver => {
                self.receives.clear();
                Ok(())
            }
            Event::Released(failed) => {
                for error in failed {
                    self.say.warn(format!("{error}; the message comes again when its visibility time-out is over"));
                }
                Ok(())
            }
        }
    }

    fn understood(&mut self, message: Message, intake: Intake) -> Result<(), Failure> {
        let Intake { wanted, passed, problems } = intake;
        let stays = !problems.is_empty();
        for why in problems {
            if self.said.is_new(format!("{} {why}", message.id)) {
                self.broken(format!("message {}: {why}; it stays on the queue", message.id))?;
            }
        }
        for item in passed {
            self.answers.write(Answer::Other(Entry::Pass(item)))?;
        }
        let ended = self.board.begin(message, wanted, stays);
        self.ended(ended);
        Ok(())
    }

    fn looked(&mut self, wanted: &Wanted, course: Course, answer: Answer) -> Result<(), Failure> {
        let reference = &wanted.reference;
        let mut stays = false;
        match &answer {
            Answer::Looked(_, Ok(Look::Found(resource)))
                if !resource.settled && (!self.rules.only_tests || resource.tags.contains_key(TEST_TAG)) =>
            {
                let own = self.consumer.queue();
                let letter = course.again(reference, self.rules.settle, clock::now());
                if let Some(letter) = letter.filter(|_| !own.url().is_fifo()) {
                    self.send(own, vec![(wanted.clone(), letter)]);
                    return Ok(());
                }
                let (kind, id) = (wanted.kind.singular(), &reference.id);
                self.say.warn(format!("{kind} {id} has not settled in time: its record says `settled: false`"));
            }
            Answer::Looked(_, Err(error)) => stays = !error.is_lasting(),
            _ => {}
        }
        self.answers.write(answer)?;
        self.no_longer_looking(wanted, stays);
        Ok(())
    }

    fn sent(&mut self, wanted: &Wanted, error: Option<AwsError>) -> Result<(), Failure> {
        let stays = error.is_some();
        if let Some(error) = error {
            let (kind, id) = (wanted.kind.singular(), &wanted.reference.id);
            self.broken(format!("the reference to {kind} {id} was not sent; its message stays on the queue: {error}"))?;
        }
        self.no_longer_looking(wanted, stays);
        Ok(())
    }

    fn no_longer_looking(&mut self, wanted: &Wanted, stays: bool) {
        self.looking -= 1;
        let ended = self.board.looked(wanted, stays);
        self.ended(ended);
    }

    fn ended(&mut self, ended: impl IntoIterator<Item = Ended>) {
        for Ended { message, stays } in ended {
            if stays {
                self.consumer.let_go(&[message.handle]);
                self.left.is_new(message.id);
            } else {
                self.done.push(message.handle);
            }
        }
    }

    fn broken(&mut self, why: String) -> Result<(), Failure> {
        self.answers.write(Answer::Other(Entry::Broken(why)))
    }

    /// Deletes what is done. All of it has been flushed.
    fn delete(&mut self) {
        let (handles, consumer) = (std::mem::take(&mut self.done), self.consumer);
        if !handles.is_empty() {
            self.deletes.push(async move { consumer.delete(&handles).await }.boxed_local());
        }
    }

    fn deleted(&mut self, failed: Vec<AwsError>) {
        for error in failed {
            self.say.warn(format!("{error}; the message comes again"));
            // Nothing would ever leave the queue.
            if error.is_lasting() && self.failure.is_none() {
                self.stop(End::Empty);
                self.failure = Some(Failure::Incomplete(error.to_string()));
            }
        }
    }

    /// Ends before its time: what was written is deleted, all else can be received by others at once.
    async fn give_back(&mut self) {
        self.receives.clear();
        self.work.clear();
        let mut handles = self.board.handles();
        handles.extend(self.waiting.drain(..).map(|message| message.handle));
        handles.append(&mut self.done);
        let consumer = self.consumer;
        let deletes = &mut self.deletes;
        let deleted = async { while deletes.next().await.is_some() {} };
        // Whoever is in a hurry does not wait for a queue that does not answer.
        let _ = tokio::time::timeout(FAREWELL, async { tokio::join!(deleted, consumer.release(&handles)) }).await;
    }
}
