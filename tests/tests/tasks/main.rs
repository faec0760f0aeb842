//! `remediate --tasks`: warn first, act later. The life of a task; files that are not as they should be; many who write at
//! once; runs that die.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod broken;
mod fleet;
mod killed;
mod life;
mod objects;
mod race;
mod score;

use std::fs;
use std::path::PathBuf;

use common::resource::ResourceType;
use serde_json::{Value, json};
use tests::many::Place;
use tests::{Account, Ran, Tool, ndjson};

const REGION: &str = "us-east-1";

/// An account with queues that anybody may send to.
fn queues(count: usize) -> Account {
    let account = Account::new();
    Place { account: &account, region: REGION }.make(ResourceType::Sqs, count);
    account
}

/// What poll and audit say of the account's queues: findings and scopes.
fn stream(account: &Account) -> Vec<Value> {
    let polled = account.tool("poll").args(["--types", "sqs", "--regions", REGION]).run().exits(0);
    polled.pipe("audit").args(["--checks", "sqs_public"]).run().exits(0).records()
}

/// Where the tasks of an account are.
fn path(account: &Account) -> PathBuf {
    account.tool("remediate").home().join("tasks.json")
}

fn read(account: &Account) -> Value {
    serde_json::from_str(&fs::read_to_string(path(account)).unwrap()).unwrap()
}

fn filed(account: &Account) -> Vec<Value> {
    read(account)["tasks"].as_array().unwrap().clone()
}

fn write(account: &Account, file: &Value) {
    fs::write(path(account), format!("{file:#}\n")).unwrap();
}

/// Changes each task in the file by hand.
fn edit(account: &Account, change: impl Fn(&mut Value)) {
    let mut file = read(account);
    file["tasks"].as_array_mut().unwrap().iter_mut().for_each(change);
    write(account, &file);
}

/// Makes all that is in the file due.
fn make_due(account: &Account) {
    edit(account, |task| task["action_time"] = json!("2020-01-01T00:00:00Z"));
}

/// `remediate --tasks tasks.json` on these records, without limits.
fn tool(account: &Account, records: &[Value]) -> Tool {
    let limits = ["--max-actions", "100000", "--max-percent", "100"];
    account.tool("remediate").args(["--tasks", "tasks.json"]).args(limits).stdin(ndjson(records))
}

fn apply(account: &Account, records: &[Value]) -> Tool {
    tool(account, records).arg("--apply")
}

/// Settings for a tool.
fn with_settings(tool: Tool, settings: &str) -> Tool {
    let path = tool.home().join("sluice.toml");
    fs::write(&path, settings).unwrap();
    tool.args(["--config".into(), path])
}

/// The outcomes by their resource's id, which has to be there once each.
fn outcomes(ran: &Ran) -> Vec<(String, String)> {
    let outcomes = ran.kind("outcome");
    let short = |id: &Value| text(id).rsplit('/').next().unwrap().to_owned();
    let mut all: Vec<_> = outcomes.iter().map(|outcome| (short(&outcome["id"]), text(&outcome["status"]))).collect();
    all.sort();
    all
}

fn expect(ran: &Ran, expected: &[(&str, &str)]) {
    let expected: Vec<_> = expected.iter().map(|(id, status)| ((*id).to_owned(), (*status).to_owned())).collect();
    assert_eq!(outcomes(ran), expected, "{ran}");
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// A task that stops an instance.
fn stop(account: &str, id: &str) -> Value {
    json!({"account": account, "region": REGION, "type": "ec2", "id": id, "action": "stop"})
}
