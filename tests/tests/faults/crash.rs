//! Runs of `remediate` that are stopped, killed, doubled, or robbed of their journal.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tests::{Account, Emulator, Proxy, Tool, on};

use crate::{
    SECRETS, apply, failing, holds_no_secret, look_into, public_queues, run, statuses, text, wait_until, writes,
};

const WRITE: &str = "sqs:SetQueueAttributes";

/// A run in the middle of its work.
struct Running {
    child: Child,
    home: PathBuf,
}

impl Running {
    fn start(account: &Account, findings: &[Value]) -> Self {
        let mut tool = apply(account, &[]);
        for (name, secret) in SECRETS {
            tool = tool.env(name, secret);
        }
        let mut command = tool.command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(&tests::ndjson(findings)).unwrap();
        Self { child, home: tool.home().to_owned() }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("/bin/kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// The exit code, the outcomes and what was said.
    fn end(self) -> (Option<i32>, Vec<Value>, String) {
        let output = self.child.wait_with_output().unwrap();
        let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        holds_no_secret("stdout", &stdout);
        holds_no_secret("stderr", &stderr);
        look_into(&self.home);
        let whole = stdout.rsplit_once('\n').map_or("", |(whole, _)| whole);
        (output.status.code(), whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), stderr)
    }
}

fn journal(home: &Path) -> PathBuf {
    home.join(".local/state/sluice/journal.ndjson")
}

/// An account with open queues, the findings on them, and a proxy that lets each write take its time.
fn open_queues(count: usize) -> (Account, Vec<Value>, Proxy) {
    let account = Account::new();
    public_queues(&account, count);
    let findings = failing(&account, "sqs");
    assert_eq!(findings.len(), count);
    let proxy = Proxy::new(Emulator::shared()).delay(WRITE, Duration::from_millis(400));
    (account, findings, proxy)
}

fn about(number: usize) -> tests::On {
    on(WRITE).about(&format!("/q-{number:02}\""))
}

#[test]
fn a_run_that_is_asked_to_stop_finishes_what_is_under_way_and_loses_nothing() {
    for signal in ["INT", "TERM"] {
        let (account, findings, proxy) = open_queues(30);
        let running = Running::start(&account.through(&proxy), &findings);
        wait_until("the second round of writes", || proxy.count(WRITE) > 8);
        running.signal(signal);
        let home = running.home.clone();
        let (code, outcomes, stderr) = running.end();
        assert_eq!(code, Some(3), "{signal}: {stderr}");
        let mut keys: Vec<&str> = outcomes.iter().map(|outcome| text(&outcome["key"])).collect();
        let mut asked: Vec<&str> = findings.iter().map(|finding| text(&finding["key"])).collect();
        keys.sort_unstable();
        asked.sort_unstable();
        assert_eq!(keys, asked, "one input, one outcome");
        let of = |status: &str| outcomes.iter().filter(|outcome| outcome["status"] == status).count();
        let (applied, interrupted) = (of("applied"), of("interrupted"));
        assert_eq!(applied + interrupted, 30, "{outcomes:?}");
        assert!(applied > 0 && interrupted > 0, "{applied} applied, {interrupted} interrupted");
        assert_eq!(proxy.count(WRITE), applied, "what was begun was finished, and nothing else was begun");
        assert!(outcomes.iter().all(|it| it["undo"].is_null() == (it["status"] == "interrupted")), "{outcomes:?}");

        // Nothing is left open in the journal, and the rest is done by the next run.
        assert_eq!(failing(&account, "sqs").len(), interrupted);
        let lines = fs::read_to_string(journal(&home)).unwrap();
        assert_eq!(lines.lines().count(), 2 * applied, "a line before and a line after");
        proxy.reset();
        let again = run(apply(&account.through(&proxy), &findings)).exits(0);
        let expected = [("already", applied), ("applied", interrupted)];
        assert_eq!(statuses(&again), expected.map(|(status, count)| (status.to_owned(), count)), "{again}");
    }
}

#[test]
fn a_run_that_is_killed_is_told_of_by_the_next_and_nothing_is_done_twice() {
    let (account, findings, proxy) = open_queues(30);
    let seen = account.through(&proxy);
    let mut running = Running::start(&seen, &findings);
    wait_until("the second round of writes", || proxy.count(WRITE) > 8);
    running.child.kill().unwrap();
    let (code, told, _) = running.end();
    assert_eq!(code, None, "killed");
    assert!(told.iter().all(|outcome| outcome["status"] == "applied"), "{told:?}");

    // Writes that were on their way arrive whatever became of who sent them.
    let begun = proxy.count(WRITE);
    wait_until("what was on its way has arrived", || failing(&account, "sqs").len() == 30 - begun);
    let next = run(apply(&seen, &[])).exits(3).says("an earlier run was cut off");
    let cut_off = next.kind("outcome");
    // All that was begun and not told; and what was noted down as begun, or told, in the moment of the kill.
    assert!(cut_off.len() >= begun - told.len(), "{begun} begun, {} told: {next}", told.len());
    assert!((1..=8).contains(&cut_off.len()), "{next}");
    for outcome in &cut_off {
        assert_eq!(outcome["status"], "interrupted", "{outcome}");
        assert!(!outcome["undo"].is_null(), "it may have been done, so it can be undone: {outcome}");
        assert_eq!(outcome["calls"][0]["operation"], WRITE, "{outcome}");
    }
    assert_eq!(run(apply(&seen, &[])).exits(0).kind("outcome"), Vec::<Value>::new(), "it is told once");

    let again = run(apply(&seen, &findings)).exits(0);
    let expected = BTreeMap::from([("already", begun), ("applied", 30 - begun)]);
    let expected: Vec<_> = expected.into_iter().map(|(status, count)| (status.to_owned(), count)).collect();
    assert_eq!(statuses(&again), expected, "{again}");
    assert_eq!(failing(&account, "sqs"), Vec::<Value>::new());
    for number in 0..30 {
        assert_eq!(proxy.count(about(number)), 1, "queue {number}");
    }
}

#[test]
fn two_runs_do_not_act_at_once() {
    let (account, findings, proxy) = open_queues(3);
    let seen = account.through(&proxy);
    let first = Running::start(&seen, &findings);
    wait_until("the first write", || proxy.count(WRITE) > 0);
    let second = run(apply(&seen, &findings)).exits(4);
    assert!(second.stdout.is_empty(), "{second}");
    assert_eq!(second.stderr.lines().count(), 1, "{second}");
    let path = journal(&first.home).display().to_string();
    let second = second.says("another run is acting").says(&path);
    // A plan needs no journal.
    let plan = run(second.pipe("remediate").args(["--max-percent", "100"])).exits(0);
    assert_eq!(plan.kind("outcome").len(), 0);

    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "nobody else's business");
    let (code, outcomes, stderr) = first.end();
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(outcomes.iter().filter(|outcome| outcome["status"] == "applied").count(), 3, "{outcomes:?}");
    assert_eq!(proxy.count(WRITE), 3);
    let third = run(apply(&seen, &findings)).exits(0);
    assert_eq!(statuses(&third), [("already".to_owned(), 3)], "the lock ends with who held it");
}

