//! Sources and engine at work: what the sources send goes through the engine, and alerts go out, each at once.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::cli::{Failure, Say};
use common::clock;
use common::event::{Found, What};
use common::exit::Exit;
use common::record::Alert;
use common::stream::{Writer, is_broken_pipe};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::complaints::Complaints;
use super::engine::{Engine, Rules, TakeError};
use super::input::{Input, Stop, Stopper};
use super::local::place;
use super::sources::Source;
use crate::registry::{Registry, RegistryError};

/// How many batches wait for the engine at most.
const WAITING: usize = 4;

/// How often the engine looks at the clock, and for what others wrote to the registry.
const TICK: Duration = Duration::from_secs(1);

/// How often the registry is pruned, where there is not more to forget than can be at once.
const PRUNE: Duration = Duration::from_mins(1);

/// How long sources may take to end when the engine has.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many events may wait to be written down, where the registry cannot be written.
const MOST_PENDING: usize = 10_000;

/// A tripwire.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Where what was seen is kept.
    pub(crate) registry: Arc<Registry>,
    /// Whose tokens are watched: the same one, unless what is seen is to be forgotten.
    pub(crate) watched: Arc<Registry>,
    /// What is worth an alert.
    pub(crate) rules: Rules,
}

impl Watch {
    /// Runs until all sources have ended, or until it is told to stop: what was read by then is finished.
    ///
    /// # Errors
    ///
    /// The output cannot be written, the registry cannot be used, or a source cannot go on.
    pub(crate) async fn run(
        self,
        sources: Vec<Box<dyn Source>>,
        output: Box<dyn Write + Send>,
        say: &'static Say,
        mut stop: Stop,
    ) -> Result<Exit, Failure> {
        let (inputs, batches) = mpsc::channel(WAITING);
        let (ending, mut ended) = oneshot::channel();
        let (handle, told) = (Handle::current(), stop.clone());
        // A thread of its own: the engine writes to stdout and to the disk, and waits for both.
        std::thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || {
                let desk = Desk {
                    output: Writer::new(output),
                    say,
                    complaints: Complaints::new(Instant::now()),
                    unwritten: None,
                    pruned: Instant::now(),
                    is_incomplete: false,
                    alerts: 0,
                };
                let _ = ending.send(desk.run(&self, batches, &handle, &told));
            })
            .map_err(|error| Failure::Start(format!("cannot start the engine's thread: {error}")))?;

        // One source that cannot go on ends the others.
        let (stopper, own_stop) = Stop::new();
        let mut running = JoinSet::new();
        for source in sources {
            running.spawn(source.run(inputs.clone(), own_stop.clone()));
        }
        drop(inputs);
        let mut failure = None;
        let mut engine = None;
        let mut is_told = false;
        loop {
            tokio::select! {
                () = stop.told(), if !is_told => {
                    is_told = true;
                    stopper.stop();
                }
                answer = &mut ended, if engine.is_none() => {
                    engine = Some(answer);
                    wind_up(&stopper, &mut running).await;
                    break;
                }
                source = running.join_next() => match source {
                    Some(Ok(Ok(()))) => {}
                    Some(Ok(Err(error))) => {
                        failure = failure.or(Some(error));
                        stopper.stop();
                    }
                    Some(Err(error)) => {
                        failure = failure.or(Some(Failure::Incomplete(format!("a source broke: {error}"))));
                        stopper.stop();
                    }
                    None => break,
                },
            }
        }
        let engine = match engine {
            Some(answer) => answer,
            None => ended.await,
        };
        let exit = engine.map_err(|_| Failure::Incomplete("the engine broke: what was read last is lost".into()))?;
        // What the engine says of its output outweighs what a source says of its input.
        match (exit, failure) {
            (Ok(exit), None) => Ok(exit),
            (Ok(_), Some(failure)) | (Err(failure), _) => Err(failure),
        }
    }
}

/// A registry that was there, and cannot be used any more.
#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn lost(error: RegistryError) -> Failure {
    Failure::Incomplete(error.to_string())
}

/// Ends the sources when nobody takes anything from them any more.
async fn wind_up(stopper: &Stopper, running: &mut JoinSet<Result<(), Failure>>) {
    stopper.stop();
    let all = async { while running.join_next().await.is_some() {} };
    if timeout(PATIENCE, all).await.is_err() {
        running.shutdown().await;
    }
}

/// An alert that nobody reads is no quiet end: whoever keeps the watch running has to hear of it.
fn unheard(error: io::Error) -> Failure {
    if is_broken_pipe(&error) {
        let why = "nobody reads the alerts any more: what was not told is told by the next watch";
        return Failure::Incomplete(why.into());
    }
    Failure::Output(error)
}

/// What stands between the engine and the world.
struct Desk {
    output: Writer<Box<dyn Write + Send>>,
    say: &'static Say,
    complaints: Complaints,
    /// Until when the registry, which could not be written, is not tried again.
    unwritten: Option<Instant>,
    /// When the registry is pruned again.
    pruned: Instant,
    is_incomplete: bool,
    alerts: u64,
}

