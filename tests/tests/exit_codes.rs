//! Every exit code of every tool, where the tool can reach it: the contract of `common::exit`.

use common::exit::Exit;
use serde_json::{Value, json};
use tests::filter::{Filter, account, line};
use tests::{Account, Emulator, HttpSink, Proxy, Reply, Tool};

/// What leads to a code.
struct Row {
    tool: Tool,
    input: Vec<u8>,
    exit: Exit,
    /// It is an answer, and nothing has to be said of it.
    is_answer: bool,
}

impl Row {
    fn quiet(self) -> Self {
        Self { is_answer: true, ..self }
    }
}

fn row(tool: Tool, input: impl Into<Vec<u8>>, exit: Exit) -> Row {
    Row { tool, input: input.into(), exit, is_answer: exit == Exit::Done }
}

fn hold(rows: Vec<Row>) {
    let mut reached: Vec<Exit> = Vec::new();
    for Row { tool, input, exit, is_answer } in rows {
        let ran = tool.stdin(input).run();
        assert_eq!(ran.code(), i32::from(exit.code()), "{exit:?} is expected\n{ran}");
        // Whatever is not in order is said in words.
        assert_eq!(is_answer, !ran.stderr.contains("error") && !ran.stderr.contains("warning"), "{ran}");
        // Before a start nothing is written that somebody could take for an answer.
        assert!(!matches!(exit, Exit::Usage | Exit::CannotStart) || ran.stdout.is_empty(), "{ran}");
        reached.push(exit);
    }
    reached.sort_unstable();
    reached.dedup();
    assert!(reached.contains(&Exit::Done) && reached.len() >= 4, "{reached:?}");
}

#[test]
fn audit_ends_with_each() {
    let audit = |args: &[&str]| Filter::Audit.tool().args(args);
    let user = line(&Filter::Audit.valid(1));
    let mut unread = Filter::Audit.valid(2);
    unread["unread"] = json!([{"field": "MfaActive", "operation": "iam:ListMFADevices", "code": "AccessDenied"}]);
    let failed = json!({
        "kind": "scope", "account": account().id(), "region": "eu-west-1", "type": "sqs", "status": "failed",
        "error": {"operation": "sqs:ListQueues", "code": "AccessDenied"},
    });
    let both = [&user[..], b"nonsense\n"].concat();
    // What is unknown is said, though it is nobody's error.
    assert_eq!(audit(&[]).stdin(line(&unread)).run().exits(3).says("unknown").kind("finding").len(), 1);
    hold(vec![
        row(audit(&[]), "", Exit::Done),
        row(audit(&[]), user.clone(), Exit::Done),
        row(audit(&["--fail-on", "high"]), user.clone(), Exit::Done),
        row(audit(&["--list-checks"]), "", Exit::Done),
        row(audit(&["--nonsense"]), "", Exit::Usage),
        row(audit(&["--now", "yesterday"]), "", Exit::Usage),
        row(audit(&["-o", "markdown"]), "", Exit::Usage),
        row(audit(&["-q", "-v"]), "", Exit::Usage),
        row(audit(&[]), line(&failed), Exit::Incomplete),
        row(audit(&[]), both.clone(), Exit::Incomplete),
        row(audit(&["--config", "nowhere.toml"]), "", Exit::CannotStart),
        row(audit(&["--honeytokens", "nowhere.db"]), "", Exit::CannotStart),
    ]);
    // A finding is an answer, no trouble: nothing is said of it. It outweighs what is incomplete.
    for input in [user, both] {
        let _ = audit(&["--fail-on", "medium"]).stdin(input).run().exits(i32::from(Exit::No.code()));
    }
}

