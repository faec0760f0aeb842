//! Each mistake is found, and each action mends it and is undone.

use serde_json::{Value, json};
use tests::{Emulator, Proxy};

use crate::stage::{Stage, input, resources, sorted, statuses, text, undos, write_names};

const ALL: &str = "s3_bucket,ec2,security_group,iam_user,sqs";

#[test]
fn each_mistake_gives_the_findings_that_it_announces_and_nothing_else_is_polled() {
    let stage = Stage::of(ALL);
    let bucket = stage.bucket("another", None);
    let queue = stage.queue("another", None);
    stage.call("iam", tests::http::Request::form("Action=CreateUser&UserName=another&Version=2010-05-08"));

    let polled = stage.poll();
    let ids = |records: &[Value]| sorted(records.iter().map(|record| text(&record["id"])));
    assert_eq!(ids(&polled.kind("resource")), ids(stage.made()), "{polled}");
    let all = ids(&stage.poll_all().kind("resource"));
    for other in [&bucket, &queue, "another"] {
        assert!(all.iter().any(|id| id == other), "{other} is not among {all:?}");
    }

    let findings = stage.audit(polled.stdout.clone());
    for made in stage.made() {
        let of_it = findings.matching(&json!({"kind": "finding", "arn": made["arn"]}));
        assert!(of_it.iter().all(|finding| finding["status"] == "fail" && finding["type"] == made["type"]));
        let mut checks = sorted(of_it.iter().map(|finding| text(&finding["check"])));
        checks.dedup();
        let announced = sorted(made["checks"].as_array().unwrap().iter().map(text));
        assert_eq!(checks, announced, "{}\n{findings}", made["what"]);
    }
    let arns = sorted(stage.made().iter().map(|made| text(&made["arn"])));
    for finding in findings.kind("finding") {
        assert!(arns.contains(&text(&finding["arn"])), "{finding}");
        assert_eq!(finding["found_at"], "2099-01-01T00:00:00Z");
    }
    // What takes time to become bad is not bad yet.
    let today = polled.pipe("audit").run().exits(0);
    assert!(today.matching(&json!({"kind": "finding", "type": "iam_user"})).is_empty(), "{today}");
    assert!(!today.matching(&json!({"kind": "finding", "type": "s3_bucket"})).is_empty(), "{today}");
}

/// One mistake and its fix.
struct Fix {
    kind: &'static str,
    /// What was made: a part of its `what`.
    what: &'static str,
    check: &'static str,
    /// Settings without which it is no mistake.
    settings: &'static str,
    /// The exact calls, given the resource's record.
    calls: fn(&Value) -> Vec<Value>,
    /// What they make of its configuration; all else stays.
    change: fn(&mut Value),
    /// What undone cannot be again, AWS being what it is.
    lost: &'static [&'static str],
}

const FIX: Fix =
    Fix { kind: "s3_bucket", what: "", check: "", settings: "", calls: |_| Vec::new(), change: |_| (), lost: &[] };

