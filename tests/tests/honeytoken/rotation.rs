//! A new key beside the old one; then the old one goes. No key is left that nobody knows.

use std::fs;

use serde_json::Value;
use tests::{Account, Proxy, Ran, on};

use crate::honeytoken;
use crate::removal::{Decoy, IDS};

fn rotate(account: &Account, args: &[&str]) -> Ran {
    honeytoken(account, &[&["rotate"], args].concat())
}

fn statuses(record: &Value) -> Vec<&str> {
    record["keys"].as_array().unwrap().iter().map(|key| key["status"].as_str().unwrap()).collect()
}

#[test]
fn the_old_key_is_there_until_the_new_one_is_planted() {
    let account = Account::new();
    let decoy = Decoy::new(&account, "svc-billing", IDS[0], 1);
    let proxy = Proxy::new(tests::Emulator::shared());
    let ran = rotate(&account.through(&proxy), &[&decoy.name]).exits(0).says("plant the new ones, then");
    let given: Value = serde_json::from_str(ran.text().lines().next().unwrap()).unwrap();
    let new = given["access_key_id"].as_str().unwrap();
    assert_eq!(decoy.listed_keys(), [decoy.keys[0].as_str(), new]);
    assert_eq!(statuses(&decoy.record()), ["active", "active"]);
    let calls: Vec<String> = proxy.calls().into_iter().map(|call| call.operation).collect();
    let at = |name: &str| calls.iter().position(|call| call == name).unwrap();
    assert!(at("PutUserPolicy") < at("CreateAccessKey"), "the guard comes first: {calls:?}");

    let _ = rotate(&account, &[&decoy.name]).exits(3).says("rotate --finish").says(new).says(&decoy.keys[0]);
    assert_eq!(decoy.listed_keys().len(), 2);
    let ran = rotate(&account, &["--finish", &decoy.name]).exits(0);
    assert_eq!(statuses(&ran.kind("token")[0]), ["deleted", "active"]);
    assert_eq!((decoy.listed_keys(), decoy.has_guard()), (vec![new.to_owned()], true));
    let ran = rotate(&account, &["--finish", &decoy.name]).exits(0);
    assert_eq!(statuses(&ran.kind("token")[0]), ["deleted", "active"]);
}

#[test]
fn a_key_that_was_not_handed_out_is_deleted() {
    let account = Account::new();
    let decoy = Decoy::new(&account, "svc-billing", IDS[0], 1);
    // An answer that was lost: the key that it was about is none that anybody knows.
    let proxy = Proxy::new(tests::Emulator::shared()).cut_after(on("iam:CreateAccessKey").first(1));
    let ran = rotate(&account.through(&proxy), &[&decoy.name, "--out", "secrets"]).exits(0);
    let file = ran.kind("token")[0]["file"].as_str().unwrap().to_owned();
    let text = fs::read_to_string(account.tool("honeytoken").home().join(file)).unwrap();
    let keys = decoy.listed_keys();
    assert_eq!(keys.len(), 2);
    assert!(text.contains(&keys[1]), "{text}");
    let _ = rotate(&account, &["--finish", &decoy.name]).exits(0);

    let proxy = Proxy::new(tests::Emulator::shared()).deny("iam:CreateAccessKey");
    let _ = rotate(&account.through(&proxy), &[&decoy.name]).exits(3).says("CreateAccessKey");
    assert_eq!((decoy.listed_keys(), decoy.record()["state"].as_str()), (vec![keys[1].clone()], Some("active")));
    // Nobody reads.
    let tool = account.tool("honeytoken").args(["rotate", &decoy.name]);
    let mut child = tool.command().stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert_eq!(decoy.listed_keys(), [keys[1].clone()]);
    let _ = honeytoken(&account, &["reconcile"]).exits(0);
}
