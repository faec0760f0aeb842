//! `iam_user`: for all users at once, one `GetAccountAuthorizationDetails` sweep and the credential report; for one user,
//! IAM itself.
//!
//! The sweep costs a call or two per hundred users, and one `ListAccessKeys` for each user with a key, because the
//! report does not tell the keys' ids. What the report says is as old as the report, four hours at most, and the
//! record's `observed_at` is its time. Both ways end in [`convert`].

mod closely;
mod direct;
mod report;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_iam::Client;
use aws_sdk_iam::operation::get_credential_report::GetCredentialReportError;
use aws_sdk_iam::types::{AccessKeyMetadata, EntityType, UserDetail};
use common::arn::Arn;
use common::aws::{AwsError, Session};
use common::client;
use common::clock;
use common::id::Region;
use common::operation::{
    IAM_GENERATE_CREDENTIAL_REPORT, IAM_GET_ACCESS_KEY_LAST_USED, IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS,
    IAM_GET_CREDENTIAL_REPORT, IAM_GET_LOGIN_PROFILE, IAM_GET_USER, IAM_GET_USER_POLICY, IAM_LIST_ACCESS_KEYS,
    IAM_LIST_ATTACHED_USER_POLICIES, IAM_LIST_GROUPS_FOR_USER, IAM_LIST_MFA_DEVICES,
    IAM_LIST_SERVICE_SPECIFIC_CREDENTIALS, IAM_LIST_SIGNING_CERTIFICATES, IAM_LIST_SSH_PUBLIC_KEYS,
    IAM_LIST_USER_POLICIES, Operation,
};
use common::record::{Resource, Unread};
use common::resource::{AccessKey, AttachedPolicy, PermissionsBoundary, User};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use serde_json::Value;

use self::report::{Report, Row};
use super::iam::{self, attached, boundary, inline_policies, is_gone, tag_map};
use super::{AT_ONCE, Owner, Polled, read, time};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::{Sink, TEST_TAG};

/// How often, and how long apart, we ask whether the report is done. AWS needs seconds for most accounts.
const REPORT_TRIES: u32 = 45;
const REPORT_PAUSE: Duration = Duration::from_secs(2);

/// The fields that the report tells.
const REPORTED: [&str; 5] = ["PasswordEnabled", "PasswordLastChanged", "PasswordLastUsed", "MfaActive", "AccessKeys"];

impl Polled for User {
    /// A user who is newer than the report is looked at.
    const LIST: &'static [Operation] = &[
        IAM_GENERATE_CREDENTIAL_REPORT,
        IAM_GET_ACCESS_KEY_LAST_USED,
        IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS,
        IAM_GET_CREDENTIAL_REPORT,
        IAM_GET_LOGIN_PROFILE,
        IAM_GET_USER,
        IAM_GET_USER_POLICY,
        IAM_LIST_ACCESS_KEYS,
        IAM_LIST_ATTACHED_USER_POLICIES,
        IAM_LIST_GROUPS_FOR_USER,
        IAM_LIST_MFA_DEVICES,
        IAM_LIST_USER_POLICIES,
    ];
    const LOOK: &'static [Operation] = &[
        IAM_GET_ACCESS_KEY_LAST_USED,
        IAM_GET_LOGIN_PROFILE,
        IAM_GET_USER,
        IAM_GET_USER_POLICY,
        IAM_LIST_ACCESS_KEYS,
        IAM_LIST_ATTACHED_USER_POLICIES,
        IAM_LIST_GROUPS_FOR_USER,
        IAM_LIST_MFA_DEVICES,
        IAM_LIST_USER_POLICIES,
    ];
    const CLOSER: &'static [Operation] = &[
        IAM_LIST_MFA_DEVICES,
        IAM_LIST_SERVICE_SPECIFIC_CREDENTIALS,
        IAM_LIST_SIGNING_CERTIFICATES,
        IAM_LIST_SSH_PUBLIC_KEYS,
    ];
    const SETTLES: bool = false;

    async fn list(account: &Account, _: &Reach, sink: &Sink) -> Result<(), AwsError> {
        let session = &account.session;
        let owner = Owner::of(session);
        let client = client!(aws_sdk_iam, session, session.home_region());
        let (users, mut result) = users(&client, sink.only_tests()).await;
        if users.is_empty() {
            return result;
        }
        let report = report(&client).await;
        let mut described = stream::iter(users)
            .map(|(user, tags)| describe(&client, &owner, user, tags, &report))
            .buffer_unordered(AT_ONCE);
        while let Some(user) = described.next().await {
            match user {
                Ok(Some(user)) => sink.resource(user).await,
                Ok(None) => {}
                Err(error) => result = Err(error),
            }
        }
        result
    }

    async fn look(session: &Session, _: &Region, id: &str) -> Result<Option<Resource<Self>>, AwsError> {
        let client = client!(aws_sdk_iam, session, session.home_region());
        direct::look(&client, &Owner::of(session), id).await
    }

    async fn look_closely(session: &Session, _: &Region, found: &mut [&mut Resource<Self>]) {
        let client = client!(aws_sdk_iam, session, session.home_region());
        for user in found {
            closely::look(&client, user).await;
        }
    }
}

