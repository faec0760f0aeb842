//! The organization: `DescribeOrganization`, then `ListAccounts` to its end.
//!
//! Only the management account and those to which it delegated an administration may list the accounts:
//! <https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html>.

use std::collections::BTreeMap;

use aws_sdk_organizations::Client;
use aws_sdk_organizations::types::{Account, Organization as Described};

use crate::arn::Arn;
use crate::clock;
use crate::id::{AccountId, Region};
use crate::operation::{ORGANIZATIONS_DESCRIBE_ORGANIZATION, ORGANIZATIONS_LIST_ACCOUNTS, Operation};
use crate::record::{Resource, ResourceKind};
use crate::resource::{Config, Organization, OrganizationAccount};

use super::error::AwsError;
use super::session::Session;

/// The code with which AWS says that an account is in no organization.
pub const NO_ORGANIZATION: &str = "AWSOrganizationsNotInUseException";

/// The organization that a session's account is in, with all its accounts, in the order of their ids.
///
/// # Errors
///
/// The call that failed; of the code [`NO_ORGANIZATION`] where there is none.
pub async fn organization(session: &Session) -> Result<Resource<Organization>, AwsError> {
    let client = crate::client!(aws_sdk_organizations, session, session.home_region());
    let (described, account) = describe(&client).await?;
    let management = account.to_string();
    let arn = described.arn.as_deref().unwrap_or_default();
    let arn: Arn = arn.parse().map_err(malformed)?;

    let mut accounts = Vec::new();
    let mut pages = client.list_accounts().into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::new(ORGANIZATIONS_LIST_ACCOUNTS, error))?;
        accounts.extend(page.accounts.unwrap_or_default().into_iter().map(member));
    }
    accounts.sort_unstable();
    let id = described.id.unwrap_or_default();
    Ok(Resource {
        kind: ResourceKind::Kind,
        account,
        region: Region::global(),
        r#type: Organization::TYPE.name().to_owned(),
        id: id.clone(),
        arn,
        tags: BTreeMap::new(),
        config: Organization {
            id,
            master_account_id: Some(management),
            feature_set: described.feature_set.map(|set| set.as_str().to_owned()),
            accounts,
        },
        unread: Vec::new(),
        settled: true,
        observed_at: clock::now(),
    })
}

/// The management account and the id of the organization that a session's account is in, which each of its accounts may
/// know.
///
/// # Errors
///
/// The call that failed; of the code [`NO_ORGANIZATION`] where there is none.
pub async fn organization_id(session: &Session) -> Result<(AccountId, String), AwsError> {
    let client = crate::client!(aws_sdk_organizations, session, session.home_region());
    let (described, account) = describe(&client).await?;
    Ok((account, described.id.unwrap_or_default()))
}

/// The organization and its management account.
async fn describe(client: &Client) -> Result<(Described, AccountId), AwsError> {
    let answer = client.describe_organization().send().await;
    let answer = answer.map_err(|error| AwsError::new(ORGANIZATIONS_DESCRIBE_ORGANIZATION, error))?;
    let described = answer.organization.ok_or_else(|| malformed("the answer has no organization"))?;
    let account = described.master_account_id.as_deref().unwrap_or_default().parse().map_err(malformed)?;
    Ok((described, account))
}

/// `State` replaces `Status`, which AWS has announced to retire in September 2026
/// (<https://docs.aws.amazon.com/organizations/latest/APIReference/API_Account.html>); emulators know only the latter.
fn member(account: Account) -> OrganizationAccount {
    let state = account.state.map(|state| state.as_str().to_owned());
    OrganizationAccount {
        id: account.id.unwrap_or_default(),
        name: account.name,
        state: state.or_else(|| account.status.map(|status| status.as_str().to_owned())),
    }
}

/// The accounts of an organization without those that nobody can enter: suspended, closed, or not there yet.
pub(super) fn enterable(organization: &Organization) -> Result<Vec<AccountId>, AwsError> {
    let can_be = |account: &&OrganizationAccount| {
        !matches!(account.state.as_deref(), Some("SUSPENDED" | "CLOSED" | "PENDING_ACTIVATION"))
    };
    let ids = organization.accounts.iter().filter(can_be).map(|account| account.id.parse());
    ids.collect::<Result<_, crate::id::IdError>>().map_err(|error| bad_answer(ORGANIZATIONS_LIST_ACCOUNTS, error))
}

fn malformed(why: impl ToString) -> AwsError {
    bad_answer(ORGANIZATIONS_DESCRIBE_ORGANIZATION, why)
}

#[expect(clippy::needless_pass_by_value, reason = "it is the argument of map_err")]
fn bad_answer(operation: Operation, why: impl ToString) -> AwsError {
    AwsError::of(operation, "BadResponse", why.to_string())
}
