//! `honeytoken delete`.

use common::aws::AwsArgs;
use common::cli::Failure;
use common::exit::Exit;
use common::record::{KeyStatus, Token};

use super::changes::{change, would};
use super::named::{Named, named};
use crate::context::Context;
use crate::factory::delete::{self, Work};
use crate::factory::whose::NotDone;

/// `honeytoken delete`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// Tokens (as for `show`), or `-`: JSON values on stdin, with `token`. An access key id means that key alone: the user and
    /// its guard stay until the last key is gone
    #[arg(value_name = "TOKEN", required = true)]
    pub(crate) tokens: Vec<String>,
    /// Say what would be deleted, and delete nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
}

/// Delete tokens, or single keys.
pub(crate) fn run(args: Args, mut context: Context<'_>) -> Result<Exit, Failure> {
    let Args { tokens, dry_run, aws } = args;
    let registry = context.open()?;
    let input = std::mem::replace(&mut context.io.input, Box::new(std::io::empty()));
    let (found, exit) = named(&registry, &tokens, input, context.io.say)?;
    if dry_run {
        let told = found.iter().map(|it| (&it.token, what(it)));
        return would(context.io.output, context.io.say, told).map(|()| exit);
    }
    let _held = registry.hold(context.io.say)?;
    let deleted = change(context, &aws, &registry, &found, |it: &Named| &it.token, &async |work, it: &Named| {
        one(work, it).await
    })?;
    Ok(exit.and(deleted))
}

async fn one(work: Work<'_>, named: &Named) -> Result<Token, NotDone> {
    // What was begun before may have come to its end meanwhile.
    let mut token = work.token(&named.token.token)?;
    if named.keys.is_empty() {
        return delete::token(work, &token).await;
    }
    // One after the other: each has to know whether it is the last one.
    for key in &named.keys {
        token = delete::key(work, &token, key).await?;
    }
    Ok(token)
}

fn what(Named { token, keys }: &Named) -> String {
    let live: Vec<&str> =
        token.keys.iter().filter(|key| key.status != KeyStatus::Deleted).map(|key| key.id.as_str()).collect();
    let stays = live.iter().any(|key| !keys.iter().any(|named| named == key));
    if !token.state.is_there() {
        "do nothing: it is deleted".to_owned()
    } else if !keys.is_empty() && stays {
        format!("delete {}", keys.join(", "))
    } else if live.is_empty() {
        "delete the user, which has no key".to_owned()
    } else {
        format!("delete {} and the user", live.join(", "))
    }
}
