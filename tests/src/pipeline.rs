//! Tools run one after the other, each on the output of the one before.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;
use tempfile::TempDir;

use crate::account::Account;

/// A tool, about to be run: in a directory of its own, with an environment that holds nothing of the caller's but `PATH`.
#[derive(Debug, Clone)]
pub struct Tool {
    name: String,
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    stdin: Vec<u8>,
    time_limit: Duration,
    account: Option<Account>,
    home: Arc<TempDir>,
}

impl Tool {
    /// A tool that knows of no AWS account: what `audit` must do with. `name` is a tool, another binary of this crate
    /// (`misconfigure`), or the absolute path of any program.
    ///
    /// # Panics
    /// Outside the integration tests (`tests/tests/*.rs`): cargo tells those alone where it put the binaries.
    pub fn new(name: &str) -> Self {
        Self::within(name, None, Arc::new(tempfile::tempdir().expect("a temporary home directory")))
    }

    pub(crate) fn within(name: &str, account: Option<&Account>, home: Arc<TempDir>) -> Self {
        let mut env: Vec<(OsString, OsString)> = vec![("HOME".into(), home.path().into())];
        env.extend(env::var_os("PATH").map(|path| ("PATH".into(), path)));
        env.extend(account.into_iter().flat_map(Account::env).map(|(name, value)| (name.into(), value.into())));
        Self {
            name: name.to_owned(),
            program: program(name),
            args: Vec::new(),
            env,
            stdin: Vec::new(),
            time_limit: Duration::from_mins(2),
            account: account.cloned(),
            home,
        }
    }

    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// What the tool reads; nothing unless told.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Sets a variable, or replaces one.
    #[must_use]
    pub fn env(self, name: impl AsRef<OsStr>, value: impl Into<OsString>) -> Self {
        let name = name.as_ref().to_owned();
        let mut tool = self.without_env(&name);
        tool.env.push((name, value.into()));
        tool
    }

    /// Takes a variable away: `without_env("AWS_ACCESS_KEY_ID")`.
    #[must_use]
    pub fn without_env(mut self, name: impl AsRef<OsStr>) -> Self {
        self.env.retain(|(other, _)| other != name.as_ref());
        self
    }

    /// How long it may take before it is killed and the test fails: two minutes unless told.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// `HOME` and the working directory: the same for all tools of an account.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The command as such, for a test that has to do more than to wait for its end (signals, streaming).
    pub fn command(&self) -> process::Command {
        let mut command = process::Command::new(&self.program);
        command.args(&self.args).env_clear().current_dir(self.home.path());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The same for `assert_cmd`.
    pub fn assert_command(&self) -> assert_cmd::Command {
        let mut command = assert_cmd::Command::from_std(self.command());
        command.write_stdin(self.stdin.clone()).timeout(self.time_limit);
        command
    }

    /// Runs it to its end.
    pub fn run(self) -> Ran {
        let output = self.assert_command().output();
        let output = output.unwrap_or_else(|error| panic!("{}: {error}", self.program.display()));
        let code = output.status.code();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let ran = Ran { code, stdout: output.stdout, stderr, tool: self };
        // Killed by the time limit, or by its own doing: in neither case what any test waits for.
        assert!(code.is_some(), "ended by a signal ({}), or after {:?}\n{ran}", output.status, ran.tool.time_limit);
        ran
    }
}

/// What came of a tool.
#[derive(Debug, Clone)]
pub struct Ran {
    /// `None` never leaves [`Tool::run`].
    code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
    tool: Tool,
}

impl Ran {
    pub fn code(&self) -> i32 {
        self.code.unwrap_or(-1)
    }

    /// Holds the tool to its exit code.
    ///
    /// # Panics
    /// With stdout and stderr, when it is another one.
    #[must_use]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code(), code, "the exit code is not the one expected\n{self}");
        self
    }

