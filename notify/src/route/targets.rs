//! Who can be told, each one once, in however many ways it is named.

use std::collections::HashMap;
use std::path::PathBuf;

use common::cli::Failure;
use common::settings::Zone;

use crate::channels::Channel;
use crate::channels::http::Webhook;
use crate::channels::secret::Secret;
use crate::memory::TargetName;

/// Somebody who is told.
#[derive(Debug)]
pub(crate) struct Target {
    /// How.
    pub(crate) channel: Channel,
    /// The time zone of those who read it.
    pub(crate) zone: Zone,
    /// Its name in the settings, where it has one.
    pub(crate) label: Option<String>,
    /// What tells it apart from all others, and from run to run.
    name: TargetName,
    /// Those who share a limit on how often they may be asked share a lane: the channels behind one Slack webhook, or all
    /// mail from one sender.
    pub(crate) lane: usize,
}

impl Target {
    /// What tells it apart from all others, and from run to run.
    pub(crate) fn name(&self) -> TargetName {
        self.name.clone()
    }
}

/// What makes two targets the same. It holds secrets, and is never shown.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Identity {
    /// The webhook, and the channel.
    Slack(Webhook, Option<String>),
    /// A topic's ARN.
    Sns(String),
    /// The sender, and the addresses.
    Mail(String, Vec<String>),
    /// A routing key, and whether it is of the EU region.
    Pagerduty(Secret, bool),
    /// The URL, and what the `Authorization` header says.
    Webhook(Webhook, Option<Secret>),
    /// A path.
    File(PathBuf),
    /// An example, or what a test has made.
    Example(usize),
}

impl Identity {
    /// What is asked when this one is told, as far as limits go.
    fn lane(&self) -> Self {
        match self {
            Self::Slack(webhook, _) => Self::Slack(webhook.clone(), None),
            Self::Mail(from, _) => Self::Mail(from.clone(), Vec::new()),
            other => other.clone(),
        }
    }

    /// What of it is not shown, in a form that may be: two jobs with one memory and two webhooks of one host would else take
    /// what the one was told for told to the other.
    fn mark(&self) -> Option<String> {
        match self {
            Self::Slack(webhook, _) | Self::Webhook(webhook, _) => Some(webhook.mark()),
            Self::Pagerduty(key, _) => Some(key.mark()),
            Self::Sns(_) | Self::Mail(..) | Self::File(_) | Self::Example(_) => None,
        }
    }
}

/// All who can be told.
#[derive(Default)]
pub(crate) struct Targets {
    all: Vec<Target>,
    known: HashMap<Identity, usize>,
    lanes: HashMap<Identity, usize>,
}

impl Targets {
    /// The place of a target, which is made where it is not there yet. Where it is, it keeps its name and its time zone:
    /// those that the settings name are made first.
    pub(crate) fn add(
        &mut self,
        identity: Identity,
        zone: &Zone,
        label: Option<&str>,
        make: impl FnOnce() -> Result<Channel, Failure>,
    ) -> Result<usize, Failure> {
        if let Some(place) = self.known.get(&identity) {
            return Ok(*place);
        }
        let channel = make()?;
        let lanes = self.lanes.len();
        let lane = *self.lanes.entry(identity.lane()).or_insert(lanes);
        let name = self.name(&identity, &channel, label);
        self.all.push(Target { channel, zone: zone.clone(), label: label.map(str::to_owned), name, lane });
        let place = self.all.len() - 1;
        self.known.insert(identity, place);
        Ok(place)
    }

    /// A name that nobody else has: that of the settings, or else what may be shown and a mark of what may not.
    fn name(&self, identity: &Identity, channel: &Channel, label: Option<&str>) -> TargetName {
        let word = channel.name();
        let plain = match (label, identity.mark()) {
            (Some(label), _) => format!("{word} {label}"),
            (None, None) => format!("{word} {}", channel.target()),
            (None, Some(mark)) => format!("{word} {} ~{mark}", channel.target()),
        };
        let taken = |name: &str| self.all.iter().any(|target| target.name == name);
        let mut names = (2..).map(|number| format!("{plain} ({number})"));
        if taken(&plain) { names.find(|name| !taken(name)).unwrap_or(plain) } else { plain }
    }

    /// They themselves, in the order of their places.
    pub(crate) fn into_all(self) -> Vec<Target> {
        self.all
    }
}
