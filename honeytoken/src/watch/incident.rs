//! Incidents: what of an event is new, and whether that is worth another alert.

use std::collections::BTreeSet;

use common::record::AlertEvent;
use jiff::{SignedDuration, Timestamp};

use super::call::digest;
use super::trigger::Trigger;
use crate::registry::{Incident, Known};

/// How many alerts one incident has at most, the closing one aside. What is new beyond that is counted, save for what is worth
/// it at any time: another kind of touch, or a first success.
pub(crate) const MOST_ALERTS: u64 = 10;

/// How many things are remembered as told.
const MOST_KNOWN: usize = 1000;

/// Something that no alert of an incident has told yet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum News {
    /// Another kind of touch.
    Trigger(&'static str),
    /// AWS let something happen, and had not before.
    Success,
    /// Temporary credentials were got with its key.
    Credentials,
    /// Another address.
    Source(String),
    /// Another tool.
    Tool(String),
    /// Another region.
    Region(String),
}

impl News {
    /// How it is remembered.
    fn word(&self) -> String {
        match self {
            Self::Trigger(trigger) => format!("trigger:{trigger}"),
            Self::Success => "success".to_owned(),
            Self::Credentials => "credentials".to_owned(),
            Self::Source(source) => format!("source:{source}"),
            Self::Tool(tool) => format!("tool:{tool}"),
            Self::Region(region) => format!("region:{region}"),
        }
    }

    /// How a sentence tells it.
    pub(crate) fn phrase(&self) -> &'static str {
        match self {
            Self::Trigger(_) => "in a new way",
            Self::Success => "for the first time with success",
            Self::Credentials => "to get temporary credentials",
            Self::Source(_) => "from a new address",
            Self::Tool(_) => "with a new tool",
            Self::Region(_) => "in a new region",
        }
    }

    /// Whether it is told however many alerts there were.
    fn is_grave(&self) -> bool {
        matches!(self, Self::Trigger(_) | Self::Success)
    }
}

/// What an event has to tell, all of it. `derived`: somebody got credentials by it.
pub(crate) fn told(trigger: Trigger, event: Option<&AlertEvent>, derived: bool) -> Vec<News> {
    // A look is no change, though both are touches: what comes of a look is news.
    let way = if trigger == Trigger::Looked { "looked at" } else { trigger.name() };
    let mut told = vec![News::Trigger(way)];
    let Some(event) = event else { return told };
    // That an administrator may do what he does is no news.
    if event.allowed && trigger.is_use() {
        told.push(News::Success);
    }
    if derived {
        told.push(News::Credentials);
    }
    told.push(News::Source(event.source.clone()));
    told.push(News::Tool(event.tool.clone().unwrap_or_default()));
    told.extend(event.region.clone().map(News::Region));
    told
}

/// What of that is new.
pub(crate) fn news(known: &Known, told: Vec<News>) -> Vec<News> {
    told.into_iter().filter(|news| !known.said.contains(&news.word())).collect()
}

/// Whether that is worth an alert.
pub(crate) fn is_worth_it(news: &[News], alerts: u64) -> bool {
    alerts < MOST_ALERTS && !news.is_empty() || news.iter().any(News::is_grave)
}

/// Remembers what was told. Only where every event is told is there ever more than can be kept.
pub(crate) fn remember(known: &mut Known, told: &[News]) {
    let room = MOST_KNOWN.saturating_sub(known.said.len());
    known.said.extend(told.iter().take(room).map(News::word));
}

/// A short word for what is new, by which the alert is known again when it comes twice.
pub(crate) fn key(news: &[News]) -> String {
    let words: BTreeSet<String> = news.iter().map(News::word).collect();
    digest(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The id of an incident that begins with this event.
pub(crate) fn id(token: &str, event: &str, drill: bool) -> String {
    digest(&["incident", token, event, if drill { "drill" } else { "" }])
}

/// Of several incidents the one that an event belongs to: one whose span it is in, or else the nearest. Those that are open come
/// before others that are as near.
pub(crate) fn nearest<'a>(
    incidents: impl Iterator<Item = &'a Incident>,
    at: Timestamp,
    quiet: SignedDuration,
) -> Option<String> {
    let found = incidents.filter_map(|incident| {
        let before = incident.first_event_at.duration_since(at);
        let behind = at.duration_since(incident.last_event_at);
        let distance = before.max(behind).max(SignedDuration::ZERO);
        (distance <= quiet).then_some((distance, incident.closed_at.is_some(), &incident.id))
    });
    found.min().map(|(_, _, id)| id.clone())
}