    /// Holds the tool to having said `text` on stderr.
    #[must_use]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "stderr does not say {text:?}\n{self}");
        self
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// The records on stdout.
    ///
    /// # Panics
    /// When stdout is not NDJSON with `kind` first, which is the contract of every tool.
    pub fn records(&self) -> Vec<Value> {
        let whole = self.stdout.is_empty() || self.stdout.ends_with(b"\n");
        assert!(whole, "the last line of stdout is cut off\n{self}");
        self.stdout.split_inclusive(|byte| *byte == b'\n').map(|line| self.record(line)).collect()
    }

    fn record(&self, line: &[u8]) -> Value {
        let value: Value = match serde_json::from_slice(line) {
            Ok(value) => value,
            Err(error) => panic!("not a record: {error}: {}\n{self}", String::from_utf8_lossy(line)),
        };
        let first = value.as_object().and_then(|object| object.iter().next());
        let kind_first = first.is_some_and(|(key, value)| key == "kind" && value.is_string());
        assert!(kind_first, "a record without kind as its first field: {value}\n{self}");
        value
    }

    /// The records of one kind.
    pub fn kind(&self, kind: &str) -> Vec<Value> {
        self.matching(&serde_json::json!({ "kind": kind }))
    }

    /// The records that have all of these fields, with these values: of an object the fields that are given, of
    /// anything else the whole. `matching(&json!({"kind": "finding", "action": {"name": "stop"}}))`
    pub fn matching(&self, fields: &Value) -> Vec<Value> {
        self.records().into_iter().filter(|record| has(record, fields)).collect()
    }

    /// The one record that matches.
    ///
    /// # Panics
    /// When there is none or more than one.
    pub fn one(&self, fields: &Value) -> Value {
        let mut found = self.matching(fields);
        assert_eq!(found.len(), 1, "records that match {fields}\n{self}");
        found.remove(0)
    }

    /// The next tool, in the same account and home, which reads what this one wrote.
    pub fn pipe(&self, name: &str) -> Tool {
        Tool::within(name, self.tool.account.as_ref(), Arc::clone(&self.tool.home)).stdin(self.stdout.clone())
    }

    /// The same with the records changed on the way, as by hand.
    pub fn pipe_edited(&self, name: &str, edit: impl FnOnce(&mut Vec<Value>)) -> Tool {
        let mut records = self.records();
        edit(&mut records);
        self.pipe(name).stdin(ndjson(&records))
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "$ {}", self.tool.name)?;
        for arg in &self.tool.args {
            write!(f, " {}", arg.to_string_lossy())?;
        }
        writeln!(f, "\n--- exit code {:?}, stdout:\n{}", self.code, self.text())?;
        writeln!(f, "--- stderr:\n{}---", self.stderr)
    }
}

fn program(name: &str) -> PathBuf {
    if Path::new(name).is_absolute() {
        return name.into();
    }
    // Cargo sets these for integration tests, and builds what they name.
    env::var_os(format!("CARGO_BIN_EXE_{name}")).map_or_else(|| cargo_bin(format!("{name}-under-test")), PathBuf::from)
}

/// Records as a tool writes them.
pub fn ndjson(records: &[Value]) -> Vec<u8> {
    records.iter().flat_map(|record| format!("{record}\n").into_bytes()).collect()
}

fn has(value: &Value, fields: &Value) -> bool {
    match (value, fields) {
        (Value::Object(value), Value::Object(fields)) => {
            fields.iter().all(|(key, field)| value.get(key).is_some_and(|value| has(value, field)))
        }
        _ => value == fields,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn matches_by_the_fields_that_are_given() {
        let record = json!({"kind": "finding", "action": {"name": "stop", "x": 1}, "tags": ["a"], "reason": null});
        for (fields, expected) in [
            (json!({}), true),
            (json!({"kind": "finding"}), true),
            (json!({"kind": "finding", "action": {"name": "stop"}}), true),
            (json!({"reason": null}), true),
            (json!({"tags": ["a"]}), true),
            (json!({"tags": []}), false),
            (json!({"kind": "scope"}), false),
            (json!({"action": "stop"}), false),
            (json!({"undo": null}), false),
        ] {
            assert_eq!(has(&record, &fields), expected, "{fields}");
        }
    }
}
