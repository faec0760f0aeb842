//! Objects in S3 with conditional writes, of the tests' own: the emulator knows these conditions, but checks and writes in
//! two steps, so that two writers at once may both be let through. And the same against the emulator, one at a time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tests::http::{Request, Response};
use tests::{Account, Call, Emulator, Proxy, Verdict, on};

use crate::{filed, queues, stop, stream, text};

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<String, (u64, String)>,
    written: u64,
    refused: usize,
}

/// What is in S3, with a version each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Objects(Arc<Mutex<State>>);

impl Objects {
    /// The proxy that serves them.
    pub(crate) fn serve(&self, proxy: Proxy) -> Proxy {
        let (reads, writes) = (self.clone(), self.clone());
        proxy.rule("s3:GetObject", move |call| reads.get(call)).rule("s3:PutObject", move |call| writes.put(call))
    }

    /// Changes an object as a producer does that loses nothing.
    pub(crate) fn change(&self, path: &str, change: impl FnOnce(&mut Value)) {
        let mut state = self.lock();
        let before = state.objects.get(path).map(|(_, text)| serde_json::from_str(text).unwrap());
        let mut file = before.unwrap_or_else(|| json!({"tasks": []}));
        change(&mut file);
        state.written += 1;
        let version = state.written;
        state.objects.insert(path.to_owned(), (version, file.to_string()));
    }

    pub(crate) fn read(&self, path: &str) -> Value {
        serde_json::from_str(&self.lock().objects[path].1).unwrap()
    }

    /// How many writes came too late.
    pub(crate) fn refused(&self) -> usize {
        self.lock().refused
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, call: &Call) -> Verdict {
        match self.lock().objects.get(call.request.path()) {
            Some((version, text)) => {
                Verdict::Answer(Response::new(200, text.as_str()).with("ETag", format!("\"{version}\"")))
            }
            None => Verdict::error(call, 404, "NoSuchKey", "The specified key does not exist."),
        }
    }

    fn put(&self, call: &Call) -> Verdict {
        let mut state = self.lock();
        let now = state.objects.get(call.request.path()).map(|(version, _)| format!("\"{version}\""));
        let meets = match (call.request.header("if-match"), call.request.header("if-none-match")) {
            (Some(tag), None) => now.as_deref() == Some(tag),
            (None, Some("*")) => now.is_none(),
            conditions => panic!("a write without a condition: {conditions:?}"),
        };
        if !meets {
            state.refused += 1;
            return Verdict::error(call, 412, "PreconditionFailed", "At least one of the pre-conditions did not hold");
        }
        state.written += 1;
        let version = state.written;
        state.objects.insert(call.request.path().to_owned(), (version, body(&call.request)));
        Verdict::Answer(Response::new(200, "").with("ETag", format!("\"{version}\"")))
    }
}

/// The object in a request: the SDK sends it in signed chunks, each with its size, and a checksum behind.
fn body(request: &Request) -> String {
    let text = request.text();
    if request.header("content-encoding").is_none_or(|encoding| !encoding.contains("aws-chunked")) {
        return text;
    }
    let (mut rest, mut body) = (text.as_str(), String::new());
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.split(';').next().unwrap(), 16).unwrap();
        if size == 0 {
            break;
        }
        body.push_str(&after[..size]);
        rest = after[size..].trim_start_matches("\r\n");
    }
    body
}

/// A bucket in the emulator, and where the tasks are in it.
fn bucket(account: &Account, region: &str) -> String {
    let name = format!("tasks-{region}-{}", account.id());
    let place = match region {
        "us-east-1" => String::new(),
        region => format!(
            "<CreateBucketConfiguration><LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
        ),
    };
    let made = account.call_in(region, "s3", Request::new("PUT", &format!("/{name}")).body(place)).unwrap();
    assert_eq!(made.status, 200, "{made:?}");
    name
}

