//! The checks of SQS queues.

use common::resource::{Queue, ResourceType};
use serde_json::{Value, json};

use super::{Example, judge, resource, settings, table, wide_open, with};

impl Example for Queue {
    const ARN: &'static str = "arn:aws:sqs:eu-west-1:111122223333:jobs";
    const IDS: &'static [&'static str] = &["sqs_public", "sqs_policy_outsiders"];

    fn healthy() -> Value {
        json!({"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/111122223333/jobs", "Policy": null})
    }

    fn rotten() -> Value {
        json!({"Policy": wide_open()})
    }
}

fn queue(statements: &[Value]) -> Value {
    with(ResourceType::Sqs, json!({"Policy": {"Version": "2012-10-17", "Statement": statements}}))
}

fn allow(principal: &Value) -> Value {
    json!({
        "Effect": "Allow", "Principal": principal, "Action": "sqs:SendMessage",
        "Resource": "arn:aws:sqs:eu-west-1:111122223333:jobs",
    })
}

#[test]
fn public_queues() {
    let mut topic = allow(&json!("*"));
    topic["Condition"] = json!({"ArnEquals": {"aws:SourceArn": "arn:aws:sns:eu-west-1:111122223333:news"}});
    let fail = &["fail critical sqs_remove_policy_statements"][..];
    table(
        &settings(),
        "sqs_public",
        &[
            ("anyone", queue(&[allow(&json!("*"))]), fail),
            ("anyone, in a list", queue(&[allow(&json!({"AWS": ["*"]}))]), fail),
            ("one topic of its own", queue(&[topic]), &["pass"]),
            ("its own account", queue(&[allow(&json!({"AWS": "111122223333"}))]), &["pass"]),
            (
                "an unknown operator",
                queue(&[json!({
                    "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": {"Looks": {"a": "b"}},
                })]),
                &[
                    "unknown statement 0: `Condition.Looks` is not a known condition operator; look at the policy by hand",
                ],
            ),
        ],
    );
    let own = allow(&json!({"AWS": "111122223333"}));
    let config = queue(&[own, allow(&json!("*"))]);
    let findings = judge(&settings(), "sqs_public", &resource("sqs", &config));
    let action = serde_json::to_value(&findings[0].action).unwrap();
    assert_eq!(action, json!({"name": "sqs_remove_policy_statements", "Statements": [allow(&json!("*"))]}));
}

#[test]
fn outsiders() {
    table(
        &settings(),
        "sqs_policy_outsiders",
        &[
            (
                "a stranger",
                queue(&[allow(&json!({"AWS": "444455556666"}))]),
                &["fail high sqs_remove_policy_statements"],
            ),
            (
                "a stranger beside its own",
                queue(&[allow(&json!({"AWS": ["444455556666", "111122223333"]}))]),
                &["fail high -"],
            ),
            ("anyone is nobody in particular", queue(&[allow(&json!("*"))]), &["pass"]),
            ("no policy", with(ResourceType::Sqs, json!({})), &["pass"]),
        ],
    );
}
