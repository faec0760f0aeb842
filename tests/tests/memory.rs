//! What `notify --memory` remembers, through the real binaries: said once, until it changes, is put right, or its time has come.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use common::resource::ResourceType;
use serde_json::{Value, json};
use tests::http::Request;
use tests::many::Place;
use tests::record::finding;
use tests::{Account, HttpSink, Ran, Reply, Tool, ndjson};

const REGION: &str = "us-east-1";
const MEMORY: &str = "said.json";

/// An account with queues that anybody may send to.
fn queues(count: usize) -> Account {
    let account = Account::new();
    Place { account: &account, region: REGION }.make(ResourceType::Sqs, count);
    account
}

/// What poll and audit say of the account's queues.
fn found(account: &Account) -> Vec<Value> {
    let polled = account.tool("poll").args(["--types", "sqs", "--regions", REGION]).run().exits(0);
    polled.pipe("audit").args(["--checks", "sqs_public"]).run().exits(0).records()
}

fn notify(account: &Account, records: &[Value]) -> Tool {
    account.tool("notify").args(["--memory", MEMORY, "--file", "told.ndjson"]).stdin(ndjson(records))
}

fn path(account: &Account) -> PathBuf {
    account.tool("notify").home().join(MEMORY)
}

fn memory(account: &Account) -> Value {
    serde_json::from_str(&fs::read_to_string(path(account)).unwrap()).unwrap()
}

/// How many keys were told of, in messages that got through.
fn told(ran: &Ran) -> usize {
    let delivered = ran.matching(&json!({"kind": "delivery", "status": "delivered"}));
    delivered.iter().map(|delivery| delivery["keys"].as_array().unwrap().len()).sum()
}

#[test]
fn the_second_night_is_quiet_and_what_was_put_right_is_said_once() {
    let account = queues(3);
    let first = found(&account);
    assert_eq!(told(&notify(&account, &first).run().exits(0)), 3);
    assert_eq!(memory(&account)["said"].as_array().unwrap().len(), 3);
    let second = notify(&account, &found(&account)).run().exits(0).says("3 records not told again");
    assert_eq!(told(&second), 0, "{second}");

    // One of them is put right.
    let findings: Vec<Value> = first.iter().filter(|record| record["kind"] == "finding").take(1).cloned().collect();
    let _ = account.tool("remediate").args(["--apply"]).stdin(ndjson(&findings)).run().exits(0);
    let after = found(&account);
    // Not looked is not clean, and a stream that breaks off is no look.
    let without_scopes: Vec<Value> = after.iter().filter(|record| record["kind"] != "scope").cloned().collect();
    let scopes: Vec<Value> = after.iter().filter(|record| record["kind"] == "scope").cloned().collect();
    for records in [without_scopes, scopes, vec![]] {
        assert_eq!(told(&notify(&account, &records).run().exits(0)), 0);
    }
    let third = notify(&account, &after).run().exits(0);
    let delivery = third.one(&json!({"kind": "delivery", "status": "delivered"}));
    assert!(delivery["keys"].as_array().unwrap().contains(&findings[0]["key"]), "{third}");
    let text = fs::read_to_string(account.tool("notify").home().join("told.ndjson")).unwrap();
    assert!(text.lines().last().unwrap().contains("Resolved"), "{text}");
    assert_eq!(memory(&account)["said"].as_array().unwrap().len(), 2);
    let fourth = notify(&account, &found(&account)).run().exits(0);
    assert_eq!(fourth.kind("delivery").len(), 0, "{fourth}");
}

