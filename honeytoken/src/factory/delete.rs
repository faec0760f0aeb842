//! Tokens are deleted, and single keys. The guard stays until the last key of the user is gone.

use common::cli::Say;
use common::record::{KeyStatus, Token, TokenState};

use super::whose::{NotDone, left_of, user_of};
use crate::accounts::{Accounts, DecoyAccountInUse};
use crate::iam::list::{self, ListedKey, or_absent};
use crate::iam::make::INLINE_GUARD;
use crate::iam::remove::{self, Found, LastOfAll};
use crate::registry::{Operation, Registry, Step, Verb};

/// What it takes to change tokens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) accounts: &'a Accounts,
    pub(crate) say: &'a Say,
}

impl Work<'_> {
    /// The token as the registry has it now.
    pub(crate) fn token(&self, id: &str) -> Result<Token, NotDone> {
        self.registry.token(id)?.ok_or_else(|| NotDone::Not(format!("the registry has no token {id}")))
    }

    /// What was begun with a token before comes first: brought to its end later on, it would take a key away that was made
    /// since, and that somebody has.
    pub(crate) fn nothing_begun(&self, token: &Token) -> Result<(), NotDone> {
        match self.registry.unfinished()?.iter().find(|it| it.token == token.token) {
            None => Ok(()),
            Some(begun) => Err(NotDone::Not(format!(
                "an earlier run left its {} unfinished, which comes first: the error before this one says what is in the way",
                begun.verb
            ))),
        }
    }
}

/// Deletes a token: its keys, whatever else hangs on its user, and the user. What the registry knows of it stays.
///
/// # Errors
///
/// Something could not be listed or deleted, or the user is not the token's. A token of which something may be gone already is
/// `deleting` from then on, and the next run goes on with it.
pub(crate) async fn token(work: Work<'_>, token: &Token) -> Result<Token, NotDone> {
    if token.state == TokenState::Deleted {
        return Ok(token.clone());
    }
    let account = work.accounts.of(&token.account)?;
    // Before anything is begun: what is not the token's user is not to be tried again by every run.
    let is_there = match token.state {
        TokenState::Creating | TokenState::Deleting => left_of(work.registry, account, token).await?.is_some(),
        TokenState::Active | TokenState::Disabled | TokenState::Deleted => {
            user_of(work.registry, account, token).await?.is_some()
        }
    };
    // One that did not come to its end goes on.
    let begun = work.registry.unfinished()?.into_iter().find(|it| it.token == token.token && it.verb == Verb::Delete);
    let (number, detail) = match begun {
        Some(operation) => (operation.number, operation.detail),
        None => (work.registry.begin(&token.token, Verb::Delete, Step::Remove, "")?, String::new()),
    };
    work.registry.set_state(&token.token, TokenState::Deleting)?;
    to_the_end(work, account, token, number, &detail, is_there).await
}

/// Deletes one key of a token. With the last one the token goes.
///
/// # Errors
///
/// As for [`token`].
pub(crate) async fn key(work: Work<'_>, token: &Token, id: &str) -> Result<Token, NotDone> {
    let Some(known) = token.keys.iter().find(|key| key.id == id) else {
        return Err(NotDone::Not(format!("{id} is not a key of token {}", token.token)));
    };
    if token.state == TokenState::Deleted || known.status == KeyStatus::Deleted {
        return Ok(token.clone());
    }
    work.nothing_begun(token)?;
    let account = work.accounts.of(&token.account)?;
    let listed = match user_of(work.registry, account, token).await? {
        Some(_) => or_absent(list::keys(&account.iam, &token.id).await)?.unwrap_or_default(),
        None => Vec::new(),
    };
    // Keys that nobody knows do not keep a token: they are deleted with it.
    let others = |key: &&ListedKey| key.id != id && is_live(token, &key.id);
    if !listed.iter().any(|key| others(&key)) {
        return self::token(work, token).await;
    }
    let number = work.registry.begin(&token.token, Verb::DeleteKey, Step::Remove, id)?;
    one_key(work, account, token, number, id, &listed).await
}

