//! Tokens are rotated: a new key beside the old one, which is active and watched until the new one is planted; then the old one
//! goes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::record::{KeyStatus, Planting, Token, TokenKey, TokenState};

use super::delete::{self, Work};
use super::key::{NotHandedOut, OnItsWay, hand_out, make_key, on_its_way};
use super::whose::{NotDone, left_of, user_of};
use crate::accounts::DecoyAccountInUse;
use crate::hand_out::Hand;
use crate::iam::list::{self, ListedKey, or_absent};
use crate::iam::remove;
use crate::registry::{Operation, Step, Verb};

/// How many keys IAM lets a user have.
const ROOM: usize = 2;

/// How long a call may be on its way when its process is gone, and until IAM's lists have what it did.
const ON_ITS_WAY: Duration = Duration::from_secs(1);

/// Gives a token another key, and hands that out. `broken`: nothing can be handed out any more; it is set here, too.
///
/// # Errors
///
/// The token has no room for another key, is not active, or something failed: then it is as it was, or the next run sees to it.
pub(crate) async fn token(work: Work<'_>, hand: &Hand, broken: &AtomicBool, token: &Token) -> Result<Token, NotDone> {
    if broken.load(Ordering::SeqCst) {
        return Err(NotDone::Not("no key was made, for its secret could not be handed out".to_owned()));
    }
    if token.state != TokenState::Active {
        return Err(NotDone::Not(format!("it is {}: only an active token is rotated", token.state)));
    }
    work.nothing_begun(token)?;
    let account = work.accounts.of(&token.account)?;
    let listed = listed(work, account, token).await?;
    // Room would be made for another one at the cost of a key that may be planted.
    if let Some(unknown) = listed.iter().find(|key| token.keys.iter().all(|own| own.id != key.id)) {
        return Err(NotDone::Not(format!(
            "its user has a key that the registry does not know, {0}: `honeytoken reconcile --apply` takes it in, then `honeytoken \
             delete {0}` takes it away",
            unknown.id
        )));
    }
    let live: Vec<&str> = live(token).map(|key| key.id.as_str()).collect();
    if live.len() >= ROOM {
        return Err(NotDone::Not(format!(
            "it has the keys {} already, and IAM allows no more: `honeytoken rotate --finish {}` takes the old one away",
            live.join(" and "),
            token.token
        )));
    }
    let mut token = token.clone();
    let number = work.registry.begin(&token.token, Verb::Rotate, Step::Guard, &live.join("\n"))?;
    let made = match make_key(work, account, &mut token, number).await {
        Ok(made) => made,
        Err(error) => {
            // Where nothing was made the token is as it was; where nobody knows, the next run looks.
            if let Err(left) = take_back(work, account, &token.token, number, &live).await {
                work.say.error(format!("what is left of it the next run takes away: {left}"));
            }
            return Err(error);
        }
    };
    match hand_out(work, account, hand, &mut token, (number, Verb::Rotate), &made).await {
        Ok(()) => work.token(&token.token),
        Err(NotHandedOut::Registry(error)) => Err(error.into()),
        Err(error) => {
            broken.fetch_or(matches!(error, NotHandedOut::Broken(_)), Ordering::SeqCst);
            take_back(work, account, &token.token, number, &live).await?;
            Err(NotDone::Not(error.to_string()))
        }
    }
}

