//! Keys and users are taken away.
//!
//! A user goes in this order: access keys, until IAM lists none; then whatever else one can sign in with (password, MFA
//! devices, SSH keys, credentials of single services, certificates); then what allows something, and last of all what denies
//! everything, for the sake of sessions that are open still. All of it is listed before any of it is touched, so that a list
//! that fails costs nothing. That something is gone already is no error, and nothing else says that it is.

use aws_sdk_iam::Client;
use aws_sdk_iam::types::StatusType;
use common::aws::AwsError;
use common::operation::{
    IAM_DEACTIVATE_MFA_DEVICE, IAM_DELETE_ACCESS_KEY, IAM_DELETE_LOGIN_PROFILE, IAM_DELETE_SERVICE_SPECIFIC_CREDENTIAL,
    IAM_DELETE_SIGNING_CERTIFICATE, IAM_DELETE_SSH_PUBLIC_KEY, IAM_DELETE_USER, IAM_DELETE_USER_POLICY,
    IAM_DELETE_VIRTUAL_MFA_DEVICE, IAM_DETACH_USER_POLICY, IAM_LIST_ACCESS_KEYS, IAM_REMOVE_USER_FROM_GROUP,
    IAM_UPDATE_ACCESS_KEY,
};

use super::Iam;
use super::list::{self, Belongings, ListedKey, or_absent};
use super::pace::pause;

/// How often something is tried that somebody or something else is in the way of: a quarantine policy that AWS attaches
/// meanwhile, or IAM itself, which does not know at once all that it was told.
const ROUNDS: u32 = 8;

/// How the kind of a virtual MFA device stands in its serial number, which is an ARN: it remains when its user is gone. See
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>.
const VIRTUAL: &str = ":mfa/";

/// What denies everything to a user: it is taken away last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LastOfAll<'a> {
    /// The name of the inline policy.
    pub(crate) inline: &'a str,
    /// The name of the group.
    pub(crate) group: &'a str,
}

/// A user's keys, and all else that has to go before it can.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    pub(crate) keys: Vec<ListedKey>,
    pub(crate) belongings: Belongings,
}

impl Found {
    /// All of it, or nothing where there is no such user.
    pub(crate) async fn look(iam: &Iam, user: &str) -> Result<Option<Self>, AwsError> {
        let Some(keys) = or_absent(list::keys(iam, user).await)? else { return Ok(None) };
        let belongings = or_absent(list::belongings(iam, user).await)?;
        Ok(belongings.map(|belongings| Self { keys, belongings }))
    }

    /// The virtual MFA devices. Once such a device is nobody's, IAM does not tell whose it was.
    pub(crate) fn virtual_devices(&self) -> impl Iterator<Item = &str> {
        self.belongings.mfa_devices.iter().map(String::as_str).filter(|serial| serial.contains(VIRTUAL))
    }
}

/// Deletes a key. One that is gone is deleted.
pub(crate) async fn key(iam: &Iam, user: &str, key: &str) -> Result<(), AwsError> {
    take(iam, |client| {
        let call = client.delete_access_key().user_name(user).access_key_id(key);
        async move { call.send().await.map(drop).map_err(|error| AwsError::new(IAM_DELETE_ACCESS_KEY, error)) }
    })
    .await
}

/// Deactivates a key. Answers whether it is there.
pub(crate) async fn deactivate(iam: &Iam, user: &str, key: &str) -> Result<bool, AwsError> {
    let call = |client: Client| {
        let call = client.update_access_key().user_name(user).access_key_id(key).status(StatusType::Inactive);
        async move { call.send().await.map(drop).map_err(|error| AwsError::new(IAM_UPDATE_ACCESS_KEY, error)) }
    };
    Ok(or_absent(repeat(iam, call).await)?.is_some())
}

/// Deletes a virtual MFA device that was its user's before. One that is gone is deleted.
pub(crate) async fn virtual_device(iam: &Iam, serial: &str) -> Result<(), AwsError> {
    take(iam, |client| {
        let call = client.delete_virtual_mfa_device().serial_number(serial);
        async move { call.send().await.map(drop).map_err(|error| AwsError::new(IAM_DELETE_VIRTUAL_MFA_DEVICE, error)) }
    })
    .await
}