impl Desk {
    fn run(
        mut self,
        watch: &Watch,
        mut batches: mpsc::Receiver<Vec<Input>>,
        handle: &Handle,
        stop: &Stop,
    ) -> Result<Exit, Failure> {
        let mut engine = Engine::new(&watch.registry, &watch.watched, watch.rules.clone())?;
        match engine.tokens() {
            0 => self.say.warn("the registry has no tokens yet: nothing can be noticed"),
            tokens => self.say.detail(format!("watching {tokens} tokens")),
        }
        let mut looked = Instant::now();
        loop {
            let batch = match handle.block_on(async { timeout(TICK, batches.recv()).await }) {
                Ok(Some(batch)) => batch,
                Ok(None) => break,
                Err(_) => Vec::new(),
            };
            engine.refresh().map_err(lost)?;
            self.batch(&mut engine, batch)?;
            if looked.elapsed() >= TICK {
                looked = Instant::now();
                let alerts = engine.tick(clock::now()).map_err(lost)?;
                self.write(&alerts)?;
                if self.settle(&mut engine)? && self.pruned <= Instant::now() {
                    self.prune(&mut engine)?;
                }
                let unsaid = self.complaints.hour(Instant::now());
                self.complained(unsaid);
            }
        }
        // Who is told to end a watch that goes on elsewhere leaves its incidents open.
        if !stop.is_told() {
            let alerts = engine.finish(clock::now()).map_err(lost)?;
            self.write(&alerts)?;
        }
        let settled = engine.settle(clock::now()).map_err(lost);
        let unsaid = self.complaints.unsaid();
        self.complained(unsaid);
        settled?;
        // Those that are started again and again end before it is time.
        self.prune(&mut engine)?;
        self.say.detail(format!("{} alerts", self.alerts));
        Ok(if self.is_incomplete { Exit::Incomplete } else { Exit::Done })
    }

    /// Takes a batch in. Its alerts are out, and what was seen is written, when this answers.
    fn batch(&mut self, engine: &mut Engine<'_>, batch: Vec<Input>) -> Result<(), Failure> {
        for input in batch {
            let now = clock::now();
            match input {
                Input::Found {
                    found: Found { what: What::Other(item), wrapped: false, .. }, source: "stdin", ..
                } if !matches!(item.kind(), Ok(None)) => match item.kind() {
                    // A record of another tool's is for whoever comes next.
                    Ok(_) => self.output.pass_on(&item).and_then(|()| self.output.flush()).map_err(unheard)?,
                    Err(broken) => self.complain(&broken.to_string()),
                },
                Input::Found { found, source, origin } => match engine.take(&found, now) {
                    Ok(alerts) => self.write(&alerts)?,
                    Err(TakeError::NoEvent(why)) => {
                        let origin = if origin.is_empty() && source != "stdin" { source } else { &origin };
                        self.complain(&place(origin, &format!("line {}: {why}", found.line)));
                    }
                    Err(TakeError::Registry(error)) => return Err(lost(error)),
                },
                Input::Broken(what) => self.complain(&what),
                Input::Lost { origin, error } => {
                    self.is_incomplete = true;
                    let what = if origin.is_empty() { "the input" } else { &origin };
                    self.say.error(format!("cannot read {what}: {error}"));
                }
                Input::Used(used) => {
                    let alert = engine.take_use(&used, now).map_err(lost)?;
                    self.write(alert.as_slice())?;
                }
                Input::Settled(answer) => {
                    // Who is not answered does all of it once more. Who asked may be gone: then nobody wants to know.
                    if self.settle(engine)? {
                        let _ = answer.send(engine.about_tokens());
                    }
                }
            }
        }
        self.settle(engine).map(drop)
    }

    /// Writes down what was seen, and says whether it is. A registry that cannot be written for a while, since the disk is full, is
    /// no reason to be blind: alerts go on, nothing is deleted and no cursor moves, and it is tried again.
    fn settle(&mut self, engine: &mut Engine<'_>) -> Result<bool, Failure> {
        if self.unwritten.is_some_and(|until| Instant::now() < until) {
            return Ok(false);
        }
        let start = Instant::now();
        match engine.settle(clock::now()) {
            Ok(()) => {
                if self.unwritten.take().is_some() {
                    self.say.note("the registry can be written again");
                }
                Ok(true)
            }
            Err(error) if error.may_pass() && engine.pending() < MOST_PENDING => {
                if self.unwritten.is_none() {
                    self.is_incomplete = true;
                    self.say.error(format!(
                        "{error}; alerts go on, and what was seen is written as soon as that is possible"
                    ));
                }
                // Whoever waits for a lock half of the time alerts late.
                let rest = TICK.max(start.elapsed().saturating_mul(4));
                self.unwritten = Some(Instant::now() + rest);
                Ok(false)
            }
            Err(error) => Err(lost(error)),
        }
    }

    /// Has the registry forget a little of what need not be known any more, when all alerts are out and what was seen is written.
    /// There is time: where that cannot be done now, it is another time.
    fn prune(&mut self, engine: &mut Engine<'_>) -> Result<(), Failure> {
        let rest = match engine.prune(clock::now()) {
            Ok(true) => TICK,
            Ok(false) => PRUNE,
            Err(error) if error.may_pass() => PRUNE,
            Err(error) => return Err(lost(error)),
        };
        self.pruned = Instant::now() + rest;
        Ok(())
    }

    /// Writes alerts, each out at once: somebody is to be woken.
    fn write(&mut self, alerts: &[Alert]) -> Result<(), Failure> {
        for alert in alerts {
            self.output.write(alert).and_then(|()| self.output.flush()).map_err(unheard)?;
            self.alerts += 1;
        }
        Ok(())
    }

    /// Says what of the input is not understood. It costs only itself.
    fn complain(&mut self, what: &str) {
        self.is_incomplete = true;
        if self.complaints.is_said() {
            self.say.error(what);
        }
    }

    /// Says how many complaints were not said.
    fn complained(&self, unsaid: Option<u64>) {
        if let Some(more) = unsaid {
            self.say.error(format!("{more} more parts of the input are not understood"));
        }
    }
}
