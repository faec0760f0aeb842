//! Users with a password or a key that nobody knows, and that would open nothing.

use std::io::Read as _;

use aws_sdk_iam::Client;
use aws_sdk_iam::types::{StatusType, User};
use common::aws::AwsError;
use common::client;
use common::resource::{self, ResourceType};

use super::iam::{self, DENY_ALL, NONE, PATH, POLICY_NAME};
use super::{Made, Misconfigured, Missing, Place, Report, call, for_each, unbuilt, unless};

/// A user.
struct Spec {
    name: &'static str,
    what: &'static str,
    checks: &'static [&'static str],
    password: bool,
    key: Option<fn() -> StatusType>,
}

const GOOD: Spec =
    Spec { name: "sluice-test-good", what: "good: no password and no key", checks: &[], password: false, key: None };

const SPECS: &[Spec] = &[
    GOOD,
    Spec {
        name: "sluice-test-password",
        what: "bad: a password without MFA, which is never used",
        checks: &["iam_user_mfa", "iam_user_password_unused"],
        password: true,
        ..GOOD
    },
    Spec {
        name: "sluice-test-key",
        what: "bad: a key that is never used",
        checks: &["iam_user_key_unused"],
        key: Some(|| StatusType::Active),
        ..GOOD
    },
    Spec {
        name: "sluice-test-inactive-key",
        what: "good: its key is not active",
        key: Some(|| StatusType::Inactive),
        ..GOOD
    },
];

impl Misconfigured for resource::User {
    async fn make(place: &Place) -> Result<Report, Missing> {
        let client = client!(aws_sdk_iam, &place.session, place.session.home_region());
        let results = for_each(SPECS, |spec| {
            let (place, client) = (place.clone(), client.clone());
            async move { (spec.name.to_owned(), make_one(&place, &client, spec).await) }
        });
        Ok(Report::collect(results.await))
    }

    async fn clean(place: &Place) -> Result<Report, Missing> {
        let client = client!(aws_sdk_iam, &place.session, place.session.home_region());
        let mut pages = client.list_users().path_prefix(PATH).into_paginator().items().send();
        let mut users: Vec<User> = Vec::new();
        while let Some(user) = pages.next().await {
            users.push(user.map_err(|error| AwsError::new("iam:ListUsers", error))?);
        }
        users.retain(|user| iam::is_ours(&user.path, &user.user_name));
        let names = users.into_iter().map(|user| user.user_name).collect();
        let remove = |client, name: String| async move { remove(&client, &name).await };
        Ok(iam::clean(place, &client, (ResourceType::IamUser, "user"), names, remove).await)
    }
}

async fn make_one(place: &Place, client: &Client, spec: &'static Spec) -> Result<Made, Missing> {
    let name = spec.name;
    let present = unless(NONE, call!("iam:GetUser", client.get_user().user_name(name)))?;
    if let Some(user) = present.and_then(|answer| answer.user) {
        iam::has_our_path("user", &user.path)?;
    } else {
        let tag = iam::tag("iam:CreateUser", spec.what)?;
        call!("iam:CreateUser", client.create_user().user_name(name).path(PATH).tags(tag))?;
    }
    // First of all, so that there is no moment in which password or key are worth anything.
    let request = client.put_user_policy().user_name(name).policy_name(POLICY_NAME).policy_document(DENY_ALL);
    call!("iam:PutUserPolicy", request)?;
    if spec.password {
        set_password(client, name).await?;
    }
    if let Some(status) = spec.key {
        set_key(client, name, &status()).await?;
    }
    let arn = iam::arn(place, "user", name);
    Ok(place.made(ResourceType::IamUser, name, arn, spec.what, spec.checks))
}

async fn set_password(client: &Client, name: &str) -> Result<(), AwsError> {
    const OPERATION: &str = "iam:CreateLoginProfile";
    if unless(NONE, call!("iam:GetLoginProfile", client.get_login_profile().user_name(name)))?.is_some() {
        return Ok(());
    }
    let password = password().map_err(|error| unbuilt(OPERATION, format!("no random password: {error}")))?;
    call!("iam:CreateLoginProfile", client.create_login_profile().user_name(name).password(password)).map(drop)
}

/// 32 random bytes, with all that an account's password policy may ask for.
pub(super) fn password() -> std::io::Result<String> {
    let mut random = [0_u8; 32];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut random)?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).chain(["-Aa1!".to_owned()]).collect())
}

async fn set_key(client: &Client, name: &str, status: &StatusType) -> Result<(), AwsError> {
    let keys = call!("iam:ListAccessKeys", client.list_access_keys().user_name(name))?.access_key_metadata;
    let (id, present) = if let Some(key) = keys.into_iter().next() {
        (key.access_key_id, key.status)
    } else {
        let answer = call!("iam:CreateAccessKey", client.create_access_key().user_name(name))?;
        // The secret ends here.
        (answer.access_key.map(|key| key.access_key_id), Some(StatusType::Active))
    };
    if present.as_ref() == Some(status) {
        return Ok(());
    }
    let request = client.update_access_key().user_name(name).set_access_key_id(id).status(status.clone());
    call!("iam:UpdateAccessKey", request).map(drop)
}

/// Removes what we gave a user, and the user: IAM refuses where somebody gave them more.
async fn remove(client: &Client, name: &str) -> Result<(), AwsError> {
    unless(NONE, call!("iam:DeleteLoginProfile", client.delete_login_profile().user_name(name)))?;
    let keys = unless(NONE, call!("iam:ListAccessKeys", client.list_access_keys().user_name(name)))?;
    for key in keys.map(|answer| answer.access_key_metadata).unwrap_or_default() {
        let request = client.delete_access_key().user_name(name).set_access_key_id(key.access_key_id);
        unless(NONE, call!("iam:DeleteAccessKey", request))?;
    }
    // Last: until here the key was worth nothing.
    let request = client.delete_user_policy().user_name(name).policy_name(POLICY_NAME);
    unless(NONE, call!("iam:DeleteUserPolicy", request))?;
    unless(NONE, call!("iam:DeleteUser", client.delete_user().user_name(name))).map(drop)
}