/// Takes all away that hangs on a user: the keys first, the guard last of all.
pub(crate) async fn strip(iam: &Iam, user: &str, found: &Found, last: LastOfAll<'_>) -> Result<(), AwsError> {
    keys(iam, user, &found.keys).await?;
    credentials(iam, user, &found.belongings).await?;
    permissions(iam, user, &found.belongings, last).await
}

/// Deletes the user itself, of which nothing is left. Answers no where something is left, or where IAM may have done it, and
/// may not: whoever asks looks again.
pub(crate) async fn bare_user(iam: &Iam, user: &str) -> Result<bool, AwsError> {
    let call = |client: Client| {
        let call = client.delete_user().user_name(user);
        async move { call.send().await.map(drop).map_err(|error| AwsError::new(IAM_DELETE_USER, error)) }
    };
    match or_absent(iam.change(call).await) {
        Ok(_) => Ok(true),
        Err(error) if error.code() == "DeleteConflict" || error.outcome_unknown() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Waits a while before the next round. Answers no where there were enough of them.
pub(crate) async fn another_round(round: u32) -> bool {
    if round < ROUNDS {
        tokio::time::sleep(pause(round)).await;
    }
    round < ROUNDS
}

/// Deletes the keys until IAM says, in a whole list, that there are none.
async fn keys(iam: &Iam, user: &str, listed: &[ListedKey]) -> Result<(), AwsError> {
    let mut left = listed.to_vec();
    let mut round = 0;
    while !left.is_empty() {
        for key in &left {
            self::key(iam, user, &key.id).await?;
        }
        left = or_absent(list::keys(iam, user).await)?.unwrap_or_default();
        if !left.is_empty() {
            if !another_round(round).await {
                let ids: Vec<&str> = left.iter().map(|key| key.id.as_str()).collect();
                let why = format!("IAM still lists the keys {} of the user {user}, which were deleted", ids.join(", "));
                return Err(AwsError::of(IAM_LIST_ACCESS_KEYS, "KeysRemain", why));
            }
            round += 1;
        }
    }
    Ok(())
}

/// Takes away what one can sign in with, the keys aside.
async fn credentials(iam: &Iam, user: &str, belongings: &Belongings) -> Result<(), AwsError> {
    if belongings.has_password {
        take(iam, |client| {
            let call = client.delete_login_profile().user_name(user);
            async move { call.send().await.map(drop).map_err(|error| AwsError::new(IAM_DELETE_LOGIN_PROFILE, error)) }
        })
        .await?;
    }
    for serial in &belongings.mfa_devices {
        take(iam, |client| {
            let call = client.deactivate_mfa_device().user_name(user).serial_number(serial);
            async move { call.send().await.map(drop).map_err(|error| AwsError::new(IAM_DEACTIVATE_MFA_DEVICE, error)) }
        })
        .await?;
        if serial.contains(VIRTUAL) {
            virtual_device(iam, serial).await?;
        }
    }
    for id in &belongings.ssh_keys {
        take(iam, |client| {
            let call = client.delete_ssh_public_key().user_name(user).ssh_public_key_id(id);
            async move { call.send().await.map(drop).map_err(|error| AwsError::new(IAM_DELETE_SSH_PUBLIC_KEY, error)) }
        })
        .await?;
    }
    for id in &belongings.service_credentials {
        take(iam, |client| {
            let call = client.delete_service_specific_credential().user_name(user).service_specific_credential_id(id);
            let named = |error| AwsError::new(IAM_DELETE_SERVICE_SPECIFIC_CREDENTIAL, error);
            async move { call.send().await.map(drop).map_err(named) }
        })
        .await?;
    }
    for id in &belongings.certificates {
        take(iam, |client| {
            let call = client.delete_signing_certificate().user_name(user).certificate_id(id);
            let named = |error| AwsError::new(IAM_DELETE_SIGNING_CERTIFICATE, error);
            async move { call.send().await.map(drop).map_err(named) }
        })
        .await?;
    }
    Ok(())
}

/// Takes away what allows and what denies something, in this order.
async fn permissions(iam: &Iam, user: &str, belongings: &Belongings, last: LastOfAll<'_>) -> Result<(), AwsError> {
    for step in in_order(belongings, last) {
        match step {
            Permission::Attached(arn) => {
                take(iam, |client| {
                    let call = client.detach_user_policy().user_name(user).policy_arn(arn);
                    let named = |error| AwsError::new(IAM_DETACH_USER_POLICY, error);
                    async move { call.send().await.map(drop).map_err(named) }
                })
                .await?;
            }
            Permission::Inline(name) => {
                take(iam, |client| {
                    let call = client.delete_user_policy().user_name(user).policy_name(name);
                    let named = |error| AwsError::new(IAM_DELETE_USER_POLICY, error);
                    async move { call.send().await.map(drop).map_err(named) }
                })
                .await?;
            }
            Permission::Group(name) => {
                take(iam, |client| {
                    let call = client.remove_user_from_group().user_name(user).group_name(name);
                    let named = |error| AwsError::new(IAM_REMOVE_USER_FROM_GROUP, error);
                    async move { call.send().await.map(drop).map_err(named) }
                })
                .await?;
            }
        }
    }
    Ok(())
}

/// Something that says what a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Permission<'a> {
    Attached(&'a str),
    Inline(&'a str),
    Group(&'a str),
}

/// In the order in which they go: the guard last, and before it what AWS itself attached to a user whose key has leaked
/// (`AWSCompromisedKeyQuarantine`, `...V2`, `...V3`), which denies, too.
fn in_order<'a>(belongings: &'a Belongings, last: LastOfAll<'_>) -> Vec<Permission<'a>> {
    let Belongings { inline, attached, groups, .. } = belongings;
    let mut all: Vec<Permission<'_>> = Vec::new();
    all.extend(groups.iter().map(|name| Permission::Group(name)));
    all.extend(attached.iter().map(|arn| Permission::Attached(arn)));
    all.extend(inline.iter().map(|name| Permission::Inline(name)));
    all.sort_by_key(|permission| match permission {
        Permission::Inline(name) if *name == last.inline => 2,
        Permission::Group(name) if *name == last.group => 2,
        Permission::Attached(arn) if arn.contains("/AWSCompromisedKeyQuarantine") => 1,
        _ => 0,
    });
    all
}

/// Takes one thing away. What is gone is taken away.
async fn take<F>(iam: &Iam, call: impl Fn(Client) -> F) -> Result<(), AwsError>
where
    F: Future<Output = Result<(), AwsError>>,
{
    or_absent(repeat(iam, call).await).map(drop)
}

/// A change that may be made twice, since the second one changes nothing more: where nobody knows whether the first one was
/// made, it is made again.
async fn repeat<F>(iam: &Iam, call: impl Fn(Client) -> F) -> Result<(), AwsError>
where
    F: Future<Output = Result<(), AwsError>>,
{
    let mut round = 0;
    loop {
        match iam.change(&call).await {
            Err(error) if error.outcome_unknown() && another_round(round).await => round += 1,
            answer => return answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_denies_everything_goes_last() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let belongings = Belongings {
            inline: texts(&["access", "zebra"]),
            attached: texts(&[
                "arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3",
                "arn:aws:iam::aws:policy/AdministratorAccess",
            ]),
            groups: texts(&["admins", "suspended-users"]),
            ..Belongings::default()
        };
        let order = in_order(&belongings, LastOfAll { inline: "access", group: "suspended-users" });
        assert_eq!(
            order,
            [
                Permission::Group("admins"),
                Permission::Attached("arn:aws:iam::aws:policy/AdministratorAccess"),
                Permission::Inline("zebra"),
                Permission::Attached("arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3"),
                Permission::Group("suspended-users"),
                Permission::Inline("access"),
            ]
        );
    }
}
