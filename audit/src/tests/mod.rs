//! `audit` as a filter: what comes in and what goes out.

mod brake;
mod evidence;
mod exceptions;
mod exits;
mod people;
mod streams;

use std::io::Read;

use clap::Parser;
use common::cli::{Captured, Failure, Io, Say};
use common::exit::Exit;
use common::settings::Settings;
use serde_json::{Value, json};

use crate::{Arguments, run};

/// What a run came to.
struct Done {
    exit: Exit,
    stdout: String,
    stderr: String,
}

impl Done {
    /// The records of a kind.
    fn of_kind(&self, kind: &str) -> Vec<Value> {
        let records = self.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        records.filter(|record| record["kind"] == kind).collect()
    }

    /// `check status` of each finding.
    fn findings(&self) -> Vec<String> {
        let word = |finding: &Value, field: &str| finding[field].as_str().unwrap().to_owned();
        self.of_kind("finding")
            .iter()
            .map(|finding| format!("{} {}", word(finding, "check"), word(finding, "status")))
            .collect()
    }
}

/// Runs `audit --now 2026-11-20T10:00:00Z` with further arguments.
fn audit_with(settings: &Settings, arguments: &[&str], input: impl Read + Send) -> Done {
    let own = ["audit", "--now", "2026-11-20T10:00:00Z"];
    let arguments = Arguments::try_parse_from(own.iter().chain(arguments)).unwrap();
    let (stdout, stderr) = (Captured::default(), Captured::default());
    let say = Say::to("audit", stderr.clone());
    let io = Io { input: Box::new(input), output: Box::new(stdout.clone()), terminal: false, say: &say };
    let exit = run(arguments, settings, io).unwrap_or_else(|failure: Failure| {
        say.error(&failure);
        failure.exit()
    });
    Done { exit, stdout: stdout.text(), stderr: stderr.text() }
}

fn audit(arguments: &[&str], input: &str) -> Done {
    audit_with(&Settings::default(), arguments, input.as_bytes())
}

/// Records, one a line.
fn lines<'a>(records: impl IntoIterator<Item = &'a Value>) -> String {
    records.into_iter().map(|record| record.to_string() + "\n").collect()
}

/// A user without MFA, whose password is in use.
fn user(name: &str) -> Value {
    json!({
        "kind": "resource", "account": "111122223333", "region": "global", "type": "iam_user", "id": name,
        "arn": format!("arn:aws:iam::111122223333:user/{name}"), "tags": {},
        "config": {
            "UserName": name, "CreateDate": "2020-01-01T00:00:00Z", "PasswordEnabled": true, "AccessKeys": [], "MfaActive": false,
            "PasswordLastChanged": "2026-11-01T00:00:00Z", "PasswordLastUsed": "2026-11-19T00:00:00Z",
        },
        "observed_at": "2026-11-20T10:00:00Z",
    })
}

/// A queue that anyone may send to.
fn queue(name: &str) -> Value {
    json!({
        "kind": "resource", "account": "111122223333", "region": "eu-west-1", "type": "sqs",
        "id": format!("https://sqs.eu-west-1.amazonaws.com/111122223333/{name}"),
        "arn": format!("arn:aws:sqs:eu-west-1:111122223333:{name}"),
        "config": {"Policy": {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"},
        ]}},
    })
}

fn scope(status: &str, kind: &str) -> Value {
    let mut scope = json!({
        "kind": "scope", "account": "111122223333", "region": "eu-west-1", "type": kind, "status": status, "resources": 0,
    });
    if status == "failed" {
        scope["error"] = json!({"operation": format!("{kind}:List"), "code": "AccessDenied", "message": "no"});
    }
    scope
}