#[test]
fn poll_ends_with_each_but_no() {
    let account = account();
    let poll = |args: &[&str]| account.tool("poll").args(["--types", "iam_user"]).args(args);
    let proxy = Proxy::new(Emulator::shared()).deny("iam:*");
    let denied = account.through(&proxy);
    let user = line(&Filter::Poll.valid(1));
    hold(vec![
        row(poll(&[]), "", Exit::Done),
        row(account.tool("poll").arg("-"), user.clone(), Exit::Done),
        row(account.tool("poll").arg("-"), "", Exit::Done),
        row(poll(&["--types", "teapot"]), "", Exit::Usage),
        row(poll(&["-"]), "", Exit::Usage),
        row(poll(&["--concurrency", "0"]), "", Exit::Usage),
        row(poll(&["--session-name", "a/b"]), "", Exit::Usage),
        row(poll(&["--role", "a:b"]), "", Exit::Usage),
        row(denied.tool("poll").args(["--types", "iam_user"]), "", Exit::Incomplete),
        row(denied.tool("poll").arg("-"), user, Exit::Incomplete),
        row(account.tool("poll").arg("-"), "nonsense", Exit::Incomplete),
        row(poll(&["--accounts", "999988887777"]), "", Exit::Incomplete),
        row(without_credentials(&poll(&[])), "", Exit::CannotStart),
        row(poll(&["--config", "nowhere.toml"]), "", Exit::CannotStart),
        row(poll(&["--profile", "nobody"]), "", Exit::CannotStart),
    ]);
}

fn without_credentials(tool: &Tool) -> Tool {
    tool.clone().without_env("AWS_ACCESS_KEY_ID").without_env("AWS_SECRET_ACCESS_KEY").without_env("AWS_SESSION_TOKEN")
}

/// A task to stop an instance that is not there.
fn stop(account: &Account) -> Vec<u8> {
    line(&json!({
        "kind": "task", "account": account.id(), "region": "us-east-1", "type": "ec2", "id": "i-0123456789abcdef0",
        "action": "stop",
    }))
}

#[test]
fn remediate_ends_with_each() {
    let account = account();
    let remediate = |args: &[&str]| account.tool("remediate").args(args);
    let proxy = Proxy::new(Emulator::shared()).deny("ec2:*");
    let denied = account.through(&proxy);
    let mut unknown: Value = Filter::Remediate.valid(1);
    unknown["status"] = json!("fail");
    unknown["action"] = json!("fire");
    hold(vec![
        row(remediate(&[]), "", Exit::Done),
        row(remediate(&["--apply"]), line(&Filter::Remediate.valid(1)), Exit::Done),
        row(remediate(&["--max-percent", "101"]), "", Exit::Usage),
        row(remediate(&["--aply"]), "", Exit::Usage),
        row(remediate(&["--org"]), "", Exit::Usage),
        row(remediate(&[]), "nonsense", Exit::Incomplete),
        row(remediate(&["--apply", "--journal", "/proc/none/journal"]), "", Exit::CannotStart),
        row(without_credentials(&remediate(&[])), stop(account), Exit::CannotStart),
        row(remediate(&["--config", "nowhere.toml"]), "", Exit::CannotStart),
        row(remediate(&["--honeytokens", "nowhere.db"]), "", Exit::CannotStart),
    ]);
    // Why an action failed or was stopped stands in its outcome.
    for (tool, input, status) in [
        (denied.tool("remediate").arg("--apply"), stop(account), "failed"),
        (remediate(&["--apply"]), stop(account), "changed"),
        (remediate(&["--apply"]), line(&unknown), "refused"),
        // Who names accounts means these and no others.
        (remediate(&["--apply", "--accounts", "999988887777"]), stop(account), "refused"),
    ] {
        let ran = tool.stdin(input).run().exits(i32::from(Exit::No.code()));
        let outcome = ran.one(&json!({"kind": "outcome", "status": status}));
        assert!(outcome["reason"].is_string(), "{outcome}");
    }
    // Without --apply nobody was denied anything, but not everything could be looked at.
    let ran = denied.tool("remediate").stdin(stop(account)).run().exits(i32::from(Exit::Incomplete.code()));
    let _ = ran.one(&json!({"kind": "outcome", "status": "failed"}));
    let _ = remediate(&[]).stdin(line(&unknown)).run().exits(0);
}

