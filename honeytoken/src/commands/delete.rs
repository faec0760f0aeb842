//! `honeytoken delete`.

use common::aws::AwsArgs;
use common::cli::Failure;
use common::exit::Exit;

use crate::context::Context;

/// `honeytoken delete`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// Tokens (as for `show`), or `-`: JSON values on stdin, with `token`. An access key id means that key alone: the user and
    /// its guard stay until the last key is gone
    #[arg(value_name = "TOKEN", required = true)]
    pub(crate) tokens: Vec<String>,
    /// Say what would be deleted, and delete nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
}

/// Delete tokens, or single keys.
pub(crate) fn run(_args: Args, _context: Context<'_>) -> Result<Exit, Failure> {
    Err(Failure::Start("not built yet".into()))
}
