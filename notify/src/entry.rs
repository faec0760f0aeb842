//! What a message says of one finding or outcome: every text of it cleaned and cut, so that a title of a megabyte is
//! not carried along, and no sink has to think of control characters.

use std::collections::{BTreeMap, BTreeSet};

use common::action::Action;
use common::arn::Arn;
use common::id::{AccountId, Region};
use common::record::{Call, Finding, FindingStatus, Outcome, OutcomeStatus, Severity};
use jiff::Timestamp;
use serde_json::Value;

use crate::text::clean;

/// The most characters of a title.
const TITLE: usize = 500;
/// The most characters of a resource's name.
const PLACE: usize = 400;
/// The most characters of any other text.
pub(crate) const FACT: usize = 300;

/// Under what a message lists a record. The order is that of the message: first what somebody may have to act on, what
/// went wrong before what was only found, then what is in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Heading {
    /// An outcome `failed`.
    Failed,
    /// An outcome `interrupted`.
    Interrupted,
    /// An outcome `changed`.
    Changed,
    /// An outcome `refused`.
    Refused,
    /// An outcome `refused`, since there is no action.
    ByHand,
    /// A finding `fail`.
    Open,
    /// A failed scope.
    NotLooked,
    /// A finding `unknown`.
    Unknown,
    /// An outcome `scheduled`: whoever it concerns can still put it right.
    Scheduled,
    /// An outcome `applied`.
    Applied,
    /// An outcome `planned`.
    Planned,
    /// An outcome `resolved`.
    Resolved,
    /// A finding or outcome `excepted`.
    Excepted,
}

impl Heading {
    /// The words over the entries.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Failed => "Failed to fix",
            Self::Interrupted => "Interrupted",
            Self::Changed => "Changed meanwhile, left alone",
            Self::Refused => "Refused by a guard",
            Self::ByHand => "To be mended by hand",
            Self::Open => "Open",
            Self::NotLooked => "Not looked at: what is there is not known",
            Self::Unknown => "Unknown: what the check needs could not be read",
            Self::Scheduled => "Will be done, unless it is put right before",
            Self::Applied => "Done",
            Self::Planned => "Planned: nothing was changed",
            Self::Resolved => "Put right in time: nothing will be done",
            Self::Excepted => "Excepted",
        }
    }
}

/// What is told by its number alone: a nightly run would otherwise list the same hundreds every night.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Counted {
    /// A finding `pass`.
    Pass,
    /// An outcome `already`.
    Already,
    /// An outcome `waiting`.
    Waiting,
}

impl Counted {
    /// The words behind the number.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Pass => "passed",
            Self::Already => "already in order",
            Self::Waiting => "waiting for their time",
        }
    }
}

/// One entry of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Under what it stands.
    pub(crate) heading: Heading,
    /// How bad it is; a task has no severity.
    pub(crate) severity: Option<Severity>,
    /// The check's id, for the order; empty for a task.
    pub(crate) check: String,
    /// One sentence.
    pub(crate) title: String,
    /// The resource: its ARN (or id), type and region. Empty where the entry is about no single one.
    pub(crate) place: String,
    /// What else is to be said, in this order.
    pub(crate) facts: Vec<Fact>,
    /// The keys of the records that it tells of, as they stand there.
    pub(crate) keys: Vec<String>,
    /// Whether something was changed and can be put back.
    pub(crate) undo: bool,
    /// What the records are about, as they stand there: what routes go by.
    pub(crate) about: About,
    /// What will be done, and when, unless it is put right before.
    pub(crate) due: Option<Due>,
}

/// What a record is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct About {
    /// The record's kind.
    pub(crate) kind: &'static str,
    /// Its status, as it stands there.
    pub(crate) status: &'static str,
    /// The account.
    pub(crate) account: AccountId,
    /// The regions: one, save for scopes that are told of together.
    pub(crate) regions: BTreeSet<String>,
    /// The resource types, likewise.
    pub(crate) types: BTreeSet<String>,
    /// The check's id; empty for a task or a scope.
    pub(crate) check: String,
    /// What the service calls the resource; empty for a scope.
    pub(crate) id: String,
    /// The resource's tags.
    pub(crate) tags: BTreeMap<String, String>,
}

/// What will be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    /// When.
    pub(crate) at: Timestamp,
    /// What: the action's name.
    pub(crate) action: String,
}

/// A labelled line of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fact {
    /// What the text is.
    pub(crate) label: &'static str,
    /// The text.
    pub(crate) text: String,
}

