//! What the tools say of themselves, how they end, and what becomes of a closed pipe.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Stdio};
use std::thread;

use common::action::Action;
use serde_json::{Value, json};
use tests::{Emulator, Proxy, Tool};

use tests::stage::{NOW, Stage, input, sorted, text, write_names};

#[test]
fn the_checks_are_listed_in_each_format() {
    let list = |arguments: &[&str]| Tool::new("audit").arg("--list-checks").args(arguments).run().exits(0);
    let listed = list(&[]);
    let checks = listed.kind("check");
    assert_eq!(checks.len(), listed.records().len());
    assert!(checks.len() >= 15, "{listed}");
    let known: Vec<&str> = Action::ALL.iter().map(|(name, ..)| *name).collect();
    for check in &checks {
        assert!(text(&check["id"]).starts_with(&text(&check["type"])), "{check}");
        assert!(["low", "medium", "high", "critical"].contains(&check["severity"].as_str().unwrap()), "{check}");
        assert!(check["controls"].is_array() && !text(&check["meaning"]).is_empty(), "{check}");
        assert!(check["action"].as_str().is_none_or(|action| known.contains(&action)), "{check}");
    }
    let ids = sorted(checks.iter().map(|check| text(&check["id"])));
    let table = list(&["-o", "table"]).text();
    let markdown = list(&["-o", "markdown"]).text();
    assert!(markdown.starts_with("| check | type |"), "{markdown}");
    for id in &ids {
        assert!(table.lines().any(|line| line.contains(&format!(" {id} ")) || line.starts_with(id)), "{id}\n{table}");
        assert_eq!(markdown.lines().filter(|line| line.contains(&format!("[`{id}`]"))).count(), 1, "{id}");
    }
    let two = list(&["--checks", "sqs_public,ec2_imdsv2"]).kind("check");
    assert_eq!(sorted(two.iter().map(|check| text(&check["id"]))), ["ec2_imdsv2", "sqs_public"]);
}

#[test]
fn audit_ends_with_the_code_that_was_asked_for() {
    let stage = Stage::of("sqs");
    let polled = stage.poll();
    // `sqs_public` is critical, `sqs_policy_outsiders` is high.
    for (arguments, code, findings) in [
        (&[][..], 0, 2),
        (&["--fail-on", "critical"], 1, 2),
        (&["--fail-on", "low"], 1, 2),
        (&["--fail-on", "critical", "--checks", "sqs_policy_outsiders"], 0, 1),
        (&["--fail-on", "high", "--checks", "sqs_policy_outsiders"], 1, 1),
        (&["--checks", "ec2_imdsv2"], 0, 0),
        // Four queues, two checks.
        (&["--passed"], 0, 8),
        (&["--passed", "--checks", "sqs_public", "--fail-on", "low"], 1, 4),
        (&["--fail-on", "grave"], 2, 0),
        (&["--checks", "no_such_check"], 2, 0),
        (&["--now", "yesterday"], 2, 0),
        (&["--config", "no-such-file.toml"], 4, 0),
    ] {
        let ran = stage.tool("audit").args(arguments).stdin(polled.stdout.clone()).run();
        assert_eq!(ran.code(), code, "{arguments:?}\n{ran}");
        assert_eq!(ran.kind("finding").len(), findings, "{arguments:?}\n{ran}");
    }
    let passed = stage.tool("audit").arg("--passed").stdin(polled.stdout.clone()).run();
    assert_eq!(passed.matching(&json!({"status": "pass"})).len(), 6, "{passed}");
    let broken = [polled.stdout, b"{\n".to_vec()].concat();
    let ran = stage.tool("audit").stdin(broken).run().exits(3);
    assert_eq!(ran.kind("finding").len(), 2, "{ran}");
}

