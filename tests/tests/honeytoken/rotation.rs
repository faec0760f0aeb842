//! A new key beside the old one; then the old one goes. No key is left that nobody knows.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tests::iam::Iam;
use tests::{Account, Emulator, Proxy, Ran, on};

use crate::create::{fill, keys_in};
use crate::killed::Killer;
use crate::removal::{Decoy, IDS};
use crate::{honeytoken, tokens};

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
    let bait = format!(r#"{{"token":"{}","access_key_id":"{}","secret_access_key":"x"}}"#, decoy.token, decoy.keys[0]);
    let _ = account.tool("honeytoken").args(["plant", "credentials", "--profile", "bait"]).stdin(bait).run().exits(0);
    let proxy = Proxy::new(Emulator::shared());
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
    assert!(tokens(&account, &["list", "--unplanted"]).is_empty());
    let ran = rotate(&account, &["--finish", &decoy.name]).exits(0);
    let ran = ran.says(&format!("{} lies in the profile bait of ", decoy.keys[0]));
    assert_eq!(statuses(&ran.kind("token")[0]), ["deleted", "active"]);
    assert_eq!((decoy.listed_keys(), decoy.has_guard()), (vec![new.to_owned()], true));
    assert_eq!(tokens(&account, &["list", "--unplanted"]).len(), 1, "what lies there is no bait any more");
    let ran = rotate(&account, &["--finish", &decoy.name]).exits(0);
    assert_eq!(statuses(&ran.kind("token")[0]), ["deleted", "active"]);
}

#[test]
fn a_key_that_was_not_handed_out_is_deleted() {
    let account = Account::new();
    let decoy = Decoy::new(&account, "svc-billing", IDS[0], 1);
    // An answer that was lost: the key that it was about is none that anybody knows.
    let proxy = Proxy::new(Emulator::shared()).cut_after(on("iam:CreateAccessKey").first(1));
    let ran = rotate(&account.through(&proxy), &[&decoy.name, "--out", "secrets"]).exits(0);
    let file = ran.kind("token")[0]["file"].as_str().unwrap().to_owned();
    let text = fs::read_to_string(account.tool("honeytoken").home().join(file)).unwrap();
    let keys = decoy.listed_keys();
    assert_eq!(keys.len(), 2);
    assert!(text.contains(&keys[1]), "{text}");
    let _ = rotate(&account, &["--finish", &decoy.name]).exits(0);

    let proxy = Proxy::new(Emulator::shared()).deny("iam:CreateAccessKey");
    let _ = rotate(&account.through(&proxy), &[&decoy.name]).exits(3).says("CreateAccessKey");
    assert_eq!((decoy.listed_keys(), decoy.record()["state"].as_str()), (vec![keys[1].clone()], Some("active")));
    // Nobody reads.
    let tool = account.tool("honeytoken").args(["rotate", &decoy.name]);
    let mut child = tool.command().stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert_eq!(decoy.listed_keys(), [keys[1].clone()]);
    let _ = honeytoken(&account, &["reconcile"]).exits(0);
}

#[test]
fn a_run_that_is_killed_at_any_call_is_finished_by_the_next() {
    let account = Account::new();
    let decoy = Decoy::new(&account, "svc-billing", IDS[0], 1);
    let killer = Killer::new();
    let seen = killer.at(&account);
    let rotate = seen.tool("honeytoken").args(["rotate", &decoy.name, "--out", "secrets"]);
    let finish = seen.tool("honeytoken").args(["rotate", "--finish", &decoy.name]);
    let handed_out = || keys_in(&account.tool("honeytoken").home().join("secrets"));
    let mut old = decoy.keys[0].clone();
    for heard in [false, true] {
        let (mut rotates, mut finishes) = (true, true);
        for at in 1.. {
            let what = format!("killed at call {at}, {heard}");
            let before = handed_out();
            if let Some(ended) = rotates.then(|| killer.run(&rotate, at, heard)).flatten() {
                assert_eq!(ended.code(), Some(0), "{what}");
                assert!(at > 4, "a rotation makes more calls than {at}");
                rotates = false;
            } else {
                assert!(decoy.has_guard() && decoy.listed_keys().contains(&old), "{what}");
                let _ = rotate.clone().run().exits(0);
            }
            // One more, and somebody has it.
            let new: BTreeSet<String> = handed_out().difference(&before).cloned().collect();
            let new = new.into_iter().collect::<Vec<_>>();
            assert_eq!(decoy.listed_keys(), [&[old.clone()], &new[..]].concat(), "{what}");
            assert!(new.len() == 1 && decoy.has_guard(), "{what}: {new:?}");

            if let Some(ended) = finishes.then(|| killer.run(&finish, at, heard)).flatten() {
                assert_eq!(ended.code(), Some(0), "{what}");
                assert!(at > 3, "its end makes more calls than {at}");
                finishes = false;
            } else {
                assert!(decoy.has_guard() && decoy.listed_keys().contains(&new[0]), "{what}");
                let _ = finish.clone().run().exits(0);
            }
            assert_eq!((decoy.listed_keys(), decoy.has_guard()), (new.clone(), true), "{what}");
            let record = decoy.record();
            assert_eq!(
                (record["state"].as_str(), statuses(&record).last()),
                (Some("active"), Some(&"active")),
                "{what}"
            );
            old.clone_from(&new[0]);
            if !rotates && !finishes {
                break;
            }
        }
    }
    let _ = honeytoken(&account, &["reconcile"]).exits(0);
}

