//! When nothing is done, and that it is said.

use serde_json::{Value, json};
use tests::http::Request;
use tests::iam::Iam;
use tests::{Emulator, Proxy, ndjson};

use tests::stage::{Stage, input, json_request, resources, statuses, text, write_names, writes};
use tests::task::is_refused;

#[test]
fn without_apply_nothing_changes_and_the_environment_can_say_it() {
    let stage = Stage::of("sqs");
    let proxy = Proxy::new(Emulator::shared());
    let seen = stage.through(&proxy);
    let findings = input(&seen.findings());
    for value in [None, Some(""), Some("false"), Some("1"), Some("yes")] {
        let tool = seen.remediate(findings.clone());
        let tool = value.map_or_else(|| tool.clone(), |value| tool.clone().env("REMEDIATE", value));
        let ran = stage.run(tool).exits(0);
        assert_eq!(statuses(&ran.records()), ["planned"; 2], "{value:?}\n{ran}");
        assert!(ran.records().iter().all(|outcome| outcome["calls"][0].get("ok").is_none()), "{ran}");
        assert_eq!(write_names(&proxy), [""; 0], "{value:?}");
    }
    let ran = stage.run(seen.remediate(findings).env("REMEDIATE", "true")).exits(0);
    assert_eq!(statuses(&ran.records()), ["applied"; 2], "{ran}");
    assert_eq!(write_names(&proxy), ["sqs:SetQueueAttributes"; 2]);
}

/// A group that is open on that many ports.
fn open_group(stage: &Stage, ports: usize) -> Vec<Value> {
    let form = |form: String| Request::form(format!("Version=2016-11-15&{form}"));
    let made = stage.call("ec2", form("Action=CreateSecurityGroup&GroupName=open&GroupDescription=open".into())).text();
    let id = made.split_once("<groupId>").unwrap().1.split_once('<').unwrap().0;
    let rules: Vec<String> = (1..=ports)
        .map(|port| {
            let rule = format!("&IpPermissions.{port}");
            format!(
                "{rule}.IpProtocol=tcp{rule}.FromPort={port}{rule}.ToPort={port}{rule}.IpRanges.1.CidrIp=0.0.0.0%2F0"
            )
        })
        .collect();
    let rules = rules.concat();
    stage.call("ec2", form(format!("Action=AuthorizeSecurityGroupIngress&GroupId={id}{rules}")));
    let findings = stage.audit(stage.poll_all().stdout).kind("finding");
    assert_eq!(findings.len(), ports);
    findings
}

#[test]
fn more_than_twenty_actions_are_planned_and_not_done() {
    let stage = Stage::empty("security_group");
    let findings = open_group(&stage, 21);
    let proxy = Proxy::new(Emulator::shared());
    let seen = stage.through(&proxy);
    let says = "21 actions are more than --max-actions 20";
    let held = stage.run(seen.apply(input(&findings))).exits(1).says(says);
    assert_eq!(statuses(&held.records()), ["planned"; 21], "{held}");
    assert!(held.records().iter().all(|outcome| text(&outcome["reason"]).contains(says)), "{held}");
    let plan = stage.run(seen.remediate(input(&findings))).exits(0).says(says);
    assert_eq!(statuses(&plan.records()), ["planned"; 21]);
    assert_eq!(write_names(&proxy), [""; 0]);

    // What is held back is a plan, too: with somebody's word for it, it is done.
    let done = stage.run(seen.apply(held.stdout.clone()).args(["--max-actions", "21"])).exits(0);
    assert_eq!(statuses(&done.records()), ["applied"; 21], "{done}");
    assert_eq!(write_names(&proxy), ["ec2:RevokeSecurityGroupIngress"; 21]);
}

#[test]
fn nobody_saws_off_the_branch_that_they_sit_on() {
    let stage = Stage::empty("iam_role,iam_policy");
    let iam = Iam(&stage.account);
    let role = ("RoleName", "tests");
    let trust = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ]});
    iam.call("CreateRole", &[role, ("AssumeRolePolicyDocument", &trust.to_string())]);
    let document =
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "sqs:*", "Resource": "*"}]});
    iam.call("CreatePolicy", &[("PolicyName", "all"), ("PolicyDocument", &document.to_string())]);
    let arn = |what: &str| format!("arn:aws:iam::{}:{what}", stage.account.id());
    iam.call("AttachRolePolicy", &[role, ("PolicyArn", &arn("policy/all"))]);
    for what in ["role/tests", "policy/all"] {
        for action in ["disable", "kill"] {
            is_refused(&stage, &json!({"arn": arn(what), "action": action}), "this run itself works");
        }
    }
}