#[test]
fn without_a_journal_nothing_is_done() {
    let (account, findings, proxy) = open_queues(1);
    let seen = account.through(&proxy);
    let home = apply(&seen, &[]).home().to_owned();
    fs::write(home.join("file"), "").unwrap();
    fs::create_dir(home.join("folder")).unwrap();
    let in_file = home.join("file/journal.ndjson");
    for (path, why) in [
        (in_file.as_path(), "file"),
        (&home.join("folder"), "directory"),
        // Where not even root may write.
        (Path::new("/proc/sluice/journal.ndjson"), "/proc/sluice"),
        // What would be read to no end, and what would keep nothing.
        (Path::new("/dev/full"), "no regular file"),
        (Path::new("/dev/null"), "no regular file"),
    ] {
        let ran = run(apply(&seen, &findings).args(["--journal".as_ref(), path.as_os_str()])).exits(4);
        assert!(ran.stdout.is_empty(), "{ran}");
        assert_eq!(ran.stderr.lines().count(), 1, "{ran}");
        let _ = ran.says("journal").says(&path.display().to_string()).says("--journal").says(why);
    }
    let tool = apply(&seen, &findings).without_env("HOME");
    let _ = run(tool).exits(4).says("there is no place for the journal");
    assert_eq!(writes(&proxy), Vec::<String>::new());
    assert_eq!(proxy.count("*"), 0, "nor is AWS asked anything");
}

/// The same tool under a limit on the size of files, as on a disk that is full.
fn on_a_full_disk(tool: &Tool, account: &Account) -> Tool {
    let command = tool.command();
    let mut line = vec![command.get_program().to_owned()];
    line.extend(command.get_args().map(ToOwned::to_owned));
    account.tool("/bin/sh").args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""]).args(line)
}

#[test]
fn what_cannot_be_noted_down_is_not_done() {
    let (account, findings, proxy) = open_queues(2);
    let seen = account.through(&proxy);
    let full = on_a_full_disk(&apply(&seen, &findings), &seen).stdin(tests::ndjson(&findings));
    let ran = run(full).exits(1);
    assert_eq!(statuses(&ran), [("failed".to_owned(), 2)], "{ran}");
    for outcome in ran.kind("outcome") {
        let reason = text(&outcome["reason"]);
        assert!(reason.starts_with("nothing was done") && reason.contains("journal"), "{outcome}");
        assert!(outcome["undo"].is_null(), "{outcome}");
    }
    assert_eq!(writes(&proxy), Vec::<String>::new());
    let after = run(apply(&seen, &findings)).exits(0);
    assert_eq!(statuses(&after), [("applied".to_owned(), 2)], "{after}");
    assert_eq!(after.matching(&json!({"status": "interrupted"})).len(), 0, "{after}");
}
