//! The whole of `notify` against servers that answer in every way.

mod http;
mod mail;
mod server;
mod slack;
mod sns;

use std::time::Duration;

use clap::Parser;
use common::cli::{Io, Say};
use common::exit::Exit;
use common::record::{Delivery, Finding, Severity};
use common::settings::Settings;

use crate::channels::Channel;
use crate::samples;
use crate::send::Policy;
use crate::{Args, run_with};
use common::cli::Captured;

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

fn run(arguments: &[&str], input: &str, channels: Vec<Channel>) -> Ran {
    let (out, said) = (Captured::default(), Captured::default());
    let say = Say::to("notify", said.clone());
    let io = Io { input: Box::new(input.as_bytes()), output: Box::new(out.clone()), terminal: false, say: &say };
    let args = Args::parse_from([&["notify"], arguments].concat());
    let result = run_with(&args, &Settings::default(), io, channels, QUICK);
    let exit = result.map_err(|failure| {
        say.error(&failure);
        failure.exit()
    });
    let stdout = out.text();
    let deliveries = stdout.lines().filter(|line| line.starts_with(r#"{"kind":"delivery""#));
    let deliveries = deliveries.map(|line| serde_json::from_str(line).unwrap()).collect();
    Ran { exit, deliveries, stdout, stderr: said.text() }
}

/// Findings in so many accounts: as many messages.
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
    let ran = run(&["--dry-run"], &findings(2), Vec::new());
    assert_eq!(ran.exit, Ok(Exit::Done));
    let channels: Vec<_> = ran.deliveries.iter().map(|delivery| delivery.channel.as_str()).collect();
    assert_eq!(channels, ["slack", "slack", "sns", "sns"]);
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
