//! The queue against a server of its own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Consumer, Letter, Queue};
use crate::aws::intercept::{Requests, Watch};
use crate::aws::loopback::{Reply, Request, Server, sdk_config};
use crate::aws::{AwsError, Session};

const URL: &str = "http://127.0.0.1:1/111122223333/jobs";

/// The call of a request, and what it says.
fn call(request: &Request) -> (String, Value) {
    let head = request.text.to_ascii_lowercase();
    let target = head.split("x-amz-target: amazonsqs.").nth(1).unwrap().split('\r').next().unwrap().to_owned();
    let body = request.text.split("\r\n\r\n").nth(1).unwrap();
    (target, serde_json::from_str(body).unwrap())
}

/// A queue with these attributes, which answers everything else so.
async fn queue(
    url: &str,
    attributes: Value,
    answer: impl Fn(&str, &Value) -> Value + Send + Sync + 'static,
) -> (Queue, Server) {
    queue_that(url, attributes, move |call, body| Reply::Answer(200, answer(call, body).to_string())).await
}

/// A queue with these attributes, which does everything else so.
async fn queue_that(
    url: &str,
    attributes: Value,
    reply: impl Fn(&str, &Value) -> Reply + Send + Sync + 'static,
) -> (Queue, Server) {
    let server = Server::start(move |request| {
        let (call, body) = call(request);
        match call.as_str() {
            "getqueueattributes" => Reply::Answer(200, json!({ "Attributes": attributes }).to_string()),
            other => reply(other, &body),
        }
    })
    .await;
    let config = sdk_config(&server.address, 1, 4);
    let caller = "arn:aws:iam::111122223333:user/jane".parse().unwrap();
    let (id, home) = ("111122223333".parse().unwrap(), "eu-west-1".parse().unwrap());
    let session = Session::new(id, &caller, home, config, Watch::new(Requests::default()));
    (Queue::open(&session, &url.parse().unwrap()).await.unwrap(), server)
}

fn letters(bodies: impl IntoIterator<Item = String>) -> Vec<Letter> {
    let letter = |body| Letter { body, delay: Duration::from_secs(7), group: "g".to_owned() };
    bodies.into_iter().map(letter).collect()
}

/// What the server was asked, by call.
fn asked(server: &Server, which: &str) -> Vec<Value> {
    let requests = server.requests();
    let calls = requests.iter().map(|text| call(&Request { number: 0, text: text.clone() }));
    calls.filter(|(call, _)| call == which).map(|(_, body)| body).collect()
}

fn entries(body: &Value) -> Vec<Value> {
    body["Entries"].as_array().unwrap().clone()
}

fn failed(of: &[&Value], code: &str, fault: bool) -> Value {
    let failed = |entry: &&Value| json!({"Id": entry["Id"], "Code": code, "SenderFault": fault, "Message": "not now"});
    json!({"Successful": [], "Failed": of.iter().map(failed).collect::<Vec<_>>()})
}

#[tokio::test]
async fn what_failed_alone_is_deleted_again_and_nothing_else_is() {
    let times = Arc::new(AtomicUsize::new(0));
    let (queue, server) = queue(URL, json!({}), move |_, body| {
        let entries = entries(body);
        match times.fetch_add(1, Ordering::SeqCst) {
            0 => failed(&[&entries[1], &entries[3]], "InternalError", false),
            _ => json!({"Successful": [], "Failed": []}),
        }
    })
    .await;
    let handles: Vec<String> = (0..5).map(|number| format!("h{number}")).collect();
    assert_eq!(queue.delete(&handles).await, []);
    let asked = asked(&server, "deletemessagebatch");
    let handles: Vec<Vec<Value>> =
        asked.iter().map(|body| entries(body).iter().map(|entry| entry["ReceiptHandle"].clone()).collect()).collect();
    assert_eq!(handles[0].len(), 5);
    assert_eq!(handles[1], ["h1", "h3"]);
}

#[tokio::test]
async fn a_receipt_that_has_expired_is_no_error_and_a_refusal_is() {
    for (code, message, count) in [("ReceiptHandleIsInvalid", "", 0), ("AccessDenied", "no", 3)] {
        let (queue, server) = queue(URL, json!({}), move |_, body| {
            let entries = entries(body);
            failed(&entries.iter().collect::<Vec<_>>(), code, true)
        })
        .await;
        let handles = ["a", "b", "c"].map(str::to_owned);
        let errors = queue.delete(&handles).await;
        assert_eq!(errors.len(), count, "{code} {message}");
        assert!(errors.iter().all(AwsError::is_lasting));
        assert_eq!(asked(&server, "deletemessagebatch").len(), 1, "our own fault is not tried again");
    }
}

