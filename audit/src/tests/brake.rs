//! The emergency brake: accounts over their limits, at the end of a stream.

use std::sync::atomic::{AtomicU32, Ordering};

use clap::Parser;
use common::exit::Exit;
use common::settings::Settings;
use serde_json::{Value, json};

use super::{Done, audit, audit_with, lines, scope};
use crate::Arguments;

const ACCOUNT: &str = "111122223333";

/// The settings that stand in a file.
fn settings(text: &str) -> Settings {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("sluice-brake-{}-{number}", std::process::id()));
    std::fs::write(&path, text).unwrap();
    let settings = Settings::load(Some(&path));
    std::fs::remove_file(&path).unwrap();
    settings.unwrap()
}

fn limit(instances: u64) -> Settings {
    settings(&format!("[runaway]\nmax_running_instances = {instances}"))
}

fn instance(region: &str, id: &str, state: &str) -> Value {
    json!({
        "kind": "resource", "account": ACCOUNT, "region": region, "type": "ec2", "id": id,
        "arn": format!("arn:aws:ec2:{region}:{ACCOUNT}:instance/{id}"), "tags": {"Owner": "web"},
        "config": {
            "InstanceId": id, "State": {"Name": state}, "RootDeviceType": "ebs", "MetadataOptions": {"HttpTokens": "required"},
            "PublicIpAddress": null, "NetworkInterfaces": [], "Addresses": [],
        },
        "observed_at": "2026-11-20T10:00:00Z",
    })
}

/// So many instances that run, in each of these regions.
fn running(regions: &[&str], each: usize) -> Vec<Value> {
    let in_region = |region: &&str| -> Vec<Value> {
        (0..each).map(|at| instance(region, &format!("i-{region}-{at}"), "running")).collect()
    };
    regions.iter().flat_map(in_region).collect()
}

fn listed(regions: &[&str]) -> Vec<Value> {
    let ok = |region: &&str| {
        let mut scope = scope("ok", "ec2");
        scope["region"] = json!(region);
        scope
    };
    regions.iter().map(ok).collect()
}

fn of_account(mut record: Value, account: &str) -> Value {
    for field in ["account", "arn"] {
        if let Some(text) = record[field].as_str() {
            record[field] = json!(text.replace(ACCOUNT, account));
        }
    }
    record
}

fn group() -> Value {
    let arn = format!("arn:aws:autoscaling:eu-west-1:{ACCOUNT}:autoScalingGroup:0f9d-1:autoScalingGroupName/web");
    json!({
        "kind": "resource", "account": ACCOUNT, "region": "eu-west-1", "type": "auto_scaling_group", "id": "web", "arn": arn,
        "config": {"AutoScalingGroupName": "web", "SuspendedProcesses": [], "Status": null},
    })
}

fn user(name: &str) -> Value {
    json!({
        "kind": "resource", "account": ACCOUNT, "region": "global", "type": "iam_user", "id": name,
        "arn": format!("arn:aws:iam::{ACCOUNT}:user/{name}"), "tags": {},
        "config": {
            "UserName": name, "CreateDate": "2020-01-01T00:00:00Z", "PasswordEnabled": true, "MfaActive": true, "AccessKeys": [],
            "PasswordLastChanged": "2026-11-01T00:00:00Z", "PasswordLastUsed": "2026-11-19T00:00:00Z", "UserPolicyList": [],
        },
    })
}

fn role(name: &str) -> Value {
    json!({
        "kind": "resource", "account": ACCOUNT, "region": "global", "type": "iam_role", "id": name,
        "arn": format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
        "config": {"RoleName": name, "Path": "/", "RolePolicyList": [], "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}],
        }},
    })
}

