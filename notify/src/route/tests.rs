//! Who hears of what, row by row.

use common::record::{Alert, Finding, FindingStatus, OutcomeStatus, Scope, Severity};
use common::settings::Settings;
use serde_json::json;

use super::*;
use crate::entry::{self, Told};
use crate::group::Groups;
use crate::samples;

/// The records of the table, by name.
fn entry(name: &str) -> Entry {
    let listed = |told| match told {
        Told::Listed(entry) => *entry,
        Told::Counted(..) => panic!("{name} is only counted"),
    };
    let found = |account: &str, severity, kind: &str, check: &str, tags: &[(&str, &str)]| {
        listed(entry::finding(Finding {
            account: account.parse().unwrap(),
            r#type: kind.into(),
            check: check.into(),
            tags: tags.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            ..samples::finding("b", severity)
        }))
    };
    match name {
        "critical" => {
            found("111122223333", Severity::Critical, "s3_bucket", "s3_bucket_public_acl", &[("owner", "web-1")])
        }
        "high" => found("111122223333", Severity::High, "ec2", "ec2_public", &[("Owner", "data")]),
        "low" => found("444455556666", Severity::Low, "sqs", "sqs_public", &[]),
        "unknown" => listed(entry::finding(Finding {
            status: FindingStatus::Unknown,
            ..samples::finding("b", Severity::Medium)
        })),
        "failed" => listed(entry::outcome(samples::outcome("b", OutcomeStatus::Failed))),
        "task" => listed(entry::outcome(common::record::Outcome {
            severity: None,
            check: None,
            ..samples::outcome("b", OutcomeStatus::Applied)
        })),
        "scope" => {
            let mut groups = Groups::default();
            for (region, kind) in [("eu-west-1", "sqs"), ("us-east-1", "ec2")] {
                let scope: Scope = serde_json::from_value(json!({
                    "account": "444455556666", "region": region, "type": kind, "status": "failed",
                    "error": {"operation": "sts:AssumeRole", "code": "AccessDenied", "message": "no"}
                }))
                .unwrap();
                groups.scope(&scope);
            }
            groups.finish().entries.remove(0)
        }
        "alert" => {
            let alert: Alert = serde_json::from_value(json!({
                "key": "i/1", "incident": "i", "status": "open", "severity": "critical", "trigger": "used",
                "account": "777788889999", "region": "us-east-1", "type": "iam_user", "id": "svc",
                "arn": "arn:aws:iam::777788889999:user/svc", "title": "used", "at": "2026-11-20T10:00:00Z",
                "token": {"id": "tk_1", "name": "svc", "labels": {"Team": "blue"}}
            }))
            .unwrap();
            entry::Alarm::new(&alert).entry
        }
        name => panic!("{name}"),
    }
}

const RECORDS: [&str; 8] = ["critical", "high", "low", "unknown", "failed", "task", "scope", "alert"];

/// The router of some settings, with targets numbered as they are: `sns:...:a` is 0, `sns:...:b` 1 and so on.
fn router(toml: &str) -> Router {
    let settings: Settings = samples::settings(toml);
    let dest = |to: &common::settings::To| match to.to_string().as_str() {
        "account" => Dest::Account,
        "none" => Dest::Nobody,
        name => Dest::Target(usize::from(name.as_bytes()[0] - b'a')),
    };
    let rules =
        settings.route.iter().map(|route| Rule::new(route.clone(), route.to.iter().map(dest).collect()).unwrap());
    let name = |name: &str| vec![name.to_owned()];
    Router {
        rules: rules.collect(),
        default: settings.notify.default.iter().map(dest).collect(),
        contacts: [("111122223333".parse().unwrap(), vec![24])].into(),
        everybody: vec![25],
        names: [
            ("111122223333".parse().unwrap(), name("prod-web")),
            ("444455556666".parse().unwrap(), name("sandbox")),
        ]
        .into(),
    }
}

/// Who hears: target 0 is `a`; `y` is the account's contact, `z` everybody; `-` nobody.
fn heard(router: &Router, name: &str) -> String {
    match router.whom(&entry(name)) {
        Whom::These(places) => places.iter().map(|place| char::from(b'a' + u8::try_from(*place).unwrap())).collect(),
        Whom::Nobody => "-".to_owned(),
        Whom::NotSaid => "?".to_owned(),
    }
}

