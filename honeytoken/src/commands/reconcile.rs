//! `honeytoken reconcile`.

use common::aws::AwsArgs;
use common::cli::Failure;
use common::exit::Exit;

use crate::context::Context;

/// `honeytoken reconcile`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// Mend what differs
    #[arg(long)]
    pub(crate) apply: bool,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
}

/// Compare the registry with IAM, and mend what differs.
pub(crate) fn run(_args: Args, _context: Context<'_>) -> Result<Exit, Failure> {
    Err(Failure::Start("not built yet".into()))
}
