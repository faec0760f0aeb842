//! `honeytoken decode`.

use std::collections::HashSet;
use std::io::Read;

use common::cli::{Failure, Io};
use common::exit::Exit;
use common::stream::Writer;
use serde::Serialize;

use crate::context::Context;
use crate::key_id::KeyId;
use crate::names::known_decoy_account;
use crate::scan::{Found, scan};

/// `honeytoken decode`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// Access key ids, or `-`: any text on stdin
    #[arg(value_name = "KEY", required = true)]
    pub(crate) keys: Vec<String>,
}

/// What an id tells.
#[derive(Serialize)]
struct Record<'a> {
    kind: &'static str,
    key: &'a str,
    prefix: &'static str,
    what: &'static str,
    generation: &'static str,
    account: Option<&'a str>,
    known_decoys: Option<&'static str>,
}

/// How many ids of a text are remembered, so that each is told once: a text may have as many as it likes.
const REMEMBERED: usize = 100_000;

/// Tell the account from an access key id.
pub(crate) fn run(args: Args, context: Context<'_>) -> Result<Exit, Failure> {
    let Args { keys } = args;
    let Io { input, output, say, .. } = context.io;
    let mut writer = Writer::new(output);
    let mut exit = Exit::Done;
    let mut input = Some(input);
    for key in keys {
        if key == "-" {
            exit = exit.and(decode_text(input.take(), &mut writer)?);
        } else if let Some(id) = KeyId::parse(&key) {
            writer.write(&record(&key, &id)).map_err(Failure::Output)?;
        } else {
            say.error(format_args!("`{key}` is no access key id: AKIA or ASIA, and 16 of A-Z and 2-7"));
            exit = exit.and(Exit::Incomplete);
        }
    }
    writer.flush().map_err(Failure::Output)?;
    Ok(exit)
}

/// Each id that is in a text, once. A text without any answers "no".
fn decode_text(
    input: Option<Box<dyn Read + Send>>,
    writer: &mut Writer<Box<dyn std::io::Write + Send>>,
) -> Result<Exit, Failure> {
    let Some(input) = input else { return Ok(Exit::Done) };
    let (mut seen, mut exit, mut written) = (HashSet::new(), Exit::No, Ok(()));
    let read = scan(input, |found, _| {
        let Found::Id(text) = found else { return };
        if let Some(id) = KeyId::parse(text)
            && !seen.contains(text)
        {
            if seen.len() >= REMEMBERED {
                seen.clear();
            }
            seen.insert(text.to_owned());
            exit = Exit::Done;
            if written.is_ok() {
                written = writer.write(&record(text, &id));
            }
        }
    });
    written.map_err(Failure::Output)?;
    read.map_err(Failure::Input)?;
    Ok(exit)
}

fn record<'a>(key: &'a str, id: &'a KeyId) -> Record<'a> {
    let account = id.account.as_ref();
    Record {
        kind: "key",
        key,
        prefix: id.prefix,
        what: id.what,
        generation: id.generation.name(),
        account: account.map(AsRef::as_ref),
        known_decoys: account.and_then(known_decoy_account),
    }
}
