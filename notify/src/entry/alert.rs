//! Alerts: told at once, and each by itself. Most of their texts are an attacker's: what he called himself, and what he
//! called.

use common::record::{Alert, AlertEvent, AlertStatus, Planting, TokenState};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::record::named;
use super::{About, Entry, Fact, Heading, place, title};
use crate::text::{clean, grouped, plural};

/// The most characters of a subject; a channel may have less.
const SUBJECT: usize = 200;
/// The most characters of a name in a fact of several.
const NAME: usize = 100;
/// How many of the places where a key lies are named; the rest are counted.
const PLACES: usize = 3;

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
    /// The record as it was read, for programs.
    pub(crate) record: Value,
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
            // What was read as JSON can be written as JSON.
            record: serde_json::to_value(alert).unwrap_or_default(),
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
    // Of these a sink that has little room leaves out the last.
    let facts = [
        vec![alert.drill.then(|| Fact::new("drill", "this is a drill: the key was used on purpose")).flatten()],
        decoy(alert),
        vec![Fact::new("call", &call(alert))],
        event(alert),
        vec![
            Fact::new("incident", &incident(alert)),
            Fact::new("what stops it", &action),
            Fact::new("labels", &labels(alert)),
            alert.event.as_ref().and_then(|event| Fact::new("event", &event.id)),
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
            incident: alert.incident.clone(),
        },
        due: None,
    }
}

fn decoy(alert: &Alert) -> Vec<Option<Fact>> {
    let token = &alert.token;
    let name = if token.name.is_empty() { &alert.id } else { &token.name };
    // What is as it should be goes without saying.
    let state = token.state.filter(|state| *state != TokenState::Active);
    let state = state.map(|state| format!(", {state}")).unwrap_or_default();
    vec![
        Fact::new("decoy", &format!("{} ({}{state})", clean(name, NAME), clean(&token.id, NAME))),
        Fact::new("owner", &token.owner),
        Fact::new("location", &token.location),
        Fact::new("its key lies in", &places(&token.planted)),
        Fact::new("notes", &token.notes),
    ]
}

fn labels(alert: &Alert) -> String {
    let labels = alert.token.labels.iter();
    let labels = labels.map(|(name, value)| format!("{}={}", clean(name, NAME), clean(value, NAME)));
    labels.take(10).collect::<Vec<_>>().join(", ")
}

/// `nas-1:/root/.aws/credentials [backup], and 2 more`.
fn places(planted: &[Planting]) -> String {
    let place = |Planting { host, path, profile, .. }: &Planting| {
        let host = if host.is_empty() { String::new() } else { format!("{}:", clean(host, NAME)) };
        let profile = if profile.is_empty() { String::new() } else { format!(" [{}]", clean(profile, NAME)) };
        format!("{host}{}{profile}", clean(path, NAME))
    };
    let mut places: Vec<String> = planted.iter().take(PLACES).map(place).collect();
    if planted.len() > PLACES {
        places.push(format!("and {} more", planted.len() - PLACES));
    }
    places.join(", ")
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
    vec![
        Fact::new("source", &source(event)),
        Fact::new("region", event.region.as_deref().unwrap_or_default()),
        Fact::new("tool", event.tool.as_deref().unwrap_or_default()),
        Fact::new("user agent", &event.user_agent),
        Fact::new("key", event.access_key.as_deref().unwrap_or_default()),
        known(event.time).then(|| Fact::time("time", event.time)),
        late(alert, event).and_then(|late| Fact::new("seen", &format!("{} later", span(late)))),
    ]
}

/// From where. Whoever blocks an address should know when it is none of the caller's.
fn source(event: &AlertEvent) -> String {
    let source = clean(&event.source, NAME);
    if event.source_is_doubtful {
        let why = "says little: a private address, or by way of a VPC endpoint";
        return if source.is_empty() { why.to_owned() } else { format!("{source} ({why})") };
    }
    source
}

