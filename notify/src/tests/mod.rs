//! The whole of `notify` against servers that answer in every way.

mod http;
mod live;
mod mail;
mod server;
mod slack;
mod sns;

use std::future::pending;
use std::io::{Cursor, Read};
use std::time::Duration;

use clap::Parser;
use common::aws::block_on;
use common::cli::{Captured, Io, Say};
use common::exit::Exit;
use common::record::{Delivery, Finding, Severity};
use common::settings::{Settings, Zone};
use serde_json::json;

use crate::channels::Channel;
use crate::configure::{self, Setup};
use crate::memory::Memory;
use crate::samples;
use crate::send::Policy;
use crate::{Args, run_with};

/// What a run did.
#[derive(Debug)]
struct Ran {
    exit: Result<Exit, Exit>,
    deliveries: Vec<Delivery>,
    stdout: String,
    stderr: String,
}

/// Quick enough for a test.
const QUICK: Policy = Policy {
    attempts: 3,
    timeout: Duration::from_millis(700),
    backoff: Duration::from_millis(20),
    longest: Duration::from_millis(80),
};

/// Runs `notify` with channels that hear of everything.
fn run(arguments: &[&str], input: &str, channels: Vec<Channel>) -> Ran {
    let setup = configure::for_everybody(channels, &Zone::default(), &Settings::default()).unwrap();
    run_setup(arguments, Cursor::new(input.to_owned()), setup, pending())
}

/// Runs `notify` until the input ends, or `stop` does.
fn run_setup(
    arguments: &[&str],
    input: impl Read + Send + 'static,
    setup: Setup,
    stop: impl Future<Output = ()>,
) -> Ran {
    let (out, said) = (Captured::default(), Captured::default());
    let result = run_into(arguments, input, setup, stop, &out, &said);
    let stdout = out.text();
    let deliveries = stdout.lines().filter(|line| line.starts_with(r#"{"kind":"delivery""#));
    let deliveries = deliveries.map(|line| serde_json::from_str(line).unwrap()).collect();
    Ran { exit: result, deliveries, stdout, stderr: said.text() }
}

/// The same, where somebody else looks at what it writes.
fn run_into(
    arguments: &[&str],
    input: impl Read + Send + 'static,
    setup: Setup,
    stop: impl Future<Output = ()>,
    out: &Captured,
    said: &Captured,
) -> Result<Exit, Exit> {
    let say: &'static Say = Box::leak(Box::new(Say::to("notify", said.clone())));
    let io = Io { input: Box::new(input), output: Box::new(out.clone()), terminal: false, say };
    let args = Args::parse_from([&["notify"], arguments].concat());
    block_on(run_with(&args, setup, Memory::default(), io, QUICK, stop)).map_err(|failure| {
        say.error(&failure);
        failure.exit()
    })
}

/// An alert: a message of its own.
fn alert(key: &str) -> String {
    let alert = json!({
        "kind": "alert", "key": key, "incident": "i", "status": "open", "severity": "critical", "trigger": "used",
        "account": "111122223333", "region": "us-east-1", "type": "iam_user", "id": "svc",
        "arn": "arn:aws:iam::111122223333:user/svc", "title": format!("Decoy svc was used: {key}"),
        "token": {"id": "tk_1", "name": "svc"}, "at": "2026-11-20T10:00:00Z"
    });
    format!("{alert}\n")
}

/// So many messages.
fn alerts(count: usize) -> String {
    (0..count).map(|index| alert(&format!("i/{index}"))).collect()
}

/// Findings in so many accounts: one message.
fn findings(accounts: usize) -> String {
    let line = |index: usize| {
        let account = format!("{:012}", index + 1).parse().unwrap();
        let finding = Finding { account, ..samples::finding(&format!("b{index}"), Severity::High) };
        serde_json::to_string(&finding).unwrap() + "\n"
    };
    (0..accounts).map(line).collect()
}

#[test]
fn without_a_channel_it_does_not_start() {
    let ran = run(&[], &findings(1), Vec::new());
    assert_eq!(ran.exit, Err(Exit::CannotStart));
    assert!(ran.stderr.contains("no channel is configured: set SLACK_WEBHOOK_URL"), "{}", ran.stderr);
}

#[test]
fn a_dry_run_needs_neither_channel_nor_network() {
    let ran = run(&["--dry-run"], &(findings(2) + &alerts(1)), Vec::new());
    assert_eq!(ran.exit, Ok(Exit::Done));
    let channels: Vec<_> = ran.deliveries.iter().map(|delivery| delivery.channel.as_str()).collect();
    assert_eq!(channels, ["slack", "sns", "slack", "sns"]);
    for line in ran.stdout.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(record["kind"], "delivery");
        assert_eq!(record["status"], "planned");
        assert_eq!(record["attempts"], 0);
        let payload = &record["payload"];
        assert!(payload["blocks"].is_array() || payload["Message"].is_string(), "{payload}");
    }
}

#[test]
fn a_quiet_night_is_no_message() {
    let input = "{\"kind\":\"resource\"}\n";
    let ran = run(&["--dry-run"], input, Vec::new());
    assert_eq!((ran.exit, ran.stdout.as_str()), (Ok(Exit::Done), input));
    assert!(ran.stderr.contains("nothing to tell"), "{}", ran.stderr);
}
