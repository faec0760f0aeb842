//! Tokens are disabled: their keys are deactivated, and a use of them leaves no trace from then on.

use common::record::{KeyStatus, Token, TokenState};

use super::delete::Work;
use super::whose::{NotDone, left_of, user_of};
use crate::accounts::DecoyAccountInUse;
use crate::iam::list::{self, or_absent};
use crate::iam::remove;
use crate::registry::{Operation, Step, Verb};

/// Deactivates all keys of a token. A token whose user is gone is deleted.
///
/// # Errors
///
/// Something could not be listed or deactivated, or the user is not the token's. The next run goes on with what was begun.
pub(crate) async fn token(work: Work<'_>, token: &Token) -> Result<Token, NotDone> {
    if matches!(token.state, TokenState::Deleted | TokenState::Disabled) {
        return Ok(token.clone());
    }
    let account = work.accounts.of(&token.account)?;
    let is_there = user_of(work.registry, account, token).await?.is_some();
    let begun = work.registry.unfinished()?.into_iter().find(|it| it.token == token.token && it.verb == Verb::Disable);
    let number = match begun {
        Some(operation) => operation.number,
        None => work.registry.begin(&token.token, Verb::Disable, Step::Remove, "")?,
    };
    to_the_end(work, account, token, number, is_there).await
}

/// Goes on with what a run before began.
pub(crate) async fn resume(work: Work<'_>, operation: &Operation) -> Result<(), NotDone> {
    let registry = work.registry;
    let token = work.token(&operation.token)?;
    let account = work.accounts.of(&token.account)?;
    let is_there = left_of(registry, account, &token).await?.is_some();
    to_the_end(work, account, &token, operation.number, is_there).await.map(drop)
}

async fn to_the_end(
    work: Work<'_>,
    account: &DecoyAccountInUse,
    token: &Token,
    number: i64,
    is_there: bool,
) -> Result<Token, NotDone> {
    let name = token.id.as_str();
    let listed = if is_there { or_absent(list::keys(&account.iam, name).await)? } else { None };
    let mut keys: Vec<(&str, KeyStatus)> = Vec::new();
    for key in listed.iter().flatten() {
        let is_there = !key.is_active || remove::deactivate(&account.iam, name, &key.id).await?;
        keys.push((&key.id, if is_there { KeyStatus::Inactive } else { KeyStatus::Deleted }));
    }
    let gone = token.keys.iter().filter(|own| keys.iter().all(|(id, _)| *id != own.id));
    let gone: Vec<_> = gone.filter(|own| own.status != KeyStatus::Deleted).map(|own| own.id.as_str()).collect();
    keys.extend(gone.into_iter().map(|id| (id, KeyStatus::Deleted)));
    let state = if listed.is_some() { TokenState::Disabled } else { TokenState::Deleted };
    if state == TokenState::Deleted {
        work.say.warn(format!("the user {name} in account {} is gone: so is token {}", account.id, token.token));
    }
    work.registry.end(number, &token.token, Verb::Disable, state, &keys)?;
    work.token(&token.token)
}
