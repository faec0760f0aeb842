//! `remediate`: puts right what `audit` found, and does what tasks ask for.
//!
//! For each finding: *plan* (which calls, what undoes them) -> *guard* (exceptions, protected tags, `--max-actions`,
//! `--max-percent`, `--irreversible`, not due yet) -> *confirm* (look at the resource again and judge it again with the same check) ->
//! *journal* -> *act* -> *verify* (look and judge once more; `applied` means that the check now passes). Without
//! `--apply` it stops after *guard* and prints the exact calls; that plan, read and edited, is itself an input.
//!
//! # Layout
//!
//! - [`args`], [`input`], [`signals`]: what the user says. [`out`]: what the user is told. [`permissions`]: what the user
//!   must allow it.
//! - [`job`]: what came in, and [`task`]: what people and other tools write. [`decide`]: what is to become of it, pure.
//!   [`actions`]: the calls that an action comes to.
//! - [`tasks`]: what is done later.
//! - [`engine`]: the order of things. [`guard`]: how much one run may do. [`journal`]: what survives a crash. [`wait`]:
//!   how long a change is waited for, and when the run is to end.

mod actions;
mod args;
mod decide;
mod engine;
mod guard;
mod input;
mod job;
mod journal;
mod out;
mod permissions;
mod signals;
mod task;
mod tasks;
mod wait;

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use audit::Judge;
use common::action::Action;
use common::aws::{Sessions, block_on};
use common::cli::{self, Failure, Io, Say, Tool};
use common::clock;
use common::exit::Exit;
use common::record::{Outcome, OutcomeStatus};
use common::reference::Reference;
use common::settings::Settings;
use common::stream::Writer;
use jiff::Timestamp;

use crate::decide::Rules;
use crate::engine::{Engine, Group};
use crate::guard::{Limits, Touched};
use crate::input::Incoming;
use crate::job::Job;
use crate::journal::Journal;
use crate::out::Outcomes;
use crate::tasks::{Given, Work};
use crate::wait::Stop;

pub use crate::actions::{calls, is_closely};
pub use crate::args::Arguments;

/// Runs the tool with the process's own arguments and streams.
pub fn main() -> ExitCode {
    cli::main(run)
}

const DEFAULT_MAX_ACTIONS: usize = 20;
const DEFAULT_MAX_PERCENT: u8 = 30;