/// Find -> plan -> apply -> not found -> undo -> as before, with everything else left alone.
fn goes_there_and_back(fix: &Fix) {
    let stage = Stage::of(fix.kind);
    if !fix.settings.is_empty() {
        stage.set(fix.settings);
    }
    let arn = stage.arn(fix.what);
    let polled = stage.poll();
    let before = resources(&polled);
    let resource = before.iter().find(|resource| resource["arn"] == arn).unwrap();
    let audited = stage.audit(polled.stdout);
    let findings = audited.matching(&json!({"kind": "finding", "arn": arn, "check": fix.check}));
    assert!(!findings.is_empty(), "{audited}");

    let proxy = Proxy::new(Emulator::shared());
    let plan = stage.run(stage.through(&proxy).remediate(input(&findings))).exits(0);
    let calls = |outcomes: &[Value]| -> Vec<Value> {
        outcomes.iter().flat_map(|outcome| outcome["calls"].as_array().unwrap().clone()).collect()
    };
    let planned = plan.records();
    assert_eq!(statuses(&planned), vec!["planned"; findings.len()], "{plan}");
    assert_eq!(calls(&planned), (fix.calls)(resource), "{plan}");
    assert_eq!(write_names(&proxy), [""; 0], "a plan changes nothing");
    assert_eq!(resources(&stage.poll()), before, "a plan changes nothing");

    let applied = stage.run(stage.apply(plan.stdout.clone())).exits(0);
    let outcomes = applied.records();
    assert_eq!(statuses(&outcomes), vec!["applied"; findings.len()], "{applied}");
    let mut made = calls(&outcomes);
    for call in &mut made {
        let call = call.as_object_mut().unwrap();
        assert_eq!(call.remove("ok"), Some(json!(true)), "{applied}");
        assert!(call.remove("request_id").is_some_and(|id| id.is_string()), "{applied}");
    }
    assert_eq!(made, calls(&planned), "what was planned was done");
    for (outcome, finding) in outcomes.iter().zip(&findings) {
        for field in ["key", "check", "arn", "id", "type", "account", "region", "severity", "title", "action", "tags"] {
            assert_eq!(outcome[field], finding[field], "{field}");
        }
        assert_eq!((outcome["reason"].is_null(), outcome["undo"]["kind"].as_str()), (true, Some("task")), "{outcome}");
    }

    // The smallest change: the rest of the resource, and all others, are as they were.
    let mut expected = before.clone();
    let changed = expected.iter_mut().find(|resource| resource["arn"] == arn).unwrap();
    (fix.change)(&mut changed["config"]);
    let polled = stage.poll();
    assert_eq!(resources(&polled), expected);
    let audited = stage.audit(polled.stdout);
    assert!(audited.matching(&json!({"kind": "finding", "arn": arn, "check": fix.check})).is_empty(), "{audited}");

    let undone = stage.run(stage.tool("remediate").arg("--apply").stdin(input(&undos(&outcomes)))).exits(0);
    assert_eq!(statuses(&undone.records()), vec!["applied"; findings.len()], "{undone}");
    let polled = stage.poll();
    let forget = |mut resources: Vec<Value>| {
        let resource = resources.iter_mut().find(|resource| resource["arn"] == arn).unwrap();
        for field in fix.lost {
            resource["config"].as_object_mut().unwrap().remove(*field);
        }
        resources
    };
    assert_eq!(forget(resources(&polled)), forget(before), "undone, it is as it was");
    let again = stage.audit(polled.stdout).matching(&json!({"kind": "finding", "arn": arn, "check": fix.check}));
    let keys = |findings: &[Value]| sorted(findings.iter().map(|finding| text(&finding["key"])));
    assert_eq!(keys(&again), keys(&findings), "and found again under the same keys");

    let twice = stage.run(stage.tool("remediate").arg("--apply").stdin(input(&undos(&outcomes)))).exits(0);
    assert_eq!(statuses(&twice.records()), vec!["already"; findings.len()], "{twice}");
}

fn call(operation: &str, parameters: &Value) -> Vec<Value> {
    vec![json!({"operation": operation, "parameters": parameters})]
}

/// The list without the elements with that Sid.
fn without_sid(statements: &mut Value, sid: &str) {
    let statements = statements.as_array_mut().unwrap();
    let before = statements.len();
    statements.retain(|statement| statement["Sid"] != sid);
    assert_eq!((statements.len(), !statements.is_empty()), (before - 1, true), "one goes, others stay");
}

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

#[test]
fn ec2_require_imdsv2() {
    goes_there_and_back(&Fix {
        kind: "ec2",
        what: "hands out credentials without a token",
        check: "ec2_imdsv2",
        calls: |instance| {
            let parameters = json!({"InstanceId": instance["id"], "HttpTokens": "required"});
            call("ec2:ModifyInstanceMetadataOptions", &parameters)
        },
        change: |config| {
            config["MetadataOptions"]["HttpTokens"] = json!("required");
            // The emulator forgets what it is not told again.
            for forgotten in ["HttpEndpoint", "HttpProtocolIpv6", "InstanceMetadataTags"] {
                config["MetadataOptions"][forgotten] = Value::Null;
            }
        },
        ..FIX
    });
}

#[test]
fn stop() {
    goes_there_and_back(&Fix {
        kind: "ec2",
        what: "for a token alone",
        check: "ec2_required_tags",
        settings: "required_tags = [\"Owner\"]",
        calls: |instance| call("ec2:StopInstances", &json!({"InstanceIds": [instance["id"]]})),
        change: |config| config["State"]["Name"] = json!("stopped"),
        lost: &["LaunchTime"],
    });
}

