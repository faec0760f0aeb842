//! `honeytoken update`.

use common::cli::Failure;
use common::exit::Exit;

use super::About;
use crate::context::Context;

/// `honeytoken update`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// Tokens (as for `show`), or `-`: JSON values on stdin, with `token` and what is to be changed
    #[arg(value_name = "TOKEN", required = true)]
    pub(crate) tokens: Vec<String>,
    #[command(flatten)]
    pub(crate) about: About,
    /// They never expire
    #[arg(long, conflicts_with_all = ["expires_in", "expires_at"])]
    pub(crate) never_expires: bool,
    /// Take a label away
    #[arg(long, value_name = "NAME")]
    pub(crate) unlabel: Vec<String>,
}

/// Change whose tokens are, where they lie, what is noted of them, and when their time is over.
pub(crate) fn run(_args: Args, _context: Context<'_>) -> Result<Exit, Failure> {
    Err(Failure::Start("not built yet".into()))
}
