//! `honeytoken drill`: a token is used for real, a test plays CloudTrail, and what is noticed is noticed in time.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::clock;
use serde_json::{Value, json};
use tests::stage::{json_request, text};
use tests::{Account, Call, Emulator, Proxy, Tool, Verdict, on};

use crate::tokens;

/// An account with a token, whose secret lies in a file.
#[derive(Clone)]
pub(crate) struct Range {
    pub(crate) account: Account,
    pub(crate) token: Value,
}

impl Range {
    pub(crate) fn new() -> Self {
        let account = Account::new();
        let token = tokens(&account, &["create", "--owner", "web", "--location", "laptop-7"]).remove(0);
        let range = Self { account, token };
        range.write("key.json", &range.token.to_string(), 0o600);
        range
    }

    pub(crate) fn key(&self) -> String {
        text(&self.token["access_key_id"])
    }

    fn secret(&self) -> String {
        text(&self.token["secret_access_key"])
    }

    fn home(&self) -> PathBuf {
        self.account.tool("honeytoken").home().to_owned()
    }

    fn write(&self, name: &str, content: &str, mode: u32) {
        let path = self.home().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    /// CloudTrail's record of a call, as EventBridge passes it on.
    fn event(&self, call: &Call) -> Value {
        let detail = json!({
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "IAMUser", "principalId": self.token["principal_id"], "arn": self.token["arn"],
                "accountId": self.account.id(), "accessKeyId": call.access_key, "userName": self.token["id"],
            },
            "eventTime": clock::now().to_string(), "eventSource": "sts.amazonaws.com", "eventName": call.operation,
            "awsRegion": "us-east-1", "sourceIPAddress": "203.0.113.9",
            "userAgent": call.request.header("user-agent").unwrap_or_default(),
            "requestParameters": null, "responseElements": null, "eventID": format!("drill-{}", self.account.id()),
            "readOnly": true, "eventType": "AwsApiCall", "managementEvent": true,
            "recipientAccountId": self.account.id(), "eventCategory": "Management",
        });
        json!({
            "version": "0", "id": "b-1", "detail-type": "AWS API Call via CloudTrail", "source": "aws.sts",
            "account": self.account.id(), "time": clock::now().to_string(), "region": "us-east-1", "resources": [],
            "detail": detail,
        })
    }

    pub(crate) fn sqs(&self, call: &str, body: &Value) -> Value {
        let request = json_request(&format!("AmazonSQS.{call}"), body);
        let answer = self.account.call("sqs", request).unwrap();
        assert!(answer.status < 300, "{answer:?}");
        serde_json::from_str(&answer.text()).unwrap_or(Value::Null)
    }

    fn queue(&self) -> String {
        text(&self.sqs("CreateQueue", &json!({"QueueName": "tripwire"}))["QueueUrl"])
    }

    /// How many messages are there to be received.
    fn waiting(&self, url: &str) -> String {
        let answer = self.sqs("GetQueueAttributes", &json!({"QueueUrl": url, "AttributeNames": ["All"]}));
        text(&answer["Attributes"]["ApproximateNumberOfMessages"])
    }

    /// What happens when the token's key is used.
    fn on_use(&self, then: impl Fn(&Self, &Call) -> Verdict + Send + Sync + 'static) -> Proxy {
        let range = self.clone();
        Proxy::new(Emulator::shared()).rule("sts:GetCallerIdentity", move |call| {
            if call.access_key == range.key() { then(&range, call) } else { Verdict::Pass }
        })
    }

    fn drill(&self, proxy: &Proxy, args: &[&str]) -> Tool {
        let tool = self.account.through(proxy).tool("honeytoken");
        tool.args(["drill", "--secret-file", "key.json", "-v"]).args(args.iter().copied())
    }

    /// A drill that a watch in another process notices.
    pub(crate) fn drilled(&self) {
        let proxy = self.on_use(|range, call| {
            let event = range.event(call).to_string();
            let _ = range.account.tool("honeytoken").arg("watch").stdin(event).run().exits(0);
            Verdict::Pass
        });
        let _ = self.drill(&proxy, &["--deadline", "60s"]).run().exits(0);
    }
}

