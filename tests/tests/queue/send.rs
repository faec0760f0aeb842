//! `--send`: references on a queue instead of resources.

use serde_json::{Value, json};
use tests::http::Response;
use tests::stage::{Stage, resources, text};
use tests::{Emulator, Proxy, Ran};

use crate::{Jobs, ids, sorted};

#[test]
fn a_sweep_onto_a_queue_and_workers_find_what_a_sweep_finds() {
    const TYPES: &str = "ami,ebs_snapshot,ec2,security_group,elb,elbv2,iam_user,iam_role,iam_policy,lambda_function,kms_key,\
        rds,rds_snapshot,rds_cluster_snapshot,redshift,s3_bucket";
    let stage = Stage::of(TYPES);
    let jobs = Jobs { account: stage.account.clone(), url: stage.queue("jobs", None), groups: Vec::new() };
    let plain = stage.poll_all();
    let proxy = Proxy::new(Emulator::shared());
    let sweep = stage.through(&proxy).tool("poll").args(["--types", TYPES, "--send", &jobs.url]).run().exits(0);
    for detail in
        ["s3:GetBucketPolicy", "s3:GetBucketAcl", "kms:GetKeyPolicy", "lambda:GetPolicy", "ec2:DescribeImageAttribute"]
    {
        assert_eq!(proxy.count(detail), 0, "whoever takes them up asks for {detail}");
    }
    assert!(sweep.kind("resource").is_empty(), "{sweep}");
    let scopes = |ran: &Ran| sorted(ran.kind("scope").iter().map(ToString::to_string));
    assert_eq!(scopes(&sweep), scopes(&plain), "not looked is not clean");
    let count = plain.kind("resource").len();
    assert!(sweep.stderr.contains(&format!("{count} references sent")), "{sweep}");
    assert_eq!(jobs.count(), [count as u64, 0, 0]);
    let worked = jobs.once().run().exits(0);
    let arns = |ran: &Ran| resources(ran).iter().map(|it| text(&it["arn"])).collect::<Vec<_>>();
    assert_eq!(arns(&worked), arns(&plain));
    assert_eq!(resources(&worked), resources(&plain));
    assert_eq!(jobs.count(), [0, 0, 0]);
}

#[test]
fn events_become_the_originals_messages_with_their_delays() {
    let jobs = Jobs::new(2, 600);
    let database = json!({
        "eventVersion": "1.08", "eventSource": "rds.amazonaws.com", "eventName": "CreateDBInstance",
        "awsRegion": "us-east-1", "recipientAccountId": jobs.account.id(), "eventID": "e-1",
        "eventTime": "2026-11-20T10:00:00Z", "requestParameters": {"dBInstanceIdentifier": "shop"},
        "responseElements": {"dBInstanceIdentifier": "shop"},
    });
    let input = format!("{}\n{}\n{database}\nnonsense\n", jobs.event(&jobs.groups[0]), jobs.reference(&jobs.groups[1]));
    let sent = jobs.account.tool("poll").args(["-", "--send", &jobs.url]).stdin(input).run().exits(3).says("line 4");
    assert!(sent.stdout.is_empty(), "{sent}");
    assert_eq!(jobs.count(), [2, 0, 1], "the database takes its time\n{sent}");
    let mut bodies = jobs.bodies(&jobs.url);
    bodies.sort_by_key(|body| text(&body["id"]));
    let mut expected: Vec<Value> =
        jobs.groups.iter().map(|group| serde_json::from_str(&jobs.reference(group)).unwrap()).collect();
    expected.sort_by_key(|body| text(&body["id"]));
    assert_eq!(bodies, expected);
}

#[test]
fn one_queue_of_events_becomes_another_of_references() {
    let jobs = Jobs::new(3, 600);
    let references = jobs.queue("references", &json!({}));
    jobs.send(jobs.groups.iter().map(|group| jobs.event(group).to_string()));
    jobs.send([jobs.event(&jobs.groups[0]).to_string()]);
    let proxy = Proxy::new(Emulator::shared());
    let ran = jobs.through(&proxy).once().args(["--send", &references]).run().exits(0);
    assert!(ran.stdout.is_empty(), "{ran}");
    assert_eq!(proxy.count("ec2:*"), 0, "somebody else looks");
    assert_eq!((jobs.count(), jobs.count_of(&references)), ([0, 0, 0], [3, 0, 0]));
    let worked = jobs.account.tool("poll").args(["--sqs", &references, "--once"]).run().exits(0);
    assert_eq!(sorted(ids(&worked)), sorted(jobs.groups.clone()));
}

#[test]
fn what_could_not_be_sent_is_said() {
    let jobs = Jobs::new(3, 600);
    let input: String = jobs.groups.iter().map(|group| jobs.reference(group) + "\n").collect();
    let failed = json!({"Successful": [], "Failed": [
        {"Id": "1", "Code": "InvalidMessageContents", "SenderFault": true, "Message": "no"},
    ]});
    let answer = Response::new(200, failed.to_string()).with("Content-Type", "application/x-amz-json-1.0");
    let proxy = Proxy::new(Emulator::shared()).answer("sqs:SendMessageBatch", answer);
    let account = jobs.account.through(&proxy);
    let sent = account.tool("poll").args(["-", "--send", &jobs.url]).stdin(input.clone()).run().exits(3);
    assert!(sent.stderr.contains("1 references were not sent") && sent.stderr.contains(&jobs.groups[1]), "{sent}");

    let proxy = Proxy::new(Emulator::shared()).deny("sqs:SendMessageBatch");
    let account = jobs.account.through(&proxy);
    let sent = account.tool("poll").args(["-", "--send", &jobs.url]).stdin(input).run().exits(3);
    assert!(sent.stderr.contains("3 references were not sent"), "{sent}");

    // With a queue in front nothing goes from that until it is on the other.
    jobs.send(jobs.groups.iter().map(|group| jobs.event(group).to_string()));
    let references = jobs.queue("references", &json!({}));
    let ran = jobs.through(&proxy).once().args(["--send", &references]).run().exits(3);
    assert!(ran.stderr.contains("stays on the queue"), "{ran}");
    let [visible, held, _] = jobs.count();
    assert_eq!(visible + held, 3, "{ran}");
}
