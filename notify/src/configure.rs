//! Who can be told, and who hears of what: a flag beats an environment variable beats the settings. All of it is looked
//! at before a record is read, so that a mistake shows on the first quiet night, and not in the night when it matters.

use std::collections::BTreeMap;
use std::path::Path;

use common::cli::{Failure, Say};
use common::document::{Object, Place};
use common::settings::{self, Route, Settings, To, Zone};

use crate::accounts::{AccountMap, Owner};
use crate::args::Args;
use crate::channels::http::{Webhook, WebhookError};
use crate::channels::mail::MailError;
use crate::channels::secret::{Secret, SecretKind};
use crate::channels::sns::{Topic, TopicError};
use crate::channels::{Channel, JsonWebhook, Lines, Mail, Pagerduty, Slack, Sns};
use crate::memory::{Memory, Terms};
use crate::route::{Dest, Identity, Names, Router, Rule, Target, Targets};
use crate::session::Caller;

/// The environment variable that holds the webhook's URL: Krampus's name for it.
pub(crate) const WEBHOOK: &str = "SLACK_WEBHOOK_URL";
/// Those that hold the channel for what no one else is to hear: Krampus read the first, and its README names the others.
const SLACK_CHANNEL: [&str; 3] = ["SLACK_DEFAULT_CHANNEL", "SLACK_DEFAULT_ROOM", "SLACK_CHANNEL_DEFAULT_NAME"];
/// The environment variable that holds a PagerDuty integration's key.
const PAGERDUTY: &str = "PAGERDUTY_ROUTING_KEY";
/// The environment variable that holds the URL of a server that takes JSON.
const JSON_WEBHOOK: &str = "NOTIFY_WEBHOOK_URL";
/// Krampus's names for where the account map is.
const MAP_BUCKET: &str = "AWS_ACCOUNTMAPPING_BUCKET";
const MAP_KEY: &str = "AWS_ACCOUNTMAPPING_KEY";
/// Where Krampus looks for it in the bucket.
const MAP_KEY_DEFAULT: &str = "account-map.json";
/// The words that mean something in `to`, and are no names.
const WORDS: [&str; 6] = ["account", "none", "slack", "sns", "mail", "file"];

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

impl From<MailError> for Failure {
    fn from(error: MailError) -> Self {
        Self::Start(error.to_string())
    }
}

/// Who can be told, and who hears of what.
#[derive(Debug)]
pub(crate) struct Setup {
    /// All who can be told.
    pub(crate) targets: Vec<Target>,
    /// Who hears of what.
    pub(crate) router: Router,
    /// The settings, with the names of the account map where they have none of their own.
    pub(crate) settings: Settings,
    /// The time zone of those who have none of their own.
    pub(crate) zone: Zone,
}

