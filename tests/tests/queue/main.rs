//! `poll --sqs` and `poll --send`, against the emulator's queues: nothing is lost, whatever becomes of the worker.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod consume;
mod ends;
mod faults;
mod send;
mod settle;

use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::http::Request;
use tests::stage::{json_request, text};
use tests::{Account, Proxy, Ran, Tool};

/// No test waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(90);

/// An account with resources that can be looked up, and a queue.
struct Jobs {
    account: Account,
    url: String,
    /// Security groups.
    groups: Vec<String>,
}

impl Jobs {
    /// With so many security groups, and a queue whose messages come again after so many seconds.
    fn new(groups: usize, visibility: u32) -> Self {
        Self::of(groups, "jobs", &json!({"VisibilityTimeout": visibility.to_string()}))
    }

    fn of(groups: usize, name: &str, attributes: &Value) -> Self {
        let account = Account::new();
        let mut jobs = Self { account, url: String::new(), groups: Vec::new() };
        jobs.url = jobs.queue(name, attributes);
        jobs.groups = (0..groups).map(|number| jobs.group(&format!("g{number}"))).collect();
        jobs
    }

    /// One more queue.
    fn queue(&self, name: &str, attributes: &Value) -> String {
        text(&self.sqs("CreateQueue", &json!({"QueueName": name, "Attributes": attributes}))["QueueUrl"])
    }

    fn group(&self, name: &str) -> String {
        let form = format!("Action=CreateSecurityGroup&Version=2016-11-15&GroupName={name}&GroupDescription=sluice");
        let answer = self.account.call("ec2", Request::form(form)).unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.text().split("<groupId>").nth(1).unwrap().split('<').next().unwrap().to_owned()
    }

    fn sqs(&self, call: &str, body: &Value) -> Value {
        let answer = self.account.call("sqs", json_request(&format!("AmazonSQS.{call}"), body)).unwrap();
        assert_eq!(answer.status, 200, "{call}: {answer:?}");
        serde_json::from_str(&answer.text()).unwrap_or(Value::Null)
    }

    /// The message that is about a group.
    fn reference(&self, group: &str) -> String {
        json!({"account": self.account.id(), "region": "us-east-1", "type": "security_group", "id": group}).to_string()
    }

    /// CloudTrail's record of a change of a group.
    fn event(&self, group: &str) -> Value {
        json!({
            "eventVersion": "1.08", "eventSource": "ec2.amazonaws.com", "eventName": "AuthorizeSecurityGroupIngress",
            "awsRegion": "us-east-1", "recipientAccountId": self.account.id(), "eventID": format!("e-{group}"),
            "eventTime": "2026-11-20T10:00:00Z", "eventType": "AwsApiCall",
            "requestParameters": {"groupId": group, "ipPermissions": {}}, "responseElements": {"_return": true},
        })
    }

    fn send(&self, bodies: impl IntoIterator<Item = String>) {
        self.send_to(&self.url, bodies);
    }

    fn send_to(&self, url: &str, bodies: impl IntoIterator<Item = String>) {
        let bodies: Vec<String> = bodies.into_iter().collect();
        for batch in bodies.chunks(10) {
            let entry = |(number, body): (usize, &String)| json!({"Id": number.to_string(), "MessageBody": body});
            let entries: Vec<Value> = batch.iter().enumerate().map(entry).collect();
            self.sqs("SendMessageBatch", &json!({"QueueUrl": url, "Entries": entries}));
        }
    }

    /// All groups, as messages.
    fn send_all(&self) {
        self.send(self.groups.iter().map(|group| self.reference(group)));
    }

    /// How many messages there are: to be received, held by somebody, delayed.
    fn count(&self) -> [u64; 3] {
        self.count_of(&self.url)
    }

    fn count_of(&self, url: &str) -> [u64; 3] {
        let answer = self.sqs("GetQueueAttributes", &json!({"QueueUrl": url, "AttributeNames": ["All"]}));
        ["", "NotVisible", "Delayed"]
            .map(|which| text(&answer["Attributes"][format!("ApproximateNumberOfMessages{which}")]).parse().unwrap())
    }

    /// The bodies of what can be received, which is received.
    fn bodies(&self, url: &str) -> Vec<Value> {
        let mut bodies = Vec::new();
        loop {
            let request = json!({"QueueUrl": url, "MaxNumberOfMessages": 10, "VisibilityTimeout": 600});
            let answer = self.sqs("ReceiveMessage", &request);
            let Some(messages) = answer["Messages"].as_array().filter(|messages| !messages.is_empty()) else {
                return bodies;
            };
            bodies.extend(messages.iter().map(|message| serde_json::from_str(&text(&message["Body"])).unwrap()));
        }
    }

    /// A worker.
    fn worker(&self) -> Tool {
        self.account.tool("poll").args(["--sqs", &self.url])
    }

    /// A worker that ends when the queue is empty.
    fn once(&self) -> Tool {
        self.worker().arg("--once")
    }

    /// The same account, as it is seen through `proxy`.
    fn through(&self, proxy: &Proxy) -> Self {
        Self { account: self.account.through(proxy), url: self.url.clone(), groups: self.groups.clone() }
    }
}

/// A worker that runs.
struct Service(Child);

impl Service {
    fn start(tool: &Tool) -> Self {
        let mut command = tool.command();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    fn signal(&self, name: &str) {
        let sent = std::process::Command::new("kill").args([&format!("-{name}"), &self.0.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for its end: its exit code, the ids of the resources that it wrote in whole lines, and stderr.
    fn end(self) -> (Option<i32>, Vec<String>, String) {
        let output = self.0.wait_with_output().unwrap();
        let written = String::from_utf8_lossy(&output.stdout).into_owned();
        let whole = written.rfind('\n').map_or("", |end| &written[..end]);
        let records = whole.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let ids = records.filter(|it| it["kind"] == "resource").map(|it| text(&it["id"])).collect();
        (output.status.code(), ids, String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}: not in time");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The ids of the resources, in their order.
fn ids(ran: &Ran) -> Vec<String> {
    ran.kind("resource").iter().map(|resource| text(&resource["id"])).collect()
}

fn sorted(ids: impl IntoIterator<Item = String>) -> Vec<String> {
    tests::stage::sorted(ids)
}
