//! What can be told without AWS: the registry's files, the watch, the drills, names and accounts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use common::record::{Finding, Severity, Token};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::report::{
    ACCOUNT_KNOWN, DRILL_FAILED, NAME_KNOWN, NAMES_ALIKE, NEVER_DRILLED, NO_SOURCE, REGISTRY_OPEN, Rated, Subject,
    WATCH_STALE,
};
use crate::commands::Sources;
use crate::names::{known_decoy_account, lint};
use crate::watch::sources::is_named;

/// A watch looks every minute, unless it was told otherwise.
const STALE: SignedDuration = SignedDuration::from_hours(1);
/// After that time nobody may want a source any more.
const ABANDONED: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Fewer names than these have no shape.
const FEW: usize = 20;

/// Whether others may read or change the registry, or put another in its place.
pub(super) fn registry_files(path: &Path, subject: &Subject) -> Vec<Finding> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| std::fs::metadata(path).ok().map(|data| data.permissions().mode() & 0o7777);
        let beside = |end: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(end);
            name.into()
        };
        let files: [std::path::PathBuf; 3] = [path.to_owned(), beside("-wal"), beside("-shm")];
        let open = files.iter().filter_map(|file| Some((file, mode(file).filter(|mode| mode & 0o077 != 0)?)));
        let mut findings: Vec<Finding> =
            open.map(|(file, mode)| told(subject, file, mode, "is not its owner's alone")).collect();
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // In a directory with the sticky bit nobody can take another's file away.
        if let Some(mode) = mode(directory).filter(|mode| mode & 0o022 != 0 && mode & 0o1000 == 0) {
            findings.push(told(subject, directory, mode, "lets others put another registry in the place of this one"));
        }
        findings
    }
    #[cfg(not(unix))]
    Vec::new()
}

#[cfg(unix)]
fn told(subject: &Subject, path: &Path, mode: u32, what: &str) -> Finding {
    let shown = path.display().to_string();
    let what = format!("has its registry where others may use it: {shown} {what}");
    subject.part_fails(REGISTRY_OPEN, &shown, what, json!({"path": shown, "mode": format!("{mode:04o}")}))
}

/// Whether somebody watches, as far as the registry and the command line tell; `asked`: the sources that were named. One that
/// stands still beside others that do not is told as long as it is named, or was read lately: else nobody may want it any more.
pub(super) fn watch(read: &[(String, Timestamp)], asked: &Sources, subject: &Subject, now: Timestamp) -> Vec<Finding> {
    let is_stale = |at: &Timestamp| now.duration_since(*at) > STALE;
    match read.first() {
        None if asked.sqs.is_some() || asked.s3.is_some() || asked.lookup => return Vec::new(),
        None => {
            let what = "has no watch, as far as the registry tells: name its sources (--sqs, --s3, --lookup), as `honeytoken watch` has them";
            return vec![subject.fails(NO_SOURCE, what, json!({}))];
        }
        Some((source, at)) if is_stale(at) => {
            let what = format!(
                "has a watch that last read something at {at}: it stands still, and nobody is told of anything"
            );
            return vec![subject.fails(WATCH_STALE, what, json!({"source": source, "at": at}))];
        }
        Some(_) => {}
    }
    // The folders of a trail are read when there is something in them; the trail is looked at at each pass.
    let is_part = |source: &str| {
        source.starts_with("s3://")
            && read.iter().any(|(other, _)| source != other && source.starts_with(other.as_str()))
    };
    let is_wanted = |source: &str, at: &Timestamp| is_named(asked, source) || now.duration_since(*at) < ABANDONED;
    let left = read.iter().filter(|(source, at)| is_stale(at) && !is_part(source) && is_wanted(source, at));
    left.map(|(source, at)| {
        let what = format!("has a watch that last read {source} at {at}: nobody is told of what happens there");
        subject.part_fails(WATCH_STALE, source, what, json!({"source": source, "at": at}))
    })
    .collect()
}

