//! `poll -`: what a stream names is looked up afresh, once.

use serde_json::{Value, json};
use tests::{Emulator, Proxy, ndjson};

use tests::stage::{Stage, input, resources, text};

#[test]
fn whatever_names_a_resource_is_looked_up_once_in_the_order_of_its_coming() {
    let stage = Stage::of("s3_bucket,ec2,security_group,iam_user,sqs");
    let before = resources(&stage.poll());
    let find = |what: &str| {
        let arn = stage.arn(what);
        before.iter().find(|resource| resource["arn"] == arn).unwrap().clone()
    };
    let bucket = find("takes plain HTTP");
    let instance = find("without a token");
    let group = find("SSH from anywhere");
    let user = find("a key that is never used");
    let queue = find("one of two statements");
    let other = find("nothing blocks");
    let reference = |of: &Value, more: Value| {
        let mut reference =
            json!({"account": of["account"], "region": of["region"], "type": of["type"], "id": of["id"]});
        reference.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        reference
    };
    let scope =
        r#"{"kind":"scope","account":"111122223333","region":"eu-west-1","type":"rds","status":"failed","x":[1]}"#;
    let mut lines: Vec<String> = [
        reference(&bucket, json!({})),
        reference(&instance, json!({"kind": "finding", "check": "x", "key": "x"})),
        reference(&group, json!({"kind": "outcome", "status": "applied", "undo": null})),
        json!({"arn": user["arn"]}),
        reference(&queue, json!({"kind": "task", "action": "stop"})),
        other.clone(),
        // The same once more, in other words.
        json!({"arn": instance["arn"]}),
        json!({"kind": "outcome", "arn": bucket["arn"], "account": bucket["account"], "region": bucket["region"]}),
        reference(&user, json!({})),
        json!({"tasks": [reference(&group, json!({}))]}),
        reference(&bucket, json!({"region": "eu-west-1"})),
    ]
    .iter()
    .map(ToString::to_string)
    .collect();
    lines.insert(2, scope.to_owned());

    let proxy = Proxy::new(Emulator::shared());
    let polled = stage.run(stage.through(&proxy).tool("poll").arg("-").stdin(lines.join("\n"))).exits(0);
    assert_eq!(polled.text().lines().nth(2), Some(scope), "passed on where it stood, to the letter\n{polled}");
    let found: Vec<Value> = polled.kind("resource");
    let expected = [&bucket, &instance, &group, &user, &queue, &other];
    let arns = |all: &mut dyn Iterator<Item = &Value>| all.map(|it| text(&it["arn"])).collect::<Vec<_>>();
    assert_eq!(arns(&mut found.iter()), arns(&mut expected.into_iter()), "{polled}");
    // One look gives the same record as the sweep; a queue's URL depends on whom one asks.
    for (found, expected) in found.iter().zip(expected) {
        if found["type"] != "sqs" {
            for field in ["account", "region", "type", "id", "tags", "config", "unread"] {
                assert_eq!(found[field], expected[field], "{field} of {}", text(&found["arn"]));
            }
        }
    }
    for (operation, count) in [
        ("s3:GetBucketPolicy", 2),
        ("ec2:DescribeInstances", 1),
        ("ec2:DescribeSecurityGroups", 1),
        ("iam:GetUser", 1),
        ("sqs:GetQueueAttributes", 1),
    ] {
        assert_eq!(proxy.count(operation), count, "{operation}: {:?}", proxy.counts());
    }
}

#[test]
fn what_is_gone_has_no_record_and_is_named() {
    let stage = Stage::empty("sqs");
    let account = stage.account.id();
    let queue = stage.queue("there", None);
    let gone = [
        ("s3_bucket", "us-east-1", format!("gone-{account}")),
        ("ec2", "us-east-1", "i-0123456789abcdef0".to_owned()),
        ("security_group", "us-east-1", "sg-0123456789abcdef0".to_owned()),
        ("iam_user", "global", "gone".to_owned()),
        ("sqs", "us-east-1", queue.replace("there", "gone")),
        ("sqs", "us-east-1", "there".to_owned()),
    ];
    let references: Vec<Value> = gone
        .iter()
        .map(|(kind, region, id)| json!({"account": account, "region": region, "type": kind, "id": id}))
        .collect();
    let polled = stage.run(stage.tool("poll").arg("-").stdin(ndjson(&references))).exits(0);
    let found = polled.one(&json!({}));
    assert_eq!(found["id"], queue, "a queue goes by its name, too");
    for (kind, _, id) in &gone[..5] {
        let named = polled.stderr.lines().any(|line| line.contains(id.as_str()) && line.contains("is gone"));
        assert!(named, "{kind} {id}\n{polled}");
    }
}

#[test]
fn a_pipeline_ends_with_a_look_at_what_it_did() {
    let stage = Stage::of("sqs");
    let findings = stage.findings();
    let applied = stage.run(stage.apply(input(&findings))).exits(0);
    let looked = stage.run(stage.tool("poll").arg("-").stdin(applied.stdout.clone())).exits(0);
    assert_eq!(looked.kind("resource").len(), 2, "{looked}");
    assert!(stage.audit(looked.stdout).kind("finding").is_empty());
}

#[test]
fn what_names_nothing_is_named_and_the_rest_is_looked_up() {
    let stage = Stage::empty("sqs");
    let queue = stage.queue("there", None);
    let account = stage.account.id();
    let bad = "{\"kind\":\"finding\"}\n{\"arn\":\"arn:aws:s3\"}\nnonsense\n";
    let global = format!(r#"{{"account":"{account}","region":"global","type":"sqs","id":"there"}}"#);
    let good = json!({"account": account, "region": "us-east-1", "type": "sqs", "id": queue});
    let polled = stage.run(stage.tool("poll").arg("-").stdin(format!("{bad}{global}\n{good}\n"))).exits(3);
    assert_eq!(polled.one(&json!({}))["id"], queue);
    for line in 1..=4 {
        assert!(polled.stderr.contains(&format!("line {line}")), "line {line}\n{polled}");
    }
}
