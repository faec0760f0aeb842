//! `honeytoken expire`.

use common::aws::AwsArgs;
use common::cli::Failure;
use common::exit::Exit;
use common::settings::Period;

use crate::context::Context;

/// `honeytoken expire`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// Deactivate their keys: a use of them leaves no trace from then on
    #[arg(long, conflicts_with = "delete")]
    pub(crate) disable: bool,
    /// Delete them
    #[arg(long)]
    pub(crate) delete: bool,
    /// Leave those alone whose time has been over for less than this
    #[arg(long, value_name = "TIME")]
    pub(crate) grace: Option<Period>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
}

/// Deal with the tokens whose time is over.
pub(crate) fn run(_args: Args, _context: Context<'_>) -> Result<Exit, Failure> {
    Err(Failure::Start("not built yet".into()))
}