/// What was spent: this much in the last six hours.
fn spend(amount: f64, unit: &str) -> Value {
    let sample = |at: &str, maximum: f64| json!({"Timestamp": at, "Maximum": maximum, "Currency": unit});
    json!({
        "kind": "resource", "account": ACCOUNT, "region": "global", "type": "spend", "id": ACCOUNT,
        "arn": format!("arn:aws:ce::{ACCOUNT}:spend/{ACCOUNT}"),
        "config": {"EstimatedCharges": [
            sample("2026-11-20T02:00:00Z", 1000.0), sample("2026-11-20T08:00:00Z", 1000.0 + amount),
        ]},
        "observed_at": "2026-11-20T10:00:00Z",
    })
}

fn spend_listed(status: &str) -> Value {
    let mut scope = scope(status, "spend");
    scope["region"] = json!("global");
    scope
}

fn brake(settings: &Settings, arguments: &[&str], records: &[Value]) -> Done {
    let arguments = [&["--only", "runaway"], arguments].concat();
    audit_with(settings, &arguments, lines(records).as_bytes())
}

/// The finding of an account.
fn account(done: &Done) -> Value {
    let mut found = done.of_kind("finding");
    found.retain(|finding| finding["check"] == "account_runaway");
    assert_eq!(found.len(), 1, "{}", done.stdout);
    found.remove(0)
}

/// `check id action` of each finding of a resource that fails.
fn halted(done: &Done) -> Vec<String> {
    let found = done.of_kind("finding").into_iter();
    let found = found.filter(|finding| finding["check"] != "account_runaway" && finding["status"] == "fail");
    let action = |finding: &Value| match &finding["action"] {
        Value::String(name) => name.clone(),
        Value::Object(action) => action["name"].as_str().unwrap().to_owned(),
        _ => "-".to_owned(),
    };
    found
        .map(|it| format!("{} {} {}", it["check"].as_str().unwrap(), it["id"].as_str().unwrap(), action(&it)))
        .collect()
}

const THREE: &[&str] = &["eu-west-1", "us-east-1", "ap-south-1"];

/// Whether the scopes that come out say that the account was weighed and is within its limits: each of them.
fn says_within(done: &Done) -> Vec<bool> {
    let named =
        |scope: &Value| scope["checks"].as_array().is_some_and(|checks| checks.contains(&json!("account_runaway")));
    done.of_kind("scope").iter().map(named).collect()
}

#[test]
fn a_scope_says_that_an_account_is_within_its_limits_only_where_it_is() {
    let records = [listed(THREE), running(THREE, 3)].concat();
    let failed = [vec![scope("failed", "ec2")], running(THREE, 3)].concat();
    for (name, settings, arguments, records, expected) in [
        ("within", limit(9), &[][..], &records, vec![true; 3]),
        ("by name", limit(9), &["--only", "runaway"], &records, vec![true; 3]),
        ("over", limit(8), &[], &records, vec![false; 3]),
        ("no limit", Settings::default(), &[], &records, vec![false; 3]),
        ("not all seen", limit(9), &[], &failed, vec![false]),
        ("not asked", limit(9), &["--halt", "pass"], &records, vec![false; 3]),
        ("not asked about the account", limit(9), &["--only", "ec2_runaway"], &records, vec![false; 3]),
    ] {
        let done = audit_with(&settings, arguments, lines(records).as_bytes());
        assert_eq!(says_within(&done), expected, "{name}");
    }
    let excepted = settings(&format!(
        "[runaway]\nmax_running_instances = 8\n[[exceptions]]\ncheck = \"account_runaway\"\naccount = \"{ACCOUNT}\"\nreason = \"x\""
    ));
    assert_eq!(says_within(&brake(&excepted, &[], &records)), [false; 3]);
}

