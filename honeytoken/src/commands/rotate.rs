//! `honeytoken rotate`.

use std::sync::atomic::AtomicBool;

use common::aws::AwsArgs;
use common::cli::Failure;
use common::exit::Exit;

use super::HandOut;
use super::changes::change;
use super::named::{Named, named};
use crate::context::Context;
use crate::factory::rotate;
use crate::hand_out::Hand;

/// `honeytoken rotate`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// Tokens (as for `show`), or `-`: JSON values on stdin, with `token`
    #[arg(value_name = "TOKEN", required = true)]
    pub(crate) tokens: Vec<String>,
    /// Take the old keys away: the new ones are planted
    #[arg(long)]
    pub(crate) finish: bool,
    #[command(flatten)]
    pub(crate) hand_out: HandOut,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
}

/// Give tokens new keys, and take the old ones away when the new ones are planted.
pub(crate) fn run(args: Args, mut context: Context<'_>) -> Result<Exit, Failure> {
    let Args { tokens, finish, hand_out, aws } = args;
    let say = context.io.say;
    let registry = context.open()?;
    let input = std::mem::replace(&mut context.io.input, Box::new(std::io::empty()));
    let (found, exit) = named(&registry, &tokens, input, context.io.say)?;
    if finish {
        let _held = registry.hold(context.io.say)?;
        let finished = change(context, &aws, &registry, &found, |it: &Named| &it.token, &async |work, it: &Named| {
            rotate::finish(work, &work.token(&it.token.token)?).await
        })?;
        return Ok(exit.and(finished));
    }
    // Whether secrets can be handed out is to be known before there are any.
    let output = std::mem::replace(&mut context.io.output, Box::new(std::io::sink()));
    let hand = Hand::new(&hand_out, output)?;
    let broken = AtomicBool::new(false);
    let _held = registry.hold(context.io.say)?;
    let rotated = change(context, &aws, &registry, &found, |it: &Named| &it.token, &async |work, it: &Named| {
        rotate::token(work, &hand, &broken, &work.token(&it.token.token)?).await
    })?;
    // Of what went wrong before somebody has heard: a secret that nobody got is no quiet end.
    if rotated == Exit::Done {
        hand.finish()?;
        if !found.is_empty() {
            say.note(
                "the old keys work on: plant the new ones, then `honeytoken rotate --finish` takes the old ones away",
            );
        }
    }
    Ok(exit.and(rotated))
}
