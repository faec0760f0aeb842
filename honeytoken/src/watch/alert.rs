//! Alerts, as records. What they say in a sentence is bounded, and without control characters; the call's own texts are an
//! attacker's.

use common::action::{Action, Key};
use common::id::Region;
use common::record::{Alert, AlertEvent, AlertKind, AlertStatus, AlertToken, Severity, Token};
use jiff::{SignedDuration, Timestamp};

use super::call::plain;
use super::incident::{self, News};
use super::trigger::Trigger;
use crate::registry::Incident;

/// The most characters of a name in a sentence.
const NAME: usize = 80;

/// What an alert that opens or continues an incident is made of.
#[derive(Debug)]
pub(crate) struct Told<'a> {
    pub(crate) trigger: Trigger,
    /// The call, where there was one.
    pub(crate) event: Option<&'a AlertEvent>,
    /// What else stands in the sentence, where there was none: which service, for instance.
    pub(crate) about: &'a str,
    /// Where it happened.
    pub(crate) region: &'a str,
    /// When.
    pub(crate) time: Timestamp,
    /// What of it is new. Empty where every event is told.
    pub(crate) news: &'a [News],
    /// The key that would have to be deactivated, where that is known to be one in use.
    pub(crate) active_key: Option<&'a str>,
    /// What the alert is known by: the event's id where every event is told.
    pub(crate) key: String,
}

/// An alert that opens or continues an incident.
pub(crate) fn open(token: &Token, incident: &Incident, told: &Told<'_>, now: Timestamp) -> Alert {
    let Told { trigger, event, active_key, .. } = told;
    let severity = if incident.drill { Severity::Low } else { trigger.severity() };
    let action = active_key.map(|key| Action::IamDeactivateKey(Key { access_key_id: key.to_owned() }));
    Alert {
        key: format!("{}/{}", incident.id, told.key),
        status: AlertStatus::Open,
        severity,
        trigger: trigger.name().to_owned(),
        region: told.region.parse().unwrap_or_else(|_| Region::global()),
        title: sentence(token, incident, told),
        event: event.cloned(),
        latency_seconds: Some(u64::try_from(now.duration_since(told.time).as_secs()).unwrap_or_default()),
        action: action.filter(|_| !incident.drill),
        ..about(token, incident, now)
    }
}

/// The alert that closes an incident.
pub(crate) fn close(token: &Token, incident: &Incident, quiet: SignedDuration, now: Timestamp) -> Alert {
    let mut calls = format!("{} call{}", incident.count, if incident.count == 1 { "" } else { "s" });
    if incident.suppressed > 0 {
        calls = format!("{calls}, and {} of callers who are allowed for", incident.suppressed);
    }
    Alert {
        // One that is opened again closes again.
        key: format!("{}/closed/{}", incident.id, incident.alerts),
        status: AlertStatus::Closed,
        severity: incident.known.severity.unwrap_or(Severity::Low),
        trigger: incident.known.trigger.clone(),
        region: incident.known.region.parse().unwrap_or_else(|_| Region::global()),
        title: format!("{} has been quiet for {quiet:#}, after {calls}", decoy(token)),
        ..about(token, incident, now)
    }
}

/// What all alerts have.
fn about(token: &Token, incident: &Incident, now: Timestamp) -> Alert {
    Alert {
        kind: AlertKind::Kind,
        key: String::new(),
        incident: incident.id.clone(),
        status: AlertStatus::Open,
        severity: Severity::Low,
        trigger: String::new(),
        account: token.account.clone(),
        region: Region::global(),
        r#type: token.r#type.clone(),
        id: token.id.clone(),
        arn: token.arn.clone(),
        title: String::new(),
        token: AlertToken {
            id: token.token.clone(),
            name: token.id.clone(),
            owner: token.owner.clone(),
            location: token.location.clone(),
            notes: token.notes.clone(),
            labels: token.labels.clone(),
            state: Some(token.state),
            planted: token.planted.clone(),
        },
        event: None,
        count: incident.count,
        suppressed: incident.suppressed,
        latency_seconds: None,
        drill: incident.drill,
        action: None,
        at: now,
    }
}

/// `Decoy svc-billing (web, laptop-7)`.
fn decoy(token: &Token) -> String {
    let place = [&token.owner, &token.location].map(|text| plain(text, NAME));
    let place: Vec<&str> = place.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
    let name = plain(&token.id, NAME);
    if place.is_empty() { format!("Decoy {name}") } else { format!("Decoy {name} ({})", place.join(", ")) }
}

/// `Decoy svc-billing (web, laptop-7) was used: sts:GetCallerIdentity from 203.0.113.9 with aws-cli, allowed`.
fn sentence(token: &Token, incident: &Incident, told: &Told<'_>) -> String {
    let mut text = format!("{} {}", decoy(token), told.trigger.phrase());
    let is_first = incident.alerts <= 1;
    // Of the first alert all is new: only what nobody expects is said of it.
    let said = told.news.iter().filter(|news| !is_first || matches!(news, News::InUse));
    let phrases: Vec<&str> = said.map(News::phrase).collect();
    if !phrases.is_empty() {
        text.push_str(if is_first { " " } else { " again, " });
        text.push_str(&phrases.join(", "));
    }
    if let Some(event) = told.event {
        text.push_str(": ");
        text.push_str(&plain(&event.operation, NAME));
        let source = plain(&event.source, NAME);
        if !source.is_empty() {
            text.push_str(" from ");
            text.push_str(&source);
        }
        if let Some(tool) = &event.tool {
            text.push_str(" with ");
            text.push_str(tool);
        }
        text.push_str(", ");
        text.push_str(&outcome(event));
    } else if !told.about.is_empty() {
        text.push_str(": ");
        text.push_str(&plain(told.about, NAME));
    }
    text
}

/// `allowed`, `denied`, or what else kept a call from succeeding.
fn outcome(event: &AlertEvent) -> String {
    let Some(error) = &event.error else { return "allowed".to_owned() };
    if ["AccessDenied", "Unauthorized", "AuthorizationError"].iter().any(|word| error.contains(word)) {
        return "denied".to_owned();
    }
    format!("failed with {}", plain(error, NAME))
}

/// What an alert is known by: what is new in the incident, or the event where each is told.
pub(crate) fn key(every_event: bool, event: &str, news: &[News]) -> String {
    if every_event { event.to_owned() } else { incident::key(news) }
}
