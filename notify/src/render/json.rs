//! JSON for programs: what a webhook gets, a line of a file, the details of an incident. `docs/channels.md` describes it.
//!
//! Within a limit: what does not fit is counted under `omitted`, the least severe first.

use std::collections::BTreeMap;

use common::settings::Zone;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Error, Map, Value, json};

use crate::digest::{Digest, Group};
use crate::entry::{Alarm, Entry, FACT};
use crate::text::clean;

use super::room::{Kept, keep};

/// The most characters of a tag's name, and of its value: what AWS allows.
const TAG: (usize, usize) = (128, 256);
/// The most tags of a resource: what AWS allows.
const TAGS: usize = 50;
/// Room for what every object has: its subject, its counts.
const OBJECT: usize = 4_096;
/// Room for an account's own fields.
const ACCOUNT: usize = 1_024;
/// To how many characters the texts of an alert are cut that is too long, one after the other until it fits.
const CUTS: [usize; 3] = [1_024, 128, 16];

/// What a message says, as one object.
#[derive(Serialize)]
struct Object<'a> {
    kind: &'static str,
    subject: &'a str,
    at: Timestamp,
    counts: Counts,
    accounts: Vec<Account<'a>>,
    /// What is only counted, such as `passed`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    also: BTreeMap<&'static str, usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    omitted: Option<Counts>,
}

/// How many records, also by severity and by status.
#[derive(Debug, Default, Serialize)]
struct Counts {
    records: usize,
    severity: BTreeMap<&'static str, usize>,
    status: BTreeMap<&'static str, usize>,
}

#[derive(Serialize)]
struct Account<'a> {
    account: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    headline: String,
    entries: Vec<Box<RawValue>>,
}

impl Counts {
    fn of<'a>(entries: impl Iterator<Item = &'a Entry>) -> Self {
        let mut counts = Self::default();
        for entry in entries {
            counts.records += entry.keys.len();
            *counts.status.entry(entry.about.status).or_default() += entry.keys.len();
            if let Some(severity) = entry.severity {
                *counts.severity.entry(severity.name()).or_default() += entry.keys.len();
            }
        }
        counts
    }
}

/// An entry with all that is known of it. What stands empty is left out.
pub(crate) fn entry(entry: &Entry, zone: &Zone) -> Value {
    let about = &entry.about;
    let tag = |(name, value): (&String, &String)| (clean(name, TAG.0), clean(value, TAG.1));
    let tags: BTreeMap<String, String> = about.tags.iter().take(TAGS).map(tag).collect();
    let facts: Map<String, Value> =
        entry.facts.iter().map(|fact| (fact.label.to_owned(), fact.text(zone).into())).collect();
    let due = entry.due.as_ref();
    let due = due.map(|due| json!({"at": due.at, "action": due.action, "text": due.sentence(zone)}));
    let fields = [
        ("keys", json!(entry.keys)),
        ("kind", json!(about.kind)),
        ("status", json!(about.status)),
        ("heading", json!(entry.heading.title())),
        ("severity", json!(entry.severity)),
        ("check", json!(entry.check)),
        ("controls", json!(entry.controls)),
        ("title", json!(entry.title)),
        ("place", json!(entry.place)),
        ("account", json!(about.account)),
        ("regions", json!(about.regions)),
        ("types", json!(about.types)),
        ("id", json!(clean(&about.id, FACT))),
        ("tags", json!(tags)),
        ("due", due.unwrap_or_default()),
        ("facts", Value::Object(facts)),
    ];
    let fields = fields.into_iter().filter(|(_, value)| !is_empty(value));
    Value::Object(fields.map(|(name, value)| (name.to_owned(), value)).collect())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A digest in at most `max` bytes.
pub(crate) fn digest(digest: &Digest, subject: &str, at: Timestamp, max: usize) -> Result<String, Error> {
    let room = max.saturating_sub(OBJECT);
    let Kept { accounts, left } = keep(digest, room, ACCOUNT, |told| entry(told, &digest.zone).to_string());
    let accounts = accounts.into_iter().map(|(group, entries)| account(group, entries));
    let object = Object {
        kind: "message",
        subject,
        at,
        counts: Counts::of(digest.entries()),
        accounts: accounts.collect::<Result<_, _>>()?,
        also: digest.counted.counts().map(|(counted, count)| (counted.words(), count)).collect(),
        omitted: (!left.is_empty()).then(|| Counts::of(left.into_iter())),
    };
    serde_json::to_string(&object)
}

fn account(group: &Group, entries: Vec<String>) -> Result<Account<'_>, Error> {
    Ok(Account {
        account: group.account.as_str(),
        name: group.name.as_deref(),
        headline: group.headline(),
        entries: entries.into_iter().map(RawValue::from_string).collect::<Result<_, _>>()?,
    })
}

