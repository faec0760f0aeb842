//! `honeytoken backup`.

use std::path::PathBuf;

use common::cli::Failure;
use common::exit::Exit;

use crate::context::Context;
use crate::registry;

/// `honeytoken backup`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// Where to: a file that is not there yet
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// Copy the registry.
pub(crate) fn run(args: Args, context: Context<'_>) -> Result<Exit, Failure> {
    // An older one becomes one of this version before it is copied.
    let registry = context.open()?;
    let count = registry::copy(registry.path(), &args.file)?;
    let tokens = if count == 1 { "token" } else { "tokens" };
    context.io.say.note(format!("copied {count} {tokens}, deleted ones included, to {}", args.file.display()));
    Ok(Exit::Done)
}
