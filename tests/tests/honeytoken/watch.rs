//! `honeytoken watch`: events from stdin and from files, without any credentials.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tests::{Ran, Tool};

const KEY: &str = "AKIARZPUZDIKCI2FM6EQ";

/// A decoy, as `export` writes it.
fn token(number: u32, key: &str) -> Value {
    json!({
        "kind": "token", "token": format!("t{number}"), "state": "active", "account": "111122223333", "region": "global",
        "type": "iam_user", "id": format!("svc-{number}"), "arn": format!("arn:aws:iam::111122223333:user/svc-{number}"),
        "principal_id": format!("AIDA{}", &key[4..]), "guard": "inline", "owner": "web", "location": "laptop-7",
        "keys": [{"id": key, "status": "active", "created_at": "2026-01-01T00:00:00Z"}], "created_at": "2026-01-01T00:00:00Z",
    })
}

/// A call with that key.
fn call(id: &str, key: &str) -> Value {
    json!({
        "eventVersion": "1.11", "userIdentity": {"type": "IAMUser", "accountId": "111122223333", "accessKeyId": key},
        "eventTime": "2026-11-20T10:00:00Z", "eventSource": "sts.amazonaws.com", "eventName": "GetCallerIdentity",
        "awsRegion": "us-east-1", "sourceIPAddress": "203.0.113.9", "userAgent": "aws-cli/2.17.20", "eventID": id,
        "requestParameters": null, "responseElements": null, "recipientAccountId": "111122223333",
    })
}

/// `honeytoken` in a home in which a registry has one decoy.
fn with_registry() -> Tool {
    let tool = Tool::new("honeytoken");
    let _ = tool.clone().args(["import"]).stdin(format!("{}\n", token(1, KEY))).run().exits(0);
    tool
}

fn watch(tool: &Tool, args: &[&str], input: impl Into<Vec<u8>>) -> Ran {
    tool.clone().arg("watch").args(args.iter().copied()).stdin(input).run()
}

fn triggers(ran: &Ran) -> Vec<String> {
    let alerts = ran.kind("alert");
    alerts
        .iter()
        .map(|alert| format!("{} {}", alert["status"].as_str().unwrap(), alert["trigger"].as_str().unwrap()))
        .collect()
}

#[test]
fn an_event_on_stdin_is_an_alert_once() {
    let tool = with_registry();
    let event = call("e1", KEY).to_string();
    let ran = watch(&tool, &[], event.clone()).exits(0);
    assert_eq!(triggers(&ran), ["open used", "closed used"]);
    let alert = &ran.kind("alert")[0];
    assert_eq!(
        alert["title"],
        "Decoy svc-1 (web, laptop-7) was used: sts:GetCallerIdentity from 203.0.113.9 with aws-cli, allowed"
    );
    assert_eq!((&alert["severity"], &alert["action"]["AccessKeyId"]), (&json!("critical"), &json!(KEY)));
    assert_eq!(triggers(&watch(&tool, &[], event)), Vec::<String>::new());
    let shown = tool.clone().args(["show", "t1"]).run().exits(0);
    assert_eq!(shown.kind("token")[0]["fired"]["events"], 1);
}