/// Runs the tool.
#[expect(clippy::needless_pass_by_value, reason = "what common::cli::main calls takes its arguments")]
pub fn run(arguments: Arguments, settings: &Settings, io: Io<'_>) -> Result<Exit, Failure> {
    if arguments.aws.org || arguments.aws.org_role.is_some() {
        let why = "--org and --org-role are for `poll`: here the records say which accounts, and --accounts keeps it to some \
                   of them";
        return Err(Failure::Usage(why.to_owned()));
    }
    let Io { input, mut output, say, .. } = io;
    if arguments.iam_policy {
        let policy = permissions::policy(&arguments, settings)?;
        return writeln!(output, "{policy:#}").map(|()| Exit::Done).map_err(Failure::Output);
    }
    // Ahead of all that is written: exceptions that are not understood are a guard that is off.
    let settings = &settings
        .with_exceptions(&arguments.exceptions)?
        .with_whitelists(&arguments.whitelist)?
        .with_decoys(arguments.honeytokens.as_deref(), say)?;
    let mut judge = Judge::new(settings, arguments.now.unwrap_or_else(clock::now), None)?;
    let mut writer = Writer::new(output);
    let apply = arguments.apply || std::env::var("REMEDIATE").is_ok_and(|value| value.eq_ignore_ascii_case("true"));
    let Incoming { jobs, texts, covered, polled, organizations, exit: read, unusable } =
        input::read(input, &mut writer, say).map_err(|failure| match failure {
            // Whoever asked for action must not take its silence for success.
            Failure::Output(error) if apply => {
                Failure::Incomplete(format!("nothing was done: cannot write the outcomes: {error}"))
            }
            other => other,
        })?;
    for organization in &organizations {
        judge.learn(organization).map_err(start)?;
    }
    let limits = Limits {
        max_actions: arguments.max_actions.or(settings.remediate.max_actions).unwrap_or(DEFAULT_MAX_ACTIONS),
        max_percent: arguments.max_percent.or(settings.remediate.max_percent).unwrap_or(DEFAULT_MAX_PERCENT),
        accounts: &settings.accounts,
        polled,
    };
    let journal = if apply && arguments.tasks.is_none() {
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
    let run = format!("{}-{}", clock::now().strftime("%Y%m%dT%H%M%SZ"), std::process::id());
    if let Some(why) = unusable {
        // One input, one outcome, also where nothing comes of any.
        let reason = format!("nothing was done: {why}");
        say.error(&reason);
        for job in &jobs {
            let outcome = job.outcome(OutcomeStatus::Interrupted, &run, clock::now());
            out.write(&Outcome { reason: Some(reason.clone()), ..outcome });
        }
        return match out.finish(apply) {
            (_, None) => Ok(Exit::Incomplete),
            (_, Some(error)) => Err(Failure::Output(error)),
        };
    }
    let work = async {
        if let Some(place) = &arguments.tasks {
            let (arguments, judge, limits) = (&arguments, &judge, &limits);
            let (run, out, stop) = (&tasks::unique(&run), &out, &stop);
            let work = Work { place, arguments, settings, judge, limits, run, out, stop, say, apply };
            // It has room for all that a run may come to.
            return Box::pin(tasks::run(&work, Given { jobs, texts, covered })).await;
        }
        if !jobs.is_empty() {
            let sessions = Sessions::start(&arguments.aws, &settings.aws, Arguments::NAME).await.map_err(start)?;
            let rules = rules(&arguments, settings, &judge, clock::now());
            let engine = Engine { sessions: &sessions, rules, run: &run, out: &out, stop: &stop };
            signals::watch(Arc::clone(&stop));
            let journal = journal.as_ref().map(|(journal, _)| journal);
            return Ok(carry_out(&engine, jobs, &limits, settings, journal, say).await);
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
        (Some(error), None) if apply && arguments.tasks.is_some() => {
            let path = journal::place(arguments.journal.as_deref(), settings).map_err(start)?;
            let path = path.display();
            Err(Failure::Incomplete(format!("cannot write the outcomes ({error}): see the journal {path}")))
        }
        (Some(error), None) => Err(Failure::Output(error)),
    }
}

/// By what the jobs of a run are decided.
pub(crate) fn rules<'a>(
    arguments: &'a Arguments,
    settings: &'a Settings,
    judge: &'a Judge,
    now: Timestamp,
) -> Rules<'a> {
    Rules {
        judge,
        now,
        irreversible: arguments.irreversible,
        settings: &settings.remediate,
        accounts: match &arguments.aws.accounts[..] {
            [] => &settings.aws.accounts,
            named => named,
        },
    }
}

/// Plans the jobs, holds the plan against the limits, and carries it out; without a journal it is printed.
pub(crate) async fn carry_out(
    engine: &Engine<'_, '_>,
    jobs: Vec<Job>,
    limits: &Limits<'_>,
    settings: &Settings,
    journal: Option<&Journal>,
    say: &Say,
) -> Exit {
    let apply = journal.is_some();
    let groups = engine.plan(jobs).await;
    let touched = Touched::by(acting(&groups, settings));
    for unheld in limits.unheld(&touched) {
        say.note(unheld);
    }
    let (all, accounts) = (limits.exceeded(&touched), limits.exceeded_by_accounts(&touched));
    let (mut exit, mut rest) = (Exit::Done, groups);
    if let Some(why) = all {
        let (braking, others) = split(rest, |job| is_brake(job, settings));
        exit = exit.and(hold_back(engine, others, "", &why, apply));
        rest = braking;
    }
    for (account, why) in accounts {
        let of_account = |job: &Job| job.reference.account == account && !is_brake(job, settings);
        let (held, others) = split(rest, of_account);
        rest = others;
        let place = match settings.account_name(&account) {
            Some(name) => format!(" in account {account} ({name})"),
            None => format!(" in account {account}"),
        };
        exit = exit.and(hold_back(engine, held, &place, &why, apply));
    }
    match journal {
        Some(journal) => engine.apply(rest, journal).await,
        None => engine.print(rest, None),
    }
    exit
}

