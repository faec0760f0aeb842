//! Instances.

use serde_json::{Value, json};
use tests::fix::{FIX, Fix, call, goes_there_and_back};
use tests::http::{Request, Response};
use tests::stage::{Stage, input, operations, resources, statuses, undos};
use tests::task::{has_failed, is_done_and_undone, is_killed, task};
use tests::{Emulator, Proxy, Verdict};

use crate::elb::DEV;
use crate::spot_request;

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

#[test]
fn ec2_disassociate_address() {
    goes_there_and_back(&Fix {
        kind: "ec2",
        what: "has an Elastic IP",
        check: "ec2_public_in_dev",
        settings: DEV,
        calls: |instance| {
            let association = &instance["config"]["Addresses"][0]["AssociationId"];
            assert!(association.is_string(), "{instance}");
            call("ec2:DisassociateAddress", &json!({"AssociationId": association}))
        },
        change: |config| {
            config["Addresses"] = json!([]);
            config["PublicIpAddress"] = Value::Null;
            // The emulator keeps an association of nothing.
            config["NetworkInterfaces"][0]["Association"] = json!({"PublicIp": null, "IpOwnerId": null});
        },
        // Each association has an id of its own. That the address is the same is in the finding's key.
        lost: &["Addresses"],
    });
}

/// An account with an instance that has an automatic address, seen as AWS shows one: to the emulator such an address is the
/// account's own.
fn with_automatic_address(settings: &str) -> (Stage, Proxy) {
    let stage = Stage::empty("ec2");
    stage.set(&format!("{settings}\n{DEV}"));
    let run = "Action=RunInstances&Version=2016-11-15&ImageId=ami-12c6146b&MinCount=1&MaxCount=1\
        &NetworkInterface.1.DeviceIndex=0&NetworkInterface.1.AssociatePublicIpAddress=true";
    stage.call("ec2", Request::form(run));
    let account = stage.account.clone();
    let proxy = Proxy::new(Emulator::shared()).rule("ec2:DescribeInstances", move |call| {
        let answer = account.call("ec2", Request::form(call.request.text())).unwrap();
        let own = format!("<ipOwnerId>{}</ipOwnerId>", account.id());
        assert!(answer.text().contains("<ipOwnerId>") || !answer.text().contains("<publicIp>"), "{}", answer.text());
        let text = answer.text().replace(&own, "<ipOwnerId>amazon</ipOwnerId>");
        Verdict::Answer(Response::new(answer.status, text).with("Content-Type", "text/xml"))
    });
    (stage.through(&proxy), proxy)
}

#[test]
fn an_instance_with_an_automatic_address_is_stopped_and_started_again() {
    let (stage, proxy) = with_automatic_address("");
    let findings = stage.audit(stage.poll_all().stdout).matching(&json!({"check": "ec2_public_in_dev"}));
    let [finding] = findings.as_slice() else { panic!("{findings:#?}") };
    assert_eq!(finding["action"], "stop");
    let applied = stage.run(stage.apply(input(&findings))).exits(0).records();
    assert_eq!((statuses(&applied), operations(&applied)), (vec!["applied".into()], vec!["ec2:StopInstances".into()]));
    let stopped = stage.poll_all().kind("resource");
    assert_eq!(stopped[0]["config"]["State"]["Name"], "stopped");
    let undo = stage.tool("remediate").arg("--apply").stdin(applied[0]["undo"].to_string());
    assert_eq!(statuses(&stage.run(undo).exits(0).records()), ["applied"]);
    assert_eq!(stage.poll_all().kind("resource")[0]["config"]["State"]["Name"], "running");
    assert_eq!(proxy.count("ec2:TerminateInstances"), 0);
}

fn halt(instance: &Value) -> String {
    task(instance, &json!("ec2_halt")).to_string()
}

#[test]
fn ec2_halt() {
    let stage = Stage::of("ec2");
    let before = resources(&stage.poll());
    let proxy = Proxy::new(Emulator::shared());
    let seen = stage.through(&proxy);
    let tasks = before.iter().map(halt).collect::<Vec<_>>().join("\n");
    let halted = seen.run(seen.tool("remediate").arg("--apply").stdin(tasks)).exits(0).records();
    assert_eq!(statuses(&halted), vec!["applied"; before.len()], "{halted:#?}");
    assert_eq!(proxy.count("ec2:StopInstances"), 1, "for all");
    let asked = (proxy.count("autoscaling:DescribeAutoScalingGroups"), proxy.count("ec2:DescribeSpotInstanceRequests"));
    assert_eq!(asked, (0, 0), "none is of a group, and none a Spot Instance");
    assert!(resources(&stage.poll()).iter().all(|instance| instance["config"]["State"]["Name"] == "stopped"));

    let undo = seen.tool("remediate").arg("--apply").stdin(input(&undos(&halted)));
    assert_eq!(statuses(&seen.run(undo).exits(0).records()), vec!["applied"; before.len()]);
    let forget = |mut instances: Vec<Value>| {
        for instance in &mut instances {
            instance["config"]["LaunchTime"] = Value::Null;
        }
        instances
    };
    assert_eq!(forget(resources(&stage.poll())), forget(before), "undone, they are as they were");
}

