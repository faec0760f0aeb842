//! Two that act and two that produce, at once: nothing is lost, and nothing done twice.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};
use tests::{Account, Ran, Tool, Verdict, ndjson};

use crate::fleet::Fleet;
use crate::objects::Objects;
use crate::{REGION, stop};

/// Runs of one that acts, until there is nothing left and nobody adds any more. The outcomes of all of them.
fn act(account: &Account, place: &str, journal: &str, produced: &AtomicBool) -> Vec<Value> {
    let mut all = Vec::new();
    loop {
        let last = produced.load(Ordering::SeqCst);
        let ran = remediate(account, place, &[]).args(["--apply", "--journal", journal]).run();
        let ran = ran.exits(0);
        let outcomes = ran.kind("outcome");
        if last && outcomes.is_empty() {
            return all;
        }
        all.extend(outcomes);
    }
}

fn remediate(account: &Account, place: &str, records: &[Value]) -> Tool {
    let limits = ["--max-actions", "100000", "--max-percent", "100"];
    account.tool("remediate").args(["--quiet", "--tasks", place]).args(limits).stdin(ndjson(records))
}

/// Holds all that was done to what was to be done.
fn account_for(fleet: &Fleet, numbers: impl Iterator<Item = usize>, told: &[Value]) {
    let expected: BTreeMap<String, usize> = numbers.map(|number| (Fleet::id(number), 1)).collect();
    let stops = fleet.stops();
    let wrong: Vec<_> = stops.iter().filter(|(id, times)| expected.get(*id) != Some(times)).collect();
    assert_eq!(wrong, [], "stopped more or less than once");
    assert_eq!(stops.len(), expected.len(), "none is lost");
    let mut applied: BTreeMap<&str, usize> = BTreeMap::new();
    for outcome in told {
        match outcome["status"].as_str().unwrap() {
            "applied" => *applied.entry(outcome["id"].as_str().unwrap()).or_default() += 1,
            "already" | "waiting" => {}
            other => panic!("{other}: {outcome}"),
        }
    }
    assert!(applied.values().all(|times| *times == 1), "told more than once: {applied:?}");
    assert_eq!(applied.len(), expected.len(), "each is told of");
}

/// A producer as docs/tasks.md asks for: the lock, a new file, a rename.
fn produce(path: &Path, account: &str, number: usize) {
    let lock = File::create(path.with_extension("json.lock")).unwrap();
    lock.lock().unwrap();
    let mut file: Value = match fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text).unwrap(),
        Err(_) => json!({"tasks": []}),
    };
    file["tasks"].as_array_mut().unwrap().push(stop(account, &Fleet::id(number)));
    let fresh = path.with_extension("json.mine");
    fs::write(&fresh, file.to_string()).unwrap();
    fs::rename(fresh, path).unwrap();
}

#[test]
fn two_that_act_and_two_that_produce_lose_nothing_and_do_nothing_twice() {
    const OURS: usize = 1500;
    const THEIRS: usize = 40;
    let account = Account::new();
    let fleet = Fleet::default();
    let proxy = fleet.proxy(|_| Verdict::Pass);
    let seen = account.through(&proxy);
    let home = account.tool("remediate").home().to_owned();
    let path = home.join("tasks.json");
    let (produced, files) = (AtomicBool::new(false), AtomicBool::new(false));
    let told = thread::scope(|scope| {
        let acting = ["one", "two"].map(|journal| {
            let (seen, produced) = (&seen, &produced);
            scope.spawn(move || act(seen, "tasks.json", journal, produced))
        });
        let writer = scope.spawn(|| {
            for number in 0..OURS {
                produce(&path, seen.id(), number);
            }
            files.store(true, Ordering::SeqCst);
        });
        // One that pipes its tasks into the tool itself.
        let mut number = OURS;
        let mut planned: Vec<Ran> = Vec::new();
        while number < OURS + THEIRS || !files.load(Ordering::SeqCst) {
            planned.push(remediate(&seen, "tasks.json", &[stop(seen.id(), &Fleet::id(number))]).run().exits(0));
            number += 1;
        }
        writer.join().unwrap();
        produced.store(true, Ordering::SeqCst);
        assert!(planned.iter().all(|ran| ran.matching(&json!({"status": "applied"})).is_empty()));
        let told = acting.map(|acting| acting.join().unwrap()).concat();
        account_for(&fleet, 0..number, &told);
        told
    });
    assert!(told.len() >= OURS);
    let file: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(file, json!({"tasks": []}));
}

#[test]
fn the_same_in_s3() {
    const OURS: usize = 400;
    let account = Account::new();
    let (fleet, objects) = (Fleet::default(), Objects::default());
    let proxy = objects.serve(fleet.proxy(|_| Verdict::Pass));
    let seen = account.through(&proxy);
    let place = "s3://acme/tasks/tasks.json";
    let produced = AtomicBool::new(false);
    thread::scope(|scope| {
        let acting = ["one", "two"].map(|journal| {
            let (seen, produced) = (&seen, &produced);
            scope.spawn(move || act(seen, place, journal, produced))
        });
        for number in 0..OURS {
            objects.change("/acme/tasks/tasks.json", |file| {
                file["tasks"].as_array_mut().unwrap().push(stop(seen.id(), &Fleet::id(number)));
            });
        }
        let mut number = OURS;
        while number < OURS + 20 {
            let _ = remediate(&seen, place, &[stop(seen.id(), &Fleet::id(number))]).run().exits(0);
            number += 1;
        }
        produced.store(true, Ordering::SeqCst);
        let told = acting.map(|acting| acting.join().unwrap()).concat();
        account_for(&fleet, 0..number, &told);
    });
    assert_eq!(objects.read("/acme/tasks/tasks.json"), json!({"tasks": []}));
    assert!(objects.refused() > 0, "they did meet");
    assert_eq!(REGION, "us-east-1");
}
