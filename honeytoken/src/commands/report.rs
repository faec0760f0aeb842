//! `honeytoken report`.

use common::cli::Failure;
use common::clock;
use common::exit::Exit;
use common::settings::Period;

use super::{Listing, Output};
use crate::context::Context;
use crate::list;
use crate::list::which::later;
use crate::report;

/// `honeytoken report`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) listing: Listing,
    /// What expires within this time is expiring
    #[arg(long, value_name = "TIME", default_value = "30d")]
    pub(crate) expiring: Period,
}

/// Say how the tokens are doing: planted, expiring, fired, never drilled.
pub(crate) fn run(args: Args, context: Context<'_>) -> Result<Exit, Failure> {
    let Args { listing: Listing { which, output }, expiring } = args;
    let now = clock::now();
    let registry = context.open()?;
    let tokens = which.tokens(&registry, now)?;
    let lines = report::lines(&tokens, &context.settings.honeytoken, now, later(now, expiring.get()));
    match output {
        Output::Json => list::records(&lines, context.io.output)?,
        Output::Table => list::put(context.io.output, report::table(&lines).as_bytes())?,
        Output::Csv => list::put(context.io.output, &report::csv(&lines).map_err(Failure::Output)?)?,
    }
    Ok(Exit::Done)
}
