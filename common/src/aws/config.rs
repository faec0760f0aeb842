//! The SDK's configuration: credentials, region, retries, deadlines.

use std::borrow::Cow;
use std::time::Duration;

use aws_config::default_provider::region::DefaultRegionChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::{RetryConfig, RetryMode};
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, SdkConfig};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetrySpec;
use aws_types::os_shim_internal::{Env, Fs};

use crate::id::Region;

use super::args::{Choice, Profile};
use super::error::describe;
use super::http::Limited;
use super::start::StartError;

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
        Self { connect: Duration::from_millis(3100), answer: Duration::from_secs(30), exchange: Duration::from_mins(1) }
    }
}

/// How often a call is made at most. AWS's own tools stop after three, which is too few for a run over many accounts.
const MAX_ATTEMPTS: u32 = 8;

/// The pinned behaviour of the SDK: what a newer one changes by default, a commit here changes on purpose.
pub(super) fn behavior() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

/// Brings the configuration together. Sends no request, unless only the instance knows the region.
pub(super) async fn load(choice: &Choice, tool: &str) -> Result<SdkConfig, StartError> {
    check_profile(choice.profile.name()).await?;
    let deadlines = Deadlines::default();
    let client = Limited::new(choice.concurrency, deadlines.exchange, ProxyConfig::from_env());
    let client = SharedHttpClient::new(client);
    let provider = ProviderConfig::default().with_http_client(client.clone());
    let region = first_region(choice).await;
    let mut loader = aws_config::defaults(behavior())
        .http_client(client)
        .region(region.clone())
        .timeout_config(timeouts(deadlines))
        // The exchange has its own deadline, and an upload that waits for its turn is not stalled.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Ok(name) = AppName::new(format!("sluice-{tool}")) {
        loader = loader.app_name(name);
    }
    if let Some(profile) = choice.profile.name() {
        loader = loader.profile_name(profile);
    }
    if let Profile::Only(profile) = &choice.profile {
        let provider = provider.with_region(Some(region));
        let credentials = ProfileFileCredentialsProvider::builder().configure(&provider).profile_name(profile).build();
        loader = loader.credentials_provider(credentials);
    }
    let config = loader.load().await;
    let retries = retries(config.retry_config(), |name| std::env::var(name).ok());
    Ok(config.to_builder().retry_config(retries).build())
}

/// The region for the first calls, also those that the credentials need (SSO, the profile's role).
async fn first_region(choice: &Choice) -> aws_types::region::Region {
    if let Some(region) = &choice.region {
        return aws_types::region::Region::new(region.as_str().to_owned());
    }
    let mut chain = DefaultRegionChain::builder();
    if let Some(profile) = choice.profile.name() {
        chain = chain.profile_name(profile);
    }
    chain.build().region().await.unwrap_or(aws_types::region::Region::from_static("us-east-1"))
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
///
/// In AWS's "retry behaviour 2.1", which is announced as the coming default (`AWS_NEW_RETRIES_2026`): under the older one a
/// first throttled call waits for 20 seconds, and a refused connection is found out after half a minute.
pub(super) fn retries(loaded: Option<&RetryConfig>, environment: impl Fn(&str) -> Option<String>) -> RetryConfig {
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
    let retries = loaded.with_retry_mode(mode).with_max_attempts(attempts);
    if asked("AWS_NEW_RETRIES_2026") { retries } else { retries.with_retry_spec(RetrySpec::v2_1()) }
}

/// The region for the first calls.
pub(super) fn home_region(config: &SdkConfig) -> Result<Region, StartError> {
    let name = config.region().map_or("", |region| region.as_ref());
    let region: Region = name.parse().map_err(|_| StartError::Region(name.chars().take(40).collect()))?;
    if region.is_global() { Err(StartError::Region(name.to_owned())) } else { Ok(region) }
}

/// Says that a file is broken or a profile does not exist, which the chain would pass over in silence.
#[expect(clippy::default_trait_access, reason = "the files' type is in a crate that is not ours to name")]
async fn check_profile(profile: Option<&str>) -> Result<(), StartError> {
    let name = profile.map(|name| Cow::Owned(name.to_owned()));
    let profiles = aws_config::profile::load(&Fs::real(), &Env::real(), &Default::default(), name)
        .await
        .map_err(|error| StartError::ConfigFiles(describe(&error)))?;
    match profile {
        Some(profile) if profiles.get_profile(profile).is_none() => {
            let mut known: Vec<String> = profiles.profiles().map(str::to_owned).collect();
            known.sort();
            Err(StartError::UnknownProfile { profile: profile.to_owned(), known })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Case = (RetryConfig, &'static [(&'static str, &'static str)], RetryMode, u32);

    #[test]
    fn what_the_environment_or_the_profile_says_of_retries_wins() {
        let standard = RetryConfig::standard();
        let cases: [Case; 6] = [
            (standard.clone(), &[], RetryMode::Adaptive, MAX_ATTEMPTS),
            (standard.clone(), &[("AWS_RETRY_MODE", "standard")], RetryMode::Standard, MAX_ATTEMPTS),
            (standard.clone(), &[("AWS_MAX_ATTEMPTS", "3")], RetryMode::Adaptive, 3),
            (standard.clone(), &[("AWS_MAX_ATTEMPTS", "")], RetryMode::Adaptive, MAX_ATTEMPTS),
            (standard.clone().with_max_attempts(2), &[], RetryMode::Adaptive, 2),
            (
                RetryConfig::adaptive().with_max_attempts(1),
                &[("AWS_RETRY_MODE", "adaptive"), ("AWS_MAX_ATTEMPTS", "1")],
                RetryMode::Adaptive,
                1,
            ),
        ];
        for (loaded, environment, mode, attempts) in cases {
            let found = retries(Some(&loaded), |name| {
                environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            });
            assert_eq!((found.mode(), found.max_attempts()), (mode, attempts), "{loaded:?} {environment:?}");
            assert_eq!(found.retry_spec(), Some(&RetrySpec::v2_1()));
        }
        let old = retries(None, |name| (name == "AWS_NEW_RETRIES_2026").then(|| "false".to_owned()));
        assert_eq!(old.retry_spec(), None);
    }
}