/// Reads all that the command line, the environment and the settings name.
///
/// # Errors
///
/// Something is not there or makes no sense; the message names the target or the route.
pub(crate) async fn setup(
    args: &Args,
    settings: &Settings,
    environment: impl Fn(&str) -> Option<String>,
    caller: &Caller,
    say: &Say,
) -> Result<Setup, Failure> {
    // Empty means none: an unset variable of a CI job arrives as an empty one.
    let environment = |name: &str| environment(name).filter(|value| !value.trim().is_empty());
    let map = map_place(args, settings, environment)?;
    let mut basis = Basis::new(args, settings, environment)?;
    for (name, target) in &settings.notify.targets {
        basis.named(name, target).map_err(|failure| within(&format!("[notify.targets.{name}]"), &failure))?;
    }
    let everybody = basis.everybody(environment)?;
    let mut rules = Vec::new();
    for (index, route) in settings.route.iter().enumerate() {
        let place = format!("[[route]] number {}{}", index + 1, whose(route));
        let to = basis.all(&route.to).map_err(|failure| within(&place, &failure))?;
        rules.push(Rule::new(route.clone(), to).map_err(|error| Failure::Start(format!("{place}: {error}")))?);
    }
    let default = basis.all(&settings.notify.default).map_err(|failure| within("notify.default", &failure))?;
    // Only now: whoever misspelt a name hears of it without waiting for AWS.
    let map = match map {
        Some(place) => Some(AccountMap::read(&place, caller).await?),
        None => None,
    };
    let mut settings = settings.clone();
    let mut names = Names::new();
    for (account, its) in &settings.accounts {
        names.entry(account.clone()).or_default().extend(its.name.clone());
    }
    let mut contacts = BTreeMap::new();
    if let Some(AccountMap { owners, mistakes }) = map {
        for mistake in mistakes {
            say.warn(format!("the account map: {mistake}"));
        }
        for (account, owner) in owners {
            match basis.owner(&owner) {
                Ok(found) if found.is_empty() => {}
                Ok(found) => drop(contacts.insert(account.clone(), found)),
                // It costs nobody but itself.
                Err(failure) => say.warn(format!("the account map: {account}: {failure}")),
            }
            if let Some(name) = owner.name {
                names.entry(account.clone()).or_default().push(name.clone());
                settings.accounts.entry(account).or_default().name.get_or_insert(name);
            }
        }
        if contacts.is_empty() {
            say.warn(format!(
                "the account map names nobody who can be told: its Slack channels need a webhook ({WEBHOOK}), its \
                 addresses a sender (--mail-from)"
            ));
        }
    }
    let router = Router { rules, default, contacts, everybody, names };
    Ok(Setup { targets: basis.targets.into_all(), router, settings, zone: basis.zone })
}

/// Both channels, with targets that do not exist: for a dry run before anything is set up.
pub(crate) fn examples() -> Result<Vec<Channel>, Failure> {
    let slack = Slack::new(Webhook::parse(NO_WEBHOOK, "the example")?)?;
    Ok(vec![Channel::Slack(slack), Channel::Sns(Sns::new(NO_TOPIC.parse()?, None, &settings::Aws::default()))])
}

/// The same, as everybody who hears of everything.
pub(crate) fn for_everybody(channels: Vec<Channel>, zone: &Zone, settings: &Settings) -> Result<Setup, Failure> {
    let mut targets = Targets::default();
    let mut everybody = Vec::new();
    for (index, channel) in channels.into_iter().enumerate() {
        everybody.push(targets.add(Identity::Example(index), zone, None, || Ok(channel))?);
    }
    let router = Router { everybody, ..Router::default() };
    Ok(Setup { targets: targets.into_all(), router, settings: settings.clone(), zone: zone.clone() })
}

/// What is wrong, and where.
fn within(place: &str, failure: &Failure) -> Failure {
    Failure::Start(format!("{place}: {failure}"))
}

/// How people find a route again: TOML does not say on which line it stands.
fn whose(route: &Route) -> String {
    let to: Vec<String> = route.to.iter().map(|to| format!("\"{to}\"")).collect();
    if to.is_empty() { String::new() } else { format!(" (to = [{}])", to.join(", ")) }
}

