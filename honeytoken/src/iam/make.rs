//! Users, their guards and their keys are made.
//!
//! Nothing is made twice because an answer was lost: where nobody knows whether a call took effect, IAM is asked before it is
//! called again. A key whose secret nobody has is deleted before another one is made.

use aws_sdk_iam::Client;
use aws_sdk_iam::types::{SummaryKeyType, Tag};
use common::arn::Arn;
use common::aws::AwsError;
use common::operation::{
    IAM_ADD_USER_TO_GROUP, IAM_CREATE_ACCESS_KEY, IAM_CREATE_USER, IAM_GET_ACCOUNT_SUMMARY, IAM_PUT_USER_POLICY,
};
use common::record::Guard;

use super::group::ensure;
use super::list::{self, is_gone};
use super::remove::{self, another_round};
use crate::accounts::DecoyAccountInUse;
use crate::secret::Secret;

/// The name of the inline policy that is the guard: what such a policy is called where it is nobody's secret.
pub(crate) const INLINE_GUARD: &str = "account-baseline";

/// Denies everything, also what a resource's own policy would allow to everybody in the account.
pub(crate) const DENY_ALL: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;

/// What IAM has room for unless it says otherwise: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.
pub(crate) const QUOTA: u64 = 5000;

/// What became of a user that was to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MadeUser {
    /// It is there, and ours.
    There {
        /// Its ARN.
        arn: Arn,
        /// Its unique id, `AIDA...`.
        principal_id: String,
    },
    /// Somebody else has that name.
    Taken,
    /// The account has no room for another user.
    Full,
}

/// A key that was made, and the only time that IAM tells its secret.
#[derive(Debug)]
pub(crate) struct MadeKey {
    pub(crate) id: String,
    pub(crate) secret: Secret,
}

/// How many users there are in the account, and for how many it has room.
pub(crate) async fn users_and_quota(account: &DecoyAccountInUse) -> Result<(u64, u64), AwsError> {
    let look = |client: Client| async move {
        client.get_account_summary().send().await.map_err(|error| AwsError::new(IAM_GET_ACCOUNT_SUMMARY, error))
    };
    let answer = account.iam.look(look).await?;
    let number = |key| answer.summary_map().and_then(|map| map.get(&key)).and_then(|it| u64::try_from(*it).ok());
    let users = number(SummaryKeyType::Users).ok_or_else(|| {
        AwsError::of(IAM_GET_ACCOUNT_SUMMARY, "BadResponse", "the answer does not say how many users there are")
    })?;
    Ok((users, number(SummaryKeyType::UsersQuota).unwrap_or(QUOTA)))
}

/// Makes the user of a token, with its tag, and with its boundary where that is the guard.
///
/// # Errors
///
/// There may be a user where the error is of an unknown outcome; otherwise there is none.
pub(crate) async fn user(account: &DecoyAccountInUse, token: &str, name: &str) -> Result<MadeUser, AwsError> {
    let mut lost = None;
    if account.tag.is_none() && list::user(&account.iam, name).await?.is_some() {
        // Without a tag nothing tells later whether a user of that name is the one that was made here.
        return Ok(MadeUser::Taken);
    }
    let call = |client: Client| {
        let boundary = account.boundary.clone().filter(|_| account.guard == Guard::Boundary);
        let call = client.create_user().user_name(name).path(&account.path).set_permissions_boundary(boundary);
        let tag = account.tag.as_ref().map(|key| Tag::builder().key(key).value(token).build());
        async move {
            // A tag has a key and a value: these were given.
            let tag = tag.transpose().map_err(|error| AwsError::of(IAM_CREATE_USER, "NotSent", error.to_string()))?;
            let call = call.set_tags(tag.map(|tag| vec![tag]));
            call.send().await.map_err(|error| AwsError::new(IAM_CREATE_USER, error))
        }
    };
    let mut round = 0;
    loop {
        let error = match account.iam.change(call).await {
            Ok(answer) => {
                let made = answer.user().and_then(|user| Some((user.arn().parse().ok()?, user.user_id().to_owned())));
                match made {
                    Some((arn, principal_id)) => return Ok(MadeUser::There { arn, principal_id }),
                    None => AwsError::of(IAM_CREATE_USER, "BadResponse", "the answer does not tell the user"),
                }
            }
            // The last one that there was room for may be that of an answer that was lost.
            Err(error) if error.code() == "LimitExceeded" && lost.is_none() => return Ok(MadeUser::Full),
            Err(error) if error.code() == "EntityAlreadyExists" || error.outcome_unknown() => error,
            Err(error) => return Err(after(lost, error)),
        };
        let exists = error.code() == "EntityAlreadyExists";
        match list::user(&account.iam, name).await? {
            Some(user) => {
                let is_ours = match &account.tag {
                    Some(tag) => user.tags.get(tag).is_some_and(|value| value == token),
                    None => lost.is_some() || !exists,
                };
                let list::User { arn, principal_id, .. } = user;
                return Ok(if is_ours { MadeUser::There { arn, principal_id } } else { MadeUser::Taken });
            }
            // IAM does not know yet what it has done, or it has not done it.
            None if another_round(round).await => round += 1,
            None => return Err(after(lost, error)),
        }
        if !exists {
            lost = Some(error);
        }
    }
}

