//! The run: records come in, alerts go out at once, everything else when the input ends or its time has come.
//!
//! One task does it all in turn, so that what is passed on stands ahead of what is told of it: it takes records from the
//! thread that reads, decides who hears of what, gives orders to the lanes, and writes what they report. What it asks the
//! memory it does not wait for: alerts come meanwhile, and theirs is not the turn behind a lock or a slow bucket.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use common::cli::{Failure, Io, Say};
use common::clock;
use common::exit::Exit;
use common::id::AccountId;
use common::record::{Alert, DeliveryStatus};
use common::settings::Settings;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::digest::{Digest, Tally};
use crate::dispatch::Dispatch;
use crate::entry::{Alarm, Counted, Entry};
use crate::group::Gathered;
use crate::input::{self, Batch, Collected, Intake};
use crate::memory::{Claimed, Fate, Memory, MemoryError, TargetName};
use crate::out::Out;
use crate::report::{Report, unheard};
use crate::route::{Router, Target, Whom};
use crate::send::{Order, Policy, Told, What};
use crate::text::plural;

/// How long the memory is waited for at most.
const MEMORY: Duration = Duration::from_secs(30);
/// How long an alert waits for the memory: a message twice is a nuisance, one that comes too late is none.
const MEMORY_OF_ALERTS: Duration = Duration::from_secs(5);

/// What a run is to do.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Who can be told.
    pub(crate) targets: Vec<Target>,
    /// Who hears of what.
    pub(crate) router: Router,
    /// What people call the accounts.
    pub(crate) settings: Settings,
    /// What was already said.
    pub(crate) memory: Memory,
    /// Whether nothing is sent.
    pub(crate) dry_run: bool,
    /// Whether what is consumed goes on as well.
    pub(crate) tee: bool,
    /// After how long what was collected is told, where not only at the end.
    pub(crate) every: Option<Duration>,
    /// How long sending may take.
    pub(crate) deadline: Duration,
    /// How it is sent.
    pub(crate) policy: Policy,
}

/// Reads until the input ends, or `stop` does, and tells what it says.
///
/// # Errors
///
/// The input cannot be read at all, or stdout cannot be written.
pub(crate) async fn run(plan: Plan, io: Io<'static>, stop: impl Future<Output = ()>) -> Result<Exit, Failure> {
    let Io { input, output, terminal, say } = io;
    let mut input = input::read(input).map_err(|error| Failure::Start(format!("cannot start a thread: {error}")))?;
    let (every, deadline) = (plan.every, plan.deadline);
    let (mut run, mut told) = Run::new(plan, Out::new(output, terminal), say);
    let mut stop = std::pin::pin!(stop);
    // When what was collected is told: so long after the first of it came.
    let mut due: Option<Instant> = None;
    loop {
        tokio::select! {
            biased;
            () = &mut stop => {
                say.note("told to end: what came until now is told");
                input.close();
                break;
            }
            Some(news) = told.recv() => run.done(news),
            Some(answer) = run.asked.join_next() => run.answered(answer),
            // One after the other: what was collected later is said later.
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() && run.claims.digests == 0 => {
                due = None;
                run.tell(Instant::now() + deadline);
            }
            batch = input.recv() => match batch {
                Some(batch) => run.take(batch),
                None => break,
            },
        }
        if input.is_empty() {
            // More may not come for long.
            run.report.out().flush();
        }
        if let (None, Some(every), false) = (due, every, run.intake.is_empty()) {
            due = Instant::now().checked_add(every);
        }
    }
    // What was read is told, whoever ended the run.
    while let Ok(batch) = input.try_recv() {
        run.take(batch);
    }
    // Sending takes its time.
    run.report.out().flush();
    let until = Instant::now() + deadline;
    while run.claims.digests > 0 {
        tokio::select! {
            Some(news) = told.recv() => run.done(news),
            Some(answer) = run.asked.join_next() => run.answered(answer),
            else => break,
        }
    }
    run.tell(until);
    run.end(told).await
}

/// What is to be said, and to whom.
type Wanted = Vec<(Entry, Vec<TargetName>)>;

/// An alert on its way, with the time after which it is not sent any more.
#[derive(Debug)]
struct Urgent {
    alarm: Arc<Alarm>,
    names: Vec<TargetName>,
    /// When it was read.
    read: Instant,
}

