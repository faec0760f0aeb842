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
use crate::names::{known_decoy_account, lint};

/// A watch looks every minute, unless it was told otherwise.
const STALE: SignedDuration = SignedDuration::from_hours(1);
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
        return findings;
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

/// Whether somebody watches, as far as the registry and the command line tell. `named`: sources were named.
pub(super) fn watch(read: &[(String, Timestamp)], named: bool, subject: &Subject, now: Timestamp) -> Option<Finding> {
    let Some((source, at)) = read.first() else {
        let what = "has no watch, as far as the registry tells: name its sources (--sqs, --s3, --lookup), as `honeytoken watch` has them";
        return (!named).then(|| subject.fails(NO_SOURCE, what, json!({})));
    };
    let what = format!("has a watch that last read something at {at}: it stands still, and nobody is told of anything");
    let stale = now.duration_since(*at) > STALE;
    stale.then(|| subject.fails(WATCH_STALE, what, json!({"source": source, "at": at})))
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
