//! What runs is counted, in all regions and of each account by itself.

use common::exit::Exit;
use serde_json::{Value, json};

use super::{
    ACCOUNT, account, brake, group, halted, halted_count, instance, limit, listed, role, running, settings, user,
};
use crate::tests::{audit_with, lines};

const THREE: &[&str] = &["eu-west-1", "us-east-1", "ap-south-1"];

fn of_account(mut record: Value, account: &str) -> Value {
    for field in ["account", "arn"] {
        if let Some(text) = record[field].as_str() {
            record[field] = json!(text.replace(ACCOUNT, account));
        }
    }
    record
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
    let only = super::settings("[accounts.\"444455556666\"]\nmax_running_instances = 1");
    let done = brake(&only, &[], &two_each);
    assert_eq!((halted_count(&done), done.of_kind("finding")[0]["account"].clone()), (3, json!("444455556666")));
}