fn revoked(group: &Value, keys: [&str; 2], range: &str) -> Value {
    let mut rule = group["config"]["IpPermissions"][0].clone();
    let others: Vec<String> = rule.as_object().unwrap().keys().cloned().collect();
    for other in others.iter().filter(|key| key.ends_with("Ranges") && *key != keys[0]) {
        rule.as_object_mut().unwrap().remove(other);
    }
    rule[keys[0]].as_array_mut().unwrap().retain(|present| present[keys[1]] == range);
    json!({"operation": "ec2:RevokeSecurityGroupIngress",
           "parameters": {"GroupId": group["id"], "IpPermissions": [rule]}})
}

#[test]
fn ec2_revoke_ingress() {
    let group = Fix { kind: "security_group", check: "security_group_open", ..FIX };
    goes_there_and_back(&Fix {
        what: "SSH from anywhere",
        calls: |group| vec![revoked(group, ["IpRanges", "CidrIp"], "0.0.0.0/0")],
        change: |config| config["IpPermissions"] = json!([]),
        ..group
    });
    goes_there_and_back(&Fix {
        what: "RDP from anywhere that has IPv6",
        calls: |group| vec![revoked(group, ["Ipv6Ranges", "CidrIpv6"], "::/0")],
        change: |config| config["IpPermissions"] = json!([]),
        ..group
    });
}

#[test]
fn ec2_revoke_ingress_leaves_the_other_ranges() {
    goes_there_and_back(&Fix {
        kind: "security_group",
        check: "security_group_open",
        what: "three networks, of which one is the internet",
        calls: |group| vec![revoked(group, ["IpRanges", "CidrIp"], "0.0.0.0/0")],
        change: |config| {
            let ranges = config["IpPermissions"][0]["IpRanges"].as_array_mut().unwrap();
            ranges.retain(|range| range["CidrIp"] != "0.0.0.0/0");
            assert_eq!(ranges.len(), 2);
        },
        ..FIX
    });
}

#[test]
fn ec2_revoke_ingress_of_both_halves() {
    goes_there_and_back(&Fix {
        kind: "security_group",
        check: "security_group_open",
        what: "both halves of the internet",
        calls: |group| ["0.0.0.0/1", "128.0.0.0/1"].map(|half| revoked(group, ["IpRanges", "CidrIp"], half)).to_vec(),
        change: |config| config["IpPermissions"] = json!([]),
        ..FIX
    });
}

#[test]
fn iam_deactivate_key() {
    goes_there_and_back(&Fix {
        kind: "iam_user",
        what: "a key that is never used",
        check: "iam_user_key_unused",
        calls: |user| {
            let id = &user["config"]["AccessKeys"][0]["AccessKeyId"];
            let parameters = json!({"UserName": user["id"], "AccessKeyId": id, "Status": "Inactive"});
            call("iam:UpdateAccessKey", &parameters)
        },
        change: |config| config["AccessKeys"][0]["Status"] = json!("Inactive"),
        ..FIX
    });
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
fn a_password_is_removed_only_when_that_is_said_and_never_brought_back() {
    let stage = Stage::of("iam_user");
    let before = resources(&stage.poll());
    let findings: Vec<Value> = stage.findings().into_iter().filter(|it| it["check"] == "iam_user_mfa").collect();
    assert_eq!(findings.len(), 1);

    let refused = stage.run(stage.apply(input(&findings))).exits(1);
    let outcome = refused.one(&json!({"kind": "outcome"}));
    assert_eq!((&outcome["status"], &outcome["undo"]), (&json!("refused"), &Value::Null));
    assert!(text(&outcome["reason"]).contains("--irreversible"), "{outcome}");
    assert_eq!(resources(&stage.poll()), before);

    let applied = stage.run(stage.apply(input(&findings)).arg("--irreversible")).exits(0);
    let outcome = applied.one(&json!({"kind": "outcome"}));
    assert_eq!((&outcome["status"], &outcome["undo"]), (&json!("applied"), &Value::Null), "{outcome}");
    assert!(outcome.as_object().unwrap().contains_key("undo"));
    assert_eq!(outcome["calls"][0]["operation"], "iam:DeleteLoginProfile");
    assert_eq!(outcome["calls"][0]["parameters"], json!({"UserName": "sluice-test-password"}));
    assert!(stage.findings().iter().all(|finding| finding["id"] != "sluice-test-password"));

    let journal = std::fs::read_to_string(stage.tool("audit").home().join(".local/state/sluice/journal.ndjson"));
    let phases: Vec<Value> = journal.unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let phases: Vec<_> = phases.iter().map(|entry| (&entry["phase"], &entry["outcome"]["status"])).collect();
    assert_eq!(phases, [(&json!("before"), &json!("planned")), (&json!("after"), &json!("applied"))]);
}
