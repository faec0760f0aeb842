//! `honeytoken show`.

use common::cli::Failure;
use common::exit::Exit;

use crate::context::Context;

/// `honeytoken show`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// Tokens: ids in the registry, names or ARNs of users, access key ids
    #[arg(value_name = "TOKEN", required = true)]
    pub(crate) tokens: Vec<String>,
}

/// Show tokens with all that is known of them.
pub(crate) fn run(_args: Args, _context: Context<'_>) -> Result<Exit, Failure> {
    Err(Failure::Start("not built yet".into()))
}
