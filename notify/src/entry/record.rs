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
            incident: String::new(),
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
            incident: String::new(),
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

#[cfg(test)]
mod tests {
    use common::record::Task;
    use common::settings::Zone;
    use serde_json::json;

    use super::super::{PLACE, TITLE};
    use super::*;
    use crate::samples;

    fn listed(told: Told) -> Entry {
        match told {
            Told::Listed(entry) => *entry,
            Told::Counted(..) => panic!("it is only counted"),
        }
    }

    fn fact(entry: &Entry, label: &str) -> Option<String> {
        let fact = entry.facts.iter().find(|fact| fact.label == label);
        fact.map(|fact| fact.text(&Zone::default()).into_owned())
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
        assert_eq!((entry.check.as_str(), entry.controls.as_str()), ("s3_bucket_public_acl", "FSBP S3.2"));
        assert_eq!(
            fact(&entry, "fix").as_deref(),
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
            fact(&entry, "undo").as_deref(),
            Some(r#"iam_activate_key {"AccessKeyId":"AKIAEXAMPLE"}: Activate the access key."#)
        );
        assert!(fact(&entry, "done").unwrap().starts_with("s3_make_acl_private"));
        assert_eq!(fact(&entry, "at").as_deref(), Some("2026-11-20 10:00:00 UTC"));
        let action_time = Some("2026-11-20T09:00:00Z".parse().unwrap());
        let timed = |status| listed(outcome(Outcome { action_time, ..samples::outcome("acme-logs", status) }));
        let warned = timed(OutcomeStatus::Scheduled);
        let sentence = "acme-logs will be made private on Friday 2026-11-20 09:00 UTC unless it is put right before";
        assert_eq!(warned.due.as_ref().unwrap().sentence(&Zone::default()), sentence);
        assert_eq!((fact(&warned, "due"), fact(&warned, "at")), (None, None), "the sentence says it");
        // A mail about it may lie about until the morning.
        let resolved = timed(OutcomeStatus::Resolved);
        assert_eq!(
            (resolved.due.is_none(), fact(&resolved, "due").as_deref()),
            (true, Some("2026-11-20 09:00:00 UTC"))
        );
        let done = timed(OutcomeStatus::Applied);
        assert_eq!((fact(&done, "due"), fact(&done, "at").as_deref()), (None, Some("2026-11-20 10:00:00 UTC")));
        assert_eq!(fact(&entry, "calls").as_deref(), Some("s3:PutBucketAcl"));
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
        assert_eq!(fact(&entry, "calls").as_deref(), Some("iam:UpdateAccessKey: AccessDenied: no (request r-1)"));
        assert_eq!(fact(&entry, "reason").as_deref(), Some("AWS said no"));
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
        assert!(entry.facts.iter().all(|fact| fact.text(&Zone::default()).chars().count() <= FACT));
    }

    #[test]
    fn what_is_resolved_says_when_it_was_told() {
        let open = listed(finding(samples::finding("acme-logs", Severity::High)));
        let told = "2026-11-13T04:00:00Z".parse().unwrap();
        let Entry { about, severity, title, place, keys, .. } = open.clone();
        let entry = resolved(Before { about, severity, title, place, key: keys[0].clone(), told });
        assert_eq!((entry.heading, entry.about.status, entry.heading.is_fine()), (Heading::Settled, "resolved", true));
        assert_eq!(fact(&entry, "was told").as_deref(), Some("2026-11-13 04:00:00 UTC"));
        assert_eq!((&entry.shape, &entry.place, &entry.keys), (&open.shape, &open.place, &open.keys));
    }
}
