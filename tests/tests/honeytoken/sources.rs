//! `honeytoken watch --s3`, `--sqs`, `--lookup` and `--last-used`: nothing is missed, and nothing is read for ever.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use common::clock;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tests::http::{Request, Response};
use tests::stage::{json_request, sorted, text};
use tests::{Account, Credentials, Emulator, Proxy, Ran, Tool, Verdict, on};

use crate::tokens;

/// An account with a token.
struct Trap {
    account: Account,
    token: Value,
}

impl Trap {
    fn new() -> Self {
        let account = Account::new();
        let token = tokens(&account, &["create", "--owner", "web", "--location", "laptop-7"]).remove(0);
        Self { account, token }
    }

    fn through(&self, proxy: &Proxy) -> Self {
        Self { account: self.account.through(proxy), token: self.token.clone() }
    }

    /// A record of a use of the token.
    fn event(&self, id: &str) -> Value {
        json!({
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "IAMUser", "principalId": self.token["principal_id"], "arn": self.token["arn"],
                "accountId": self.account.id(), "accessKeyId": self.token["access_key_id"], "userName": self.token["id"],
            },
            "eventTime": clock::now().to_string(), "eventSource": "sts.amazonaws.com", "eventName": "GetCallerIdentity",
            "awsRegion": "us-east-1", "sourceIPAddress": "203.0.113.9", "userAgent": "aws-cli/2.17.20",
            "requestParameters": null, "responseElements": null, "eventID": id, "eventType": "AwsApiCall",
            "recipientAccountId": self.account.id(), "eventCategory": "Management",
        })
    }

    /// A watch that says each event once.
    fn watch(&self, args: &[&str]) -> Tool {
        self.account.tool("honeytoken").args(["watch", "--every-event"]).args(args.iter().copied())
    }

    fn once(&self, args: &[&str]) -> Ran {
        self.watch(args).arg("--once").run()
    }

    fn bucket(&self) -> String {
        let name = format!("trail-{}", self.account.id());
        self.call("s3", Request::new("PUT", &format!("/{name}")));
        name
    }

    fn call(&self, service: &str, request: Request) -> Response {
        let answer = self.account.call(service, request).unwrap();
        assert!(answer.status < 300, "{answer:?}");
        answer
    }

    fn put(&self, bucket: &str, key: &str, bytes: Vec<u8>) {
        self.call("s3", Request::new("PUT", &format!("/{bucket}/{key}")).body(bytes));
    }

    /// A key of a trail's file that was delivered so long ago.
    fn key(&self, kind: &str, region: &str, minutes: u64, name: &str) -> String {
        let (account, at) = (self.account.id(), clock::now() - Duration::from_mins(minutes));
        let (day, time) = (at.strftime("%Y/%m/%d"), at.strftime("%Y%m%dT%H%MZ"));
        format!("logs/AWSLogs/{account}/{kind}/{region}/{day}/{account}_{kind}_{region}_{time}_{name}.json.gz")
    }

    fn sqs(&self, call: &str, body: &Value) -> Value {
        let answer = self.call("sqs", json_request(&format!("AmazonSQS.{call}"), body));
        serde_json::from_str(&answer.text()).unwrap_or(Value::Null)
    }

    fn queue(&self, visibility: u32) -> String {
        let attributes = json!({"VisibilityTimeout": visibility.to_string()});
        text(&self.sqs("CreateQueue", &json!({"QueueName": "events", "Attributes": attributes}))["QueueUrl"])
    }

    fn send(&self, url: &str, body: &Value) {
        let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        self.sqs("SendMessage", &json!({"QueueUrl": url, "MessageBody": body}));
    }

    /// How many messages there are: to be received, and held.
    fn count(&self, url: &str) -> [u64; 2] {
        let answer = self.sqs("GetQueueAttributes", &json!({"QueueUrl": url, "AttributeNames": ["All"]}));
        ["", "NotVisible"]
            .map(|which| text(&answer["Attributes"][format!("ApproximateNumberOfMessages{which}")]).parse().unwrap())
    }
}

/// A file of a trail's.
fn packed(events: &[Value]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(json!({"Records": events}).to_string().as_bytes()).unwrap();
    packed.finish().unwrap()
}