/// The error to tell where one before it has left it open whether there is a user: what it says, and that it is open.
fn after(lost: Option<AwsError>, error: AwsError) -> AwsError {
    match lost {
        Some(mut lost) if !error.outcome_unknown() => {
            lost.message = format!("{}; then: {}: {}", lost.message, error.code, error.message);
            lost
        }
        _ => error,
    }
}

/// Puts the guard before a user that was made just now. It may be called twice.
///
/// # Errors
///
/// Nothing says that the guard is there.
pub(crate) async fn guard(account: &DecoyAccountInUse, user: &str, guard: Guard) -> Result<(), AwsError> {
    match guard {
        Guard::Inline => {
            patiently(account, |client| {
                let call = client.put_user_policy().user_name(user).policy_name(INLINE_GUARD).policy_document(DENY_ALL);
                async move { call.send().await.map(drop).map_err(|error| AwsError::new(IAM_PUT_USER_POLICY, error)) }
            })
            .await
        }
        Guard::Group => {
            account.group_is_there.get_or_try_init(|| ensure(&account.iam, &account.group)).await?;
            patiently(account, |client| {
                let call = client.add_user_to_group().user_name(user).group_name(&account.group);
                async move { call.send().await.map(drop).map_err(|error| AwsError::new(IAM_ADD_USER_TO_GROUP, error)) }
            })
            .await
        }
        // That came with the user.
        Guard::Boundary | Guard::None => Ok(()),
    }
}

/// A change of a user that is new, and that may be made twice: where IAM does not know the user yet, or nobody knows whether it
/// was made, it is made again.
async fn patiently<F>(account: &DecoyAccountInUse, call: impl Fn(Client) -> F) -> Result<(), AwsError>
where
    F: Future<Output = Result<(), AwsError>>,
{
    let mut round = 0;
    loop {
        match account.iam.change(&call).await {
            Err(error) if (error.outcome_unknown() || is_gone(&error)) && another_round(round).await => round += 1,
            answer => return answer,
        }
    }
}

/// Makes a key for a user. `known` has the ids of those keys of the user that somebody may have the secrets of: all others are
/// of calls whose answers were lost, and are deleted.
///
/// # Errors
///
/// There may be a key that nobody knows; with it goes the user.
pub(crate) async fn key(account: &DecoyAccountInUse, user: &str, known: &[&str]) -> Result<MadeKey, AwsError> {
    let call = |client: Client| {
        let call = client.create_access_key().user_name(user);
        async move { call.send().await.map_err(|error| AwsError::new(IAM_CREATE_ACCESS_KEY, error)) }
    };
    let mut was_lost = false;
    let mut round = 0;
    loop {
        let error = match account.iam.change(call).await {
            Ok(answer) => {
                let made = answer.access_key.ok_or_else(|| {
                    AwsError::of(IAM_CREATE_ACCESS_KEY, "BadResponse", "the answer does not tell the key")
                })?;
                let made = MadeKey { id: made.access_key_id, secret: Secret::new(made.secret_access_key) };
                if was_lost {
                    // What a list did not have yet it has by now.
                    let known: Vec<&str> = known.iter().copied().chain([made.id.as_str()]).collect();
                    delete_unknown(account, user, &known).await?;
                }
                return Ok(made);
            }
            Err(error) => error,
        };
        let retry = if error.outcome_unknown() {
            was_lost = true;
            // IAM's lists lag behind: one that is empty now need not be so in a moment.
            let found = delete_unknown(account, user, known).await?;
            let again = another_round(round).await;
            if !found {
                delete_unknown(account, user, known).await?;
            }
            again
        } else if error.code() == "LimitExceeded" {
            // A user has two keys at most.
            delete_unknown(account, user, known).await? && another_round(round).await
        } else {
            is_gone(&error) && another_round(round).await
        };
        if !retry {
            return Err(error);
        }
        round += 1;
    }
}

/// Deletes the user's keys that are not among these. Answers whether there were any.
async fn delete_unknown(account: &DecoyAccountInUse, user: &str, known: &[&str]) -> Result<bool, AwsError> {
    let mut found = false;
    for key in list::keys(&account.iam, user).await? {
        if !known.contains(&key.id.as_str()) {
            remove::key(&account.iam, user, &key.id).await?;
            found = true;
        }
    }
    Ok(found)
}
