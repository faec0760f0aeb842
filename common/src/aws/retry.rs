//! When a call is made again.
//!
//! The SDK retries what its classifiers call throttling (by error code), modelled as retryable, or transient: answers
//! with 500, 502, 503 and 504, time-outs, broken connections, and answers that could not be read. For a read that is
//! right. For a write it is not: after a time-out, a broken connection or a 500 nobody knows whether the call took effect,
//! and a second one may undo, double or overwrite what happened meanwhile. So a client for writes
//! ([`Session::for_writes`](super::Session::for_writes)) makes a call again only where the first one provably had no
//! effect: it was throttled, it never reached the server, or the server refused it (4xx). Everything else comes back as an
//! error with [`AwsError::outcome_unknown`](super::AwsError::outcome_unknown), and the caller looks before it acts again.

use std::error::Error;

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryClassifierPriority, RetryReason,
};
use aws_smithy_types::retry::ErrorKind;

use super::http::NetworkError;

/// Takes back a retry of a write that may have taken effect.
#[derive(Clone, Copy, Debug)]
pub(super) struct NoBlindRetry {
    pub(super) writes: bool,
}

impl ClassifyRetry for NoBlindRetry {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        self.classify_retry_v2(context, &RetryAction::NoActionIndicated)
    }

    fn classify_retry_v2(&self, context: &InterceptorContext, previous: &RetryAction) -> RetryAction {
        let Some(Err(error)) = context.output_or_error() else { return RetryAction::NoActionIndicated };
        let throttled = matches!(
            previous,
            RetryAction::RetryIndicated(RetryReason::RetryableError { kind: ErrorKind::ThrottlingError, .. })
        );
        let never_sent = error
            .as_connector_error()
            .and_then(|error| find::<NetworkError>(error))
            .is_some_and(|network| !network.connected);
        let refused = context.response().is_some_and(|response| response.status().is_client_error());
        if !self.writes || throttled || never_sent || refused {
            RetryAction::NoActionIndicated
        } else {
            RetryAction::RetryForbidden
        }
    }

    fn name(&self) -> &'static str {
        "no blind retry of a write"
    }

    fn priority(&self) -> RetryClassifierPriority {
        // After all others: it judges what they said.
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}

/// The first error of a type in a chain of sources.
pub(super) fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    chain(error).find_map(|error| error.downcast_ref::<T>())
}

/// An error and all its sources.
pub(super) fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |link: &&'a (dyn Error + 'static)| (*link).source())
}