#[test]
fn all_conditions_of_a_route_must_hold_and_all_routes_that_match_count() {
    // Each row: conditions, and who of RECORDS are heard of by `a`.
    let rows: &[(&str, &[&str])] = &[
        ("", &RECORDS),
        ("account = \"111122223333\"", &["critical", "high", "unknown", "failed", "task"]),
        ("account = \"4444*\"", &["low", "scope"]),
        ("account = \"prod-*\"", &["critical", "high", "unknown", "failed", "task"]),
        ("account = [\"sandbox\", \"777788889999\"]", &["low", "scope", "alert"]),
        ("account = \"nobody\"", &[]),
        ("kind = \"finding\"", &["critical", "high", "low", "unknown"]),
        ("kind = [\"alert\", \"scope\"]", &["scope", "alert"]),
        ("status = \"fail*\"", &["critical", "high", "low", "failed", "scope"]),
        ("status = \"open\"", &["alert"]),
        ("status = [\"unknown\", \"applied\"]", &["unknown", "task"]),
        ("severity = \"critical\"", &["critical", "alert"]),
        ("severity = \"high\"", &["critical", "high", "failed", "alert"]),
        // What has no severity is at least none, not even low.
        ("severity = \"low\"", &["critical", "high", "low", "unknown", "failed", "alert"]),
        ("check = \"s3_*\"", &["critical", "unknown", "failed"]),
        ("check = \"ec2_public\"", &["high"]),
        ("type = \"s3_bucket\"", &["critical", "unknown", "failed", "task"]),
        // Scopes that failed for one cause are one entry.
        ("type = \"sqs\"", &["low", "scope"]),
        ("type = \"ec2\"", &["high", "scope"]),
        ("region = \"us-*\"", &["scope", "alert"]),
        ("region = \"eu-west-1\"", &["critical", "high", "low", "unknown", "failed", "task", "scope"]),
        ("tag = { Owner = \"web*\" }", &["critical"]),
        ("tag = { owner = \"*\" }", &["critical", "high"]),
        ("tag = { Owner = \"*\", Stage = \"*\" }", &[]),
        ("tag = { team = \"blue\" }", &["alert"]),
        ("kind = \"finding\"\nseverity = \"high\"\naccount = \"prod-*\"", &["critical", "high"]),
        ("kind = \"finding\"\nseverity = \"high\"\naccount = \"sandbox\"", &[]),
        ("kind = \"outcome\"\ncheck = \"*\"", &["failed", "task"]),
    ];
    for (conditions, expected) in rows {
        let router = router(&format!("[[route]]\n{conditions}\nto = [\"a\"]"));
        let heard: Vec<_> = RECORDS.iter().copied().filter(|name| heard(&router, name) == "a").collect();
        assert_eq!(heard, *expected, "{conditions}");
    }
}

#[test]
fn who_is_named_more_than_once_hears_once_and_who_is_named_nowhere_by_default() {
    let route = |conditions: &str, to: &str| format!("[[route]]\n{conditions}\nto = {to}\n");
    let high = "severity = \"high\"";
    let default = |to: &str| format!("[notify]\ndefault = {to}\n");
    // Each row: settings, and who hears of critical, low, and the alert (whose account the map does not name).
    let rows = [
        (String::new(), ["y", "z", "z"]),
        (route("", "[\"b\", \"a\", \"b\"]"), ["ab", "ab", "ab"]),
        (route(high, "[\"a\"]") + &route("", "[\"b\", \"a\"]"), ["ab", "ab", "ab"]),
        (route(high, "[\"a\"]") + &route("", "[\"b\"]"), ["ab", "b", "ab"]),
        (route(high, "[\"a\"]"), ["a", "z", "a"]),
        (route(high, "[\"a\"]") + &default("[\"b\", \"c\"]"), ["a", "bc", "a"]),
        (route(high, "[\"account\", \"a\"]"), ["ay", "z", "a"]),
        // Where the map does not know the account, a route to its people alone is as good as none.
        (route(high, "[\"account\"]"), ["y", "z", "z"]),
        (route(high, "[\"account\"]") + &default("[\"b\"]"), ["y", "b", "b"]),
        (route("", "[\"account\"]") + &default("[\"account\"]"), ["y", "z", "z"]),
        (route(high, "[\"none\"]"), ["-", "z", "-"]),
        (route(high, "[\"none\"]") + &route("kind = \"alert\"", "[\"a\"]"), ["-", "z", "a"]),
        (default("[\"none\"]"), ["-", "-", "-"]),
        (default("[\"account\"]"), ["y", "z", "z"]),
    ];
    for (toml, expected) in rows {
        let router = router(&toml);
        assert_eq!(["critical", "low", "alert"].map(|name| heard(&router, name)), expected, "{toml}");
        let nobody = Router { everybody: Vec::new(), ..router };
        for (name, expected) in ["critical", "low", "alert"].into_iter().zip(expected) {
            let expected = if expected == "z" { "?" } else { expected };
            assert_eq!(heard(&nobody, name), expected, "{toml}");
        }
    }
}

#[test]
fn a_route_that_nothing_can_match_is_a_mistake() {
    let rule = |conditions: &str, to: Vec<Dest>| {
        let settings = samples::settings(&format!("[[route]]\n{conditions}"));
        Rule::new(settings.route[0].clone(), to).map(drop).map_err(|error| error.to_string())
    };
    let somebody = || vec![Dest::Target(0)];
    for (conditions, to, word) in [
        ("severity = \"high\"", vec![], "`to`"),
        ("severity = \"high\"", vec![Dest::Nobody, Dest::Target(0)], "`none`"),
        ("kind = \"findings\"", somebody(), "finding, outcome, alert, scope"),
        ("kind = [\"finding\", \"resource\"]", somebody(), "`resource`"),
        ("status = \"failing\"", somebody(), "`failing`"),
        ("type = \"s3\"", somebody(), "poll --help"),
        ("type = []", somebody(), "`type` is an empty list"),
        ("check = \"\"", somebody(), "`check` is an empty list"),
        ("tag = { Owner = [] }", somebody(), "`tag.Owner`"),
    ] {
        let error = rule(conditions, to).unwrap_err();
        assert!(error.contains(word), "{conditions}: {error}");
    }
    for conditions in ["", "kind = \"*\"", "type = \"rds*\"", "status = \"applied\"", "account = \"anything\""] {
        assert_eq!(rule(conditions, somebody()), Ok(()), "{conditions}");
    }
}
