//! Calls to AWS, typed, that are yet to be made.

use std::any::Any;
use std::fmt::Debug;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::Operation;
use common::record::Call;
use futures_util::future::BoxFuture;
use serde::Serialize;

/// One of the calls that a type's actions come to. What it serializes to are the call's parameters, named as the API
/// names them; secrets never stand there.
pub(crate) trait ApiCall: Serialize + Debug + Send + Sync + 'static {
    /// Which call it is.
    fn operation(&self) -> Operation;

    /// Makes the call in the resource's region. The answer is AWS's id of the request: see [`sent`].
    fn send(&self, session: &Session, region: &Region)
    -> impl Future<Output = Result<Option<String>, AwsError>> + Send;
}

/// An [`ApiCall`] of whichever type.
pub(crate) trait AnyCall: Any + Debug + Send + Sync {
    /// The call as a record shows it.
    fn call(&self) -> Call;

    /// Makes the call. The answer is AWS's id of the request.
    fn send<'a>(&'a self, session: &'a Session, region: &'a Region) -> BoxFuture<'a, Result<Option<String>, AwsError>>;
}

impl<S: ApiCall> AnyCall for S {
    fn call(&self) -> Call {
        let parameters = serde_json::to_value(self).unwrap_or_default();
        Call { operation: self.operation().into(), parameters, result: None }
    }

    fn send<'a>(&'a self, session: &'a Session, region: &'a Region) -> BoxFuture<'a, Result<Option<String>, AwsError>> {
        Box::pin(ApiCall::send(self, session, region))
    }
}

/// What came of a call: AWS's id of the request, by which its support and CloudTrail know it.
pub(super) fn sent<O: RequestId, E>(
    operation: Operation,
    answer: Result<O, SdkError<E>>,
) -> Result<Option<String>, AwsError>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match answer {
        Ok(answer) => Ok(answer.request_id().map(str::to_owned)),
        Err(error) => Err(AwsError::new(operation, error)),
    }
}
