//! Every shape in which AWS hands things on, and its twins.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{describe, found, found_in, gzip, record};
use crate::event::Events;

/// Each case: a name, what comes in, and what is found in it.
fn check<const N: usize>(cases: [(&str, Value, &[&str]); N]) {
    for (name, input, expected) in cases {
        let text = input.to_string();
        assert_eq!(found(&text), expected, "{name}: {text}");
        assert_eq!(found(gzip(&text)), expected, "{name}, packed");
        assert_eq!(
            found(format!(" {}\n", serde_json::to_string_pretty(&json!([input])).unwrap())).len(),
            expected.len()
        );
        // A message whose body it is: always something.
        let expected: Vec<_> =
            if expected.is_empty() { vec!["1 nothing: an empty message"] } else { expected.to_vec() };
        assert_eq!(found_in(&text), expected, "{name}, as a body");
        assert_eq!(found(sqs(&text).to_string()).len(), expected.len(), "{name}, as a body in a batch");
    }
}

fn bridge(kind: &str, source: &str, detail: &Value) -> Value {
    json!({"version": "0", "id": "6a7e8feb", "detail-type": kind, "source": source, "account": "111122223333",
        "time": "2026-11-20T10:00:00Z", "region": "eu-west-1", "resources": [], "detail": detail})
}

fn sns(message: &str) -> Value {
    json!({"Type": "Notification", "MessageId": "95df01b4", "TopicArn": "arn:aws:sns:eu-west-1:111122223333:news",
        "Message": message, "Timestamp": "2026-11-20T10:00:00.000Z", "SignatureVersion": "1", "Signature": "EXAMPLE="})
}

fn sns_to_lambda(message: &str) -> Value {
    json!({"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": "arn", "Sns": sns(message)}]})
}

fn sqs(body: &str) -> Value {
    json!({"Records": [{"messageId": "059f36b4", "receiptHandle": "AQEB", "body": body, "attributes": {},
        "messageAttributes": {}, "md5OfBody": "e4e6", "eventSource": "aws:sqs", "eventSourceARN": "arn", "awsRegion": "eu-west-1"}]})
}

fn messages(body: &str) -> Value {
    json!({"Messages": [{"MessageId": "a", "ReceiptHandle": "b", "MD5OfBody": "c", "Body": body}]})
}

fn lookup(event: &Value) -> Value {
    json!({"EventId": "e", "EventName": "PutBucketPolicy", "ReadOnly": "false", "EventTime": 1_754_055_741.0,
        "EventSource": "s3.amazonaws.com", "Username": "web", "Resources": [], "CloudTrailEvent": event.to_string()})
}

fn s3(name: &str, key: &str) -> Value {
    json!({"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-west-1", "eventTime": "2026-11-20T10:00:00.000Z",
        "eventName": name, "userIdentity": {"principalId": "AWS:AIDA"}, "requestParameters": {"sourceIPAddress": "192.0.2.1"},
        "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": "trail", "arn": "arn:aws:s3:::trail"}, "object": {"key": key, "size": 1}}})
}

fn logs(messages: &[&str], kind: &str) -> Value {
    let events: Vec<_> = messages.iter().map(|text| json!({"id": "3195", "timestamp": 1, "message": text})).collect();
    json!({"messageType": kind, "owner": "111122223333", "logGroup": "CloudTrail", "logStream": "s",
        "subscriptionFilters": ["all"], "logEvents": events})
}

fn awslogs(text: &str) -> Value {
    json!({"awslogs": {"data": STANDARD.encode(gzip(text))}})
}

const KEY: &str = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/20/a.json.gz";

#[test]
fn records() {
    check([
        ("a record", record("a"), &["1 record a"]),
        ("an array", json!([record("a"), record("b")]), &["1 record a", "1 record b"]),
        ("a log file", json!({"Records": [record("a"), record("b")]}), &["1 record a", "1 record b"]),
        ("an empty log file", json!({"Records": []}), &[]),
        (
            "LookupEvents",
            json!({"Events": [lookup(&record("a")), lookup(&record("b"))], "NextToken": "x"}),
            &["1 record a", "1 record b"],
        ),
        ("LookupEvents, the token first", json!({"NextToken": "x", "Events": [lookup(&record("a"))]}), &["1 record a"]),
        ("one event of it", lookup(&record("a")), &["1 record a"]),
        (
            "Insights",
            json!({"eventVersion": "1.07", "eventType": "AwsCloudTrailInsight", "eventID": "a", "eventName": "x",
            "insightDetails": {"eventSource": "s3.amazonaws.com"}}),
            &["1 nothing: an event of CloudTrail Insights"],
        ),
        (
            "a digest",
            json!({"awsAccountId": "1", "digestStartTime": "x", "logFiles": []}),
            &["1 nothing: a digest of CloudTrail's log files"],
        ),
    ]);
}

