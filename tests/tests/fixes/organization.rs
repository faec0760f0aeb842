//! The organization: written first, for what is judged by it.

use serde_json::{Value, json};
use tests::stage::{Stage, json_request, resources, statuses, text};
use tests::{Emulator, Proxy};

/// A call to Organizations.
fn organizations(stage: &Stage, operation: &str, body: &Value) -> Value {
    let request = json_request(&format!("AWSOrganizationsV20161128.{operation}"), body);
    let answer = stage.call("organizations", request).text();
    serde_json::from_str(&answer).unwrap_or_default()
}

/// A management account with two members, of which the second is suspended.
fn organization(types: &str) -> (Stage, [String; 2]) {
    let stage = Stage::empty(types);
    organizations(&stage, "CreateOrganization", &json!({"FeatureSet": "ALL"}));
    let members = ["member", "suspended"].map(|name| {
        let body = json!({"AccountName": name, "Email": format!("{name}@example.com")});
        text(&organizations(&stage, "CreateAccount", &body)["CreateAccountStatus"]["AccountId"])
    });
    organizations(&stage, "CloseAccount", &json!({"AccountId": members[1]}));
    (stage, members)
}

#[test]
fn it_is_the_first_record_and_is_asked_for_once() {
    let (stage, [member, suspended]) = organization("sqs");
    stage.queue("jobs", None);
    let proxy = Proxy::new(Emulator::shared());
    let poll = |args: &[&str]| stage.run(stage.through(&proxy).tool("poll").args(args.iter().copied())).exits(0);
    let polled = poll(&["--org", "--role", "x", "--types", "sqs"]);
    let records = polled.records();
    let (record, scope) = (&records[0], &records[1]);
    let management = stage.account.id();
    assert_eq!((&record["type"], &record["account"]), (&json!("organization"), &json!(management)), "{polled}");
    assert_eq!((&record["region"], &record["id"]), (&json!("global"), &record["config"]["Id"]));
    assert_eq!(record["arn"], format!("arn:aws:organizations::{management}:organization/{}", text(&record["id"])));
    assert_eq!(
        (&scope["kind"], &scope["type"], &scope["resources"]),
        (&json!("scope"), &json!("organization"), &json!(1))
    );
    let mut states: Vec<(String, String)> = vec![
        (management.to_owned(), "ACTIVE".to_owned()),
        (member.clone(), "ACTIVE".to_owned()),
        (suspended.clone(), "SUSPENDED".to_owned()),
    ];
    states.sort();
    let members = record["config"]["Accounts"].as_array().unwrap();
    let members: Vec<_> = members.iter().map(|it| (text(&it["Id"]), text(&it["State"]))).collect();
    assert_eq!(members, states, "{record}");
    assert_eq!(polled.matching(&json!({"kind": "scope", "type": "sqs"})).len(), 2, "the active accounts\n{polled}");
    assert!(polled.matching(&json!({"kind": "scope", "account": suspended})).is_empty(), "{polled}");
    for call in ["organizations:DescribeOrganization", "organizations:ListAccounts"] {
        assert_eq!(proxy.count(call), 1, "{call}");
    }

    // By itself, by a reference, and for the maker's resources alone: the same record.
    proxy.reset();
    let alone = poll(&["--types", "organization"]);
    assert_eq!(proxy.counts().values().sum::<usize>(), 3, "{:?}", proxy.counts());
    let reference = json!({"arn": record["arn"]});
    let looked = stage.run(stage.tool("poll").arg("-").stdin(reference.to_string())).exits(0);
    let tests = poll(&["--org", "--role", "x", "--types", "sqs", "--only-test-resources"]);
    for other in [alone, looked, tests] {
        assert_eq!(resources(&other)[..], resources(&polled)[..1], "{other}");
    }
    // Nobody asked for it.
    assert!(poll(&["--types", "sqs"]).matching(&json!({"type": "organization"})).is_empty());
}

