//! `honeytoken decode`.

use common::cli::Failure;
use common::exit::Exit;

use crate::context::Context;

/// `honeytoken decode`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// Access key ids, or `-`: any text on stdin
    #[arg(value_name = "KEY", required = true)]
    pub(crate) keys: Vec<String>,
}

/// Tell the account from an access key id.
pub(crate) fn run(_args: Args, _context: Context<'_>) -> Result<Exit, Failure> {
    Err(Failure::Start("not built yet".into()))
}
