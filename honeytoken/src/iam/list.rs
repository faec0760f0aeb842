//! What there is: an account's users, and what hangs on one of them. A list is complete, or it is an error.

use std::collections::BTreeMap;

use aws_sdk_iam::Client;
use aws_sdk_iam::types::{EntityType, StatusType, UserDetail};
use common::arn::Arn;
use common::aws::{AwsError, timestamp};
use common::clock;
use common::operation::{
    IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS, IAM_GET_LOGIN_PROFILE, IAM_GET_USER, IAM_LIST_ACCESS_KEYS,
    IAM_LIST_ATTACHED_USER_POLICIES, IAM_LIST_GROUPS_FOR_USER, IAM_LIST_MFA_DEVICES,
    IAM_LIST_SERVICE_SPECIFIC_CREDENTIALS, IAM_LIST_SIGNING_CERTIFICATES, IAM_LIST_SSH_PUBLIC_KEYS,
    IAM_LIST_USER_POLICIES, Operation,
};
use common::record::{KeyStatus, TokenState};
use jiff::Timestamp;

use super::Iam;

/// How IAM says that there is no such user, or no such thing of theirs.
pub(crate) const NO_SUCH: &str = "NoSuchEntity";

/// Whether IAM says that there is no such thing. No other error says so.
pub(crate) fn is_gone(error: &AwsError) -> bool {
    error.code() == NO_SUCH
}

/// An answer in which `NoSuchEntity` is one, too.
pub(crate) fn or_absent<T>(answer: Result<T, AwsError>) -> Result<Option<T>, AwsError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// All pages of a list, one look each, so that a throttled page does not begin the list anew:
/// `pages!(iam, OPERATION, |client| client.list_users(), users, |user| Some(user.user_name.clone()))`.
macro_rules! pages {
    ($iam:expr, $operation:expr, |$client:ident| $call:expr, $items:ident, $take:expr) => {{
        let mut all = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let look = |$client: Client| {
                let call = $call.set_marker(marker.clone());
                async move { call.send().await.map_err(|error| AwsError::new($operation, error)) }
            };
            let page = $iam.look(look).await?;
            all.extend(page.$items().iter().filter_map($take));
            marker = next($operation, page.is_truncated(), page.marker())?;
            if marker.is_none() {
                break all;
            }
        }
    }};
}

/// Where the next page begins. A page that says that there is more and not where is no end of the list.
fn next(operation: Operation, is_truncated: bool, marker: Option<&str>) -> Result<Option<String>, AwsError> {
    match marker.filter(|marker| !marker.is_empty()) {
        _ if !is_truncated => Ok(None),
        Some(marker) => Ok(Some(marker.to_owned())),
        None => Err(AwsError::of(operation, "BadResponse", "the list goes on, and the answer does not say where")),
    }
}

/// A user, as the sweep over an account tells it.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) name: String,
    /// The unique id, `AIDA...`.
    pub(crate) principal_id: String,
    pub(crate) arn: Arn,
    pub(crate) created_at: Timestamp,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) groups: Vec<String>,
    /// The inline policies: their names, and what they say, as IAM gives it (percent-encoded JSON).
    pub(crate) inline: BTreeMap<String, String>,
    /// The ARNs of the managed policies.
    pub(crate) attached: Vec<String>,
    /// The ARN of the permissions boundary.
    pub(crate) boundary: Option<String>,
}

impl Listed {
    fn of(user: &UserDetail) -> Option<Self> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let tags = user.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned()));
        let inline = user.user_policy_list().iter();
        let inline =
            inline.filter_map(|it| Some((owned(it.policy_name())?, owned(it.policy_document()).unwrap_or_default())));
        Some(Self {
            name: owned(user.user_name())?,
            principal_id: owned(user.user_id())?,
            arn: user.arn()?.parse().ok()?,
            created_at: user.create_date().map_or_else(clock::now, timestamp),
            tags: tags.collect(),
            groups: user.group_list().to_vec(),
            inline: inline.collect(),
            attached: user.attached_managed_policies().iter().filter_map(|it| owned(it.policy_arn())).collect(),
            boundary: user.permissions_boundary().and_then(|it| owned(it.permissions_boundary_arn())),
        })
    }
}

/// All users of the account, with their tags: a call for some hundred of them, where `ListUsers` tells no tags.
pub(crate) async fn users(iam: &Iam) -> Result<Vec<Listed>, AwsError> {
    let users = pages!(
        iam,
        IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS,
        |client| client.get_account_authorization_details().filter(EntityType::User).max_items(1000),
        user_detail_list,
        |user| Some(Listed::of(user).ok_or_else(|| {
            let why = format!("the answer does not tell all of the user {:?}", user.user_name());
            AwsError::of(IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS, "BadResponse", why)
        }))
    );
    users.into_iter().collect()
}

/// A user, as IAM itself tells it when asked for it by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    /// The unique id, `AIDA...`.
    pub(crate) principal_id: String,
    pub(crate) arn: Arn,
    pub(crate) tags: BTreeMap<String, String>,
}

/// The user of that name, where there is one.
pub(crate) async fn user(iam: &Iam, name: &str) -> Result<Option<User>, AwsError> {
    let look = |client: Client| {
        let call = client.get_user().user_name(name);
        async move { call.send().await.map_err(|error| AwsError::new(IAM_GET_USER, error)) }
    };
    let Some(answer) = or_absent(iam.look(look).await)? else { return Ok(None) };
    let nothing = || AwsError::of(IAM_GET_USER, "BadResponse", format!("the answer does not tell the user {name}"));
    let user = answer.user.ok_or_else(nothing)?;
    let arn = user.arn.parse().map_err(|_| nothing())?;
    let tags = user.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect();
    Ok(Some(User { principal_id: user.user_id, arn, tags }))
}

