//! One user, as IAM itself tells it now.

use aws_sdk_iam::Client;
use aws_sdk_iam::types::AccessKeyMetadata;
use common::aws::AwsError;
use common::operation::{
    IAM_GET_ACCESS_KEY_LAST_USED, IAM_GET_LOGIN_PROFILE, IAM_GET_USER, IAM_GET_USER_POLICY, IAM_LIST_ACCESS_KEYS,
    IAM_LIST_ATTACHED_USER_POLICIES, IAM_LIST_GROUPS_FOR_USER, IAM_LIST_MFA_DEVICES, IAM_LIST_USER_POLICIES,
};
use common::record::{Resource, Unread};
use common::resource::{AccessKey, AttachedPolicy, SLUICE_DENY_ALL, User};
use serde_json::Value;

use super::{Credentials, Facts, convert, plain_key};
use crate::types::iam::{self, NO_SUCH, attached, boundary, is_gone, tag_map};
use crate::types::{Owner, or_absent, read, time};

/// `GetUser` says that the user exists; the other calls are made at once, and what one of them does not tell is unread.
pub(super) async fn look(client: &Client, owner: &Owner, name: &str) -> Result<Option<Resource<User>>, AwsError> {
    let answer = client.get_user().user_name(name).send().await;
    let answer = answer.map_err(|error| AwsError::new(IAM_GET_USER, error));
    let Some(user) = or_absent(answer, NO_SUCH)?.and_then(|answer| answer.user) else { return Ok(None) };
    let (login, devices, keys, groups, attached, inline) = tokio::join!(
        login(client, name),
        devices(client, name),
        keys(client, name),
        groups(client, name),
        policies(client, name),
        inline(client, name),
    );
    let gone = [
        devices.as_ref().err(),
        keys.as_ref().err(),
        groups.as_ref().err(),
        attached.as_ref().err(),
        inline.as_ref().err(),
    ];
    if gone.into_iter().flatten().any(is_gone) {
        return Ok(None);
    }
    let mut unread = Vec::new();
    let login = read(login, &["PasswordEnabled", "PasswordLastChanged", "PasswordLastUsed"], &mut unread).flatten();
    let devices = read(devices, &["MfaActive"], &mut unread).unwrap_or_default().len();
    let inline = read(inline, &["UserPolicyList"], &mut unread).unwrap_or_default();
    let deny_all = deny_all(client, name, &inline, &mut unread).await;
    let mut used = Vec::new();
    for key in read(keys, &["AccessKeys"], &mut unread).unwrap_or_default() {
        used.push(last_use(client, key, &mut unread).await);
    }
    let facts = Facts {
        name: user.user_name,
        id: user.user_id,
        path: Some(user.path),
        arn: user.arn.parse().ok(),
        created: Some(time(&user.create_date)),
        boundary: user.permissions_boundary.map(boundary),
        groups: read(groups, &["GroupList"], &mut unread).unwrap_or_default(),
        attached: read(attached, &["AttachedManagedPolicies"], &mut unread).unwrap_or_default(),
        inline,
        deny_all,
        tags: tag_map(user.tags),
    };
    let credentials = Credentials {
        password_enabled: login.is_some(),
        password_last_changed: login,
        password_last_used: user.password_last_used.as_ref().map(time),
        mfa_active: devices > 0,
        keys: used,
    };
    Ok(Some(convert(owner, facts, credentials, unread)))
}

/// When the login profile was made, where there is one.
async fn login(client: &Client, name: &str) -> Result<Option<jiff::Timestamp>, AwsError> {
    let answer = client.get_login_profile().user_name(name).send().await;
    let answer = answer.map_err(|error| AwsError::new(IAM_GET_LOGIN_PROFILE, error));
    let login = or_absent(answer, NO_SUCH)?.and_then(|answer| answer.login_profile);
    Ok(login.map(|login| time(&login.create_date)))
}

/// The serial numbers of the MFA devices.
pub(super) async fn devices(client: &Client, name: &str) -> Result<Vec<String>, AwsError> {
    let items = client.list_mfa_devices().user_name(name).into_paginator().items().send();
    let devices: Vec<_> = items.try_collect().await.map_err(|error| AwsError::new(IAM_LIST_MFA_DEVICES, error))?;
    Ok(devices.into_iter().map(|device| device.serial_number).collect())
}

/// The access keys, without their last uses.
pub(super) async fn keys(client: &Client, name: &str) -> Result<Vec<AccessKeyMetadata>, AwsError> {
    let items = client.list_access_keys().user_name(name).into_paginator().items().send();
    items.try_collect().await.map_err(|error| AwsError::new(IAM_LIST_ACCESS_KEYS, error))
}

async fn groups(client: &Client, name: &str) -> Result<Vec<String>, AwsError> {
    let items = client.list_groups_for_user().user_name(name).into_paginator().items().send();
    let groups: Vec<_> = items.try_collect().await.map_err(|error| AwsError::new(IAM_LIST_GROUPS_FOR_USER, error))?;
    Ok(groups.into_iter().map(|group| group.group_name).collect())
}

async fn policies(client: &Client, name: &str) -> Result<Vec<AttachedPolicy>, AwsError> {
    let items = client.list_attached_user_policies().user_name(name).into_paginator().items().send();
    let policies: Vec<_> =
        items.try_collect().await.map_err(|error| AwsError::new(IAM_LIST_ATTACHED_USER_POLICIES, error))?;
    Ok(policies.into_iter().map(attached).collect())
}

async fn inline(client: &Client, name: &str) -> Result<Vec<String>, AwsError> {
    let items = client.list_user_policies().user_name(name).into_paginator().items().send();
    items.try_collect().await.map_err(|error| AwsError::new(IAM_LIST_USER_POLICIES, error))
}

async fn deny_all(client: &Client, name: &str, inline: &[String], unread: &mut Vec<Unread>) -> Option<Value> {
    let call = client.get_user_policy().user_name(name).policy_name(SLUICE_DENY_ALL);
    let ask = async {
        let answer = call.send().await.map_err(|error| AwsError::new(IAM_GET_USER_POLICY, error));
        answer.map(|answer| answer.policy_document)
    };
    iam::deny_all(inline, IAM_GET_USER_POLICY, ask, unread).await
}

/// A key with its last use as IAM tells it. Where it does not, the keys as a whole are unread: which of them is stale
/// cannot be said.
pub(super) async fn last_use(client: &Client, key: AccessKeyMetadata, unread: &mut Vec<Unread>) -> AccessKey {
    let key = plain_key(key);
    let answer = client.get_access_key_last_used().access_key_id(&key.access_key_id).send().await;
    let answer = answer.map_err(|error| AwsError::new(IAM_GET_ACCESS_KEY_LAST_USED, error));
    let Some(used) = read(answer, &["AccessKeys"], unread).and_then(|answer| answer.access_key_last_used) else {
        return key;
    };
    // A key that was never used was last used nowhere, which IAM calls `N/A`.
    let word = |text: String| (!text.is_empty() && text != "N/A").then_some(text);
    AccessKey {
        last_used_date: used.last_used_date.as_ref().map(time),
        last_used_service: word(used.service_name),
        last_used_region: word(used.region),
        ..key
    }
}