#[test]
fn a_member_reads_it_with_the_role_that_may() {
    let (stage, [member, _]) = organization("sqs");
    let role = format!("arn:aws:iam::{}:role/org-read", stage.account.id());
    let proxy = Proxy::new(Emulator::shared());
    let through = tests::Account::with_id(&member).through(&proxy);
    let args = ["--org", "--org-role", &role, "--role", "sluice", "--types", "sqs", "--regions", "us-east-1"];
    let polled = through.tool("poll").args(args).run().exits(0);
    let record = polled.records().remove(0);
    assert_eq!((&record["type"], &record["account"]), (&json!("organization"), &json!(stage.account.id())), "{polled}");
    assert_eq!(polled.matching(&json!({"kind": "scope", "type": "sqs"})).len(), 2, "{polled}");
    let assumed =
        |arn: &str| proxy.count(tests::on("sts:AssumeRole").about(&arn.replace(':', "%3A").replace('/', "%2F")));
    assert_eq!(assumed(&role), 1);
    assert_eq!(assumed(&format!("arn:aws:iam::{}:role/sluice", stage.account.id())), 1);

    let reference = json!({ "arn": record["arn"] }).to_string();
    let looked = through.tool("poll").args(["-", "--org-role", &role]).stdin(reference).run().exits(0);
    assert_eq!(resources(&looked)[..], resources(&polled)[..1], "{looked}");
}

#[test]
fn an_organization_that_cannot_be_read_stops_the_run_before_it_writes_anything() {
    let (stage, _) = organization("sqs");
    for call in ["organizations:DescribeOrganization", "organizations:ListAccounts"] {
        for args in [&["--org", "--role", "x"][..], &["--types", "organization"]] {
            let proxy = Proxy::new(Emulator::shared()).deny(call);
            let polled = stage.run(stage.through(&proxy).tool("poll").args(args.iter().copied())).exits(4).says(call);
            assert!(polled.stdout.is_empty(), "{polled}");
        }
    }
    // Where there is none, there is none to write; but its accounts cannot be looked at.
    let lonely = Stage::empty("sqs");
    let polled = lonely.run(lonely.tool("poll").args(["--types", "organization"])).exits(0);
    let scope = polled.one(&json!({}));
    assert_eq!((&scope["status"], &scope["resources"]), (&json!("ok"), &json!(0)), "{polled}");
    let refused = lonely.run(lonely.tool("poll").arg("--org")).exits(4);
    assert!(refused.stdout.is_empty(), "{refused}");
}

/// A queue that lets in another account, and the finding of somebody who does not know that account.
fn stranger(account: &str) -> (Stage, Vec<Value>) {
    let stage = Stage::empty("sqs");
    let queue = stage.queue(
        "jobs",
        Some(&json!({"Version": "2012-10-17", "Statement": [{
            "Sid": "Let", "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{account}:root")},
            "Action": "sqs:SendMessage", "Resource": "*",
        }]})),
    );
    let findings = stage.audit(stage.poll_all().stdout).matching(&json!({"kind": "finding", "id": queue}));
    assert_eq!(findings.len(), 1, "{findings:?}");
    (stage, findings)
}

#[test]
fn who_belongs_to_it_is_no_stranger_to_remediate() {
    let member = "444455556666";
    let organization = json!({
        "kind": "resource", "account": "111122223333", "region": "global", "type": "organization", "id": "o-acme",
        "arn": "arn:aws:organizations::111122223333:organization/o-acme",
        "config": {"Id": "o-acme", "Accounts": [{"Id": member, "State": "ACTIVE"}]},
    });
    let (stage, findings) = stranger(member);
    // Wherever it stands in the stream: all of it is read before anything is done.
    let applied = stage.run(stage.apply(input_with(&findings, &organization))).exits(0);
    let outcomes = applied.kind("outcome");
    assert_eq!(statuses(&outcomes), ["already"], "{applied}");
    assert_eq!(applied.one(&json!({"kind": "resource"}))["config"], organization["config"], "it is passed on");

    let mut other = organization.clone();
    other["config"]["Accounts"] = json!([{"Id": "777788889999"}]);
    let planned = stage.run(stage.remediate(input_with(&findings, &other))).exits(0);
    assert_eq!(statuses(&planned.kind("outcome")), ["planned"], "{planned}");

    // Without knowing who belongs to it nobody is cut off; each finding has its outcome all the same.
    for config in [json!({"Accounts": "all"}), json!(7)] {
        let mut broken = organization.clone();
        broken["config"] = config;
        let ran = stage.run(stage.apply(input_with(&findings, &broken))).exits(3).says("nothing was done");
        assert_eq!(statuses(&ran.kind("outcome")), ["interrupted"], "{ran}");
    }
    assert_eq!(stage.audit(stage.poll_all().stdout).kind("finding").len(), 1, "the queue is as it was");
}

fn input_with(findings: &[Value], organization: &Value) -> Vec<u8> {
    tests::stage::input(findings.iter().chain([organization]))
}