/// How long after the call it was seen: as the alert says, or else as its times do.
fn late(alert: &Alert, event: &AlertEvent) -> Option<SignedDuration> {
    match alert.latency_seconds {
        Some(seconds) => Some(SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX))),
        None => Some(alert.at.duration_since(event.time)).filter(|late| known(alert.at) && !late.is_negative()),
    }
}

/// `honeytoken:tk_9f2c:...; 3 calls so far (and 2 that are allowed for), open`.
fn incident(alert: &Alert) -> String {
    let count = usize::try_from(alert.count).unwrap_or(usize::MAX);
    let calls = plural(count, "call", "calls");
    let suppressed = match alert.suppressed {
        0 => String::new(),
        suppressed => format!(" (and {} allowed for)", grouped(usize::try_from(suppressed).unwrap_or(usize::MAX))),
    };
    let count = match alert.status {
        _ if count == 0 => String::new(),
        AlertStatus::Open => format!("; {calls} so far"),
        AlertStatus::Closed => format!("; {calls} in all"),
    };
    format!("{}{count}{suppressed}, {}", clean(&alert.incident, NAME), alert.status.name())
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

#[cfg(test)]
mod tests {
    use common::settings::Zone;

    use super::super::FACT;
    use super::*;
    use crate::samples;

    fn facts(alarm: &Alarm, zone: &Zone) -> Vec<(&'static str, String)> {
        alarm.entry.facts.iter().map(|fact| (fact.label, fact.text(zone).into_owned())).collect()
    }

    #[test]
    fn an_alert_says_which_whose_where_what_and_when() {
        let alarm = Alarm::new(&samples::alert("open"));
        let expected = [
            ("decoy", "svc-billing-export (9f2c)"),
            ("owner", "J. Smith"),
            ("location", "laptop-042"),
            ("call", "sts:GetCallerIdentity (allowed)"),
            ("source", "203.0.113.9"),
            ("user agent", "aws-cli/2.17 <!channel>"),
            ("key", "AKIAIOSFODNN7EXAMPLE"),
            ("time", "2026-11-20 09:58:12 UTC (15:28:12 Asia/Kolkata)"),
            ("seen", "1m 48s later"),
            ("incident", "honeytoken/9f2c/203.0.113.9; 3 calls so far, open"),
            ("labels", "team=it"),
            ("event", "e544d47e"),
        ];
        let facts = facts(&alarm, &"Asia/Kolkata".parse().unwrap());
        assert_eq!(facts.iter().map(|(label, text)| (*label, text.as_str())).collect::<Vec<_>>(), expected);
        assert_eq!(alarm.subject, "Decoy svc-billing-export was used from 203.0.113.9: sts:GetCallerIdentity");
        assert_eq!((alarm.entry.about.kind, alarm.entry.about.status), ("alert", "open"));
        assert_eq!((alarm.entry.heading, alarm.source.as_str()), (Heading::Alert, "203.0.113.9"));
        assert_eq!(alarm.entry.keys, ["honeytoken:9f2c:used"]);
    }

    #[test]
    fn one_that_is_over_a_drill_or_without_a_call_says_so() {
        let mut alert = samples::alert("closed");
        alert.drill = true;
        alert.event = None;
        alert.title = String::new();
        alert.trigger = "exposed".into();
        let alarm = Alarm::new(&alert);
        assert_eq!(alarm.subject, "Drill: Closed: Decoy exposed: svc-billing-export");
        assert!(alarm.closed && alarm.drill && alarm.entry.heading == Heading::Closed);
        let facts = facts(&alarm, &Zone::default());
        let fact = |label| facts.iter().find(|fact| fact.0 == label).map(|fact| fact.1.as_str());
        assert_eq!((fact("call"), fact("time")), (Some("exposed"), Some("2026-11-20 10:00:00 UTC")));
        assert_eq!((fact("source"), fact("seen")), (None, None));
        assert_eq!(fact("incident"), Some("honeytoken/9f2c/203.0.113.9; 3 calls in all, closed"));
        assert!(fact("drill").is_some());
        assert_eq!((alarm.at, alarm.source.as_str()), (alert.at, "arn:aws:iam::111122223333:user/svc-billing-export"));
    }

    #[test]
    fn what_is_known_beside_is_told_too() {
        let alarm = Alarm::new(&samples::full_alert());
        let expected = [
            ("drill", "this is a drill: the key was used on purpose"),
            ("decoy", "svc-billing-export (9f2c, deleted)"),
            ("owner", "J. Smith"),
            ("location", "laptop-042"),
            ("its key lies in", "nas-1:/root/.aws/credentials [backup], /srv/0, /srv/1, and 2 more"),
            ("notes", "ring \u{201c}it\u{201d} first"),
            ("call", "sts:GetCallerIdentity (allowed)"),
            ("source", "10.0.0.7 (says little: a private address, or by way of a VPC endpoint)"),
            ("region", "eu-west-1"),
            ("tool", "pacu"),
            ("user agent", "aws-cli/2.17 <!channel>"),
            ("key", "AKIAIOSFODNN7EXAMPLE"),
            ("time", "2026-11-20 09:58:12 UTC"),
            ("seen", "4m 12s later"),
            ("incident", "honeytoken/9f2c/203.0.113.9; 3 calls so far (and 1,200 allowed for), open"),
            (
                "what stops it",
                r#"iam_deactivate_key {"AccessKeyId":"AKIAIOSFODNN7EXAMPLE"}: Deactivate the access key."#,
            ),
            ("labels", "team=it"),
            ("event", "e544d47e"),
        ];
        let facts = facts(&alarm, &Zone::default());
        assert_eq!(facts.iter().map(|(label, text)| (*label, text.as_str())).collect::<Vec<_>>(), expected);
        assert!(alarm.subject.starts_with("Drill: Decoy "), "{}", alarm.subject);
    }

    #[test]
    fn a_call_that_was_denied_says_why() {
        let mut alert = samples::alert("open");
        let event = alert.event.as_mut().unwrap();
        (event.allowed, event.error) = (false, Some("AccessDenied".into()));
        assert_eq!(call(&alert), "sts:GetCallerIdentity (denied: AccessDenied)");
        alert.event.as_mut().unwrap().error = None;
        assert_eq!(call(&alert), "sts:GetCallerIdentity (denied)");
    }

    #[test]
    fn what_an_attacker_calls_himself_is_cut_and_cleaned() {
        let evil = "<!channel>\u{1b}[2J\u{202e}\n\u{200b}".repeat(1_000);
        let mut alert = samples::alert("open");
        alert.title.clone_from(&evil);
        alert.token.labels = (0..100).map(|index| (format!("{index}{evil}"), evil.clone())).collect();
        alert.token.notes.clone_from(&evil);
        alert.token.planted = samples::full_alert().token.planted;
        for place in &mut alert.token.planted {
            (place.host, place.path, place.profile) = (evil.clone(), evil.clone(), evil.clone());
        }
        let event = alert.event.as_mut().unwrap();
        for text in [&mut event.user_agent, &mut event.source, &mut event.operation, &mut event.id] {
            text.clone_from(&evil);
        }
        (event.region, event.tool, event.source_is_doubtful) = (Some(evil.clone()), Some(evil.clone()), true);
        (event.allowed, event.error, event.access_key) = (false, Some(evil.clone()), Some(evil));
        let alarm = Alarm::new(&alert);
        let zone = Zone::default();
        let texts = facts(&alarm, &zone).into_iter().map(|(_, text)| text);
        let texts = texts.chain([alarm.subject.clone(), alarm.entry.title.clone(), alarm.source.clone()]);
        for text in texts {
            assert!(text.chars().count() <= FACT.max(super::super::TITLE), "{text}");
            assert!(!text.contains(['\u{1b}', '\u{202e}', '\n', '\u{200b}']), "{text:?}");
        }
    }

    #[test]
    fn how_late_it_was_is_given_in_two_units() {
        for (seconds, expected) in
            [(0, "0s"), (59, "59s"), (252, "4m 12s"), (3_600, "1h 0m"), (90_061, "1d 1h"), (864_000_000, "10,000d 0h")]
        {
            assert_eq!(span(SignedDuration::from_secs(seconds)), expected);
        }
    }
}
