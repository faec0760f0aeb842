//! Whether a user of a token's name is the token's: names are given again, unique ids never.

use std::time::Duration;

use common::aws::AwsError;
use common::clock;
use common::id::AccountId;
use common::record::{Token, TokenState};
use jiff::SignedDuration;

use crate::accounts::DecoyAccountInUse;
use crate::iam::list::{self, Belongings, User};
use crate::iam::remove::Found;
use crate::registry::{Registry, RegistryError};

/// For how long a token is new: IAM's answers lag behind its changes, and for a moment it may not know a user that it has made
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency>).
const NEW: SignedDuration = SignedDuration::from_mins(1);

/// The pauses after which IAM is asked again for a user that is new: that it is gone is believed then.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(500), Duration::from_secs(1), Duration::from_millis(1500), Duration::from_secs(2)];

/// Why something was not done with a token, or was not done to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotDone {
    /// AWS said so.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// The registry did.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The user of that name is another.
    #[error(
        "the user {user} in account {account} is {there}, and token {token}'s was {known}: that one is gone, and somebody made \
         another of its name, which is left alone; `honeytoken reconcile --apply` takes down that the token is gone"
    )]
    Another {
        /// The token.
        token: String,
        /// The user's name.
        user: String,
        /// Where.
        account: AccountId,
        /// The unique id of the one that is there.
        there: String,
        /// That of the token's.
        known: String,
    },
    /// Nothing shows that the user of that name is the token's.
    #[error(
        "nothing shows that the user {user} ({there}) in account {account} is token {token}'s: the registry does not know the \
         unique id of that one, and this one has neither its tag nor one of its keys; if it is, delete it in IAM"
    )]
    Unproven {
        /// The token.
        token: String,
        /// The user's name.
        user: String,
        /// Where.
        account: AccountId,
        /// The unique id of the one that is there.
        there: String,
    },
    /// Something is always in the way.
    #[error(
        "the user {user} in account {account} cannot be deleted: IAM says again and again that something hangs on it"
    )]
    Stubborn {
        /// The user's name.
        user: String,
        /// Where.
        account: AccountId,
    },
    /// There is no such thing.
    #[error("{0}")]
    Not(String),
}

/// The user of a token's name as IAM has it now, whoever's it is. One that may have been made just now is asked for again before
/// it is believed to be absent; one that is being deleted is not.
async fn of_its_name(account: &DecoyAccountInUse, token: &Token) -> Result<Option<User>, AwsError> {
    let mut user = list::user(&account.iam, &token.id).await?;
    let is_new = match token.state {
        TokenState::Creating => true,
        TokenState::Active | TokenState::Disabled => clock::now().duration_since(token.created_at) < NEW,
        TokenState::Deleting | TokenState::Deleted => false,
    };
    for pause in PAUSES {
        if user.is_some() || !is_new {
            break;
        }
        tokio::time::sleep(pause).await;
        user = list::user(&account.iam, &token.id).await?;
    }
    Ok(user)
}

/// The token's user as IAM has it now; nothing where it is gone.
///
/// # Errors
///
/// There is a user of that name, and it is not the token's, or nothing shows that it is.
pub(crate) async fn user_of(
    registry: &Registry,
    account: &DecoyAccountInUse,
    token: &Token,
) -> Result<Option<User>, NotDone> {
    let Some(user) = of_its_name(account, token).await? else { return Ok(None) };
    let (there, name) = (user.principal_id.clone(), token.id.clone());
    match &token.principal_id {
        Some(known) if *known == there => return Ok(Some(user)),
        Some(known) => {
            let (token, known) = (token.token.clone(), known.clone());
            return Err(NotDone::Another { token, user: name, account: account.id.clone(), there, known });
        }
        None => {}
    }
    // Whatever the tag is called by now: nothing else makes such an id.
    let is_ours = user.tags.values().any(|id| *id == token.token)
        || has_our_key(account, token).await?
        || is_as_it_was_made(account, token, &user).await?;
    if !is_ours {
        return Err(NotDone::Unproven { token: token.token.clone(), user: name, account: account.id.clone(), there });
    }
    // Once its keys are gone nothing else may show it.
    registry.user_made(&token.token, &user.arn, &there)?;
    Ok(Some(user))
}

async fn has_our_key(account: &DecoyAccountInUse, token: &Token) -> Result<bool, AwsError> {
    let keys = list::or_absent(list::keys(&account.iam, &token.id).await)?.unwrap_or_default();
    Ok(keys.iter().any(|key| token.keys.iter().any(|own| own.id == key.id)))
}

/// Whether a user without any tag is one whose making was not heard of: nobody had its name when it was to be made, it is where
/// it was to be, and nothing was put on it since. What else hangs on a user somebody else has put there.
async fn is_as_it_was_made(account: &DecoyAccountInUse, token: &Token, user: &User) -> Result<bool, AwsError> {
    let is_planned = account.tag.is_none()
        && user.tags.is_empty()
        && token.state == TokenState::Creating
        && token.keys.is_empty()
        && user.arn == token.arn;
    if !is_planned {
        return Ok(false);
    }
    let found = Found::look(&account.iam, &token.id).await?;
    Ok(found.is_none_or(|found| found.keys.is_empty() && found.belongings == Belongings::default()))
}

/// The same for a token of which something was begun: where another user has its name by now, its own is gone.
///
/// # Errors
///
/// There is a user of that name, and nothing shows whether it is the token's.
pub(crate) async fn left_of(
    registry: &Registry,
    account: &DecoyAccountInUse,
    token: &Token,
) -> Result<Option<User>, NotDone> {
    match user_of(registry, account, token).await {
        Err(NotDone::Another { .. }) => Ok(None),
        user => user,
    }
}
