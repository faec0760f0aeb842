//! Exit codes, flags and settings.

use clap::Parser;
use common::exit::Exit;
use common::record::Severity;
use common::settings::{Check, Settings};
use serde_json::{Value, json};

use super::{audit, audit_with, lines, queue, scope, user};
use crate::{Arguments, Judge, Tags};

/// A user of whom nobody could read whether it has MFA.
fn unread() -> Value {
    let mut user = user("unread");
    user["unread"] = json!([{"field": "MfaActive", "operation": "iam:ListMFADevices", "code": "AccessDenied"}]);
    user
}

#[test]
fn the_code_says_what_it_came_to() {
    let ok = scope("ok", "sqs");
    let failed = scope("failed", "sqs");
    let rows: &[(&[&str], &[Value], Exit)] = &[
        (&[], &[], Exit::Done),
        (&[], &[user("jane")], Exit::Done),
        (&[], &[ok], Exit::Done),
        (&[], std::slice::from_ref(&failed), Exit::Incomplete),
        (&[], &[unread()], Exit::Incomplete),
        (&["--fail-on", "medium"], &[user("jane")], Exit::No),
        (&["--fail-on", "high"], &[user("jane")], Exit::Done),
        (&["--fail-on", "HIGH"], &[queue("jobs")], Exit::No),
        (&["--fail-on", "low"], &[unread()], Exit::Incomplete),
        (&["--fail-on", "low"], &[user("jane"), failed.clone()], Exit::No),
        (&["--fail-on", "low", "--passed", "--checks", "sqs_policy_outsiders"], &[queue("jobs")], Exit::Done),
        (&["--passed", "--checks", "iam_user_password_unused"], &[unread()], Exit::Done),
    ];
    for (arguments, records, expected) in rows {
        let input = lines(*records);
        let done = audit(arguments, &input);
        assert_eq!(done.exit, *expected, "{arguments:?} {input}");
        assert_eq!(audit(&[arguments, &["-o", "table"][..]].concat(), &input).exit, *expected, "the same for people");
    }
}

#[test]
fn failed_scopes_are_named_once() {
    let kinds = ["sqs", "ec2", "rds", "elb", "ami", "kms_key", "redshift"];
    let input: String = kinds.iter().map(|kind| scope("failed", kind).to_string()).collect();
    let done = audit(&[], &input);
    assert_eq!(done.of_kind("scope").len(), kinds.len());
    let sentence = "audit: warning: not looked at: 111122223333 eu-west-1 sqs (sqs:List: AccessDenied), ";
    assert!(done.stderr.contains(sentence) && done.stderr.contains(", and 2 more"), "{}", done.stderr);
    assert_eq!(done.stderr.matches("not looked at").count(), 1);
}

#[test]
fn passed_writes_what_passed_and_checks_chooses() {
    let input = user("jane").to_string();
    let all = audit(&["--passed"], &input);
    assert_eq!(
        all.findings(),
        ["iam_user_mfa fail", "iam_user_password_unused pass", "iam_user_key_unused pass", "iam_user_runaway pass"]
    );
    let some = audit(&["--passed", "--checks", "iam_user_key_unused,iam_user_mfa"], &input);
    assert_eq!(some.findings(), ["iam_user_mfa fail", "iam_user_key_unused pass"]);
}

#[test]
fn an_unknown_check_is_a_usage_error_that_suggests_the_nearest() {
    let error = Arguments::try_parse_from(["audit", "--checks", "s3_bucket_tls,iam_user_mfas"]).unwrap_err();
    assert_eq!(error.exit_code(), i32::from(Exit::Usage.code()));
    assert!(error.to_string().contains("'iam_user_mfa'"), "{error}");
    let now = "2026-11-20T10:00:00Z".parse().unwrap();
    let failure = Judge::new(&Settings::default(), now, Some(&["nonsense".to_owned()])).unwrap_err();
    assert_eq!(failure.exit(), Exit::Usage);
    for bad in [&["--now", "yesterday"][..], &["--fail-on", "bad"], &["-o", "xml"], &["--checks", ""]] {
        assert!(Arguments::try_parse_from(["audit"].iter().chain(bad)).is_err(), "{bad:?}");
    }
    assert_eq!(audit(&["-o", "markdown"], "").exit, Exit::Usage);
}