#[test]
fn twenty_actions_are_done() {
    let stage = Stage::empty("security_group");
    let findings = open_group(&stage, 20);
    let done = stage.run(stage.apply(input(&findings))).exits(0);
    assert_eq!(statuses(&done.records()), ["applied"; 20], "{done}");
}

#[test]
fn most_of_all_buckets_are_not_changed_at_once() {
    let stage = Stage::of("s3_bucket");
    let proxy = Proxy::new(Emulator::shared());
    let seen = stage.through(&proxy);
    let audited = stage.audit(seen.poll().stdout);
    let says = "7 of 8 resources of type s3_bucket are more than --max-percent 30";
    let held = stage.run(seen.apply(audited.stdout.clone())).exits(1).says(says);
    assert!(held.kind("outcome").iter().all(|outcome| outcome["status"] == "planned"), "{held}");
    assert_eq!(held.kind("scope"), audited.kind("scope"));
    let held = stage.run(seen.apply(audited.stdout.clone()).args(["--max-percent", "87"])).exits(1);
    assert_eq!(held.kind("outcome").len(), audited.kind("finding").len());
    assert_eq!(write_names(&proxy), [""; 0]);

    let done = stage.run(seen.apply(audited.stdout.clone()).args(["--max-percent", "88"])).exits(0);
    assert!(done.kind("outcome").iter().all(|outcome| outcome["status"] == "applied"), "{done}");
}

#[test]
fn a_protected_resource_is_left_alone_also_when_it_was_tagged_after_the_scan() {
    let stage = Stage::of("sqs");
    let proxy = Proxy::new(Emulator::shared());
    let seen = stage.through(&proxy);
    let findings = seen.findings();
    let protected = findings.iter().find(|finding| finding["check"] == "sqs_public").unwrap();
    let tags = json!({"QueueUrl": protected["id"], "Tags": {"Sluice:Protect": ""}});
    stage.call("sqs", json_request("AmazonSQS.TagQueue", &tags));
    proxy.reset();

    let plan = stage.run(seen.remediate(input(&findings))).exits(0);
    let applied = stage.run(seen.apply(input(&findings))).exits(1);
    for (ran, other) in [(plan, "planned"), (applied, "applied")] {
        let refused = ran.one(&json!({"key": protected["key"]}));
        assert_eq!(refused["status"], "refused", "{ran}");
        assert!(text(&refused["reason"]).contains("protected by its tag Sluice:Protect"), "{refused}");
        assert_eq!(ran.matching(&json!({"status": other})).len(), 1, "{ran}");
    }
    assert_eq!(write_names(&proxy), ["sqs:SetQueueAttributes"], "the other one");
    assert!(!writes(&proxy)[0].request.text().contains("sluice-test-public"));
}

#[test]
fn each_input_has_one_outcome_that_says_why() {
    let stage = Stage::of("s3_bucket,ec2");
    let proxy = Proxy::new(Emulator::shared());
    let seen = stage.through(&proxy);
    let finding = seen.findings().into_iter().find(|finding| finding["check"] == "s3_bucket_tls").unwrap();
    let with = |edits: &[(&str, Value)]| {
        let mut edited = finding.clone();
        for (field, value) in edits {
            edited[*field] = value.clone();
        }
        edited
    };
    let instance = resources(&stage.poll()).into_iter().find(|it| it["type"] == "ec2").unwrap();
    let task = |action: Value, more: Value| {
        let mut task = json!({"account": instance["account"], "region": "us-east-1", "type": "ec2",
                              "id": instance["id"], "action": action});
        task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        task
    };
    let (vanished, nothing) = (json!({"id": "i-0123456789abcdef0"}), json!({}));
    // What comes in, what comes out, and a word of its reason.
    let rows = [
        (with(&[("status", json!("pass"))]), "already", "passes"),
        (with(&[("status", json!("unknown")), ("reason", json!("the policy was denied"))]), "refused", "was denied"),
        (with(&[("status", json!("excepted")), ("reason", json!("until spring"))]), "excepted", "until spring"),
        (with(&[("action", Value::Null)]), "refused", "no fix is offered"),
        (with(&[("action", json!("fire"))]), "refused", "`fire` is not an action"),
        (with(&[("action", json!("stop"))]), "refused", "`stop` cannot be done to a resource of type s3_bucket"),
        (with(&[("action", json!({"name": "iam_deactivate_key"}))]), "refused", "AccessKeyId"),
        (with(&[("check", json!("s3_bucket_no_such"))]), "refused", "s3_bucket_no_such"),
        (with(&[("key", json!("s3_bucket_tls:arn:aws:s3:::another"))]), "refused", "its key is not one of"),
        (task(json!("stop"), json!({"action_time": "2999-01-01T00:00:00Z"})), "waiting", "2999-01-01"),
        (task(json!("stop"), json!({"type": "cloudfront"})), "refused", "cloudfront"),
        (task(json!("stop"), vanished), "changed", "no longer exists"),
        (task(json!("start"), nothing.clone()), "already", "nothing is left to do"),
        (task(json!("s3_make_acl_private"), nothing), "refused", "cannot be done to a resource of type ec2"),
    ];
    proxy.reset();
    for apply in [false, true] {
        for (record, status, reason) in &rows {
            let tool = if apply { seen.apply(input([record])) } else { seen.remediate(input([record])) };
            let ran = stage.run(tool);
            let outcome = ran.one(&json!({"kind": "outcome"}));
            assert_eq!(outcome["status"], *status, "{ran}");
            assert!(text(&outcome["reason"]).contains(reason), "{reason}: {outcome}");
            // Who only asks for a plan is told; who says --apply and does not get it has a "no" for an answer. What
            // nobody can do anything about (no fix is offered, not known) is no such thing.
            let denied = apply
                && ["refused", "changed"].contains(status)
                && !["was denied", "no fix is offered"].contains(reason);
            assert_eq!(ran.code(), i32::from(denied), "{ran}");
        }
    }
    assert_eq!(write_names(&proxy), [""; 0]);

    let all: Vec<Value> = rows.iter().map(|(record, ..)| record.clone()).collect();
    let ran = stage.run(seen.apply(ndjson(&all))).exits(1);
    assert_eq!(ran.kind("outcome").len(), rows.len(), "{ran}");
    assert_eq!(write_names(&proxy), [""; 0]);
}

