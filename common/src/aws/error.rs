//! What can go wrong with a call, in sentences for people and in codes for programs.

use std::error::Error;

use aws_config::imds::client::error::ImdsError;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

use crate::id::AccountId;
use crate::record::{ScopeError, Unread};

use super::http::NetworkError;
use super::retry::{chain, find};

/// A call that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{operation} failed: {code}: {message}{}",
    request_id.as_ref().map(|id| format!(" (request {id})")).unwrap_or_default()
)]
pub struct AwsError {
    /// The call, as IAM's documentation writes it: `s3:GetBucketAcl`.
    pub operation: String,
    /// AWS's error code, or where AWS gave none one of Sluice's own: `NoCredentials`, `CredentialsFailed`, `NoConnection`,
    /// `ConnectTimeout`, `Timeout`, `ConnectionLost`, `BadResponse`, `NotSent`, `NotWanted`,
    /// `Http<status>`.
    pub code: String,
    /// What AWS said, or what happened. Text from AWS is data: it is made printable where it is shown.
    pub message: String,
    /// AWS's id of the request, for its support.
    pub request_id: Option<String>,
    /// Whether the call may have taken effect.
    effect: Effect,
}

/// What a failed call may have done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    None,
    Unknown,
}

pub(super) const NOT_WANTED: &str = "NotWanted";
pub(super) const NO_CREDENTIALS: &str = "NoCredentials";

pub(super) const NOTHING_FOUND: &str = "no AWS credentials found: neither AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, nor the profile in \
                             ~/.aws/config and ~/.aws/credentials, nor AWS_WEB_IDENTITY_TOKEN_FILE, nor a role of this \
                             container or instance gave any; set one of them, or name a profile with --profile";

impl AwsError {
    /// What an SDK call's error says.
    #[expect(clippy::needless_pass_by_value, reason = "it is the argument of map_err's closure")]
    pub fn new<E>(operation: impl Into<String>, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let status = error.raw_response().map(|response| response.status().as_u16());
        let request_id =
            error.request_id().or_else(|| error.as_service_error()?.meta().request_id()).map(str::to_owned);
        let (code, message, effect) = match &error {
            // An answer that could not be parsed comes as one or the other, depending on the protocol.
            SdkError::ServiceError(service) if service.err().code().is_some() || !status.is_some_and(is_success) => {
                refused(service.err().meta(), status.unwrap_or_default())
            }
            SdkError::ServiceError(_) | SdkError::ResponseError(_) => {
                let (status, why) = (status.unwrap_or_default(), describe(&error));
                let message = format!("the answer (HTTP {status}) could not be understood: {why}");
                ("BadResponse".to_owned(), message, Effect::Unknown)
            }
            other => unanswered(other, matches!(other, SdkError::TimeoutError(_))),
        };
        Self { operation: operation.into(), code, message, request_id, effect }
    }

    /// An error that is not AWS's: a call that was not made because it could not succeed.
    pub fn of(operation: impl Into<String>, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            operation: operation.into(),
            code: code.into(),
            message: message.into(),
            request_id: None,
            effect: Effect::None,
        }
    }

    /// AWS's error code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Whether the caller may not do this (or an SCP, a boundary or a policy of the resource forbids it).
    pub fn is_denied(&self) -> bool {
        matches!(
            self.code.as_str(),
            "AccessDenied"
                | "AccessDeniedException"
                | "UnauthorizedOperation"
                | "AuthorizationError"
                | "AuthorizationErrorException"
                | "AllAccessDisabled"
                | "Forbidden"
                | "Http403"
        )
    }

    /// Whether the same call fails in the same way until somebody changes something: it is not allowed, what it names does
    /// not exist, or it makes no sense.
    pub fn is_lasting(&self) -> bool {
        let code = self.code.as_str();
        self.is_denied()
            || matches!(
                code,
                "NoRole"
                    | "RegionNotEnabled"
                    | "InvalidAddress"
                    | "AWS.SimpleQueueService.NonExistentQueue"
                    | "QueueDoesNotExist"
                    | "OptInRequired"
                    | "ValidationError"
                    | "ValidationException"
            )
            || code.starts_with("InvalidParameter")
    }

    /// Whether the credentials were good once and are not any more.
    pub fn is_expired(&self) -> bool {
        is_expired(&self.code)
    }

    /// Whether a write that failed like this may nevertheless have taken effect: it timed out, its connection broke
    /// after it may have been sent, the answer made no sense, or AWS failed on its own side (5xx). Look before acting again.
    pub fn outcome_unknown(&self) -> bool {
        self.effect == Effect::Unknown
    }

    /// The record of a part of a resource that could not be read because of this.
    pub fn unread(&self, field: &str) -> Unread {
        Unread {
            field: field.to_owned(),
            operation: self.operation.clone(),
            code: self.code.clone(),
            message: Some(self.message.clone()).filter(|message| !message.is_empty()),
        }
    }

    /// The same for a whole scope.
    pub fn scope_error(&self) -> ScopeError {
        ScopeError {
            operation: self.operation.clone(),
            code: self.code.clone(),
            message: self.message.clone(),
            request_id: self.request_id.clone(),
        }
    }

    /// Names the role and the account in the error of an `AssumeRole`.
    pub(super) fn of_role(mut self, role: &str, account: &AccountId) -> Self {
        self.message = format!("cannot assume the role {role} in account {account}: {}", self.message);
        self
    }
}

fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

fn is_expired(code: &str) -> bool {
    matches!(code, "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" | "TokenRefreshRequired")
}

/// An answer that says no. Throttling with a 5xx (S3's `SlowDown`) proves that nothing was done; other 5xx prove nothing.
fn refused(meta: &aws_smithy_types::error::ErrorMetadata, status: u16) -> (String, String, Effect) {
    // An answer to HEAD has no body, and so no code.
    let code = meta.code().filter(|code| !code.is_empty()).map_or_else(|| format!("Http{status}"), str::to_owned);
    let said = meta.message().unwrap_or_default();
    let message = match (is_expired(&code), said.is_empty()) {
        (true, _) => format!("the credentials have expired: renew them (for SSO: `aws sso login`); AWS said: {said}"),
        (false, true) => format!("AWS answered with HTTP {status} and said nothing more"),
        (false, false) => said.to_owned(),
    };
    let throttled = code.contains("Throttl")
        || matches!(
            code.as_str(),
            "SlowDown"
                | "RequestLimitExceeded"
                | "TooManyRequestsException"
                | "LimitExceededException"
                | "BandwidthLimitExceeded"
                | "PriorRequestNotComplete"
        );
    let effect = if status >= 500 && !throttled { Effect::Unknown } else { Effect::None };
    (code, message, effect)
}

/// No answer: no credentials to ask with, no connection, a connection that broke, a deadline.
fn unanswered(error: &(dyn Error + 'static), timed_out: bool) -> (String, String, Effect) {
    if let Some(inner) = find::<AwsError>(error) {
        // The role could not be assumed again. The call itself was never sent.
        return (inner.code.clone(), inner.message.clone(), Effect::None);
    }
    if let Some(credentials) = find::<CredentialsError>(error) {
        let (code, message) = without_credentials(credentials);
        return (code, message, Effect::None);
    }
    if let Some(network) = find::<NetworkError>(error) {
        let (code, effect) = match (network.connected, network.timed_out) {
            (true, true) => ("Timeout", Effect::Unknown),
            (true, false) => ("ConnectionLost", Effect::Unknown),
            (false, true) => ("ConnectTimeout", Effect::None),
            (false, false) => ("NoConnection", Effect::None),
        };
        return (code.to_owned(), describe(network), effect);
    }
    if timed_out {
        return ("Timeout".to_owned(), format!("no answer came in time ({})", describe(error)), Effect::Unknown);
    }
    ("NotSent".to_owned(), format!("the request could not be sent: {}", describe(error)), Effect::None)
}

fn without_credentials(error: &CredentialsError) -> (String, String) {
    let meta = find::<AssumeRoleError>(error)
        .map(ProvideErrorMetadata::meta)
        .or_else(|| find::<AssumeRoleWithWebIdentityError>(error).map(ProvideErrorMetadata::meta));
    if let Some(meta) = meta {
        let (code, message, _) = refused(meta, 403);
        return (code, format!("the profile's role could not be assumed: {message}"));
    }
    // The last link of the chain is the instance's metadata service; where there is none, it fails in its own ways.
    let none = matches!(error, CredentialsError::CredentialsNotLoaded(_)) || find::<ImdsError>(error).is_some();
    if none {
        return (NO_CREDENTIALS.to_owned(), NOTHING_FOUND.to_owned());
    }
    let message = match error {
        CredentialsError::ProviderTimedOut(timeout) => {
            format!("the credentials did not come within {} seconds", timeout.timeout_duration().as_secs())
        }
        other => {
            let why = describe(other);
            let hint = if why.contains("SSO") { "; run `aws sso login`" } else { "" };
            format!("the credentials could not be loaded: {why}{hint}")
        }
    };
    ("CredentialsFailed".to_owned(), message)
}

/// What the SDK's errors say of themselves where they say nothing.
const EMPTY_WORDS: [&str; 19] = [
    "service error",
    "dispatch failure",
    "response error",
    "request has timed out",
    "failed to construct request",
    "io error",
    "timeout",
    "other",
    "user error",
    "an error occurred while loading credentials",
    "unexpected credentials error",
    "the credential provider was not enabled",
    "the credentials provider was not properly configured",
    "the credentials provider was not enabled",
    "no providers in chain provided credentials",
    "unhandled error",
    "client error (Connect)",
    "timed out",
    "client error (SendRequest)",
];

/// An error and its sources in one line: `what: why: why that`, without the links that say nothing or say it again.
pub(super) fn describe(error: &(dyn Error + 'static)) -> String {
    let mut said: Vec<String> = Vec::new();
    for link in chain(error) {
        let text = link.to_string();
        if !text.is_empty()
            && !EMPTY_WORDS.contains(&text.as_str())
            && !said.iter().any(|earlier| earlier.contains(&text))
        {
            said.push(text);
        }
    }
    if said.is_empty() { "the SDK does not say why".to_owned() } else { said.join(": ") }
}
