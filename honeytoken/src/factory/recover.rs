//! What a process began and did not end, since it was killed, is brought to its end: by every command that changes tokens,
//! before it does anything else.
//!
//! A token that was being made is taken back, unless its secret is where it was to be. What was being taken away goes.

use std::collections::BTreeMap;

use common::cli::{Failure, Say};
use common::exit::Exit;
use common::record::{KeyStatus, Token, TokenState};
use futures_util::{StreamExt, stream};

use super::delete::{self, Work};
use super::key::{OnItsWay, on_its_way};
use super::whose::{NotDone, user_of};
use super::{disable, rotate};
use crate::accounts::Accounts;
use crate::registry::{Filter, Operation, Registry, RegistryError, Step, Verb};

/// How many tokens are worked on at once.
const AT_ONCE: usize = 16;

/// Brings what was begun to its end. For whoever holds the registry. What cannot be brought to its end is said, makes the answer
/// incomplete, and is tried again by the next run.
///
/// # Errors
///
/// The registry cannot be used.
pub(crate) async fn recover(registry: &Registry, accounts: &Accounts, say: &Say) -> Result<Exit, Failure> {
    let work = Work { registry, accounts, say };
    let unfinished = registry.unfinished()?;
    not_begun(registry, &unfinished)?;
    let mut tokens: BTreeMap<String, Vec<Operation>> = BTreeMap::new();
    for operation in unfinished {
        tokens.entry(operation.token.clone()).or_default().push(operation);
    }
    if tokens.is_empty() {
        return Ok(Exit::Done);
    }
    say.note(format!("an earlier run did not come to its end: {} tokens are brought to theirs", tokens.len()));
    let each = stream::iter(tokens.into_values()).map(async |operations| {
        let mut exit = Exit::Done;
        for operation in operations {
            if let Err(error) = finish(work, &operation).await {
                let Operation { token, verb, .. } = &operation;
                say.error(format!("token {token}, of which an earlier run left its {verb} unfinished: {error}"));
                exit = Exit::Incomplete;
            }
        }
        exit
    });
    Ok(each.buffer_unordered(AT_ONCE).fold(Exit::Done, async |all, exit| all.and(exit)).await)
}

/// Tokens that were planned, and for which nothing was begun.
fn not_begun(registry: &Registry, begun: &[Operation]) -> Result<(), RegistryError> {
    let planned = registry.tokens(&Filter { states: vec![TokenState::Creating], ..Filter::default() })?;
    for token in planned.iter().filter(|token| token.principal_id.is_none() && token.keys.is_empty()) {
        if !begun.iter().any(|operation| operation.token == token.token) {
            registry.set_state(&token.token, TokenState::Deleted)?;
        }
    }
    Ok(())
}

async fn finish(work: Work<'_>, operation: &Operation) -> Result<(), NotDone> {
    if !work.registry.is_unfinished(operation.number)? {
        // It came to its end with another one of the same token.
        return Ok(());
    }
    match operation.verb {
        Verb::Create => create(work, operation).await,
        Verb::Delete | Verb::DeleteKey => delete::resume(work, operation).await,
        Verb::Disable => disable::resume(work, operation).await,
        Verb::Rotate => rotate::resume(work, operation).await,
    }
}

/// A token that was being made.
async fn create(work: Work<'_>, operation: &Operation) -> Result<(), NotDone> {
    let token = work.token(&operation.token)?;
    match operation.step {
        Step::User if !has_user(work, &token).await? => {
            work.registry.end(operation.number, &token.token, Verb::Create, TokenState::Deleted, &[])?;
            Ok(())
        }
        Step::HandOut if was_handed_out(work, operation, &token)? => Ok(()),
        _ => {
            delete::token(work, &token).await?;
            work.say.note(format!(
                "token {} (the user {}) was not made to its end: it is taken back",
                token.token, token.id
            ));
            Ok(())
        }
    }
}

/// Whether there is a user that was made for a token, as far as anybody can tell. One that nothing shows to be the token's is
/// somebody else's: its name was drawn by chance, or given since.
async fn has_user(work: Work<'_>, token: &Token) -> Result<bool, NotDone> {
    let account = work.accounts.of(&token.account)?;
    match user_of(work.registry, account, token).await {
        Ok(user) => Ok(user.is_some()),
        Err(NotDone::Unproven { user, account, .. }) => {
            work.say.warn(format!(
                "the user {user} in account {account} is left alone: nothing shows that it was made for token {}, which was not \
                 made to its end",
                token.token
            ));
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Whether the secret may be in somebody's hands: then the token is one.
fn was_handed_out(work: Work<'_>, operation: &Operation, token: &Token) -> Result<bool, NotDone> {
    let Work { registry, say, .. } = work;
    let key = match on_its_way(registry, &operation.detail)? {
        OnItsWay::Lost => return Ok(false),
        OnItsWay::Unknown { key, to } => {
            let Token { token: id, id: user, owner, location, .. } = token;
            let next = if owner.is_empty() || location.is_empty() {
                format!("`honeytoken rotate {id}` makes another key, `rotate --finish {id}` deletes this one then")
            } else {
                "`honeytoken create` for the same owner and location makes another key in its place".to_owned()
            };
            say.warn(format!(
                "whether anybody got the secret of {key} (token {id}, the user {user}) is not known: it was on its way to {to} when \
                 an earlier run ended; {next}"
            ));
            None
        }
        OnItsWay::Arrived(key) => Some((key, KeyStatus::Active)),
    };
    registry.end(operation.number, &token.token, Verb::Create, TokenState::Active, key.as_slice())?;
    Ok(true)
}
