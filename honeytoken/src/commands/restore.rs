//! `honeytoken restore`.

use std::path::PathBuf;

use common::cli::Failure;
use common::exit::Exit;

use crate::context::Context;

/// `honeytoken restore`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// The copy
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Also over a registry that has changed since the copy was made; that one is kept beside it
    #[arg(long)]
    pub(crate) force: bool,
}

/// Bring a copy of the registry back.
pub(crate) fn run(_args: Args, _context: Context<'_>) -> Result<Exit, Failure> {
    Err(Failure::Start("not built yet".into()))
}
