//! Resources on which AWS is still at work: neither clean nor findings, and waited for where that is asked for.

use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::http::{Request, Response};
use tests::stage::text;
use tests::{Account, Emulator, Proxy, Ran, Tool, on};

/// A database that anyone can reach, and what AWS says of it while it is being made.
struct Starting {
    account: Account,
    creating: Response,
    gone: Response,
}

impl Starting {
    fn new() -> Self {
        let account = Account::new();
        let rds = |form: &str| {
            let answer = account.call("rds", Request::form(format!("{form}&Version=2014-10-31"))).unwrap();
            assert_eq!(answer.status, 200, "{answer:?}");
            answer.text()
        };
        rds(
            "Action=CreateDBInstance&DBInstanceIdentifier=shop&DBInstanceClass=db.t3.micro&Engine=mysql&AllocatedStorage=20\
             &MasterUsername=root&MasterUserPassword=not-a-secret&PubliclyAccessible=true",
        );
        let there = rds("Action=DescribeDBInstances");
        let creating = there.replace(">available</DBInstanceStatus>", ">creating</DBInstanceStatus>");
        assert_ne!(creating, there);
        let gone = "<ErrorResponse><Error><Type>Sender</Type><Code>DBInstanceNotFound</Code><Message>not found</Message>\
                    </Error><RequestId>1</RequestId></ErrorResponse>";
        Self { account, creating: Response::new(200, creating), gone: Response::new(404, gone) }
    }

    /// AWS says so often that it is being made.
    fn for_some(&self, looks: usize) -> Proxy {
        Proxy::new(Emulator::shared()).answer(on("rds:DescribeDBInstances").first(looks), self.creating.clone())
    }

    fn sweep(&self, proxy: &Proxy, arguments: &[&str]) -> Tool {
        let poll = self.account.through(proxy).tool("poll");
        poll.args(["--types", "rds", "--regions", "us-east-1"]).args(arguments)
    }

    fn look(&self, proxy: &Proxy, arguments: &[&str]) -> Tool {
        let reference = json!({"account": self.account.id(), "region": "us-east-1", "type": "rds", "id": "shop"});
        self.account.through(proxy).tool("poll").arg("-").args(arguments).stdin(format!("{reference}\n"))
    }
}

fn findings(polled: &Ran) -> Vec<Value> {
    polled.pipe("audit").run().exits(0).kind("finding")
}

/// The kinds of the records, in their order.
fn kinds(ran: &Ran) -> Vec<String> {
    ran.records().iter().map(|record| text(&record["kind"])).collect()
}

#[test]
fn what_has_not_settled_is_neither_clean_nor_a_finding() {
    let starting = Starting::new();
    for look in [false, true] {
        let proxy = starting.for_some(usize::MAX);
        let tool = if look { starting.look(&proxy, &[]) } else { starting.sweep(&proxy, &[]) };
        let polled = tool.run().exits(0);
        let database = polled.one(&json!({"kind": "resource"}));
        assert_eq!(
            (&database["settled"], &database["config"]["DBInstanceStatus"]),
            (&json!(false), &json!("creating"))
        );
        assert_eq!(proxy.count("rds:DescribeDBInstances"), 1, "nobody waits unasked");

        let audited = polled.pipe("audit").run().exits(0).says("still at work").says("poll --settle");
        let unsettled = audited.one(&json!({"kind": "unsettled"}));
        for field in ["account", "region", "type", "id", "arn"] {
            assert_eq!(unsettled[field], database[field], "{field}");
        }
        assert!(audited.kind("finding").is_empty(), "{audited}");
        assert_eq!(audited.kind("scope").len(), polled.kind("scope").len());
        let told = polled.pipe("audit").args(["--fail-on", "low"]).run().exits(0);
        assert!(told.kind("finding").is_empty(), "{told}");
    }
}