/// An access key, as IAM has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListedKey {
    pub(crate) id: String,
    pub(crate) is_active: bool,
    pub(crate) created_at: Timestamp,
}

impl ListedKey {
    /// What IAM says of it, in the registry's words.
    pub(crate) fn status(&self) -> KeyStatus {
        if self.is_active { KeyStatus::Active } else { KeyStatus::Inactive }
    }
}

/// What its keys make of a token.
pub(crate) fn state<'a>(keys: impl IntoIterator<Item = &'a ListedKey>) -> TokenState {
    if keys.into_iter().any(|key| key.is_active) { TokenState::Active } else { TokenState::Disabled }
}

/// All access keys of a user. A user that is not there is the error `NoSuchEntity`.
pub(crate) async fn keys(iam: &Iam, user: &str) -> Result<Vec<ListedKey>, AwsError> {
    let keys = pages!(
        iam,
        IAM_LIST_ACCESS_KEYS,
        |client| client.list_access_keys().user_name(user),
        access_key_metadata,
        |key| key.access_key_id().map(|id| ListedKey {
            id: id.to_owned(),
            // Whatever is not said to be inactive may be used.
            is_active: key.status() != Some(&StatusType::Inactive),
            created_at: key.create_date().map_or_else(clock::now, timestamp),
        })
    );
    Ok(keys)
}

/// What hangs on a user and has to go before it can, its keys aside: see
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html>. A permissions boundary may stay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Belongings {
    pub(crate) has_password: bool,
    /// Serial numbers; those of virtual devices are ARNs.
    pub(crate) mfa_devices: Vec<String>,
    pub(crate) ssh_keys: Vec<String>,
    pub(crate) service_credentials: Vec<String>,
    pub(crate) certificates: Vec<String>,
    /// Names of inline policies.
    pub(crate) inline: Vec<String>,
    /// ARNs of managed policies.
    pub(crate) attached: Vec<String>,
    pub(crate) groups: Vec<String>,
}

/// All that hangs on a user. A user that is not there is the error `NoSuchEntity`.
pub(crate) async fn belongings(iam: &Iam, user: &str) -> Result<Belongings, AwsError> {
    Ok(Belongings {
        has_password: has_password(iam, user).await?,
        mfa_devices: pages!(
            iam,
            IAM_LIST_MFA_DEVICES,
            |client| client.list_mfa_devices().user_name(user),
            mfa_devices,
            |device| Some(device.serial_number().to_owned())
        ),
        ssh_keys: pages!(
            iam,
            IAM_LIST_SSH_PUBLIC_KEYS,
            |client| client.list_ssh_public_keys().user_name(user),
            ssh_public_keys,
            |key| Some(key.ssh_public_key_id().to_owned())
        ),
        service_credentials: pages!(
            iam,
            IAM_LIST_SERVICE_SPECIFIC_CREDENTIALS,
            |client| client.list_service_specific_credentials().user_name(user),
            service_specific_credentials,
            |credential| Some(credential.service_specific_credential_id().to_owned())
        ),
        certificates: pages!(
            iam,
            IAM_LIST_SIGNING_CERTIFICATES,
            |client| client.list_signing_certificates().user_name(user),
            certificates,
            |certificate| Some(certificate.certificate_id().to_owned())
        ),
        inline: pages!(
            iam,
            IAM_LIST_USER_POLICIES,
            |client| client.list_user_policies().user_name(user),
            policy_names,
            |name| Some(name.clone())
        ),
        attached: pages!(
            iam,
            IAM_LIST_ATTACHED_USER_POLICIES,
            |client| client.list_attached_user_policies().user_name(user),
            attached_policies,
            |policy| policy.policy_arn().map(str::to_owned)
        ),
        groups: pages!(
            iam,
            IAM_LIST_GROUPS_FOR_USER,
            |client| client.list_groups_for_user().user_name(user),
            groups,
            |group| Some(group.group_name().to_owned())
        ),
    })
}

/// Whether the user can sign in to the console. IAM says the same of no password and of no user: ask for something else, too.
async fn has_password(iam: &Iam, user: &str) -> Result<bool, AwsError> {
    let look = |client: Client| {
        let call = client.get_login_profile().user_name(user);
        async move { call.send().await.map_err(|error| AwsError::new(IAM_GET_LOGIN_PROFILE, error)) }
    };
    Ok(or_absent(iam.look(look).await)?.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_breaks_off_is_no_list() {
        let next = |is_truncated, marker| next(IAM_LIST_ACCESS_KEYS, is_truncated, marker);
        assert_eq!(next(false, None).unwrap(), None);
        assert_eq!(next(false, Some("m")).unwrap(), None);
        assert_eq!(next(true, Some("m")).unwrap().as_deref(), Some("m"));
        for lost in [None, Some("")] {
            assert_eq!(next(true, lost).unwrap_err().code(), "BadResponse");
        }
    }

    #[test]
    fn only_one_error_says_that_there_is_nothing() {
        let error = |code: &str| Err::<(), _>(AwsError::of(IAM_LIST_ACCESS_KEYS, code, "no"));
        assert_eq!(or_absent(error(NO_SUCH)), Ok(None));
        for code in ["AccessDenied", "Throttling", "Http404", "BadResponse", "Timeout"] {
            assert_eq!(or_absent(error(code)).unwrap_err().code(), code);
        }
    }
}
