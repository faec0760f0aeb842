//! Buckets.

use serde_json::{Value, json};
use tests::fix::{FIX, Fix, call, goes_there_and_back, without_sid};
use tests::stage::text;

fn private_grants(config: &Value) -> Vec<Value> {
    let grants = config["Grants"].as_array().unwrap();
    let kept: Vec<Value> = grants.iter().filter(|grant| grant["Grantee"]["Type"] != "Group").cloned().collect();
    assert!(!kept.is_empty() && kept.len() < grants.len(), "{config}");
    kept
}

#[test]
fn s3_make_acl_private() {
    for what in ["shows itself to anyone", "anyone with an AWS account"] {
        goes_there_and_back(&Fix {
            what,
            check: "s3_bucket_public_acl",
            calls: |bucket| {
                let list = json!({"Owner": bucket["config"]["Owner"], "Grants": private_grants(&bucket["config"])});
                call("s3:PutBucketAcl", &json!({"Bucket": bucket["id"], "AccessControlPolicy": list}))
            },
            change: |config| config["Grants"] = private_grants(config).into(),
            ..FIX
        });
    }
}

#[test]
fn s3_block_public_access() {
    const ALL: fn() -> Value = || {
        json!({"BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true,
               "RestrictPublicBuckets": true})
    };
    // Once with a block that is not complete, and once with none.
    for what in ["one of four statements", "nothing blocks"] {
        goes_there_and_back(&Fix {
            what,
            check: "s3_bucket_public_access_block",
            calls: |bucket| {
                let parameters = json!({"Bucket": bucket["id"], "PublicAccessBlockConfiguration": ALL()});
                call("s3:PutPublicAccessBlock", &parameters)
            },
            change: |config| config["PublicAccessBlockConfiguration"] = ALL(),
            ..FIX
        });
    }
}

#[test]
fn s3_remove_policy_statements_that_are_public() {
    goes_there_and_back(&Fix {
        what: "one of four statements",
        check: "s3_bucket_public_policy",
        calls: |bucket| {
            let mut policy = bucket["config"]["Policy"].clone();
            without_sid(&mut policy["Statement"], "Public");
            call("s3:PutBucketPolicy", &json!({"Bucket": bucket["id"], "Policy": policy}))
        },
        change: |config| without_sid(&mut config["Policy"]["Statement"], "Public"),
        ..FIX
    });
}

#[test]
fn s3_remove_policy_statements_of_outsiders() {
    goes_there_and_back(&Fix {
        what: "lets in a foreign account",
        check: "s3_bucket_policy_outsiders",
        calls: |bucket| {
            let mut policy = bucket["config"]["Policy"].clone();
            without_sid(&mut policy["Statement"], "Outsider");
            call("s3:PutBucketPolicy", &json!({"Bucket": bucket["id"], "Policy": policy}))
        },
        change: |config| without_sid(&mut config["Policy"]["Statement"], "Outsider"),
        ..FIX
    });
}

fn tls_alone(bucket: &Value) -> Value {
    let arn = format!("arn:aws:s3:::{}", text(bucket));
    json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "DenyInsecureTransport", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Resource": [arn, format!("{arn}/*")], "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }]})
}

#[test]
fn s3_deny_insecure_transport() {
    goes_there_and_back(&Fix {
        what: "takes plain HTTP",
        check: "s3_bucket_tls",
        calls: |bucket| {
            call("s3:PutBucketPolicy", &json!({"Bucket": bucket["id"], "Policy": tls_alone(&bucket["id"])}))
        },
        change: |config| config["Policy"] = tls_alone(&config["Name"]),
        ..FIX
    });
}

#[test]
fn s3_encrypt_by_default() {
    const AES: fn() -> Value =
        || json!({"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]});
    goes_there_and_back(&Fix {
        what: "no default encryption",
        check: "s3_bucket_encryption",
        calls: |bucket| {
            let mut rules = AES();
            rules["Rules"][0]["BucketKeyEnabled"] = Value::Null;
            let parameters = json!({"Bucket": bucket["id"], "ServerSideEncryptionConfiguration": rules});
            call("s3:PutBucketEncryption", &parameters)
        },
        change: |config| {
            config["ServerSideEncryptionConfiguration"] = AES();
            // What AWS fills in.
            config["ServerSideEncryptionConfiguration"]["Rules"][0]["BucketKeyEnabled"] = json!(false);
        },
        ..FIX
    });
}
