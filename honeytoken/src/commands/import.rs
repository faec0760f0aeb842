//! `honeytoken import`.

use std::fs::File;
use std::path::{Path, PathBuf};

use common::cli::Failure;
use common::exit::Exit;

use crate::context::Context;
use crate::import;

/// `honeytoken import`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// A file (NDJSON as `export` writes it, or SpaceCrab's CSV, packed or not) [default: stdin]
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

/// Read tokens into the registry.
pub(crate) fn run(args: Args, context: Context<'_>) -> Result<Exit, Failure> {
    let file = args.file.as_deref().filter(|file| *file != Path::new("-"));
    // Before a registry is made for nothing.
    let file = file.map(|path| {
        File::open(path).map_err(|error| Failure::Start(format!("cannot read {}: {error}", path.display())))
    });
    let file = file.transpose()?;
    let (registry, _held) = context.open_to_change()?;
    let say = context.io.say;
    let tally = match file {
        Some(file) => import::run(file, &registry, say)?,
        None => import::run(context.io.input, &registry, say)?,
    };
    let refused = if tally.refused == 0 { String::new() } else { format!(", and {} were not", tally.refused) };
    say.note(format!("{} new tokens were taken in, {} that were known{refused}", tally.new, tally.known));
    Ok(tally.exit())
}
