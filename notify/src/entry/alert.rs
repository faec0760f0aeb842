//! Alerts: told at once, and each by itself. Most of their texts are an attacker's: what he called himself, and what he
//! called.

use std::collections::BTreeMap;

use common::record::{Alert, AlertStatus};
use jiff::{SignedDuration, Timestamp};

use super::record::named;
use super::{About, Entry, Fact, Heading, place, title};
use crate::text::{clean, grouped, plural};

/// The most characters of a subject; a channel may have less.
const SUBJECT: usize = 200;
/// The most characters of a name in a fact of several.
const NAME: usize = 100;

/// An alert, ready to be rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Alarm {
    /// What is said of it. Its facts are the fields: decoy, owner, place, call, source and so on.
    pub(crate) entry: Entry,
    /// One line: `Decoy svc-billing-export was used ...`, with a word before it where it is a drill, or over.
    pub(crate) subject: String,
    /// What all alerts of one incident share, as it stands in the record: what PagerDuty opens and closes.
    pub(crate) incident: String,
    /// Whether the incident is over.
    pub(crate) closed: bool,
    /// Whether this is a drill.
    pub(crate) drill: bool,
    /// From where the decoy was touched, or else which it is.
    pub(crate) source: String,
    /// When: the call's time, or else the alert's.
    pub(crate) at: Timestamp,
}

impl Alarm {
    /// What is said of an alert.
    pub(crate) fn new(alert: &Alert) -> Self {
        let entry = self::alert(alert);
        let closed = alert.status == AlertStatus::Closed;
        let drill = if alert.drill { "Drill: " } else { "" };
        let over = if closed { "Closed: " } else { "" };
        let source = alert.event.as_ref().map(|event| clean(&event.source, NAME)).filter(|source| !source.is_empty());
        Self {
            subject: clean(&format!("{drill}{over}{}", entry.title), SUBJECT),
            incident: alert.incident.clone(),
            closed,
            drill: alert.drill,
            source: source.unwrap_or_else(|| clean(&alert.arn.to_string(), NAME)),
            at: alert.event.as_ref().map_or(alert.at, |event| event.time),
            entry,
        }
    }
}

/// What is told of an alert, by which it is routed and remembered.
pub(super) fn alert(alert: &Alert) -> Entry {
    let heading = match alert.status {
        AlertStatus::Open => Heading::Alert,
        AlertStatus::Closed => Heading::Closed,
    };
    let title = title(&alert.title, &format!("Decoy {}", alert.trigger), &alert.token.name);
    let action = alert.action.as_ref().map(named).unwrap_or_default();
    let facts = [
        decoy(alert),
        vec![Fact::new("call", &call(alert))],
        event(alert),
        vec![
            Fact::new("incident", &incident(alert)),
            Fact::new("what stops it", &action),
            alert.drill.then(|| Fact::new("drill", "this is a drill: the key was used on purpose")).flatten(),
        ],
    ];
    Entry {
        heading,
        severity: Some(alert.severity),
        check: String::new(),
        controls: String::new(),
        shape: title.clone(),
        title,
        place: place(Some(&alert.arn), &alert.id, &alert.r#type, &alert.region),
        facts: facts.into_iter().flatten().flatten().collect(),
        keys: vec![alert.key.clone()],
        undo: false,
        about: About {
            kind: "alert",
            status: alert.status.name(),
            account: alert.account.clone(),
            regions: [alert.region.to_string()].into(),
            types: [alert.r#type.clone()].into(),
            check: String::new(),
            id: alert.id.clone(),
            // What routes go by, as they do by a resource's tags.
            tags: alert.token.labels.clone(),
        },
        due: None,
    }
}

fn decoy(alert: &Alert) -> Vec<Option<Fact>> {
    let token = &alert.token;
    let name = if token.name.is_empty() { &alert.id } else { &token.name };
    let labels = token.labels.iter().map(|(name, value)| format!("{}={}", clean(name, NAME), clean(value, NAME)));
    vec![
        Fact::new("decoy", &format!("{} ({})", clean(name, NAME), clean(&token.id, NAME))),
        Fact::new("owner", &token.owner),
        Fact::new("planted at", &token.location),
        Fact::new("labels", &labels.take(10).collect::<Vec<_>>().join(", ")),
    ]
}

/// `sts:GetCallerIdentity (allowed)`; where no call gave it away, what happened to the decoy.
fn call(alert: &Alert) -> String {
    let Some(event) = &alert.event else { return alert.trigger.clone() };
    let result = match (&event.error, event.allowed) {
        (_, true) => "allowed".to_owned(),
        (Some(error), false) => format!("denied: {}", clean(error, NAME)),
        (None, false) => "denied".to_owned(),
    };
    format!("{} ({result})", clean(&event.operation, NAME))
}

fn event(alert: &Alert) -> Vec<Option<Fact>> {
    let Some(event) = &alert.event else { return vec![known(alert.at).then(|| Fact::time("time", alert.at))] };
    let late = alert.at.duration_since(event.time);
    let seen = known(alert.at) && !late.is_negative();
    vec![
        Fact::new("source", &event.source),
        Fact::new("user agent", &event.user_agent),
        Fact::new("key", event.access_key.as_deref().unwrap_or_default()),
        known(event.time).then(|| Fact::time("time", event.time)),
        seen.then(|| Fact::new("seen", &format!("{} later", span(late)))).flatten(),
        Fact::new("event", &event.id),
    ]
}

/// `honeytoken:tk_9f2c:...; 3 calls so far`.
fn incident(alert: &Alert) -> String {
    let count = usize::try_from(alert.count).unwrap_or(usize::MAX);
    let calls = plural(count, "call", "calls");
    let count = match alert.status {
        _ if count == 0 => String::new(),
        AlertStatus::Open => format!("; {calls} so far"),
        AlertStatus::Closed => format!("; {calls} in all"),
    };
    format!("{}{count}, {}", clean(&alert.incident, NAME), alert.status.name())
}

fn known(at: Timestamp) -> bool {
    at != Timestamp::default()
}

/// `4m 12s`: the two greatest units.
fn span(duration: SignedDuration) -> String {
    let seconds = usize::try_from(duration.as_secs()).unwrap_or_default();
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, _, _) => format!("{hours}h {}m", minutes % 60),
        _ => format!("{}d {}h", grouped(days), hours % 24),
    }
}
