//! `honeytoken plant`.

use std::path::PathBuf;

use common::cli::Failure;
use common::exit::Exit;
use common::id::Region;

use crate::context::Context;

/// `honeytoken plant`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// The file, such as ~/.aws/credentials. It is made where it is missing
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The profile
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub(crate) profile: String,
    /// The region that stands with it
    #[arg(long, value_name = "REGION")]
    pub(crate) as_region: Option<Region>,
    /// Replace the keys of a profile that is there, also where they are nobody's token
    #[arg(long)]
    pub(crate) replace: bool,
}

/// Put a key into a credentials file.
pub(crate) fn run(_args: Args, _context: Context<'_>) -> Result<Exit, Failure> {
    Err(Failure::Start("not built yet".into()))
}