/// Whether a thief's tool knows the account, and whether all names in it look alike.
pub(super) fn account(subject: &Subject, tokens: &[&Token]) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(whose) = tokens.first().and_then(|token| known_decoy_account(&token.account)) {
        let what = format!(
            "is on public lists of accounts with decoys (as {whose}'s): a key tells its account to whoever decodes it"
        );
        findings.push(subject.fails(ACCOUNT_KNOWN, what, json!({"whose": whose})));
    }
    let mut shapes: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for token in tokens {
        shapes.entry(shape(&token.id)).or_default().push(&token.id);
    }
    // A third of all names: those who make names by a rule have nearly all of them.
    let alike = shapes.iter().max_by_key(|(_, names)| names.len()).filter(|_| tokens.len() >= FEW);
    if let Some((shape, names)) = alike.filter(|(_, names)| names.len() * 10 > tokens.len() * 3) {
        let (some, all) = (names.len(), tokens.len());
        let what =
            format!("has {some} of {all} tokens whose names have the shape {shape}: who knows one knows them all");
        let evidence = json!({"shape": shape, "names": some, "tokens": all, "such_as": &names[..names.len().min(3)]});
        findings.push(subject.fails(NAMES_ALIKE, what, evidence));
    }
    findings.extend(never_drilled(subject, tokens));
    findings
}

/// One drill shows the way of all that are in an account.
fn never_drilled(subject: &Subject, tokens: &[&Token]) -> Option<Finding> {
    let worked = |token: &&Token| token.drill.as_ref().is_some_and(|drill| drill.latency_seconds.is_some());
    let what = "has no token that a drill has shown to be noticed: `honeytoken drill` does";
    let none = !tokens.is_empty() && !tokens.iter().any(worked);
    none.then(|| subject.fails(NEVER_DRILLED, what, json!({"tokens": tokens.len()})))
}

/// What is wrong with a token by itself.
pub(super) fn token(token: &Token) -> Vec<Finding> {
    let subject = Subject::token(token);
    let mut findings = Vec::new();
    let reasons: BTreeSet<String> = lint(&token.id, token.path()).into_iter().collect();
    if !reasons.is_empty() {
        let why = reasons.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let evidence = json!({"token": token.token, "path": token.path(), "reasons": reasons});
        findings.push(subject.fails(NAME_KNOWN, format!("is known for a decoy: {why}"), evidence));
    }
    if let Some(drill) = token.drill.as_ref().filter(|drill| drill.latency_seconds.is_none()) {
        let what = format!("was used in a drill at {}, and nothing noticed", drill.at);
        let finding = subject.fails(DRILL_FAILED, what, json!({"token": token.token, "at": drill.at}));
        // What says nothing cannot be noticed: that is a finding of its own.
        findings.push(if token.blind_since.is_some() { finding.rated(Severity::Low) } else { finding });
    }
    findings
}