/// All that lies in a directory.
fn read(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { read(&path) } else { vec![(path.clone(), fs::read(&path).unwrap())] })
        .collect()
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_drill_is_noticed_by_its_own_watch_and_leaves_no_secret() {
    let range = Range::new();
    let url = range.queue();
    let proxy = range.on_use({
        let url = url.clone();
        move |range, call| {
            range.sqs("SendMessage", &json!({"QueueUrl": url, "MessageBody": range.event(call).to_string()}));
            Verdict::Pass
        }
    });
    let ran = range.drill(&proxy, &["--sqs", &url, "--deadline", "90s"]).run().exits(0);
    let drilled =
        ran.one(&json!({"kind": "drill", "token": range.token["token"], "key": range.key(), "detected": true}));
    assert_eq!(drilled["operation"], "sts:GetCallerIdentity");
    let latency = drilled["latency_seconds"].as_f64().unwrap();
    assert!((0.0..90.0).contains(&latency), "{ran}");
    let alert = ran.one(&json!({"kind": "alert", "drill": true}));
    assert_eq!((&alert["severity"], &alert["token"]["id"]), (&json!("low"), &range.token["token"]));

    let token = tokens(&range.account, &["show", &range.key()]).remove(0);
    assert_eq!(token["drill"]["latency_seconds"], latency);
    assert_eq!(token["fired"], Value::Null, "a drill is no fire");
    // It only borrowed the queue: a watch that others listen to tells the drill, too.
    assert_eq!(range.waiting(&url), "1", "{ran}");
    let watched = range.account.tool("honeytoken").args(["watch", "--once", "--sqs", &url]).run().exits(0);
    assert_eq!(watched.one(&json!({"kind": "alert"}))["drill"], true);
    assert_eq!(range.waiting(&url), "0", "{watched}");

    assert!(!has(&ran.stdout, &range.secret()) && !ran.stderr.contains(&range.secret()), "the secret was said");
    let files = read(&range.home()).into_iter().filter(|(path, _)| !path.ends_with("key.json"));
    for (path, bytes) in files {
        assert!(!has(&bytes, &range.secret()), "the secret is in {}", path.display());
    }
}

#[test]
fn a_watch_in_another_process_notices_and_no_other_credentials_are_used() {
    let range = Range::new();
    let proxy = range.on_use(|range, call| {
        let event = range.event(call).to_string();
        let ran = range.account.tool("honeytoken").arg("watch").stdin(event).run().exits(0);
        assert_eq!(ran.one(&json!({"kind": "alert"}))["drill"], true);
        Verdict::Pass
    });
    let secrets = format!(
        "[other]\nx = y\n[nas]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        range.key(),
        range.secret()
    );
    range.write("credentials", &secrets, 0o600);
    let tool = range.account.through(&proxy).tool("honeytoken");
    let tool =
        ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"].into_iter().fold(tool, Tool::without_env);
    let args = ["drill", "--secret-file", "credentials", "--as-profile", "nas", "--deadline", "90s"];
    let ran = tool.args(args).run().exits(0);
    assert_eq!(ran.one(&json!({"kind": "drill"}))["detected"], true);
    let calls: Vec<(String, String)> =
        proxy.calls().iter().map(|call| (call.name(), call.access_key.clone())).collect();
    assert_eq!(calls, [("sts:GetCallerIdentity".to_owned(), range.key())]);
}