/// Takes the old keys of a token away: all but the newest one whose secret is known to have got somewhere.
///
/// # Errors
///
/// There is no such key, or something could not be deleted; the next run goes on.
pub(crate) async fn finish(work: Work<'_>, token: &Token) -> Result<Token, NotDone> {
    if !token.state.is_there() {
        return Ok(token.clone());
    }
    let newest = live(token).filter(|key| key.status == KeyStatus::Active).last();
    let Some(newest) = newest.map(|key| key.id.clone()) else {
        return Err(NotDone::Not(
            "none of its keys is known to be active and in its place: nothing is deleted".to_owned(),
        ));
    };
    let mut after = token.clone();
    if live(token).count() < ROOM {
        return Ok(after);
    }
    // What the registry says may have changed since, and with the last key the token would go.
    let listed = listed(work, work.accounts.of(&token.account)?, token).await?;
    if !listed.iter().any(|key| key.id == newest && key.is_active) {
        return Err(NotDone::Not(format!(
            "IAM does not say of its new key, {newest}, that it is there and active, and so the old one stays: `honeytoken \
             reconcile --apply` takes down what became of it"
        )));
    }
    for old in live(token).filter(|key| key.id != newest) {
        if old.status == KeyStatus::Unconfirmed {
            work.say.warn(format!(
                "whether anybody has the secret of {} (token {}) is not known: it is deleted, and {newest} stays",
                old.id, token.token
            ));
        }
        after = delete::key(work, &after, &old.id).await?;
        for Planting { host, path, profile, .. } in after.planted.iter().filter(|planting| planting.key == old.id) {
            work.say.warn(format!(
                "{} lies in the profile {profile} of {host}:{path} still, as far as is known: there is no bait there any more",
                old.id
            ));
        }
    }
    Ok(after)
}

/// Goes on with what a run before began: a key whose secret is where it was to be is the token's, any other is deleted.
///
/// # Errors
///
/// Something could not be looked up or deleted: the next run tries again.
pub(crate) async fn resume(work: Work<'_>, operation: &Operation) -> Result<(), NotDone> {
    let registry = work.registry;
    let token = work.token(&operation.token)?;
    let account = work.accounts.of(&token.account)?;
    if left_of(registry, account, &token).await?.is_none() {
        return delete::is_gone(work, &token).map(drop);
    }
    let Operation { number, step, detail, .. } = operation;
    if *step != Step::HandOut {
        tokio::time::sleep(ON_ITS_WAY).await;
        let before: Vec<&str> = detail.lines().collect();
        return take_back(work, account, &token.token, *number, &before).await;
    }
    let key = match on_its_way(registry, detail)? {
        OnItsWay::Lost => {
            let key = detail.lines().next().unwrap_or_default();
            let before: Vec<&str> = live(&token).map(|key| key.id.as_str()).filter(|id| *id != key).collect();
            return take_back(work, account, &token.token, *number, &before).await;
        }
        OnItsWay::Unknown { key, to } => {
            work.say.warn(format!(
                "whether anybody got the secret of {key} (token {}, the user {}) is not known: it was on its way to {to} when an \
                 earlier run ended; `honeytoken rotate --finish {}` deletes it",
                token.token, token.id, token.token
            ));
            None
        }
        OnItsWay::Arrived(key) => Some((key, KeyStatus::Active)),
    };
    Ok(registry.end(*number, &token.token, Verb::Rotate, token.state, key.as_slice())?)
}

/// The keys that IAM lists.
async fn listed(work: Work<'_>, account: &DecoyAccountInUse, token: &Token) -> Result<Vec<ListedKey>, NotDone> {
    let keys = match user_of(work.registry, account, token).await? {
        Some(_) => or_absent(list::keys(&account.iam, &token.id).await)?,
        None => None,
    };
    keys.ok_or_else(|| NotDone::Not("its user is gone: `honeytoken reconcile --apply` takes that down".to_owned()))
}

/// The keys that are not deleted, the oldest first.
fn live(token: &Token) -> impl Iterator<Item = &TokenKey> {
    token.keys.iter().filter(|key| key.status != KeyStatus::Deleted)
}

/// Deletes all keys that were not there before, and ends the rotation: the token is as it was.
async fn take_back(
    work: Work<'_>,
    account: &DecoyAccountInUse,
    token: &str,
    number: i64,
    before: &[&str],
) -> Result<(), NotDone> {
    let token = work.token(token)?;
    let listed = or_absent(list::keys(&account.iam, &token.id).await)?.unwrap_or_default();
    let known = live(&token).map(|key| key.id.as_str());
    let mut new: Vec<&str> = listed.iter().map(|key| key.id.as_str()).chain(known).collect();
    new.retain(|id| !before.contains(id));
    new.sort_unstable();
    new.dedup();
    for id in &new {
        remove::key(&account.iam, &token.id, id).await?;
    }
    let gone: Vec<_> = new.into_iter().map(|id| (id, KeyStatus::Deleted)).collect();
    Ok(work.registry.end(number, &token.token, Verb::Rotate, token.state, &gone)?)
}
