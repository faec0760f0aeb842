//! What somebody said is allowed: found, not counted, and left alone; and what one account may have done to it at once.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use tests::stage::{Stage, input, json_request, open_to_all, statuses, text, write_names, writes};
use tests::{Emulator, Proxy, Ran, Tool, ndjson};

/// Where the exceptions of a test are, in the home of its tools.
const FILE: &str = "exceptions.toml";

/// Writes the exceptions of `--exceptions`.
fn write(stage: &Stage, content: &str) {
    std::fs::write(stage.account.tool("audit").home().join(FILE), content).unwrap();
}

fn with(tool: Tool) -> Tool {
    tool.args(["--exceptions", FILE])
}

/// A stage with two open queues, a proxy before it, and the findings: that of the public one, and that of the other.
fn queues() -> (Stage, Proxy, [Value; 2]) {
    let stage = Stage::of("sqs");
    let proxy = Proxy::new(Emulator::shared());
    let findings = stage.findings();
    let of = |check: &str| findings.iter().find(|finding| finding["check"] == check).unwrap().clone();
    (stage.through(&proxy), proxy, [of("sqs_public"), of("sqs_policy_outsiders")])
}

/// The outcome of a finding.
fn outcome(ran: &Ran, finding: &Value) -> Value {
    ran.one(&json!({"kind": "outcome", "key": finding["key"]}))
}

#[test]
fn what_is_excepted_is_told_and_left_alone_along_the_whole_pipeline() {
    let (stage, proxy, [public, other]) = queues();
    write(&stage, "[[exceptions]]\nid = \"*/sluice-test-public\"\nreason = \"a drop box\"\nuntil = 2999-12-31\n");
    let polled = stage.poll();
    let audit = |more: &[&str]| stage.run(with(stage.tool("audit")).args(more).stdin(polled.stdout.clone()));
    let audited = audit(&["--checks", "sqs_public", "--fail-on", "low"]).exits(0);
    let finding = audited.one(&json!({"kind": "finding", "check": "sqs_public"}));
    assert_eq!((&finding["status"], &finding["reason"]), (&json!("excepted"), &json!("a drop box")), "{audited}");
    assert_eq!((&finding["until"], &finding["action"]), (&json!("2999-12-31T23:59:59Z"), &Value::Null), "{audited}");

    // remediate knows of no exceptions of its own: what the finding says is enough.
    let audited = audit(&[]).exits(0);
    let applied = stage.run(stage.apply(audited.stdout)).exits(0);
    let excepted = outcome(&applied, &public);
    assert_eq!((&excepted["status"], &excepted["reason"]), (&json!("excepted"), &json!("a drop box")), "{applied}");
    assert_eq!(outcome(&applied, &other)["status"], "applied", "{applied}");
    assert_eq!(write_names(&proxy), ["sqs:SetQueueAttributes"]);
    assert!(!writes(&proxy)[0].request.text().contains("sluice-test-public"));
}

#[test]
fn remediate_obeys_them_whatever_it_is_given() {
    let (stage, proxy, [public, other]) = queues();
    let plan = stage.run(stage.remediate(input([&public, &other]))).exits(0);
    assert_eq!(statuses(&plan.records()), ["planned"; 2], "{plan}");
    let planned = outcome(&plan, &public);
    let task = json!({"account": public["account"], "region": public["region"], "type": "sqs", "id": public["id"],
                      "action": public["action"]});
    let all = "[[exceptions]]\narn = \"arn:aws:sqs:*:sluice-test-public\"\nreason = \"a drop box\"\n";
    let of_check = "[[exceptions]]\ncheck = \"sqs_public\"\nreason = \"drop boxes\"\n";
    let of_another = "[[exceptions]]\ncheck = \"sqs_policy_*\"\nreason = \"partners\"\n";
    let over = "[[exceptions]]\nid = \"*\"\nreason = \"once\"\nuntil = \"2020-01-01\"\n";
    // Exit 1: a person asked for it, and does not get it.
    let rows = [
        (all, &public, "excepted", "a drop box", 0),
        (all, &planned, "excepted", "a drop box", 1),
        (all, &task, "excepted", "a drop box", 1),
        (of_check, &public, "excepted", "drop boxes", 0),
        (of_check, &planned, "excepted", "drop boxes", 1),
    ];
    for (exceptions, record, status, reason, code) in rows {
        write(&stage, exceptions);
        for apply in [false, true] {
            let tool = if apply { stage.apply(input([record])) } else { stage.remediate(input([record])) };
            let ran = stage.run(with(tool)).exits(if apply { code } else { 0 });
            let outcome = ran.one(&json!({"kind": "outcome"}));
            assert_eq!(
                (&outcome["status"], &outcome["reason"]),
                (&json!(status), &json!(reason)),
                "{exceptions}\n{ran}"
            );
            assert_eq!((&outcome["calls"], &outcome["undo"]), (&json!([]), &Value::Null), "{ran}");
        }
    }
    assert_eq!(write_names(&proxy), [""; 0]);

    // What they do not cover goes its way: another check's, an expired one; and a task is about no check.
    for (exceptions, record) in [(of_another, &public), (over, &public), (of_check, &task)] {
        write(&stage, exceptions);
        let ran = stage.run(with(stage.remediate(input([record])))).exits(0);
        assert_eq!(statuses(&ran.records()), ["planned"], "{exceptions}\n{ran}");
    }
    // The settings have them, too.
    stage.set(all);
    let ran = stage.run(stage.apply(input([&public, &other]))).exits(0);
    assert_eq!(outcome(&ran, &public)["status"], "excepted", "{ran}");
    assert_eq!(outcome(&ran, &other)["status"], "applied", "{ran}");
    assert_eq!(write_names(&proxy), ["sqs:SetQueueAttributes"]);
}

