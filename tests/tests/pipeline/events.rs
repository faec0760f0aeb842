//! Events in, resources out: `poll -` on CloudTrail's records, in whatever they come.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tests::http::Request;
use tests::stage::{Stage, open_to_all, text};
use tests::{Emulator, Proxy, Ran};

/// What CloudTrail records of a call in an account.
pub(crate) fn event(account: &str, source: &str, name: &str, request: &Value, response: &Value) -> Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": {"type": "AssumedRole", "accountId": "999999999999", "arn": "arn:aws:sts::999999999999:assumed-role/ci/x"},
        "eventTime": "2026-11-20T10:00:00Z", "eventSource": format!("{source}.amazonaws.com"), "eventName": name,
        "awsRegion": "us-east-1", "sourceIPAddress": "203.0.113.9", "userAgent": "aws-cli/2",
        "requestParameters": request, "responseElements": response, "eventID": format!("e-{name}"),
        "eventType": "AwsApiCall", "managementEvent": true, "recipientAccountId": account, "eventCategory": "Management",
    })
}

fn put_policy(account: &str, bucket: &str) -> Value {
    event(account, "s3", "PutBucketPolicy", &json!({"bucketName": bucket}), &Value::Null)
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn ids(ran: &Ran) -> Vec<String> {
    ran.kind("resource").iter().map(|resource| text(&resource["id"])).collect()
}

/// A bucket that anyone can read, and the same behind a proxy that counts.
fn stage() -> (Stage, String, Proxy, Stage) {
    let stage = Stage::empty("s3_bucket");
    let bucket = stage.bucket("events", Some(&open_to_all("s3:GetObject", "arn:aws:s3:::BUCKET/*")));
    let proxy = Proxy::new(Emulator::shared());
    let through = stage.through(&proxy);
    (stage, bucket, proxy, through)
}

#[test]
fn an_event_is_a_finding_seconds_later_in_whatever_it_comes() {
    let (stage, bucket, _, _) = stage();
    let record = put_policy(stage.account.id(), &bucket);
    let envelope = json!({"version": "0", "detail-type": "AWS API Call via CloudTrail", "source": "aws.s3",
        "account": stage.account.id(), "region": "us-east-1", "detail": record});
    let wrapped = json!({"Type": "Notification", "TopicArn": "arn:aws:sns:us-east-1:111122223333:t",
        "Message": envelope.to_string()});
    let looked_up =
        json!({"Events": [{"EventId": "e", "EventName": "PutBucketPolicy", "CloudTrailEvent": record.to_string()}]});
    let rows: [(&str, Vec<u8>); 7] = [
        ("a record", record.to_string().into()),
        ("a log file", json!({"Records": [record]}).to_string().into()),
        ("the same, packed", gzip(&json!({"Records": [record]}).to_string())),
        ("EventBridge", envelope.to_string().into()),
        ("SNS", wrapped.to_string().into()),
        ("SNS in SQS", json!({"Messages": [{"MessageId": "m", "Body": wrapped.to_string()}]}).to_string().into()),
        ("LookupEvents", looked_up.to_string().into()),
    ];
    for (what, input) in rows {
        let polled = stage.run(stage.tool("poll").arg("-").stdin(input)).exits(0);
        assert_eq!(ids(&polled), [bucket.as_str()], "{what}: {polled}");
        let findings = polled.pipe("audit").run().exits(0).kind("finding");
        let policy = findings.iter().filter(|finding| finding["check"] == "s3_bucket_public_policy").count();
        assert_eq!(policy, 1, "{what}: {findings:#?}");
    }
}

#[test]
fn many_events_on_one_resource_are_one_look_and_what_changes_nothing_is_none() {
    let (stage, bucket, proxy, through) = stage();
    let account = stage.account.id();
    let mut events = vec![put_policy(account, &bucket); 50];
    events.push(event(account, "s3", "GetBucketPolicy", &json!({"bucketName": bucket}), &Value::Null));
    let mut denied = put_policy(account, "somebody-elses");
    denied["errorCode"] = json!("AccessDenied");
    events.push(denied);
    let input = json!({"Records": events}).to_string();
    let polled = through.run(through.tool("poll").arg("-").stdin(input)).exits(0).says("2 events changed nothing");
    assert_eq!(ids(&polled), [bucket]);
    assert_eq!(proxy.count("s3:GetBucketPolicy"), 1);
}

#[test]
fn a_live_stream_is_answered_while_it_goes_on() {
    let (stage, bucket, _, _) = stage();
    let mut command = stage.tool("poll").args(["-", "--window", "1s"]).command();
    let mut poll = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = poll.stdin.take().unwrap();
    let mut lines = BufReader::new(poll.stdout.take().unwrap()).lines();
    // The second is new: the bucket may have changed since it was looked at.
    for _ in 0..2 {
        for _ in 0..3 {
            writeln!(input, "{}", put_policy(stage.account.id(), &bucket)).unwrap();
        }
        let record: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!((&record["kind"], &record["id"]), (&json!("resource"), &json!(bucket)));
    }
    drop(input);
    assert!(lines.next().is_none());
    assert!(poll.wait().unwrap().success());
}

#[test]
fn what_is_malformed_costs_only_itself() {
    let (stage, bucket, _, _) = stage();
    let account = stage.account.id();
    let mut nobody = put_policy(account, &bucket);
    nobody["userIdentity"] = json!("nobody knows");
    nobody["requestParameters"] = json!(null);
    let mut odd = put_policy(account, &bucket);
    odd["awsRegion"] = json!("nowhere at all");
    let stranger =
        json!({"eventVersion": "9.0", "eventSource": "mars.amazonaws.com", "eventName": "Land", "eventID": 7});
    let good = put_policy(account, &bucket);
    let input = format!("{}\n{nobody}\n{odd}\n{stranger}\nnonsense\n{good}\n", json!({"eventSource": []}));
    let polled = stage.run(stage.tool("poll").arg("-").stdin(input)).exits(3).says("line 2: ").says("line 5");
    assert_eq!(ids(&polled), [bucket], "{polled}");
}

#[test]
fn files_that_notices_name_are_read_where_that_is_asked_for() {
    let (stage, bucket, _, _) = stage();
    let account = stage.account.id();
    let logs = stage.bucket("logs", None);
    let key = format!("AWSLogs/{account}/CloudTrail/us-east-1/2026/11/20/a b+{account}.json.gz");
    let path = key.replace('+', "%2B").replace(' ', "%20");
    let packed = gzip(&json!({"Records": [put_policy(account, &bucket)]}).to_string());
    put_object(&stage, &logs, &path, packed.clone());
    put_object(&stage, &logs, "cut.json.gz", packed[..packed.len() / 2].to_vec());
    let notice = |key: &str| {
        json!({"Records": [{"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "awsRegion": "us-east-1",
            "s3": {"bucket": {"name": logs}, "object": {"key": key}}}]})
        .to_string()
    };
    let poll = |input: String, fetch: bool| {
        stage.run(stage.tool("poll").arg("-").args(fetch.then_some("--fetch")).stdin(input))
    };
    let good = notice(&key.replace('+', "%2B").replace(' ', "+"));
    let polled = poll(good.clone(), true).exits(0);
    assert_eq!(ids(&polled), [bucket.as_str()]);
    let left = poll(good.clone(), false).exits(3).says("--fetch").says(&logs);
    assert!(ids(&left).is_empty(), "{left}");
    // One that is not there and one that is cut off are named, and cost nothing else.
    let rest = poll(format!("{}\n{}\n{good}", notice("missing.json.gz"), notice("cut.json.gz")), true).exits(3);
    let rest = rest.says(&format!("s3://{logs}/missing.json.gz")).says(&format!("s3://{logs}/cut.json.gz"));
    assert_eq!(ids(&rest), [bucket]);
}

fn put_object(stage: &Stage, bucket: &str, path: &str, body: Vec<u8>) {
    stage.call("s3", Request::new("PUT", &format!("/{bucket}/{path}")).body(body));
}