#[test]
fn notify_ends_with_each_but_no() {
    let finding = line(&Filter::Notify.valid(1));
    let slack = |replies: Vec<Reply>| {
        let sink = HttpSink::new(replies);
        let url = format!("{}/services/T/B/x", sink.url());
        (Tool::new("notify").env("SLACK_WEBHOOK_URL", url).args(["--deadline", "20s"]), sink)
    };
    let (well, heard) = slack(Vec::new());
    let (gone, _deaf) = slack(vec![Reply::status(404, "no_service")]);
    let dry = |args: &[&str]| Tool::new("notify").arg("--dry-run").args(args);
    hold(vec![
        row(dry(&[]), finding.clone(), Exit::Done),
        row(dry(&[]), "", Exit::Done),
        row(well.clone(), finding.clone(), Exit::Done),
        row(well, "", Exit::Done),
        row(dry(&["--deadline", "0s"]), "", Exit::Usage),
        row(dry(&["--dry"]), "", Exit::Usage),
        row(dry(&[]), "nonsense", Exit::Incomplete),
        row(gone, finding.clone(), Exit::Incomplete),
        row(Tool::new("notify"), finding.clone(), Exit::CannotStart),
        row(dry(&["--sns-topic", "nonsense"]), finding.clone(), Exit::CannotStart),
        row(dry(&["--config", "nowhere.toml"]), finding, Exit::CannotStart),
    ]);
    assert_eq!(heard.json().len(), 1);
}

#[test]
fn honeytoken_ends_with_each() {
    let account = Account::new();
    let honeytoken = |args: &[&str]| account.tool("honeytoken").args(args);
    let made = honeytoken(&["create", "--owner", "web", "--location", "nas", "--out", "secrets"]).run().exits(0);
    let token = made.one(&json!({"kind": "token"}))["token"].as_str().unwrap().to_owned();
    let denied = Proxy::new(Emulator::shared()).deny("iam:*");
    let watch = |tokens: &str| Tool::new("honeytoken").args(["watch", "--tokens", tokens]);
    hold(vec![
        row(honeytoken(&["list"]), "", Exit::Done),
        row(honeytoken(&["expire"]), "", Exit::Done),
        row(honeytoken(&["decode", "AKIARTX3GSDSQAAAAAAA"]), "", Exit::Done),
        row(honeytoken(&["reconcile"]), "", Exit::Done),
        row(honeytoken(&["identify"]), "AKIAIOSFODNN7EXAMPLE", Exit::No).quiet(),
        row(honeytoken(&["create", "--count", "0"]), "", Exit::Usage),
        row(honeytoken(&["create", "--nonsense"]), "", Exit::Usage),
        row(honeytoken(&["list", "--state", "asleep"]), "", Exit::Usage),
        row(honeytoken(&[]), "", Exit::Usage).quiet(),
        row(honeytoken(&["show", "nobody"]), "", Exit::Incomplete),
        row(honeytoken(&["decode", "nonsense"]), "", Exit::Incomplete),
        row(honeytoken(&["create", "-"]), "nonsense", Exit::Incomplete),
        row(honeytoken(&["watch"]), "nonsense", Exit::Incomplete),
        row(account.through(&denied).tool("honeytoken").args(["delete", &token]), "", Exit::Incomplete),
        row(Tool::new("honeytoken").args(["list"]), "", Exit::CannotStart),
        row(honeytoken(&["--config", "nowhere.toml", "list"]), "", Exit::CannotStart),
        row(watch("nowhere.ndjson"), "", Exit::CannotStart),
        row(watch("/dev/null"), "", Exit::CannotStart),
    ]);
}

/// `| head`: nobody reads any more, and that is nobody's fault.
#[test]
fn a_closed_pipe_is_a_quiet_end() {
    for filter in [Filter::Audit, Filter::Remediate, Filter::Notify] {
        let tool = filter.tool();
        let command = tool.command();
        let words: Vec<String> = std::iter::once(command.get_program())
            .chain(command.get_args())
            .map(|word| format!("'{}'", word.to_string_lossy()))
            .collect();
        let script = format!("{} | true; exit ${{PIPESTATUS[0]}}", words.join(" "));
        let input: Vec<u8> = (1..=3000).flat_map(|number| line(&filter.valid(number))).collect();
        let shell = if filter == Filter::Remediate { account().tool("/bin/bash") } else { Tool::new("/bin/bash") };
        let ran = shell.args(["-c", &script]).stdin(input).run().exits(0);
        assert!(!ran.stderr.contains("error") && !ran.stderr.contains("panicked"), "{ran}");
    }
}
