//! `make demo`, `make demo-brake` and `make demo-honeytoken`: what is shown of them happens, and they leave nothing behind when they are interrupted.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tests::stage::text;
use tests::{Emulator, Tool};

/// Long enough for a loaded machine.
const LIMIT: Duration = Duration::from_mins(3);

/// The demo under way, in a folder of its own.
struct Demo {
    process: Option<Child>,
    /// Holds the tools, and `stages`, where the demo works.
    home: TempDir,
}

impl Demo {
    fn start(script: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let bin = home.path().join("bin");
        fs::create_dir(&bin).unwrap();
        for tool in ["poll", "audit", "remediate", "notify", "honeytoken", "misconfigure"] {
            symlink(Tool::new(tool).command().get_program(), bin.join(tool)).unwrap();
        }
        let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
        let process = Command::new(demo)
            .env("SLUICE_BIN", bin)
            .env("SLUICE_MOTO", Emulator::venv().join("bin/moto_server"))
            .env("SLUICE_DEMO_DIR", home.path().join("stages"))
            // None of it may reach the tools.
            .envs([("AWS_PROFILE", "mine"), ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"), ("REMEDIATE", "true")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own, as a shell gives one to what is typed.
            .process_group(0)
            .spawn()
            .unwrap();
        Self { process: Some(process), home }
    }

    fn stage(&self, name: &str) -> PathBuf {
        self.home.path().join("stages").join(name)
    }

    /// Waits for it to end.
    fn end(&mut self) -> Output {
        let process = self.process.take().unwrap();
        let group = process.id();
        let (sender, ended) = std::sync::mpsc::channel();
        thread::spawn(move || sender.send(process.wait_with_output()));
        if let Ok(output) = ended.recv_timeout(LIMIT) {
            return output.unwrap();
        }
        signal("KILL", group);
        panic!("the demo does not end");
    }

    fn interrupt(&self) {
        signal("INT", self.process.as_ref().unwrap().id());
    }

    /// The records that it left in a file.
    fn records(&self, name: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.stage(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{name}: {line}"))).collect()
    }

    /// How many records of each kind a file has, by their status where they have one.
    fn kinds(&self, name: &str) -> BTreeMap<String, usize> {
        let mut kinds = BTreeMap::new();
        for record in self.records(name) {
            let kind = record["kind"].as_str().unwrap_or("reference");
            let status = record["status"].as_str().map(|status| format!(" {status}")).unwrap_or_default();
            *kinds.entry(format!("{kind}{status}")).or_default() += 1;
        }
        kinds
    }

    /// The processes that have the demo's folder for their home: all that it starts.
    fn processes(&self) -> Vec<String> {
        let home = format!("HOME={}", self.home.path().join("stages").display());
        let all = fs::read_dir("/proc").unwrap().filter_map(Result::ok).map(|entry| entry.path());
        let ours = all.filter(|path| {
            // Gone by now, somebody else's, or no process.
            let environment = fs::read(path.join("environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == home.as_bytes())
        });
        ours.map(|path| fs::read_to_string(path.join("cmdline")).unwrap_or_default().replace('\0', " ")).collect()
    }

    fn leaves_nothing_behind(&self) {
        wait_until("the processes of the demo end", || self.processes().is_empty());
        for left in [".emulator-stdin", ".emulator-port"] {
            assert!(!self.stage(left).exists(), "{left}");
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if let Some(process) = &self.process {
            signal("INT", process.id());
        }
    }
}

/// Sends a signal to a process group, as the terminal does.
fn signal(name: &str, group: u32) {
    let sent = Command::new("/bin/kill").args([format!("-{name}"), "--".to_owned(), format!("-{group}")]).status();
    assert!(sent.is_ok(), "{sent:?}");
}

fn wait_until(what: &str, check: impl Fn() -> bool) {
    let end = Instant::now() + LIMIT;
    while !check() {
        assert!(Instant::now() < end, "{what}: not within {LIMIT:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn names(kinds: &BTreeMap<String, usize>) -> Vec<&str> {
    kinds.keys().map(String::as_str).collect()
}

/// The keys of the records of one of these statuses that there is an action for.
fn keys(records: &[Value], statuses: &[&str]) -> BTreeSet<String> {
    let wanted = |record: &&Value| {
        !record["action"].is_null() && record["status"].as_str().is_some_and(|status| statuses.contains(&status))
    };
    records.iter().filter(wanted).map(|record| text(&record["key"])).collect()
}

#[test]
fn the_demo_goes_the_whole_way() {
    let mut demo = Demo::start("demo.sh");
    let output = demo.end();
    let (said, warned) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{said}\n{warned}");
    demo.leaves_nothing_behind();

    // Each stage has what the README says of it.
    for (name, kinds) in [
        ("00-made.ndjson", &["reference"][..]),
        ("01-resources.ndjson", &["resource", "scope ok"]),
        ("05-resources.ndjson", &["resource", "scope ok"]),
        ("09-undo.ndjson", &["task"]),
        ("09-outcomes.ndjson", &["outcome applied"]),
        ("10-resources.ndjson", &["resource", "scope ok"]),
    ] {
        assert_eq!(names(&demo.kinds(name)), kinds, "{name}\n{said}\n{warned}");
    }
    let [found, planned, done, left, rest] =
        ["02-findings.ndjson", "03-plan.ndjson", "04-outcomes.ndjson", "06-findings.ndjson", "07-outcomes.ndjson"]
            .map(|name| demo.records(name));
    assert!(keys(&found, &["fail"]).len() > 10, "{said}");
    // A plan, and nothing but; then what was planned is done, and no more. One fix may mend what another was for.
    let plan = keys(&planned, &["planned"]);
    assert!(!plan.is_empty() && keys(&planned, &["applied", "failed"]).is_empty(), "{said}");
    assert_eq!(keys(&done, &["applied", "already"]), plan, "{said}\n{warned}");
    // What can be mended and is found still was refused, and is mended when somebody asks for it.
    let open = keys(&left, &["fail"]);
    assert!(!open.is_empty() && open.is_disjoint(&plan), "{said}");
    assert_eq!(keys(&rest, &["applied", "already"]), open, "{said}\n{warned}");
    assert_eq!(keys(&demo.records("08-outcomes.ndjson"), &["planned", "applied", "failed"]).len(), 0, "{said}");
    // The port that somebody needed is open again, and of what can be mended that is all.
    let last = demo.records("10-findings.ndjson");
    let opened: Vec<&Value> = last.iter().filter(|it| it["status"] == "fail" && !it["action"].is_null()).collect();
    assert_eq!(opened.len(), 1, "{said}");
    assert!(text(&opened[0]["title"]).contains("tcp port 5432"), "{said}");
    let told = demo.records("11-deliveries.ndjson");
    assert!(told.iter().any(|record| record["kind"] == "delivery"), "{said}");
}

#[test]
fn a_demo_that_is_interrupted_leaves_no_process_behind() {
    // While the emulator starts, while the account is filled, and in the middle of the story.
    let moments = [".emulator-port", "00-made.ndjson", "04-outcomes.ndjson"].map(|moment| {
        thread::spawn(move || {
            let mut demo = Demo::start("demo.sh");
            wait_until(moment, || demo.stage(moment).exists());
            assert!(!demo.processes().is_empty(), "{moment}: the processes are not found");
            demo.interrupt();
            let output = demo.end();
            let said = String::from_utf8_lossy(&output.stdout);
            assert_eq!(
                output.status.code(),
                Some(130),
                "{moment}: {said}\n{}",
                String::from_utf8_lossy(&output.stderr)
            );
            assert!(said.contains("The records of each stage are in"), "{moment}: {said}");
            demo.leaves_nothing_behind();
        })
    });
    for moment in moments {
        moment.join().unwrap();
    }
}

#[test]
fn the_brake_halts_and_lets_go() {
    let mut demo = Demo::start("demo-brake.sh");
    let output = demo.end();
    let (said, warned) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{said}\n{warned}");
    demo.leaves_nothing_behind();
    for (name, kinds) in [
        // Exactly as it is said: within its limit nothing but what was looked at, and nothing after it was halted.
        ("01-findings.ndjson", &["scope ok"][..]),
        ("02-rehearsal.ndjson", &["outcome refused", "scope ok"]),
        ("03-outcomes.ndjson", &["outcome applied", "outcome refused", "scope ok"]),
        ("04-outcomes.ndjson", &["scope ok"]),
        ("06-outcomes.ndjson", &["outcome applied"]),
    ] {
        assert_eq!(names(&demo.kinds(name)), kinds, "{name}\n{said}\n{warned}");
    }
    let halted = demo.records("03-outcomes.ndjson");
    // The account itself is for people.
    let refused: Vec<String> =
        halted.iter().filter(|it| it["status"] == "refused").map(|it| text(&it["check"])).collect();
    assert_eq!(refused, ["account_runaway"], "{said}");
    let can_be_undone = halted.iter().filter(|it| !it["undo"].is_null() && it["kind"] == "outcome").count();
    assert_eq!(demo.kinds("06-outcomes.ndjson")["outcome applied"], can_be_undone, "{said}\n{warned}");
}

#[test]
fn a_thief_is_caught() {
    let mut demo = Demo::start("demo-honeytoken.sh");
    let output = demo.end();
    let (said, warned) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{said}\n{warned}");
    demo.leaves_nothing_behind();
    for (name, kinds) in [
        ("01-tokens.ndjson", &["token"][..]),
        ("02-planted.ndjson", &["planting planted"]),
        ("04-alerts.ndjson", &["alert open"]),
        ("05-deliveries.ndjson", &["delivery delivered"]),
        ("06-outcomes.ndjson", &["outcome already", "outcome applied"]),
        ("06-differences.ndjson", &["difference"]),
        // Decoys are excepted.
        ("07-findings.ndjson", &["finding excepted", "scope ok"]),
        ("08-expired.ndjson", &["token"]),
    ] {
        assert_eq!(names(&demo.kinds(name)), kinds, "{name}\n{said}\n{warned}");
    }
    assert_eq!(demo.records("01-tokens.ndjson").len(), 3, "{said}");
    assert_eq!(demo.records("04-alerts.ndjson").len(), 2, "the first call, and the first from another address\n{said}");
    let paged = fs::read_to_string(demo.stage("05-pages.ndjson")).unwrap();
    assert!(paged.contains("203.0.113.9") && paged.contains("198.51.100.7") && paged.contains("nas"), "{paged}");
    // What the thief called themselves is text and nothing more.
    assert!(!paged.contains("<!channel>") && !paged.contains("\\u001b"), "{paged}");
    assert!(said.contains("laptop-1") && said.contains("nas"), "{said}");
}
