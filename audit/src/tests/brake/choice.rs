//! How it is asked for: `--halt`, `--passed`, `--checks`, `--only`, and the table.

use clap::Parser;
use common::exit::Exit;
use serde_json::Value;

use super::{brake, halted, halted_count, limit, listed, running, settings, user};
use crate::Arguments;
use crate::tests::{audit, audit_with, lines};

#[test]
fn pass_looks_away_and_plan_rehearses() {
    let records = [listed(&["eu-west-1"]), running(&["eu-west-1"], 2), vec![user("jane")]].concat();
    // An empty variable is as good as none, and clap takes the variable as it takes the flag.
    for proceed in [&[][..], &["--halt", "proceed"], &["--halt", "PROCEED"], &["--halt", ""]] {
        let done = brake(&limit(1), proceed, &records);
        assert_eq!(halted_count(&done), 3);
        assert!(!done.stderr.contains("--halt"), "{}", done.stderr);
    }
    assert!(Arguments::try_parse_from(["audit", "--halt", "stop"]).is_err());
    let pass = brake(&limit(1), &["--halt", "pass", "--passed"], &records);
    assert_eq!((pass.findings(), pass.exit), (Vec::new(), Exit::Done));
    assert!(pass.stderr.contains("--halt pass: no account is weighed against its limit"), "{}", pass.stderr);
    assert!(!brake(&settings(""), &["--halt", "pass"], &records).stderr.contains("--halt"), "there is no limit");

    let plan = brake(&limit(1), &["--halt", "plan"], &records);
    assert!(plan.stderr.contains("--halt plan: a rehearsal"), "{}", plan.stderr);
    let expected = ["ec2_runaway i-eu-west-1-0 -", "ec2_runaway i-eu-west-1-1 -", "iam_user_runaway jane -"];
    assert_eq!(halted(&plan), expected);
    let titles: Vec<Value> = plan.of_kind("finding").iter().map(|finding| finding["title"].clone()).collect();
    assert!(titles[0].as_str().unwrap().ends_with("; would be halted: 2 EC2 instances, 1 IAM user"), "{}", titles[0]);
    assert_eq!(
        titles[3],
        "IAM user jane would be halted: it has a password, and account 111122223333 is over its limit"
    );
    // The other checks are none of it.
    let all = audit_with(&limit(1), &["--halt", "pass", "--passed"], lines(&records).as_bytes());
    assert!(all.findings().contains(&"iam_user_mfa pass".to_owned()), "{}", all.stdout);
}

#[test]
fn what_is_within_the_limit_passes_and_says_so_where_that_is_asked_for() {
    let mut settings = limit(2);
    settings.exceptions =
        super::settings("[[exceptions]]\ncheck = \"iam_user_runaway\"\nid = \"jane\"\nreason = \"x\"").exceptions;
    let records = [listed(&["eu-west-1"]), running(&["eu-west-1"], 2), vec![user("jane")]].concat();
    let done = brake(&settings, &["--passed"], &records);
    let expected = ["account_runaway pass", "ec2_runaway pass", "ec2_runaway pass", "iam_user_runaway pass"];
    assert_eq!(done.findings(), expected);
    for finding in &done.of_kind("finding")[1..] {
        assert_eq!(
            (&finding["action"], &finding["evidence"], finding.get("reason")),
            (&Value::Null, &Value::Null, None)
        );
    }
    assert_eq!(done.of_kind("finding")[3]["title"], "IAM user jane passes iam_user_runaway");
}

#[test]
fn a_check_that_is_off_or_not_chosen_halts_nothing() {
    let records = [listed(&["eu-west-1"]), running(&["eu-west-1"], 2), vec![user("jane")]].concat();
    let some = audit_with(&limit(1), &["--checks", "ec2_runaway"], lines(&records).as_bytes());
    assert_eq!(some.findings(), ["ec2_runaway fail", "ec2_runaway fail"]);
    assert!(some.stderr.contains("is over its limit: 2 instances run"), "{}", some.stderr);
    let mut off = limit(1);
    off.checks = settings("[checks.iam_user_runaway]\nenabled = false\n[checks.ec2_runaway]\nfix = false").checks;
    let done = brake(&off, &[], &records);
    assert_eq!(halted(&done), ["ec2_runaway i-eu-west-1-0 -", "ec2_runaway i-eu-west-1-1 -"]);
}

#[test]
fn people_see_it_in_the_table() {
    let records = [listed(&["eu-west-1"]), running(&["eu-west-1"], 2), vec![user("jane")]].concat();
    let done = brake(&limit(1), &["-o", "table"], &records);
    let words = done.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("is over its limit: 2 instances"), "{}", done.stdout);
    assert!(words.contains("ec2_halt") && words.contains("disable"), "{}", done.stdout);
    assert!(done.stdout.ends_with("4 critical in 3 resources (1 scope ok)\n"), "{}", done.stdout);
    assert!(done.stderr.contains("warning: Account 111122223333 is over its limit"), "{}", done.stderr);
}

#[test]
fn checks_are_chosen_by_how_their_ids_end() {
    let listed = |only: &str| -> Vec<String> {
        let done = audit(&["--list-checks", "--only", only], "");
        assert_eq!(done.exit, Exit::Done, "{}", done.stderr);
        done.of_kind("check").iter().map(|check| check["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(listed("runaway").len(), 6);
    assert_eq!(listed("required_tags"), listed("tags"));
    assert!(listed("required_tags").iter().all(|id| id.ends_with("_required_tags")));
    assert_eq!(listed("ec2_runaway,iam_user_mfa"), ["ec2_runaway", "iam_user_mfa"]);
    assert_eq!(listed("role_runaway"), ["iam_role_runaway"]);
    let bad = Arguments::try_parse_from(["audit", "--only", "unaway"]);
    assert!(bad.is_err(), "half a word is none");
}