/// Goes on with what a run before began: [`Verb::Delete`] and [`Verb::DeleteKey`].
pub(crate) async fn resume(work: Work<'_>, operation: &Operation) -> Result<(), NotDone> {
    let registry = work.registry;
    let token = work.token(&operation.token)?;
    let account = work.accounts.of(&token.account)?;
    let is_there = left_of(registry, account, &token).await?.is_some();
    let Operation { number, verb, detail, .. } = operation;
    if *verb == Verb::DeleteKey {
        let listed = or_absent(list::keys(&account.iam, &token.id).await)?.unwrap_or_default();
        // What was one of two may be the last one by now.
        if is_there && listed.iter().any(|key| key.id != *detail && is_live(&token, &key.id)) {
            return one_key(work, account, &token, *number, detail, &listed).await.map(drop);
        }
        self::token(work, &token).await?;
        // The token's end was that of all that was begun with it.
        return Ok(());
    }
    registry.set_state(&token.token, TokenState::Deleting)?;
    to_the_end(work, account, &token, *number, detail, is_there).await.map(drop)
}

/// Whether the registry has a key of this id that is not deleted.
fn is_live(token: &Token, id: &str) -> bool {
    token.keys.iter().any(|key| key.id == id && key.status != KeyStatus::Deleted)
}

async fn one_key(
    work: Work<'_>,
    account: &DecoyAccountInUse,
    token: &Token,
    number: i64,
    id: &str,
    listed: &[ListedKey],
) -> Result<Token, NotDone> {
    remove::key(&account.iam, &token.id, id).await?;
    let state = match token.state {
        TokenState::Active | TokenState::Disabled => list::state(listed.iter().filter(|key| key.id != id)),
        other => other,
    };
    work.registry.end(number, &token.token, Verb::DeleteKey, state, &[(id, KeyStatus::Deleted)])?;
    work.token(&token.token)
}

/// Takes the user away, and takes down that it is gone. `detail` has the MFA devices that were the user's when it was begun.
async fn to_the_end(
    work: Work<'_>,
    account: &DecoyAccountInUse,
    token: &Token,
    number: i64,
    detail: &str,
    is_there: bool,
) -> Result<Token, NotDone> {
    let mut devices: Vec<String> = detail.lines().map(str::to_owned).collect();
    let (iam, name) = (&account.iam, token.id.as_str());
    let last = LastOfAll { inline: INLINE_GUARD, group: &account.group };
    let mut round = 0;
    while round > 0 || is_there {
        if round > 0 {
            // It took a while: is it still the same?
            if left_of(work.registry, account, token).await?.is_none() {
                break;
            }
        }
        let Some(found) = Found::look(iam, name).await? else { break };
        for key in found.keys.iter().filter(|key| !token.keys.iter().any(|own| own.id == key.id)) {
            work.say.warn(format!(
                "the user {name} in account {} has a key that the registry does not know, {}: it is deleted with it",
                account.id, key.id
            ));
        }
        // A list may lag behind: a key that it does not have yet must not outlive the guard.
        let live = token.keys.iter().filter(|own| own.status != KeyStatus::Deleted);
        for own in live.filter(|own| found.keys.iter().all(|key| key.id != own.id)) {
            remove::key(iam, name, &own.id).await?;
        }
        let before = devices.len();
        devices.extend(found.virtual_devices().map(str::to_owned));
        devices.sort_unstable();
        devices.dedup();
        if devices.len() > before {
            work.registry.step(number, Step::Remove, &devices.join("\n"))?;
        }
        remove::strip(iam, name, &found, last).await?;
        if remove::bare_user(iam, name).await? {
            break;
        }
        if !remove::another_round(round).await {
            return Err(NotDone::Stubborn { user: name.to_owned(), account: account.id.clone() });
        }
        round += 1;
    }
    for serial in detail.lines() {
        remove::virtual_device(iam, serial).await?;
    }
    gone(work, token, number)
}

/// Takes down that the user is gone, and with it all that was begun with the token.
fn gone(work: Work<'_>, token: &Token, number: i64) -> Result<Token, NotDone> {
    let live = token.keys.iter().filter(|key| key.status != KeyStatus::Deleted);
    let keys: Vec<_> = live.map(|key| (key.id.as_str(), KeyStatus::Deleted)).collect();
    for other in work.registry.unfinished()?.iter().filter(|it| it.token == token.token && it.number != number) {
        work.registry.end(other.number, &token.token, other.verb, TokenState::Deleted, &keys)?;
    }
    work.registry.end(number, &token.token, Verb::Delete, TokenState::Deleted, &keys)?;
    work.token(&token.token)
}

/// Takes down that a token is gone whose user somebody else deleted.
pub(crate) fn is_gone(work: Work<'_>, token: &Token) -> Result<Token, NotDone> {
    let number = work.registry.begin(&token.token, Verb::Delete, Step::Remove, "")?;
    gone(work, token, number)
}