#[test]
fn at_the_limit_nothing_happens_and_one_above_everything() {
    let others = [group(), user("jane"), role("admin"), instance("eu-west-1", "i-off", "stopped")];
    let gone = instance("eu-west-1", "i-gone", "terminated");
    let records = [listed(THREE), others.to_vec(), running(THREE, 3), vec![gone]].concat();
    let at = brake(&limit(9), &["--fail-on", "low"], &records);
    assert_eq!(at.findings(), [""; 0], "no single region is over, nor all together");
    assert_eq!((at.exit, at.of_kind("scope").len()), (Exit::Done, 3));
    assert_eq!(at.stderr.matches("limit").count(), 1, "only what -v says: {}", at.stderr);

    let over = brake(&limit(8), &["--fail-on", "critical"], &records);
    assert_eq!(over.exit, Exit::No);
    let found = account(&over);
    assert_eq!(
        (&found["status"], &found["severity"], &found["action"]),
        (&json!("fail"), &json!("critical"), &Value::Null)
    );
    assert_eq!(
        (&found["type"], &found["id"], &found["region"]),
        (&json!("account"), &json!(ACCOUNT), &json!("global"))
    );
    assert_eq!(found["arn"], "arn:aws:iam::111122223333:root");
    assert_eq!(found["key"], "account_runaway:arn:aws:iam::111122223333:root");
    let title = "Account 111122223333 is over its limit: 9 instances run, 1 over the 8 that may; to be halted: \
                 9 EC2 instances, 1 Auto Scaling group, 1 IAM user, 1 IAM role";
    assert_eq!(found["title"], title);
    assert!(over.stderr.contains(&format!("audit: warning: {title}\n")), "{}", over.stderr);
    let regions = json!({"ap-south-1": 3, "eu-west-1": 3, "us-east-1": 3});
    assert_eq!(found["evidence"], json!({"RunningInstances": {"Total": 9, "Regions": regions, "Limit": 8}}));
    let halted = halted(&over);
    assert_eq!(halted.len(), 12, "{halted:?}");
    assert_eq!(halted[0], "auto_scaling_group_runaway web asg_suspend", "what would start others goes before them");
    assert_eq!(halted.iter().filter(|it| it.starts_with("ec2_runaway ") && it.ends_with(" ec2_halt")).count(), 9);
    assert_eq!(halted[10..], ["iam_user_runaway jane disable", "iam_role_runaway admin disable"]);
    let first = &over.of_kind("finding")[2];
    assert_eq!(first["evidence"]["Account"], "9 instances run, 1 over the 8 that may");
    assert_eq!(first["tags"]["Owner"], "web", "whoever is told of it goes by its tags");

    assert_eq!(halted_count(&brake(&limit(0), &[], &records)), 12);
    assert_eq!(brake(&settings(""), &[], &records).findings(), [""; 0], "no limit, no question");
}

fn halted_count(done: &Done) -> usize {
    halted(done).len()
}

#[test]
fn what_is_about_to_run_counts_and_is_halted() {
    let mut pending = instance("eu-west-1", "i-new", "pending");
    pending["settled"] = json!(false);
    let records = [listed(&["eu-west-1"]), running(&["eu-west-1"], 1), vec![pending]].concat();
    let done = brake(&limit(1), &[], &records);
    assert_eq!(halted(&done), ["ec2_runaway i-eu-west-1-0 ec2_halt", "ec2_runaway i-new ec2_halt"]);
    assert_eq!(done.of_kind("unsettled").len(), 0, "nothing else was asked of it");
    let all = audit_with(&limit(1), &[], lines(&records).as_bytes());
    assert_eq!((halted_count(&all), all.of_kind("unsettled").len()), (2, 1), "the other checks wait: {}", all.stdout);
}

#[test]
fn an_instance_that_goes_by_twice_is_one() {
    let once = [listed(&["eu-west-1"]), running(&["eu-west-1"], 2)].concat();
    let twice = [once.clone(), once].concat();
    assert_eq!(brake(&limit(2), &[], &twice).findings(), [""; 0]);
    assert_eq!(halted_count(&brake(&limit(1), &[], &twice)), 2);
}

