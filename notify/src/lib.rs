//! `notify`: tells the people concerned what the records on stdin say.
//!
//! Findings, outcomes and failed scopes become messages, one per target (a few where much is to be said);
//! each message makes a `delivery` record. What went wrong comes first, the worst of it at the top; what does not fit is
//! counted. Nothing that a stranger wrote is more than text.
//!
//! Findings and outcomes end here. Everything else goes through untouched, scopes that were told of as well, as soon as
//! it is read; the deliveries follow when the input has ended. Where stdout is closed or full, people are told all the same.
//!
//! # Layout
//!
//! - `args`, `configure`: the command line, and the channels that follow from it and from the settings.
//! - `input`, `entry`, `group`: records in, what is said of each. `digest`: what one target is told, in the message's order.
//! - `text`, `render`: text from strangers; the formats (Block Kit, plain text) within their limits.
//! - `channels`: one file per way to reach people; each makes its messages and sends one, once.
//! - `send`: spacing, retries, the deadline, for all channels. `report`: what became of it. `out`: stdout.
//!
//! # Delivery is at least once
//!
//! A message whose answer was lost is sent again and may arrive twice. One that was answered with success is never sent
//! again. One that did not get through by the deadline stands in a `delivery` record with status `failed`, is named on
//! stderr, and makes the exit code 3.

mod args;
mod channels;
mod configure;
mod digest;
mod entry;
mod group;
mod input;
mod out;
mod render;
mod report;
mod send;
mod text;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use common::aws::block_on;
use common::cli::{self, Failure, Io};
use common::exit::Exit;
use common::settings::Settings;
use futures_util::future::join_all;
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::Instant;

pub use args::Args;

use channels::{Channel, Message};
use digest::Digest;
use entry::Entry;
use group::Gathered;
use out::Out;
use report::Report;
use send::Policy;

/// Runs the tool with the process's own arguments and streams.
pub fn main() -> ExitCode {
    cli::main(run)
}

/// Reads records, and tells what they say.
///
/// # Errors
///
/// No channel is configured (and this is no dry run), a channel is misconfigured, or stdout cannot be written.
#[expect(clippy::needless_pass_by_value, reason = "what common::cli::main calls takes its arguments")]
pub fn run(args: Args, settings: &Settings, io: Io<'_>) -> Result<Exit, Failure> {
    let channels = configure::channels(&args, settings, |name| std::env::var(name).ok())?;
    run_with(&args, settings, io, channels, Policy::default())
}

/// The same with channels that a test may have made.
fn run_with(
    args: &Args,
    settings: &Settings,
    io: Io<'_>,
    mut channels: Vec<Channel>,
    policy: Policy,
) -> Result<Exit, Failure> {
    let Args { dry_run, deadline, .. } = *args;
    let Io { input, output, terminal, say } = io;
    if channels.is_empty() {
        // Before anything is read: a cron job without a channel must fail on the first quiet night.
        if !dry_run {
            return Err(Failure::Start(format!(
                "no channel is configured: set {} or give --slack-webhook-file FILE (or notify.slack_webhook_file in \
                 the settings) for Slack, --sns-topic ARN (or notify.sns_topic) for SNS; --dry-run shows the messages \
                 without",
                configure::WEBHOOK
            )));
        }
        say.note("no channel is configured: these are the messages that Slack and SNS would get");
        channels = configure::examples()?;
    }
    let mut out = Out::new(output, terminal);
    let input::Input { groups, exit } = input::read(input, &mut out, say);
    let Gathered { entries, counted } = groups.finish();
    let entries: Vec<Arc<Entry>> = entries.into_iter().map(Arc::new).collect();
    let zone = settings.notify.time_zone.clone().unwrap_or_default();
    let digest = Digest::new(entries, &counted, zone, |account| settings.account_name(account).map(str::to_owned));
    for (account, tally) in &counted {
        if !digest.groups.iter().any(|group| group.account == *account) {
            say.detail(format!("nothing new in {account}: {}", tally.also().unwrap_or_default()));
        }
    }
    if digest.is_empty() {
        say.note("nothing to tell");
    }
    let plan = channels.into_iter().map(|channel| Ok((channel.messages(&digest)?, channel)));
    let plan = plan.collect::<Result<Vec<_>, serde_json::Error>>();
    let plan = plan.map_err(|error| Failure::Incomplete(format!("cannot write a message: {error}")))?;
    let mut report = Report::new(out, say, plan.iter().map(|(messages, _)| messages.len()).sum());
    let sent = if dry_run { show(plan, &mut report)? } else { send(plan, deadline, policy, &mut report)? };
    let (reported, error) = report.finish();
    match error {
        Some(error) => Err(Failure::Output(error)),
        None => Ok(exit.and(sent).and(reported)),
    }
}

type Plan = Vec<(Vec<Message>, Channel)>;

/// A dry run: what would be sent, and not a byte to the network.
fn show(plan: Plan, report: &mut Report<'_>) -> Result<Exit, Failure> {
    for (messages, channel) in plan {
        for message in messages {
            let payload = channel.payload(&message);
            let payload = payload.map_err(|error| Failure::Incomplete(format!("cannot show a message: {error}")))?;
            let readable = message.readable().to_owned();
            report.planned(&send::planned(&channel, message), &payload, &readable);
        }
    }
    Ok(Exit::Done)
}

/// Sends all channels' messages, each channel for itself: one dead target does not hold up the others. Where no channel
/// at all could be opened, the tool could not start; the records of what was not sent are written all the same.
fn send(plan: Plan, deadline: Duration, policy: Policy, report: &mut Report<'_>) -> Result<Exit, Failure> {
    // No message, no request: a quiet night asks for no credentials.
    let plan: Plan = plan.into_iter().filter(|(messages, _)| !messages.is_empty()).collect();
    if plan.is_empty() {
        return Ok(Exit::Done);
    }
    block_on(async {
        let until = Instant::now() + deadline;
        let (done, mut deliveries) = unbounded_channel();
        // On threads of their own: a reader of stdout who takes his time holds up no message.
        let work: Vec<_> = plan
            .into_iter()
            .map(|(messages, channel)| tokio::spawn(send::deliver(channel, messages, policy, until, done.clone())))
            .collect();
        drop(done);
        while let Some(delivery) = deliveries.recv().await {
            report.done(delivery);
        }
        let mut opened = false;
        for channel in join_all(work).await {
            opened |= channel.map_err(|error| Failure::Incomplete(format!("sending broke off: {error}")))?;
        }
        Ok(if opened { Exit::Done } else { Exit::CannotStart })
    })
}
