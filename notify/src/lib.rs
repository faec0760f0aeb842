//! `notify`: tells the people concerned what the records on stdin say.
//!
//! Findings, outcomes and failed scopes are collected, and become one message per target (a few where much is to be said)
//! when the input ends or its time has come; an alert goes out by itself, as soon as it is read. Each message makes a
//! `delivery` record. What went wrong comes first, the worst of it at the top; what does not fit is counted. Nothing that
//! a stranger wrote is more than text.
//!
//! Findings, outcomes and alerts end here, unless they are to be passed on. Everything else goes through untouched, scopes
//! that were told of as well, as soon as it is read. Where stdout is closed or full, people are told all the same.
//!
//! # Layout
//!
//! - `args`, `configure`, `accounts`: the command line, the settings and the account map; the targets that follow from them.
//! - `run`: how it all goes together. `input`: records, from a thread that reads.
//! - `entry`, `group`, `digest`: what is said of each record; what one target is told, in the order of the message.
//! - `route`: who hears of what. `memory`: what was already said.
//! - `text`, `render`: text from strangers; the formats within their limits.
//! - `channels`: one file per way to reach people; each makes its messages and sends one, once.
//! - `dispatch`, `send`: spacing, retries, the deadline, for all channels; one lane for those who share a limit.
//! - `report`: what became of the messages. `out`: stdout.
//!
//! # Delivery is at least once
//!
//! A message whose answer was lost is sent again and may arrive twice. One that was answered with success is never sent
//! again. One that did not get through by the deadline stands in a `delivery` record with status `failed`, is named on
//! stderr, and makes the exit code 3.

mod accounts;
mod args;
mod channels;
mod configure;
mod digest;
mod dispatch;
mod entry;
mod group;
mod input;
mod memory;
mod out;
mod render;
mod report;
mod route;
mod run;
mod send;
mod session;
mod text;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

use std::process::ExitCode;
use std::time::Duration;

use common::aws::{block_on, terminated};
use common::cli::{self, Failure, Io};
use common::exit::Exit;
use common::settings::Settings;

pub use args::Args;

use configure::Setup;
use memory::Memory;
use run::Plan;
use send::Policy;
use session::Caller;

/// Runs the tool with the process's own arguments and streams.
pub fn main() -> ExitCode {
    cli::main(run)
}

/// Reads records, and tells what they say, until the input ends or the process is told to.
///
/// The input is read by a thread that may outlive the run: nothing can wake it where nothing comes.
///
/// # Errors
///
/// No channel is configured (and this is no dry run), something is misconfigured or cannot be read, or stdout cannot be
/// written.
#[expect(clippy::needless_pass_by_value, reason = "what common::cli::main calls takes its arguments")]
pub fn run(args: Args, settings: &Settings, io: Io<'static>) -> Result<Exit, Failure> {
    block_on(async {
        let caller = Caller::new(&args, &settings.aws);
        let setup = configure::setup(&args, settings, |name| std::env::var(name).ok(), &caller, io.say).await?;
        let memory = configure::memory(&args, settings, &setup, &caller).await?;
        Box::pin(run_with(&args, setup, memory, io, Policy::default(), terminated())).await
    })
}

/// The same with targets that a test may have made.
async fn run_with(
    args: &Args,
    setup: Setup,
    memory: Memory,
    io: Io<'static>,
    policy: Policy,
    stop: impl Future<Output = ()>,
) -> Result<Exit, Failure> {
    let Args { dry_run, deadline, tee, every, .. } = *args;
    let setup = if setup.targets.is_empty() {
        // Before anything is read: a cron job without a channel must fail on the first quiet night.
        if !dry_run {
            return Err(Failure::Start(format!(
                "no channel is configured: set {} or give --slack-webhook-file FILE (or notify.slack_webhook_file in \
                 the settings) for Slack, --sns-topic ARN (or notify.sns_topic) for SNS; `notify --help` has the others, \
                 and --dry-run shows the messages without",
                configure::WEBHOOK
            )));
        }
        io.say.note("no channel is configured: these are the messages that Slack and SNS would get");
        configure::for_everybody(configure::examples()?, &setup.zone, &setup.settings)?
    } else {
        setup
    };
    let Setup { targets, router, settings, zone: _ } = setup;
    let every = every.and_then(|every| Duration::try_from(every.get()).ok());
    run::run(Plan { targets, router, settings, memory, dry_run, tee, every, deadline, policy }, io, stop).await
}
