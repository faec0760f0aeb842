//! `honeytoken export`.

use common::cli::Failure;
use common::exit::Exit;

use super::{Output, Which};
use crate::context::Context;
use crate::list;

/// `honeytoken export`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) which: Which,
    /// How
    #[arg(short, long, value_enum, default_value_t = Output::Json)]
    pub(crate) output: Output,
}

/// Write the registry's tokens as records.
pub(crate) fn run(args: Args, context: Context<'_>) -> Result<Exit, Failure> {
    let registry = context.open()?;
    list::write(&registry, &args.which, args.output, context.io)
}
