//! Findings and outcomes.

use common::action::Action;
use common::record::{Call, Finding, FindingStatus, Outcome, OutcomeStatus, Severity};
use jiff::Timestamp;
use serde_json::Value;

use super::{About, Counted, Due, Entry, FACT, Fact, Heading, Told, place, shape, title};
use crate::text::clean;

/// What is told of a finding.
pub(crate) fn finding(record: Finding) -> Told {
    let key = key_or(record.key, "finding", &record.id);
    let heading = match record.status {
        FindingStatus::Fail => Heading::Open,
        FindingStatus::Unknown => Heading::Unknown,
        FindingStatus::Excepted => Heading::Excepted,
        FindingStatus::Pass => return Told::Counted(Counted::Pass, key),
    };
    let fix = match (&record.action, heading) {
        (Some(action), Heading::Open) => named(action),
        (None, Heading::Open) => "by hand: there is no action for it".to_owned(),
        _ => String::new(),
    };
    let facts = [reason(record.reason.as_deref()), Fact::new("fix", &fix)];
    let title = title(&record.title, &record.check, &record.id);
    Told::Listed(Box::new(Entry {
        heading,
        severity: Some(record.severity),
        shape: shape(&title, &record.id),
        title,
        check: clean(&record.check, FACT),
        controls: clean(&record.controls.join(", "), FACT),
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
        OutcomeStatus::Already => return counted(record, Counted::Already),
        OutcomeStatus::Waiting => return counted(record, Counted::Waiting),
    };
    let did = match heading {
        Heading::Applied => "done",
        Heading::Planned => "planned",
        _ => "action",
    };
    // A failed or interrupted run may have made some of its calls: an undo is worth as much there.
    let acted = matches!(heading, Heading::Applied | Heading::Failed | Heading::Interrupted);
    let scheduled = heading == Heading::Scheduled;
    // What is scheduled says its time in a sentence; whoever was warned of a time is told of it elsewhere, too.
    let due = record.action_time.filter(|_| !acted && !scheduled).map(|time| Fact::time("due", time));
    let known = acted && !record.calls.is_empty() && record.at != Timestamp::default();
    let undo = match &record.undo {
        Some(task) if acted => named(&task.action),
        None if heading == Heading::Applied => "none: this cannot be put back".to_owned(),
        _ => String::new(),
    };
    let action = record.action.as_ref();
    let facts = [
        reason(record.reason.as_deref()),
        Fact::new(did, &action.map(named).unwrap_or_default()),
        due,
        known.then_some(Fact::time("at", record.at)),
        Fact::new("calls", &calls(&record.calls)),
        Fact::new("undo", &undo),
    ];
    let due = record.action_time.filter(|_| scheduled).map(|at| Due::new(&record, at));
    let what = action.and_then(Action::name).unwrap_or("task");
    let check = record.check.unwrap_or_default();
    let title = title(&record.title, if check.is_empty() { what } else { &check }, &record.id);
    Told::Listed(Box::new(Entry {
        heading,
        severity: record.severity,
        shape: shape(&title, &record.id),
        title,
        check: clean(&check, FACT),
        controls: String::new(),
        place: place(record.arn.as_ref(), &record.id, &record.r#type, &record.region),
        facts: facts.into_iter().flatten().collect(),
        keys: vec![key_or(record.key, "outcome", &record.id)],
        undo: acted && record.undo.is_some(),
        due,
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

/// What people were told of before, as the memory knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Before {
    /// What it was about. Its status becomes `resolved`.
    pub(crate) about: About,
    /// How bad it was.
    pub(crate) severity: Option<Severity>,
    /// Its title.
    pub(crate) title: String,
    /// Its [`Entry::place`].
    pub(crate) place: String,
    /// Its key.
    pub(crate) key: String,
    /// When it was told, the last time.
    pub(crate) told: Timestamp,
}

/// What is told of what was told before, and is no more.
pub(crate) fn resolved(before: Before) -> Entry {
    let Before { about, severity, title, place, key, told } = before;
    let title = super::title(&title, &about.check, &about.id);
    Entry {
        heading: Heading::Settled,
        severity,
        check: clean(&about.check, FACT),
        controls: String::new(),
        shape: shape(&title, &about.id),
        title,
        place: clean(&place, super::PLACE),
        facts: vec![Fact::time("was told", told)],
        keys: vec![key],
        undo: false,
        about: About { status: "resolved", ..about },
        due: None,
    }
}

fn counted(record: Outcome, counted: Counted) -> Told {
    Told::Counted(counted, key_or(record.key, "outcome", &record.id))
}

/// The record's key; one written by hand may have none.
pub(crate) fn key_or(key: String, kind: &str, id: &str) -> String {
    if key.is_empty() { format!("{kind}:{id}") } else { key }
}

fn reason(reason: Option<&str>) -> Option<Fact> {
    Fact::new("reason", reason.unwrap_or_default())
}

/// `iam_deactivate_key {"AccessKeyId":"AKIA..."}: Deactivate the access key.`
pub(super) fn named(action: &Action) -> String {
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
