//! What is on a queue is looked up, written, and deleted.

use serde_json::json;
use tests::{Emulator, Proxy};

use crate::{Jobs, ids, sorted};

#[test]
fn references_events_and_what_they_are_wrapped_in_are_taken_from_the_queue() {
    let jobs = Jobs::new(6, 60);
    let event = |group: usize| jobs.event(&jobs.groups[group]);
    let bridged = json!({
        "version": "0", "id": "b-1", "detail-type": "AWS API Call via CloudTrail", "source": "aws.ec2",
        "account": jobs.account.id(), "time": "2026-11-20T10:00:00Z", "region": "us-east-1", "resources": [],
        "detail": event(2),
    });
    let notified = json!({
        "Type": "Notification", "MessageId": "n-1", "TopicArn": "arn:aws:sns:us-east-1:111122223333:events",
        "Message": json!({"Records": [event(3), event(4)]}).to_string(), "Timestamp": "2026-11-20T10:00:00.000Z",
    });
    let failed = {
        let mut event = event(5);
        event["errorCode"] = json!("Client.UnauthorizedOperation");
        event
    };
    jobs.send([
        jobs.reference(&jobs.groups[0]),
        event(1).to_string(),
        bridged.to_string(),
        notified.to_string(),
        failed.to_string(),
    ]);
    let ran = jobs.once().run().exits(0);
    assert_eq!(sorted(ids(&ran)), sorted(jobs.groups[..5].to_vec()), "{ran}");
    assert_eq!(jobs.count(), [0, 0, 0], "{ran}");
}

#[test]
fn the_messages_about_one_resource_are_one_look() {
    let jobs = Jobs::new(2, 60);
    let [one, other] = [&jobs.groups[0], &jobs.groups[1]];
    let bodies = (0..8).map(|number| if number % 2 == 0 { jobs.reference(one) } else { jobs.event(one).to_string() });
    jobs.send(bodies.chain([jobs.reference(other)]));
    let proxy = Proxy::new(Emulator::shared());
    let ran = jobs.through(&proxy).once().run().exits(0);
    assert_eq!(sorted(ids(&ran)), sorted(jobs.groups.clone()), "{ran}");
    assert_eq!(proxy.count("ec2:DescribeSecurityGroups"), 2, "{:?}", proxy.counts());
    assert_eq!(jobs.count(), [0, 0, 0], "all nine are deleted");
}

#[test]
fn what_is_not_understood_stays_and_is_named_once() {
    // It comes again while the worker runs.
    let jobs = Jobs::new(2, 1);
    let strange = json!({"account": jobs.account.id(), "region": "us-east-1", "type": "cloudfront", "id": "x"});
    jobs.send(["no JSON".to_owned(), strange.to_string()]);
    jobs.send_all();
    let ran = jobs.once().run().exits(3);
    assert_eq!(sorted(ids(&ran)), sorted(jobs.groups.clone()), "{ran}");
    let named: Vec<&str> = ran.stderr.lines().filter(|line| line.contains("stays on the queue")).collect();
    assert_eq!(named.len(), 2, "{ran}");
    assert!(named.iter().all(|line| line.contains("message ")) && named.iter().any(|line| line.contains("cloudfront")));
    let [visible, held, _] = jobs.count();
    assert_eq!(visible + held, 2, "{ran}");
    assert!(ran.stderr.contains("no dead-letter queue"), "{ran}");
}

#[test]
fn what_is_gone_is_done_and_what_is_for_others_is_passed_on() {
    let jobs = Jobs::new(1, 60);
    let scope =
        json!({"kind": "scope", "account": jobs.account.id(), "region": "us-east-1", "type": "rds", "status": "ok"});
    jobs.send([jobs.reference("sg-0123456789abcdef0"), scope.to_string()]);
    let ran = jobs.once().run().exits(0).says("is gone");
    assert_eq!(ran.records(), [scope]);
    assert_eq!(jobs.count(), [0, 0, 0], "{ran}");
}

#[test]
fn a_queue_that_is_not_there_or_not_ours_is_no_start() {
    let jobs = Jobs::new(0, 60);
    let gone = jobs.url.replace("jobs", "gone");
    let ran = jobs.account.tool("poll").args(["--sqs", &gone, "--once"]).run().exits(4).says("gone");
    assert!(ran.stdout.is_empty());
    let _ = jobs.account.tool("poll").args(["--send", &gone, "--types", "sqs"]).run().exits(4).says("gone");
    let proxy = Proxy::new(Emulator::shared()).deny("sqs:GetQueueAttributes");
    let _ = jobs.through(&proxy).worker().run().exits(4).says("sqs:GetQueueAttributes");
    let _ = jobs.account.tool("poll").args(["--sqs", "jobs"]).run().exits(2).says("queue's URL");
}
