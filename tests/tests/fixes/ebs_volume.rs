//! Volumes, of which only the tags are asked about; and what is done to them by tasks of a person's own.

use serde_json::{Value, json};
use tests::http::Request;
use tests::stage::{Stage, input, resources, text};
use tests::task::{
    goes_on_where_it_was_cut_off, has_failed, is_done_and_undone, is_killed, is_refused, now, operations, task,
};
use tests::{Emulator, Proxy};

#[test]
fn a_volume_without_a_required_tag_is_found_and_left_alone() {
    let stage = Stage::of("ebs_volume");
    assert!(stage.findings().is_empty(), "nothing is required");
    stage.set("required_tags = [\"Owner\"]");
    let findings = stage.findings();
    let [finding] = findings.as_slice() else { panic!("one volume has no owner: {findings:?}") };
    assert_eq!(finding["arn"], stage.arn("nobody owns it"));
    assert_eq!((&finding["check"], &finding["action"]), (&json!("ebs_volume_required_tags"), &json!(null)));
    assert_eq!(finding["evidence"], json!({"MissingTags": ["Owner"]}));
}

/// The device of the volume that is not the root.
const DATA: &str = "/dev/sdf";

fn ec2(stage: &Stage, form: &str) -> String {
    stage.call("ec2", Request::form(format!("Version=2016-11-15&{form}"))).text()
}

/// What is between two tags of an answer, the first time.
fn field(answer: &str, name: &str) -> String {
    let (_, rest) = answer.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("no {name}: {answer}"));
    rest.split('<').next().unwrap().to_owned()
}

/// An instance with its root volume and another, which goes with it: its id, and the records of both.
fn attached() -> (Stage, String, [Value; 2]) {
    let stage = Stage::empty("ebs_volume");
    let instance = field(&ec2(&stage, "Action=RunInstances&ImageId=ami-12c6146b&MinCount=1&MaxCount=1"), "instanceId");
    let volume = field(&ec2(&stage, "Action=CreateVolume&AvailabilityZone=us-east-1a&Size=1"), "volumeId");
    ec2(&stage, &format!("Action=AttachVolume&VolumeId={volume}&InstanceId={instance}&Device={DATA}"));
    let goes_too = format!("BlockDeviceMapping.1.DeviceName={DATA}&BlockDeviceMapping.1.Ebs.DeleteOnTermination=true");
    ec2(&stage, &format!("Action=ModifyInstanceAttribute&InstanceId={instance}&{goes_too}"));
    let all = resources(&stage.poll_all());
    let (data, root): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|volume| volume["config"]["Attachments"][0]["Device"] == DATA);
    let [root, data] = [root, data].map(|one| one.into_iter().next().unwrap());
    assert_eq!(data["config"]["Attachments"][0]["DeleteOnTermination"], true);
    (stage, instance, [root, data])
}

fn stop(stage: &Stage, instance: &str) {
    ec2(stage, &format!("Action=StopInstances&InstanceId.1={instance}"));
}

fn tag(stage: &Stage, resource: &str, name: &str) {
    ec2(stage, &format!("Action=CreateTags&ResourceId.1={resource}&Tag.1.Key={name}&Tag.1.Value=web"));
}

fn is_stopped(stage: &Stage) -> bool {
    let polled = stage.run(stage.tool("poll").args(["--types", "ec2"])).exits(0);
    polled.kind("resource")[0]["config"]["State"]["Name"] == "stopped"
}

#[test]
fn disable_detaches_a_volume_and_attaches_it_as_it_was() {
    let (stage, instance, [_, data]) = attached();
    let (outcome, between) = is_done_and_undone(&stage, &task(&data, &json!("disable")), &[]);
    let parameters = json!({"VolumeId": data["id"], "InstanceId": instance, "Device": DATA});
    assert_eq!(outcome["calls"][0]["parameters"], parameters);
    assert_eq!((&between["config"]["State"], &between["config"]["Attachments"]), (&json!("available"), &json!([])));
    let undo = json!({
        "name": "ec2_attach_volume", "InstanceId": instance, "Device": DATA, "DeleteOnTermination": true,
    });
    assert_eq!(outcome["undo"]["action"], undo);
    assert!(!is_stopped(&stage));
}

