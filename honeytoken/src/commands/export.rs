//! `honeytoken export`.

use common::cli::Failure;
use common::exit::Exit;
use common::record::TokenState;

use super::Listing;
use crate::context::Context;
use crate::list;

/// `honeytoken export`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) listing: Listing,
}

/// Write the registry's tokens as records, those that were deleted as well.
pub(crate) fn run(args: Args, context: Context<'_>) -> Result<Exit, Failure> {
    let Listing { mut which, output } = args.listing;
    if which.state.is_empty() {
        // Events come late: elsewhere, too, tokens are to be known that were deleted.
        which.state = TokenState::ALL.to_vec();
    }
    let registry = context.open()?;
    list::write(&registry, &which, output, context.io)
}