#[test]
fn it_is_said_again_when_its_time_has_come() {
    let account = Account::new();
    let records = [finding(account.id(), "acme-logs", "high")];
    assert_eq!(told(&notify(&account, &records).args(["--repeat", "7d"]).run().exits(0)), 1);
    assert_eq!(told(&notify(&account, &records).args(["--repeat", "7d"]).run().exits(0)), 0);
    let mut memory = memory(&account);
    memory["said"][0]["last_said"] = json!("2026-01-01T00:00:00Z");
    fs::write(path(&account), memory.to_string()).unwrap();
    assert_eq!(told(&notify(&account, &records).run().exits(0)), 0, "nobody asked for it");
    assert_eq!(told(&notify(&account, &records).args(["--repeat", "7d"]).run().exits(0)), 1);
    assert_eq!(told(&notify(&account, &records).args(["--repeat", "7d"]).run().exits(0)), 0);
}

#[test]
fn two_runs_at_once_say_it_once() {
    let account = Account::new();
    let records: Vec<Value> =
        (0..200).map(|number| finding(account.id(), &format!("bucket-{number}"), "high")).collect();
    let told: usize = thread::scope(|scope| {
        let run = || scope.spawn(|| told(&notify(&account, &records).run().exits(0)));
        let runs: Vec<_> = (0..4).map(|_| run()).collect();
        runs.into_iter().map(|run| run.join().unwrap()).sum()
    });
    // What one run says, another may count beside what it says itself: nothing was left to it.
    assert_eq!(told, 200);
    assert_eq!(memory(&account)["said"].as_array().unwrap().len(), 200);
    assert!(!fs::read_to_string(path(&account)).unwrap().contains("claims"));
}