/// Fields of the wrong type, missing ones, and keys in any order and any spelling: still the record.
#[test]
fn records_of_kinds_never_seen() {
    for (name, text) in [
        ("no identity", r#"{"eventVersion":"2.0","eventSource":"x.amazonaws.com","eventName":"Y","eventID":"a"}"#),
        (
            "an identity that is a text",
            r#"{"eventSource":"x.amazonaws.com","eventName":"Y","userIdentity":"root","eventID":"a"}"#,
        ),
        ("no source", r#"{"eventName":"Y","userIdentity":null,"eventVersion":"1.11","eventID":"a"}"#),
        (
            "no name",
            r#"{"eventSource":"x.amazonaws.com","eventName":null,"userIdentity":{},"eventVersion":1.11,"eventID":"a"}"#,
        ),
        ("another order", r#"{"eventID":"a","eventName":"Y","eventSource":"x.amazonaws.com"}"#),
        ("escaped keys", r#"{"event\u0053ource":"x.amazonaws.com","\u0065ventName":"Y","eventI\u0044":"a"}"#),
        (
            "keys twice",
            r#"{"eventSource":"x","eventSource":"y","eventName":"Y","eventName":"Z","eventID":"b","eventID":"a"}"#,
        ),
        ("half a surrogate", r#"{"eventSource":"x","eventName":"Y","userAgent":"\ud800","eventID":"a"}"#),
        ("half a surrogate in a key", r#"{"\udc00":1,"eventSource":"x","eventName":"Y","eventID":"a"}"#),
        (
            "a number beyond all bounds",
            r#"{"eventSource":"x","eventName":"Y","requestParameters":{"a":1e999},"eventID":"a"}"#,
        ),
        (
            "the usual start",
            r#"{"eventVersion":"1.04","userIdentity":{"type":"Root","type":7},"eventID":"a","eventID":"a"}"#,
        ),
    ] {
        assert_eq!(found(text), ["1 record a"], "{name}");
        assert_eq!(found(format!("{{\"Records\":[{text},{text}]}}")), ["1 record a", "1 record a"], "{name}");
    }
}

#[test]
fn event_bridge() {
    let health = bridge("AWS Health Event", "aws.health", &json!({"eventTypeCode": "AWS_RISK_CREDENTIALS_EXPOSED"}));
    let abuse = bridge("AWS Health Abuse Event", "aws.health", &json!({}));
    let (health_found, abuse_found) =
        (format!("1 health {}", health.to_string().len()), format!("1 health {}", abuse.to_string().len()));
    let other = bridge("EC2 Instance State-change Notification", "aws.ec2", &json!({"instance-id": "i-0"}));
    let other_found = format!("1 other {other}");
    let created = json!({"version": "0", "bucket": {"name": "trail"}, "object": {"key": "a+b%20.json.gz", "size": 1}, "reason": "PutObject"});
    check([
        ("a call", bridge("AWS API Call via CloudTrail", "aws.s3", &record("a")), &["1 record a"]),
        ("by detail-type", bridge("AWS API Call via CloudTrail", "aws.health", &record("a")), &["1 record a"]),
        ("a sign-in", bridge("AWS Console Sign In via CloudTrail", "aws.signin", &record("a")), &["1 record a"]),
        ("a service", bridge("AWS Service Event via CloudTrail", "aws.kms", &record("a")), &["1 record a"]),
        (
            "insight",
            bridge("AWS Insight via CloudTrail", "aws.cloudtrail", &json!({"insightDetails": {}})),
            &["1 nothing: an event of CloudTrail Insights"],
        ),
        (
            "a detail that is a text",
            bridge("AWS API Call via CloudTrail", "aws.s3", &record("a").to_string().into()),
            &["1 record a"],
        ),
        ("health", health, &[&health_found]),
        ("abuse", abuse, &[&abuse_found]),
        ("others", other, &[&other_found]),
        (
            "a new object, not encoded",
            bridge("Object Created", "aws.s3", &created),
            &["1 file s3://trail/a+b%20.json.gz"],
        ),
        (
            "an old one",
            bridge("Object Deleted", "aws.s3", &created),
            &["1 nothing: an event of S3 that brings no new file"],
        ),
        (
            "in Lambda's form",
            json!({"Records": [bridge("AWS API Call via CloudTrail", "aws.s3", &record("a"))]}),
            &["1 record a"],
        ),
    ]);
}

#[test]
fn messages_in_messages() {
    let call = bridge("AWS API Call via CloudTrail", "aws.s3", &record("a")).to_string();
    let reference = r#"{"account":"111122223333","region":"eu-west-1","type":"ec2","id":"i-0"}"#;
    let finding = r#"{"kind":"finding","Records":[{}],"x":1}"#;
    let (reference_found, finding_found) = (format!("1 other {reference}"), format!("1 other {finding}"));
    let both = [&*reference_found, "1 record a", &*finding_found];
    let confirm = json!({"Type": "SubscriptionConfirmation", "MessageId": "x", "Token": "y", "Message": "You have chosen", "SubscribeURL": "https://x"});
    check([
        ("SNS", sns(&call), &["1 record a"]),
        ("SNS for Lambda", sns_to_lambda(&call), &["1 record a"]),
        ("SQS for Lambda", sqs(&call), &["1 record a"]),
        ("SQS by the CLI", messages(&call), &["1 record a"]),
        ("SNS in SQS", sqs(&sns(&call).to_string()), &["1 record a"]),
        ("SNS in SQS by the CLI", messages(&sns(&call).to_string()), &["1 record a"]),
        ("SNS in SNS in SQS", sqs(&sns(&sns_to_lambda(&call).to_string()).to_string()), &["1 record a"]),
        ("a reference", sqs(reference), &[&reference_found]),
        ("a finding", sns(finding), &[&finding_found]),
        ("lines", messages(&format!("{reference}\n{}\n\n{finding}\n", record("a"))), &both),
        ("an array", sns(&format!("[{reference},{},{finding}]", record("a"))), &both),
        ("tasks", sqs(&format!("{{\"tasks\":[{reference}]}}")), &[&reference_found]),
        (
            "a log file in a message",
            sqs(&json!({"Records": [record("a"), record("b")]}).to_string()),
            &["1 record a", "1 record b"],
        ),
        ("nothing", sqs(" \n"), &["1 nothing: an empty message"]),
        ("no records", sqs("{\"Records\":[]}"), &["1 nothing: an empty message"]),
        ("a subscription", confirm.clone(), &["1 nothing: a request to confirm a subscription to an SNS topic"]),
        (
            "a subscription in SQS",
            sqs(&confirm.to_string()),
            &["1 nothing: a request to confirm a subscription to an SNS topic"],
        ),
    ]);
}

#[test]
fn files() {
    let digest = "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/11/20/a.json.gz";
    let insight = "p/AWSLogs/o-abc/111122223333/CloudTrail-Insight/eu-west-1/2026/11/20/a.json.gz";
    let config = "AWSLogs/111122223333/Config/eu-west-1/2026/11/20/ConfigHistory/a.json.gz";
    let organization = "p/AWSLogs/o-abc/111122223333/CloudTrail/eu-west-1/2026/11/20/a.json.gz";
    let created = |key: &str| json!({"Records": [s3("ObjectCreated:Put", key)]});
    check([
        ("S3", created(KEY), &[&format!("1 file s3://trail/{KEY}")]),
        ("S3 in SNS in SQS", sqs(&sns(&created(KEY).to_string()).to_string()), &[&format!("1 file s3://trail/{KEY}")]),
        ("an encoded key", created("a+b/%C3%A9%2B%zz/c%3D.json.gz"), &["1 file s3://trail/a b/é+%zz/c=.json.gz"]),
        ("an organization", created(organization), &[&format!("1 file s3://trail/{organization}")]),
        (
            "network activity",
            created("AWSLogs/1/CloudTrail-NetworkActivity/r/a.json.gz"),
            &["1 file s3://trail/AWSLogs/1/CloudTrail-NetworkActivity/r/a.json.gz"],
        ),
        ("a copy", created("copies/a.JSON"), &["1 file s3://trail/copies/a.JSON"]),
        ("a digest", created(digest), &["1 nothing: a digest of CloudTrail's log files"]),
        ("an insight", created(insight), &["1 nothing: a file of CloudTrail Insights"]),
        ("Config", created(config), &["1 nothing: a log file of another service"]),
        ("a folder", created("AWSLogs/111122223333/CloudTrail/"), &["1 nothing: a file that is no log file"]),
        ("a picture", created("cat.png"), &["1 nothing: a file that is no log file"]),
        (
            "a deletion",
            json!({"Records": [s3("ObjectRemoved:Delete", KEY), s3("ObjectCreated:Copy", KEY)]}),
            &["1 nothing: an event of S3 that brings no new file", &format!("1 file s3://trail/{KEY}")],
        ),
        (
            "a record beside it",
            json!({"Records": [record("a"), s3("ObjectCreated:Put", KEY)]}),
            &["1 record a", &format!("1 file s3://trail/{KEY}")],
        ),
        (
            "MinIO",
            json!({"EventName": "s3:ObjectCreated:Put", "Key": "x", "Records": [s3("s3:ObjectCreated:Put", KEY)]}),
            &[&format!("1 file s3://trail/{KEY}")],
        ),
        (
            "CloudTrail's notice",
            json!({"s3Bucket": "trail", "s3ObjectKey": [KEY, digest, "a+b.json.gz"]}),
            &[
                &format!("1 file s3://trail/{KEY}"),
                "1 nothing: a digest of CloudTrail's log files",
                "1 file s3://trail/a+b.json.gz",
            ],
        ),
        (
            "CloudTrail's notice in SNS",
            sns(&json!({"s3Bucket": "trail", "s3ObjectKey": [KEY]}).to_string()),
            &[&format!("1 file s3://trail/{KEY}")],
        ),
        (
            "CloudTrail's empty notice",
            json!({"s3Bucket": "trail", "s3ObjectKey": []}),
            &["1 nothing: a notice of CloudTrail without a file"],
        ),
        (
            "CloudTrail's test",
            sqs(&sns("CloudTrail validation message.").to_string()),
            &["1 nothing: CloudTrail's test of an SNS topic"],
        ),
        (
            "S3's test",
            json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "x", "Bucket": "trail"}),
            &["1 nothing: S3's test of a notification"],
        ),
    ]);
    assert_eq!(found_in("CloudTrail validation message."), ["1 nothing: CloudTrail's test of an SNS topic"]);
}

#[test]
fn cloud_watch_logs() {
    let (a, b) = (record("a").to_string(), record("b").to_string());
    let control = logs(&["CWL CONTROL MESSAGE: Checking health of destination Firehose."], "CONTROL_MESSAGE");
    check([
        ("unpacked", logs(&[&a, &b], "DATA_MESSAGE"), &["1 record a", "1 record b"]),
        ("packed", awslogs(&logs(&[&a, &b], "DATA_MESSAGE").to_string()), &["1 record a", "1 record b"]),
        ("control", awslogs(&control.to_string()), &["1 nothing: a control message of CloudWatch Logs"]),
        ("none", logs(&[], "DATA_MESSAGE"), &[]),
        (
            "no base64",
            json!({"awslogs": {"data": "*"}}),
            &["line 1: in the data of a CloudWatch Logs subscription: not base64: Invalid symbol 42, offset 0."],
        ),
        ("no text", json!({"awslogs": {"data": 1}}), &["1 other {\"awslogs\":{\"data\":1}}"]),
    ]);
    let packed = gzip(logs(&[&a], "DATA_MESSAGE").to_string());
    let cut = json!({"awslogs": {"data": STANDARD.encode(&packed[..packed.len() - 4])}});
    assert_eq!(
        found(cut.to_string()),
        [
            "1 record a",
            "line 1: in the data of a CloudWatch Logs subscription: the gzip data was cut off: what came before its end was read"
        ]
    );
}

/// What only looks like something that we know comes out as it is.
#[test]
fn twins() {
    for text in [
        r#"{"account":"111122223333","region":"eu-west-1","type":"ec2","id":"i-0"}"#,
        r#"{"kind":"finding","eventSource":"s3.amazonaws.com","eventName":"x","userIdentity":{}}"#,
        r#"{"a":1,"kind":"x","Records":[{"eventSource":"aws:s3"}]}"#,
        r#"{"Records":{"a":[]}}"#,
        r#"{"Records":["a"]}"#,
        r#"{"Records":null}"#,
        r#"{"Id":"x","Events":["s3:ObjectCreated:*"]}"#,
        r#"{"Events":["s3:ObjectCreated:*"],"Id":"x"}"#,
        r#"{"a":{"Records":[{}]}}"#,
        r#"{"Type":"Notification"}"#,
        r#"{"Type":"Notification","Message":{"a":1}}"#,
        r#"{"Type":"Feeder","Message":"hello"}"#,
        r#"{"Body":"hello"}"#,
        r#"{"body":"hello"}"#,
        r#"{"eventSource":"aws:sqs"}"#,
        r#"{"eventSource":"aws:dynamodb","eventName":"INSERT","eventVersion":"1.1"}"#,
        r#"{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{}}}"#,
        r#"{"timestamp":1,"message":"hello"}"#,
        r#"{"timestamp":1,"message":"hello","id":"i-0"}"#,
        r#"{"detail-type":"AWS API Call via CloudTrail","detail":7}"#,
        r#"{"detail-type":"Object Created","detail":{"a":1}}"#,
        r#"{"CloudTrailEvent":7}"#,
        r#"{"s3Bucket":"a","s3ObjectKey":{"a":1}}"#,
        r#"{"s3Bucket":"a"}"#,
        r#"{"eventName":"x"}"#,
        "{}",
    ] {
        assert_eq!(found(text), [format!("1 other {text}")]);
    }
}

/// What is in a message is named as what it is, with the line of the message.
#[test]
fn broken_messages() {
    let cases: &[(&str, Value, &[&str])] = &[
        (
            "no JSON",
            sqs("hello"),
            &["line 2: in the body of an SQS message: line 1: expected a JSON object, found `h` (column 1)"],
        ),
        (
            "half of it",
            sns("{\"a\":"),
            &["line 2: in the message of an SNS notification: line 1: the input ends inside this value"],
        ),
        (
            "a number",
            messages("7"),
            &["line 2: in the body of an SQS message: line 1: a record is a JSON object, this is a number"],
        ),
        (
            "an event",
            lookup(&json!("x")),
            &["line 2: in an event of LookupEvents: line 1: a record is a JSON object, this is a string"],
        ),
        (
            "one line of several",
            sqs("{\"a\":1}\nx\n{\"a\":2}"),
            &[
                "2 other {\"a\":1}",
                "line 2: in the body of an SQS message: line 2: expected a JSON object, found `x` (column 1)",
                "2 other {\"a\":2}",
            ],
        ),
    ];
    for (name, input, expected) in cases {
        let mut expected = expected.to_vec();
        expected.push("3 other {}");
        assert_eq!(found(format!("\n{input}\n{{}}")), expected, "{name}");
    }
    assert_eq!(found_in("hello"), ["line 1: expected a JSON object, found `h` (column 1)"]);
    assert_eq!(
        found_in("{}\n{}\nx"),
        ["1 other {}", "2 other {}", "line 3: expected a JSON object, found `x` (column 1)"]
    );
}

#[test]
fn wrapped_too_often() {
    let mut call = record("a");
    for _ in 0..16 {
        call = bridge("AWS API Call via CloudTrail", "aws.s3", &call);
    }
    assert_eq!(found(call.to_string()), ["1 record a"]);
    assert_eq!(found(sns(&call.to_string()).to_string()), ["line 1: wrapped more than 16 times"]);
    let once_more = bridge("AWS API Call via CloudTrail", "aws.s3", &call);
    assert_eq!(found(format!("{once_more}{{}}")), ["line 1: wrapped more than 16 times", "1 other {}"]);
}

/// A reader is ready exactly when the next thing is there, whatever was skipped to get at it.
#[test]
fn ready_means_that_nothing_is_waited_for() {
    let input = format!("{}\n", sqs(&format!("{}\n{}\n", record("a"), record("b"))));
    let mut events = Events::new(input.as_bytes());
    let mut seen = Vec::new();
    loop {
        if !events.ready() {
            seen.push("wait".to_owned());
        }
        let Some(next) = events.next() else { break };
        seen.push(describe(&next.unwrap()));
    }
    assert_eq!(seen, ["wait", "1 record a", "1 record b", "wait"]);
}
