//! `honeytoken unplant`.

use std::path::PathBuf;

use common::cli::Failure;
use common::exit::Exit;

use crate::context::Context;

/// `honeytoken unplant`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// The file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The profile
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub(crate) profile: String,
    /// The access key id that has to stand there, where there is no registry to say that it is a token
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
}

/// Take a key out of a credentials file.
pub(crate) fn run(_args: Args, _context: Context<'_>) -> Result<Exit, Failure> {
    Err(Failure::Start("not built yet".into()))
}
