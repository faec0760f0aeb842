//! `poll` writes what exists in AWS accounts as NDJSON: a `resource` record for each thing that it finds, and a `scope`
//! record for each (account, region, type) that it set out to cover, which says whether it was.
//!
//! # Layout
//!
//! - `cli`: the command line. `sweep`: everything of some types in some regions of some accounts. `lookup`: `poll -`,
//!   the resources that the input names.
//! - `plan`: which listings a sweep takes. `account`: an account while it is looked at.
//! - [`types`]: one file for each resource type, and [`look`], with which `remediate` looks before and after it acts.
//! - `sink`, `output`, `tally`: what becomes of a record that a listing found.

mod account;
mod cli;
mod lookup;
mod output;
mod plan;
mod sink;
mod sweep;
mod tally;
mod types;

use std::process::ExitCode;

use common::aws::{Sessions, block_on};
use common::cli::{Failure, Io, Tool};
use common::exit::Exit;
use common::resource::ResourceType;
use common::settings::Settings;
use tokio::sync::mpsc;

pub use cli::Args;
pub use types::{Look, look, look_calls};

use lookup::Lookup;
use output::Output;
use plan::{Wanted, without_repeats};
use sweep::Sweep;

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
    let Io { input, output, terminal, say } = io;
    let mut output = Output::new(output);
    std::thread::scope(|scope| {
        block_on(async {
            let sessions = Sessions::start(&args.aws, &settings.aws, Args::NAME).await?;
            let result = if args.looks_up() {
                let (sender, entries) = mpsc::channel(1);
                // Reading blocks, and must not begin before it is clear that there are credentials.
                scope.spawn(move || lookup::read(input, &sender));
                Lookup::new(sessions.clone(), args.only_test_resources).run(entries, &mut output, say).await
            } else {
                sweep(&args, settings, &sessions, &mut output, (!terminal).then_some(say)).await
            };
            say.end_progress();
            // Whoever stopped reading does not want to hear what the rest would have been.
            if !matches!(result, Err(Failure::Output(_))) {
                output.tally.say(say);
            }
            if args.stats {
                say.data(&serde_json::Value::from_iter(sessions.requests()).to_string());
            }
            result.map(|()| output.tally.exit())
        })
    })
}

async fn sweep(
    args: &Args,
    settings: &Settings,
    sessions: &Sessions,
    output: &mut Output<impl std::io::Write>,
    progress: Option<&common::cli::Say>,
) -> Result<(), Failure> {
    let accounts = sessions.accounts().await.map_err(|error| Failure::Start(error.to_string()))?;
    let types = if args.types.is_empty() { ResourceType::ALL.to_vec() } else { without_repeats(&args.types) };
    let wanted = Wanted::new(&args.regions, &settings.aws.regions);
    let sweep = Sweep { sessions: sessions.clone(), types, wanted, only_tests: args.only_test_resources };
    sweep.run(accounts, output, progress).await
}
