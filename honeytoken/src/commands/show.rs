//! `honeytoken show`.

use std::collections::BTreeSet;

use common::cli::Failure;
use common::exit::Exit;
use common::record::Token;
use serde::Serialize;

use crate::context::Context;
use crate::list;
use crate::registry::Past;

/// `honeytoken show`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// Tokens: ids in the registry, names or ARNs of users, access key ids
    #[arg(value_name = "TOKEN", required = true)]
    pub(crate) tokens: Vec<String>,
}

/// A token record, and what came of the token.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    token: &'a Token,
    #[serde(flatten)]
    past: Past,
}

/// Show tokens with all that is known of them.
pub(crate) fn run(args: Args, context: Context<'_>) -> Result<Exit, Failure> {
    let registry = context.open()?;
    let (mut found, mut seen, mut exit) = (Vec::new(), BTreeSet::new(), Exit::Done);
    for name in &args.tokens {
        let tokens = registry.find(name)?;
        if tokens.is_empty() {
            context.io.say.error(format!("there is no token `{name}`"));
            exit = Exit::Incomplete;
        }
        // Whoever names one by its key and its user wants to see it once.
        found.extend(tokens.into_iter().filter(|token| seen.insert(token.token.clone())));
    }
    let shown = found.iter().map(|token| Ok(Shown { token, past: registry.past(&token.token)? }));
    let shown: Vec<Shown<'_>> = shown.collect::<Result<_, Failure>>()?;
    list::records(&shown, context.io.output)?;
    Ok(exit)
}
