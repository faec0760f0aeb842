//! A configuration that signs with one key, and with nothing else.

use aws_config::identity::IdentityCache;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::SdkConfig;
use aws_types::app_name::AppName;

use crate::settings;

use super::args::AwsArgs;
use super::config;
use super::start::StartError;

/// The configuration of clients that sign with this key alone: the environment, profiles and roles are not asked for any other.
/// Region, endpoints, deadlines and retries are those of all clients. No request is sent.
///
/// `app` stands in the user agent as `app/NAME`, which CloudTrail keeps.
///
/// # Errors
///
/// The configuration files are broken, or what the arguments ask for makes no sense.
pub async fn with_key_alone(
    args: &AwsArgs,
    settings: &settings::Aws,
    app: &str,
    key: &str,
    secret: &str,
) -> Result<SdkConfig, StartError> {
    let choice = args.choose(settings, |name| std::env::var(name).ok(), "key")?;
    let config = config::load(&choice, "key").await?;
    config::home_region(&config)?;
    let credentials = Credentials::new(key, secret, None, None, "Sluice");
    let mut builder = config
        .to_builder()
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .identity_cache(IdentityCache::lazy().build());
    builder.set_app_name(AppName::new(app.to_owned()).ok());
    Ok(builder.build())
}
