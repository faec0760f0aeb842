//! The checks of Lambda functions.

use common::resource::{Function, ResourceType};
use serde_json::{Value, json};

use super::{Example, judge, resource, settings, table, with};

impl Example for Function {
    const ARN: &'static str = "arn:aws:lambda:eu-west-1:111122223333:function:resize";
    const IDS: &'static [&'static str] = &["lambda_function_public", "lambda_function_outsiders"];

    fn healthy() -> Value {
        json!({"FunctionName": "resize", "Policy": null})
    }

    fn rotten() -> Value {
        json!({"Policy": {"Version": "2012-10-17", "Id": "default", "Statement": [
            allow("anyone", &json!("*"), &json!({})), allow("vendor", &json!({"AWS": "444455556666"}), &json!({})),
        ]}})
    }
}

/// A statement as `AddPermission` makes it.
fn allow(sid: &str, principal: &Value, condition: &Value) -> Value {
    let mut statement = json!({
        "Sid": sid, "Effect": "Allow", "Principal": principal, "Action": "lambda:InvokeFunction",
        "Resource": Function::ARN,
    });
    if condition.as_object().is_some_and(|it| !it.is_empty()) {
        statement["Condition"] = condition.clone();
    }
    statement
}

fn function(statements: &[Value]) -> Value {
    with(
        ResourceType::LambdaFunction,
        json!({"Policy": {"Version": "2012-10-17", "Id": "default", "Statement": statements}}),
    )
}

fn to(principal: &Value, condition: &Value) -> Value {
    function(&[allow("s", principal, condition)])
}

/// What the console adds with a function URL.
fn url(auth: &str) -> Value {
    let mut statement = allow(
        "FunctionURLAllowPublicAccess",
        &json!("*"),
        &json!({"StringEquals": {"lambda:FunctionUrlAuthType": auth}}),
    );
    statement["Action"] = json!("lambda:InvokeFunctionUrl");
    statement
}

#[test]
fn public_functions() {
    let fail = &["fail critical lambda_remove_permissions"][..];
    let pass = &["pass"][..];
    let anyone = json!("*");
    let via_url = json!({"Bool": {"lambda:InvokedViaFunctionUrl": "true"}});
    table(
        &settings(),
        "lambda_function_public",
        &[
            ("anyone", to(&anyone, &json!({})), fail),
            ("anyone in AWS", to(&json!({"AWS": "*"}), &json!({})), fail),
            ("a URL for anyone", function(&[url("NONE")]), fail),
            // Whoever signs a request may be in any account.
            ("a URL for anyone in AWS", function(&[url("AWS_IAM")]), fail),
            ("what a URL needs beside", to(&anyone, &via_url), fail),
            (
                "anyone's topics",
                to(&anyone, &json!({"ArnLike": {"AWS:SourceArn": "arn:aws:sns:eu-west-1:*:news"}})),
                fail,
            ),
            (
                "a topic of its own, the old way",
                to(&anyone, &json!({"ArnLike": {"AWS:SourceArn": "arn:aws:sns:eu-west-1:111122223333:news"}})),
                pass,
            ),
            ("an organization", to(&anyone, &json!({"StringEquals": {"aws:PrincipalOrgID": "o-acme"}})), pass),
            ("a service", to(&json!({"Service": "events.amazonaws.com"}), &json!({})), pass),
            (
                "a skill",
                to(
                    &json!({"Service": "alexa-appkit.amazon.com"}),
                    &json!({"StringEquals": {"lambda:EventSourceToken": "amzn1.ask.skill.x"}}),
                ),
                pass,
            ),
            (
                "anyone's buckets",
                to(&json!({"Service": "s3.amazonaws.com"}), &json!({})),
                &["fail critical - s3.amazonaws.com"],
            ),
            ("anyone's anything", to(&json!({"Service": "*"}), &json!({})), &["fail critical - s3.amazonaws.com"]),
            (
                "the buckets of its account",
                to(
                    &json!({"Service": "s3.amazonaws.com"}),
                    &json!({"StringEquals": {"AWS:SourceAccount": "111122223333"}}),
                ),
                pass,
            ),
            (
                "a bucket",
                to(
                    &json!({"Service": "s3.amazonaws.com"}),
                    &json!({"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::acme-uploads"}}),
                ),
                pass,
            ),
            ("no policy", with(ResourceType::LambdaFunction, json!({})), pass),
        ],
    );
    let private = allow("PrivateLambda", &json!({"Service": "events.amazonaws.com"}), &json!({}));
    let config = function(&[private, url("NONE")]);
    let findings = judge(&settings(), "lambda_function_public", &resource("lambda_function", &config));
    assert_eq!(
        findings[0].title,
        "Lambda function resize is open to anyone through its resource policy, for lambda:InvokeFunctionUrl"
    );
    let action = serde_json::to_value(&findings[0].action).unwrap();
    assert_eq!(action, json!({"name": "lambda_remove_permissions", "Statements": [url("NONE")]}));
}

#[test]
fn outsiders() {
    let fail = &["fail high lambda_remove_permissions"][..];
    table(
        &settings(),
        "lambda_function_outsiders",
        &[
            ("a stranger", to(&json!({"AWS": "arn:aws:iam::444455556666:root"}), &json!({})), fail),
            (
                "a stranger's bucket",
                to(
                    &json!({"Service": "s3.amazonaws.com"}),
                    &json!({"StringEquals": {"AWS:SourceAccount": "444455556666"}}),
                ),
                fail,
            ),
            (
                "an organization that is not known",
                to(&json!("*"), &json!({"StringEquals": {"aws:PrincipalOrgID": "o-acme"}})),
                fail,
            ),
            ("its own account", to(&json!({"AWS": "111122223333"}), &json!({})), &["pass"]),
            ("a service", to(&json!({"Service": "events.amazonaws.com"}), &json!({})), &["pass"]),
            ("anyone is nobody in particular", function(&[url("NONE")]), &["pass"]),
            ("no policy", with(ResourceType::LambdaFunction, json!({})), &["pass"]),
        ],
    );
}
