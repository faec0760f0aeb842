//! The checks of S3 buckets.

use std::slice::from_ref;

use common::resource::{Bucket, ResourceType};
use common::settings::{Settings, Trusted};
use serde_json::{Value, json};

use super::{Example, judge, resource, said, settings, table, wide_open, with};

impl Example for Bucket {
    const ARN: &'static str = "arn:aws:s3:::acme-logs";
    const IDS: &'static [&'static str] = &[
        "s3_bucket_public_acl",
        "s3_bucket_public_policy",
        "s3_bucket_policy_outsiders",
        "s3_bucket_public_access_block",
        "s3_bucket_encryption",
        "s3_bucket_tls",
        "s3_bucket_required_tags",
    ];

    fn healthy() -> Value {
        json!({
            "Name": "acme-logs",
            "Owner": {"ID": "0wner"},
            "Grants": [{"Grantee": {"Type": "CanonicalUser", "ID": "0wner"}, "Permission": "FULL_CONTROL"}],
            "Policy": {"Version": "2012-10-17", "Statement": [deny_http()]},
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true, "RestrictPublicBuckets": true,
            },
            "AccountPublicAccessBlockConfiguration": null,
            "ServerSideEncryptionConfiguration": {
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}],
            },
        })
    }

    fn rotten() -> Value {
        json!({
            "Grants": [everyone("READ")],
            "Policy": wide_open(),
            "PublicAccessBlockConfiguration": null,
            "ServerSideEncryptionConfiguration": null,
        })
    }
}

pub(super) fn deny_http() -> Value {
    json!({
        "Sid": "DenyHttp", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Resource": ["arn:aws:s3:::acme-logs", "arn:aws:s3:::acme-logs/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    })
}

fn group(name: &str, permission: &str) -> Value {
    let uri = format!("http://acs.amazonaws.com/groups/{name}");
    json!({"Grantee": {"Type": "Group", "URI": uri}, "Permission": permission})
}

pub(super) fn everyone(permission: &str) -> Value {
    group("global/AllUsers", permission)
}

fn bucket(fields: Value) -> Value {
    with(ResourceType::S3Bucket, fields)
}

/// A bucket whose public access nothing blocks.
fn unblocked(mut fields: Value) -> Value {
    fields["PublicAccessBlockConfiguration"] = Value::Null;
    bucket(fields)
}

fn allow(principal: &Value) -> Value {
    json!({"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-logs/*"})
}