/// Those jobs, and the others. A resource may have both.
fn split(groups: Vec<Group>, these: impl Fn(&Job) -> bool) -> (Vec<Group>, Vec<Group>) {
    let parts = groups.into_iter().map(|group| group.into_iter().partition(|(job, _)| these(job)));
    let (mut ours, mut others): (Vec<Group>, Vec<Group>) = parts.unzip();
    ours.retain(|group| !group.is_empty());
    others.retain(|group| !group.is_empty());
    (ours, others)
}

/// The resources that a plan would change, one for each action that counts.
fn acting<'a>(groups: &'a [Group], settings: &Settings) -> impl Iterator<Item = &'a Reference> {
    let counts = |(job, planned): &&(Job, Outcome)| !planned.calls.is_empty() && !is_brake(job, settings);
    groups.iter().flatten().filter(counts).map(|(job, _)| &job.reference)
}

/// Whether a job is part of halting an account that is over a limit of these settings, and does what the brake does: not what
/// somebody has written into such a finding. See [`Limits`].
fn is_brake(job: &Job, settings: &Settings) -> bool {
    let action = job.action.as_ref().and_then(Action::name);
    let halts = job.check.as_deref().zip(action).is_some_and(|(check, action)| audit::halts(check, action));
    halts && settings.limits(&job.reference.account).is_limited()
}

/// Prints what a limit keeps from being done, everywhere or in a place, and says which code that comes to.
fn hold_back(engine: &Engine<'_, '_>, groups: Vec<Group>, place: &str, why: &str, apply: bool) -> Exit {
    if apply {
        let reason = format!("nothing was done{place}: {why}");
        engine.out.warn(&reason);
        engine.print(groups, Some(&reason));
        return Exit::No;
    }
    engine.out.warn(format_args!("--apply would do nothing{place}: {why}"));
    engine.print(groups, None);
    Exit::Done
}

fn start(error: impl std::fmt::Display) -> Failure {
    Failure::Start(error.to_string())
}

/// What an earlier run was cut off in: nobody but the journal knows of it.
fn report(unfinished: &[Outcome], journal: &Journal, out: &Outcomes<'_>) {
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
            && let Err(error) = journal.after([&outcome])
        {
            out.warn(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use clap::Parser;
    use common::cli::{Captured, Say};
    use serde_json::{Value, json};

    use super::*;

    /// Gives a text, and then an error instead of an end.
    struct BreaksOff(Option<String>);

    impl Read for BreaksOff {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let text = self.0.take().ok_or_else(|| std::io::Error::other("the disk has gone"))?;
            buffer[..text.len()].copy_from_slice(text.as_bytes());
            Ok(text.len())
        }
    }

    #[test]
    fn what_came_before_the_input_broke_off_has_an_outcome_and_nothing_is_done() {
        let task = json!({
            "account": "111122223333", "region": "eu-west-1", "type": "ec2", "id": "i-1", "action": "stop",
        });
        let journal = tempfile::tempdir().unwrap();
        let place = journal.path().join("journal.ndjson");
        let arguments = ["remediate", "--apply", "--journal", place.to_str().unwrap()];
        let (said, written) = (Captured::default(), Captured::default());
        let say = Say::to("remediate", said.clone());
        let input = Box::new(BreaksOff(Some(format!("{task}\n{task}\n"))));
        let io = Io { input, output: Box::new(written.clone()), terminal: false, say: &say };
        let exit = run(Arguments::parse_from(arguments), &Settings::default(), io).unwrap();
        assert_eq!(exit, Exit::Incomplete);
        let outcomes: Vec<Value> = written.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(outcomes.len(), 2);
        for outcome in outcomes {
            assert_eq!((&outcome["status"], &outcome["undo"]), (&json!("interrupted"), &Value::Null));
            assert_eq!(outcome["reason"], "nothing was done: cannot read the input: the disk has gone");
        }
        assert!(said.text().contains("the disk has gone"), "{}", said.text());
    }
}
