//! What every client of these tools does beside its calls: it counts them, and it finds S3 Control on an emulator.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextMut, BeforeTransmitInterceptorContextRef,
    FinalizerInterceptorContextMut,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::retry::RetryConfig;

use crate::operation::Operation;

use super::error::{AwsError, NOT_WANTED};
use super::http::NetworkError;
use super::retry::find;

/// After how many attempts a server that does not answer is given up. Each one takes the whole deadline, unlike those that
/// were throttled, so that all of them would take minutes, for each call.
const SILENT_ATTEMPTS: u32 = 3;

/// How many requests went out, by operation. Clones count together.
#[derive(Clone, Debug, Default)]
pub(super) struct Requests(Arc<Mutex<BTreeMap<String, u64>>>);

impl Requests {
    pub(super) fn counted(&self) -> BTreeMap<String, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count(&self, operation: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(operation).or_default() += 1;
    }
}

/// The interceptor that each client gets.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    pub(super) requests: Requests,
    /// Calls that are not made: see [`Session::without`](super::Session::without).
    pub(super) spared: &'static [Operation],
}

impl Watch {
    pub(super) fn new(requests: Requests) -> Self {
        Self { requests, spared: &[] }
    }
}

#[dyn_dispatch_hint]
impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "sluice"
    }

    fn read_before_serialization(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(call) = config.load::<Metadata>().filter(|_| !self.spared.is_empty()) else { return Ok(()) };
        let name = operation(call.service(), call.name());
        if self.spared.iter().any(|spared| spared.name() == name) {
            return Err(AwsError::of(name, NOT_WANTED, "nobody wants to know, and it was not asked").into());
        }
        Ok(())
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // The host is part of what is signed, so it has to be right before that.
        if config.load::<Metadata>().is_some_and(|call| call.service() == "S3 Control") {
            let request = context.request_mut();
            if let Some(uri) = without_account(request.uri()) {
                request.set_uri(uri)?;
            }
        }
        Ok(())
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(call) = config.load::<Metadata>() {
            self.requests.count(operation(call.service(), call.name()));
        }
        Ok(())
    }

    fn modify_before_attempt_completion(
        &self,
        context: &mut FinalizerInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let silent = context
            .output_or_error()
            .and_then(Result::err)
            .and_then(|error| error.as_connector_error())
            .and_then(|error| find::<NetworkError>(error))
            .is_some_and(|network| network.timed_out);
        let attempts = config.load::<RequestAttempts>().map_or(0, RequestAttempts::attempts);
        if silent && attempts >= SILENT_ATTEMPTS {
            // The retry strategy reads this next, and knows no other way to be told.
            if let Some(retries) = config.load::<RetryConfig>().cloned() {
                let attempts = attempts.min(retries.max_attempts());
                config.interceptor_state().store_put(retries.with_max_attempts(attempts));
            }
        }
        Ok(())
    }
}

/// The URI without the account id that S3 Control puts before the host, where the host has no names below it: an IP
/// address or `localhost`, that is, an emulator.
fn without_account(uri: &str) -> Option<String> {
    let (scheme, rest) = uri.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (account, host) = authority.split_once('.')?;
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let nameless = name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok();
    (is_account && nameless).then(|| format!("{scheme}://{host}{path}"))
}

/// A call as IAM's documentation writes it, from the names that the SDK has: `s3:GetBucketAcl`.
///
/// Account-level calls of S3 Control get the word `Account`, because S3 has calls of the same name for buckets.
pub fn operation(service: &str, name: &str) -> String {
    let prefix = match service {
        "S3 Control" => {
            return match name.split_once("PublicAccessBlock") {
                Some((verb, "")) => format!("s3:{verb}AccountPublicAccessBlock"),
                _ => format!("s3:{name}"),
            };
        }
        "Elastic Load Balancing" | "Elastic Load Balancing v2" => "elasticloadbalancing",
        "SESv2" => "ses",
        "Config Service" => "config",
        "Cost Explorer" => "ce",
        other => return format!("{}:{name}", other.to_ascii_lowercase().replace(' ', "")),
    };
    format!("{prefix}:{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_goes_from_hosts_that_have_no_names_below_them() {
        for (uri, rewritten) in [
            ("http://123456789012.127.0.0.1:5000/v20180820/x?y", Some("http://127.0.0.1:5000/v20180820/x?y")),
            ("http://123456789012.127.0.0.1/", Some("http://127.0.0.1/")),
            ("http://123456789012.localhost:4566/v", Some("http://localhost:4566/v")),
            ("https://123456789012.s3-control.eu-west-1.amazonaws.com/v", None),
            ("http://123456789012.localhost.example.com/", None),
            ("http://127.0.0.1:5000/", None),
            ("http://bucket.127.0.0.1:5000/", None),
            ("nonsense", None),
        ] {
            assert_eq!(without_account(uri).as_deref(), rewritten, "{uri}");
        }
    }

    #[test]
    fn calls_are_named_as_iam_names_them() {
        for (service, name, operation_name) in [
            ("S3", "GetBucketAcl", "s3:GetBucketAcl"),
            ("S3", "GetPublicAccessBlock", "s3:GetPublicAccessBlock"),
            ("S3 Control", "GetPublicAccessBlock", "s3:GetAccountPublicAccessBlock"),
            ("S3 Control", "PutPublicAccessBlock", "s3:PutAccountPublicAccessBlock"),
            ("S3 Control", "ListJobs", "s3:ListJobs"),
            ("EC2", "DescribeInstances", "ec2:DescribeInstances"),
            ("IAM", "GetUser", "iam:GetUser"),
            ("STS", "AssumeRole", "sts:AssumeRole"),
            ("SQS", "ListQueues", "sqs:ListQueues"),
            ("Organizations", "ListAccounts", "organizations:ListAccounts"),
            ("Elastic Load Balancing v2", "DescribeListeners", "elasticloadbalancing:DescribeListeners"),
        ] {
            assert_eq!(operation(service, name), operation_name);
        }
    }
}