#[test]
fn the_later_look_at_an_instance_counts() {
    let at = |mut record: Value, time: &str| {
        record["observed_at"] = json!(time);
        record
    };
    let (yesterday, today) = ("2026-11-19T10:00:00Z", "2026-11-20T10:00:00Z");
    let night = |state: &str, time: &str| -> Vec<Value> {
        ["i-1", "i-2"].iter().map(|id| at(instance("eu-west-1", id, state), time)).collect()
    };
    let ok = || listed(&["eu-west-1"]);
    let i3 = || vec![at(instance("eu-west-1", "i-3", "running"), today)];
    let (was, is) = (night("running", yesterday), night("stopped", today));
    // Two nights in one stream, in whichever order: who has been stopped since does not make the account run away.
    for records in [[ok(), was.clone(), is.clone(), i3()].concat(), [ok(), is.clone(), i3(), was.clone()].concat()] {
        assert_eq!(brake(&limit(1), &[], &records).findings(), [""; 0]);
        let over = brake(&limit(0), &[], &records);
        assert_eq!(halted(&over), ["ec2_runaway i-3 ec2_halt"]);
        let evidence = json!({"Total": 1, "Regions": {"eu-west-1": 1}, "Limit": 0});
        assert_eq!(account(&over)["evidence"]["RunningInstances"], evidence);
    }
    let started = [ok(), night("running", today), night("stopped", yesterday)].concat();
    assert_eq!(halted_count(&brake(&limit(1), &[], &started)), 2);
    // Of one time, the more alarming word counts.
    let both = [ok(), night("stopped", today), night("running", today), night("stopped", today)].concat();
    assert!(account(&brake(&limit(1), &[], &both))["title"].as_str().unwrap().contains("2 instances run"));
}

#[test]
fn a_poll_without_spending_is_no_failed_look_at_it() {
    let both = settings("[runaway]\nmax_running_instances = 2\nmax_spend = \"800 USD / 6h\"");
    let nightly = [listed(&["eu-west-1"]), running(&["eu-west-1"], 2)].concat();
    let all = |settings: &Settings, records: &[Value]| audit_with(settings, &[], lines(records).as_bytes());
    let done = all(&both, &nightly);
    assert_eq!((done.findings(), done.exit), (Vec::new(), Exit::Done), "{}", done.stderr);
    let found = account(&all(&both, &[nightly.clone(), vec![instance("eu-west-1", "i-3", "running")]].concat()));
    assert_eq!((&found["status"], &found["evidence"]["Spend"]), (&json!("fail"), &Value::Null), "{found}");
    assert!(!found["title"].as_str().unwrap().contains("not all was seen"), "{found}");
    // Asked for by name it is missed, and so is what was listed in vain.
    assert_eq!(account(&brake(&both, &[], &nightly))["status"], "unknown");
    assert_eq!(account(&all(&both, &[nightly, vec![spend_listed("failed")]].concat()))["status"], "unknown");
}

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

#[test]
fn each_account_has_its_own_limit() {
    let two_each: Vec<Value> = ["111122223333", "444455556666", "777788889999"]
        .iter()
        .flat_map(|account| {
            let records = [listed(&["eu-west-1"]), running(&["eu-west-1"], 2), vec![user("jane")]].concat();
            records.into_iter().map(|record| of_account(record, account)).collect::<Vec<_>>()
        })
        .collect();
    let settings = settings(
        r#"
        [runaway]
        max_running_instances = 1
        [accounts."444455556666"]
        max_running_instances = 2
        [accounts."777788889999"]
        name = "sandbox"
        "#,
    );
    let done = brake(&settings, &[], &two_each);
    let mut accounts: Vec<Value> = done.of_kind("finding").iter().map(|finding| finding["account"].clone()).collect();
    accounts.dedup();
    assert_eq!(accounts, ["111122223333", "777788889999"], "one after the other");
    assert_eq!(halted_count(&done), 6);
    let only = self::settings("[accounts.\"444455556666\"]\nmax_running_instances = 1");
    let done = brake(&only, &[], &two_each);
    assert_eq!((halted_count(&done), done.of_kind("finding")[0]["account"].clone()), (3, json!("444455556666")));
}

