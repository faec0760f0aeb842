//! An account full of mistakes, and the tools set up to work in it.

use std::fs;

use crate::http::{Request, Response};
use crate::{Account, Call, Proxy, Ran, Tool, ndjson};
use serde_json::{Value, json};

/// Late enough for passwords and keys that were made a second ago to be old.
pub const NOW: &str = "2099-01-01T00:00:00Z";

/// The limits of `remediate` are left as they are.
const SETTINGS: &str = r#"
[aws]
regions = ["us-east-1"]
[checks.security_group_open]
fix = true
"#;

/// An account, what the misconfiguration maker made in it, and the types that the tools look at.
#[derive(Debug, Clone)]
pub struct Stage {
    pub account: Account,
    types: String,
    made: Vec<Value>,
}

impl Stage {
    /// With all that `misconfigure` makes of these types.
    pub fn of(types: &str) -> Self {
        let stage = Self::empty(types);
        let ran = stage.account.tool("misconfigure").args(["--types", types]).run().exits(0);
        let made = ran.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Self { made, ..stage }
    }

    /// With nothing but what every account has.
    pub fn empty(types: &str) -> Self {
        Self::empty_in(Account::new(), types)
    }

    /// The same in that account.
    pub fn empty_in(account: Account, types: &str) -> Self {
        let stage = Self { account, types: types.to_owned(), made: Vec::new() };
        stage.settings(SETTINGS);
        stage
    }

    /// The same account, seen through a proxy.
    #[must_use]
    pub fn through(&self, proxy: &Proxy) -> Self {
        Self { account: self.account.through(proxy), ..self.clone() }
    }

    /// The same account, of which the tools look at these types.
    #[must_use]
    pub fn with_types(&self, types: &str) -> Self {
        Self { types: types.to_owned(), ..self.clone() }
    }

    /// More settings.
    pub fn set(&self, more: &str) {
        self.settings(&format!("{more}\n{SETTINGS}"));
    }

    /// `ACCOUNT` in them is the account's id.
    fn settings(&self, text: &str) {
        let text = text.replace("ACCOUNT", self.account.id());
        fs::write(self.account.tool("audit").home().join("sluice.toml"), text).unwrap();
    }

    /// What was made: references, with `what` and the `checks` that fail.
    pub fn made(&self) -> &[Value] {
        &self.made
    }

    /// The ARN of what was made and is described so: `bad: takes plain HTTP`.
    pub fn arn(&self, what: &str) -> Value {
        let made = self.made.iter().find(|made| made["what"].as_str().unwrap().contains(what));
        made.unwrap_or_else(|| panic!("nothing that was made is {what:?}"))["arn"].clone()
    }

    pub fn tool(&self, name: &str) -> Tool {
        self.account.tool(name).env("SLUICE_CONFIG", "sluice.toml")
    }

    /// What was made, as it is now.
    pub fn poll(&self) -> Ran {
        self.run(self.tool("poll").args(["--types", &self.types, "--only-test-resources"])).exits(0)
    }

    /// All that there is of the types.
    pub fn poll_all(&self) -> Ran {
        self.run(self.tool("poll").args(["--types", &self.types])).exits(0)
    }

    pub fn audit(&self, resources: impl Into<Vec<u8>>) -> Ran {
        self.run(self.tool("audit").args(["--now", NOW]).stdin(resources)).exits(0)
    }

    /// The findings of now.
    pub fn findings(&self) -> Vec<Value> {
        self.audit(self.poll().stdout).kind("finding")
    }

    /// `remediate`, about to run at the time of the audit.
    pub fn remediate(&self, input: impl Into<Vec<u8>>) -> Tool {
        self.tool("remediate").args(["--now", NOW]).stdin(input)
    }

    /// The same with `--apply`.
    pub fn apply(&self, input: impl Into<Vec<u8>>) -> Tool {
        self.remediate(input).arg("--apply")
    }

    /// Runs a tool, and holds it to saying nothing secret, neither on stdout nor on stderr.
    pub fn run(&self, tool: Tool) -> Ran {
        let ran = tool.arg("-v").run();
        let credentials = self.account.credentials();
        for secret in [&credentials.secret_access_key, &credentials.session_token] {
            let said = ran.stderr.contains(secret.as_str()) || ran.text().contains(secret.as_str());
            assert!(!said, "a secret was said\n{ran}");
        }
        ran
    }

