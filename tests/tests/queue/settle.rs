//! Resources on which AWS is still at work go back on the queue.

use serde_json::json;
use tests::http::{Request, Response};
use tests::{Emulator, Proxy, on};

use crate::{Jobs, Service, ids, until};

/// A database, the message that is about it, and what AWS says of it while it is being made.
fn starting() -> (Jobs, String, Response) {
    let jobs = Jobs::new(0, 600);
    let rds = |form: &str| {
        let answer = jobs.account.call("rds", Request::form(format!("{form}&Version=2014-10-31"))).unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.text()
    };
    rds(
        "Action=CreateDBInstance&DBInstanceIdentifier=shop&DBInstanceClass=db.t3.micro&Engine=mysql&AllocatedStorage=20\
         &MasterUsername=root&MasterUserPassword=not-a-secret",
    );
    let there = rds("Action=DescribeDBInstances");
    let creating = there.replace(">available</DBInstanceStatus>", ">creating</DBInstanceStatus>");
    assert_ne!(creating, there);
    let reference =
        json!({"account": jobs.account.id(), "region": "us-east-1", "type": "rds", "id": "shop"}).to_string();
    (jobs, reference, Response::new(200, creating))
}

#[test]
fn what_has_not_settled_goes_back_with_a_count_and_a_delay() {
    let (jobs, reference, creating) = starting();
    jobs.send([reference.clone(), reference]);
    let proxy = Proxy::new(Emulator::shared()).answer("rds:DescribeDBInstances", creating);
    let ran = jobs.through(&proxy).once().args(["--settle", "5s"]).run().exits(0);
    assert!(ran.stdout.is_empty(), "{ran}");
    let [visible, held, delayed] = jobs.count();
    assert_eq!((visible + delayed, held), (1, 0), "one for both\n{ran}");
    until("its delay is over", || jobs.count() == [1, 0, 0]);
    let body = jobs.bodies(&jobs.url).remove(0);
    assert_eq!((&body["id"], &body["attempt"]), (&json!("shop"), &json!(1)));
    assert!(body["since"].as_str().is_some_and(|since| since.ends_with('Z')), "{body}");
}

#[test]
fn it_is_looked_at_again_and_written_when_it_has_settled() {
    let (jobs, reference, creating) = starting();
    jobs.send([reference]);
    let proxy = Proxy::new(Emulator::shared()).answer(on("rds:DescribeDBInstances").first(1), creating);
    let service = Service::start(&jobs.through(&proxy).worker().args(["--settle", "3s"]));
    until("it has settled and is deleted", || proxy.count("rds:DescribeDBInstances") >= 2 && jobs.count() == [0, 0, 0]);
    service.signal("TERM");
    let (code, written, stderr) = service.end();
    assert_eq!((code, written), (Some(0), vec!["shop".to_owned()]), "{stderr}");
    assert!(!stderr.contains("has not settled"), "{stderr}");
}

#[test]
fn at_the_limit_it_is_written_as_it_is_and_said() {
    let (jobs, reference, creating) = starting();
    jobs.send([reference]);
    let proxy = Proxy::new(Emulator::shared()).answer("rds:DescribeDBInstances", creating);
    let ran = jobs.through(&proxy).once().args(["--settle", "0s"]).run().exits(0).says("has not settled");
    assert_eq!(ids(&ran), ["shop"], "{ran}");
    assert_eq!(ran.one(&json!({}))["settled"], false);
    assert_eq!(jobs.count(), [0, 0, 0], "{ran}");
}

#[test]
fn the_message_stays_until_the_new_one_is_accepted() {
    let (jobs, reference, creating) = starting();
    jobs.send([reference]);
    let proxy = Proxy::new(Emulator::shared()).answer("rds:DescribeDBInstances", creating).deny("sqs:SendMessageBatch");
    let ran = jobs.through(&proxy).once().run().exits(3).says("stays on the queue");
    let [visible, held, delayed] = jobs.count();
    assert_eq!((visible + held, delayed), (1, 0), "{ran}");
}
