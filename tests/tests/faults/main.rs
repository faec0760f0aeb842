//! What goes wrong at AWS and on the way there, and what the tools make of it: never a clean account that nobody looked
//! at, never a fix that nobody saw, and never a secret in what they say.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod crash;
mod denied;
mod details;
mod drift;
mod rates;
mod refused;
mod start;
mod unsteady;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::http::Request;
use tests::{Account, Call, HttpSink, Proxy, Ran, Reply, Tool};

/// What no tool may ever show. The emulator takes any secret for good: it goes by the key's id.
const SECRETS: [(&str, &str); 3] = [
    ("AWS_SECRET_ACCESS_KEY", "sluice+FAULTS/ofThe/KeyDoNotShowThis"),
    ("AWS_SESSION_TOKEN", "IQoJsluiceFAULTSofTheTokenDoNotShowThis"),
    ("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T0FAULTS/B0FAULTS/WebhookDoNotShowThis"),
];

/// All fixes on, and the checks that ask nothing of an account unless told.
const SETTINGS: &str = r#"
required_tags = ["Owner"]
[checks.security_group_open]
fix = true
"#;

/// Far enough ahead for passwords and keys to be stale.
const NOW: &str = "2028-01-01T00:00:00Z";

const REGIONS: [&str; 2] = ["--regions", "us-east-1,eu-west-1"];

/// Runs a tool with recognisable secrets in its environment, and holds it to keeping them.
fn run(mut tool: Tool) -> Ran {
    for (name, secret) in SECRETS {
        tool = tool.env(name, secret);
    }
    quiet(tool)
}

/// Runs a tool, and holds it to keeping the secrets, in what it writes and in what it leaves behind.
fn quiet(tool: Tool) -> Ran {
    let home = tool.home().to_owned();
    let ran = tool.run();
    holds_no_secret("stdout", &ran.text());
    holds_no_secret("stderr", &ran.stderr);
    look_into(&home);
    ran
}

fn look_into(directory: &Path) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            look_into(&path);
        } else {
            let text = fs::read(&path).unwrap();
            holds_no_secret(&path.display().to_string(), &String::from_utf8_lossy(&text));
        }
    }
}

fn holds_no_secret(place: &str, text: &str) {
    for (name, secret) in SECRETS {
        // Their ends tell them apart, and are the same in whatever they are wrapped.
        let (_, end) = secret.split_at(secret.len() - 20);
        assert!(!text.contains(end), "{place} shows the value of {name}:\n{text}");
    }
}

/// Fills an account with mistakes of these types (`s3_bucket,sqs`).
fn misconfigure(account: &Account, types: &str) {
    let _ = account.tool("misconfigure").args(["--types", types]).run().exits(0);
}

fn poll(account: &Account, types: &str) -> Tool {
    account.tool("poll").args(REGIONS).args(["--types", types])
}

/// The next tool, with the settings and the time of these tests.
fn then(ran: &Ran, name: &str) -> Tool {
    configured(ran.pipe(name))
}

fn configured(tool: Tool) -> Tool {
    let path = tool.home().join("sluice.toml");
    fs::write(&path, SETTINGS).unwrap();
    tool.args(["--config".into(), path]).args(["--now", NOW])
}

/// `remediate --apply` without limits, on these records.
fn apply(account: &Account, records: &[Value]) -> Tool {
    configured(account.tool("remediate")).args(APPLY).stdin(tests::ndjson(records))
}

const APPLY: [&str; 6] = ["--apply", "--irreversible", "--max-actions", "200", "--max-percent", "100"];

/// The findings that fail, as an audit of these types in the account has them.
fn failing(account: &Account, types: &str) -> Vec<Value> {
    let polled = run(poll(account, types)).exits(0);
    run(then(&polled, "audit")).exits(0).matching(&json!({"kind": "finding", "status": "fail"}))
}

/// Whether a call changes anything.
fn is_write(call: &Call) -> bool {
    !["Get", "List", "Describe", "Generate", "Assume"].iter().any(|read| call.operation.starts_with(read))
}

