//! `honeytoken list`.

use common::cli::Failure;
use common::exit::Exit;

use super::Listing;
use crate::context::Context;
use crate::list;

/// `honeytoken list`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) listing: Listing,
}

/// List tokens.
pub(crate) fn run(args: Args, context: Context<'_>) -> Result<Exit, Failure> {
    let Listing { which, output } = args.listing;
    let registry = context.open()?;
    list::write(&registry, &which, output, context.io)
}
