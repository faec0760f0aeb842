//! What could not be seen, and a brake that has nothing to weigh.

use common::exit::Exit;
use serde_json::{Value, json};

use super::{ACCOUNT, account, brake, halted_count, instance, limit, listed, running, settings, user};
use crate::tests::{audit_with, lines, scope};

/// What a row is about, the records, the limit, the status of the account, and what of it was not seen.
type Unseen<'a> = (&'a str, Vec<Value>, u64, &'a str, Option<&'a str>);

#[test]
fn what_was_not_seen_is_not_taken_to_be_nothing() {
    let failed = |kind: &str, region: &str| {
        let mut scope = scope("failed", kind);
        scope["region"] = json!(region);
        scope
    };
    let two = || running(&["eu-west-1"], 2);
    let mut odd = instance("eu-west-1", "i-odd", "dozing");
    odd["config"]["State"] = json!({"Name": "dozing"});
    let mut misfit = instance("eu-west-1", "i-misfit", "running");
    misfit["config"]["State"] = json!(7);
    let ok = || listed(&["eu-west-1"]);
    let denied = "ec2 us-east-1 (ec2:List: AccessDenied)";
    let rows: &[Unseen<'_>] = &[
        ("a region", [ok(), two(), vec![failed("ec2", "us-east-1")]].concat(), 2, "unknown", Some(denied)),
        ("but it is over already", [ok(), two(), vec![failed("ec2", "us-east-1")]].concat(), 1, "fail", Some(denied)),
        ("no scope at all", two(), 2, "unknown", Some("ec2 (no scope record says that all of it was listed)")),
        ("no scope, and over", two(), 1, "fail", Some("ec2 (no scope record says that all of it was listed)")),
        (
            "an odd state",
            [ok(), two(), vec![odd.clone()]].concat(),
            2,
            "unknown",
            Some("i-odd (`dozing` is not a state"),
        ),
        (
            "an odd state, and over",
            [ok(), two(), vec![odd]].concat(),
            1,
            "fail",
            Some("i-odd (`dozing` is not a state"),
        ),
        (
            "a broken record",
            [ok(), two(), vec![misfit]].concat(),
            2,
            "unknown",
            Some("1 part of the input, not understood"),
        ),
        ("only what is not counted", [ok(), two(), vec![failed("iam_user", "global")]].concat(), 2, "", None),
        (
            "what could be read another time",
            [vec![failed("ec2", "eu-west-1")], ok(), two(), vec![failed("ec2", "eu-west-1")]].concat(),
            2,
            "",
            None,
        ),
        ("nothing but a failure", vec![failed("ec2", "us-east-1")], 2, "unknown", Some(denied)),
        ("another type alone", vec![failed("iam_user", "global")], 2, "unknown", Some("ec2 (no scope record")),
    ];
    for (name, records, allowed, status, why) in rows {
        let done = brake(&limit(*allowed), &[], records);
        let Some(why) = why else {
            assert_eq!(done.findings(), [""; 0], "{name}");
            continue;
        };
        let found = account(&done);
        assert_eq!(found["status"], *status, "{name}");
        let title = found["title"].as_str().unwrap();
        assert!(title.contains(why) && title.contains("not all was seen"), "{name}: {title}");
        assert!(found["evidence"]["NotSeen"][0].as_str().unwrap().contains(why), "{name}: {}", found["evidence"]);
        assert!(done.stderr.contains(why), "{name}: {}", done.stderr);
        let expected = if *status == "fail" { 2 } else { 0 };
        assert_eq!(halted_count(&done), expected, "{name}: nobody is halted for what may be");
        if *status == "unknown" {
            assert!(found["reason"].as_str().unwrap().contains(why), "{name}");
            assert_eq!(done.exit, Exit::Incomplete, "{name}");
        }
    }
    let over = brake(&limit(1), &[], &[ok(), two(), vec![failed("iam_user", "global")]].concat());
    let failed = &account(&over)["evidence"]["FailedScopes"];
    assert_eq!(*failed, json!(["iam_user global (iam_user:List: AccessDenied)"]), "who may be left out is said");
}

#[test]
fn a_brake_that_is_off_says_so() {
    let records = [listed(&["eu-west-1"]), running(&["eu-west-1"], 2)].concat();
    // A cron job that has lost its settings, and one whose poll has lost its credentials.
    let unlimited = brake(&settings(""), &[], &records);
    assert!(unlimited.stderr.contains("the settings limit no account"), "{}", unlimited.stderr);
    let blind = brake(&limit(1), &[], &[]);
    assert!(blind.stderr.contains("none was weighed"), "{}", blind.stderr);
    assert_eq!(blind.exit, Exit::Incomplete);
    let other = brake(&limit(1), &["--halt", "pass"], &[]);
    assert_eq!((other.exit, other.stderr.contains("none was weighed")), (Exit::Done, false), "{}", other.stderr);
    for (settings, arguments) in [(settings(""), &[][..]), (limit(1), &[]), (settings(""), &["--checks", "ec2_imdsv2"])]
    {
        let quiet = audit_with(&settings, arguments, "".as_bytes());
        assert_eq!((quiet.exit, quiet.stderr.contains("account")), (Exit::Done, false), "{}", quiet.stderr);
    }
}

#[test]
fn where_nobody_asks_for_it_only_what_is_counted_raises_the_question() {
    let of = |records: &[Value]| audit_with(&limit(1), &[], lines(records).as_bytes()).findings();
    assert_eq!(of(&[scope("ok", "sqs"), user("jane")]), [""; 0]);
    assert_eq!(of(&[scope("failed", "ec2")]), ["account_runaway unknown"]);
    assert_eq!(of(&running(&["eu-west-1"], 1)), ["account_runaway unknown"]);
    let organization = json!({
        "kind": "scope", "account": ACCOUNT, "region": "global", "type": "organization", "status": "ok", "resources": 1,
    });
    assert_eq!(brake(&limit(1), &[], &[organization]).findings(), [""; 0], "the organization's account was not polled");
}