type Tags = BTreeMap<String, String>;

/// All users, or those up to the page that failed.
async fn users(client: &Client, only_tests: bool) -> (Vec<(UserDetail, Tags)>, Result<(), AwsError>) {
    let mut users = Vec::new();
    let call = client.get_account_authorization_details().filter(EntityType::User);
    let mut pages = call.into_paginator().page_size(1000).send();
    while let Some(page) = pages.next().await {
        let page = match page {
            Ok(page) => page,
            Err(error) => return (users, Err(AwsError::new(IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS, error))),
        };
        for mut user in page.user_detail_list.unwrap_or_default() {
            let tags = tag_map(user.tags.take());
            if !only_tests || tags.contains_key(TEST_TAG) {
                users.push((user, tags));
            }
        }
    }
    (users, Ok(()))
}

/// The report as it is, or, when there is none that is fresh, a new one.
async fn report(client: &Client) -> Result<Report, Unread> {
    let unread = |error: &AwsError| error.unread("");
    for attempt in 0..REPORT_TRIES {
        let error = match client.get_credential_report().send().await {
            Ok(answer) => {
                let generated = answer.generated_time.as_ref().map_or_else(clock::now, time);
                let content = answer.content.map(aws_sdk_iam::primitives::Blob::into_inner).unwrap_or_default();
                return Ok(Report::parse(&content, generated));
            }
            Err(error) => error,
        };
        let (missing, coming) = error.as_service_error().map_or((false, false), |error| {
            (
                error.is_credential_report_not_present_exception() || error.is_credential_report_expired_exception(),
                error.is_credential_report_not_ready_exception(),
            )
        });
        if missing && attempt == 0 {
            let started = client.generate_credential_report().send().await;
            started.map_err(|error| unread(&AwsError::new(IAM_GENERATE_CREDENTIAL_REPORT, error)))?;
        } else if !missing && !coming {
            return Err(unread(&AwsError::new::<GetCredentialReportError>(IAM_GET_CREDENTIAL_REPORT, error)));
        }
        tokio::time::sleep(REPORT_PAUSE).await;
    }
    Err(Unread {
        field: String::new(),
        operation: IAM_GET_CREDENTIAL_REPORT.into(),
        code: "ReportInProgress".to_owned(),
        message: Some(format!("the report was not done after {} seconds", (REPORT_PAUSE * REPORT_TRIES).as_secs())),
    })
}

/// A user's record; nothing for one who vanished since being listed.
async fn describe(
    client: &Client,
    owner: &Owner,
    user: UserDetail,
    tags: Tags,
    report: &Result<Report, Unread>,
) -> Result<Option<Resource<User>>, AwsError> {
    let mut unread = Vec::new();
    let facts = Facts::listed(user, tags, &mut unread);
    let report = match report {
        Ok(report) => report,
        Err(why) => {
            unread.extend(REPORTED.iter().map(|&field| Unread { field: field.to_owned(), ..why.clone() }));
            return Ok(Some(convert(owner, facts, Credentials::default(), unread)));
        }
    };
    let Some(row) = report.row(&facts.name, facts.created) else {
        // Newer than the report, or the report does not make sense here.
        return direct::look(client, owner, &facts.name).await;
    };
    let keys = if row.keys.is_empty() {
        Vec::new()
    } else {
        match direct::keys(client, &facts.name).await {
            Err(error) if is_gone(&error) => return Ok(None),
            keys => {
                last_uses(client, read(keys, &["AccessKeys"], &mut unread).unwrap_or_default(), row, &mut unread).await
            }
        }
    };
    let credentials = Credentials {
        password_enabled: row.password_enabled,
        password_last_changed: row.password_last_changed,
        password_last_used: row.password_last_used,
        mfa_active: row.mfa_active,
        keys,
    };
    let mut user = convert(owner, facts, credentials, unread);
    // No report can tell of a user who was made after it: one that does (an emulator's) has its time wrong.
    user.observed_at = report.generated.max(row.created);
    Ok(Some(user))
}