fn object(account: &Account, bucket: &str) -> Value {
    let answer = account.call("s3", Request::new("GET", &format!("/{bucket}/tasks.json"))).unwrap();
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

fn put(account: &Account, bucket: &str, file: &Value) {
    let answer =
        account.call("s3", Request::new("PUT", &format!("/{bucket}/tasks.json")).body(file.to_string())).unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn the_life_of_a_task_in_s3() {
    let account = queues(2);
    let name = bucket(&account, "us-east-1");
    let proxy = Proxy::new(Emulator::shared());
    let seen = account.through(&proxy);
    let run = |records: &[Value], apply: bool| {
        let tool = seen.tool("remediate").args(["--tasks".to_owned(), format!("s3://{name}/tasks.json")]);
        let tool = tool.args(["--max-percent", "100"]).stdin(tests::ndjson(records));
        if apply { tool.arg("--apply").run() } else { tool.run() }
    };
    let found = stream(&account);
    let first = run(&found, true).exits(0);
    assert_eq!(first.matching(&json!({"status": "scheduled"})).len(), 2, "{first}");
    assert_eq!(proxy.count("s3:PutObject"), 2, "in, and told");
    let again = run(&found, true).exits(0);
    assert_eq!(again.matching(&json!({"status": "waiting"})).len(), 2, "{again}");
    assert_eq!(proxy.count("s3:PutObject"), 2, "nothing to write");

    let mut file = object(&account, &name);
    file["owner"] = json!("web");
    for task in file["tasks"].as_array_mut().unwrap() {
        task["action_time"] = json!(0.5e-9);
        task["action_time"] = json!("2020-01-01T00:00:00Z");
    }
    // What another run is at work on is left alone; what a dead one had claimed is done.
    file["tasks"][0]["claim"] = json!({"run": "alive", "until": "2100-01-01T00:00:00Z"});
    file["tasks"][1]["claim"] = json!({"run": "dead", "until": "2020-01-01T00:00:00Z"});
    put(&account, &name, &file);
    let ran = run(&[], true).exits(3).says("dead was cut off");
    let statuses = |status: &str| ran.matching(&json!({"status": status})).len();
    assert_eq!((statuses("waiting"), statuses("interrupted"), statuses("applied")), (1, 1, 1), "{ran}");
    let file = object(&account, &name);
    assert_eq!((&file["owner"], file["tasks"].as_array().unwrap().len()), (&json!("web"), 1));
    assert_eq!(file["tasks"][0]["claim"]["run"], "alive");
    assert_eq!(proxy.count("sqs:SetQueueAttributes"), 1);
}

#[test]
fn what_s3_says_no_to_is_said_and_nothing_is_done() {
    let account = Account::new();
    let name = bucket(&account, "us-east-1");
    let tasks = [stop(account.id(), "i-0a1b2c3d4e5f60718")];
    let place = format!("s3://{name}/tasks.json");
    let run = |proxy: &Proxy| {
        let tool = account.through(proxy).tool("remediate").args(["--apply", "--tasks", &place]);
        tool.stdin(tests::ndjson(&tasks)).run()
    };
    for (operation, said) in [("s3:GetObject", "s3:GetObject"), ("s3:PutObject", "s3:PutObject")] {
        let proxy = Proxy::new(Emulator::shared()).deny(operation);
        let ran = run(&proxy).exits(4).says(said).says(&place);
        assert!(ran.stdout.is_empty(), "{ran}");
        assert_eq!(proxy.count("ec2:*"), 0);
    }
    // Too late twice; and once without an answer, though it was written.
    let late = on("s3:PutObject").first(2);
    let proxy = Proxy::new(Emulator::shared()).fail(late, 409, "ConditionalRequestConflict", "try again");
    let ran = run(&proxy).exits(1);
    assert_eq!(ran.kind("outcome")[0]["status"], "changed", "there is no such instance: {ran}");
    let proxy = Proxy::new(Emulator::shared()).cut_after(on("s3:PutObject").first(1));
    let ran = run(&proxy).exits(1);
    assert_eq!(ran.kind("outcome").len(), 1, "{ran}");
    assert_eq!(object(&account, &name), json!({"tasks": []}));
    put(&account, &name, &json!([1]));
    let _ = run(&Proxy::new(Emulator::shared())).exits(4).says("line 1").says(&place);
    assert_eq!(object(&account, &name), json!([1]));
}

#[test]
fn a_bucket_of_another_region_is_found() {
    let account = Account::new();
    let name = bucket(&account, "eu-west-1");
    let elsewhere = on("s3:GetObject").region("us-east-1");
    let proxy = Proxy::new(Emulator::shared()).fail(elsewhere, 301, "PermanentRedirect", "use the other endpoint");
    let mut later = stop(account.id(), "i-0a1b2c3d4e5f60718");
    later["action_time"] = json!("2100-01-01T00:00:00Z");
    let tool =
        account.through(&proxy).tool("remediate").args(["--tasks".to_owned(), format!("s3://{name}/tasks.json")]);
    let ran = tool.stdin(tests::ndjson(&[later])).run().exits(0);
    assert_eq!(text(&ran.kind("outcome")[0]["status"]), "scheduled");
    assert!(proxy.count(on("s3:PutObject").region("eu-west-1")) > 0);
    assert!(!crate::path(&account).exists() || filed(&account).is_empty());
}
