//! `poll` writes what exists in AWS accounts as NDJSON: a `resource` record for each thing that it finds, and a `scope`
//! record for each (account, region, type) that it set out to cover, which says whether it was.
//!
//! # Layout
//!
//! - `cli`: the command line. `sweep`: everything of some types in some regions of some accounts. `lookup`: `poll -`,
//!   the resources that the input names. `events`: what a CloudTrail event made or changed.
//! - `queue`: the same with the messages of a queue, and references put on one.
//! - `plan`: which listings a sweep takes. `account`: an account while it is looked at.
//! - [`types`]: one file for each resource type, and [`look`], with which `remediate` looks before and after it acts.
//! - `sink`, `output`, `tally`: what becomes of a record that a listing found.

mod account;
mod cli;
mod events;
mod lookup;
mod output;
mod plan;
mod queue;
mod settle;
mod sink;
mod sweep;
mod tally;
mod types;

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use common::aws::queue::{Queue, QueueUrl, RECEIVE_CALLS, SEND_CALLS};
use common::aws::{AwsError, NO_ORGANIZATION, Sessions, block_on};
use common::cli::{Failure, Io, Say, Tool};
use common::exit::Exit;
use common::iam_policy;
use common::id::Region;
use common::operation::{EC2_DESCRIBE_REGIONS, Operation, S3_GET_OBJECT};
use common::resource::{Extent, ResourceType};
use common::settings::Settings;
use tokio::sync::mpsc;

pub use cli::Args;
pub use types::{Look, closer_calls, look, look_all, look_calls, looked_at_together};

use events::{ask_calls, list};
use lookup::{Entry, How, Lookup};
use output::Output;
use plan::{Wanted, needs_regions};
use queue::{DETAILS, End, Outbox, Rules};
use settle::Settle;
use sink::{Line, scope};
use sweep::Sweep;
use types::spend::Sources;
use types::{list_calls, settle_calls};

/// Runs the tool with the process's own arguments, stdin, stdout and stderr.
pub fn main() -> ExitCode {
    common::cli::main(run)
}

/// Runs the tool.
///
/// # Errors
///
/// No credentials, an output that cannot be written, an input that broke off. Whatever AWS denies is a record, and an
/// exit code.
#[expect(clippy::needless_pass_by_value, reason = "every tool's `run` has this shape")]
pub fn run(args: Args, settings: &Settings, io: Io<'_>) -> Result<Exit, Failure> {
    let types = args.types(settings.spend.poll)?;
    let Io { input, mut output, terminal, say } = io;
    if args.iam_policy {
        let policy = iam_policy(&args, settings, &types);
        return writeln!(output, "{policy:#}").map(|()| Exit::Done).map_err(Failure::Output);
    }
    if args.list_events {
        return list(&mut *output, args.output).map(|()| Exit::Done).map_err(Failure::Output);
    }
    let mut output = Output::new(output);
    std::thread::scope(|scope| {
        block_on(async {
            let sessions = Sessions::start(&args.aws, &settings.aws, Args::NAME).await?;
            let to = match &args.send {
                Some(url) => Some(queue::open(&sessions, url).await?),
                None => None,
            };
            let mut exit = None;
            let result = if let Some(url) = &args.sqs {
                let ended = consume(&args, url, to, &sessions, &mut output, say).await;
                ended.map(|end| exit = end)
            } else if args.looks_up() {
                let (sender, entries) = mpsc::channel(1);
                // Reading blocks, and must not begin before it is clear that there are credentials.
                scope.spawn(move || lookup::read(input, "", &sender));
                let lookup = Lookup::new(sessions.clone(), how(&args));
                match to {
                    Some(to) => send_on(entries, &lookup, to, &mut output, say).await,
                    None => lookup.run(entries, &mut output, say).await,
                }
            } else {
                if let Some(to) = to {
                    output.send(Outbox::new(to));
                }
                let swept = sweep(&args, types, settings, &sessions, &mut output, (!terminal).then_some(say)).await;
                match output.take_outbox() {
                    Some(outbox) => swept.and(close(outbox, &mut output, say).await),
                    None => swept,
                }
            };
            say.end_progress();
            // Whoever stopped reading does not want to hear what the rest would have been.
            if !matches!(result, Err(Failure::Output(_))) {
                output.tally.say(say);
            }
            if args.stats {
                say.data(&serde_json::Value::from_iter(sessions.requests()).to_string());
            }
            result.map(|()| exit.unwrap_or_else(|| output.tally.exit()))
        })
    })
}

/// Works on a queue, and says with which exit code that ends, where it is not what was written that says so.
async fn consume(
    args: &Args,
    url: &QueueUrl,
    to: Option<Queue>,
    sessions: &Sessions,
    output: &mut Output<impl std::io::Write>,
    say: &Say,
) -> Result<Option<Exit>, Failure> {
    let queue = queue::open(sessions, url).await?;
    // What has not settled goes back on the queue instead of being waited for.
    let lookup = Lookup::new(sessions.clone(), How { settle: None, ..how(args) });
    let settle = args.settle.map_or(queue::SETTLE, |limit| limit.get().unsigned_abs());
    let rules = Rules { once: args.once, settle, only_tests: args.only_test_resources };
    Ok(match queue::consume(queue, to.as_ref(), &lookup, rules, output, say).await? {
        End::AtOnce => Some(Exit::Incomplete),
        // What went wrong in the life of a service was said when it did.
        End::Signalled if !args.once => Some(Exit::Done),
        End::Signalled | End::Empty => None,
    })
}