/// What the memory was asked, with its answer.
#[derive(Debug)]
enum Answered {
    Alerts(Vec<Urgent>, Answer<Claimed>),
    Digest { wanted: Wanted, counted: BTreeMap<AccountId, Tally>, until: Instant, answer: Answer<Claimed> },
    Settled(Answer<()>),
}

/// Nothing where it took too long.
type Answer<T> = Option<Result<T, MemoryError>>;

/// How many times the memory is being asked what is to be said.
#[derive(Debug, Default)]
struct Claims {
    digests: usize,
    alerts: usize,
}

/// What was told together: with the last of it, what became of it is remembered.
#[derive(Debug, Default)]
struct Together {
    /// How many orders have not been turned into messages yet.
    orders: usize,
    /// Of how many messages it is not known what became of them.
    messages: usize,
    fates: Vec<Fate>,
}

/// How many records were not told, and why.
#[derive(Debug, Default)]
struct Untold {
    /// As a route says.
    nobody: usize,
    /// The keys of those that nothing says to whom to tell, until that is said.
    not_said: Vec<String>,
    /// Since nothing has changed.
    unchanged: usize,
}

struct Run {
    router: Router,
    settings: Settings,
    memory: Arc<Memory>,
    /// What the memory was asked and has not answered yet.
    asked: JoinSet<Answered>,
    claims: Claims,
    /// Alerts for whose turn the memory is still asked about earlier ones: they are told in their order.
    urgent: Vec<Urgent>,
    deadline: Duration,
    dispatch: Dispatch,
    intake: Intake,
    report: Report<'static>,
    say: &'static Say,
    together: BTreeMap<u64, Together>,
    /// The number of the last batch.
    batch: u64,
    /// Whether anything was to be told.
    news: bool,
    untold: Untold,
    exit: Exit,
    /// That something of what was asked has no answer at all.
    broken: Option<JoinError>,
}

impl Run {
    fn new(plan: Plan, out: Out<'static>, say: &'static Say) -> (Self, UnboundedReceiver<Told>) {
        let Plan { targets, router, settings, memory, dry_run, tee, every: _, deadline, policy } = plan;
        let (dispatch, told) = Dispatch::start(targets, policy, dry_run);
        let run = Self {
            router,
            settings,
            memory: Arc::new(memory),
            asked: JoinSet::new(),
            claims: Claims::default(),
            urgent: Vec::new(),
            deadline,
            dispatch,
            intake: Intake::new(tee),
            report: Report::new(out, say),
            say,
            together: BTreeMap::new(),
            batch: 0,
            news: false,
            untold: Untold::default(),
            exit: Exit::Done,
            broken: None,
        };
        (run, told)
    }

    /// Takes records in. An alert is told at once.
    fn take(&mut self, batch: Batch) {
        for item in batch {
            if let Some(alert) = self.intake.take(item, self.report.out(), self.say) {
                self.alert(&alert);
            }
        }
    }

    fn alert(&mut self, alert: &Alert) {
        let alarm = Arc::new(Alarm::new(alert));
        let Some(names) = self.whom(&alarm.entry) else { return self.unheard() };
        let urgent = Urgent { alarm, names, read: Instant::now() };
        if self.memory.is_on() {
            self.urgent.push(urgent);
            self.ask_of_alerts();
        } else {
            self.alarm(&urgent);
        }
    }

    /// Asks whether the alerts that have come were told, unless it is being asked of earlier ones: those are told first.
    fn ask_of_alerts(&mut self) {
        let Some(first) = self.urgent.first().filter(|_| self.claims.alerts == 0) else { return };
        let until = first.read + self.deadline.min(MEMORY_OF_ALERTS);
        let urgent = std::mem::take(&mut self.urgent);
        let wanted = urgent.iter().map(|it| (it.alarm.entry.clone(), it.names.clone())).collect();
        let memory = Arc::clone(&self.memory);
        self.claims.alerts += 1;
        self.asked.spawn(async move {
            let answer = timeout_at(until, memory.claim(wanted, Arc::default(), clock::now())).await.ok();
            Answered::Alerts(urgent, answer)
        });
    }

    /// Tells an alert to those who have not heard of it.
    fn alarm(&mut self, Urgent { alarm, names, read }: &Urgent) {
        let orders = names.iter().filter_map(|name| self.dispatch.place(name));
        let orders: Vec<_> = orders.map(|target| (target, What::Alert(Arc::clone(alarm)))).collect();
        self.order(orders, *read + self.deadline);
    }