#[test]
fn spending_is_a_limit_too() {
    let limit = |text: &str| settings(&format!("[runaway]\nmax_spend = \"{text}\""));
    let ok = spend_listed("ok");
    let mut late = spend(900.0, "USD");
    late["observed_at"] = json!("2026-11-22T08:00:01Z");
    let mut nothing = spend(900.0, "USD");
    nothing["config"] = json!({"EstimatedCharges": []});
    nothing["unread"] =
        json!([{"field": "EstimatedCharges", "operation": "cloudwatch:GetMetricData", "code": "AccessDenied"}]);
    let mut next_month = spend(900.0, "USD");
    next_month["config"]["EstimatedCharges"][1]["Timestamp"] = json!("2026-11-30T23:00:00Z");
    next_month["observed_at"] = json!("2026-12-01T01:00:00Z");
    let rows: &[(&str, &str, Vec<Value>, &str, &str)] = &[
        ("at it", "800 USD / 6h", vec![ok.clone(), spend(800.0, "USD")], "", ""),
        (
            "over it",
            "800 USD / 6h",
            vec![ok.clone(), spend(800.5, "USD")],
            "fail",
            "800.50 USD were spent from 2026-11-20T02:00:00Z to 2026-11-20T08:00:00Z, 0.50 USD over the 800 USD / 6h that may be",
        ),
        ("over a month's", "1800 USD / month", vec![ok.clone(), spend(900.0, "USD")], "fail", "1900.00 USD were spent"),
        ("within a month's", "1900 USD / month", vec![ok.clone(), spend(900.0, "USD")], "", ""),
        ("a month that has just begun", "1800 USD / month", vec![ok.clone(), next_month], "", ""),
        (
            "another currency",
            "8000 CNY / 6h",
            vec![ok.clone(), spend(9.0, "USD")],
            "unknown",
            "told in USD, and the limit is in CNY",
        ),
        (
            "a window that nobody tells of",
            "1 USD / 1h",
            vec![ok.clone(), spend(9.0, "USD")],
            "unknown",
            "no source tells what was spent in 1h",
        ),
        (
            "an old word",
            "800 USD / 6h",
            vec![ok.clone(), late],
            "unknown",
            "no source tells what was spent after 2026-11-20T08:00:00Z",
        ),
        (
            "no word",
            "800 USD / 6h",
            vec![ok.clone(), nothing],
            "unknown",
            "EstimatedCharges: cloudwatch:GetMetricData answered AccessDenied",
        ),
        ("no record", "800 USD / 6h", vec![ok.clone()], "unknown", "there is no record of it: `poll --types spend`"),
        ("nobody looked", "800 USD / 6h", vec![scope("ok", "ec2")], "unknown", "spend (no scope record says"),
        (
            "a failure",
            "800 USD / 6h",
            vec![spend_listed("failed"), spend(8.0, "USD")],
            "unknown",
            "spend global (spend:List",
        ),
        (
            "a failure, and over",
            "7 USD / 6h",
            vec![spend_listed("failed"), spend(8.0, "USD")],
            "fail",
            "spend global (spend:List",
        ),
    ];
    for (name, text, records, status, words) in rows {
        let records = [records.clone(), vec![user("jane")]].concat();
        let done = brake(&limit(text), &[], &records);
        if status.is_empty() {
            assert_eq!(done.findings(), [""; 0], "{name}");
            continue;
        }
        let found = account(&done);
        assert_eq!(found["status"], *status, "{name}");
        assert!(found["title"].as_str().unwrap().contains(words), "{name}: {}", found["title"]);
        assert_eq!(halted_count(&done), usize::from(*status == "fail"), "{name}");
    }
    let both = settings("[runaway]\nmax_running_instances = 1\nmax_spend = \"800 USD / 6h\"");
    let records = [listed(&["eu-west-1"]), running(&["eu-west-1"], 2), vec![ok, spend(1000.0, "USD")]].concat();
    let found = account(&brake(&both, &[], &records));
    let title = found["title"].as_str().unwrap();
    assert!(title.contains("2 instances run, 1 over the 1 that may, and 1000.00 USD were spent"), "{title}");
    assert_eq!(found["evidence"]["Spend"]["Source"], "EstimatedCharges");
    assert_eq!(found["evidence"]["Spend"]["Amount"], "1000");
    let unknown = account(&brake(&both, &[], &records[..3]));
    assert_eq!(unknown["status"], "fail", "one of them is enough: {unknown}");
}

