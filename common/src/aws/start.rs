//! Why a run could not begin: what was asked for makes no sense, or nobody says who asks.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::cli::Failure;

use super::args::Profile;
use super::error::{AwsError, NO_CREDENTIALS, NOTHING_FOUND, describe};
use super::retry::find;

/// Why a tool could not start to talk to AWS.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The role cannot be one.
    #[error(
        "`{0}` is not a role: a name, a path/name, or an ARN such as arn:aws:iam::{{account}}:role/NAME is expected"
    )]
    Role(String),
    /// The role that reads the organization has no account.
    #[error(
        "`{0}` is not the ARN of a role in one account: for --org-role something like arn:aws:iam::111122223333:role/NAME is \
         expected"
    )]
    OrgRole(String),
    /// The session name cannot be one.
    #[error("`{0}` is not a session name: 2 to 64 letters, digits and any of _ + = , . @ - are expected")]
    SessionName(String),
    /// No request at all could be sent.
    #[error("{0} requests at once is not possible: give --concurrency a number from 1 on")]
    Concurrency(usize),
    /// The home region is none.
    #[error("`{0}` is not a region that a first call can go to: name one with --region, such as eu-west-1")]
    Region(String),
    /// The configuration files cannot be read.
    #[error("cannot read the AWS configuration files: {0}")]
    ConfigFiles(String),
    /// The profile is in none of the files.
    #[error("the profile `{profile}` is neither in ~/.aws/config nor in ~/.aws/credentials{}", known_profiles(known))]
    UnknownProfile {
        /// The one that was asked for.
        profile: String,
        /// Those that are there.
        known: Vec<String>,
    },
    /// Nothing gave credentials.
    #[error("{NOTHING_FOUND}")]
    NoCredentials,
    /// The one profile that was asked for gave none.
    #[error("the profile `{profile}` gives no credentials: {why}")]
    ProfileWithoutCredentials {
        /// Which profile.
        profile: String,
        /// What the SDK says of it.
        why: String,
    },
    /// `sts:GetCallerIdentity` failed, with which every run begins.
    #[error(transparent)]
    Caller(AwsError),
}

impl StartError {
    /// Why the first call failed. With `--profile` nothing but that profile was looked at.
    pub(super) fn first_call<E>(error: SdkError<E, HttpResponse>, profile: &Profile) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let error = match (find::<CredentialsError>(&error), profile) {
            (Some(none @ CredentialsError::CredentialsNotLoaded(_)), Profile::Only(profile)) => {
                let why = describe(none);
                return Self::ProfileWithoutCredentials { profile: profile.clone(), why };
            }
            _ => AwsError::new("sts:GetCallerIdentity", error),
        };
        if error.code == NO_CREDENTIALS { Self::NoCredentials } else { Self::Caller(error) }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Self::Start(error.to_string())
    }
}

fn known_profiles(known: &[String]) -> String {
    if known.is_empty() { String::new() } else { format!(", which have {}", known.join(", ")) }
}