#[test]
fn files_are_read_packed_or_not_and_what_is_broken_costs_only_itself() {
    let tool = with_registry();
    let path = |name: &str| tool.home().join(name);
    let file = json!({"Records": [call("e0", "AKIAELSEELSEELSEELSE"), call("e1", KEY)]});
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(file.to_string().as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    fs::write(path("a.json.gz"), &packed).unwrap();
    fs::write(path("cut.json.gz"), &packed[..packed.len() - 12]).unwrap();
    let other = call("e2", KEY).to_string().replace("203.0.113.9", "203.0.113.10");
    let deep = "[".repeat(300);
    fs::write(path("b.ndjson"), format!("{{\"half\": \n{{\"what\":1}}\n{deep}\n{other}\n")).unwrap();
    let last = call("e3", KEY).to_string().replace("203.0.113.9", "203.0.113.11");
    let ran = watch(&tool, &["a.json.gz", "missing", "cut.json.gz", "b.ndjson", "-"], last).exits(3);
    assert_eq!(triggers(&ran), ["open used", "open used", "open used", "closed used"], "{ran}");
    assert_eq!(ran.kind("alert")[3]["count"], 3);
    let ran = ran.says("cannot read missing: ").says("cannot read cut.json.gz: ").says("b.ndjson: line 1: ");
    let _ = ran.says("b.ndjson: line 2: no CloudTrail record");
}

#[test]
fn tokens_from_a_list_need_no_registry() {
    let tool = Tool::new("honeytoken");
    let _ = watch(&tool, &[], "").exits(4).says("there is no registry");
    fs::write(tool.home().join("tokens.ndjson"), format!("{}\n{}\n", token(1, KEY), token(2, "AKIARZPUZDIKCI2FM7EQ")))
        .unwrap();
    let event = call("e1", "AKIARZPUZDIKCI2FM7EQ").to_string();
    for _ in 0..2 {
        let ran = watch(&tool, &["--tokens", "tokens.ndjson"], event.clone()).exits(0);
        assert_eq!(ran.kind("alert")[0]["token"]["id"], "t2");
    }
    assert!(!tool.home().join(".local").exists());
    let _ = watch(&tool, &["--tokens", "nowhere"], "").exits(4).says("cannot read nowhere");
    let _ = watch(&tool, &["--tokens", "/dev/null"], "").exits(4).says("there is no token in it");
    fs::write(tool.home().join("odd.ndjson"), "{\"kind\":\"token\"}\n").unwrap();
    let _ = watch(&tool, &["--tokens", "odd.ndjson"], "").exits(4).says("odd.ndjson");
}

#[test]
fn settings_say_who_is_allowed_for_and_when_it_is_over() {
    let tool = with_registry();
    let settings = |text: &str| fs::write(tool.home().join("sluice.toml"), text).unwrap();
    settings("[[honeytoken.allow]]\nreason = \"all\"\n");
    let _ = watch(&tool, &["--config", "sluice.toml"], "").exits(4).says("has no condition");
    settings(
        "[honeytoken]\nquiet = \"3650d\"\n[[honeytoken.allow]]\nreason = \"scanner\"\ncidr = [\"203.0.113.0/24\"]\nalso_allowed_calls = true\n",
    );
    let other = call("e2", KEY).to_string().replace("203.0.113.9", "198.51.100.7");
    let input = format!("{}\n{other}\n", call("e1", KEY));
    let ran = watch(&tool, &["--config", "sluice.toml"], input).exits(0);
    assert_eq!(triggers(&ran), ["open used"]);
    assert_eq!(ran.kind("alert")[0]["event"]["source"], "198.51.100.7");
    // It goes on in the next run, and that one has another idea of when it is over.
    assert_eq!(triggers(&watch(&tool, &["--closes-after", "1s"], "")), ["closed used"]);
}

/// A watch that goes on.
struct Live {
    child: Child,
    input: Option<ChildStdin>,
    output: Option<BufReader<ChildStdout>>,
}

impl Live {
    fn new(tool: &Tool, args: &[&str]) -> Self {
        let mut command = tool.clone().arg("watch").args(args.iter().copied()).command();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take(), child.stdout.take().map(BufReader::new));
        Self { child, input, output }
    }

    fn send(&mut self, event: &Value) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{event}").unwrap();
        input.flush().unwrap();
    }

    fn alert(&mut self) -> Value {
        let mut line = String::new();
        self.output.as_mut().unwrap().read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("/bin/kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap().success());
    }

    fn ends(&mut self) -> Option<i32> {
        let start = Instant::now();
        while start.elapsed() < Duration::from_mins(1) {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.child.kill().unwrap();
        panic!("it did not end");
    }
}

#[test]
fn a_live_watch_alerts_at_once_and_sees_tokens_that_are_made_meanwhile() {
    let tool = with_registry();
    let mut live = Live::new(&tool, &[]);
    live.send(&call("e1", KEY));
    // While the input stays open.
    assert_eq!(live.alert()["event"]["id"], "e1");
    let _ = tool.clone().arg("import").stdin(format!("{}\n", token(2, "AKIARZPUZDIKCI2FM7EQ"))).run().exits(0);
    std::thread::sleep(Duration::from_secs(2));
    live.send(&call("e2", "AKIARZPUZDIKCI2FM7EQ"));
    assert_eq!(live.alert()["token"]["id"], "t2");
    live.signal("TERM");
    assert_eq!(live.ends(), Some(0));
    // What was told is known, and both incidents are open still.
    let rest = format!("{}\n{}\n", call("e1", KEY), call("e2", "AKIARZPUZDIKCI2FM7EQ"));
    assert_eq!(triggers(&watch(&tool, &[], rest)), ["closed used", "closed used"]);
}

#[test]
fn an_incident_is_over_when_it_has_been_quiet() {
    let tool = with_registry();
    let mut live = Live::new(&tool, &["--closes-after", "2s"]);
    live.send(&call("e1", KEY));
    let first = live.alert();
    let last = live.alert();
    assert_eq!((&last["status"], &last["incident"]), (&json!("closed"), &first["incident"]));
    drop(live.input.take());
    assert_eq!(live.ends(), Some(0));
}

#[test]
fn an_alert_that_was_not_read_is_told_again() {
    let tool = with_registry();
    let mut live = Live::new(&tool, &[]);
    drop(live.output.take());
    live.send(&call("e1", KEY));
    assert_eq!(live.ends(), Some(3), "whoever keeps it running has to hear of it");
    assert_eq!(triggers(&watch(&tool, &[], call("e1", KEY).to_string())), ["open used", "closed used"]);
}

#[test]
fn nobody_breaks_a_line_or_a_terminal() {
    let tool = with_registry();
    let evil = "\u{1b}]0;owned\u{7}\r\n{\"kind\":\"alert\"}\u{202e}";
    let mut event = call("e1", KEY);
    for name in ["userAgent", "sourceIPAddress", "eventName", "errorCode", "errorMessage", "awsRegion", "eventID"] {
        event[name] = json!(evil);
    }
    let ran = watch(&tool, &[], format!("{event}\n{{\"\u{1b}[2J\": 1}}\n")).exits(3);
    assert_eq!(ran.text().lines().count(), 2);
    assert!(!ran.text().contains('\u{1b}') && !ran.stderr.contains('\u{1b}'), "{ran}");
    let title = ran.kind("alert")[0]["title"].as_str().unwrap().to_owned();
    assert!(!title.chars().any(|character| character.is_control() || character == '\u{202e}'), "{title}");
}
