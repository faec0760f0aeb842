//! `honeytoken drill`.

use std::path::PathBuf;

use common::aws::AwsArgs;
use common::cli::Failure;
use common::exit::Exit;
use common::settings::Period;

use super::Sources;
use crate::context::Context;
use crate::drill;

/// `honeytoken drill`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// The file with the key and its secret: a credentials file, or what `create` wrote as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: PathBuf,
    /// The profile in it
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub(crate) as_profile: String,
    /// How long to wait
    #[arg(long, value_name = "TIME", default_value = "30m")]
    pub(crate) deadline: Period,
    #[command(flatten)]
    pub(crate) sources: Sources,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
}

/// Use a token on purpose, and measure how long it takes until that is noticed.
#[expect(clippy::needless_pass_by_value, reason = "all commands are called alike")]
pub(crate) fn run(args: Args, context: Context<'_>) -> Result<Exit, Failure> {
    drill::run(&args, context)
}