#[test]
fn a_task_that_somebody_typed_is_done() {
    let stage = Stage::of("ec2");
    let instance = resources(&stage.poll()).remove(0);
    let typed = |action: &str| {
        let (account, id) = (&instance["account"], &instance["id"]);
        format!(r#"{{"account":{account},"region":"us-east-1","type":"ec2","id":{id},"action":"{action}"}}"#)
    };
    let state = || resources(&stage.poll())[0]["config"]["State"]["Name"].clone();
    assert_eq!(state(), "running");
    let stopped = stage.run(stage.tool("remediate").arg("--apply").stdin(typed("stop"))).exits(0);
    let outcome = stopped.one(&json!({"kind": "outcome"}));
    assert_eq!((&outcome["status"], &outcome["undo"]["action"]), (&json!("applied"), &json!("start")), "{outcome}");
    assert_eq!(outcome["key"], format!("stop:{}", text(&instance["id"])));
    assert_eq!(state(), "stopped");
    // As the original framework wrote them.
    let tasks = format!(r#"{{"tasks": [{}, {}]}}"#, typed("stop"), typed("start"));
    let both = stage.run(stage.tool("remediate").arg("--apply").stdin(tasks)).exits(0);
    assert_eq!(statuses(&both.records()), ["already", "applied"], "{both}");
    assert_eq!(state(), "running");
}

#[test]
fn what_another_fix_would_mend_is_not_called_mended_before_it_is() {
    let stage = Stage::of("iam_user");
    let mut findings = stage.findings();
    // One password, two findings: either fix mends both.
    findings.retain(|finding| finding["id"] == "sluice-test-password");
    assert_eq!(findings.len(), 2);

    let plan = stage.run(stage.remediate(input(&findings)).arg("--irreversible")).exits(0);
    assert_eq!(statuses(&plan.records()), ["planned"; 2], "{plan}");
    assert_eq!(plan.records()[1]["calls"], json!([]));
    assert!(text(&plan.records()[1]["reason"]).contains("mends this, too"), "{plan}");

    // Once from the findings, once from the plan.
    for (records, then) in [(findings, "failed"), (plan.records(), "changed")] {
        let proxy = Proxy::new(Emulator::shared()).deny("iam:DeleteLoginProfile");
        let seen = stage.through(&proxy);
        let denied = stage.run(seen.apply(input(&records)).arg("--irreversible")).exits(1);
        assert_eq!(statuses(&denied.records()), ["failed", then], "{denied}");
    }
    let alone = stage.run(stage.apply(input(&plan.records()[1..])).arg("--irreversible")).exits(1);
    assert_eq!(statuses(&alone.records()), ["changed"], "what mends it was taken out of the plan\n{alone}");
    let applied = stage.run(stage.apply(plan.stdout.clone()).arg("--irreversible")).exits(0);
    assert_eq!(statuses(&applied.records()), ["applied", "already"], "{applied}");
}