    /// A call by hand that has to succeed.
    pub fn call(&self, service: &str, request: Request) -> Response {
        let answer = self.account.call(service, request).unwrap();
        assert!(answer.status < 300, "{answer:?}");
        answer
    }

    /// That many instances in a region, and nothing else: their ids.
    pub fn launch(&self, region: &str, count: usize) -> Vec<String> {
        let form =
            format!("Version=2016-11-15&Action=RunInstances&ImageId=ami-12c6146b&MinCount={count}&MaxCount={count}");
        let answer = self.account.call_in(region, "ec2", Request::form(form)).unwrap();
        assert!(answer.status < 300, "{answer:?}");
        let answer = answer.text();
        let ids = answer.split("<instanceId>").skip(1).filter_map(|rest| rest.split('<').next());
        let ids: Vec<String> = ids.map(str::to_owned).collect();
        assert_eq!(ids.len(), count, "{answer}");
        ids
    }

    /// A bucket with this policy and nothing else.
    pub fn bucket(&self, name: &str, policy: Option<&Value>) -> String {
        let name = format!("{name}-{}", self.account.id());
        self.call("s3", Request::new("PUT", &format!("/{name}")));
        if let Some(policy) = policy {
            let policy = policy.to_string().replace("BUCKET", &name);
            self.call("s3", Request::new("PUT", &format!("/{name}?policy")).body(policy));
        }
        name
    }

    /// A queue with this policy, and its URL.
    pub fn queue(&self, name: &str, policy: Option<&Value>) -> String {
        let attributes = policy.map_or_else(|| json!({}), |policy| json!({"Policy": policy.to_string()}));
        let body = json!({"QueueName": name, "Attributes": attributes});
        let answer = self.call("sqs", json_request("AmazonSQS.CreateQueue", &body));
        serde_json::from_str::<Value>(&answer.text()).unwrap()["QueueUrl"].as_str().unwrap().to_owned()
    }
}

/// A request of the JSON protocol.
pub fn json_request(target: &str, body: &Value) -> Request {
    let request = Request::new("POST", "/").with("X-Amz-Target", target);
    request.with("Content-Type", "application/x-amz-json-1.0").body(body.to_string())
}

/// A policy that lets in anyone.
pub fn open_to_all(action: &str, resource: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "Open", "Effect": "Allow", "Principal": "*", "Action": action, "Resource": resource},
    ]})
}

/// The calls that change something.
pub fn writes(proxy: &Proxy) -> Vec<Call> {
    const READS: [&str; 6] = ["Get", "List", "Describe", "AssumeRole", "GenerateCredentialReport", "Head"];
    let is_write = |call: &Call| !READS.iter().any(|read| call.operation.starts_with(read));
    proxy.calls().into_iter().filter(is_write).collect()
}

/// The names of the calls that change something, sorted.
pub fn write_names(proxy: &Proxy) -> Vec<String> {
    sorted(writes(proxy).iter().map(Call::name))
}

/// The operations in the `calls` of outcomes, sorted.
pub fn operations<'a>(outcomes: impl IntoIterator<Item = &'a Value>) -> Vec<String> {
    let calls = outcomes.into_iter().flat_map(|outcome| outcome["calls"].as_array().unwrap().clone());
    sorted(calls.map(|call| text(&call["operation"])))
}

pub fn sorted<T: Ord>(all: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut all: Vec<T> = all.into_iter().collect();
    all.sort();
    all
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// The statuses of records, in their order.
pub fn statuses(records: &[Value]) -> Vec<String> {
    records.iter().map(|record| text(&record["status"])).collect()
}

/// The resources of a poll, sorted, without what differs from one look to the next.
pub fn resources(polled: &Ran) -> Vec<Value> {
    let mut resources = polled.kind("resource");
    for resource in &mut resources {
        resource.as_object_mut().unwrap().remove("observed_at");
    }
    resources.sort_by_key(|resource| text(&resource["arn"]));
    resources
}

/// What `jq -c 'select(.undo).undo'` makes of outcomes.
pub fn undos(outcomes: &[Value]) -> Vec<Value> {
    outcomes.iter().map(|outcome| outcome["undo"].clone()).filter(|undo| !undo.is_null()).collect()
}

/// The records as one input.
pub fn input<'a>(records: impl IntoIterator<Item = &'a Value>) -> Vec<u8> {
    ndjson(&records.into_iter().cloned().collect::<Vec<_>>())
}