#[test]
fn a_tag_of_now_exempts_and_one_that_cannot_be_read_does_not() {
    let (stage, proxy, [public, _]) = queues();
    write(&stage, "[[exceptions]]\ntags = {purpose = \"drop-*\"}\nreason = \"tagged so\"\n");
    let denied = Proxy::new(Emulator::shared()).deny("sqs:ListQueueTags");
    let blind = stage.through(&denied);
    let polled = blind.tool("poll").args(["--types", "sqs"]).run();
    let audited = stage.run(with(stage.tool("audit")).stdin(polled.stdout));
    assert_eq!(audited.one(&json!({"check": "sqs_public"}))["status"], "fail", "{audited}");

    let tags = json!({"QueueUrl": public["id"], "Tags": {"Purpose": "drop-box"}});
    stage.call("sqs", json_request("AmazonSQS.TagQueue", &tags));
    proxy.reset();
    let unread = stage.run(with(blind.apply(input([&public])))).exits(1);
    assert_eq!(statuses(&unread.records()), ["refused"], "{unread}");
    let tagged = stage.run(with(stage.apply(input([&public])))).exits(0);
    assert_eq!(statuses(&tagged.records()), ["excepted"], "{tagged}");
    assert_eq!((write_names(&proxy), write_names(&denied)), (vec![], vec![]));
}

#[test]
fn what_is_not_understood_stops_both_before_they_begin() {
    let (stage, proxy, [public, _]) = queues();
    let polled = stage.poll().stdout;
    proxy.reset();
    let rows = [
        ("[[exceptions]]\nid = \"a\"\n", "line 1"),
        ("\n[[exceptions]]\nid = \"a\"\nreasn = \"x\"\n", "line 4"),
        ("{\"id\":\"a\",\"reason\":\"x\"}\n{\"id\":[],\"reason\":\"x\"}\n", "line 2: `id` is an empty list"),
        (
            "{\"id\":\"a\",\"check\":\"sqs_publik\",\"reason\":\"x\"}\n",
            "exceptions.toml line 1: `sqs_publik` is not a check",
        ),
    ];
    for (content, says) in rows {
        write(&stage, content);
        for tool in [stage.tool("audit").stdin(polled.clone()), stage.apply(input([&public]))] {
            let ran = stage.run(with(tool)).exits(4).says(FILE).says(says);
            assert!(ran.stdout.is_empty(), "{ran}");
        }
    }
    for tool in [stage.tool("audit"), stage.tool("remediate")] {
        let ran = tool.args(["--exceptions", "nowhere.toml"]).run().exits(4).says("nowhere.toml");
        assert!(ran.stdout.is_empty(), "{ran}");
    }
    assert!(proxy.calls().is_empty(), "{:?}", proxy.calls());
}

