//! `[notify]`, `[notify.targets.<name>]` and `[[route]]`: where `notify` speaks, and who hears of what.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer};

use super::Patterns;
use super::schedule::Period;
use crate::record::Severity;

/// `[notify]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Notify {
    /// The file that holds the Slack webhook's URL, which is a secret.
    pub slack_webhook_file: Option<PathBuf>,
    /// The Slack channel that hears of what no route and no entry of the account map has a channel for. Only the older
    /// webhooks, which are not bound to one channel, heed it.
    pub slack_channel: Option<String>,
    /// The SNS topic's ARN.
    pub sns_topic: Option<String>,
    /// The address that mail comes from: an identity that SES has verified.
    pub mail_from: Option<String>,
    /// The region of SES. Without it the session's own.
    pub mail_region: Option<crate::id::Region>,
    /// Whom an account belongs to: Krampus's account map, a file or `s3://bucket/key`.
    pub account_map: Option<String>,
    /// What was already said: a file or `s3://bucket/key`.
    pub memory: Option<String>,
    /// After how long what has not changed is said again. Without it never.
    pub repeat: Option<Period>,
    /// The time zone (IANA) in which times are given beside UTC, where the target has none of its own.
    pub time_zone: Option<Zone>,
    /// Who hears of what no route matches. Without it: the account map's contacts where it names the account, and else
    /// every channel that a flag, an environment variable or the keys above configure.
    pub default: Vec<To>,
    /// Those who can be named in `to`.
    pub targets: BTreeMap<String, Target>,
}

/// `[notify.targets.<name>]`: somebody who is told. Secrets are never here, but in the files that are named here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "channel", rename_all = "snake_case", deny_unknown_fields)]
pub enum Target {
    /// A Slack incoming webhook.
    Slack {
        /// The file that holds its URL. Without it the webhook of `[notify]`.
        webhook_file: Option<PathBuf>,
        /// The channel, such as `#security`.
        slack_channel: Option<String>,
        /// The time zone of those who read it.
        time_zone: Option<Zone>,
    },
    /// An SNS topic.
    Sns {
        /// Its ARN.
        topic: String,
        /// The time zone of those who read it.
        time_zone: Option<Zone>,
    },
    /// E-mail by SES.
    Mail {
        /// The addresses.
        to: Vec<String>,
        /// The sender, instead of `[notify]`'s.
        from: Option<String>,
        /// The time zone of those who read it.
        time_zone: Option<Zone>,
    },
    /// A service of PagerDuty's, by Events API v2.
    Pagerduty {
        /// The file that holds the integration's routing key.
        routing_key_file: PathBuf,
        /// Whether the account is in PagerDuty's EU region.
        #[serde(default)]
        eu: bool,
    },
    /// Any HTTPS server that takes JSON.
    Webhook {
        /// The file that holds its URL, which may be a secret.
        url_file: PathBuf,
        /// The file that holds an `Authorization` header's value.
        authorization_file: Option<PathBuf>,
    },
    /// A file to which messages are appended, one JSON object a line.
    File {
        /// Which one.
        path: PathBuf,
    },
}

/// One of `[[route]]`: who hears of the records that it matches. All conditions that are given must hold; several routes
/// may match one record, and each of their targets hears of it, once.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Route {
    /// Accounts, by id or by name.
    pub account: Option<Patterns>,
    /// Kinds of record: `finding`, `outcome`, `alert`, `scope`.
    pub kind: Option<Patterns>,
    /// Statuses, such as `fail`, `failed` or `resolved`.
    pub status: Option<Patterns>,
    /// The least severity. A record without one does not match.
    pub severity: Option<Severity>,
    /// Checks.
    pub check: Option<Patterns>,
    /// Resource types.
    pub r#type: Option<Patterns>,
    /// Regions.
    pub region: Option<Patterns>,
    /// Tags of the resource with the patterns of their values; all must be there.
    pub tag: BTreeMap<String, Patterns>,
    /// Who hears of it.
    pub to: Vec<To>,
}

/// Somebody in `to`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum To {
    /// `account`: whom the account map names for the account.
    Account,
    /// The name of one of `[notify.targets]`.
    Named(String),
    /// `slack:#channel`, by the webhook of `[notify]`; `slack` alone is that webhook's own channel.
    Slack(Option<String>),
    /// `sns:arn:...`; `sns` alone is the topic of `[notify]`.
    Sns(Option<String>),
    /// `mail:somebody@example.org`, from the sender of `[notify]`.
    Mail(String),
    /// `file:path`.
    File(PathBuf),
    /// `none`: nobody. For what is to be heard of by no default either.
    Nobody,
}

/// Somebody in `to` who is nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is nobody who can be told: `account`, `none`, the name of a [notify.targets], `slack:#channel`, `sns:ARN`, \
     `mail:ADDRESS` or `file:PATH` is expected"
)]
pub struct ToError(String);

