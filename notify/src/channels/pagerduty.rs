//! PagerDuty, by the Events API v2: an incident is triggered for what is wrong, and resolved when it no longer is.
//!
//! One event per entry, and one key (`dedup_key`) per problem, which stays the same from run to run: PagerDuty adds what
//! comes with the key of an open incident to that, and so nothing opens twice. A `resolve` of what is not open is taken and
//! does nothing. <https://developer.pagerduty.com/docs/send-alert-event>
//!
//! The routing key is a secret: whoever has it can page people. It is put into the body as that is sent, and stands in no
//! message, record or error.

use std::cmp::Reverse;
use std::time::Duration;

use common::record::Severity;
use common::settings::Zone;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Error, Map, Value};

use crate::digest::{Digest, Group};
use crate::entry::{Alarm, Entry, Heading};
use crate::render::json;
use crate::text::clean;

use super::fingerprint::fingerprint;
use super::http::{Poster, Webhook, WebhookError};
use super::secret::Secret;
use super::{Message, SendError};

/// Where events go. <https://support.pagerduty.com/main/docs/service-regions>
const US: &str = "https://events.pagerduty.com/v2/enqueue";
const EU: &str = "https://events.eu.pagerduty.com/v2/enqueue";
/// 120 events a minute and integration, by experience: PagerDuty says no number.
/// <https://developer.pagerduty.com/docs/events-api-v2-overview#response-codes--retry-logic>
const SPACING: Duration = Duration::from_millis(500);
/// The most characters of a summary.
const SUMMARY: usize = 1_024;
/// The most characters of a `dedup_key`.
const KEY: usize = 255;
/// The most bytes of an event's details: an event has 512 KB.
const DETAILS: usize = 256 * 1_024;
/// The most characters of the fields that say what and where.
const FIELD: usize = 512;
/// The most characters of PagerDuty's own words.
const WORDS: usize = 300;

/// A service of PagerDuty's, by one of its integrations.
#[derive(Debug)]
pub(crate) struct Pagerduty {
    poster: Poster,
    key: Secret,
    pub(crate) spacing: Duration,
}

/// What is posted, without the routing key.
#[derive(Serialize)]
struct Event<'a> {
    event_action: &'static str,
    dedup_key: String,
    payload: Payload<'a>,
    client: &'static str,
}

#[derive(Serialize)]
struct Payload<'a> {
    summary: String,
    source: String,
    severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Timestamp>,
    #[serde(skip_serializing_if = "String::is_empty")]
    component: String,
    group: String,
    class: &'a str,
    custom_details: Value,
}

/// What PagerDuty answers.
#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    message: String,
    #[serde(default)]
    errors: Vec<String>,
    dedup_key: Option<String>,
}

impl Pagerduty {
    /// A channel for an integration's routing key; `eu` says in which of PagerDuty's regions the account is.
    pub(crate) fn new(key: Secret, eu: bool) -> Result<Self, WebhookError> {
        let url = if eu { EU } else { US };
        Self::at(Webhook::parse(url, "the address of PagerDuty")?, key)
    }

    /// The same at another address.
    pub(crate) fn at(url: Webhook, key: Secret) -> Result<Self, WebhookError> {
        Ok(Self { poster: Poster::new(url)?, key, spacing: SPACING })
    }

    pub(super) fn target(&self) -> &str {
        self.poster.host()
    }

    pub(super) async fn send(&self, message: &Message) -> Result<Option<String>, SendError> {
        let refused = |error: Error| SendError::Refused(format!("cannot write the event: {error}"));
        let mut event: Map<String, Value> = serde_json::from_str(&message.body).map_err(refused)?;
        event.insert("routing_key".to_owned(), self.key.expose().into());
        let answer = self.poster.post(Value::Object(event).to_string()).await?;
        let said: Option<Said> = serde_json::from_str(&answer.body).ok();
        let words = said.as_ref().map(|said| self.words(said));
        answer.fate(words.as_deref())?;
        Ok(said.and_then(|said| said.dedup_key).map(|key| clean(&key, KEY)))
    }