#[test]
fn the_exempt_are_named_in_the_settings() {
    let settings = settings(
        r#"
        [runaway]
        max_running_instances = 1
        [aws]
        role = "sluice"
        [[exceptions]]
        check = "iam_user_runaway"
        id = "break-glass-*"
        reason = "the way back in"
        [[exceptions]]
        check = "ec2_runaway"
        tags = { Owner = "nobody" }
        reason = "never seen"
        "#,
    );
    let records = [
        listed(&["eu-west-1"]),
        running(&["eu-west-1"], 2),
        ["jane", "break-glass-1"].map(user).to_vec(),
        ["admin", "sluice"].map(role).to_vec(),
    ]
    .concat();
    let done = brake(&settings, &[], &records);
    let ids: Vec<String> = halted(&done).iter().map(|line| line.split(' ').nth(1).unwrap().to_owned()).collect();
    assert_eq!(ids, ["i-eu-west-1-0", "i-eu-west-1-1", "jane", "admin"]);
    let excepted: Vec<Value> =
        done.of_kind("finding").into_iter().filter(|finding| finding["status"] == "excepted").collect();
    let told: Vec<[&Value; 3]> = excepted.iter().map(|it| [&it["id"], &it["reason"], &it["action"]]).collect();
    let sluice = json!("Sluice itself enters the account by this role (the settings' [aws])");
    assert_eq!(told[0], [&json!("break-glass-1"), &json!("the way back in"), &Value::Null]);
    assert_eq!(told[1], [&json!("sluice"), &sluice, &Value::Null]);
    let title = account(&done)["title"].as_str().unwrap().to_owned();
    assert!(title.ends_with("1 IAM user, 1 IAM role; excepted: 1 IAM user, 1 IAM role"), "{title}");
}

#[test]
fn an_account_that_may_be_over_its_limit_is_not_halted() {
    let over = [listed(&["eu-west-1"]), running(&["eu-west-1"], 2)].concat();
    let tagged = json!({
        "kind": "resource", "account": ACCOUNT, "region": "global", "type": "account", "id": ACCOUNT,
        "arn": format!("arn:aws:iam::{ACCOUNT}:root"), "tags": {"Stage": "load-test"}, "config": {},
    });
    let settings = settings(
        r#"
        [runaway]
        max_running_instances = 1
        [[exceptions]]
        check = "account_runaway"
        tags = { Stage = "load-test" }
        reason = "the load test of November"
        "#,
    );
    assert_eq!(halted_count(&brake(&settings, &[], &over)), 2, "nobody said anything of this account");
    let done = brake(&settings, &["--fail-on", "low"], &[over, vec![tagged]].concat());
    assert_eq!(done.findings(), ["account_runaway excepted"]);
    assert_eq!(account(&done)["reason"], "the load test of November");
    assert_eq!(account(&done)["tags"]["Stage"], "load-test");
    assert_eq!(done.exit, Exit::Done);
    assert!(done.stderr.contains("this is excepted, and nothing is halted"), "{}", done.stderr);
    let by_id = self::settings(
        "[runaway]\nmax_running_instances = 9\n[[exceptions]]\ncheck = \"account_runaway\"\naccount = \"1111*\"\nreason = \"x\"",
    );
    let done = brake(&by_id, &[], &running(&["eu-west-1"], 2));
    assert_eq!(
        (done.findings(), done.exit),
        (vec!["account_runaway excepted".to_owned()], Exit::Done),
        "nor need it be known"
    );
}

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
        self::settings("[[exceptions]]\ncheck = \"iam_user_runaway\"\nid = \"jane\"\nreason = \"x\"").exceptions;
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