    /// Tells what was collected.
    fn tell(&mut self, until: Instant) {
        let Some(Collected { groups, looked }) = self.intake.collect() else { return };
        let Gathered { entries, counted } = groups.finish();
        let wanted = entries.into_iter().filter_map(|entry| Some((self.whom(&entry)?, entry)));
        let wanted: Wanted = wanted.map(|(names, entry)| (entry, names)).collect();
        self.unheard();
        if !self.memory.is_on() {
            return self.digest(wanted, &counted, until);
        }
        // Half of the time at least is for sending.
        let patience = Instant::now() + (self.deadline / 2).min(MEMORY);
        let memory = Arc::clone(&self.memory);
        self.claims.digests += 1;
        self.asked.spawn(async move {
            let asked = memory.claim(wanted.clone(), Arc::new(looked), clock::now());
            let answer = timeout_at(patience, asked).await.ok();
            Answered::Digest { wanted, counted, until, answer }
        });
    }

    /// Does what the memory's answer comes to.
    fn answered(&mut self, answered: Result<Answered, JoinError>) {
        match answered {
            Ok(Answered::Alerts(urgent, answer)) => {
                self.claims.alerts = self.claims.alerts.saturating_sub(1);
                let wanted = urgent.iter().map(|it| (it.alarm.entry.clone(), it.names.clone())).collect();
                let (say, _) = self.claimed(wanted, answer);
                let mut say = say.into_iter().peekable();
                // What is said is some of what was asked, in the same order.
                for it in urgent {
                    if let Some((_, names)) = say.next_if(|(entry, _)| *entry == it.alarm.entry) {
                        self.alarm(&Urgent { names, ..it });
                    }
                }
                self.ask_of_alerts();
            }
            Ok(Answered::Digest { wanted, mut counted, until, answer }) => {
                self.claims.digests = self.claims.digests.saturating_sub(1);
                let (say, unchanged) = self.claimed(wanted, answer);
                for (account, key) in unchanged {
                    counted.entry(account).or_default().one(Counted::Unchanged, key);
                }
                self.digest(say, &counted, until);
            }
            Ok(Answered::Settled(Some(Ok(())))) => {}
            Ok(Answered::Settled(Some(Err(error)))) => {
                self.forgotten(&format!("{error}: what was told now may be told again"));
            }
            Ok(Answered::Settled(None)) => {
                self.forgotten("the memory took too long: what was told now may be told again");
            }
            Err(error) => {
                // Nobody knows what it was asked: nothing waits for it any more.
                self.claims = Claims::default();
                self.broken = Some(error);
                self.ask_of_alerts();
            }
        }
    }

    /// Tells each target its share.
    fn digest(&mut self, say: Wanted, counted: &BTreeMap<AccountId, Tally>, until: Instant) {
        let mut shares: BTreeMap<usize, Vec<Arc<Entry>>> = BTreeMap::new();
        let mut accounts = BTreeSet::new();
        for (entry, names) in say {
            let entry = Arc::new(entry);
            for place in names.iter().filter_map(|name| self.dispatch.place(name)) {
                accounts.insert(entry.about.account.clone());
                shares.entry(place).or_default().push(Arc::clone(&entry));
            }
        }
        for (account, tally) in counted.iter().filter(|(account, _)| !accounts.contains(*account)) {
            self.say.detail(format!("nothing new in {account}: {}", tally.also().unwrap_or_default()));
        }
        let name = |account: &_| self.settings.account_name(account).map(str::to_owned);
        let digest = |(place, entries)| (place, Digest::new(entries, counted, self.dispatch.zone(place), name));
        let orders = shares.into_iter().map(digest);
        let orders: Vec<_> = orders.map(|(place, digest)| (place, What::Digest(Arc::new(digest)))).collect();
        self.order(orders, until);
    }

    /// The names of those who hear of an entry.
    fn whom(&mut self, entry: &Entry) -> Option<Vec<TargetName>> {
        match self.router.whom(entry) {
            Whom::These(places) => {
                return Some(places.into_iter().filter_map(|place| self.dispatch.name(place).cloned()).collect());
            }
            Whom::Nobody => self.untold.nobody += entry.keys.len(),
            Whom::NotSaid => self.untold.not_said.extend(entry.keys.iter().cloned()),
        }
        None
    }

