//! Commands that change tokens: many at once, each answer a record, each failure named, and the rest goes on.

use std::io::Write;

use common::aws::{AwsArgs, block_on};
use common::cli::{Failure, Say};
use common::exit::Exit;
use common::record::Token;
use common::settings::Settings;
use common::stream::Writer;
use futures_util::{StreamExt, stream};

use crate::accounts::Accounts;
use crate::context::Context;
use crate::factory::delete::Work;
use crate::factory::recover::recover;
use crate::factory::whose::NotDone;
use crate::registry::Registry;

/// How many tokens are worked on at once. How fast IAM is called each account's pace says.
pub(crate) const AT_ONCE: usize = 64;

/// Changes tokens, and writes each as it is afterwards, in the order of `items`. `token` is the token that an item is about.
pub(crate) fn change<T>(
    context: Context<'_>,
    args: &AwsArgs,
    registry: &Registry,
    items: &[T],
    token: impl Fn(&T) -> &Token,
    work: &impl AsyncFn(Work<'_>, &T) -> Result<Token, NotDone>,
) -> Result<Exit, Failure> {
    // What an earlier run left is not left to lie because there is nothing else to do.
    if items.is_empty() && registry.unfinished()?.is_empty() {
        return Ok(Exit::Done);
    }
    block_on(async {
        let accounts = enter(&context, args, registry).await?;
        let recovered = recover(registry, &accounts, context.io.say).await?;
        let Context { io, .. } = context;
        let say = io.say;
        let all = Work { registry, accounts: &accounts, say };
        let mut output = Records::new(io.output);
        let (count, mut done, mut exit) = (items.len(), 0, recovered);
        let mut answers = stream::iter(items).map(async |item| (item, work(all, item).await)).buffered(AT_ONCE);
        while let Some((item, answer)) = answers.next().await {
            match answer {
                Ok(token) => output.write(&token),
                Err(error) => {
                    let Token { token, id, account, .. } = token(item);
                    say.error(format!("token {token} (user {id} in account {account}): {error}"));
                    exit = exit.and(Exit::Incomplete);
                }
            }
            done += 1;
            say.progress(format!("{done} of {count}"));
        }
        say.end_progress();
        output.finish_with(exit)
    })
}

/// The way to the accounts.
pub(crate) async fn enter(context: &Context<'_>, args: &AwsArgs, registry: &Registry) -> Result<Accounts, Failure> {
    let sessions = context.sessions(args).await?;
    let settings: &Settings = context.settings;
    Accounts::open(&sessions, &settings.honeytoken, registry).await
}

/// Records on their way out. That nobody reads them any more does not keep anything from being done.
pub(crate) struct Records {
    out: Writer<Box<dyn Write + Send>>,
    failed: Option<std::io::Error>,
}

impl Records {
    pub(crate) fn new(out: Box<dyn Write + Send>) -> Self {
        Self { out: Writer::new(out), failed: None }
    }

    /// Writes a record, and sends it off.
    pub(crate) fn write<T: serde::Serialize>(&mut self, record: &T) {
        if self.failed.is_none() {
            self.failed = self.out.write(record).and_then(|()| self.out.flush()).err();
        }
    }

    /// How the tool ends: that nobody reads its records is a quiet end only where all else was done.
    pub(crate) fn finish_with(self, exit: Exit) -> Result<Exit, Failure> {
        match self.finish() {
            Err(_) if exit != Exit::Done => Ok(exit),
            finished => finished.map(|()| exit),
        }
    }

    /// What became of the output.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        self.failed.map_or(Ok(()), |error| Err(Failure::Output(error)))
    }
}

/// Says what would be done, and writes the tokens as they are.
pub(crate) fn would<'a>(
    output: Box<dyn Write + Send>,
    say: &Say,
    tokens: impl IntoIterator<Item = (&'a Token, String)>,
) -> Result<(), Failure> {
    let mut output = Records::new(output);
    for (token, what) in tokens {
        say.note(format!("would {what} (token {}, user {} in account {})", token.token, token.id, token.account));
        output.write(token);
    }
    output.finish()
}