    /// PagerDuty's own words for what is wrong: `Event object is invalid: Length of 'routing_key' is incorrect`. Were the
    /// key among them, they would not be repeated.
    fn words(&self, said: &Said) -> String {
        let words = std::iter::once(said.message.as_str()).chain(said.errors.iter().map(String::as_str));
        let words = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(": ");
        if words.contains(self.key.expose()) { String::new() } else { clean(&words, WORDS) }
    }
}

/// The events that tell a digest: what is wrong, the worst first, and then what no longer is. Where the same was found and
/// put right in one run, the second is the later.
pub(super) fn messages(digest: &Digest) -> Result<Vec<Message>, Error> {
    let entries = digest.groups.iter().flat_map(|group| group.entries.iter().map(move |entry| (group, entry.as_ref())));
    let mut entries: Vec<(&Group, &Entry)> = entries.collect();
    entries.sort_by_key(|(_, entry)| (is_over(entry.heading), Reverse(entry.weight())));
    entries.into_iter().map(|(group, entry)| of_entry(group, entry, &digest.zone)).collect()
}

/// Whether nobody has to act (any more).
const fn is_over(heading: Heading) -> bool {
    match heading {
        Heading::Applied | Heading::Resolved | Heading::Settled | Heading::Closed | Heading::Excepted => true,
        Heading::Alert
        | Heading::Failed
        | Heading::Interrupted
        | Heading::Changed
        | Heading::Refused
        | Heading::ByHand
        | Heading::Open
        | Heading::NotLooked
        | Heading::Unknown
        | Heading::Scheduled
        | Heading::Planned => false,
    }
}

fn of_entry(group: &Group, entry: &Entry, zone: &Zone) -> Result<Message, Error> {
    let heading = entry.heading.title();
    let account = group.name.clone().unwrap_or_else(|| group.account.to_string());
    let summary = format!("{account}: {heading}: {}", entry.title);
    // The resource's name without its type and region; a scope has none.
    let place = entry.place.rsplit_once(" (").map_or(entry.place.as_str(), |(name, _)| name);
    let source = if place.is_empty() { group.account.as_str() } else { place };
    let class = if entry.check.is_empty() { heading } else { &entry.check };
    let event = Event {
        event_action: action(is_over(entry.heading)),
        dedup_key: dedup_key(&joined(&entry.keys)),
        payload: Payload {
            summary: clean(&summary, SUMMARY),
            source: clean(source, FIELD),
            severity: severity(entry.severity),
            timestamp: None,
            component: clean(&entry.about.types.iter().cloned().collect::<Vec<_>>().join(", "), FIELD),
            group: account,
            class,
            custom_details: json::bounded(json::entry(entry, zone), DETAILS),
        },
        client: "sluice",
    };
    message(&event, summary_of(&event), entry)
}

/// The event that tells an alert. All alerts of an incident have one key.
pub(super) fn alert(alarm: &Alarm) -> Result<Message, Error> {
    let entry = &alarm.entry;
    let about = &entry.about;
    let place = entry.place.rsplit_once(" (").map_or(entry.place.as_str(), |(name, _)| name);
    let event = Event {
        event_action: action(alarm.closed),
        dedup_key: dedup_key(&alarm.incident),
        payload: Payload {
            summary: clean(&alarm.subject, SUMMARY),
            source: clean(place, FIELD),
            severity: severity(entry.severity),
            timestamp: Some(alarm.at).filter(|at| *at != Timestamp::default()),
            component: clean(&about.types.iter().cloned().collect::<Vec<_>>().join(", "), FIELD),
            group: about.account.to_string(),
            class: "honeytoken",
            custom_details: json::bounded(alarm.record.clone(), DETAILS),
        },
        client: "sluice",
    };
    message(&event, summary_of(&event), entry)
}

fn summary_of(event: &Event<'_>) -> String {
    format!("{}: {}", event.event_action, event.payload.summary)
}

fn message(event: &Event<'_>, subject: String, entry: &Entry) -> Result<Message, Error> {
    let body = serde_json::to_string(event)?;
    let plain = Some(format!("{subject}\n{}\n", event.payload.source));
    Ok(Message { subject, body, plain, keys: entry.keys.clone(), about: entry.about.account.to_string() })
}

const fn action(over: bool) -> &'static str {
    if over { "resolve" } else { "trigger" }
}

