//! Incidents: what of an event is new, and whether that is worth another alert.

use std::collections::BTreeSet;

use common::record::AlertEvent;
use jiff::{SignedDuration, Timestamp};

use super::call::digest;
use super::trigger::Trigger;
use crate::registry::{Incident, Known};

/// How many alerts one incident has at most, the closing one aside. What is new beyond that is counted, save for what is worth
/// it at any time, such as another kind of touch, or a first success: see [`News::is_grave`].
pub(crate) const MOST_ALERTS: u64 = 10;

/// How many things are remembered as told.
const MOST_KNOWN: usize = 1000;

/// The calls that succeed with any key, whatever its user's policies say: that they do says nothing of a guard.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>,
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>.
const NEVER_DENIED: &[&str] = &["sts:GetCallerIdentity", "sts:GetSessionToken"];

/// Something that no alert of an incident has told yet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum News {
    /// Another kind of touch.
    Trigger(&'static str),
    /// AWS let something happen, and had not before.
    Success,
    /// The same by a call that policies can deny: a guard does not hold.
    Unguarded,
    /// A key of its own that is in use, and would have to be deactivated.
    Key(String),
    /// Other credentials were got with its key: those of a session, or another user's.
    Credentials,
    /// And somebody has used these: what is done with them was read before it was known that they are.
    InUse,
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
            Self::Unguarded => "unguarded".to_owned(),
            Self::Key(key) => format!("key:{key}"),
            Self::Credentials => "credentials".to_owned(),
            Self::InUse => "in use".to_owned(),
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
            Self::Unguarded => "by a call that a guard would have denied",
            Self::Key(_) => "with another of its keys",
            Self::Credentials => "to get other credentials",
            Self::InUse => "to get credentials that are in use already",
            Self::Source(_) => "from a new address",
            Self::Tool(_) => "with a new tool",
            Self::Region(_) => "in a new region",
        }
    }

    /// Whether it is told however many alerts there were: whoever uses these up with addresses must not hide what comes next.
    /// There are only a few of these.
    fn is_grave(&self) -> bool {
        use News::{Credentials, InUse, Key, Region, Source, Success, Tool, Trigger, Unguarded};
        match self {
            Trigger(_) | Success | Unguarded | Key(_) | Credentials | InUse => true,
            Source(_) | Tool(_) | Region(_) => false,
        }
    }
}

/// What an event has to tell, all of it. `key`: the token's key that was used, where that is one in use. `derived`: somebody got
/// credentials by it, which are `in_use`.
pub(crate) fn told(
    trigger: Trigger,
    event: Option<&AlertEvent>,
    key: Option<&str>,
    derived: bool,
    in_use: bool,
) -> Vec<News> {
    // A look is no change, though both are touches: what comes of a look is news.
    let way = if trigger == Trigger::Looked { "looked at" } else { trigger.name() };
    let mut told = vec![News::Trigger(way)];
    let Some(event) = event else { return told };
    // That an administrator may do what he does is no news.
    if event.allowed && trigger.is_use() {
        told.push(News::Success);
        if !NEVER_DENIED.contains(&event.operation.as_str()) {
            told.push(News::Unguarded);
        }
    }
    told.extend(key.map(|key| News::Key(key.to_owned())));
    if derived {
        told.push(News::Credentials);
    }
    if in_use {
        told.push(News::InUse);
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
///
/// Of one that is over nothing is told unless it is new. So only stragglers belong to it: who goes on after half of the time that
/// makes it quiet is an incident of their own, or they would never be heard of again.
pub(crate) fn nearest<'a>(
    incidents: impl Iterator<Item = &'a Incident>,
    at: Timestamp,
    quiet: SignedDuration,
) -> Option<String> {
    let found = incidents.filter_map(|incident| {
        let before = incident.first_event_at.duration_since(at);
        let behind = at.duration_since(incident.last_event_at);
        let distance = before.max(behind).max(SignedDuration::ZERO);
        let is_over = incident.closed_at.is_some();
        let is_near = distance <= quiet && (!is_over || behind <= quiet / 2);
        is_near.then_some((distance, is_over, &incident.id))
    });
    found.min().map(|(_, _, id)| id.clone())
}
