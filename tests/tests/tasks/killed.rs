//! Runs that die: at each call to AWS, and at any time. The next run finishes what they left, says what was cut off, and
//! does nothing twice.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tests::{Account, Tool, Verdict, ndjson};

use crate::fleet::Fleet;
use crate::{apply, filed, stop};

fn start(tool: &Tool, records: &[Value]) -> Child {
    let mut command = tool.command();
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(&ndjson(records)).unwrap();
    child
}

fn kill(id: u32) {
    drop(Command::new("/bin/kill").args(["-s", "KILL", &id.to_string()]).status());
}

/// Two instances that are to be stopped, numbered from one on.
fn tasks(account: &Account, from: usize) -> [Value; 2] {
    [from, from + 1].map(|number| stop(account.id(), &Fleet::id(number)))
}

/// The run after one that died: all is done once, and the file is empty.
fn finish(seen: &Account, fleet: &Fleet, given: &[Value], from: usize, what: &str) -> usize {
    let next = apply(seen, given).run();
    assert!([0, 3].contains(&next.code()), "{what}: {next}");
    let told = next.kind("outcome");
    let interrupted = told.iter().filter(|outcome| outcome["status"] == "interrupted").count();
    assert_eq!(interrupted > 0, next.code() == 3, "{what}: {next}");
    for outcome in &told {
        assert!(["interrupted", "applied", "already"].contains(&outcome["status"].as_str().unwrap()), "{what}: {next}");
    }
    assert_eq!(filed(seen).len(), 0, "{what}: {next}");
    for number in [from, from + 1] {
        assert_eq!(fleet.stops().get(&Fleet::id(number)), Some(&1), "{what}: instance {number}: {next}");
    }
    let quiet = apply(seen, &[]).run().exits(0);
    assert_eq!(quiet.kind("outcome").len(), 0, "{what}: told once: {quiet}");
    interrupted
}

#[test]
fn a_run_that_is_killed_at_any_call_is_finished_by_the_next() {
    let (account, fleet) = (Account::new(), Fleet::default());
    // At which call to die, by whom, and whether AWS hears of the call.
    let plan: Arc<Mutex<Option<(usize, u32, bool)>>> = Arc::default();
    let state = Arc::clone(&plan);
    let proxy = fleet.proxy(move |_| {
        let mut plan = state.lock().unwrap();
        match &mut *plan {
            Some((1, victim, heard)) => {
                kill(*victim);
                let heard = *heard;
                *plan = None;
                if heard { Verdict::Pass } else { Verdict::CutBefore }
            }
            Some((left, ..)) => {
                *left -= 1;
                Verdict::Pass
            }
            None => Verdict::Pass,
        }
    });
    let seen = account.through(&proxy);
    let (mut number, mut interrupted) = (1, 0);
    for heard in [false, true] {
        for at in 1.. {
            let given = tasks(&seen, number);
            let mut child = {
                // Nobody calls before the plan is made.
                let mut plan = plan.lock().unwrap();
                let child = start(&apply(&seen, &[]), &given);
                *plan = Some((at, child.id(), heard));
                child
            };
            let ended = child.wait().unwrap();
            let survived = plan.lock().unwrap().take().is_some();
            assert_eq!(survived, ended.code() == Some(0), "at {at}: {ended}");
            if survived {
                assert!(at > 5, "a run makes more calls than {at}");
                break;
            }
            thread::sleep(Duration::from_millis(30));
            // Without its input: what it had taken in is in the file. It takes that in before its first call.
            interrupted += finish(&seen, &fleet, &[], number, &format!("killed at call {at}, {heard}"));
            number += 2;
        }
        number += 2;
    }
    assert!(interrupted > 0, "some had begun");
}

#[test]
fn a_run_that_is_killed_at_any_time_is_finished_by_the_next() {
    let (account, fleet) = (Account::new(), Fleet::default());
    let proxy = fleet.proxy(|_| Verdict::Pass);
    let seen = account.through(&proxy);
    let (mut interrupted, mut killed) = (0, 0);
    for round in 0..60_u64 {
        let number = 1 + 2 * usize::try_from(round).unwrap();
        let given = tasks(&seen, number);
        let mut child = start(&apply(&seen, &[]), &given);
        // Spread over the whole run, in an order that does not favour any part.
        thread::sleep(Duration::from_millis((round * 37) % 250));
        killed += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        // What was on its way to AWS arrives whatever became of who sent it.
        thread::sleep(Duration::from_millis(30));
        interrupted += finish(&seen, &fleet, &given, number, &format!("round {round}"));
    }
    assert!(killed > 10, "{killed} of 60 were killed before their end");
    assert!(interrupted > 0, "and some of them in the middle");
}

#[test]
fn a_run_that_is_asked_to_end_gives_back_what_it_has_not_begun() {
    let (account, fleet) = (Account::new(), Fleet::default());
    // The look that plans takes its time, so that the run is asked to end before anything is begun.
    let proxy = fleet.proxy(|call| {
        if call.operation == "DescribeInstances" {
            thread::sleep(Duration::from_millis(300));
        }
        Verdict::Pass
    });
    let seen = account.through(&proxy);
    let given = tasks(&seen, 1);
    let mut child = start(&apply(&seen, &[]), &given);
    let begun = || filed(&seen).iter().any(|task| task["claim"]["run"].is_string());
    while !(crate::path(&seen).exists() && begun()) {
        thread::sleep(Duration::from_millis(5));
    }
    let sent = Command::new("/bin/kill").args(["-s", "TERM", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let ended = child.wait().unwrap();
    assert_eq!(ended.code(), Some(3), "{ended}");
    let left = filed(&seen);
    assert!(left.iter().all(|task| task["claim"].is_null() && task["attempts"].is_null()), "{left:?}");
    let next = apply(&seen, &[]).run().exits(0);
    assert_eq!(next.kind("outcome").iter().filter(|it| it["status"] == "applied").count(), left.len(), "{next}");
}