/// When each of the keys was last used: from the report where one of its keys is this one beyond doubt, else from IAM.
async fn last_uses(
    client: &Client,
    listed: Vec<AccessKeyMetadata>,
    row: &Row,
    unread: &mut Vec<Unread>,
) -> Vec<AccessKey> {
    let mut keys = Vec::new();
    let same = matches(row, &listed);
    for (key, same) in listed.into_iter().zip(same) {
        let Some(reported) = same else {
            keys.push(direct::last_use(client, key, unread).await);
            continue;
        };
        keys.push(AccessKey {
            last_used_date: reported.last_used_date,
            last_used_service: reported.last_used_service.clone(),
            last_used_region: reported.last_used_region.clone(),
            ..plain_key(key)
        });
    }
    keys
}

/// For each listed key the report's key that was made in the same second, if there is one only, on either side.
///
/// The report does not tell ids, and a key may have been replaced since it was made.
fn matches<'a>(row: &'a Row, listed: &[AccessKeyMetadata]) -> Vec<Option<&'a report::Key>> {
    let made = |key: &AccessKeyMetadata| key.create_date.as_ref().map(aws_sdk_iam::primitives::DateTime::secs);
    let find = |key: &AccessKeyMetadata| {
        let second = made(key)?;
        if listed.iter().filter(|other| made(other) == Some(second)).count() > 1 {
            return None;
        }
        let mut same = row.keys.iter().filter(|other| other.last_rotated.map(Timestamp::as_second) == Some(second));
        let first = same.next()?;
        same.next().is_none().then_some(first)
    };
    listed.iter().map(find).collect()
}

/// A key without its last use.
fn plain_key(key: AccessKeyMetadata) -> AccessKey {
    AccessKey {
        access_key_id: key.access_key_id.unwrap_or_default(),
        status: key.status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
        create_date: key.create_date.as_ref().map(time),
        ..AccessKey::default()
    }
}

/// What IAM says of a user whichever way it is asked.
#[derive(Debug, Default)]
struct Facts {
    name: String,
    id: String,
    path: Option<String>,
    arn: Option<Arn>,
    created: Option<Timestamp>,
    boundary: Option<PermissionsBoundary>,
    groups: Vec<String>,
    attached: Vec<AttachedPolicy>,
    inline: Vec<String>,
    deny_all: Option<Value>,
    tags: Tags,
}

impl Facts {
    fn listed(user: UserDetail, tags: Tags, unread: &mut Vec<Unread>) -> Self {
        let (inline, deny_all) = inline_policies(user.user_policy_list, unread);
        Self {
            name: user.user_name.unwrap_or_default(),
            id: user.user_id.unwrap_or_default(),
            path: user.path,
            arn: user.arn.and_then(|arn| arn.parse().ok()),
            created: user.create_date.as_ref().map(time),
            boundary: user.permissions_boundary.map(boundary),
            groups: user.group_list.unwrap_or_default(),
            attached: user.attached_managed_policies.unwrap_or_default().into_iter().map(attached).collect(),
            inline,
            deny_all,
            tags,
        }
    }
}

/// What a user can sign in with.
#[derive(Debug, Default)]
struct Credentials {
    password_enabled: bool,
    password_last_changed: Option<Timestamp>,
    password_last_used: Option<Timestamp>,
    mfa_active: bool,
    keys: Vec<AccessKey>,
}

