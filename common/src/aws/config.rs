//! The SDK's configuration: credentials, region, retries, deadlines.

use std::borrow::Cow;
use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::{RetryConfig, RetryMode};
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, SdkConfig};
use aws_smithy_http_client::{Builder, tls};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::os_shim_internal::{Env, Fs};

use crate::id::Region;

use super::args::{Choice, Profile};
use super::error::StartError;
use super::http::Limited;

/// How long a call may take. Waiting for one's turn, backing off and loading credentials are not counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    /// To make a connection.
    pub(super) connect: Duration,
    /// From the request to the first byte of the answer. Long polling of SQS takes 20 seconds.
    pub(super) answer: Duration,
    /// From the request to the last byte of the answer.
    pub(super) exchange: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Duration::from_millis(3100),
            answer: Duration::from_secs(30),
            exchange: Duration::from_secs(60),
        }
    }
}

/// How often a call is made at most. AWS's own tools stop after three, which is too few for a run over many accounts.
const MAX_ATTEMPTS: u32 = 8;

/// The pinned behaviour of the SDK: what a newer one changes by default, a commit here changes on purpose.
pub(super) fn behavior() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

/// Brings the configuration together. Sends no request, unless the region comes from the instance.
pub(super) async fn load(choice: &Choice, tool: &str) -> Result<SdkConfig, StartError> {
    check_profile(choice.profile.name()).await?;
    let deadlines = Deadlines::default();
    let client =
        Builder::new().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc)).build_https();
    let client = SharedHttpClient::new(Limited::new(client, choice.concurrency, deadlines.exchange));
    let mut loader = aws_config::defaults(behavior()).http_client(client.clone()).timeout_config(timeouts(deadlines));
    // The exchange has its own deadline, and an upload that waits for its turn is not stalled.
    loader = loader.stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Ok(name) = AppName::new(format!("sluice-{tool}")) {
        loader = loader.app_name(name);
    }
    if let Some(region) = &choice.region {
        loader = loader.region(aws_types::region::Region::new(region.as_str().to_owned()));
    }
    if let Some(profile) = choice.profile.name() {
        loader = loader.profile_name(profile);
    }
    if let Profile::Only(profile) = &choice.profile {
        let region = choice.region.as_ref().map(|region| aws_types::region::Region::new(region.as_str().to_owned()));
        let provider = ProviderConfig::default().with_http_client(client).with_region(region);
        let credentials = ProfileFileCredentialsProvider::builder().configure(&provider).profile_name(profile).build();
        loader = loader.credentials_provider(credentials);
    }
    let config = loader.load().await;
    let retries = retries(config.retry_config(), |name| std::env::var(name).ok());
    Ok(config.to_builder().retry_config(retries).build())
}

pub(super) fn timeouts(deadlines: Deadlines) -> TimeoutConfig {
    // No deadline for attempts or operations: those clocks of the SDK's also run while a request waits for its turn.
    TimeoutConfig::builder()
        .connect_timeout(deadlines.connect)
        .read_timeout(deadlines.answer)
        .disable_operation_attempt_timeout()
        .disable_operation_timeout()
        .build()
}

/// Adaptive retries, [`MAX_ATTEMPTS`] times, unless the environment or the profile says otherwise.
fn retries(loaded: Option<&RetryConfig>, environment: impl Fn(&str) -> Option<String>) -> RetryConfig {
    let loaded = loaded.cloned().unwrap_or_else(RetryConfig::standard);
    let plain = RetryConfig::standard();
    // The loaded value does not say where it comes from: one that is not the SDK's default was asked for.
    let asked = |name: &str| environment(name).is_some_and(|value| !value.is_empty());
    let mode =
        if asked("AWS_RETRY_MODE") || loaded.mode() != plain.mode() { loaded.mode() } else { RetryMode::Adaptive };
    let attempts = if asked("AWS_MAX_ATTEMPTS") || loaded.max_attempts() != plain.max_attempts() {
        loaded.max_attempts()
    } else {
        MAX_ATTEMPTS
    };
    loaded.with_retry_mode(mode).with_max_attempts(attempts)
}

/// The region for the first calls.
pub(super) fn home_region(config: &SdkConfig) -> Result<Region, StartError> {
    let name = config.region().map_or("us-east-1", |region| region.as_ref());
    let region: Region = name.parse().map_err(|_| StartError::Region(name.chars().take(40).collect()))?;
    if region.is_global() { Err(StartError::Region(name.to_owned())) } else { Ok(region) }
}

/// Says that a profile does not exist, which the chain would pass over in silence or call "not enabled".
async fn check_profile(profile: Option<&str>) -> Result<(), StartError> {
    let Some(profile) = profile else { return Ok(()) };
    let name = Some(Cow::Owned(profile.to_owned()));
    let profiles = aws_config::profile::load(&Fs::real(), &Env::real(), &Default::default(), name)
        .await
        .map_err(|error| StartError::ConfigFiles(super::error::describe(&error)))?;
    if profiles.get_profile(profile).is_some() {
        return Ok(());
    }
    let mut known: Vec<String> = profiles.profiles().map(str::to_owned).collect();
    known.sort();
    Err(StartError::UnknownProfile { profile: profile.to_owned(), known })
}