impl Fact {
    /// A fact, where there is anything to say.
    pub(crate) fn new(label: &'static str, text: &str) -> Option<Self> {
        let text = clean(text, FACT);
        (!text.is_empty()).then_some(Self { label, text })
    }
}

/// What becomes of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// It is listed.
    Listed(Box<Entry>),
    /// It is counted: as what, and its key.
    Counted(Counted, String),
}

/// What is told of a finding.
pub(crate) fn finding(record: Finding) -> Told {
    let key = key_or(record.key, "finding", &record.id);
    let heading = match record.status {
        FindingStatus::Fail => Heading::Open,
        FindingStatus::Unknown => Heading::Unknown,
        FindingStatus::Excepted => Heading::Excepted,
        FindingStatus::Pass => return Told::Counted(Counted::Pass, key),
    };
    let check = match record.controls.as_slice() {
        [] => record.check.clone(),
        controls => format!("{} ({})", record.check, controls.join(", ")),
    };
    let fix = match (&record.action, heading) {
        (Some(action), Heading::Open) => named(action),
        (None, Heading::Open) => "by hand: there is no action for it".to_owned(),
        _ => String::new(),
    };
    let facts = [Fact::new("check", &check), reason(record.reason.as_deref()), Fact::new("fix", &fix)];
    Told::Listed(Box::new(Entry {
        heading,
        severity: Some(record.severity),
        title: title(&record.title, &record.check, &record.id),
        check: clean(&record.check, FACT),
        place: place(Some(&record.arn), &record.id, &record.r#type, &record.region),
        facts: facts.into_iter().flatten().collect(),
        keys: vec![key],
        undo: false,
        about: About {
            kind: "finding",
            status: record.status.name(),
            account: record.account,
            regions: [record.region.to_string()].into(),
            types: [record.r#type].into(),
            check: record.check,
            id: record.id,
            tags: record.tags,
        },
        due: None,
    }))
}

/// What is told of an outcome.
pub(crate) fn outcome(record: Outcome) -> Told {
    let key = key_or(record.key, "outcome", &record.id);
    let heading = match record.status {
        OutcomeStatus::Planned => Heading::Planned,
        OutcomeStatus::Scheduled => Heading::Scheduled,
        OutcomeStatus::Applied => Heading::Applied,
        OutcomeStatus::Resolved => Heading::Resolved,
        OutcomeStatus::Changed => Heading::Changed,
        OutcomeStatus::Excepted => Heading::Excepted,
        OutcomeStatus::Refused if record.action.is_none() => Heading::ByHand,
        OutcomeStatus::Refused => Heading::Refused,
        OutcomeStatus::Failed => Heading::Failed,
        OutcomeStatus::Interrupted => Heading::Interrupted,
        OutcomeStatus::Already => return Told::Counted(Counted::Already, key),
        OutcomeStatus::Waiting => return Told::Counted(Counted::Waiting, key),
    };
    let did = match heading {
        Heading::Applied => "done",
        Heading::Planned => "planned",
        _ => "action",
    };
    // A failed or interrupted run may have made some of its calls: an undo is worth as much there.
    let acted = matches!(heading, Heading::Applied | Heading::Failed | Heading::Interrupted);
    // Whoever was warned of a time is told of the time; a mail may lie about until the morning.
    let due = record.action_time.filter(|_| !acted).map(|time| time.to_string()).unwrap_or_default();
    let known = acted && !record.calls.is_empty() && record.at != Timestamp::default();
    let at = if known { second(record.at).to_string() } else { String::new() };
    let undo = match &record.undo {
        Some(task) if acted => named(&task.action),
        None if heading == Heading::Applied => "none: this cannot be put back".to_owned(),
        _ => String::new(),
    };
    let check = record.check.unwrap_or_default();
    let action = record.action.as_ref();
    let facts = [
        Fact::new("check", &check),
        reason(record.reason.as_deref()),
        Fact::new(did, &action.map(named).unwrap_or_default()),
        Fact::new("due", &due),
        Fact::new("at", &at),
        Fact::new("calls", &calls(&record.calls)),
        Fact::new("undo", &undo),
    ];
    let what = action.and_then(Action::name).unwrap_or("task");
    Told::Listed(Box::new(Entry {
        heading,
        severity: record.severity,
        title: title(&record.title, if check.is_empty() { what } else { &check }, &record.id),
        check: clean(&check, FACT),
        place: place(record.arn.as_ref(), &record.id, &record.r#type, &record.region),
        facts: facts.into_iter().flatten().collect(),
        keys: vec![key],
        undo: acted && record.undo.is_some(),
        due: record.action_time.filter(|_| heading == Heading::Scheduled).map(|at| Due { at, action: what.to_owned() }),
        about: About {
            kind: "outcome",
            status: record.status.name(),
            account: record.account,
            regions: [record.region.to_string()].into(),
            types: [record.r#type].into(),
            check,
            id: record.id,
            tags: record.tags,
        },
    }))
}

/// The record's key; one written by hand may have none.
fn key_or(key: String, kind: &str, id: &str) -> String {
    if key.is_empty() { format!("{kind}:{id}") } else { key }
}

fn title(title: &str, what: &str, id: &str) -> String {
    let title = clean(title, TITLE);
    if title.is_empty() { clean(&format!("{what}: {id}"), TITLE) } else { title }
}

fn reason(reason: Option<&str>) -> Option<Fact> {
    Fact::new("reason", reason.unwrap_or_default())
}

fn place(arn: Option<&Arn>, id: &str, kind: &str, region: &Region) -> String {
    let name = arn.map_or_else(|| id.to_owned(), ToString::to_string);
    let suffix = format!(" ({}, {region})", clean(kind, 40));
    let room = PLACE.saturating_sub(suffix.chars().count());
    clean(&name, room) + &suffix
}

/// A time to the second, which is enough for people.
fn second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// `iam_deactivate_key {"AccessKeyId":"AKIA..."}: Deactivate the access key.`
fn named(action: &Action) -> String {
    let parameters = match serde_json::to_value(action) {
        Ok(Value::Object(mut fields)) => {
            fields.shift_remove("name");
            if fields.is_empty() { String::new() } else { Value::Object(fields).to_string() }
        }
        _ => String::new(),
    };
    let name = action.name().unwrap_or("not understood");
    // What it does stands before the parameters in importance: a policy among them would push it out.
    let space = if parameters.is_empty() { "" } else { " " };
    format!("{name}{space}{}: {}", clean(&parameters, 140), action.describe())
}

/// The calls' names; of one that failed, what AWS said, and no more of the others.
fn calls(calls: &[Call]) -> String {
    let failed = calls.iter().find_map(|call| call.result.as_ref().filter(|result| !result.ok).map(|it| (call, it)));
    let Some((call, result)) = failed else {
        let mut names: Vec<&str> = calls.iter().map(|call| call.operation.as_str()).collect();
        names.dedup();
        return names.join(", ");
    };
    let error = result.error.as_deref().unwrap_or("failed");
    let request = result.request_id.as_deref().map(|id| format!(" (request {id})")).unwrap_or_default();
    format!("{}: {}{request}", call.operation, clean(error, 200))
}

#[cfg(test)]
mod tests {
    use common::record::Task;
    use serde_json::json;

    use super::*;
    use crate::samples;

    fn listed(told: Told) -> Entry {
        match told {
            Told::Listed(entry) => *entry,
            Told::Counted(..) => panic!("it is only counted"),
        }
    }

    fn fact<'a>(entry: &'a Entry, label: &str) -> Option<&'a str> {
        entry.facts.iter().find(|fact| fact.label == label).map(|fact| fact.text.as_str())
    }

    #[test]
    fn every_finding_status_has_its_place() {
        let rows = [
            (FindingStatus::Fail, Some(Heading::Open)),
            (FindingStatus::Unknown, Some(Heading::Unknown)),
            (FindingStatus::Excepted, Some(Heading::Excepted)),
            (FindingStatus::Pass, None),
        ];
        for (status, expected) in rows {
            let told = finding(Finding { status, ..samples::finding("acme-logs", Severity::High) });
            match (told, expected) {
                (Told::Listed(entry), Some(heading)) => assert_eq!(entry.heading, heading),
                (Told::Counted(Counted::Pass, key), None) => assert!(key.contains("acme-logs")),
                (told, _) => panic!("{status:?}: {told:?}"),
            }
        }
    }

    #[test]
    fn a_finding_says_what_is_wrong_where_and_what_would_mend_it() {
        let entry = listed(finding(samples::finding("acme-logs", Severity::High)));
        assert_eq!(entry.title, "S3 bucket acme-logs is readable by anyone through its ACL");
        assert_eq!(entry.place, "arn:aws:s3:::acme-logs (s3_bucket, eu-west-1)");
        assert_eq!(fact(&entry, "check"), Some("s3_bucket_public_acl (FSBP S3.2)"));
        assert_eq!(
            fact(&entry, "fix"),
            Some("s3_make_acl_private: Take the grants to everyone out of the ACL; the others stay.")
        );
        let by_hand = Finding { action: None, ..samples::finding("acme-logs", Severity::High) };
        assert!(fact(&listed(finding(by_hand)), "fix").unwrap().starts_with("by hand"));
    }

    #[test]
    fn an_outcome_says_what_was_done_why_not_and_what_undoes_it() {
        let applied = samples::outcome("acme-logs", OutcomeStatus::Applied);
        let task: Task = serde_json::from_value(json!({
            "account": "111122223333", "region": "eu-west-1", "type": "s3_bucket", "id": "acme-logs",
            "action": {"name": "iam_activate_key", "AccessKeyId": "AKIAEXAMPLE"}
        }))
        .unwrap();
        let entry = listed(outcome(Outcome { undo: Some(task.clone()), ..applied.clone() }));
        assert!(entry.undo);
        assert_eq!(
            fact(&entry, "undo"),
            Some(r#"iam_activate_key {"AccessKeyId":"AKIAEXAMPLE"}: Activate the access key."#)
        );
        assert!(fact(&entry, "done").unwrap().starts_with("s3_make_acl_private"));
        assert_eq!(fact(&entry, "at"), Some("2026-11-20T10:00:00Z"));
        let action_time = Some("2026-11-20T09:00:00Z".parse().unwrap());
        let warned = Outcome { action_time, ..samples::outcome("acme-logs", OutcomeStatus::Scheduled) };
        let warned = listed(outcome(warned));
        assert_eq!((fact(&warned, "due"), fact(&warned, "at")), (Some("2026-11-20T09:00:00Z"), None));
        let done = listed(outcome(Outcome { action_time, ..samples::outcome("acme-logs", OutcomeStatus::Applied) }));
        assert_eq!((fact(&done, "due"), fact(&done, "at")), (None, Some("2026-11-20T10:00:00Z")));
        assert_eq!(fact(&entry, "calls"), Some("s3:PutBucketAcl"));
        assert!(fact(&listed(outcome(applied)), "undo").unwrap().starts_with("none"));

        // A plan's undo is of no use yet.
        let planned = Outcome { undo: Some(task), ..samples::outcome("acme-logs", OutcomeStatus::Planned) };
        let entry = listed(outcome(planned));
        assert_eq!((entry.undo, fact(&entry, "undo")), (false, None));

        let failed: Outcome = serde_json::from_value(json!({
            "key": "", "status": "failed", "account": "111122223333", "region": "global", "type": "iam_user",
            "id": "jane", "reason": "AWS said no",
            "calls": [{"operation": "iam:GetUser", "ok": true},
                {"operation": "iam:UpdateAccessKey", "ok": false, "error": "AccessDenied: no", "request_id": "r-1"}]
        }))
        .unwrap();
        let entry = listed(outcome(failed));
        assert_eq!(entry.title, "task: jane");
        assert_eq!(entry.place, "jane (iam_user, global)");
        assert_eq!(entry.keys, ["outcome:jane"]);
        assert_eq!(fact(&entry, "calls"), Some("iam:UpdateAccessKey: AccessDenied: no (request r-1)"));
        assert_eq!(fact(&entry, "reason"), Some("AWS said no"));
    }

    #[test]
    fn what_is_only_counted_is_counted() {
        for (status, expected) in
            [(OutcomeStatus::Already, Counted::Already), (OutcomeStatus::Waiting, Counted::Waiting)]
        {
            assert!(matches!(outcome(samples::outcome("x", status)), Told::Counted(counted, _) if counted == expected));
        }
    }

    #[test]
    fn a_megabyte_is_not_carried_along() {
        let long = "x".repeat(1 << 20);
        let entry = listed(finding(Finding { title: long.clone(), ..samples::finding("b", Severity::Low) }));
        assert_eq!(entry.title.chars().count(), TITLE);
        let action = Action::Unknown { value: json!(long), why: long.clone() };
        let entry = listed(finding(Finding { action: Some(action), ..samples::finding(&long, Severity::Low) }));
        assert!(entry.place.chars().count() <= PLACE && entry.place.ends_with("(s3_bucket, eu-west-1)"));
        assert!(entry.facts.iter().all(|fact| fact.text.chars().count() <= FACT));
    }
}