#[tokio::test]
async fn messages_go_in_batches_of_ten_and_of_so_many_bytes() {
    for (limit, sizes, expected) in [
        ("1048576", vec![10; 25], vec![10, 10, 5]),
        ("1048576", vec![400_000; 5], vec![2, 2, 1]),
        ("262144", vec![100_000; 5], vec![2, 2, 1]),
        ("2048", vec![2048; 3], vec![3]),
    ] {
        let (queue, server) = queue(URL, json!({"MaximumMessageSize": limit}), |_, _| json!({"Successful": []})).await;
        let unsent = queue.send(letters(sizes.iter().map(|size| "x".repeat(*size)))).await;
        assert_eq!(unsent, []);
        let mut counts: Vec<usize> =
            asked(&server, "sendmessagebatch").iter().map(|body| entries(body).len()).collect();
        counts.sort_unstable_by(|one, other| other.cmp(one));
        assert_eq!(counts, expected, "{limit} {sizes:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_sent_comes_back_with_its_reason() {
    let (queue, server) = queue(URL, json!({"MaximumMessageSize": "2048"}), |_, body| {
        let entries = entries(body);
        let bad: Vec<&Value> = entries.iter().filter(|entry| entry["MessageBody"] == "bad").collect();
        failed(&bad, "InvalidMessageContents", true)
    })
    .await;
    let unsent = queue.send(letters(["good".into(), "bad".into(), "x".repeat(2049)])).await;
    let mut codes: Vec<(usize, &str)> = unsent.iter().map(|it| (it.letter.body.len(), it.error.code())).collect();
    codes.sort_unstable();
    assert_eq!(codes, [(3, "InvalidMessageContents"), (2049, "MessageTooLong")]);
    let sent = entries(&asked(&server, "sendmessagebatch")[0]);
    assert_eq!(sent.len(), 2);
    assert!(sent.iter().all(|entry| entry["DelaySeconds"] == 7 && entry["MessageGroupId"].is_null()));
}

#[tokio::test]
async fn a_fifo_queue_gets_groups_and_no_delays() {
    let (queue, server) = queue(&format!("{URL}.fifo"), json!({}), |_, _| json!({"Successful": []})).await;
    assert_eq!(queue.send(letters(["same".into(), "same".into()])).await, []);
    let sent = entries(&asked(&server, "sendmessagebatch")[0]);
    assert!(sent.iter().all(|entry| entry["DelaySeconds"].is_null() && entry["MessageGroupId"] == "g"));
    // What is told of twice has changed twice.
    assert_ne!(sent[0]["MessageDeduplicationId"], sent[1]["MessageDeduplicationId"]);
}

#[tokio::test]
async fn what_is_held_is_extended_until_it_is_let_go() {
    let (queue, server) = queue(URL, json!({"VisibilityTimeout": "1"}), |call, _| match call {
        "receivemessage" => json!({"Messages": [
            {"MessageId": "1", "ReceiptHandle": "one", "Body": "a", "Attributes": {
                "ApproximateReceiveCount": "3", "SentTimestamp": "1763000000123"}},
            {"MessageId": "2", "ReceiptHandle": "two", "Body": "b"},
        ]}),
        _ => json!({"Successful": []}),
    })
    .await;
    let consumer = Consumer::new(queue);
    let messages = consumer.receive(100, Duration::from_mins(1)).await.unwrap();
    assert_eq!((messages[0].receives, messages[1].receives), (3, 1));
    assert_eq!(messages[0].sent.unwrap().as_millisecond(), 1_763_000_000_123);
    let received = &asked(&server, "receivemessage")[0];
    let limits = ["MaxNumberOfMessages", "WaitTimeSeconds", "VisibilityTimeout"].map(|name| received[name].clone());
    assert_eq!(limits, [10, 20, 1].map(Value::from));

    let extended = |server: &Server, handle: &str| {
        let calls = asked(server, "changemessagevisibilitybatch");
        let of =
            |body: &Value| entries(body).iter().any(|it| it["ReceiptHandle"] == handle && it["VisibilityTimeout"] == 1);
        calls.iter().filter(|body| of(body)).count()
    };
    while extended(&server, "one") < 2 || extended(&server, "two") < 2 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(consumer.delete(&["one".to_owned()]).await, []);
    assert_eq!(consumer.release(&["two".to_owned()]).await, []);
    assert_eq!(consumer.held(), 0);
    let last = asked(&server, "changemessagevisibilitybatch").pop().unwrap();
    assert_eq!(entries(&last)[0]["VisibilityTimeout"], 0, "it can be received at once");
    let count = extended(&server, "one");
    tokio::time::sleep(Duration::from_millis(800)).await;
    assert!(extended(&server, "one") <= count + 1, "a call may have been under way");
}

#[tokio::test]
async fn what_is_given_back_is_not_extended_any_more() {
    /// Well within the time after which an answer is not waited for any more.
    const LATE: Duration = Duration::from_millis(100);
    let times = Arc::new(Mutex::new((None, None)));
    let seen = Arc::clone(&times);
    let (queue, _server) = queue_that(URL, json!({"VisibilityTimeout": "1"}), move |call, body| {
        let done = json!({"Successful": []}).to_string();
        let mut seen = seen.lock().unwrap();
        match call {
            "receivemessage" => {
                let message = json!({"MessageId": "1", "ReceiptHandle": "one", "Body": "a"});
                Reply::Answer(200, json!({"Messages": [message]}).to_string())
            }
            _ if entries(body)[0]["VisibilityTimeout"] == 0 => {
                seen.1 = Some(Instant::now());
                Reply::Answer(200, done)
            }
            _ => {
                seen.0.get_or_insert_with(Instant::now);
                Reply::Late(LATE, 200, done)
            }
        }
    })
    .await;
    let consumer = Consumer::new(queue);
    let messages = consumer.receive(10, Duration::ZERO).await.unwrap();
    while times.lock().unwrap().0.is_none() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Now an extension is under way, which SQS may carry out last.
    assert_eq!(consumer.release(&[messages[0].handle.clone()]).await, []);
    let (extended, released) = *times.lock().unwrap();
    assert!(released.unwrap() >= extended.unwrap() + LATE, "only then is it given back");
}
