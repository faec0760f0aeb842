//! What is needed for queues, beside what is looked at.

use std::collections::BTreeSet;

use common::operation::Operation;
use tests::stage::Stage;
use tests::{Emulator, Proxy};

use crate::{permissions, printed};

const QUEUE: &str = "https://sqs.eu-west-1.amazonaws.com/111122223333/jobs";

fn of_queues(arguments: &[&str]) -> Vec<String> {
    permissions(&printed("poll", arguments)).into_iter().filter(|it| it.starts_with("sqs:")).collect()
}

#[test]
fn a_worker_and_a_sender_may_use_their_queues_and_no_more() {
    let sender = ["sqs:GetQueueAttributes", "sqs:SendMessage"];
    let worker = [
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
        "sqs:SendMessage",
    ];
    assert_eq!(of_queues(&["--sqs", QUEUE, "--types", "ec2"]), worker);
    assert_eq!(of_queues(&["--types", "ec2", "--send", QUEUE]), sender);
    assert_eq!(of_queues(&["-", "--send", QUEUE]), sender);
    assert_eq!(of_queues(&["--types", "ec2"]), [""; 0]);
    let events = QUEUE.replace("jobs", "events");
    let translator = permissions(&printed("poll", &["--sqs", &events, "--send", QUEUE]));
    assert!(!translator.contains("s3:GetBucketPolicy"), "somebody else looks: {translator:?}");
    let lists = permissions(&printed("poll", &["--types", "s3_bucket", "--send", QUEUE]));
    assert!(lists.contains("s3:ListAllMyBuckets") && !lists.contains("s3:GetBucketPolicy"), "{lists:?}");
}

#[test]
fn what_is_called_is_granted() {
    let stage = Stage::empty("sqs");
    let queue = stage.queue("jobs", None);
    let proxy = Proxy::new(Emulator::shared());
    let account = stage.account.through(&proxy);
    let called = || -> BTreeSet<String> {
        let names: Vec<String> = proxy.counts().into_keys().collect();
        proxy.reset();
        let needed = |name: &String| Operation::named(name).unwrap_or_else(|| panic!("{name}")).permissions();
        names.iter().flat_map(needed).map(|permission| (*permission).to_owned()).collect()
    };
    // With a queue, --types is for the policy alone.
    let sender: &[&str] = &["--types", "sqs", "--send", &queue];
    let worker: &[&str] = &["--sqs", &queue, "--once"];
    for (arguments, resources) in [(sender, 0), (worker, 1)] {
        let granted = permissions(&printed("poll", arguments));
        let ran = account.tool("poll").args(arguments.iter().copied()).run().exits(0);
        let called = called();
        assert!(called.len() > 2 && called.is_subset(&granted), "{called:?} is not within {granted:?}\n{ran}");
        assert_eq!(ran.kind("resource").len(), resources, "{ran}");
    }
}
