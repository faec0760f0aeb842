//! SQS and the services misbehave.

use std::time::Duration;

use serde_json::{Value, json};
use tests::http::Response;
use tests::{Emulator, Proxy, Verdict, on};

use crate::{Jobs, Service, ids, sorted, until};

/// An answer to `DeleteMessageBatch` that says 200, and that some of it failed; nothing was done.
fn partly(request: &str, fails: impl Fn(usize) -> Option<(&'static str, bool)>) -> Response {
    let request: Value = serde_json::from_str(request).unwrap();
    let (mut failed, mut successful) = (Vec::new(), Vec::new());
    for (number, entry) in request["Entries"].as_array().unwrap().iter().enumerate() {
        match fails(number) {
            Some((code, fault)) => failed.push(json!({
                "Id": entry["Id"], "Code": code, "SenderFault": fault, "Message": "not now",
            })),
            None => successful.push(json!({"Id": entry["Id"]})),
        }
    }
    Response::new(200, json!({"Successful": successful, "Failed": failed}).to_string())
        .with("Content-Type", "application/x-amz-json-1.0")
}

#[test]
fn what_a_batch_could_not_delete_is_deleted_again() {
    let jobs = Jobs::new(10, 600);
    jobs.send_all();
    let proxy = Proxy::new(Emulator::shared()).rule(on("sqs:DeleteMessageBatch").first(2), |call| {
        Verdict::Answer(partly(&call.request.text(), |_| Some(("InternalError", false))))
    });
    let ran = jobs.through(&proxy).once().run().exits(0);
    assert_eq!(sorted(ids(&ran)), sorted(jobs.groups.clone()), "{ran}");
    assert_eq!(jobs.count(), [0, 0, 0], "{ran}");
}

#[test]
fn a_receipt_that_has_expired_is_no_error() {
    let jobs = Jobs::new(2, 600);
    jobs.send_all();
    let proxy = Proxy::new(Emulator::shared()).rule("sqs:DeleteMessageBatch", |call| {
        Verdict::Answer(partly(&call.request.text(), |_| Some(("ReceiptHandleIsInvalid", true))))
    });
    let ran = jobs.through(&proxy).once().run().exits(0);
    assert_eq!(ids(&ran).len(), 2, "{ran}");
    assert!(!ran.stderr.contains("ReceiptHandleIsInvalid"), "{ran}");
}

#[test]
fn a_look_that_fails_for_now_leaves_the_message_and_one_that_is_denied_does_not() {
    for (code, status, left) in [("AccessDenied", 403, 0), ("InternalError", 500, 1)] {
        let jobs = Jobs::new(1, 600);
        jobs.send_all();
        let proxy = Proxy::new(Emulator::shared()).fail("ec2:DescribeSecurityGroups", status, code, "no");
        let ran = jobs.through(&proxy).once().env("AWS_MAX_ATTEMPTS", "2").run().exits(3);
        let scope = ran.one(&json!({"kind": "scope"}));
        assert_eq!((&scope["status"], &scope["error"]["code"]), (&json!("failed"), &json!(code)), "{ran}");
        let [visible, held, _] = jobs.count();
        assert_eq!(visible + held, left, "{code}\n{ran}");
    }
}

#[test]
fn receiving_that_fails_for_a_while_is_tried_again_and_said() {
    let jobs = Jobs::new(3, 600);
    jobs.send_all();
    let proxy = Proxy::new(Emulator::shared()).fail(on("sqs:ReceiveMessage").first(2), 500, "InternalError", "not now");
    let service = Service::start(&jobs.through(&proxy).worker().env("AWS_MAX_ATTEMPTS", "1"));
    until("all is deleted", || jobs.count() == [0, 0, 0]);
    service.signal("TERM");
    let (code, written, stderr) = service.end();
    assert_eq!((code, sorted(written)), (Some(0), sorted(jobs.groups.clone())), "{stderr}");
    assert!(stderr.contains("sqs:ReceiveMessage") && stderr.contains("trying again"), "{stderr}");
}

#[test]
fn a_worker_that_may_not_delete_ends() {
    let jobs = Jobs::new(3, 600);
    jobs.send_all();
    let proxy = Proxy::new(Emulator::shared()).deny("sqs:DeleteMessageBatch");
    let ran = jobs.through(&proxy).worker().time_limit(Duration::from_secs(90)).run().exits(3);
    assert!(ran.stderr.contains("sqs:DeleteMessageBatch"), "{ran}");
    assert_eq!(ids(&ran).len(), 3, "{ran}");
}