#[test]
fn what_nobody_notices_fails_in_time() {
    let range = Range::new();
    let url = range.queue();
    // The record of somebody else's use is no drill.
    let proxy = range.on_use({
        let url = url.clone();
        move |range, call| {
            let event = range.event(call).to_string().replace("app/build-", "app/built-");
            range.sqs("SendMessage", &json!({"QueueUrl": url, "MessageBody": event}));
            Verdict::Pass
        }
    });
    for args in [vec!["--deadline", "2s"], vec!["--deadline", "12s", "--sqs", &url]] {
        let begun = Instant::now();
        let ran = range.drill(&proxy, &args).run().exits(1).says("nothing was noticed in time");
        assert!(begun.elapsed() >= Duration::from_secs(2), "{ran}");
        let drilled = ran.one(&json!({"kind": "drill"}));
        assert_eq!((&drilled["detected"], &drilled["latency_seconds"]), (&json!(false), &Value::Null));
        let token = tokens(&range.account, &["show", &range.key()]).remove(0);
        assert!(token["drill"]["at"].is_string() && token["drill"]["latency_seconds"].is_null(), "{token}");
        if args.len() > 2 {
            assert_eq!(ran.one(&json!({"kind": "alert"}))["drill"], false, "the thief is told of all the same");
            assert_eq!(token["fired"], Value::Null, "and has not been seen by those who are to be woken");
        }
    }
    // Both of them are given back.
    assert_eq!(range.waiting(&url), "2");
    let ran = range.account.tool("honeytoken").args(["watch", "--once", "--sqs", &url]).run().exits(0);
    assert_eq!(ran.one(&json!({"kind": "alert"}))["drill"], false);
    assert_eq!(range.waiting(&url), "0", "{ran}");
}

#[test]
fn a_key_that_aws_does_not_know_is_tried_again_and_in_the_end_blind() {
    let range = Range::new();
    let unknown = |call: &Call| {
        Verdict::error(call, 403, "InvalidClientTokenId", "The security token included in the request is invalid.")
    };
    let proxy = range.on_use(move |_, call| unknown(call));
    let ran = range.drill(&proxy, &["--deadline", "1s"]).run().exits(1).says("blind: AWS knows no such active key");
    assert_eq!(ran.one(&json!({"kind": "drill"}))["detected"], false);
    assert!(proxy.calls().len() > 5, "{:?}", proxy.counts());

    let fresh = range.clone();
    let proxy = Proxy::new(Emulator::shared()).rule(on("sts:GetCallerIdentity").first(2), unknown).rule(
        "sts:GetCallerIdentity",
        move |call| {
            let _ = fresh.account.tool("honeytoken").arg("watch").stdin(fresh.event(call).to_string()).run().exits(0);
            Verdict::Pass
        },
    );
    let ran = range.drill(&proxy, &["--deadline", "90s"]).run().exits(0);
    assert_eq!(ran.one(&json!({"kind": "drill"}))["detected"], true);
    assert_eq!(proxy.count("sts:GetCallerIdentity"), 3);
}

#[test]
fn a_drill_needs_a_tokens_key_and_a_file_of_ones_own() {
    let range = Range::new();
    let proxy = Proxy::new(Emulator::shared());
    let pair = |key: &str, secret: &str| json!({"access_key_id": key, "secret_access_key": secret}).to_string();
    let wrong = range.secret().chars().rev().collect::<String>();
    for (name, content, mode, says) in [
        ("open", range.token.to_string(), 0o644, "chmod 600"),
        ("foreign", pair("AKIAIOSFODNN7EXAMPLE", &range.secret()), 0o600, "is no token's"),
        ("wrong", pair(&range.key(), &wrong), 0o600, "is not that of"),
        ("broken", "{".to_owned(), 0o600, "is not one JSON object"),
        ("profiles", "[prod]\n".to_owned(), 0o600, "has no profile `default` (it has prod)"),
    ] {
        range.write(name, &content, mode);
        let tool = range.account.through(&proxy).tool("honeytoken");
        let ran = tool.args(["drill", "--secret-file", name, "--deadline", "1s"]).run().exits(4).says(says);
        assert!(!ran.stderr.contains(&range.secret()) && !ran.stderr.contains(&wrong), "{ran}");
    }
    let region = ["--region", "cn-north-1"];
    let _ = range.drill(&proxy, &region).run().exits(2).says("partition");
    assert_eq!(proxy.calls().len(), 0, "nobody was called");
    let refused = range.on_use(|_, call| Verdict::error(call, 403, "SignatureDoesNotMatch", "no"));
    let _ = range.drill(&refused, &[]).run().exits(4).says("is not that of");
}