#[test]
fn the_settings_turn_checks_off_and_set_their_severity_and_fix() {
    let with = |check: Check| Settings { checks: [("iam_user_mfa".to_owned(), check)].into(), ..Settings::default() };
    let input = user("jane").to_string();
    let one = |settings: &Settings| audit_with(settings, &[], input.as_bytes()).of_kind("finding");
    assert_eq!(one(&with(Check { enabled: Some(false), ..Check::default() })), [Value::Null; 0]);
    assert_eq!(one(&with(Check { severity: Some(Severity::Critical), ..Check::default() }))[0]["severity"], "critical");
    assert_eq!(one(&with(Check { fix: Some(false), ..Check::default() }))[0]["action"], Value::Null);
    assert_eq!(one(&Settings::default())[0]["action"], "iam_delete_login_profile");
    let misspelt = Settings { checks: [("iam_user_mfas".to_owned(), Check::default())].into(), ..Settings::default() };
    let done = audit_with(&misspelt, &[], input.as_bytes());
    assert_eq!(done.exit, Exit::CannotStart);
    assert!(done.stderr.contains("[checks.iam_user_mfas]"), "{}", done.stderr);
}

#[test]
fn a_list_of_required_tags_beats_the_settings_even_when_it_is_empty() {
    let parse =
        |text: &str| Arguments::try_parse_from(["audit", "--required-tags", text]).unwrap().required_tags.unwrap();
    assert_eq!(parse(""), Tags(Vec::new()));
    assert_eq!(parse("Owner, Team,"), Tags(["Owner", "Team"].map(|tag| tag.parse().unwrap()).into()));
    assert_eq!(parse("Stage=prod|test").0[0].values, ["prod", "test"]);
    assert!(Arguments::try_parse_from(["audit", "--required-tags", "=prod"]).is_err());
    let settings = Settings { required_tags: vec!["Owner".parse().unwrap()], ..Settings::default() };
    let bucket = json!({
        "kind": "resource", "account": "111122223333", "region": "eu-west-1", "type": "s3_bucket", "id": "acme",
        "arn": "arn:aws:s3:::acme", "tags": {"team": "web"}, "config": {},
    });
    let missing = |arguments: &[&str]| {
        let arguments = [&["--checks", "s3_bucket_required_tags"], arguments].concat();
        let found = audit_with(&settings, &arguments, bucket.to_string().as_bytes()).of_kind("finding");
        found.first().map_or(Value::Null, |finding| finding["evidence"]["MissingTags"].clone())
    };
    assert_eq!(missing(&[]), json!(["Owner"]));
    assert_eq!(missing(&["--required-tags", "Team,Cost"]), json!(["Cost"]));
    assert_eq!(missing(&["--required-tags", ""]), Value::Null);
}

#[test]
fn where_nobody_is_known_it_is_said_what_the_fixes_would_do() {
    let queue = |account: &str| {
        let policy = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": account}, "Action": "sqs:*",
            "Resource": "arn:aws:sqs:eu-west-1:111122223333:jobs",
        }]});
        json!({
            "kind": "resource", "account": "111122223333", "region": "eu-west-1", "type": "sqs", "id": "jobs",
            "arn": "arn:aws:sqs:eu-west-1:111122223333:jobs", "config": {"Policy": policy},
        })
        .to_string()
    };
    let says = |settings: &Settings, account: &str| {
        audit_with(settings, &[], queue(account).as_bytes()).stderr.contains("cuts off an account which is not known")
    };
    let nobody = Settings::default();
    assert!(says(&nobody, "444455556666"));
    assert!(!says(&nobody, "111122223333"), "nothing is found");
    let mut somebody = Settings::default();
    somebody.trusted.accounts.push("777788889999".parse().unwrap());
    assert!(!says(&somebody, "444455556666"), "somebody has said who is known");
}
