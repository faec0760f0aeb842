//! What was spent, weighed against its own limit.

use common::exit::Exit;
use common::settings::Settings;
use serde_json::{Value, json};

use super::{ACCOUNT, account, brake, halted_count, instance, listed, running, settings, user};
use crate::tests::{audit_with, lines, scope};

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
