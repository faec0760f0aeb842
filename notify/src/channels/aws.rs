//! What the channels share that speak to AWS: whose credentials, and what its answer means.

use aws_sdk_sns::config::http::HttpResponse;
use aws_sdk_sns::error::{ProvideErrorMetadata, SdkError};
use common::aws::{AwsArgs, AwsError, Session, Sessions};
use common::cli::Tool;
use common::id::Region;
use common::settings;
use tokio::time::{Instant, timeout_at};

use crate::args::Args;

use super::SendError;

/// Why there was no channel.
const LATE: &str = "the deadline passed before AWS said whose the credentials are";

/// Whose credentials a channel sends with: those of the profile of the command line, or of `AWS_PROFILE`, or of the
/// settings. Which of them, the session layer decides, as for every tool.
#[derive(Clone, Debug)]
pub(super) struct Login {
    /// The command line's profile.
    profile: Option<String>,
    /// That of the settings, for when neither the command line nor the environment names one.
    fallback: Option<String>,
}

impl Login {
    pub(super) fn new(profile: Option<String>, settings: &settings::Aws) -> Self {
        Self { profile, fallback: settings.profile.clone() }
    }

    /// A session of the caller's own account. `region`, where there is one, is home.
    pub(super) async fn session(&self, region: Option<Region>, until: Instant) -> Result<Session, String> {
        let args = AwsArgs { profile: self.profile.clone(), region, ..AwsArgs::default() };
        // The profile alone: the settings' role is for looking into other accounts.
        let settings = settings::Aws { profile: self.fallback.clone(), ..settings::Aws::default() };
        let start = timeout_at(until, Sessions::start(&args, &settings, Args::NAME)).await;
        let sessions = start.map_err(|_| LATE.to_owned())?.map_err(|error| error.to_string())?;
        sessions.account(sessions.caller()).await.map_err(|error| error.to_string())
    }
}

/// What an error means for the message.
pub(super) fn fate<E>(operation: &str, error: SdkError<E, HttpResponse>) -> SendError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let lost = is_lost(&error);
    let status = error.raw_response().map(|response| response.status().as_u16());
    let error = AwsError::new(operation, error);
    let why = error.to_string();
    if lost || passes(error.code(), status) { SendError::Again { why, after: None } } else { SendError::Refused(why) }
}

/// Whether there was no connection, or no answer that could be understood. Missing credentials are no such thing: they
/// will be missing the next time.
fn is_lost<E>(error: &SdkError<E>) -> bool {
    match error {
        SdkError::TimeoutError(_) | SdkError::ResponseError(_) => true,
        SdkError::DispatchFailure(failure) => {
            let transient = failure.as_connector_error().is_some_and(|error| error.as_other().is_some());
            failure.is_io() || failure.is_timeout() || transient
        }
        _ => false,
    }
}

/// Whether an answer that says no may be another one the next time: too many requests, or trouble of AWS's own.
fn passes(code: &str, status: Option<u16>) -> bool {
    code.contains("Throttl")
        // As SES says it.
        || matches!(code, "RequestLimitExceeded" | "LimitExceededException" | "TooManyRequestsException")
        || status.is_some_and(|status| status >= 500 || status == 429)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_tried_again() {
        let rows = [
            ("AuthorizationError", Some(403), false),
            ("NotFound", Some(404), false),
            ("InvalidParameter", Some(400), false),
            ("NoCredentials", None, false),
            ("MessageRejected", Some(400), false),
            ("AccountSuspendedException", Some(400), false),
            ("SendingPausedException", Some(400), false),
            ("MailFromDomainNotVerifiedException", Some(400), false),
            ("BadRequestException", Some(400), false),
            ("LimitExceededException", Some(400), true),
            ("TooManyRequestsException", Some(429), true),
            ("Throttling", Some(400), true),
            ("ThrottledException", Some(429), true),
            ("InternalError", Some(500), true),
            ("Http503", Some(503), true),
        ];
        for (code, status, expected) in rows {
            assert_eq!(passes(code, status), expected, "{code}");
        }
    }
}
