//! `remediate`: puts right what `audit` found, and does what tasks ask for.
//!
//! For each finding: *plan* (which calls, what undoes them) -> *guard* (protected tags, `--max-actions`, `--max-percent`,
//! `--irreversible`, not due yet) -> *confirm* (look at the resource again and judge it again with the same check) ->
//! *journal* -> *act* -> *verify* (look and judge once more; `applied` means that the check now passes). Without
//! `--apply` it stops after *guard* and prints the exact calls; that plan, read and edited, is itself an input.
//!
//! # Layout
//!
//! - [`job`]: what came in. [`decide`]: what is to become of it, pure. [`actions`]: the calls that an action comes to.
//! - [`engine`]: the order of things. [`guard`]: how much one run may do. [`journal`]: what survives a crash. [`wait`]:
//!   how long a change is waited for, and when the run is to end.

mod actions;
mod decide;
mod engine;
mod guard;
mod job;
mod journal;
mod out;
mod wait;

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use audit::Judge;
use clap::Parser;
use common::aws::{AwsArgs, Sessions, block_on};
use common::cli::{self, Common, Failure, Io, Say, Tool};
use common::clock;
use common::exit::Exit;
use common::record::OutcomeStatus;
use common::settings::Settings;
use common::stream::{Broken, Item, ReadError, Reader, Writer};
use jiff::Timestamp;

use crate::decide::Rules;
use crate::engine::Engine;
use crate::guard::{Limits, Polled};
use crate::job::{Input, Job};
use crate::journal::Journal;
use crate::out::Outcomes;
use crate::wait::Stop;

pub use crate::actions::calls;

const HELP: &str = "Put right what audit found

Reads findings, tasks and plans on stdin, writes one outcome for each. Without --apply nothing is changed: the outcomes say \
which calls would be made. Such a plan can be read, edited and applied:

    poll | audit | remediate > plan
    $EDITOR plan
    remediate --apply < plan > outcomes

What was applied is undone by

    jq -c 'select(.undo).undo' outcomes | remediate --apply

Exit codes: 0 all done; 1 an action failed, or a guard stopped one that was to be applied; 2 usage; 3 incomplete (broken \
input, an interrupted run); 4 could not start.";

/// Put right what audit found
#[derive(Debug, Parser)]
#[command(name = "remediate", version, long_about = HELP)]
#[command(mut_arg("accounts", |arg| arg.help("Touch these accounts alone, separated by commas [default: those that the records name]")))]
#[command(mut_arg("org", |arg| arg.hide(true)))]
pub struct Arguments {
    /// Act; without it the plan is printed [env: REMEDIATE=true]
    #[arg(long)]
    pub apply: bool,
    /// Also do what nothing can undo
    #[arg(long)]
    pub irreversible: bool,
    /// Do nothing at all if there would be more actions than this [default: 20]
    #[arg(long, value_name = "N")]
    pub max_actions: Option<usize>,
    /// Do nothing at all if more than this share of a type's polled resources would be touched, where the stream's scope
    /// records tell how many there are, and more than five would be [default: 30]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub max_percent: Option<u8>,
    /// The journal of what is done [default: `$XDG_STATE_HOME/sluice/journal.ndjson`]
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
    /// Judge as if it were this time, as `audit --now` did [default: the time now]
    #[arg(long, value_name = "TIME")]
    pub now: Option<Timestamp>,
    /// How the accounts are reached.
    #[command(flatten)]
    pub aws: AwsArgs,
    /// What every tool has.
    #[command(flatten)]
    pub common: Common,
}

impl Tool for Arguments {
    const NAME: &'static str = "remediate";

    fn common(&self) -> &Common {
        &self.common
    }
}

/// Runs the tool with the process's own arguments and streams.
pub fn main() -> ExitCode {
    cli::main(run)
}

const DEFAULT_MAX_ACTIONS: usize = 20;
const DEFAULT_MAX_PERCENT: u8 = 30;

