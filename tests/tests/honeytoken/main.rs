//! `honeytoken`, against the emulator: tokens are made, watched, and taken away; nothing is lost, and no secret is kept.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod create;
mod decoys;
mod doctor;
mod drill;
mod expiry;
mod handout;
mod killed;
mod many;
mod permissions;
mod reconcile;
mod registry;
mod removal;
mod rotation;
mod sources;
mod watch;

use serde_json::Value;
use tests::{Account, Ran};

/// `honeytoken` in an account; its registry is in the account's home.
fn honeytoken(account: &Account, args: &[&str]) -> Ran {
    account.tool("honeytoken").args(args.iter().copied()).run()
}

/// Runs it for the tokens that it writes.
fn tokens(account: &Account, args: &[&str]) -> Vec<Value> {
    honeytoken(account, args).exits(0).kind("token")
}

#[test]
fn without_a_registry_there_is_nothing_to_list() {
    let account = Account::new();
    let _ = honeytoken(&account, &["list"]).exits(4).says("there is no registry");
    let _ = honeytoken(&account, &["import"]).exits(0);
    assert_eq!(tokens(&account, &["list"]), Vec::<Value>::new());
}