#[test]
fn what_settles_in_time_is_judged_and_its_scope_stays_behind_it() {
    let starting = Starting::new();
    let proxy = starting.for_some(2);
    let polled = starting.sweep(&proxy, &["--settle", "1m"]).run().exits(0);
    assert_eq!(kinds(&polled), ["resource", "scope"], "{polled}");
    let database = polled.one(&json!({"kind": "resource"}));
    assert_eq!(database["config"]["DBInstanceStatus"], "available");
    assert!(database.get("settled").is_none_or(|settled| settled == true), "{database}");
    assert_eq!(polled.one(&json!({"kind": "scope"}))["resources"], 1);
    assert_eq!(proxy.count("rds:DescribeDBInstances"), 3, "the listing and two looks");
    assert!(findings(&polled).iter().any(|finding| finding["check"] == "rds_public"), "{polled}");

    let proxy = starting.for_some(2);
    let looked = starting.look(&proxy, &["--settle", "1m"]).run().exits(0);
    assert_eq!(looked.one(&json!({"kind": "resource"}))["config"], database["config"]);
    assert_eq!(proxy.count("rds:DescribeDBInstances"), 3, "three looks");
}

#[test]
fn what_does_not_settle_in_time_is_written_as_it_was_seen_last() {
    let starting = Starting::new();
    for look in [false, true] {
        let proxy = starting.for_some(usize::MAX);
        let began = Instant::now();
        let limit = ["--settle", "2s"];
        let tool = if look { starting.look(&proxy, &limit) } else { starting.sweep(&proxy, &limit) };
        let polled = tool.run().exits(0);
        assert!(began.elapsed() >= Duration::from_secs(2), "it waits until the time is up");
        assert_eq!(polled.one(&json!({"kind": "resource"}))["settled"], false, "{polled}");
        assert_eq!(proxy.count("rds:DescribeDBInstances"), 3, "at once, after a second, and at the end");
        assert!(findings(&polled).is_empty());
    }
}

#[test]
fn what_vanishes_while_it_is_waited_for_has_no_record() {
    let starting = Starting::new();
    for look in [false, true] {
        let proxy = starting.for_some(2).answer(on("rds:DescribeDBInstances"), starting.gone.clone());
        let limit = ["--settle", "1m"];
        let tool = if look { starting.look(&proxy, &limit) } else { starting.sweep(&proxy, &limit) };
        let polled = tool.run().exits(0);
        assert!(polled.kind("resource").is_empty(), "{polled}");
        if look {
            assert!(polled.stderr.contains("shop is gone"), "{polled}");
        } else {
            let scope = polled.one(&json!({"kind": "scope"}));
            assert_eq!((&scope["status"], &scope["resources"]), (&json!("ok"), &json!(0)));
        }
    }
}

#[test]
fn a_look_that_fails_while_waiting_is_made_again() {
    let starting = Starting::new();
    let proxy = starting.for_some(1).fail(on("rds:DescribeDBInstances").first(1), 403, "AccessDenied", "not now");
    let polled = starting.sweep(&proxy, &["--settle", "1m"]).run().exits(0);
    assert_eq!(polled.one(&json!({"kind": "resource"}))["config"]["DBInstanceStatus"], "available");
}

#[test]
fn remediate_leaves_alone_what_has_not_settled() {
    let starting = Starting::new();
    let proxy = starting.for_some(0);
    let polled = starting.sweep(&proxy, &[]).run().exits(0);
    let found = findings(&polled);
    let public = found.iter().find(|finding| finding["check"] == "rds_public").unwrap();
    let proxy = starting.for_some(usize::MAX);
    let tool = starting.account.through(&proxy).tool("remediate").arg("--apply").stdin(format!("{public}\n"));
    let applied = tool.run();
    let outcome = applied.one(&json!({"kind": "outcome"}));
    assert_eq!(outcome["status"], "waiting", "{applied}");
    assert_eq!(proxy.count("rds:ModifyDBInstance"), 0);
}

#[test]
fn ctrl_c_ends_the_waiting_at_once() {
    let starting = Starting::new();
    let proxy = starting.for_some(usize::MAX);
    let mut command = starting.sweep(&proxy, &["--settle", "10m"]).command();
    let mut poll = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    while proxy.count("rds:DescribeDBInstances") < 2 {
        assert!(began.elapsed() < Duration::from_mins(1), "it does not look again");
        thread::sleep(Duration::from_millis(20));
    }
    let interrupted = Instant::now();
    let killed = std::process::Command::new("kill").args(["-INT", &poll.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let status = poll.wait().unwrap();
    assert!(!status.success(), "{status}");
    assert!(interrupted.elapsed() < Duration::from_secs(5), "it went on waiting");
}
