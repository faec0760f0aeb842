//! `honeytoken report`.

use common::cli::Failure;
use common::exit::Exit;
use common::settings::Period;

use super::{Output, Which};
use crate::context::Context;

/// `honeytoken report`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) which: Which,
    /// How
    #[arg(short, long, value_enum, default_value_t = Output::Json)]
    pub(crate) output: Output,
    /// What expires within this time is expiring
    #[arg(long, value_name = "TIME", default_value = "30d")]
    pub(crate) expiring: Period,
}

/// Say how the tokens are doing: planted, expiring, fired, never drilled.
pub(crate) fn run(_args: Args, _context: Context<'_>) -> Result<Exit, Failure> {
    Err(Failure::Start("not built yet".into()))
}