/// Puts references to what stdin is about on a queue.
async fn send_on(
    entries: mpsc::Receiver<Vec<Entry>>,
    lookup: &Lookup,
    to: Queue,
    output: &mut Output<impl std::io::Write>,
    say: &Say,
) -> Result<(), Failure> {
    let outbox = Outbox::new(to);
    let sent = queue::send_on(entries, lookup, &outbox, output, say).await;
    sent.and(close(outbox, output, say).await)
}

/// Waits until all references are on the queue, and names those that are not.
async fn close(outbox: Outbox, output: &mut Output<impl std::io::Write>, say: &Say) -> Result<(), Failure> {
    let sent = outbox.close().await?;
    for why in &sent.named {
        say.error(why);
    }
    say.note(format!("{} references sent", sent.accepted));
    if sent.lost > 0 {
        say.error(format!("{} references were not sent", sent.lost));
        output.tally.incomplete();
    }
    Ok(())
}

/// How what somebody names is looked up.
fn how(args: &Args) -> How {
    How {
        only_tests: args.only_test_resources,
        settle: args.settle.map(Settle::within),
        fetch: args.fetch,
        window: args.window,
    }
}

/// Whether a sweep only has to know what there is: tags are details, too.
fn names_only(args: &Args) -> bool {
    args.send.is_some() && !args.looks_up() && !args.only_test_resources
}

/// The least that this command line needs.
fn iam_policy(args: &Args, settings: &Settings, types: &[ResourceType]) -> serde_json::Value {
    let calls = if args.looks_up() { look_calls } else { list_calls };
    // Some sources of what is spent are asked only where the settings say so.
    let needed = |kind: ResourceType, operation: Operation| {
        kind != ResourceType::Spend || Sources::need(&settings.spend, operation)
    };
    let of_type = |kind: &ResourceType| {
        calls(*kind).iter().copied().filter(|operation| needed(*kind, *operation)).collect::<Vec<_>>()
    };
    let mut operations: Vec<Operation> = types.iter().flat_map(of_type).collect();
    // Somebody else looks.
    if args.looks_up() && args.send.is_some() {
        operations.clear();
    }
    if names_only(args) {
        operations.retain(|operation| !DETAILS.contains(operation));
    }
    if args.sqs.is_some() {
        // What has not settled is put back.
        operations.extend(RECEIVE_CALLS.iter().chain(SEND_CALLS));
    }
    if args.send.is_some() {
        operations.extend(SEND_CALLS);
    }
    if args.settle.is_some() && !args.looks_up() && args.send.is_none() {
        operations.extend(types.iter().flat_map(|kind| settle_calls(*kind)));
    }
    if args.looks_up() {
        operations.extend(types.iter().flat_map(|kind| ask_calls(*kind)));
    }
    if args.fetch {
        operations.push(S3_GET_OBJECT);
    }
    // Which regions there are; also asked where one that was named seems not to be enabled.
    if needs_regions(types) {
        operations.push(EC2_DESCRIBE_REGIONS);
    }
    let role = args.aws.role_everywhere(&settings.aws);
    let org_role = args.aws.org_role.as_deref().or(settings.aws.org_role.as_deref());
    let org_role = org_role.filter(|_| types.contains(&ResourceType::Organization));
    iam_policy::document(operations, role.as_deref().into_iter().chain(org_role))
}

async fn sweep(
    args: &Args,
    mut types: Vec<ResourceType>,
    settings: &Settings,
    sessions: &Sessions,
    output: &mut Output<impl std::io::Write>,
    progress: Option<&Say>,
) -> Result<(), Failure> {
    // Also reads the organization, where its accounts are wanted: nothing is written if that fails.
    let accounts = sessions.accounts().await.map_err(start)?;
    if types.contains(&ResourceType::Organization) {
        organization(sessions, output).await?;
    }
    types.retain(|kind| kind.extent() != Extent::Organization);
    if types.is_empty() {
        return Ok(());
    }
    // Who takes up what is sent waits for it.
    let settle = args.settle.filter(|_| args.send.is_none()).map(Settle::within);
    let wanted = Wanted::new(&args.regions, &settings.aws.regions);
    let spend = Arc::new(Sources::new(settings.spend.clone(), sessions.clone()));
    let only_tests = args.only_test_resources;
    let names_only = names_only(args);
    let sweep = Sweep { sessions: sessions.clone(), types, wanted, spend, only_tests, names_only, settle };
    sweep.run(accounts, output, progress).await
}

/// Writes the organization, first of all: what comes behind it is judged by who belongs to it. With
/// `--only-test-resources` too: it is no resource that somebody made, and the findings would be others without it.
async fn organization(sessions: &Sessions, output: &mut Output<impl std::io::Write>) -> Result<(), Failure> {
    let session = sessions.organization_session().await.map_err(start)?;
    let (account, resource) = match sessions.organization().await {
        Ok(organization) => (organization.account.clone(), Line::resource(organization)),
        Err(error) if error.code() == NO_ORGANIZATION => (session.account().clone(), None),
        Err(error) => return Err(start(error)),
    };
    let scope = scope(&account, &Region::global(), ResourceType::Organization, u64::from(resource.is_some()), None);
    for line in resource.into_iter().chain(Line::scope(scope)) {
        output.line(line)?;
    }
    output.flush()
}

#[expect(clippy::needless_pass_by_value, reason = "it is the argument of map_err")]
fn start(error: AwsError) -> Failure {
    Failure::Start(error.to_string())
}
