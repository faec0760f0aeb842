//! `AssumeRole`: once when an account is first asked for, so that a denied role is one error and not one for each call, and
//! again before the credentials expire.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};

use crate::id::AccountId;

use super::error::AwsError;

/// Where `AssumeRole` failures are filed.
pub(super) const OPERATION: &str = "sts:AssumeRole";

/// How long before their end the credentials are renewed: no call that has just been signed may find itself expired.
pub(super) const RENEW_BEFORE: Duration = Duration::from_mins(5);

/// The credentials of a role.
#[derive(Debug)]
pub(super) struct AssumedRole {
    sts: aws_sdk_sts::Client,
    account: AccountId,
    arn: String,
    external_id: Option<String>,
    session_name: String,
    /// The ones from the start, until the SDK's cache has them.
    first: Mutex<Option<Credentials>>,
}

impl AssumedRole {
    /// Assumes the role.
    pub(super) async fn start(
        sts: aws_sdk_sts::Client,
        account: AccountId,
        arn: String,
        external_id: Option<String>,
        session_name: String,
    ) -> Result<Self, AwsError> {
        let role = Self { sts, account, arn, external_id, session_name, first: Mutex::default() };
        let credentials = role.assume().await?;
        *role.first.lock().unwrap_or_else(PoisonError::into_inner) = Some(credentials);
        Ok(role)
    }

    async fn assume(&self) -> Result<Credentials, AwsError> {
        let answer = self
            .sts
            .assume_role()
            .role_arn(&self.arn)
            .role_session_name(&self.session_name)
            .set_external_id(self.external_id.clone())
            .send()
            .await
            .map_err(|error| AwsError::new(OPERATION, error).of_role(&self.arn, &self.account))?;
        let no_credentials = || {
            AwsError::of(OPERATION, "BadResponse", "the answer has no credentials").of_role(&self.arn, &self.account)
        };
        let keys = answer.credentials.ok_or_else(no_credentials)?;
        let expires = SystemTime::try_from(keys.expiration).map_err(|_| no_credentials())?;
        let credentials = Credentials::builder()
            .access_key_id(keys.access_key_id)
            .secret_access_key(keys.secret_access_key)
            .session_token(keys.session_token)
            .expiry(expires)
            .account_id(self.account.as_str())
            .provider_name("sluice")
            .build();
        Ok(credentials)
    }
}

impl ProvideCredentials for AssumedRole {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async move {
            let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
            match first {
                Some(credentials) => Ok(credentials),
                None => self.assume().await.map_err(CredentialsError::provider_error),
            }
        })
    }
}