/// Runs a tool whose output nobody reads. The code it ends with, and what it says.
fn unheard(tool: &Tool, stdin: &[u8]) -> (Option<i32>, String) {
    let mut command = tool.command();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Closed before the first record can have been written: nothing was read yet.
    drop(child.stdout.take());
    // A tool that ends early does not read it all.
    drop(child.stdin.take().unwrap().write_all(stdin));
    ended(child)
}

fn ended(mut child: Child) -> (Option<i32>, String) {
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (child.wait().unwrap().code(), said)
}

#[test]
fn filters_end_quietly_when_nobody_reads_on() {
    let stage = Stage::of("sqs");
    let polled = stage.poll().stdout;
    let plan = input(&stage.findings());
    let quiet = (Some(0), String::new());
    assert_eq!(unheard(&stage.tool("poll").args(["--types", "sqs"]), b""), quiet);
    assert_eq!(unheard(&stage.tool("poll").arg("-"), &polled), quiet);
    assert_eq!(unheard(&stage.tool("audit"), &polled), quiet);
    assert_eq!(unheard(&stage.tool("audit").args(["-o", "table"]), &polled), quiet);
    assert_eq!(unheard(&stage.tool("audit").arg("--list-checks"), b""), quiet);
    let (code, _) = unheard(&stage.remediate(plan).arg("-q"), &input(&stage.findings()));
    assert_eq!(code, Some(0), "a plan that nobody reads is no loss");
}

#[test]
fn audit_ends_in_the_middle_of_its_input_when_its_reader_has_enough() {
    let stage = Stage::of("sqs");
    let polled = stage.poll().stdout;
    let mut command = stage.tool("audit").args(["--now", NOW]).command();
    let mut audit = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = audit.stdin.take().unwrap();
    // Without end, until the pipe breaks.
    let feeder = thread::spawn(move || while stdin.write_all(&polled).is_ok() {});
    let mut first = String::new();
    BufReader::new(audit.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with("{\"kind\":"), "{first}");
    assert_eq!(ended(audit), (Some(0), String::new()));
    feeder.join().unwrap();
}

#[test]
fn actions_whose_outcomes_nobody_reads_are_in_the_journal() {
    let stage = Stage::of("s3_bucket");
    let proxy = Proxy::new(Emulator::shared());
    let seen = stage.through(&proxy);
    let findings: Vec<Value> = stage.findings();
    proxy.reset();
    let journal = stage.tool("remediate").home().join("here.ndjson");
    let tool = seen.tool("remediate").args(["--apply", "--now", NOW, "--journal", "here.ndjson"]);
    let (code, said) = unheard(&tool, &input(&findings));
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("here.ndjson"), "{said}");

    let journal = fs::read_to_string(journal).unwrap();
    let entries: Vec<Value> = journal.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let phase = |phase: &str| {
        let of = entries.iter().filter(|entry| entry["phase"] == phase);
        sorted(of.map(|entry| text(&entry["outcome"]["key"])))
    };
    let applied: Vec<&Value> =
        entries.iter().map(|entry| &entry["outcome"]).filter(|outcome| outcome["status"] == "applied").collect();
    assert!(!applied.is_empty(), "what was under way is finished");
    assert!(applied.iter().all(|outcome| outcome["undo"]["kind"] == "task"), "{journal}");
    assert_eq!(phase("before"), phase("after"));
    assert_eq!(write_names(&proxy).len(), applied.len(), "each change is in the journal");
    assert!(applied.len() < findings.len(), "nothing new is begun when nobody reads");

    // What the journal has can be undone.
    let undo: Vec<Value> = applied.iter().map(|outcome| outcome["undo"].clone()).collect();
    let undone = stage.run(stage.tool("remediate").arg("--apply").stdin(input(&undo))).exits(0);
    assert_eq!(undone.matching(&json!({"status": "applied"})).len(), undo.len(), "{undone}");
    let keys = |findings: &[Value]| sorted(findings.iter().map(|finding| text(&finding["key"])));
    assert_eq!(keys(&stage.findings()), keys(&findings));
}