impl FromStr for To {
    type Err = ToError;

    fn from_str(text: &str) -> Result<Self, ToError> {
        let (channel, target) = match text.split_once(':') {
            Some((channel, target)) if !target.trim().is_empty() => (channel, Some(target.to_owned())),
            Some(_) => return Err(ToError(text.to_owned())),
            None => (text, None),
        };
        match (channel, target) {
            ("account", None) => Ok(Self::Account),
            ("none", None) => Ok(Self::Nobody),
            ("slack", channel) => Ok(Self::Slack(channel)),
            ("sns", topic) => Ok(Self::Sns(topic)),
            ("mail", Some(address)) if address.contains('@') => Ok(Self::Mail(address)),
            ("file", Some(path)) => Ok(Self::File(path.into())),
            (name, None) if !name.trim().is_empty() && !matches!(name, "mail" | "file") => {
                Ok(Self::Named(name.to_owned()))
            }
            _ => Err(ToError(text.to_owned())),
        }
    }
}

impl fmt::Display for To {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account => out.write_str("account"),
            Self::Nobody => out.write_str("none"),
            Self::Named(name) => out.write_str(name),
            Self::Slack(None) => out.write_str("slack"),
            Self::Slack(Some(channel)) => write!(out, "slack:{channel}"),
            Self::Sns(None) => out.write_str("sns"),
            Self::Sns(Some(topic)) => write!(out, "sns:{topic}"),
            Self::Mail(address) => write!(out, "mail:{address}"),
            Self::File(path) => write!(out, "file:{}", path.display()),
        }
    }
}

impl<'de> Deserialize<'de> for To {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A time zone by its IANA name, such as `Europe/Berlin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// A time zone that there is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time zone such as UTC or Europe/Berlin")]
pub struct ZoneError(String);

impl Zone {
    /// The zone.
    pub fn time_zone(&self) -> &TimeZone {
        &self.0
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(name: &str) -> Result<Self, ZoneError> {
        TimeZone::get(name).map(Self).map_err(|_| ZoneError(name.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn who_is_told_reads_as_it_is_written() {
        let named = |name: &str| To::Named(name.to_owned());
        for (text, expected) in [
            ("account", To::Account),
            ("none", To::Nobody),
            ("oncall", named("oncall")),
            ("slack", To::Slack(None)),
            ("slack:#web", To::Slack(Some("#web".into()))),
            ("sns", To::Sns(None)),
            ("sns:arn:aws:sns:eu-west-1:111122223333:x", To::Sns(Some("arn:aws:sns:eu-west-1:111122223333:x".into()))),
            ("mail:web@acme.example", To::Mail("web@acme.example".into())),
            ("file:/var/log/said.ndjson", To::File("/var/log/said.ndjson".into())),
        ] {
            assert_eq!(text.parse(), Ok(expected.clone()), "{text}");
            assert_eq!(expected.to_string(), text);
        }
        for text in
            ["", " ", "mail", "mail:", "mail:web", "file", "file:", "slack:", "sns: ", "teams:#web", "account:x"]
        {
            assert_eq!(text.parse::<To>(), Err(ToError(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn routes_and_targets_are_read_and_what_is_misspelt_is_an_error() {
        let settings: Settings = toml::from_str(
            r##"
            [notify]
            mail_from = "sluice@acme.example"
            time_zone = "Europe/Berlin"
            repeat = "7d"
            default = ["slack:#cloud", "mail:cloud@acme.example"]
            [notify.targets.oncall]
            channel = "pagerduty"
            routing_key_file = "/run/secrets/pagerduty"
            [notify.targets.web]
            channel = "slack"
            slack_channel = "#web"
            time_zone = "America/New_York"
            [[route]]
            account = ["111122223333", "prod-*"]
            severity = "high"
            tag = { Owner = "web*" }
            to = ["oncall", "account"]
            "##,
        )
        .unwrap();
        assert_eq!(settings.notify.targets.len(), 2);
        assert_eq!(settings.notify.time_zone, Some("Europe/Berlin".parse().unwrap()));
        assert_eq!(settings.route[0].to, [To::Named("oncall".into()), To::Account]);
        assert_eq!(settings.route[0].severity, Some(Severity::High));
        for text in [
            "[notify]\ntime_zone = \"Middle Earth\"",
            "[notify]\ndefault = [\"teams:#web\"]",
            "[notify]\nrepeat = \"often\"",
            "[notify.targets.x]\nchannel = \"teams\"",
            "[notify.targets.x]\nchannel = \"sns\"",
            "[notify.targets.x]\nchannel = \"slack\"\nchanel = \"#x\"",
            "[[route]]\nseverity = \"hihg\"\nto = [\"slack\"]",
            "[[route]]\nto = \"slack\"\nwho = \"x\"",
        ] {
            assert!(toml::from_str::<Settings>(text).is_err(), "{text}");
        }
    }
}
