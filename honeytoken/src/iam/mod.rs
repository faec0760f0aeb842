//! The way to IAM, for looks and for changes, at the pace that IAM bears.
//!
//! - `pace`: how fast. `list`: what there is. `make`, `group`: users, guards and keys are made. `remove`: they go.

pub(crate) mod group;
pub(crate) mod list;
pub(crate) mod make;
mod pace;
pub(crate) mod remove;

use std::time::{Duration, Instant};

use aws_sdk_iam::Client;
use aws_sdk_iam::config::retry::RetryConfig;
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{
    IAM_ADD_USER_TO_GROUP, IAM_CREATE_ACCESS_KEY, IAM_CREATE_GROUP, IAM_CREATE_USER, IAM_DEACTIVATE_MFA_DEVICE,
    IAM_DELETE_ACCESS_KEY, IAM_DELETE_LOGIN_PROFILE, IAM_DELETE_SERVICE_SPECIFIC_CREDENTIAL,
    IAM_DELETE_SIGNING_CERTIFICATE, IAM_DELETE_SSH_PUBLIC_KEY, IAM_DELETE_USER, IAM_DELETE_USER_POLICY,
    IAM_DELETE_VIRTUAL_MFA_DEVICE, IAM_DETACH_USER_POLICY, IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS,
    IAM_GET_ACCOUNT_SUMMARY, IAM_GET_GROUP, IAM_GET_GROUP_POLICY, IAM_GET_LOGIN_PROFILE, IAM_GET_USER,
    IAM_LIST_ACCESS_KEYS, IAM_LIST_ATTACHED_USER_POLICIES, IAM_LIST_GROUP_POLICIES, IAM_LIST_GROUPS_FOR_USER,
    IAM_LIST_MFA_DEVICES, IAM_LIST_SERVICE_SPECIFIC_CREDENTIALS, IAM_LIST_SIGNING_CERTIFICATES,
    IAM_LIST_SSH_PUBLIC_KEYS, IAM_LIST_USER_POLICIES, IAM_PUT_GROUP_POLICY, IAM_PUT_USER_PERMISSIONS_BOUNDARY,
    IAM_PUT_USER_POLICY, IAM_REMOVE_USER_FROM_GROUP, IAM_UPDATE_ACCESS_KEY, Operation,
};

pub(crate) use pace::is_throttled;

use pace::{Pace, is_in_the_way, pause};

/// The calls that change a user, and can be allowed for users of a path alone:
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html>.
pub(crate) const USER_CALLS: &[Operation] = &[
    IAM_CREATE_ACCESS_KEY,
    IAM_CREATE_USER,
    IAM_DEACTIVATE_MFA_DEVICE,
    IAM_DELETE_ACCESS_KEY,
    IAM_DELETE_LOGIN_PROFILE,
    IAM_DELETE_SERVICE_SPECIFIC_CREDENTIAL,
    IAM_DELETE_SIGNING_CERTIFICATE,
    IAM_DELETE_SSH_PUBLIC_KEY,
    IAM_DELETE_USER,
    IAM_DELETE_USER_POLICY,
    IAM_DETACH_USER_POLICY,
    IAM_PUT_USER_PERMISSIONS_BOUNDARY,
    IAM_PUT_USER_POLICY,
    IAM_UPDATE_ACCESS_KEY,
];

/// All others: looks, and what is done to groups and devices.
pub(crate) const CALLS: &[Operation] = &[
    IAM_ADD_USER_TO_GROUP,
    IAM_CREATE_GROUP,
    IAM_DELETE_VIRTUAL_MFA_DEVICE,
    IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS,
    IAM_GET_ACCOUNT_SUMMARY,
    IAM_GET_GROUP,
    IAM_GET_GROUP_POLICY,
    IAM_GET_LOGIN_PROFILE,
    IAM_GET_USER,
    IAM_LIST_ACCESS_KEYS,
    IAM_LIST_ATTACHED_USER_POLICIES,
    IAM_LIST_GROUP_POLICIES,
    IAM_LIST_GROUPS_FOR_USER,
    IAM_LIST_MFA_DEVICES,
    IAM_LIST_SERVICE_SPECIFIC_CREDENTIALS,
    IAM_LIST_SIGNING_CERTIFICATES,
    IAM_LIST_SSH_PUBLIC_KEYS,
    IAM_LIST_USER_POLICIES,
    IAM_PUT_GROUP_POLICY,
    IAM_REMOVE_USER_FROM_GROUP,
];

/// For how long one call may be refused because IAM is busy.
const BUDGET: Duration = Duration::from_mins(10);

/// How often a call is made at most that fails for a reason that may pass by itself.
const ATTEMPTS: u32 = 8;

/// IAM in one account.
#[derive(Debug)]
pub(crate) struct Iam {
    client: Client,
    looks: Pace,
    changes: Pace,
}

impl Iam {
    /// In the session's account.
    pub(crate) fn new(session: &Session) -> Self {
        let client = client!(aws_sdk_iam, &session.for_writes(), &Region::global());
        // The SDK's own retries would fight with ours: its limiter comes down to a call in two seconds where a third of all calls
        // is throttled, whatever the rate, and its eight attempts are over long before a batch of thousands is.
        let config = client.config().to_builder().retry_config(RetryConfig::disabled()).build();
        Self { client: Client::from_conf(config), looks: Pace::new(), changes: Pace::new() }
    }

    /// Looks something up. What may pass is tried again: `call` may be made many times.
    pub(crate) async fn look<T, F>(&self, call: impl Fn(Client) -> F) -> Result<T, AwsError>
    where
        F: Future<Output = Result<T, AwsError>>,
    {
        self.patiently(&self.looks, call, |error| error.outcome_unknown() || never_arrived(error)).await
    }

    /// Changes something. The call is made again only where the one before provably had no effect: it was throttled, another
    /// change was in its way, or it never reached IAM.
    ///
    /// # Errors
    ///
    /// [`AwsError::outcome_unknown`]: it may have been done, and the caller has to look. All other errors say that it was not.
    pub(crate) async fn change<T, F>(&self, call: impl Fn(Client) -> F) -> Result<T, AwsError>
    where
        F: Future<Output = Result<T, AwsError>>,
    {
        self.patiently(&self.changes, call, never_arrived).await
    }

    async fn patiently<T, F>(
        &self,
        pace: &Pace,
        call: impl Fn(Client) -> F,
        may_pass: impl Fn(&AwsError) -> bool,
    ) -> Result<T, AwsError>
    where
        F: Future<Output = Result<T, AwsError>>,
    {
        let start = Instant::now();
        let (mut refused, mut failed) = (0, 0);
        loop {
            let answer = {
                let _turn = pace.turn().await;
                call(self.client.clone()).await
            };
            let throttled = answer.as_ref().err().is_some_and(is_throttled);
            if throttled {
                pace.too_fast();
            } else {
                pace.went_through();
            }
            match answer {
                Err(error) if (throttled || is_in_the_way(&error)) && start.elapsed() < BUDGET => refused += 1,
                Err(error) if may_pass(&error) && failed + 1 < ATTEMPTS => failed += 1,
                answer => return answer,
            }
            tokio::time::sleep(pause(refused + failed - 1)).await;
        }
    }
}

/// Whether the call never reached IAM.
fn never_arrived(error: &AwsError) -> bool {
    matches!(error.code(), "NoConnection" | "ConnectTimeout")
}
