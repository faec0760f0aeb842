//! `honeytoken doctor`.

use common::aws::AwsArgs;
use common::cli::Failure;
use common::exit::Exit;

use super::Sources;
use crate::context::Context;
use crate::doctor;

/// `honeytoken doctor`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) sources: Sources,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
}

/// Say what keeps tokens from being noticed, as findings.
#[expect(clippy::needless_pass_by_value, reason = "all commands are called alike")]
pub(crate) fn run(args: Args, context: Context<'_>) -> Result<Exit, Failure> {
    doctor::run(&args, context)
}
