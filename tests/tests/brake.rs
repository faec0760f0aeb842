//! The emergency brake by the binary alone: the settings' file, the flag and the variable that hold it, and what people see.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use tests::{Ran, Tool, ndjson};

const REGIONS: [&str; 3] = ["eu-west-1", "us-east-1", "ap-south-1"];

/// The original's test: three instances in each of three regions, of which none by itself is over a limit of four.
fn runaway() -> Vec<Value> {
    let account = "111122223333";
    let mut records = Vec::new();
    for region in REGIONS {
        for number in 0..3 {
            let id = format!("i-{region}-{number}");
            records.push(json!({
                "kind": "resource", "account": account, "region": region, "type": "ec2", "id": id,
                "arn": format!("arn:aws:ec2:{region}:{account}:instance/{id}"),
                "config": {"InstanceId": id, "State": {"Name": "running"}, "RootDeviceType": "ebs"},
            }));
        }
        records.push(json!({
            "kind": "scope", "account": account, "region": region, "type": "ec2", "status": "ok", "resources": 3,
        }));
    }
    records
}

/// `audit --only runaway` under a limit.
fn audit(limit: u64, change: impl FnOnce(Tool) -> Tool) -> Ran {
    let tool =
        Tool::new("audit").args(["--now", "2026-11-20T10:00:00Z", "--only", "runaway", "--config", "sluice.toml"]);
    std::fs::write(tool.home().join("sluice.toml"), format!("[runaway]\nmax_running_instances = {limit}\n")).unwrap();
    change(tool.stdin(ndjson(&runaway()))).run()
}

fn actions(ran: &Ran) -> Vec<Value> {
    ran.matching(&json!({"kind": "finding", "check": "ec2_runaway"})).iter().map(|it| it["action"].clone()).collect()
}

#[test]
fn the_original_s_test() {
    let ran = audit(4, |tool| tool.args(["--fail-on", "critical"])).exits(1);
    assert_eq!(actions(&ran), vec![json!("ec2_halt"); 9], "{ran}");
    let account = ran.one(&json!({"check": "account_runaway"}));
    let title =
        "Account 111122223333 is over its limit: 9 instances run, 5 over the 4 that may; to be halted: 9 EC2 instances";
    assert_eq!(account["title"], title, "{ran}");
    assert!(ran.stderr.contains(title), "{ran}");
    assert_eq!(ran.kind("scope").len(), 3, "{ran}");

    let at = audit(9, |tool| tool.args(["--fail-on", "low"])).exits(0);
    assert_eq!((at.kind("finding").len(), at.stderr.as_str()), (0, ""), "{at}");
}

#[test]
fn the_brake_is_held_by_a_flag_or_the_original_s_variable() {
    type Row<'a> = (Option<&'a str>, &'a [&'a str], usize, &'a str);
    let rows: &[Row<'_>] = &[
        (None, &[], 9, ""),
        (Some("pass"), &[], 0, "--halt pass"),
        (Some("proceed"), &[], 9, ""),
        (Some("PASS"), &[], 0, "--halt pass"),
        (None, &["--halt", "pass"], 0, "--halt pass"),
        (None, &["--halt", "plan"], 9, "--halt plan"),
        (Some("pass"), &["--halt", "proceed"], 9, ""),
        (Some("proceed"), &["--halt", "pass"], 0, "--halt pass"),
    ];
    for (variable, arguments, found, said) in rows {
        let ran = audit(4, |tool| match variable {
            Some(value) => tool.env("envaction", *value).args(*arguments),
            None => tool.args(*arguments),
        })
        .exits(0);
        assert_eq!(actions(&ran).len(), *found, "{variable:?} {arguments:?}: {ran}");
        assert!(ran.stderr.contains(said), "{variable:?} {arguments:?}: {ran}");
        assert_eq!(ran.stderr.contains("--halt"), !said.is_empty(), "{variable:?} {arguments:?}: {ran}");
        let planned = arguments.contains(&"plan");
        assert!(actions(&ran).iter().all(|action| action.is_null() == planned), "{ran}");
    }
    // A brake that was misspelt is one that is off, or one that is pulled: neither was meant.
    let ran = audit(4, |tool| tool.env("envaction", "hold")).exits(2);
    assert!(ran.stderr.contains("proceed, pass, plan"), "{ran}");
}

#[test]
fn people_see_what_is_over_and_by_how_much() {
    let ran = audit(4, |tool| tool.args(["-o", "table"])).exits(0);
    let words = ran.text().split_whitespace().collect::<Vec<_>>().join(" ");
    for expected in ["9 instances run, 5 over the 4", "ec2_halt", "10 critical in 9 resources"] {
        assert!(words.contains(expected), "{ran}");
    }
}

#[test]
fn a_limit_that_is_misspelt_says_what_is_right() {
    let tool = Tool::new("audit").args(["--config", "sluice.toml"]);
    std::fs::write(tool.home().join("sluice.toml"), "[runaway]\nmax_spend = \"800 USD\"\n").unwrap();
    let ran = tool.run().exits(4);
    assert!(ran.stderr.contains("write an amount, a currency and a time, such as `800 USD / 6h`"), "{ran}");
    assert!(ran.stderr.contains("line 2"), "{ran}");
}