#[test]
fn an_instance_is_disabled_and_enabled_and_killed_for_good() {
    let stage = Stage::of("ec2");
    let before = resources(&stage.poll()).remove(0);
    let state =
        || stage.poll().one(&json!({"kind": "resource", "id": before["id"]}))["config"]["State"]["Name"].clone();
    let run = |arguments: &[&str], task: Value, exit: i32| {
        let tool = stage.tool("remediate").arg("--apply").args(arguments).stdin(task.to_string());
        stage.run(tool).exits(exit).records().remove(0)
    };
    let disabled = run(&[], task(&before, &json!("disable")), 0);
    assert_eq!(
        (&disabled["status"], &disabled["undo"]["action"], state()),
        (&json!("applied"), &json!("start"), json!("stopped"))
    );
    assert_eq!(run(&[], disabled["undo"].clone(), 0)["status"], "applied");
    assert_eq!(state(), "running");

    let kill = task(&before, &json!("kill"));
    assert_eq!((&run(&[], kill.clone(), 1)["status"], state()), (&json!("refused"), json!("running")));
    let killed = run(&["--irreversible"], kill.clone(), 0);
    assert_eq!((&killed["status"], &killed["undo"], state()), (&json!("applied"), &json!(null), json!("terminated")));
    assert_eq!(run(&["--irreversible"], kill, 0)["status"], "already");
}

/// An account with a Spot Instance that runs, seen as AWS shows one: the emulator does not say which request it came from.
fn with_spot_instance(kind: &str) -> (Stage, Proxy) {
    let stage = Stage::empty("ec2");
    spot_request::request(&stage, "1", kind);
    let requests = stage.with_types("spot_request").poll_all().kind("resource");
    let request = tests::stage::text(&requests[0]["id"]);
    let account = stage.account.clone();
    let proxy = Proxy::new(Emulator::shared()).rule("ec2:DescribeInstances", move |call| {
        let answer = account.call("ec2", Request::form(call.request.text())).unwrap();
        let id = format!("<spotInstanceRequestId>{request}</spotInstanceRequestId><imageId>");
        let text = answer.text().replacen("<imageId>", &id, 1);
        Verdict::Answer(Response::new(answer.status, text).with("Content-Type", "text/xml"))
    });
    (stage.through(&proxy), proxy)
}

#[test]
fn a_spot_instance_is_halted_where_its_request_is_persistent_and_there() {
    let (stage, proxy) = with_spot_instance("persistent");
    let before = resources(&stage.poll_all());
    let config = &before[0]["config"];
    assert!(config["SpotInstanceRequestId"].is_string() && config["SpotInstanceRequest"].is_null(), "{before:#?}");
    let halted = stage.run(stage.tool("remediate").arg("--apply").stdin(halt(&before[0]))).exits(0).records();
    assert_eq!((statuses(&halted), &halted[0]["undo"]["action"]), (vec!["applied".into()], &json!("start")));
    assert!(proxy.count("ec2:DescribeSpotInstanceRequests") > 0);

    let (stage, proxy) = with_spot_instance("one-time");
    let instance = resources(&stage.poll_all()).remove(0);
    let refused = stage.run(stage.tool("remediate").arg("--apply").stdin(halt(&instance))).exits(1);
    assert_eq!(statuses(&refused.records()), ["refused"], "{refused}");
    let reason = refused.records()[0]["reason"].to_string();
    assert!(reason.contains("a one-time one, and AWS does not stop it"), "{reason}");
    assert_eq!(proxy.count("ec2:StopInstances"), 0);
    // Where nobody may know, AWS is asked, and has the last word.
    let why = "You can't stop the Spot Instance 'i-1' because it is associated with a one-time Spot Instance request.";
    let proxy =
        proxy.deny("ec2:DescribeSpotInstanceRequests").fail("ec2:StopInstances", 400, "UnsupportedOperation", why);
    let seen = stage.through(&proxy);
    let failed = seen.run(seen.tool("remediate").arg("--apply").stdin(halt(&instance))).exits(1);
    assert_eq!(statuses(&failed.records()), ["failed"], "{failed}");
    assert!(failed.records()[0]["reason"].to_string().contains("one-time Spot Instance request"), "{failed}");
}