fn map_place(
    args: &Args,
    settings: &Settings,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Option<Place>, Failure> {
    let from_environment = || {
        let bucket = environment(MAP_BUCKET)?;
        let key = environment(MAP_KEY).unwrap_or_else(|| MAP_KEY_DEFAULT.to_owned());
        Some(Place::S3(Object { bucket, key }))
    };
    let place = |text: &str| text.parse::<Place>().map_err(|error| Failure::Start(format!("the account map: {error}")));
    match &args.account_map {
        Some(text) => place(text).map(Some),
        None => match from_environment() {
            Some(place) => Ok(Some(place)),
            None => settings.notify.account_map.as_deref().map(place).transpose(),
        },
    }
}

/// The memory, where one is asked for. It is read before the input is: what is not understood is nobody's to overwrite, and a
/// run that does not know what was said is better not begun.
///
/// # Errors
///
/// The place makes no sense, or what is there.
pub(crate) async fn memory(
    args: &Args,
    settings: &Settings,
    setup: &Setup,
    caller: &Caller,
) -> Result<Memory, Failure> {
    let place = args.memory.as_ref().or(settings.notify.memory.as_ref()).filter(|place| !place.trim().is_empty());
    let Some(place) = place else { return Ok(Memory::default()) };
    let place = place.parse::<Place>().map_err(|error| Failure::Start(format!("the memory: {error}")))?;
    let terms = Terms {
        targets: setup.targets.iter().map(Target::name).collect(),
        repeat: args.repeat.or(settings.notify.repeat),
        deadline: args.deadline,
        dry_run: args.dry_run,
    };
    Memory::open(&place, terms, caller).await
}

/// What targets are made of.
struct Basis<'a> {
    args: &'a Args,
    settings: &'a Settings,
    targets: Targets,
    zone: Zone,
    /// The webhook of `[notify]`, and its channel for what no one else is to hear.
    slack: Option<(Webhook, Slack)>,
    slack_channel: Option<String>,
    topic: Option<String>,
    mail_from: Option<String>,
    named: BTreeMap<String, usize>,
}

impl<'a> Basis<'a> {
    fn new(
        args: &'a Args,
        settings: &'a Settings,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Failure> {
        let notify = &settings.notify;
        let file = args.slack_webhook_file.as_ref().or(notify.slack_webhook_file.as_ref());
        let webhook = match environment(WEBHOOK) {
            Some(url) if args.slack_webhook_file.is_none() => Some(Webhook::parse(&url, WEBHOOK)?),
            _ => file.map(|file| Webhook::read(file)).transpose()?,
        };
        let slack = webhook.map(|webhook| Ok::<_, Failure>((webhook.clone(), Slack::new(webhook)?))).transpose()?;
        let some = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        Ok(Self {
            args,
            settings,
            targets: Targets::default(),
            zone: args.time_zone.clone().or_else(|| notify.time_zone.clone()).unwrap_or_default(),
            slack,
            slack_channel: SLACK_CHANNEL.into_iter().find_map(&environment).or_else(|| some(&notify.slack_channel)),
            topic: some(&args.sns_topic).or_else(|| some(&notify.sns_topic)),
            mail_from: some(&args.mail_from).or_else(|| some(&notify.mail_from)),
            named: BTreeMap::new(),
        })
    }

    /// Whom flags, environment and `[notify]` name.
    fn everybody(&mut self, environment: impl Fn(&str) -> Option<String>) -> Result<Vec<usize>, Failure> {
        let mut everybody = Vec::new();
        if self.slack.is_some() {
            everybody.push(self.default_slack(None)?);
        }
        if self.topic.is_some() {
            everybody.push(self.default_sns(None)?);
        }
        let Args { mail_to, pagerduty_key_file, webhook_url_file, file, .. } = self.args;
        if !mail_to.is_empty() {
            everybody.push(self.default_mail(mail_to, "--mail-to")?);
        }
        let key = match (pagerduty_key_file, environment(PAGERDUTY)) {
            (Some(file), _) => Some(Secret::read(SecretKind::RoutingKey, file)?),
            (None, Some(key)) => Some(Secret::parse(SecretKind::RoutingKey, &key, PAGERDUTY)?),
            (None, None) => None,
        };
        if let Some(key) = key {
            everybody.push(self.pagerduty(key, false, None)?);
        }
        let url = match (webhook_url_file, environment(JSON_WEBHOOK)) {
            (Some(file), _) => Some(Webhook::read(file)?),
            (None, Some(url)) => Some(Webhook::parse(&url, JSON_WEBHOOK)?),
            (None, None) => None,
        };
        if let Some(url) = url {
            everybody.push(self.webhook(url, None, None)?);
        }
        if let Some(path) = file {
            everybody.push(self.file(path, None)?);
        }
        Ok(everybody)
    }