/// The record, the same for the sweep and for a look: lists are sorted, and a last use counts only while there is a
/// password (`GetUser` goes on telling it, the report does not).
fn convert(owner: &Owner, facts: Facts, credentials: Credentials, unread: Vec<Unread>) -> Resource<User> {
    let Facts { name, id, path, arn, created, boundary, mut groups, mut attached, mut inline, deny_all, tags } = facts;
    let Credentials { password_enabled, password_last_changed, password_last_used, mfa_active, mut keys } = credentials;
    groups.sort_unstable();
    attached.sort_unstable();
    inline.sort_unstable();
    keys.sort_by(|a, b| (a.create_date, &a.access_key_id).cmp(&(b.create_date, &b.access_key_id)));
    let config = User {
        user_name: name.clone(),
        user_id: id,
        path: path.clone(),
        create_date: created,
        password_enabled,
        password_last_changed: password_last_changed.filter(|_| password_enabled),
        password_last_used: password_last_used.filter(|_| password_enabled),
        mfa_active,
        access_keys: keys,
        permissions_boundary: boundary,
        group_list: groups,
        attached_managed_policies: attached,
        user_policy_list: inline,
        sluice_deny_all: deny_all,
        ..User::default()
    };
    let arn = arn.unwrap_or_else(|| iam::arn(owner, "user", path.as_deref(), &name));
    let mut user = owner.resource(&Region::global(), &name, arn, tags, config);
    user.unread = unread;
    user
}

#[cfg(test)]
mod tests {
    use aws_sdk_iam::primitives::DateTime;
    use aws_sdk_iam::types::StatusType;

    use super::*;
    use crate::types::tests::owner;

    fn listed(id: &str, made: i64) -> AccessKeyMetadata {
        let time = DateTime::from_secs_and_nanos(made, 250_000_000);
        AccessKeyMetadata::builder().access_key_id(id).status(StatusType::Active).create_date(time).build()
    }

    fn row(rotated: &[i64]) -> Row {
        let key = |&second: &i64| report::Key {
            last_rotated: Some(Timestamp::from_second(second).unwrap()),
            last_used_date: None,
            last_used_service: Some(format!("service-{second}")),
            last_used_region: None,
        };
        Row {
            created: Timestamp::UNIX_EPOCH,
            password_enabled: false,
            password_last_used: None,
            password_last_changed: None,
            mfa_active: false,
            keys: rotated.iter().map(key).collect(),
        }
    }

    #[test]
    fn a_key_is_the_reports_only_beyond_doubt() {
        type Row<'a> = (&'a [i64], &'a [i64], &'a [Option<i64>]);
        let rows: [Row<'_>; 6] = [
            (&[10, 20], &[20, 10], &[Some(20), Some(10)]),
            // Replaced since the report was made.
            (&[10], &[30], &[None]),
            // One was rotated, the other is as it was.
            (&[10, 20], &[10, 30], &[Some(10), None]),
            // Made in the same second: either could be either.
            (&[10, 10], &[10, 10], &[None, None]),
            (&[10, 10], &[10], &[None]),
            (&[10], &[10, 10], &[None, None]),
        ];
        for (reported, made, expected) in rows {
            let row = row(reported);
            let keys: Vec<_> = made.iter().map(|&made| listed("AKIA", made)).collect();
            let found: Vec<_> =
                matches(&row, &keys).into_iter().map(|key| Some(key?.last_rotated?.as_second())).collect();
            assert_eq!(found, expected, "{reported:?} {made:?}");
        }
    }

    #[test]
    fn both_ways_of_asking_end_in_the_same_record() {
        let facts = |groups: &[&str]| Facts {
            name: "jane".to_owned(),
            path: Some("/team/".to_owned()),
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
            ..Facts::default()
        };
        let keys = |order: [(&str, i64); 2]| order.map(|(id, made)| plain_key(listed(id, made))).to_vec();
        // GetUser still tells when a password was used that is gone; the report does not.
        let asked = Credentials {
            password_last_used: Some(Timestamp::UNIX_EPOCH),
            keys: keys([("AKIB", 20), ("AKIA", 10)]),
            ..Credentials::default()
        };
        let swept = Credentials { keys: keys([("AKIA", 10), ("AKIB", 20)]), ..Credentials::default() };
        let one = convert(&owner(), facts(&["b", "a"]), asked, Vec::new());
        let other = convert(&owner(), facts(&["a", "b"]), swept, Vec::new());
        assert_eq!(one.config, other.config);
        assert_eq!(one.arn.to_string(), "arn:aws-cn:iam::111122223333:user/team/jane");
        assert!(one.region.is_global());
        assert_eq!(one.config.access_keys[0].create_date, Some(Timestamp::from_second(10).unwrap()));
    }

    #[test]
    fn what_the_report_tells_are_fields_of_the_configuration() {
        let config = serde_json::to_value(User::default()).unwrap();
        for field in REPORTED {
            assert!(config.get(field).is_some(), "{field}");
        }
    }
}