/// The ids of the events that there are alerts of.
fn told(ran: &Ran) -> Vec<String> {
    let alerts = ran.kind("alert").into_iter().filter(|alert| alert["status"] == "open");
    sorted(alerts.map(|alert| text(&alert["event"]["id"])))
}

#[test]
fn a_trail_is_read_on_from_where_the_last_run_ended() {
    let trap = Trap::new();
    let bucket = trap.bucket();
    let url = format!("s3://{bucket}/logs");
    let put = |kind: &str, region: &str, minutes: u64, id: &str| {
        trap.put(&bucket, &trap.key(kind, region, minutes, id), packed(&[trap.event(id)]));
    };
    put("CloudTrail", "eu-west-1", 20, "e1");
    put("CloudTrail", "eu-west-1", 600, "old");
    put("CloudTrail-Digest", "eu-west-1", 20, "digest");
    put("CloudTrail-Insight", "eu-west-1", 20, "insight");
    trap.put(&bucket, &format!("logs/AWSLogs/{}/CloudTrail/eu-west-1/readme.txt", trap.account.id()), vec![b'x']);
    let watch = |expected: &[&str]| {
        let proxy = Proxy::new(Emulator::shared());
        let ran = trap.through(&proxy).once(&["--s3", &url]).exits(0);
        assert_eq!(told(&ran), expected, "{ran}");
        assert_eq!(proxy.count("s3:GetObject"), expected.len(), "{:?}", proxy.counts());
    };
    watch(&["e1"]);
    watch(&[]);
    // The next one, one that is late, and the first ones of a region: what was read is not read again.
    put("CloudTrail", "eu-west-1", 5, "e2");
    put("CloudTrail", "eu-west-1", 50, "late");
    put("CloudTrail", "sa-east-1", 120, "new");
    put("CloudTrail-NetworkActivity", "eu-west-1", 5, "network");
    watch(&["e2", "late", "network", "new"]);
    watch(&[]);
    // More than is taken down at once.
    for number in 0..70 {
        put("CloudTrail", "eu-west-1", 4, &format!("n{number:02}"));
    }
    let all: Vec<String> = (0..70).map(|number| format!("n{number:02}")).collect();
    watch(&all.iter().map(String::as_str).collect::<Vec<_>>());
    watch(&[]);
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_tried_again_and_stops_no_other() {
    let trap = Trap::new();
    let bucket = trap.bucket();
    let url = format!("s3://{bucket}/logs/AWSLogs/{}/", trap.account.id());
    let [bad, denied, good] = ["bad", "denied", "good"].map(|name| trap.key("CloudTrail", "eu-west-1", 20, name));
    let mut half = packed(&[trap.event("bad1"), trap.event("bad2")]);
    half.truncate(half.len() - 12);
    trap.put(&bucket, &bad, half);
    trap.put(&bucket, &denied, packed(&[trap.event("denied")]));
    trap.put(&bucket, &good, packed(&[trap.event("good")]));
    let proxy = Proxy::new(Emulator::shared()).deny(on("s3:GetObject").about(&denied));
    let ran = trap.through(&proxy).once(&["--s3", &url]).exits(3).says(&bad).says(&denied);
    assert!(told(&ran).contains(&"good".to_owned()), "{ran}");
    // Both are tried again, and named; the other one is not read again.
    let proxy = Proxy::new(Emulator::shared());
    let ran = trap.through(&proxy).once(&["--s3", &url]).exits(3).says(&bad);
    assert_eq!(told(&ran), ["denied"], "{ran}");
    assert_eq!(proxy.count("s3:GetObject"), 2, "{:?}", proxy.counts());
    trap.put(&bucket, &bad, packed(&[trap.event("bad1"), trap.event("bad3")]));
    let ran = trap.once(&["--s3", &url]).exits(0);
    assert!(told(&ran).contains(&"bad3".to_owned()) && !told(&ran).contains(&"good".to_owned()), "{ran}");
    assert_eq!(told(&trap.once(&["--s3", &url]).exits(0)), Vec::<String>::new());
}

#[test]
fn a_trail_that_is_not_there_or_cannot_be_listed_is_no_silence() {
    let trap = Trap::new();
    let bucket = trap.bucket();
    let _ = trap.once(&["--s3", "trail"]).exits(2).says("s3://bucket/prefix");
    let _ = trap.once(&["--s3", &format!("s3://{bucket}/lgos")]).exits(3).says("no files of a trail");
    let _ = trap.once(&["--s3", &format!("s3://gone-{bucket}")]).exits(3).says("NoSuchBucket");
    // All of it is denied for a while: nothing is given up, and nothing lost.
    let url = format!("s3://{bucket}");
    let key = trap.key("CloudTrail", "eu-west-1", 20, "e1");
    trap.put(&bucket, key.strip_prefix("logs/").unwrap(), packed(&[trap.event("e1")]));
    for denied in ["s3:ListObjectsV2", "s3:GetObject"] {
        let proxy = Proxy::new(Emulator::shared()).deny(denied);
        let ran = trap.through(&proxy).once(&["--s3", &url]).exits(3).says("AccessDenied");
        assert_eq!(told(&ran), Vec::<String>::new(), "{ran}");
    }
    assert_eq!(told(&trap.once(&["--s3", &url]).exits(0)), ["e1"]);
}

#[test]
fn a_queue_gets_events_and_notices_in_all_their_wrappings() {
    let trap = Trap::new();
    let (url, bucket) = (trap.queue(60), trap.bucket());
    let keys = ["f1", "f2"].map(|name| trap.key("CloudTrail", "eu-west-1", 5, name));
    for (key, id) in keys.iter().zip(["f1", "f2"]) {
        trap.put(&bucket, key, packed(&[trap.event(id)]));
    }
    let bridged = |kind: &str, detail: Value| {
        json!({"version": "0", "id": "b", "detail-type": kind, "source": "aws.sts", "account": trap.account.id(),
            "time": "2026-11-20T10:00:00Z", "region": "us-east-1", "resources": [], "detail": detail})
    };
    let notice = json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": bucket}, "object": {"key": keys[0]}}}]});
    let sns = json!({"Type": "Notification", "MessageId": "n", "TopicArn": "arn:aws:sns:us-east-1:111122223333:trail",
        "Message": json!({"s3Bucket": bucket, "s3ObjectKey": [keys[1]]}).to_string()});
    for body in [
        bridged("AWS API Call via CloudTrail", trap.event("e1")),
        notice,
        sns,
        json!({"Event": "s3:TestEvent", "Bucket": bucket}),
        bridged("EC2 Instance State-change Notification", json!({"state": "running"})),
    ] {
        trap.send(&url, &body);
    }
    let ran = trap.once(&["--sqs", &url]).exits(0);
    assert_eq!(told(&ran), ["e1", "f1", "f2"], "{ran}");
    assert_eq!(trap.count(&url), [0, 0], "{ran}");
}

#[test]
fn rubbish_and_notices_of_what_cannot_be_read_stay_on_the_queue_and_are_named_once() {
    let trap = Trap::new();
    // They come again while the watch runs.
    let (url, bucket) = (trap.queue(1), trap.bucket());
    trap.send(&url, &json!("no JSON"));
    trap.send(&url, &json!({"hello": 1}));
    trap.send(&url, &json!({"s3Bucket": bucket, "s3ObjectKey": ["gone.json.gz"]}));
    trap.send(&url, &trap.event("e1"));
    let ran = trap.once(&["--sqs", &url]).exits(3).says("no event of CloudTrail's").says("gone.json.gz");
    assert_eq!(told(&ran), ["e1"], "{ran}");
    let named = ran.stderr.lines().filter(|line| line.contains("stays on the queue")).count();
    assert_eq!(named, 3, "{ran}");
    assert_eq!(trap.count(&url).iter().sum::<u64>(), 3, "{ran}");
    let gone = url.replace("events", "gone");
    let _ = trap.once(&["--sqs", &gone]).exits(4).says("gone");
}

#[test]
fn a_watch_that_is_killed_before_it_deletes_a_message_gets_it_again_and_tells_it_once() {
    let trap = Trap::new();
    let url = trap.queue(2);
    trap.send(&url, &trap.event("e1"));
    let proxy = Proxy::new(Emulator::shared()).rule("sqs:DeleteMessageBatch", |_| Verdict::CutBefore);
    let mut command = trap.through(&proxy).watch(&["--sqs", &url]).command();
    let mut watch = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(watch.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    // By then it is in the registry; killed before that, it would be told again.
    let began = Instant::now();
    while proxy.count("sqs:DeleteMessageBatch") == 0 {
        assert!(began.elapsed() < Duration::from_mins(1), "it does not delete");
        thread::sleep(Duration::from_millis(20));
    }
    watch.kill().unwrap();
    watch.wait().unwrap();
    let alert: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(alert["event"]["id"], "e1", "{alert}");
    assert_eq!(trap.count(&url).iter().sum::<u64>(), 1);
    let mut runs = Vec::new();
    while trap.count(&url) != [0, 0] {
        runs.push(trap.once(&["--sqs", &url]).exits(0));
        assert!(runs.len() < 50, "{}", runs[0]);
    }
    assert!(runs.iter().all(|ran| told(ran).is_empty()), "it was told already");
}

/// An answer of `LookupEvents`.
fn page(events: &[Value], next: Option<&str>) -> Verdict {
    let events: Vec<Value> = events
        .iter()
        .map(|event| json!({"EventId": event["eventID"], "EventName": event["eventName"], "CloudTrailEvent": event.to_string()}))
        .collect();
    let mut answer = json!({"Events": events});
    answer["NextToken"] = json!(next);
    Verdict::Answer(Response::new(200, answer.to_string()).with("Content-Type", "application/x-amz-json-1.1"))
}

#[test]
fn the_event_history_is_swept_page_by_page_and_one_region_does_not_stop_another() {
    let trap = Trap::new();
    let asked: Arc<Mutex<Vec<Value>>> = Arc::default();
    let (seen, events) = (Arc::clone(&asked), [trap.event("e1"), trap.event("e2"), trap.event("e3")]);
    let proxy = Proxy::new(Emulator::shared())
        .deny(on("cloudtrail:LookupEvents").region("sa-east-1"))
        .throttle(on("cloudtrail:LookupEvents").region("eu-west-1").first(1))
        .rule(on("cloudtrail:LookupEvents").region("eu-west-1"), move |call| {
            let request: Value = serde_json::from_str(&call.request.text()).unwrap();
            let token = request["NextToken"].clone();
            seen.lock().unwrap().push(request);
            match token.as_str() {
                None => page(&events[..1], Some("p2")),
                Some("p2") => page(&events[1..2], Some("p3")),
                _ => page(&events[2..], None),
            }
        });
    let through = trap.through(&proxy);
    let args = ["--lookup", "--regions", "sa-east-1,eu-west-1", "--since", "2h"];
    let ran =
        through.once(&args).exits(3).says("sa-east-1").says("AccessDenied").says("us-east-1, where the calls of IAM");
    assert_eq!(told(&ran), ["e1", "e2", "e3"], "{ran}");
    assert_eq!(ran.stderr.lines().filter(|line| line.contains("sa-east-1")).count(), 1, "{ran}");
    let first: Vec<Value> = std::mem::take(&mut *asked.lock().unwrap());
    assert_eq!(first.len(), 3, "{first:?}");
    for page in &first {
        // Nothing but the token may differ.
        for field in ["StartTime", "EndTime", "MaxResults", "LookupAttributes"] {
            assert_eq!(page[field], first[0][field], "{field}");
        }
    }
    let seconds = |request: &Value, field: &str| request[field].as_f64().unwrap();
    let window = seconds(&first[0], "EndTime") - seconds(&first[0], "StartTime");
    assert!((window - 7200.0).abs() < 1.0, "{window}");
    // The next run goes on where this one ended, and a little before that; nothing is told twice.
    let ran = through.once(&args).exits(3);
    assert_eq!(told(&ran), Vec::<String>::new(), "{ran}");
    let again = asked.lock().unwrap()[0].clone();
    let back = seconds(&first[0], "EndTime") - seconds(&again, "StartTime");
    assert!((back - 1200.0).abs() < 1.0, "{back}");
    // What was denied is read from its beginning when it is not any more.
    proxy.reset();
    let (event, starts) = (trap.event("e4"), Arc::new(Mutex::new(Vec::new())));
    let noted = Arc::clone(&starts);
    let proxy = proxy.rule(on("cloudtrail:LookupEvents").region("sa-east-1"), move |call| {
        noted.lock().unwrap().push(serde_json::from_str::<Value>(&call.request.text()).unwrap());
        page(std::slice::from_ref(&event), None)
    });
    let ran = through.once(&["--lookup", "--regions", "sa-east-1"]).exits(0);
    assert_eq!(told(&ran), ["e4"], "{ran}");
    let start = seconds(&starts.lock().unwrap()[0], "StartTime");
    assert!(start <= seconds(&first[0], "StartTime"), "{start}");
    drop(proxy);
}

#[test]
fn a_history_whose_pages_expire_is_read_in_smaller_pieces() {
    let trap = Trap::new();
    let asked: Arc<Mutex<Vec<f64>>> = Arc::default();
    let (seen, event) = (Arc::clone(&asked), trap.event("e1"));
    let proxy = Proxy::new(Emulator::shared()).rule(on("cloudtrail:LookupEvents"), move |call| {
        let request: Value = serde_json::from_str(&call.request.text()).unwrap();
        let hours = (request["EndTime"].as_f64().unwrap() - request["StartTime"].as_f64().unwrap()) / 3600.0;
        if hours <= 3.5 {
            seen.lock().unwrap().push(hours);
            return page(std::slice::from_ref(&event), None);
        }
        if request["NextToken"].is_null() {
            return page(&[], Some("p2"));
        }
        let error = json!({"__type": "InvalidNextTokenException", "message": "it is too old"});
        let answer = Response::new(400, error.to_string());
        Verdict::Answer(answer.with("Content-Type", "application/x-amz-json-1.1"))
    });
    let ran = trap.through(&proxy).once(&["--lookup", "--regions", "eu-west-1", "--since", "12h"]).exits(0);
    assert_eq!(told(&ran), ["e1"], "{ran}");
    let hours = asked.lock().unwrap().iter().sum::<f64>();
    assert!((hours - 12.0).abs() < 0.1, "all of it: {hours}");
}

#[test]
fn a_use_that_iam_tells_of_and_no_event_is_told_once() {
    let trap = Trap::new();
    let credentials = Credentials {
        access_key_id: text(&trap.token["access_key_id"]),
        secret_access_key: text(&trap.token["secret_access_key"]),
        session_token: String::new(),
    };
    let use_it = || {
        let form = Request::form("Action=GetCallerIdentity&Version=2011-06-15");
        let answer = trap.account.with(credentials.clone()).call("sts", form).unwrap();
        assert!(answer.status < 300, "{answer:?}");
    };
    let look = || trap.once(&["--last-used", "--grace", "0s"]).exits(0).kind("alert");
    // The first look only notes.
    assert_eq!(look(), Vec::<Value>::new());
    use_it();
    let alerts = look();
    let used: Vec<&Value> = alerts.iter().filter(|alert| alert["trigger"] == "used_unlogged").collect();
    assert_eq!(used[0]["token"]["location"], "laptop-7", "{alerts:?}");
    assert_eq!(look(), Vec::<Value>::new());
    let shown = tokens(&trap.account, &["show", &text(&trap.token["token"])]).remove(0);
    assert_eq!(shown["keys"][0]["last_used"]["service"], "sts", "{shown}");
}

#[test]
fn a_use_that_an_event_tells_of_is_no_news_from_iam() {
    let trap = Trap::new();
    let look = |args: &[&str]| trap.once(&[&["--last-used"], args].concat()).exits(0).kind("alert");
    assert_eq!(look(&[]), Vec::<Value>::new());
    let credentials =
        Credentials { access_key_id: text(&trap.token["access_key_id"]), ..trap.account.credentials().clone() };
    let credentials = Credentials { session_token: String::new(), ..credentials };
    let form = Request::form("Action=GetCallerIdentity&Version=2011-06-15");
    assert!(trap.account.with(credentials).call("sts", form).unwrap().status < 300);
    // Within its time of grace nothing is said of it, and then an event comes.
    assert_eq!(look(&[]), Vec::<Value>::new());
    let ran = trap.watch(&["--once"]).stdin(trap.event("e1").to_string()).run().exits(0);
    assert_eq!(told(&ran), ["e1"], "{ran}");
    assert_eq!(look(&["--grace", "0s"]), Vec::<Value>::new());
}

#[test]
fn keys_that_cannot_be_asked_about_are_named() {
    let trap = Trap::new();
    let proxy = Proxy::new(Emulator::shared()).deny("iam:GetAccessKeyLastUsed");
    let key = text(&trap.token["access_key_id"]);
    let _ = trap.through(&proxy).once(&["--last-used"]).exits(3).says("AccessDenied").says(&key);
}
