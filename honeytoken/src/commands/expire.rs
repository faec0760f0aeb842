//! `honeytoken expire`.

use common::aws::AwsArgs;
use common::cli::Failure;
use common::clock;
use common::exit::Exit;
use common::record::{Token, TokenState};
use common::settings::Period;
use jiff::Timestamp;

use super::changes::{Records, change, would};
use crate::context::Context;
use crate::factory::{delete::token as delete_token, disable::token as disable_token};
use crate::registry::{Filter, Registry};

/// `honeytoken expire`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// Deactivate their keys: a use of them leaves no trace from then on
    #[arg(long, conflicts_with = "delete")]
    pub(crate) disable: bool,
    /// Delete them
    #[arg(long)]
    pub(crate) delete: bool,
    /// Leave those alone whose time has been over for less than this
    #[arg(long, value_name = "TIME")]
    pub(crate) grace: Option<Period>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
}

/// What becomes of a token whose time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It is flagged, and watched as before.
    Flag,
    Disable,
    Delete,
}

impl End {
    /// Whether it is still to be done: what was done is not told again.
    fn is_due(self, token: &Token) -> bool {
        match self {
            Self::Flag => token.expired_at.is_none(),
            Self::Disable => matches!(token.state, TokenState::Active),
            Self::Delete => true,
        }
    }

    fn what(self) -> &'static str {
        match self {
            Self::Flag => "flag it as expired",
            Self::Disable => "deactivate its keys",
            Self::Delete => "delete it",
        }
    }
}

/// Deal with the tokens whose time is over.
pub(crate) fn run(args: Args, context: Context<'_>) -> Result<Exit, Failure> {
    let Args { disable, delete, grace, dry_run, aws } = args;
    let end = match (disable, delete) {
        (true, _) => End::Disable,
        (_, true) => End::Delete,
        _ => End::Flag,
    };
    let now = clock::now();
    // Ahead of all that was ever written is no time.
    let since = grace.map_or(now, |grace| now.checked_sub(grace.get()).unwrap_or(Timestamp::MIN));
    let registry = context.open()?;
    if dry_run {
        let over = over(&registry, end, since)?;
        let told = over.iter().map(|token| (token, end.what().to_owned()));
        return would(context.io.output, context.io.say, told).map(|()| Exit::Done);
    }
    let _held = registry.hold(context.io.say)?;
    let over = over(&registry, end, since)?;
    let ids: Vec<&str> = over.iter().map(|token| token.token.as_str()).collect();
    if end == End::Flag {
        // Each is told once: those of which nobody could be told, by the next run.
        let mut output = Records::new(context.io.output);
        for token in &over {
            output.write(&Token { expired_at: Some(now), ..token.clone() });
        }
        output.finish()?;
        return Ok(registry.expire(&ids, now).map(|()| Exit::Done)?);
    }
    registry.expire(&ids, now)?;
    change(context, &aws, &registry, &over, |token: &Token| token, &async |work, token: &Token| {
        let token = work.token(&token.token)?;
        if end == End::Delete { delete_token(work, &token).await } else { disable_token(work, &token).await }
    })
}

/// The tokens whose time was over at `since`, and with which something is to be done.
fn over(registry: &Registry, end: End, since: Timestamp) -> Result<Vec<Token>, Failure> {
    let mut tokens = registry.tokens(&Filter::default())?;
    tokens.retain(|token| token.has_expired(since) && end.is_due(token));
    Ok(tokens)
}
