//! `honeytoken backup`.

use std::path::PathBuf;

use common::cli::Failure;
use common::exit::Exit;

use crate::context::Context;

/// `honeytoken backup`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// Where to: a file that is not there yet
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// Copy the registry.
pub(crate) fn run(_args: Args, _context: Context<'_>) -> Result<Exit, Failure> {
    Err(Failure::Start("not built yet".into()))
}