#[test]
fn a_root_device_is_detached_from_a_stopped_instance_alone() {
    let (stage, instance, [root, _]) = attached();
    let disable = task(&root, &json!("disable"));
    is_refused(&stage, &disable, &format!("it is the root device of {instance}, which is running: stop that first"));
    stop(&stage, &instance);
    is_done_and_undone(&stage, &disable, &[]);
}

#[test]
fn kill_stops_the_instance_detaches_the_volume_and_deletes_it() {
    let (stage, _, [root, data]) = attached();
    let outcome = is_killed(&stage, &task(&root, &json!("kill")));
    assert_eq!(operations(&outcome), ["StopInstances", "DetachVolume", "DeleteVolume"]);
    assert!(is_stopped(&stage));
    assert_eq!(now(&stage, &data), Some(data.clone()), "the other one stays where it is");
    let outcome = is_killed(&stage, &task(&data, &json!("kill")));
    assert_eq!(operations(&outcome), ["DetachVolume", "DeleteVolume"]);

    let loose = Stage::of("ebs_volume");
    let volume = resources(&loose.poll()).remove(0);
    assert_eq!(operations(&is_killed(&loose, &task(&volume, &json!("kill")))), ["DeleteVolume"]);
}

#[test]
fn kill_goes_on_where_it_was_cut_off() {
    let (stage, _, [root, _]) = attached();
    goes_on_where_it_was_cut_off(&stage, &task(&root, &json!("kill")));
}

#[test]
fn an_instance_that_must_not_be_stopped_keeps_its_volume() {
    let (stage, instance, [_, data]) = attached();
    let [kill, disable] = ["kill", "disable"].map(|action| task(&data, &json!(action)));
    tag(&stage, &instance, "aws:autoscaling:groupName");
    is_refused(&stage, &kill, &format!("{instance}, which has it, belongs to the Auto Scaling group web"));
    tag(&stage, &instance, "sluice:protect");
    for task in [&kill, &disable] {
        is_refused(&stage, task, &format!("{instance}, which has it, is protected by its tag sluice:protect"));
    }
    stage.set(&format!("[[exceptions]]\narn = \"*:instance/{instance}\"\nreason = \"the till\"\n"));
    for task in [&kill, &disable] {
        is_refused(&stage, task, &format!("{instance}, which has it, is excepted: the till"));
    }
    assert!(!is_stopped(&stage));
}

#[test]
fn nothing_is_taken_from_an_instance_that_nobody_may_look_at() {
    let (stage, _, [_, data]) = attached();
    let proxy = Proxy::new(Emulator::shared()).deny("ec2:DescribeInstances");
    let seen = stage.through(&proxy);
    for action in ["kill", "disable"] {
        let run = seen.run(seen.apply(input([&task(&data, &json!(action))])).arg("--irreversible")).exits(1);
        let outcome = run.one(&json!({"kind": "outcome"}));
        assert_eq!(outcome["status"], "refused", "{run}");
        assert!(text(&outcome["reason"]).contains("`AttachedInstances` could not be read"), "{run}");
    }
    assert_eq!(now(&stage, &data), Some(data.clone()));
}

#[test]
fn what_aws_says_no_to_has_failed() {
    let why = "You are not authorized to perform this operation.";
    for operation in ["ec2:DeleteVolume", "ec2:DetachVolume", "ec2:StopInstances"] {
        let (stage, _, [_, data]) = attached();
        let proxy = Proxy::new(Emulator::shared()).fail(operation, 403, "UnauthorizedOperation", why);
        has_failed(&stage.through(&proxy), &task(&data, &json!("kill")), why);
        assert!(now(&stage, &data).is_some(), "{operation}");
    }
    let (stage, _, [_, data]) = attached();
    let gone = Proxy::new(Emulator::shared()).fail("ec2:DetachVolume", 400, "IncorrectState", "Volume is not attached");
    let outcome = has_failed(&stage.through(&gone), &task(&data, &json!("disable")), "Volume is not attached");
    assert_eq!(outcome["undo"], Value::Null, "there is nothing to undo");
}
