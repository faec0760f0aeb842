//! Which channels there are: a flag beats an environment variable beats the settings.

use common::cli::Failure;
use common::settings::{Aws, Settings};

use crate::args::Args;
use crate::channels::http::{Webhook, WebhookError};
use crate::channels::sns::TopicError;
use crate::channels::{Channel, Slack, Sns};

/// The environment variable that holds the webhook's URL: Krampus's name for it.
pub(crate) const WEBHOOK: &str = "SLACK_WEBHOOK_URL";

/// What a dry run shows where nothing is configured. Neither exists: `.invalid` is reserved for that (RFC 2606).
const NO_WEBHOOK: &str = "https://not-configured.invalid/";
const NO_TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:not-configured";

impl From<WebhookError> for Failure {
    fn from(error: WebhookError) -> Self {
        Self::Start(error.to_string())
    }
}

impl From<TopicError> for Failure {
    fn from(error: TopicError) -> Self {
        Self::Start(error.to_string())
    }
}

/// The channels that are configured; none is an empty list.
pub(crate) fn channels(
    args: &Args,
    settings: &Settings,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Vec<Channel>, Failure> {
    // Empty means none: an unset variable of a CI job arrives as an empty one.
    let from_environment = environment(WEBHOOK).filter(|url| !url.trim().is_empty());
    let file = args.slack_webhook_file.as_ref().or(settings.notify.slack_webhook_file.as_ref());
    let webhook = match from_environment {
        Some(url) if args.slack_webhook_file.is_none() => Some(Webhook::parse(&url, WEBHOOK)?),
        _ => file.map(|file| Webhook::read(file)).transpose()?,
    };
    let topic = args.sns_topic.as_deref().or(settings.notify.sns_topic.as_deref()).filter(|arn| !arn.trim().is_empty());
    let slack = webhook.map(Slack::new).transpose()?.map(Channel::Slack);
    let sns = |topic| Channel::Sns(Sns::new(topic, args.profile.clone(), &settings.aws));
    let sns = topic.map(|arn| arn.parse().map(sns)).transpose()?;
    Ok(slack.into_iter().chain(sns).collect())
}

/// Both channels, with targets that do not exist: for a dry run before anything is set up.
pub(crate) fn examples() -> Result<Vec<Channel>, Failure> {
    let slack = Slack::new(Webhook::parse(NO_WEBHOOK, "the example")?)?;
    Ok(vec![Channel::Slack(slack), Channel::Sns(Sns::new(NO_TOPIC.parse()?, None, &Aws::default()))])
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::samples;

    const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:alerts";

    fn targets(args: &[&str], toml: &str, url: Option<&str>) -> Result<Vec<String>, String> {
        let args = Args::parse_from([&["notify"], args].concat());
        let channels = channels(&args, &samples::settings(toml), |name| {
            assert_eq!(name, WEBHOOK);
            url.map(str::to_owned)
        });
        let name = |channel: &Channel| format!("{} {}", channel.name(), channel.target());
        channels.map(|channels| channels.iter().map(name).collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_flag_beats_the_environment_beats_the_settings() {
        let directory = std::env::temp_dir().join(format!("notify-configure-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let file = |name: &str| {
            let path = directory.join(name);
            std::fs::write(&path, format!("https://{name}.example/secret")).unwrap();
            path.display().to_string()
        };
        let (flag, setting) = (file("flag"), file("setting"));
        let toml = format!("[notify]\nslack_webhook_file = \"{setting}\"\nsns_topic = \"{TOPIC}-setting\"");
        let variable = Some("https://variable.example/secret");
        let topic = format!("sns {TOPIC}-setting");
        assert_eq!(
            targets(&["--slack-webhook-file", &flag, "--sns-topic", TOPIC], &toml, variable).unwrap(),
            ["slack flag.example", &format!("sns {TOPIC}")]
        );
        assert_eq!(targets(&[], &toml, variable).unwrap(), ["slack variable.example", &topic]);
        assert_eq!(targets(&[], &toml, Some(" ")).unwrap(), ["slack setting.example", &topic]);
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn nothing_is_an_empty_list_and_nonsense_an_error() {
        assert_eq!(targets(&[], "", None).unwrap(), [""; 0]);
        assert_eq!(targets(&[], "[notify]\nsns_topic = \"\"", Some("")).unwrap(), [""; 0]);
        assert!(targets(&["--sns-topic", "alerts"], "", None).unwrap_err().contains("`alerts` is not an ARN"));
        let error = targets(&[], "", Some("hooks.slack.com/SeCrEt")).unwrap_err();
        assert!(error.contains(WEBHOOK) && !error.contains("SeCrEt"), "{error}");
        let error =
            targets(&["--slack-webhook-file", "/nonexistent/webhook"], "", Some("https://a.example")).unwrap_err();
        assert!(error.contains("/nonexistent/webhook"), "{error}");
        assert_eq!(examples().unwrap().len(), 2);
    }
}