#[test]
fn ec2_terminate_is_done_where_the_settings_ask_for_it_and_the_run_allows_it() {
    let (stage, proxy) = with_automatic_address("[checks.ec2_public_in_dev]\naction = \"ec2_terminate\"");
    let findings = stage.audit(stage.poll_all().stdout).matching(&json!({"check": "ec2_public_in_dev"}));
    assert_eq!(findings[0]["action"], "ec2_terminate");
    let refused = stage.run(stage.apply(input(&findings))).exits(1).records();
    assert_eq!((statuses(&refused), proxy.count("ec2:TerminateInstances")), (vec!["refused".into()], 0));

    let applied = stage.run(stage.apply(input(&findings)).arg("--irreversible")).exits(0).records();
    assert_eq!((statuses(&applied), &applied[0]["undo"]), (vec!["applied".into()], &Value::Null));
    assert_eq!(stage.poll_all().kind("resource")[0]["config"]["State"]["Name"], "terminated");
}

#[test]
fn an_instance_that_is_protected_from_termination_is_not_terminated() {
    let (stage, _emulator) = with_automatic_address("[checks.ec2_public_in_dev]\naction = \"ec2_terminate\"");
    let findings = stage.audit(stage.poll_all().stdout).matching(&json!({"check": "ec2_public_in_dev"}));
    // The emulator terminates it all the same.
    let why =
        "The instance may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.";
    let proxy = Proxy::new(Emulator::shared()).fail("ec2:TerminateInstances", 400, "OperationNotPermitted", why);
    let seen = Stage::through(&stage, &proxy);
    let task = json!({"kind": "task", "account": stage.account.id(), "region": "us-east-1", "type": "ec2",
                      "id": findings[0]["id"], "action": "ec2_terminate"});
    let failed = seen.run(seen.tool("remediate").args(["--apply", "--irreversible"]).stdin(task.to_string())).exits(1);
    let outcomes = failed.records();
    assert_eq!(statuses(&outcomes), ["failed"], "{failed}");
    assert!(outcomes[0]["reason"].as_str().unwrap().contains("disableApiTermination"), "{failed}");
    assert_eq!(outcomes[0]["undo"], Value::Null);
}

#[test]
fn where_the_elastic_ips_are_denied_nobody_knows_what_is_on_the_internet_and_all_else_is_judged() {
    let stage = Stage::of("ec2");
    stage.set(DEV);
    let findings = stage.findings();
    let proxy = Proxy::new(Emulator::shared()).deny("ec2:DescribeAddresses");
    let seen = stage.through(&proxy);
    let polled = seen.run(seen.tool("poll").args(["--types", "ec2", "--only-test-resources"])).exits(3);
    assert_eq!(proxy.count("ec2:DescribeAddresses"), 1);
    let audited = seen.run(seen.tool("audit").stdin(polled.stdout)).exits(3);
    let instances = stage.made().len();
    assert_eq!(audited.matching(&json!({"check": "ec2_public_in_dev", "status": "unknown"})).len(), instances);
    assert_eq!(audited.matching(&json!({"check": "ec2_imdsv2", "status": "fail"})).len(), 1);

    let older = findings.into_iter().filter(|finding| finding["check"] == "ec2_public_in_dev").collect::<Vec<_>>();
    let refused = seen.run(seen.apply(input(&older))).exits(1);
    assert_eq!(statuses(&refused.records()), ["refused"], "{refused}");
    assert_eq!(proxy.count("ec2:DisassociateAddress"), 0);
}

/// An account with one instance, and its record.
fn alone() -> (Stage, Value) {
    let stage = Stage::empty("ec2");
    stage.launch("us-east-1", 1);
    let instance = resources(&stage.poll_all()).remove(0);
    (stage, instance)
}

#[test]
fn disable_stops_an_instance_and_starts_it_again() {
    let (stage, instance) = alone();
    // The address that it has from AWS is another each time.
    let lost = ["LaunchTime", "PublicIpAddress", "NetworkInterfaces"];
    let (outcome, between) = is_done_and_undone(&stage, &task(&instance, &json!("disable")), &lost);
    assert_eq!(
        (operations([&outcome]), &outcome["undo"]["action"]),
        (vec!["ec2:StopInstances".into()], &json!("start"))
    );
    assert_eq!(between["config"]["State"]["Name"], "stopped");
}

#[test]
fn kill_terminates_an_instance() {
    let (stage, instance) = alone();
    let outcome = is_killed(&stage, &task(&instance, &json!("kill")));
    assert_eq!(operations([&outcome]), ["ec2:TerminateInstances"]);
    let again = stage.run(stage.apply(input([&task(&instance, &json!("kill"))])).arg("--irreversible")).exits(0);
    assert_eq!(statuses(&again.records()), ["already"], "{again}");
}

#[test]
fn an_instance_that_is_protected_from_termination_is_not_killed() {
    let (stage, instance) = alone();
    // The emulator terminates it all the same.
    let why = format!(
        "The instance '{}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.",
        instance["id"].as_str().unwrap()
    );
    let proxy = Proxy::new(Emulator::shared()).fail("ec2:TerminateInstances", 400, "OperationNotPermitted", &why);
    let outcome = has_failed(&stage.through(&proxy), &task(&instance, &json!("kill")), &why);
    assert_eq!(outcome["undo"], Value::Null);
    assert_eq!(resources(&stage.poll_all()), [instance]);
}
