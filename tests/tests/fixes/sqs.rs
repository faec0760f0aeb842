//! Queues.

use serde_json::{Value, json};
use tests::fix::{FIX, Fix, call, goes_there_and_back};
use tests::stage::Stage;
use tests::task::{disabled_and_back, killed};

/// A queue of a stage, by what it is.
fn queue(stage: &Stage, what: &str) -> Value {
    let arn = stage.arn(what);
    stage.poll_all().matching(&json!({"kind": "resource", "arn": arn})).remove(0)
}

#[test]
fn sqs_remove_policy_statements() {
    for (what, check) in
        [("one of two statements lets in anyone", "sqs_public"), ("lets in a foreign account", "sqs_policy_outsiders")]
    {
        goes_there_and_back(&Fix {
            kind: "sqs",
            what,
            check,
            calls: |queue| {
                let mut policy = queue["config"]["Policy"].clone();
                policy["Statement"].as_array_mut().unwrap().truncate(1);
                let attributes = json!({"Policy": policy});
                call("sqs:SetQueueAttributes", &json!({"QueueUrl": queue["id"], "Attributes": attributes}))
            },
            change: |config| config["Policy"]["Statement"].as_array_mut().unwrap().truncate(1),
            ..FIX
        });
    }
}

#[test]
fn disable() {
    let stage = Stage::of("sqs");
    for what in ["one of two statements lets in anyone", "good: no policy"] {
        let queue = queue(&stage, what);
        let mut policy = queue["config"]["Policy"].clone();
        if policy.is_null() {
            policy = json!({"Version": "2012-10-17", "Statement": []});
        }
        policy["Statement"].as_array_mut().unwrap().push(json!({
            "Sid": "SluiceDisabled", "Effect": "Deny", "Principal": "*", "Resource": queue["arn"],
            "Action": [
                "sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:PurgeQueue", "sqs:ChangeMessageVisibility",
            ],
        }));
        let parameters = json!({"QueueUrl": queue["id"], "Attributes": {"Policy": policy}});
        let calls = call("sqs:SetQueueAttributes", &parameters);
        disabled_and_back(&stage, &queue, &calls, |config| config["Policy"] = policy.clone(), || ());
    }
}

#[test]
fn kill() {
    let stage = Stage::of("sqs");
    let queue = queue(&stage, "good: no policy");
    killed(&stage, &queue, &json!("kill"), &call("sqs:DeleteQueue", &json!({"QueueUrl": queue["id"]})));
}