    /// One of `[notify.targets]`.
    fn named(&mut self, name: &str, target: &settings::Target) -> Result<(), Failure> {
        if WORDS.contains(&name) || name.contains(':') || name.trim().is_empty() {
            let words = WORDS.join(", ");
            return Err(Failure::Start(format!(
                "no target can have this name: {words} and what has a colon mean something else in `to`"
            )));
        }
        let zone = |zone: &Option<Zone>| zone.clone().unwrap_or_else(|| self.zone.clone());
        let place = match target {
            settings::Target::Slack { webhook_file, slack_channel, time_zone } => {
                let zone = zone(time_zone);
                let (webhook, slack) = match webhook_file {
                    Some(file) => {
                        let webhook = Webhook::read(file)?;
                        (webhook.clone(), Slack::new(webhook)?)
                    }
                    None => self.slack.clone().ok_or_else(no_webhook)?,
                };
                self.slack(webhook, &slack, slack_channel.clone(), &zone, Some(name))?
            }
            settings::Target::Sns { topic, time_zone } => self.sns(topic, &zone(time_zone), Some(name))?,
            settings::Target::Mail { to, from, time_zone } => {
                let zone = zone(time_zone);
                let from = from.clone().or_else(|| self.mail_from.clone()).ok_or_else(no_sender)?;
                self.mail(&from, to, "its `to`", &zone, Some(name))?
            }
            settings::Target::Pagerduty { routing_key_file, eu } => {
                self.pagerduty(Secret::read(SecretKind::RoutingKey, routing_key_file)?, *eu, Some(name))?
            }
            settings::Target::Webhook { url_file, authorization_file } => {
                let authorization = authorization_file.as_ref();
                let authorization =
                    authorization.map(|file| Secret::read(SecretKind::Authorization, file)).transpose()?;
                self.webhook(Webhook::read(url_file)?, authorization.as_ref(), Some(name))?
            }
            settings::Target::File { path } => self.file(path, Some(name))?,
        };
        self.named.insert(name.to_owned(), place);
        Ok(())
    }

    /// Those in a `to`.
    fn all(&mut self, to: &[To]) -> Result<Vec<Dest>, Failure> {
        let mut dests = Vec::new();
        for to in to {
            let dest = match to {
                To::Account => Dest::Account,
                To::Nobody => Dest::Nobody,
                To::Named(name) => Dest::Target(*self.named.get(name).ok_or_else(|| self.unknown(name))?),
                To::Slack(channel) => Dest::Target(self.default_slack(channel.clone())?),
                To::Sns(topic) => Dest::Target(self.default_sns(topic.as_deref())?),
                To::Mail(address) => Dest::Target(self.default_mail(std::slice::from_ref(address), "`to`")?),
                To::File(path) => Dest::Target(self.file(path, None)?),
            };
            if !dests.contains(&dest) {
                dests.push(dest);
            }
        }
        Ok(dests)
    }

    fn unknown(&self, name: &str) -> Failure {
        let known: Vec<&str> = self.named.keys().map(String::as_str).collect();
        let known = if known.is_empty() { "there are none".to_owned() } else { known.join(", ") };
        Failure::Start(format!("`{name}` is none of [notify.targets] ({known})"))
    }

    /// Whom the account map names for an account, as far as they can be reached.
    fn owner(&mut self, owner: &Owner) -> Result<Vec<usize>, Failure> {
        let mut found = Vec::new();
        if let Some(channel) = owner.slack.clone().filter(|_| self.slack.is_some()) {
            found.push(self.default_slack(Some(channel))?);
        }
        if !owner.mail.is_empty() && self.mail_from.is_some() {
            found.push(self.default_mail(&owner.mail, "the account map")?);
        }
        Ok(found)
    }

    /// A channel behind the webhook of `[notify]`; without a name, the one for what no one else is to hear.
    fn default_slack(&mut self, channel: Option<String>) -> Result<usize, Failure> {
        let (webhook, slack) = self.slack.clone().ok_or_else(no_webhook)?;
        let channel = channel.or_else(|| self.slack_channel.clone());
        let zone = self.zone.clone();
        self.slack(webhook, &slack, channel, &zone, None)
    }

