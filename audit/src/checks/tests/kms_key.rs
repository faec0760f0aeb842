//! The checks of KMS keys.

use common::resource::{KmsKey, ResourceType};
use common::settings::{Check, Settings};
use serde_json::{Value, json};

use super::{Example, judge, resource, settings, table, with};

impl Example for KmsKey {
    const ARN: &'static str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    const IDS: &'static [&'static str] = &["kms_key_public", "kms_key_outsiders"];

    /// The policy that KMS gives a key of its own accord.
    fn healthy() -> Value {
        json!({
            "KeyId": "1234abcd-12ab-34cd-56ef-1234567890ab", "KeyState": "Enabled", "KeyManager": "CUSTOMER",
            "Policy": {"Version": "2012-10-17", "Id": "key-default-1", "Statement": [own()]},
        })
    }

    fn rotten() -> Value {
        json!({"Policy": {"Version": "2012-10-17", "Statement": [
            own(), allow(&json!({"AWS": "*"}), &json!({})), allow(&json!({"AWS": "444455556666"}), &json!({})),
        ]}})
    }
}

fn own() -> Value {
    json!({
        "Sid": "Enable IAM User Permissions", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": "kms:*", "Resource": "*",
    })
}

fn allow(principal: &Value, condition: &Value) -> Value {
    json!({
        "Effect": "Allow", "Principal": principal, "Action": ["kms:Decrypt", "kms:GenerateDataKey*"], "Resource": "*",
        "Condition": condition,
    })
}

fn key(statement: &Value) -> Value {
    with(ResourceType::KmsKey, json!({"Policy": {"Version": "2012-10-17", "Statement": [own(), statement]}}))
}

fn anyone_if(condition: &Value) -> Value {
    key(&allow(&json!({"AWS": "*"}), condition))
}

const VIA: &str = "s3.eu-west-1.amazonaws.com";

#[test]
fn public_keys() {
    let fail = &["fail critical kms_remove_policy_statements"][..];
    let pass = &["pass"][..];
    table(
        &settings(),
        "kms_key_public",
        &[
            ("anyone", anyone_if(&json!({})), fail),
            ("its own account", with(ResourceType::KmsKey, json!({})), pass),
            // Whoever calls by way of S3 may be in any account.
            ("anyone through S3", anyone_if(&json!({"StringEquals": {"kms:ViaService": VIA}})), fail),
            (
                "its own through S3",
                anyone_if(&json!({"StringEquals": {"kms:CallerAccount": "111122223333", "kms:ViaService": VIA}})),
                pass,
            ),
            ("its own, in words", anyone_if(&json!({"StringEquals": {"kms:CallerAccount": "111122223333"}})), pass),
            ("any account, in words", anyone_if(&json!({"StringLike": {"kms:CallerAccount": "*"}})), fail),
            ("not one account", anyone_if(&json!({"StringNotEquals": {"kms:CallerAccount": "444455556666"}})), fail),
            (
                "an encryption context, which callers choose",
                anyone_if(&json!({"StringEquals": {"kms:EncryptionContext:app": "web"}})),
                fail,
            ),
            ("grants for services", anyone_if(&json!({"Bool": {"kms:GrantIsForAWSResource": "true"}})), fail),
            ("an organization", anyone_if(&json!({"StringEquals": {"aws:PrincipalOrgID": "o-acme"}})), pass),
            ("a service", key(&allow(&json!({"Service": "logs.eu-west-1.amazonaws.com"}), &json!({}))), pass),
            (
                "another key's ARN, which means nothing here",
                key(&json!({
                    "Effect": "Allow", "Principal": "*", "Action": "kms:*",
                    "Resource": "arn:aws:kms:eu-west-1:111122223333:key/other",
                })),
                pass,
            ),
            (
                "a key that is going to be deleted",
                {
                    let mut config = anyone_if(&json!({}));
                    config["KeyState"] = json!("PendingDeletion");
                    config
                },
                fail,
            ),
            (
                "no policy at all",
                with(ResourceType::KmsKey, json!({"Policy": null})),
                &["unknown the record does not say its key policy, which every KMS key has"],
            ),
        ],
    );
    let open = allow(&json!({"AWS": "*"}), &json!({}));
    let findings = judge(&settings(), "kms_key_public", &resource("kms_key", &key(&open)));
    let action = serde_json::to_value(&findings[0].action).unwrap();
    assert_eq!(action, json!({"name": "kms_remove_policy_statements", "Statements": [open]}));
}

#[test]
fn outsiders() {
    let stranger = || key(&allow(&json!({"AWS": "arn:aws:iam::444455556666:root"}), &json!({})));
    let fail = &["fail high -"][..];
    table(
        &settings(),
        "kms_key_outsiders",
        &[
            ("a stranger", stranger(), fail),
            (
                "a stranger, in words",
                anyone_if(&json!({"StringEquals": {"kms:CallerAccount": ["111122223333", "444455556666"]}})),
                fail,
            ),
            (
                "a stranger, through a service",
                key(&allow(&json!({"AWS": "444455556666"}), &json!({"StringEquals": {"kms:ViaService": VIA}}))),
                fail,
            ),
            ("its own account", with(ResourceType::KmsKey, json!({})), &["pass"]),
            ("anyone is nobody in particular", anyone_if(&json!({})), &["pass"]),
        ],
    );
    let fix = Check { fix: Some(true), ..Check::default() };
    let fixing = Settings { checks: [("kms_key_outsiders".to_owned(), fix)].into(), ..settings() };
    table(&fixing, "kms_key_outsiders", &[("if wanted", stranger(), &["fail high kms_remove_policy_statements"])]);
}
