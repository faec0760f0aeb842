//! `honeytoken`: makes decoy access keys, and says when one is touched.
//!
//! A decoy (a *token*) is an IAM user that may do nothing, with an access key that lies where a thief looks. Whoever uses it
//! has told that they were there. The *registry*, a file of SQLite, knows whose each token is and where it lies; it never
//! holds a secret. See `docs/honeytokens.md`.
//!
//! # Layout
//!
//! - `args`, `context`: the command line; what all commands have in common. `commands`: one file per command.
//! - `accounts`, `iam`: where they are, and the way there. `factory`: tokens are made and taken away.
//! - `registry`: what is known of the tokens. `list`, `report`: how it is written. `import`: how it is
//!   read. `secret`: secrets, which are handed out once.
//! - `names`: plausible names. `hand_out`: secrets on their way to where they are planted.
//! - `watch`: events come in, alerts go out.
//! - `accounts`, `iam`: where they are, and the way there.
//! - `factory`: tokens are made and taken away. `reconcile`: the registry beside IAM.
//! - `drill`: tokens are used on purpose. `doctor`: what keeps them from being noticed.
//! - `factory`: tokens are made and taken away.
//! - `registry`: what is known of the tokens. `secret`: secrets, which are handed out once.
//! - `names`: plausible names. `hand_out`: secrets on their way to where they are planted. `plant`: keys, in credentials
//!   files.
//! - `key_id`: what an access key id tells. `scan`: finds ids and secrets in any text.

mod accounts;
mod args;
mod commands;
mod context;
mod doctor;
mod drill;
mod factory;
mod hand_out;
mod iam;
mod import;
mod key_id;
mod list;
mod names;
mod plant;
mod reconcile;
mod registry;
mod report;
mod scan;
mod secret;
mod watch;

use std::process::ExitCode;

use common::cli::{self, Failure, Io};
use common::exit::Exit;
use common::settings::Settings;

pub use args::Args;

use context::Context;

/// Runs the tool with the process's own arguments and streams.
pub fn main() -> ExitCode {
    cli::main(run)
}

/// Runs one command.
///
/// # Errors
///
/// What the command could not do, and that no record tells.
pub fn run(args: Args, settings: &Settings, io: Io<'static>) -> Result<Exit, Failure> {
    let Args { registry, command, .. } = args;
    command.run(Context { settings, registry, io })
}