#[test]
fn what_a_run_that_was_killed_was_about_to_say_is_said() {
    let account = Account::new();
    let sink = HttpSink::new([Reply::Hang]);
    let records = [finding(account.id(), "acme-logs", "high")];
    let tool = || {
        let url = format!("{}/secret", sink.url());
        account.tool("notify").args(["--memory", MEMORY]).env("SLACK_WEBHOOK_URL", url).stdin(ndjson(&records))
    };
    let mut killed = tool().command().stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    killed.stdin.take().unwrap().write_all(&ndjson(&records)).unwrap();
    while sink.requests().is_empty() {
        thread::sleep(Duration::from_millis(20));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    let mut memory = memory(&account);
    assert!(memory["said"][0]["last_said"].is_null(), "{memory}");
    // Another one may be at it.
    assert_eq!(told(&tool().run().exits(0)), 0);
    // Its time is over.
    memory["said"][0]["claims"][0]["until"] = json!("2026-01-01T00:00:00Z");
    fs::write(path(&account), memory.to_string()).unwrap();
    assert_eq!(told(&tool().run().exits(0)), 1);
    assert_eq!(told(&tool().run().exits(0)), 0);
}

#[test]
fn what_did_not_get_through_is_said_by_the_next_run() {
    let account = Account::new();
    let sink = HttpSink::new([Reply::status(404, "no_service")]);
    let records = [finding(account.id(), "acme-logs", "high")];
    let run = || {
        let url = format!("{}/secret", sink.url());
        let tool = account.tool("notify").args(["--memory", MEMORY, "--file", "told.ndjson"]);
        tool.env("SLACK_WEBHOOK_URL", url).stdin(ndjson(&records)).run()
    };
    let first = run().exits(3);
    assert_eq!(told(&first), 1, "the file got it: {first}");
    let second = run().exits(0);
    let _ = second.one(&json!({"kind": "delivery", "channel": "slack", "status": "delivered"}));
    assert_eq!(second.kind("delivery").len(), 1, "and hears of it no more: {second}");
    assert_eq!(run().exits(0).kind("delivery").len(), 0);
}

#[test]
fn a_memory_that_is_not_understood_is_left_alone_and_nothing_is_read() {
    let account = Account::new();
    let records = [finding(account.id(), "acme-logs", "high")];
    for (text, why) in [
        ("{\"said\": [\n{]}", "line 2"),
        ("[]", "line 1"),
        ("said", "line 1"),
        ("{\"said\": [{\"key\": 7}]}", "line 1"),
        ("\u{0}\u{1}", "line 1"),
    ] {
        fs::write(path(&account), text).unwrap();
        let ran = notify(&account, &records).run().exits(4).says("said.json").says(why).says("nothing was overwritten");
        assert!(ran.stdout.is_empty(), "{ran}");
        assert_eq!(fs::read_to_string(path(&account)).unwrap(), text);
    }
    fs::write(path(&account), b"\xff\xfe").unwrap();
    let _ = notify(&account, &records).run().exits(4).says("cannot read the memory");
    for place in ["no/said.json", "s3://", "s3://bucket"] {
        let tool = account.tool("notify").args(["--memory", place, "--file", "told.ndjson"]).stdin(ndjson(&records));
        let _ = tool.run().exits(4).says("memory");
    }
    // Nothing in it is nothing said.
    fs::write(path(&account), "").unwrap();
    assert_eq!(told(&notify(&account, &records).run().exits(0)), 1);
}

#[test]
fn a_dry_run_claims_nothing() {
    let account = Account::new();
    let records = [finding(account.id(), "acme-logs", "high")];
    for _ in 0..2 {
        let ran = notify(&account, &records).args(["--dry-run"]).run().exits(0);
        assert_eq!(ran.matching(&json!({"kind": "delivery", "status": "planned"})).len(), 1, "{ran}");
        assert!(!path(&account).exists());
    }
    assert_eq!(told(&notify(&account, &records).run().exits(0)), 1);
    assert_eq!(notify(&account, &records).args(["--dry-run"]).run().exits(0).kind("delivery").len(), 0);
}

#[test]
fn where_it_cannot_be_written_all_is_said_and_the_exit_code_says_so() {
    let account = Account::new();
    let records = [finding(account.id(), "acme-logs", "high")];
    let tool = notify(&account, &records);
    let webhook = HttpSink::new([]);
    let command = account.tool("notify").args(["--memory", MEMORY]).command();
    let mut line = vec![command.get_program().to_owned()];
    line.extend(command.get_args().map(ToOwned::to_owned));
    drop(tool);
    let full = account
        .tool("/bin/sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""])
        .args(line)
        .env("SLACK_WEBHOOK_URL", format!("{}/secret", webhook.url()))
        .stdin(ndjson(&records));
    let ran = full.run().exits(3).says("cannot write the memory");
    assert_eq!(told(&ran), 1, "{ran}");
}

#[test]
fn the_same_in_s3() {
    let account = Account::new();
    let bucket = format!("memory-{}", account.id());
    assert_eq!(account.call("s3", Request::new("PUT", &format!("/{bucket}"))).unwrap().status, 200);
    let place = format!("s3://{bucket}/sluice/said.json");
    let run = |records: &[Value]| {
        let tool = account.tool("notify").args(["--memory", &place, "--file", "told.ndjson"]);
        tool.stdin(ndjson(records)).run()
    };
    let records = [finding(account.id(), "acme-logs", "high")];
    assert_eq!(told(&run(&records).exits(0)), 1);
    assert_eq!(told(&run(&records).exits(0)), 0);
    let mut changed = records.clone();
    changed[0]["status"] = json!("unknown");
    assert_eq!(told(&run(&changed).exits(0)), 1);
    let scope = json!({
        "kind": "scope", "account": account.id(), "region": REGION, "type": "s3_bucket", "status": "ok", "resources": 0,
        "checks": ["s3_bucket_public_acl"], "findings": 0,
    });
    assert_eq!(told(&run(&[scope]).exits(0)), 1);
    let object = || account.call("s3", Request::new("GET", &format!("/{bucket}/sluice/said.json"))).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&object().text()).unwrap()["said"], json!([]));
    let path = format!("/{bucket}/sluice/said.json");
    assert_eq!(account.call("s3", Request::new("PUT", &path).body("rubbish")).unwrap().status, 200);
    let ran = run(&records).exits(4).says(&place).says("nothing was overwritten");
    assert!(ran.stdout.is_empty(), "{ran}");
    assert_eq!(object().text(), "rubbish");
}