/// An alert's message in at most `max` bytes.
pub(crate) fn alert(alarm: &Alarm, at: Timestamp, max: usize) -> Result<String, Error> {
    let alert = bounded(alarm.record.clone(), max.saturating_sub(OBJECT));
    serde_json::to_string(&json!({"kind": "message", "subject": alarm.subject, "at": at, "alert": alert}))
}

/// A value in at most `max` bytes: as it is where it fits, and else with its texts cut, which `cut` says.
pub(crate) fn bounded(value: Value, max: usize) -> Value {
    if value.to_string().len() <= max {
        return value;
    }
    let cut = CUTS.into_iter().map(|chars| shortened(&value, chars));
    let fits = |value: &Value| value.to_string().len() + r#","cut":true"#.len() <= max;
    let mut cut = cut.into_iter().find(fits).unwrap_or_else(|| json!({}));
    if let Value::Object(fields) = &mut cut {
        fields.insert("cut".to_owned(), true.into());
    }
    cut
}

/// A value whose texts have no more than so many characters, and whose lists and objects no more than so many members.
fn shortened(value: &Value, max: usize) -> Value {
    match value {
        Value::String(text) => clean(text, max).into(),
        Value::Array(values) => values.iter().take(max).map(|value| shortened(value, max)).collect(),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| (clean(name, max.max(32)), shortened(value, max));
            Value::Object(fields.iter().take(max.max(32)).map(field).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use common::record::{Alert, Finding, Outcome, OutcomeStatus, Severity};
    use common::settings::Settings;
    use proptest::prelude::*;

    use super::*;
    use crate::group::Groups;
    use crate::samples;

    fn at() -> Timestamp {
        "2026-11-20T10:00:00Z".parse().unwrap()
    }

    fn of(groups: Groups, settings: &Settings, max: usize) -> (Value, usize) {
        let told = samples::digest(groups, settings);
        let text = digest(&told, "subject", at(), max).unwrap();
        (serde_json::from_str(&text).unwrap(), text.len())
    }

    #[test]
    fn the_shape_is_the_documented_one() {
        let mut groups = Groups::default();
        let tags = [("Owner".to_owned(), "web\n".to_owned())].into();
        groups.finding(Finding { tags, ..samples::finding("acme-logs", Severity::High) });
        let action_time = Some("2026-11-21T10:00:00Z".parse().unwrap());
        let scheduled = samples::outcome("acme-web", OutcomeStatus::Scheduled);
        groups.outcome(Outcome { action_time, severity: None, ..scheduled });
        groups.outcome(samples::outcome("acme-old", OutcomeStatus::Already));
        let settings = samples::settings("[accounts.\"111122223333\"]\nname = \"sandbox\"");
        let (object, _) = of(groups, &settings, 100_000);
        assert_eq!(
            object["counts"],
            json!({"records": 2, "severity": {"high": 1}, "status": {"fail": 1, "scheduled": 1}})
        );
        assert_eq!((&object["kind"], &object["subject"]), (&json!("message"), &json!("subject")));
        let account = &object["accounts"][0];
        assert_eq!((&account["account"], &account["name"]), (&json!("111122223333"), &json!("sandbox")));
        assert_eq!(object["also"], json!({"already in order": 1}));
        let entries = account["entries"].as_array().unwrap();
        let with = |status: &str| entries.iter().find(|entry| entry["status"] == status).unwrap();
        assert_eq!(
            with("fail"),
            &json!({
                "keys": ["s3_bucket_public_acl:arn:aws:s3:::acme-logs"], "kind": "finding", "status": "fail",
                "heading": "Open", "severity": "high", "check": "s3_bucket_public_acl",
                "controls": "FSBP S3.2", "title": "S3 bucket acme-logs is readable by anyone through its ACL",
                "place": "arn:aws:s3:::acme-logs (s3_bucket, eu-west-1)", "account": "111122223333",
                "regions": ["eu-west-1"], "types": ["s3_bucket"], "id": "acme-logs", "tags": {"Owner": "web"},
                "facts": {
                    "fix": "s3_make_acl_private: Take the grants to everyone out of the ACL; the others stay."
                }
            })
        );
        let due = &with("scheduled")["due"];
        assert_eq!((&due["at"], &due["action"]), (&json!("2026-11-21T10:00:00Z"), &json!("s3_make_acl_private")));
        assert!(due["text"].as_str().unwrap().contains("2026-11-21 10:00 UTC"), "{due}");
        assert_eq!(with("scheduled").get("severity"), None, "what is empty is left out");
        assert_eq!(object.get("omitted"), None);
    }

    #[test]
    fn ten_thousand_findings_are_cut_with_a_count() {
        let mut groups = Groups::default();
        for index in 0..10_000 {
            groups.finding(samples::finding(&format!("bucket-{index:05}"), Severity::ALL[index % 4]));
        }
        let (object, length) = of(groups, &Settings::default(), 100_000);
        assert!((90_000..=100_000).contains(&length), "{length}");
        let told = object["accounts"][0]["entries"].as_array().unwrap();
        assert!(told.iter().all(|entry| entry["severity"] == "critical"), "the worst first");
        assert_eq!(object["omitted"]["records"], 10_000 - told.len());
        assert_eq!(object["omitted"]["severity"]["low"], 2_500);
        assert_eq!(object["counts"]["records"], 10_000);
    }

    #[test]
    fn an_alert_stands_there_as_it_is_or_cut() {
        let short = samples::alert("open");
        let text = alert(&Alarm::new(&short), at(), 100_000).unwrap();
        let object: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(object["alert"], serde_json::to_value(&short).unwrap());
        let mut long: Alert = short;
        long.title = "日本\n".repeat(1 << 18);
        long.token.labels = (0..1000).map(|index| (index.to_string(), "x".repeat(300))).collect();
        for max in [100_000, 20_000, 5_000] {
            let text = alert(&Alarm::new(&long), at(), max).unwrap();
            let object: Value = serde_json::from_str(&text).unwrap();
            assert!(text.len() <= max, "{}", text.len());
            assert_eq!(object["alert"]["cut"], true);
        }
    }

    proptest! {
        #[test]
        fn whatever_strangers_write_it_is_one_line_of_json_within_the_limit(
            texts in proptest::collection::vec("\\PC{0,40}|.{0,400}|[\"\\\\\u{202e}\n\r\t\u{0}é日]{0,400}", 1..6),
            max in 6_000_usize..9_000,
        ) {
            let mut groups = Groups::default();
            for text in &texts {
                let tags = [(text.clone(), text.clone())].into();
                let found = samples::finding("b", Severity::High);
                groups.finding(Finding { title: text.clone(), id: text.clone(), key: text.clone(), tags, ..found });
            }
            let count = texts.len();
            let (object, length) = of(groups, &Settings::default(), max);
            prop_assert!(length <= max);
            let told = object["accounts"].as_array().unwrap().iter();
            let told: usize = told.map(|account| account["entries"].as_array().unwrap().len()).sum();
            let omitted = object["omitted"]["records"].as_u64().unwrap_or(0);
            prop_assert_eq!(told + usize::try_from(omitted).unwrap(), count);
        }
    }
}
