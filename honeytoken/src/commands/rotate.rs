//! `honeytoken rotate`.

use common::aws::AwsArgs;
use common::cli::Failure;
use common::exit::Exit;

use super::HandOut;
use crate::context::Context;

/// `honeytoken rotate`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// Tokens (as for `show`), or `-`: JSON values on stdin, with `token`
    #[arg(value_name = "TOKEN", required = true)]
    pub(crate) tokens: Vec<String>,
    /// Take the old keys away: the new ones are planted
    #[arg(long)]
    pub(crate) finish: bool,
    #[command(flatten)]
    pub(crate) hand_out: HandOut,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
}

/// Give tokens new keys, and take the old ones away when the new ones are planted.
pub(crate) fn run(_args: Args, _context: Context<'_>) -> Result<Exit, Failure> {
    Err(Failure::Start("not built yet".into()))
}
