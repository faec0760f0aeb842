//! Differences are mended.

use aws_sdk_iam::Client;
use common::aws::AwsError;
use common::id::Region;
use common::operation::IAM_PUT_USER_PERMISSIONS_BOUNDARY;
use common::record::{Guard, KeyStatus, Token, TokenKey, TokenKind, TokenState};
use common::resource::ResourceType;

use super::compare::Rules;
use super::difference::{Difference, Mend};
use crate::accounts::DecoyAccountInUse;
use crate::factory::delete::{self, Work};
use crate::factory::id::new_id;
use crate::factory::whose::NotDone;
use crate::iam::list::{self, Listed, ListedKey, is_gone, or_absent, state};
use crate::iam::make;

/// Mends a difference. Where it answers, it is mended.
pub(crate) async fn mend(work: Work<'_>, account: &DecoyAccountInUse, difference: &Difference) -> Result<(), NotDone> {
    let Difference { token, key, seen, apply, .. } = difference;
    let (user, keys) = match seen {
        Some((user, keys)) => (Some(user), keys.as_slice()),
        None => (None, [].as_slice()),
    };
    match (apply, user) {
        (Mend::RestoreGuard, Some(user)) => restore_guard(account, &work.token(token)?, user).await,
        (Mend::LearnUser, Some(user)) => Ok(work.registry.user_is(token, &user.name, &user.arn, &user.principal_id)?),
        (Mend::LearnKey, Some(user)) => {
            let id = key.as_deref().unwrap_or_default();
            work.say.warn(format!(
                "the user {} in account {} has a key that the registry did not know, {id}: it is watched from now on, and nobody can \
                 tell who has its secret; `honeytoken delete {id}` takes it away",
                user.name, account.id
            ));
            set_token(work, token, user, keys)
        }
        (Mend::SetKey, _) => {
            let id = key.as_deref().unwrap_or_default();
            let status = keys.iter().find(|key| key.id == id).map_or(KeyStatus::Deleted, ListedKey::status);
            Ok(work.registry.key_is(token, id, status)?)
        }
        (Mend::SetToken, Some(user)) => set_token(work, token, user, keys),
        (Mend::SetToken, None) => delete::is_gone(work, &work.token(token)?).map(drop),
        (Mend::Adopt, Some(user)) => adopt(work, account, token, user, keys).await,
        (Mend::Delete, _) => delete::token(work, &work.token(token)?).await.map(drop),
        (Mend::None, Some(user)) => Err(perhaps_a_person(user, token)),
        // What was begun, recovery has tried before, and has said why it cannot.
        (Mend::Finish, _) => Err(NotDone::Not("it was tried just now: the error before says why not".to_owned())),
        (Mend::None | Mend::RestoreGuard | Mend::LearnUser | Mend::LearnKey | Mend::Adopt, _) => {
            Err(NotDone::Not("its user was not seen".to_owned()))
        }
    }
}

/// Puts back the guard that the token had; where its account has another one by now, or none that can be put back, an inline
/// policy does as well.
async fn restore_guard(account: &DecoyAccountInUse, token: &Token, user: &Listed) -> Result<(), NotDone> {
    let guard = if token.guard == Guard::Boundary && account.boundary.is_none() { Guard::Inline } else { token.guard };
    if guard == Guard::Boundary {
        let call = |client: Client| {
            let boundary = account.boundary.clone();
            let call = client.put_user_permissions_boundary().user_name(&user.name).set_permissions_boundary(boundary);
            let named = |error| AwsError::new(IAM_PUT_USER_PERMISSIONS_BOUNDARY, error);
            async move { call.send().await.map(drop).map_err(named) }
        };
        return Ok(account.iam.change(call).await?);
    }
    Ok(make::guard(account, &user.name, guard).await?)
}

/// Takes down what IAM says of a token.
fn set_token(work: Work<'_>, token: &str, user: &Listed, keys: &[ListedKey]) -> Result<(), NotDone> {
    work.registry.user_is(token, &user.name, &user.arn, &user.principal_id)?;
    Ok(work.registry.token_is(token, state(keys), &taken_in(keys))?)
}

/// Takes a user into the registry that has a token's tag, once nothing is allowed to it.
async fn adopt(
    work: Work<'_>,
    account: &DecoyAccountInUse,
    tag: &str,
    user: &Listed,
    keys: &[ListedKey],
) -> Result<(), NotDone> {
    let rules = Rules::of(account);
    let hanging = or_absent(list::belongings(&account.iam, &user.name).await)?;
    if rules.may_do_something(user) || hanging.is_some_and(|it| it.has_password) {
        return Err(perhaps_a_person(user, tag));
    }
    let guard = match rules.guard_of(user) {
        Some(guard) => guard,
        // A boundary comes with a user that is made.
        None if account.guard == Guard::Boundary => {
            make::guard(account, &user.name, Guard::Inline).await?;
            Guard::Inline
        }
        None => {
            make::guard(account, &user.name, account.guard).await?;
            account.guard
        }
    };
    // A tag can be copied, and an id be given once.
    let id = match work.registry.token(tag)? {
        Some(_) => new_id().map_err(|error| NotDone::Not(format!("there is no randomness to be had: {error}")))?,
        None => tag.to_owned(),
    };
    let state = state(keys);
    let token = Token {
        kind: TokenKind::Kind,
        token: id,
        state,
        account: account.id.clone(),
        region: Region::global(),
        r#type: ResourceType::IamUser.name().to_owned(),
        id: user.name.clone(),
        arn: user.arn.clone(),
        principal_id: Some(user.principal_id.clone()),
        guard,
        owner: String::new(),
        location: String::new(),
        notes: String::new(),
        labels: std::collections::BTreeMap::new(),
        keys: taken_in(keys),
        created_at: user.created_at,
        expires_at: None,
        expired_at: None,
        blind_since: (state == TokenState::Disabled).then(common::clock::now),
        deleted_at: None,
        planted: Vec::new(),
        drill: None,
        fired: None,
    };
    work.registry.insert(&token, |_| None)?;
    Ok(work.registry.user_is(&token.token, &user.name, &user.arn, &user.principal_id)?)
}

/// Why a user with a token's tag is left alone: a guard would shut a person out.
fn perhaps_a_person(user: &Listed, tag: &str) -> NotDone {
    NotDone::Not(format!(
        "the user {} has a token's tag ({tag}), and may be somebody's: it has a password, a group or a policy that is no guard; \
         take these away if it is a decoy, or the tag if it is none",
        user.name
    ))
}

fn taken_in(keys: &[ListedKey]) -> Vec<TokenKey> {
    let taken = keys.iter().map(|key| TokenKey {
        id: key.id.clone(),
        status: key.status(),
        created_at: key.created_at,
        deleted_at: None,
        last_used: None,
    });
    taken.collect()
}

/// Whether a token whose user the account's list did not have has one after all: lists lag behind. What is asked is one user,
/// and only `NoSuchEntity` says no.
pub(crate) async fn is_there_after_all(account: &DecoyAccountInUse, token: &Token) -> Result<bool, AwsError> {
    let user = list::user(&account.iam, &token.id).await?;
    Ok(user.is_some_and(|user| token.principal_id.as_ref().is_none_or(|known| *known == user.principal_id)))
}

/// The keys of a user that a list just had; none where it is gone meanwhile.
pub(crate) async fn keys_of(account: &DecoyAccountInUse, user: &str) -> Result<Option<Vec<ListedKey>>, AwsError> {
    match list::keys(&account.iam, user).await {
        Err(error) if is_gone(&error) => Ok(None),
        keys => keys.map(Some),
    }
}