    /// Writes down what nobody hears of, though nobody said that this is meant.
    fn unheard(&mut self) {
        let keys = std::mem::take(&mut self.untold.not_said);
        if !keys.is_empty() {
            self.report.expect(1);
            self.report.done(unheard(keys));
        }
    }

    /// What is left to be said, and of what nobody hears. Where the memory did not answer, all is said: twice is better than
    /// not at all.
    fn claimed(&mut self, wanted: Wanted, answer: Answer<Claimed>) -> (Wanted, Vec<(AccountId, String)>) {
        match answer {
            Some(Ok(Claimed { say, unchanged, forgotten })) => {
                self.untold.unchanged += unchanged.len();
                if forgotten > 0 {
                    self.say.note(format!(
                        "{} forgotten, since they were in no input for 90 days: what was said of them stands in nobody's \
                         way any more, and whether they were put right is not known",
                        plural(forgotten, "key", "keys")
                    ));
                }
                return (say, unchanged);
            }
            Some(Err(error)) => self.forgotten(&format!("{error}: all is told, whether or not it was before")),
            None => self.forgotten("the memory took too long: all is told, whether or not it was before"),
        }
        (wanted, Vec::new())
    }

    fn forgotten(&mut self, what: &str) {
        self.say.error(what);
        self.exit = self.exit.and(Exit::Incomplete);
    }

    /// Gives orders that belong together.
    fn order(&mut self, orders: Vec<(usize, What)>, until: Instant) {
        self.batch += 1;
        let batch = self.batch;
        let mut given = 0;
        for (target, what) in orders {
            self.news = true;
            match self.dispatch.order(Order { batch, target, what, until }, &mut self.report) {
                Ok(waits) => given += usize::from(waits),
                Err(error) => self.forgotten(&format!("cannot show a message: {error}")),
            }
        }
        if given > 0 {
            self.together.insert(batch, Together { orders: given, ..Together::default() });
        }
    }

    /// Writes what became of a message, and remembers it with those of its batch.
    fn done(&mut self, told: Told) {
        let batch = match told {
            Told::Messages { batch, count } => {
                self.report.expect(count);
                let Some(together) = self.together.get_mut(&batch) else { return };
                together.orders -= 1;
                together.messages += count;
                batch
            }
            Told::Fate { batch, target, delivery } => {
                let Some(together) = self.together.get_mut(&batch) else { return };
                together.messages -= 1;
                if let Some(target) = self.dispatch.name(target).filter(|_| self.memory.is_on()) {
                    let delivered = delivery.status == DeliveryStatus::Delivered;
                    let fate = |key: &String| Fate { key: key.clone(), target: target.clone(), delivered };
                    together.fates.extend(delivery.keys.iter().map(fate));
                }
                self.report.done(*delivery);
                batch
            }
        };
        if self.together.get(&batch).is_some_and(|it| it.orders == 0 && it.messages == 0) {
            let fates = self.together.remove(&batch).unwrap_or_default().fates;
            if !fates.is_empty() {
                let memory = Arc::clone(&self.memory);
                self.asked.spawn(async move {
                    Answered::Settled(timeout(MEMORY, memory.settle(fates, clock::now())).await.ok())
                });
            }
        }
    }

    /// Waits for what is still to be sent, and says what was not told.
    async fn end(mut self, mut told: UnboundedReceiver<Told>) -> Result<Exit, Failure> {
        loop {
            if self.claims.digests + self.claims.alerts == 0 {
                // There are no more orders.
                self.dispatch.close();
            }
            tokio::select! {
                Some(news) = told.recv() => self.done(news),
                Some(answer) = self.asked.join_next() => self.answered(answer),
                else => break,
            }
        }
        let sent = self.dispatch.end().await?;
        if let Some(error) = self.broken {
            return Err(Failure::Incomplete(format!("the memory broke off: {error}")));
        }
        let Untold { nobody, unchanged, .. } = self.untold;
        let records = |count| plural(count, "record", "records");
        if nobody > 0 {
            self.say.detail(format!("{} told to nobody, as the routes say", records(nobody)));
        }
        if unchanged > 0 {
            self.say.note(format!("{} not told again: nothing has changed", records(unchanged)));
        }
        if !self.news && unchanged == 0 {
            self.say.note("nothing to tell");
        }
        let exit = self.exit.and(self.intake.finish(self.say));
        let (reported, error) = self.report.finish();
        match error {
            Some(error) => Err(Failure::Output(error)),
            None => Ok(exit.and(sent).and(reported)),
        }
    }
}