#[test]
fn a_secret_on_its_way_to_stdout_is_unconfirmed_and_the_old_key_stays() {
    let account = Account::new();
    let decoy = Decoy::new(&account, "svc-billing", IDS[0], 1);
    // Nobody reads, and the pipe is full: it waits in the middle of handing out.
    let (reader, writer) = std::io::pipe().unwrap();
    fill(&writer);
    let mut command = account.tool("honeytoken").args(["rotate", &decoy.name]).command();
    let mut child = command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::null()).spawn().unwrap();
    while decoy.listed_keys().len() < 2 {
        thread::sleep(Duration::from_millis(50));
    }
    while statuses(&decoy.record()).len() < 2 {
        thread::sleep(Duration::from_millis(50));
    }
    thread::sleep(Duration::from_secs(1));
    child.kill().unwrap();
    child.wait().unwrap();
    drop(reader);
    let new = decoy.listed_keys().remove(1);
    let _ = rotate(&account, &[&decoy.name]).exits(3).says("is not known").says(&new).says("rotate --finish");
    assert_eq!(statuses(&decoy.record()), ["active", "unconfirmed"]);
    let _ = rotate(&account, &["--finish", &decoy.name]).exits(0).says(&new);
    assert_eq!((decoy.listed_keys(), decoy.has_guard()), (decoy.keys.clone(), true));
}

#[test]
fn a_token_without_a_place_gets_its_other_key_by_a_rotation() {
    let account = Account::new();
    let (reader, writer) = std::io::pipe().unwrap();
    fill(&writer);
    let mut command = account.tool("honeytoken").args(["create", "--owner", "a"]).command();
    let mut child = command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::null()).spawn().unwrap();
    let token = loop {
        // Before there is a registry there is nothing to list.
        let listed = honeytoken(&account, &["list"]).kind("token");
        if let Some(token) = listed.into_iter().find(|token| token["keys"][0]["status"] == "unconfirmed") {
            break token["token"].as_str().unwrap().to_owned();
        }
        thread::sleep(Duration::from_millis(50));
    };
    thread::sleep(Duration::from_secs(1));
    child.kill().unwrap();
    child.wait().unwrap();
    drop(reader);
    let next =
        format!("`honeytoken rotate {token}` makes another key, `rotate --finish {token}` deletes this one then");
    let _ = rotate(&account, &[&token, "--out", "secrets"]).exits(0).says(&next);
    let finished = rotate(&account, &["--finish", &token]).exits(0).kind("token").remove(0);
    assert_eq!(statuses(&finished), ["deleted", "active"]);
}

#[test]
fn what_was_begun_before_comes_first() {
    let account = Account::new();
    let decoy = Decoy::new(&account, "svc-billing", IDS[0], 1);
    let killer = Killer::new();
    let tool = killer.at(&account).tool("honeytoken").args(["rotate", &decoy.name, "--out", "secrets"]);
    for at in 1.. {
        assert!(killer.run(&tool, at, true).is_none(), "no key was made up to call {at}");
        if decoy.listed_keys().len() > 1 {
            break;
        }
        let _ = honeytoken(&account, &["reconcile", "--apply"]).exits(0);
    }
    let lost = decoy.listed_keys().remove(1);
    // The lost key cannot be taken back now. A key that is made and handed out meanwhile would be, later.
    let proxy = Proxy::new(Emulator::shared()).deny(on("iam:ListAccessKeys").first(1));
    let _ = rotate(&account.through(&proxy), &[&decoy.name, "--out", "secrets"]).exits(3).says("which comes first");
    assert_eq!(proxy.count("iam:CreateAccessKey"), 0);
    let proxy = Proxy::new(Emulator::shared()).deny(on("iam:ListAccessKeys").first(1));
    let _ = honeytoken(&account.through(&proxy), &["delete", &decoy.keys[0]]).exits(3).says("which comes first");
    assert_eq!(decoy.listed_keys(), [decoy.keys[0].as_str(), &lost]);
    let _ = rotate(&account, &[&decoy.name, "--out", "secrets"]).exits(0);
    let keys = decoy.listed_keys();
    assert!(keys.len() == 2 && keys[0] == decoy.keys[0] && keys[1] != lost, "{keys:?}");
    assert!(keys_in(&account.tool("honeytoken").home().join("secrets")).contains(&keys[1]));
}

#[test]
fn a_key_that_the_registry_does_not_know_makes_no_room() {
    let account = Account::new();
    let decoy = Decoy::new(&account, "svc-billing", IDS[0], 1);
    // As after a `restore` of a copy that is older: it may be planted.
    let other = decoy.key();
    let _ = rotate(&account, &[&decoy.name]).exits(3).says(&other).says("reconcile --apply");
    assert_eq!(decoy.listed_keys(), [decoy.keys[0].as_str(), &other]);
}

#[test]
fn the_old_key_stays_where_the_new_one_is_of_no_use() {
    let account = Account::new();
    let decoy = Decoy::new(&account, "svc-billing", IDS[0], 1);
    let given = rotate(&account, &[&decoy.name, "--out", "secrets"]).exits(0);
    let new = given.kind("token")[0]["access_key_id"].as_str().unwrap().to_owned();
    let key = [("UserName", decoy.name.as_str()), ("AccessKeyId", &new)];
    Iam(&account).call("UpdateAccessKey", &[key[0], key[1], ("Status", "Inactive")]);
    let _ = rotate(&account, &["--finish", &decoy.name]).exits(3).says(&new).says("the old one stays");
    Iam(&account).call("DeleteAccessKey", &key);
    let _ = rotate(&account, &["--finish", &decoy.name]).exits(3).says(&new).says("the old one stays");
    assert_eq!((decoy.listed_keys(), decoy.has_guard()), (decoy.keys.clone(), true));
}