/// A name's shape: how many letters, digits and others stand in a row, and the separators themselves.
fn shape(name: &str) -> String {
    let class = |character: char| match character {
        'a'..='z' | 'A'..='Z' => 'a',
        '0'..='9' => '9',
        other => other,
    };
    let mut runs: Vec<(char, usize)> = Vec::new();
    for class in name.chars().map(class) {
        match runs.last_mut() {
            Some((last, count)) if *last == class => *count += 1,
            _ => runs.push((class, 1)),
        }
    }
    let text = |(class, count): (char, usize)| match class {
        'a' | '9' => format!("{class}{{{count}}}"),
        other => other.to_string().repeat(count),
    };
    runs.into_iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::tests::token as plain;

    fn own() -> Subject {
        Subject::account("aws", &"111122223333".parse().unwrap())
    }

    fn checks(findings: &[Finding]) -> Vec<String> {
        findings.iter().map(|finding| finding.check.replace("honeytoken_", "")).collect()
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_use_the_registry() {
        use std::fs::{Permissions, set_permissions, write};
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("r.db");
        write(&path, "").unwrap();
        write(directory.path().join("r.db-wal"), "").unwrap();
        for (of, wal, within, expected) in [
            (0o600, 0o600, 0o755, 0),
            (0o600, 0o600, 0o1777, 0),
            (0o640, 0o600, 0o700, 1),
            (0o600, 0o604, 0o700, 1),
            (0o600, 0o600, 0o770, 1),
            (0o666, 0o666, 0o777, 3),
        ] {
            set_permissions(&path, Permissions::from_mode(of)).unwrap();
            set_permissions(directory.path().join("r.db-wal"), Permissions::from_mode(wal)).unwrap();
            set_permissions(directory.path(), Permissions::from_mode(within)).unwrap();
            let found = registry_files(&path, &own());
            assert_eq!(found.len(), expected, "{of:o} {wal:o} {within:o}: {found:?}");
        }
    }

    #[test]
    fn a_watch_that_stands_still_is_told() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let read = |minutes| vec![("lookup".to_owned(), now - SignedDuration::from_mins(minutes))];
        let (none, named) = (Sources::default(), Sources { lookup: true, ..Sources::default() });
        for (read, asked, expected) in [
            (read(5), &none, None),
            (read(61), &none, Some("honeytoken_watch_stale")),
            (read(61), &named, Some("honeytoken_watch_stale")),
            (vec![], &named, None),
            (vec![], &none, Some("honeytoken_no_source")),
        ] {
            let found = watch(&read, asked, &own(), now).pop().map(|finding| finding.check);
            assert_eq!(found.as_deref(), expected, "{read:?} {asked:?}");
        }
    }

    #[test]
    fn one_source_that_stands_still_does_not_hide_behind_another() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let read: Vec<(String, Timestamp)> = [
            ("s3://trail/", 1),
            ("lookup:111122223333/us-east-1", 2),
            ("s3://trail/AWSLogs/111122223333/CloudTrail/sa-east-1/", 60 * 24 * 3),
            ("lookup:444455556666/us-east-1", 60 * 24 * 3),
            ("lookup:444455556666/eu-west-1", 60 * 24 * 30),
            ("s3://other/logs/", 60 * 24 * 30),
        ]
        .map(|(source, minutes)| (source.to_owned(), now - SignedDuration::from_mins(minutes)))
        .into();
        let sources = |s3: Option<&str>, lookup, regions: &[&str]| Sources {
            s3: s3.map(str::to_owned),
            lookup,
            regions: regions.iter().map(|region| region.parse().unwrap()).collect(),
            ..Sources::default()
        };
        let (late, gone) = ("lookup:444455556666/us-east-1", "lookup:444455556666/eu-west-1");
        for (asked, expected) in [
            (sources(None, false, &[]), vec![late]),
            (sources(None, true, &[]), vec![late, gone]),
            (sources(None, true, &["us-east-1"]), vec![late]),
            (sources(Some("s3://other/logs"), false, &[]), vec![late, "s3://other/logs/"]),
        ] {
            let found = watch(&read, &asked, &own(), now);
            assert!(found.iter().all(|finding| finding.check == "honeytoken_watch_stale"));
            let found: Vec<&str> = found.iter().map(|finding| finding.evidence["source"].as_str().unwrap()).collect();
            assert_eq!(found, expected, "{asked:?}");
        }
    }

    #[test]
    fn names_that_are_known_or_alike_are_told() {
        assert_eq!(checks(&token(&plain("t", "svc-billing"))), Vec::<String>::new());
        assert_eq!(checks(&token(&plain("t", "inf_ht_0123456789abcdef"))), ["name_known"]);
        let some = |name: &dyn Fn(usize) -> String, count| -> Vec<Token> {
            (0..count).map(|number| plain(&format!("t{number}"), &name(number))).collect()
        };
        let by_rule = |number: usize| format!("app-{number:04}");
        let by_chance = |number: usize| format!("{}-{}", "x".repeat(number % 7 + 2), "y".repeat(number / 7 + 3));
        for (tokens, expected) in [
            (some(&by_rule, FEW), vec!["names_alike", "never_drilled"]),
            (some(&by_rule, FEW - 1), vec!["never_drilled"]),
            (some(&by_chance, 30), vec!["never_drilled"]),
            (vec![], vec![]),
        ] {
            let tokens: Vec<&Token> = tokens.iter().collect();
            assert_eq!(checks(&account(&own(), &tokens)), expected);
        }
        assert_eq!(shape("svc-Billing_07.x"), "a{3}-a{7}_9{2}.a{1}");
        let known = Token { account: "534261010715".parse().unwrap(), ..plain("t", "svc") };
        assert_eq!(checks(&account(&own(), &[&known])), ["account_known", "never_drilled"]);
    }

    #[test]
    fn one_drill_that_was_noticed_speaks_for_its_account() {
        let drilled = |latency_seconds| {
            let at = "2026-11-20T10:00:00Z".parse().unwrap();
            Token { drill: Some(common::record::Drill { at, latency_seconds }), ..plain("t", "svc") }
        };
        let (worked, failed, never) = (drilled(Some(3.5)), drilled(None), plain("t2", "other"));
        assert_eq!(checks(&account(&own(), &[&failed, &worked, &never])), Vec::<String>::new());
        assert_eq!(checks(&account(&own(), &[&failed, &never])), ["never_drilled"]);
        assert_eq!(checks(&token(&failed)), ["drill_failed"]);
        assert_eq!(checks(&token(&worked)), Vec::<String>::new());
        let blind = Token { blind_since: "2026-11-19T10:00:00Z".parse().ok(), ..failed };
        assert_eq!(token(&blind)[0].severity, Severity::Low);
    }
}