fn writes(proxy: &Proxy) -> Vec<String> {
    proxy.calls().iter().filter(|call| is_write(call)).map(Call::name).collect()
}

/// How many outcomes there are of each status.
fn statuses(ran: &Ran) -> Vec<(String, usize)> {
    let mut counts = std::collections::BTreeMap::new();
    for outcome in ran.kind("outcome") {
        *counts.entry(outcome["status"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    counts.into_iter().collect()
}

/// Records without what differs from run to run, in a fixed order.
fn timeless(records: Vec<Value>) -> Vec<Value> {
    let mut records = records;
    for record in &mut records {
        if let Some(record) = record.as_object_mut() {
            for field in ["observed_at", "found_at", "at", "run"] {
                record.remove(field);
            }
        }
    }
    records.sort_by_cached_key(Value::to_string);
    records
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Queues that let anyone in, named `q-00` and so on; their URLs.
fn public_queues(account: &Account, count: usize) -> Vec<String> {
    (0..count).map(|number| put_queue(account, &format!("q-{number:02}"), &[public()])).collect()
}

/// A statement that lets anyone in.
fn public() -> Value {
    json!({"Sid": "Public", "Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"})
}

/// A statement that lets in the account itself.
fn own(account: &Account) -> Value {
    let principal = json!({"AWS": format!("arn:aws:iam::{}:root", account.id())});
    json!({"Sid": "Own", "Effect": "Allow", "Principal": principal, "Action": "sqs:*", "Resource": "*"})
}

/// Makes a queue with this policy, or gives it to one that is there. Answers its URL.
fn put_queue(account: &Account, name: &str, statements: &[Value]) -> String {
    let made = sqs(account, "CreateQueue", &json!({"QueueName": name}));
    let url = made["QueueUrl"].as_str().unwrap().to_owned();
    let policy = if statements.is_empty() {
        String::new()
    } else {
        json!({"Version": "2012-10-17", "Statement": statements}).to_string()
    };
    sqs(account, "SetQueueAttributes", &json!({"QueueUrl": url, "Attributes": {"Policy": policy}}));
    url
}

/// A call to SQS by hand.
fn sqs(account: &Account, operation: &str, input: &Value) -> Value {
    let request = Request::new("POST", "/")
        .with("Content-Type", "application/x-amz-json-1.0")
        .with("X-Amz-Target", format!("AmazonSQS.{operation}"))
        .body(input.to_string());
    let answer = account.call("sqs", request).unwrap();
    assert_eq!(answer.status, 200, "{operation}: {answer:?}");
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

fn wait_until(what: &str, check: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_mins(1);
    while !check() {
        assert!(Instant::now() < end, "{what}: not within a minute");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_webhook_that_fails_is_not_shown() {
    let account = Account::new();
    public_queues(&account, 1);
    let findings = tests::ndjson(&failing(&account, "sqs"));
    let sink = HttpSink::new([Reply::status(404, "no_service")]);
    // Wrong in each way in which it can be: turned down, cut short, without TLS.
    let (_, path) = SECRETS[2].1.split_once("slack.com").unwrap();
    for (url, code) in [
        (format!("{}{path}", sink.url()), 3),
        (format!("hooks.slack.com{path}"), 4),
        (format!("http://hooks.slack.com{path}"), 4),
    ] {
        let tool = account.tool("notify").stdin(findings.clone()).env(SECRETS[2].0, url);
        let ran = quiet(tool).exits(code);
        assert!(!ran.stderr.is_empty(), "{ran}");
    }
    assert_eq!(sink.requests().len(), 1);
}

#[test]
#[should_panic(expected = "stderr shows the value of AWS_SECRET_ACCESS_KEY")]
fn a_secret_that_is_said_is_found() {
    run(Account::new().tool("/bin/sh").args(["-c", "echo $AWS_SECRET_ACCESS_KEY >&2"]));
}

#[test]
#[should_panic(expected = "deep/journal shows the value of AWS_SESSION_TOKEN")]
fn a_secret_that_is_left_behind_is_found() {
    run(Account::new().tool("/bin/sh").args(["-c", "mkdir deep; echo $AWS_SESSION_TOKEN >deep/journal"]));
}
