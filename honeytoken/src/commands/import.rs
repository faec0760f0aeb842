//! `honeytoken import`.

use std::path::PathBuf;

use common::cli::Failure;
use common::exit::Exit;

use crate::context::Context;

/// `honeytoken import`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// A file (NDJSON as `export` writes it, or SpaceCrab's CSV, packed or not) [default: stdin]
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

/// Read tokens into the registry.
pub(crate) fn run(_args: Args, _context: Context<'_>) -> Result<Exit, Failure> {
    Err(Failure::Start("not built yet".into()))
}