    /// A topic; without an ARN, that of `[notify]`.
    fn default_sns(&mut self, topic: Option<&str>) -> Result<usize, Failure> {
        let topic = topic.map(str::to_owned).or_else(|| self.topic.clone()).ok_or_else(|| {
            Failure::Start("there is no SNS topic: set notify.sns_topic or give --sns-topic ARN".to_owned())
        })?;
        let zone = self.zone.clone();
        self.sns(&topic, &zone, None)
    }

    /// Addresses, from the sender of `[notify]`; `place` says where they stand.
    fn default_mail(&mut self, to: &[String], place: &str) -> Result<usize, Failure> {
        let from = self.mail_from.clone().ok_or_else(no_sender)?;
        let zone = self.zone.clone();
        self.mail(&from, to, place, &zone, None)
    }

    fn slack(
        &mut self,
        webhook: Webhook,
        slack: &Slack,
        channel: Option<String>,
        zone: &Zone,
        name: Option<&str>,
    ) -> Result<usize, Failure> {
        self.targets.add(Identity::Slack(webhook, channel.clone()), zone, name, || {
            let slack = slack.clone();
            Ok(Channel::Slack(match channel {
                Some(channel) => slack.in_channel(channel),
                None => slack,
            }))
        })
    }

    fn sns(&mut self, topic: &str, zone: &Zone, name: Option<&str>) -> Result<usize, Failure> {
        let topic: Topic = topic.parse()?;
        let (profile, aws) = (self.args.profile.clone(), &self.settings.aws);
        self.targets
            .add(Identity::Sns(topic.arn().to_owned()), zone, name, || Ok(Channel::Sns(Sns::new(topic, profile, aws))))
    }

    fn mail(
        &mut self,
        from: &str,
        to: &[String],
        place: &str,
        zone: &Zone,
        name: Option<&str>,
    ) -> Result<usize, Failure> {
        let (profile, aws) = (self.args.profile.clone(), &self.settings.aws);
        let region = self.settings.notify.mail_region.clone();
        let mut addresses: Vec<String> = to.iter().map(|address| address.trim().to_lowercase()).collect();
        addresses.sort();
        addresses.dedup();
        self.targets.add(Identity::Mail(from.to_owned(), addresses), zone, name, || {
            Ok(Channel::Mail(Mail::new(Some(from), to, ("the sender", place), region, profile, aws)?))
        })
    }

    fn pagerduty(&mut self, key: Secret, eu: bool, name: Option<&str>) -> Result<usize, Failure> {
        let zone = self.zone.clone();
        self.targets
            .add(Identity::Pagerduty(key.clone(), eu), &zone, name, || Ok(Channel::Pagerduty(Pagerduty::new(key, eu)?)))
    }

    fn webhook(&mut self, url: Webhook, authorization: Option<&Secret>, name: Option<&str>) -> Result<usize, Failure> {
        let zone = self.zone.clone();
        self.targets.add(Identity::Webhook(url.clone(), authorization.cloned()), &zone, name, || {
            Ok(Channel::Webhook(JsonWebhook::new(url, authorization)?))
        })
    }

    fn file(&mut self, path: &Path, name: Option<&str>) -> Result<usize, Failure> {
        let zone = self.zone.clone();
        self.targets.add(Identity::File(path.to_owned()), &zone, name, || Ok(Channel::File(Lines::new(path))))
    }
}

fn no_webhook() -> Failure {
    Failure::Start(format!(
        "there is no Slack webhook: set {WEBHOOK}, or notify.slack_webhook_file, or give --slack-webhook-file FILE"
    ))
}

fn no_sender() -> Failure {
    Failure::Start("nobody sends the mail: set notify.mail_from or give --mail-from ADDRESS".to_owned())
}

#[cfg(test)]
mod tests;
