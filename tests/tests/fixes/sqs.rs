//! Queues.

use serde_json::json;
use tests::fix::{FIX, Fix, call, goes_there_and_back};

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
