//! Buckets.

use serde_json::{Value, json};
use tests::fix::{FIX, Fix, call, goes_there_and_back, without_sid};
use tests::http::{Request, Response};
use tests::stage::{Stage, input, resources, text};
use tests::task::{
    goes_on_where_it_was_cut_off, has_failed, is_done_and_undone, is_killed, is_refused, now, operations, task,
};
use tests::{Emulator, Proxy, on};

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

/// The record of the bucket that shows itself to anyone.
fn public(stage: &Stage) -> Value {
    let arn = stage.arn("shows itself to anyone");
    resources(&stage.poll()).into_iter().find(|bucket| bucket["arn"] == arn).unwrap()
}

#[test]
fn disable_takes_all_but_the_owners_grants_and_blocks_public_access() {
    let stage = Stage::of("s3_bucket");
    let bucket = public(&stage);
    let (outcome, between) = is_done_and_undone(&stage, &task(&bucket, &json!("disable")), &[]);
    assert_eq!(operations(&outcome), ["PutBucketAcl", "PutPublicAccessBlock"]);
    assert_eq!(between["config"]["Grants"], Value::from(private_grants(&bucket["config"])));
    let block = &between["config"]["PublicAccessBlockConfiguration"];
    assert!(block.as_object().unwrap().values().all(|on| *on == true), "{block}");
    let undo: Vec<&Value> =
        outcome["undo"]["action"]["Actions"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(undo, ["s3_set_public_access_block", "s3_set_acl"], "S3 takes no public ACL behind a block");
}

#[test]
fn s3_remove_grants_takes_the_grant_that_is_named_and_no_other() {
    let stage = Stage::of("s3_bucket");
    let bucket = public(&stage);
    let all_users = "http://acs.amazonaws.com/groups/global/AllUsers";
    let grants = |principal: &str, permission: &str| json!({"name": "s3_remove_grants", "Principal": principal, "Permissions": [permission]});
    let (outcome, between) = is_done_and_undone(&stage, &task(&bucket, &grants(all_users, "READ_ACP")), &[]);
    assert_eq!(operations(&outcome), ["PutBucketAcl"]);
    assert_eq!(between["config"]["Grants"], Value::from(private_grants(&bucket["config"])), "the owner's stay");
    is_refused(&stage, &task(&bucket, &grants(all_users, "read")), "`read` in `Permissions` is none of an ACL");
    let other = stage.run(stage.apply(input([&task(&bucket, &grants(all_users, "WRITE"))]))).exits(0);
    assert_eq!(other.one(&json!({"kind": "outcome"}))["status"], "already", "{other}");
}

/// More than a page of versions, of which some are of one object and some are delete markers, and an upload that nobody has
/// completed.
fn filled(objects: usize) -> (Stage, Value) {
    let stage = Stage::empty("s3_bucket");
    let name = stage.bucket("filled", None);
    let versioned = "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Status>Enabled</Status>\
        </VersioningConfiguration>";
    stage.call("s3", Request::new("PUT", &format!("/{name}?versioning")).body(versioned));
    for number in 0..objects {
        stage.call("s3", Request::new("PUT", &format!("/{name}/logs/{number:04}%20%26")).body("x"));
    }
    for number in 0..3 {
        stage.call("s3", Request::new("PUT", &format!("/{name}/logs/0000%20%26")).body(number.to_string()));
        stage.call("s3", Request::new("DELETE", &format!("/{name}/logs/000{number}%20%26")));
    }
    stage.call("s3", Request::new("POST", &format!("/{name}/half?uploads")));
    let bucket = resources(&stage.poll_all()).remove(0);
    (stage, bucket)
}

fn with_its_data(bucket: &Value) -> Value {
    task(bucket, &json!({"name": "kill", "IncludeData": true}))
}

#[test]
fn kill_spares_a_bucket_with_objects_unless_the_task_says_otherwise() {
    let (stage, bucket) = filled(1);
    is_refused(&stage, &task(&bucket, &json!("kill")), "IncludeData");
    let outcome = is_killed(&stage, &with_its_data(&bucket));
    assert_eq!(operations(&outcome), ["AbortMultipartUpload", "DeleteObjects", "DeleteBucket"]);
    let parameters = json!({"Bucket": bucket["id"], "AllVersions": true});
    assert_eq!(outcome["calls"][1]["parameters"], parameters, "what goes is said");

    stage.bucket("empty", None);
    let bucket = resources(&stage.poll_all()).remove(0);
    assert_eq!(operations(&is_killed(&stage, &task(&bucket, &json!("kill")))), ["DeleteBucket"]);
}

#[test]
fn kill_takes_page_after_page_and_goes_on_with_what_is_left() {
    let (stage, bucket) = filled(1010);
    let kill = with_its_data(&bucket);
    let why = "Access Denied";
    let proxy = Proxy::new(Emulator::shared()).fail(on("s3:DeleteObjects").after(1), 403, "AccessDenied", why);
    has_failed(&stage.through(&proxy), &kill, "s3:DeleteObjects failed: AccessDenied: Access Denied");
    assert_eq!(proxy.count("s3:DeleteBucket"), 0);
    assert!(now(&stage, &kill).is_some());
    let outcome = is_killed(&stage, &kill);
    assert_eq!(operations(&outcome), ["DeleteObjects", "DeleteBucket"], "the upload is gone already");
}

#[test]
fn kill_goes_on_where_it_was_cut_off() {
    let (stage, bucket) = filled(1);
    goes_on_where_it_was_cut_off(&stage, &with_its_data(&bucket));
}

#[test]
fn what_is_locked_is_named_with_what_aws_says_of_it() {
    let (stage, bucket) = filled(1);
    let locked = "<DeleteResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Error><Key>logs/0000 &amp;</Key>\
        <VersionId>v1</VersionId><Code>AccessDenied</Code><Message>Access Denied because object protected by object lock.\
        </Message></Error><Error><Key>logs/0001</Key><Code>AccessDenied</Code><Message>x</Message></Error></DeleteResult>";
    let proxy = Proxy::new(Emulator::shared()).answer("s3:DeleteObjects", Response::new(200, locked));
    let why = "AccessDenied: Access Denied because object protected by object lock.: logs/0000 & (v1), and 1 more";
    has_failed(&stage.through(&proxy), &with_its_data(&bucket), why);
    assert_eq!(proxy.count("s3:DeleteBucket"), 0);
}

#[test]
fn a_bucket_is_not_killed_where_nobody_may_see_what_it_holds() {
    let (stage, bucket) = filled(1);
    for (operation, field) in [("s3:ListObjectVersions", "HasObjects"), ("s3:ListMultipartUploads", "HasUploads")] {
        let proxy = Proxy::new(Emulator::shared()).deny(operation);
        let seen = stage.through(&proxy);
        let run = seen.run(seen.apply(input([&with_its_data(&bucket)])).arg("--irreversible")).exits(1);
        let outcome = run.one(&json!({"kind": "outcome"}));
        assert_eq!(outcome["status"], "refused", "{run}");
        assert!(text(&outcome["reason"]).contains(&format!("`{field}` could not be read")), "{run}");
    }
}
