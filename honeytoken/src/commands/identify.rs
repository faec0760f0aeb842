//! `honeytoken identify`.

use std::path::PathBuf;

use common::cli::Failure;
use common::exit::Exit;

use crate::context::Context;

/// `honeytoken identify`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// Files [default: stdin]
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

/// Say which keys of a text are tokens.
pub(crate) fn run(_args: Args, _context: Context<'_>) -> Result<Exit, Failure> {
    Err(Failure::Start("not built yet".into()))
}