/// Runs the tool.
#[expect(clippy::needless_pass_by_value, reason = "what common::cli::main calls takes its arguments")]
pub fn run(arguments: Arguments, settings: &Settings, io: Io<'_>) -> Result<Exit, Failure> {
    if arguments.aws.org {
        let why = "--org is for `poll`: here the records say which accounts, and --accounts keeps it to some of them";
        return Err(Failure::Usage(why.to_owned()));
    }
    let Io { input, output, say, .. } = io;
    let mut writer = Writer::new(output);
    let apply = arguments.apply || std::env::var("REMEDIATE").is_ok_and(|value| value.eq_ignore_ascii_case("true"));
    let (jobs, polled, read) = read(input, &mut writer, say).map_err(|failure| match failure {
        // Whoever asked for action must not take its silence for success.
        Failure::Output(error) if apply => {
            Failure::Incomplete(format!("nothing was done: cannot write the outcomes: {error}"))
        }
        other => other,
    })?;
    let limits = Limits {
        max_actions: arguments.max_actions.or(settings.remediate.max_actions).unwrap_or(DEFAULT_MAX_ACTIONS),
        max_percent: arguments.max_percent.or(settings.remediate.max_percent).unwrap_or(DEFAULT_MAX_PERCENT),
        polled,
    };
    let journal = if apply {
        let path = journal::place(arguments.journal.as_deref(), settings).map_err(start)?;
        Some(Journal::open(path).map_err(start)?)
    } else {
        None
    };
    let stop = Arc::new(Stop::new());
    let out = Outcomes::new(writer, say, &stop);
    if let Some((journal, unfinished)) = &journal {
        report(unfinished, journal, &out);
    }
    let now = arguments.now.unwrap_or_else(clock::now);
    let judge = Judge::new(settings, now, None)?;
    let run = format!("{}-{}", clock::now().strftime("%Y%m%dT%H%M%SZ"), std::process::id());
    let work = async {
        if !jobs.is_empty() {
            let sessions = Sessions::start(&arguments.aws, &settings.aws, Arguments::NAME).await.map_err(start)?;
            let rules = Rules {
                judge: &judge,
                now: clock::now(),
                irreversible: arguments.irreversible,
                accounts: &arguments.aws.accounts,
            };
            let engine = Engine { sessions: &sessions, rules, run: &run, out: &out, stop: &stop };
            watch_for_signals(Arc::clone(&stop));
            let groups = engine.plan(jobs).await;
            let acting = groups.iter().flatten().filter(|(_, planned)| !planned.calls.is_empty());
            let exceeded = limits.exceeded(acting.map(|(job, _)| &job.reference));
            match (&journal, exceeded) {
                (Some((journal, _)), None) => engine.apply(groups, journal).await,
                (None, None) => engine.print(groups, None),
                (None, Some(reason)) => {
                    out.warn(format_args!("--apply would do nothing: {reason}"));
                    engine.print(groups, None);
                }
                (Some(_), Some(reason)) => {
                    let reason = format!("nothing was done: {reason}");
                    out.warn(&reason);
                    engine.print(groups, Some(&reason));
                    return Ok(Exit::No);
                }
            }
        }
        Ok(Exit::Done)
    };
    let worked: Exit = block_on(work)?;
    let (exit, error) = out.finish(apply);
    match (error, &journal) {
        (None, _) => Ok(exit.and(read).and(worked)),
        // What was done must not be lost with the pipe.
        (Some(error), Some((journal, _))) => Err(Failure::Incomplete(format!(
            "cannot write the outcomes ({error}): see the journal {}",
            journal.path().display()
        ))),
        (Some(error), None) => Err(Failure::Output(error)),
    }
}

fn start(error: impl std::fmt::Display) -> Failure {
    Failure::Start(error.to_string())
}

/// Reads all jobs: the limits are on the whole run. What is for others goes through at once.
fn read(input: impl Read, writer: &mut Writer<impl Write>, say: &Say) -> Result<(Vec<Job>, Polled, Exit), Failure> {
    let (mut jobs, mut polled, mut exit) = (Vec::new(), Polled::default(), Exit::Done);
    for item in Reader::new(input) {
        let item = match item {
            Ok(item) => item,
            Err(ReadError::Broken(broken)) => {
                say.error(&broken);
                exit = Exit::Incomplete;
                continue;
            }
            Err(ReadError::Io { source, .. }) => return Err(Failure::Input(source)),
        };
        match Input::read(&item) {
            Ok(Input::Job(job)) => jobs.push(*job),
            Ok(Input::PassOn) => {
                writer.pass_on(&item).map_err(Failure::Output)?;
                if let Err(broken) = count(&item, &mut polled) {
                    say.error(broken);
                    exit = Exit::Incomplete;
                }
            }
            Err(why) => {
                say.error(why);
                exit = Exit::Incomplete;
            }
        }
    }
    writer.flush().map_err(Failure::Output)?;
    Ok((jobs, polled, exit))
}

/// Counts the resources that a scope says were polled. One that is not understood could turn off `--max-percent`.
fn count(item: &Item, polled: &mut Polled) -> Result<(), Broken> {
    if item.kind()?.as_deref() == Some("scope") {
        polled.add(item.parse()?);
    }
    Ok(())
}

/// What an earlier run was cut off in: nobody but the journal knows of it.
fn report(unfinished: &[common::record::Outcome], journal: &Journal, out: &Outcomes<'_>) {
    for outcome in unfinished {
        let mut outcome = outcome.clone();
        outcome.status = OutcomeStatus::Interrupted;
        outcome.reason = Some(
            "an earlier run was cut off in the middle of this: the calls may have been made or not; its undo does nothing \
             where they were not"
                .to_owned(),
        );
        outcome.at = clock::now();
        out.warn(format_args!("{}: an earlier run was cut off in the middle of this", outcome.key));
        // Said twice is better than never: it is closed in the journal when it has been said here.
        if out.write(&outcome)
            && let Err(error) = journal.after(&outcome)
        {
            out.warn(error);
        }
    }
}

/// Ctrl-C and SIGTERM: the calls of what is under way are made and looked after once, the rest is not begun.
fn watch_for_signals(stop: Arc<Stop>) {
    tokio::spawn(async move {
        terminated().await;
        stop.set();
    });
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut term) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = term.recv() => {}
    }
}

#[cfg(not(unix))]
async fn terminated() {
    let _ = tokio::signal::ctrl_c().await;
}
