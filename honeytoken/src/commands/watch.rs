//! `honeytoken watch`.

use std::path::PathBuf;

use common::aws::AwsArgs;
use common::cli::Failure;
use common::exit::Exit;
use common::settings::Period;

use super::Sources;
use crate::context::Context;

/// `honeytoken watch`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// Files, packed or not [default: stdin, where no other source is named]
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) sources: Sources,
    /// Tokens as `export` writes them, instead of a registry: nothing is remembered from run to run
    #[arg(long, value_name = "FILE", conflicts_with = "registry")]
    pub(crate) tokens: Option<PathBuf>,
    /// After how long without an event an incident is over [default: 30m]
    #[arg(long, value_name = "TIME")]
    pub(crate) quiet: Option<Period>,
    /// An alert for each event, not for each incident
    #[arg(long)]
    pub(crate) every_event: bool,
    /// End when all that is there has been read
    #[arg(long)]
    pub(crate) once: bool,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
}

/// Watch CloudTrail, and write an alert when a token is touched.
pub(crate) fn run(_args: Args, _context: Context<'_>) -> Result<Exit, Failure> {
    Err(Failure::Start("not built yet".into()))
}
