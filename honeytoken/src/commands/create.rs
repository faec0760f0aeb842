//! `honeytoken create`.

use common::aws::AwsArgs;
use common::cli::Failure;
use common::exit::Exit;
use common::record::Guard;

use super::{About, HandOut};
use crate::context::Context;

/// `honeytoken create`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// `-`: make one token for each JSON value on stdin, with `owner`, `location`, `notes`, `expires_at` and `labels`; what it
    /// does not say is as the flags have it
    #[arg(value_name = "-", value_parser = ["-"], conflicts_with = "count")]
    pub(crate) stdin: Option<String>,
    /// How many to make; `{n}` in --location and --notes is the number of each. Without it these are all new ones
    #[arg(long, short = 'n', value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) count: u32,
    #[command(flatten)]
    pub(crate) about: About,
    /// Make new ones also where the owner has a token at that location
    #[arg(long)]
    pub(crate) new: bool,
    /// What keeps the users from doing anything [default: inline]
    #[arg(long, value_name = "GUARD")]
    pub(crate) guard: Option<Guard>,
    /// A template of the users' names, such as `svc-{service}-{env}`; one of several is taken for each [default: built-in ones]
    #[arg(long, value_name = "TEMPLATE")]
    pub(crate) name: Vec<String>,
    /// The users' path [default: /]
    #[arg(long, value_name = "PATH")]
    pub(crate) path: Option<String>,
    #[command(flatten)]
    pub(crate) hand_out: HandOut,
    /// Say what would be made, and where, and make nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
}

/// Make tokens: users that may do nothing, with access keys.
pub(crate) fn run(_args: Args, _context: Context<'_>) -> Result<Exit, Failure> {
    Err(Failure::Start("not built yet".into()))
}
