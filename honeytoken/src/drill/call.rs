//! The call that is to be noticed.

use std::time::Duration;

use aws_sdk_sts::Client;
use common::aws::AwsError;
use common::operation::STS_GET_CALLER_IDENTITY;
use tokio::time::{Instant, sleep};

/// What became of the call.
#[derive(Debug)]
pub(super) enum Called {
    /// AWS knows who called, and logs it; with the ARN of that, where it told.
    Known {
        /// Whose key it is.
        arn: Option<String>,
        /// When the request that was answered went out.
        at: Instant,
    },
    /// AWS knows no such key, or it is not active: nobody is told of its use.
    Blind(AwsError),
    /// The key is known, and the secret is another's.
    WrongSecret,
    /// Nobody knows whether the call came through: it may yet be noticed.
    Doubtful(AwsError, Instant),
    /// It did not come through.
    Failed(AwsError),
}

/// Between two tries: `GetCallerIdentity` costs nothing, and IAM takes its seconds.
const PAUSE: Duration = Duration::from_secs(2);

/// Calls `sts:GetCallerIdentity`, which nobody needs a permission for and CloudTrail logs as a management event. A key that was
/// made a moment ago is not known everywhere yet, so that an unknown one is tried again for as long as `patience` lasts:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html#troubleshoot_general_eventual-consistency>.
pub(super) async fn call(client: &Client, patience: Duration) -> Called {
    let started = Instant::now();
    loop {
        let at = Instant::now();
        let error = match client.get_caller_identity().send().await {
            Ok(answer) => return Called::Known { arn: answer.arn, at },
            Err(error) => AwsError::new(STS_GET_CALLER_IDENTITY, error),
        };
        match error.code() {
            "InvalidClientTokenId" | "UnrecognizedClientException" | "InvalidAccessKeyId" => {
                if started.elapsed() + PAUSE > patience {
                    return Called::Blind(error);
                }
                sleep(PAUSE).await;
            }
            "SignatureDoesNotMatch" => return Called::WrongSecret,
            // Whoever is told no was known, and what they did is in the log.
            _ if error.is_denied() => return Called::Known { arn: None, at },
            _ if error.outcome_unknown() => return Called::Doubtful(error, at),
            _ => return Called::Failed(error),
        }
    }
}