/// A task has no severity, nor has what was not looked at: an error until somebody knows better.
const fn severity(severity: Option<Severity>) -> &'static str {
    match severity {
        Some(Severity::Critical) => "critical",
        Some(Severity::High) | None => "error",
        Some(Severity::Medium) => "warning",
        Some(Severity::Low) => "info",
    }
}

/// The keys of an entry as one text: mostly there is one.
fn joined(keys: &[String]) -> String {
    keys.join("\n")
}

/// A key as PagerDuty takes it: one line of at most [`KEY`] characters. What had to be changed for that gets a hash of the
/// whole, so that two long keys that begin alike are two.
fn dedup_key(key: &str) -> String {
    let one_line = clean(key, KEY);
    if one_line == key && !key.is_empty() {
        return one_line;
    }
    let hash = fingerprint(key);
    let room = KEY - hash.len() - 1;
    let start: String = one_line.trim_end_matches('…').chars().take(room).collect();
    format!("{start}#{hash}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use common::record::{Finding, FindingStatus, OutcomeStatus};
    use proptest::prelude::*;

    use super::*;
    use crate::group::Groups;
    use crate::samples;

    fn events(groups: Groups) -> Vec<Value> {
        let digest = samples::digest(groups, &common::settings::Settings::default());
        let messages = messages(&digest).unwrap();
        messages.iter().map(|message| serde_json::from_str(&message.body).unwrap()).collect()
    }

    #[test]
    fn what_is_wrong_is_triggered_and_what_no_longer_is_resolved() {
        let trigger = |status| samples::outcome("b", status);
        let rows = [
            (OutcomeStatus::Failed, "trigger"),
            (OutcomeStatus::Interrupted, "trigger"),
            (OutcomeStatus::Refused, "trigger"),
            (OutcomeStatus::Changed, "trigger"),
            (OutcomeStatus::Scheduled, "trigger"),
            (OutcomeStatus::Planned, "trigger"),
            (OutcomeStatus::Applied, "resolve"),
            (OutcomeStatus::Resolved, "resolve"),
            (OutcomeStatus::Excepted, "resolve"),
        ];
        for (status, expected) in rows {
            let mut groups = Groups::default();
            groups.outcome(trigger(status));
            let events = events(groups);
            assert_eq!((events.len(), &events[0]["event_action"]), (1, &expected.into()), "{status:?}");
            assert_eq!(events[0]["dedup_key"], "s3_bucket_public_acl:arn:aws:s3:::b");
        }
        for (status, expected) in [
            (FindingStatus::Fail, "trigger"),
            (FindingStatus::Unknown, "trigger"),
            (FindingStatus::Excepted, "resolve"),
        ] {
            let mut groups = Groups::default();
            groups.finding(Finding { status, ..samples::finding("b", Severity::High) });
            assert_eq!(events(groups)[0]["event_action"], expected);
        }
    }

    #[test]
    fn an_event_says_what_where_and_how_bad() {
        let severities = ["info", "warning", "error", "critical"];
        for (severity, expected) in Severity::ALL.into_iter().zip(severities) {
            let mut groups = Groups::default();
            groups.finding(samples::finding("acme-logs", severity));
            let event = &events(groups)[0];
            let payload = &event["payload"];
            assert_eq!(payload["severity"], expected);
            assert_eq!(payload["source"], "arn:aws:s3:::acme-logs");
            assert_eq!(payload["component"], "s3_bucket");
            assert_eq!(payload["group"], "111122223333");
            assert_eq!(payload["class"], "s3_bucket_public_acl");
            assert_eq!(
                payload["summary"],
                "111122223333: Open: S3 bucket acme-logs is readable by anyone through its ACL"
            );
            assert_eq!(payload["custom_details"]["keys"][0], "s3_bucket_public_acl:arn:aws:s3:::acme-logs");
            assert_eq!((&event["client"], event.get("routing_key")), (&"sluice".into(), None));
        }
    }

    #[test]
    fn the_worst_comes_first_and_what_is_over_last() {
        let mut groups = Groups::default();
        groups.outcome(samples::outcome("done", OutcomeStatus::Applied));
        groups.finding(samples::finding("low", Severity::Low));
        groups.finding(samples::finding("critical", Severity::Critical));
        let keys: Vec<String> = events(groups).iter().map(|event| event["dedup_key"].to_string()).collect();
        let order: Vec<&str> = keys.iter().map(|key| key.rsplit(':').next().unwrap().trim_matches('"')).collect();
        assert_eq!(order, ["critical", "low", "done"]);
    }

    #[test]
    fn an_incident_is_opened_and_closed_under_one_key() {
        let mut record = samples::alert("open");
        record.incident = "x".repeat(300);
        let mut keys = Vec::new();
        for (status, expected) in [("open", "trigger"), ("closed", "resolve")] {
            let alarm =
                Alarm::new(&common::record::Alert { incident: record.incident.clone(), ..samples::alert(status) });
            let message = alert(&alarm).unwrap();
            let event: Value = serde_json::from_str(&message.body).unwrap();
            assert_eq!(event["event_action"], expected);
            assert_eq!(event["payload"]["severity"], "critical");
            assert_eq!(event["payload"]["timestamp"], "2026-11-20T09:58:12Z");
            assert_eq!(event["payload"]["source"], "arn:aws:iam::111122223333:user/svc-billing-export");
            assert_eq!(event["payload"]["custom_details"]["event"]["user_agent"], "aws-cli/2.17 <!channel>");
            assert_eq!(message.keys, ["honeytoken:9f2c:used"]);
            keys.push(event["dedup_key"].as_str().unwrap().to_owned());
        }
        assert_eq!(keys[0], keys[1]);
        assert!(keys[0].chars().count() <= KEY, "{}", keys[0]);
    }

    #[test]
    fn long_keys_that_begin_alike_are_two() {
        let one = format!("{}1", "x".repeat(400));
        let other = format!("{}2", "x".repeat(400));
        assert_ne!(dedup_key(&one), dedup_key(&other));
        assert_eq!(dedup_key(&one), dedup_key(&one));
        assert_ne!(dedup_key("a\nb"), dedup_key("a b"));
        let kept = "x".repeat(KEY);
        assert_eq!(dedup_key(&kept), kept);
    }

    #[test]
    fn the_key_is_not_repeated_whatever_the_answer_says() {
        let key = Secret::parse(super::super::secret::SecretKind::RoutingKey, "SeCrEt", "it").unwrap();
        let pagerduty = Pagerduty::new(key, true).unwrap();
        assert!(!format!("{pagerduty:?}").contains("SeCrEt"));
        assert_eq!(pagerduty.target(), "events.eu.pagerduty.com");
        for (message, expected) in [("Event object is invalid", "Event object is invalid: why"), ("no SeCrEt", "")] {
            let said = Said { message: message.to_owned(), errors: vec!["why".to_owned()], dedup_key: None };
            assert_eq!(pagerduty.words(&said), expected);
        }
    }

    proptest! {
        #[test]
        fn whatever_strangers_write_stays_within_the_limits(
            text in "\\PC{0,400}|.{0,2000}|[\"\\\\\u{202e}\n\r\u{0}é日]{0,2000}",
        ) {
            let mut groups = Groups::default();
            let tags: BTreeMap<String, String> = (0..60).map(|index| (format!("{text}{index}"), text.clone())).collect();
            let found = samples::finding("b", Severity::High);
            let (title, id, key) = (text.clone(), text.clone(), text.clone());
            groups.finding(Finding { title, id, key, tags, check: text.clone(), ..found });
            let digest = samples::digest(groups, &common::settings::Settings::default());
            for message in messages(&digest).unwrap() {
                let event: Value = serde_json::from_str(&message.body).unwrap();
                let length = |value: &Value| value.as_str().unwrap().chars().count();
                prop_assert!(message.body.len() < 512_000);
                prop_assert!((1..=KEY).contains(&length(&event["dedup_key"])));
                let payload = &event["payload"];
                prop_assert!((1..=SUMMARY).contains(&length(&payload["summary"])));
                prop_assert!((1..=FIELD).contains(&length(&payload["source"])));
                let summary = payload["summary"].as_str().unwrap();
                prop_assert!(!summary.contains(char::is_control));
            }
        }
    }
}