#[test]
fn what_does_nothing_is_reported_and_goes_down_the_pipeline() {
    let stage = Stage::of("sqs");
    write(
        &stage,
        "{\"id\":\"*/sluice-test-public\",\"reason\":\"in use\"}\n\
         {\"id\":\"*/sluice-test-good\",\"reason\":\"it was mended\"}\n\
         {\"id\":\"*/sluice-test-outsider\",\"reason\":\"while we move\",\"until\":\"2026-01-31\"}\n",
    );
    let audit = with(stage.tool("audit")).arg("--unused-exceptions").stdin(stage.poll().stdout);
    let audited = stage.run(audit).exits(0);
    let said = |ran: &Ran| -> Vec<String> {
        ran.kind("exception").iter().map(|it| format!("{} {}", text(&it["status"]), it["line"])).collect()
    };
    assert_eq!(said(&audited), ["unused 2", "expired 3"], "{audited}");
    let warning = "warning: exceptions.toml line 3: this exception expired at 2026-01-31T23:59:59Z";
    let audited =
        audited.says(warning).says("(while we move)").says("exceptions.toml line 2: this exception covers no finding");
    assert_eq!(audited.stderr.matches("warning").count(), 1, "{audited}");
    let remediated = stage.run(stage.tool("remediate").stdin(audited.stdout.clone())).exits(0);
    assert_eq!(said(&remediated), said(&audited), "{remediated}");
    let told = Tool::new("notify").arg("--dry-run").stdin(audited.stdout).run().exits(0);
    assert_eq!(said(&told).len(), 2, "{told}");
}

#[test]
fn an_account_beyond_its_own_limit_is_held_back_by_itself() {
    let (own, other) = (Stage::of("sqs"), Stage::of("sqs"));
    let findings = own.audit(own.poll().stdout).kind("finding");
    let others = other.audit(other.poll().stdout).kind("finding");
    let all = ndjson(&[findings.clone(), others].concat());
    let id = other.account.id();
    own.set(&format!("[accounts.\"{id}\"]\nname = \"prod\"\nmax_actions = 1"));
    let says = format!("in account {id} (prod): 2 actions are more than its max_actions 1");

    let plan = own.run(own.remediate(all.clone()).args(["--role", "sluice"])).exits(0);
    let plan = plan.says(&format!("--apply would do nothing {says}"));
    assert_eq!(statuses(&plan.records()), ["planned"; 4], "{plan}");
    let applied = own.run(own.apply(all).args(["--role", "sluice"])).exits(1);
    let held = applied.matching(&json!({"account": id, "status": "planned"}));
    assert_eq!(held.len(), 2, "{applied}");
    assert!(held.iter().all(|outcome| text(&outcome["reason"]) == format!("nothing was done {says}")), "{applied}");
    assert!(held.iter().all(|outcome| outcome["undo"].is_null()), "{applied}");
    assert_eq!(applied.matching(&json!({"account": own.account.id(), "status": "applied"})).len(), 2, "{applied}");
    assert_eq!((own.findings().len(), other.findings().len()), (0, 2));

    // The run's own limit counts what the account's holds back: a stricter limit lets nothing more happen.
    let again = Stage::of("sqs");
    again.set(&format!("[accounts.\"{id}\"]\nmax_actions = 1"));
    let all = ndjson(&[again.findings(), held].concat());
    let none = again.run(again.apply(all).args(["--role", "sluice", "--max-actions", "3"])).exits(1);
    assert_eq!(statuses(&none.records()), ["planned"; 4], "{none}");
    assert!(none.stderr.contains("4 actions are more than --max-actions 3"), "{none}");
}

#[test]
fn a_share_that_cannot_be_held_is_named() {
    let stage = Stage::empty("sqs");
    for number in 0..6 {
        stage.queue(&format!("jobs-{number}"), Some(&open_to_all("sqs:SendMessage", "*")));
    }
    let audited = stage.audit(stage.poll_all().stdout);
    let findings = audited.kind("finding");
    assert_eq!(findings.len(), 6, "{audited}");
    let says = "--max-percent could not be held: 6 resources of type sqs are touched";
    let without = stage.run(stage.remediate(input(&findings))).exits(0).says(says);
    assert!(!without.stderr.contains("warning"), "{without}");
    let five = stage.run(stage.remediate(input(&findings[..5]))).exits(0);
    assert!(!five.stderr.contains("could not be held"), "{five}");
    let with_scopes = stage.run(stage.remediate(audited.stdout).args(["--max-percent", "100"])).exits(0);
    assert!(!with_scopes.stderr.contains("could not be held"), "{with_scopes}");
}