fn policy(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

#[test]
fn public_acls() {
    let fail = &["fail critical s3_make_acl_private"][..];
    let ignored = json!({"IgnorePublicAcls": true});
    let blocked = json!({"BlockPublicAcls": true, "BlockPublicPolicy": true, "RestrictPublicBuckets": true});
    table(
        &settings(),
        "s3_bucket_public_acl",
        &[
            ("anyone may read", unblocked(json!({"Grants": [everyone("READ")]})), fail),
            (
                "anyone with an account",
                unblocked(json!({"Grants": [group("global/AuthenticatedUsers", "WRITE")]})),
                fail,
            ),
            ("a slash more", unblocked(json!({"Grants": [group("global/AllUsers/", "READ")]})), fail),
            (
                "only the ACL is shown",
                unblocked(json!({"Grants": [everyone("READ_ACP")]})),
                &["fail medium s3_make_acl_private"],
            ),
            (
                "the ACL can be changed",
                unblocked(json!({"Grants": [everyone("READ_ACP"), everyone("WRITE_ACP")]})),
                fail,
            ),
            (
                "the group of the log delivery",
                unblocked(json!({"Grants": [group("s3/LogDelivery", "WRITE")]})),
                &["pass"],
            ),
            (
                "ignored in the bucket",
                bucket(json!({
                    "Grants": [everyone("READ")], "PublicAccessBlockConfiguration": ignored,
                })),
                &["pass"],
            ),
            (
                "ignored in the account",
                unblocked(json!({
                    "Grants": [everyone("READ")], "AccountPublicAccessBlockConfiguration": ignored,
                })),
                &["pass"],
            ),
            (
                "blocking new ACLs leaves this one",
                bucket(json!({
                    "Grants": [everyone("READ")], "PublicAccessBlockConfiguration": blocked,
                })),
                fail,
            ),
            ("no grant at all", unblocked(json!({"Grants": []})), &["pass"]),
        ],
    );
}

#[test]
fn the_permission_decides_the_words_and_the_controls() {
    for (permissions, words, controls) in [
        (&["READ"][..], "is readable by anyone", &["FSBP S3.2"][..]),
        (&["WRITE"], "is writable by anyone", &["FSBP S3.3"]),
        (&["FULL_CONTROL"], "is readable and writable by anyone", &["FSBP S3.2", "FSBP S3.3"]),
        (&["WRITE_ACP", "READ"], "can be taken over by anyone", &["FSBP S3.2", "FSBP S3.3"]),
        (&["READ_ACP"], "shows its ACL to anyone", &["FSBP S3.2"]),
    ] {
        let grants: Vec<Value> = permissions.iter().map(|permission| everyone(permission)).collect();
        let findings =
            judge(&settings(), "s3_bucket_public_acl", &resource("s3_bucket", &unblocked(json!({"Grants": grants}))));
        assert!(findings[0].title.contains(words), "{}", findings[0].title);
        assert_eq!(findings[0].controls, controls);
    }
    let owner = json!({"Grantee": {"Type": "CanonicalUser", "ID": "0wner"}, "Permission": "FULL_CONTROL"});
    let all = group("global/AuthenticatedUsers", "READ");
    let config = unblocked(json!({"Grants": [owner, all]}));
    let findings = judge(&settings(), "s3_bucket_public_acl", &resource("s3_bucket", &config));
    assert!(findings[0].title.contains("by anyone with an AWS account"), "{}", findings[0].title);
    assert_eq!(findings[0].evidence, json!({"Grants": [all]}), "only what is wrong");
}

#[test]
fn public_policies() {
    let public = allow(&json!("*"));
    let fail = &["fail critical s3_remove_policy_statements"][..];
    table(
        &settings(),
        "s3_bucket_public_policy",
        &[
            ("anyone", unblocked(json!({"Policy": policy(from_ref(&public))})), fail),
            ("one statement, no list", unblocked(json!({"Policy": {"Statement": public}})), fail),
            ("restricted in the bucket", bucket(json!({"Policy": policy(from_ref(&public))})), &["pass"]),
            (
                "restricted in the account",
                unblocked(json!({
                    "Policy": policy(from_ref(&public)),
                    "AccountPublicAccessBlockConfiguration": {"RestrictPublicBuckets": true},
                })),
                &["pass"],
            ),
            (
                "blocking new policies leaves this one",
                bucket(json!({
                    "Policy": policy(from_ref(&public)), "PublicAccessBlockConfiguration": {"BlockPublicPolicy": true},
                })),
                fail,
            ),
            ("no policy", unblocked(json!({"Policy": null})), &["pass"]),
            ("one account", unblocked(json!({"Policy": policy(&[allow(&json!({"AWS": "444455556666"}))])})), &["pass"]),
            (
                "not a policy",
                unblocked(json!({"Policy": {"Statement": 7}})),
                &["unknown the policy has no `Statement`; look at it by hand"],
            ),
        ],
    );
}

#[test]
fn exactly_the_public_statements_are_taken_out() {
    let named = allow(&json!({"AWS": "444455556666"}));
    let mut public = allow(&json!({"AWS": ["444455556666", "*"]}));
    public["Sid"] = json!("Public");
    let config = unblocked(json!({"Policy": policy(&[named.clone(), public.clone(), deny_http()])}));
    let findings = judge(&settings(), "s3_bucket_public_policy", &resource("s3_bucket", &config));
    let action = serde_json::to_value(&findings[0].action).unwrap();
    assert_eq!(action, json!({"name": "s3_remove_policy_statements", "Statements": [public]}));
    assert_eq!(findings[0].evidence, json!({"Statements": [public]}));
    let findings = judge(&settings(), "s3_bucket_policy_outsiders", &resource("s3_bucket", &config));
    let action = serde_json::to_value(&findings[0].action).unwrap();
    assert_eq!(action["Statements"], json!([named, public]));
}

#[test]
fn outsiders() {
    let trusting = Settings {
        trusted: Trusted {
            accounts: vec!["444455556666".parse().unwrap()],
            organizations: vec!["o-acme".to_owned()],
            canonical_users: vec!["fr1end".to_owned()],
        },
        ..settings()
    };
    let lets_in = |principal: Value| bucket(json!({"Policy": policy(&[allow(&principal)])}));
    let mut organization = allow(&json!("*"));
    organization["Condition"] = json!({"StringEquals": {"aws:PrincipalOrgID": "o-acme"}});
    let fail = &["fail high s3_remove_policy_statements"][..];
    table(
        &trusting,
        "s3_bucket_policy_outsiders",
        &[
            ("a stranger", lets_in(json!({"AWS": "arn:aws:iam::777788889999:role/x"})), fail),
            ("a trusted account", lets_in(json!({"AWS": "arn:aws:iam::444455556666:root"})), &["pass"]),
            ("its own account", lets_in(json!({"AWS": "111122223333"})), &["pass"]),
            ("an AWS service", lets_in(json!({"Service": "logging.s3.amazonaws.com"})), &["pass"]),
            ("a trusted organization", bucket(json!({"Policy": policy(from_ref(&organization))})), &["pass"]),
            ("itself, by its canonical id", lets_in(json!({"CanonicalUser": "0wner"})), &["pass"]),
            ("a trusted canonical id", lets_in(json!({"CanonicalUser": "fr1end"})), &["pass"]),
            ("a strange canonical id", lets_in(json!({"CanonicalUser": "str4nger"})), fail),
            (
                "nobody knows whether it is itself",
                bucket(json!({
                    "Owner": null, "Policy": policy(&[allow(&json!({"CanonicalUser": "str4nger"}))]),
                })),
                &["unknown the record does not say Owner, which may be in the policy"],
            ),
            ("a stranger and a friend", lets_in(json!({"AWS": ["777788889999", "444455556666"]})), &["fail high -"]),
            ("a stranger and its own", lets_in(json!({"AWS": ["777788889999", "111122223333"]})), &["fail high -"]),
            (
                "a stranger and a service",
                lets_in(json!({
                    "AWS": "777788889999", "Service": "logging.s3.amazonaws.com",
                })),
                &["fail high -"],
            ),
            ("no policy", bucket(json!({"Policy": null})), &["pass"]),
        ],
    );
    table(&settings(), "s3_bucket_policy_outsiders", &[("not trusted", lets_in(json!({"AWS": "444455556666"})), fail)]);
}

#[test]
fn public_access_blocks() {
    let three = json!({"BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true});
    let fail = &["fail high s3_block_public_access"][..];
    table(
        &settings(),
        "s3_bucket_public_access_block",
        &[
            ("none", unblocked(json!({})), fail),
            ("three of four", bucket(json!({"PublicAccessBlockConfiguration": three})), fail),
            (
                "the fourth is the account's",
                bucket(json!({
                    "PublicAccessBlockConfiguration": three,
                    "AccountPublicAccessBlockConfiguration": {"RestrictPublicBuckets": true},
                })),
                &["pass"],
            ),
        ],
    );
    let config = bucket(json!({"PublicAccessBlockConfiguration": three}));
    let findings = judge(&settings(), "s3_bucket_public_access_block", &resource("s3_bucket", &config));
    assert!(findings[0].title.ends_with("RestrictPublicBuckets is off"), "{}", findings[0].title);
}

#[test]
fn encryption_and_transport() {
    let rules = |rules: Value| bucket(json!({"ServerSideEncryptionConfiguration": {"Rules": rules}}));
    let fail = &["fail medium s3_encrypt_by_default"][..];
    table(
        &settings(),
        "s3_bucket_encryption",
        &[
            ("none", bucket(json!({"ServerSideEncryptionConfiguration": null})), fail),
            ("no rule", rules(json!([])), fail),
            ("a rule without a default", rules(json!([{"BucketKeyEnabled": true}])), fail),
            ("KMS", rules(json!([{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}])), &["pass"]),
        ],
    );
    let mut partial = deny_http();
    partial["Resource"] = json!("arn:aws:s3:::acme-logs/*");
    let fail = &["fail medium s3_deny_insecure_transport"][..];
    table(
        &settings(),
        "s3_bucket_tls",
        &[
            ("no policy", bucket(json!({"Policy": null})), fail),
            ("another policy", bucket(json!({"Policy": policy(&[allow(&json!("*"))])})), fail),
            ("only the objects", bucket(json!({"Policy": policy(from_ref(&partial))})), fail),
            (
                "not a policy",
                bucket(json!({"Policy": "{}"})),
                &["unknown the policy is not a JSON object; look at it by hand"],
            ),
        ],
    );
    assert_eq!(said(&judge(&settings(), "s3_bucket_tls", &resource("s3_bucket", &bucket(json!({}))))), ["pass"]);
}
