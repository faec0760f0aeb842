//! Auto Scaling groups, and the instances that they would bring back.

use common::resource::auto_scaling_group::REPLACING;
use serde_json::{Value, json};
use tests::http::Request;
use tests::stage::{Stage, input, resources, sorted, statuses, text, undos, write_names};
use tests::task::task;
use tests::{Emulator, Proxy};

fn suspend() -> Value {
    json!({"name": "asg_suspend", "ScalingProcesses": REPLACING})
}

/// The only group.
fn group(stage: &Stage) -> Value {
    let group = resources(&stage.poll_all()).into_iter().find(|record| record["type"] == "auto_scaling_group");
    group.unwrap()
}

/// The group's instances.
fn instances(stage: &Stage) -> Vec<Value> {
    let group = group(stage);
    let ids = sorted(group["config"]["Instances"].as_array().unwrap().iter().map(|it| text(&it["InstanceId"])));
    assert_eq!(ids.len(), 2, "{group}");
    let of_it = |record: &Value| ids.iter().any(|id| record["id"] == id.as_str());
    resources(&stage.poll_all()).into_iter().filter(of_it).collect()
}

fn states(instances: &[Value]) -> Vec<String> {
    instances.iter().map(|instance| text(&instance["config"]["State"]["Name"])).collect()
}

fn processes(names: &[&str]) -> Value {
    json!(names.iter().map(|name| json!({"ProcessName": name})).collect::<Vec<_>>())
}

/// What else is in a record of a group, which nothing here may change.
fn without_processes(mut group: Value) -> Value {
    group["config"]["SuspendedProcesses"] = Value::Null;
    group
}

fn forget_launch(mut instances: Vec<Value>) -> Vec<Value> {
    for instance in &mut instances {
        instance["config"]["LaunchTime"] = Value::Null;
    }
    instances
}

#[test]
fn a_group_is_suspended_and_resumed_save_for_what_was_suspended_before() {
    let stage = Stage::of("auto_scaling_group");
    let call = "Action=SuspendProcesses&Version=2011-01-01&AutoScalingGroupName=sluice-test-group\
        &ScalingProcesses.member.1=HealthCheck&ScalingProcesses.member.2=AddToLoadBalancer";
    stage.call("autoscaling", Request::form(call));
    let before = group(&stage);
    assert_eq!(before["config"]["SuspendedProcesses"], processes(&["AddToLoadBalancer", "HealthCheck"]));

    let proxy = Proxy::new(Emulator::shared());
    let tasks = input(&[task(&before, &suspend())]);
    let plan = stage.run(stage.through(&proxy).tool("remediate").stdin(tasks.clone())).exits(0);
    let parameters = json!({
        "AutoScalingGroupName": "sluice-test-group",
        "ScalingProcesses": REPLACING.iter().filter(|name| **name != "HealthCheck").collect::<Vec<_>>(),
    });
    let calls = json!([{"operation": "autoscaling:SuspendProcesses", "parameters": parameters}]);
    assert_eq!((statuses(&plan.records()), &plan.records()[0]["calls"]), (vec!["planned".into()], &calls), "{plan}");
    assert_eq!((write_names(&proxy), group(&stage)), (Vec::new(), before.clone()), "a plan changes nothing");

    let applied = stage.run(stage.tool("remediate").arg("--apply").stdin(plan.stdout)).exits(0);
    assert_eq!(statuses(&applied.records()), ["applied"], "{applied}");
    let suspended = group(&stage);
    let all = [&REPLACING[..], &["AddToLoadBalancer"]].concat();
    assert_eq!(suspended["config"]["SuspendedProcesses"], processes(&sorted(all)));
    assert_eq!(without_processes(suspended), without_processes(before.clone()), "its size and its instances stay");
    let twice = stage.run(stage.tool("remediate").arg("--apply").stdin(tasks)).exits(0);
    assert_eq!(statuses(&twice.records()), ["already"], "{twice}");

    let undo = input(&undos(&applied.records()));
    let undone = stage.run(stage.tool("remediate").arg("--apply").stdin(undo.clone())).exits(0);
    assert_eq!(statuses(&undone.records()), ["applied"], "{undone}");
    assert_eq!(group(&stage), before, "undone, it is as it was");
    let twice = stage.run(stage.tool("remediate").arg("--apply").stdin(undo)).exits(0);
    assert_eq!(statuses(&twice.records()), ["already"], "{twice}");
}

#[test]
fn instances_are_halted_behind_their_group_and_started_before_it() {
    let stage = Stage::of("auto_scaling_group");
    let stage = stage.with_types("auto_scaling_group,ec2");
    let (group_before, before) = (group(&stage), instances(&stage));
    let proxy = Proxy::new(Emulator::shared());
    let seen = stage.through(&proxy);
    let halts: Vec<Value> = before.iter().map(|instance| task(instance, &json!("ec2_halt"))).collect();

    // A group that is not suspended would terminate and replace them.
    let refused = seen.run(seen.tool("remediate").arg("--apply").stdin(input(&halts))).exits(1);
    assert_eq!(statuses(&refused.records()), ["refused", "refused"], "{refused}");
    let why = "its Auto Scaling group sluice-test-group is not suspended, and would terminate and replace it";
    assert!(refused.records().iter().all(|outcome| outcome["reason"] == why), "{refused}");
    assert_eq!(write_names(&proxy), [""; 0]);

    // Whichever stands first: the group goes first. One call for its instances.
    let all = [&halts[..], &[task(&group_before, &suspend())]].concat();
    let applied = seen.run(seen.tool("remediate").arg("--apply").stdin(input(&all))).exits(0);
    assert_eq!(statuses(&applied.records()), ["applied"; 3], "{applied}");
    let order: Vec<String> = tests::stage::writes(&proxy).iter().map(tests::Call::name).collect();
    assert_eq!(order, ["autoscaling:SuspendProcesses", "ec2:StopInstances"]);
    assert_eq!(states(&instances(&stage)), ["stopped", "stopped"]);
    assert_eq!(without_processes(group(&stage)), without_processes(group_before.clone()), "nothing came or went");

    // Resumed now, it would do what it was kept from.
    let undos = undos(&applied.records());
    let resume: Vec<&Value> = undos.iter().filter(|undo| undo["type"] == "auto_scaling_group").collect();
    let refused = seen.run(seen.tool("remediate").arg("--apply").stdin(input(resume.clone()))).exits(1);
    assert_eq!(statuses(&refused.records()), ["refused"], "{refused}");
    assert!(text(&refused.records()[0]["reason"]).contains("is stopped, and so are 1 more"), "{refused}");
    assert_eq!(proxy.count("autoscaling:ResumeProcesses"), 0);

    // Whichever stands first: it goes last.
    let starts = undos.iter().filter(|undo| undo["type"] == "ec2");
    let undone = resume.into_iter().chain(starts);
    let undone = seen.run(seen.tool("remediate").arg("--apply").stdin(input(undone))).exits(0);
    assert_eq!(statuses(&undone.records()), ["applied"; 3], "{undone}");
    assert_eq!(group(&stage), group_before, "undone, it is as it was");
    assert_eq!(forget_launch(instances(&stage)), forget_launch(before));
    assert_eq!(proxy.count("ec2:TerminateInstances"), 0);
}

#[test]
fn where_nobody_may_know_nothing_is_halted_or_resumed() {
    let stage = Stage::of("auto_scaling_group");
    let stage = stage.with_types("auto_scaling_group,ec2");
    let halts: Vec<Value> = instances(&stage).iter().map(|instance| task(instance, &json!("ec2_halt"))).collect();
    let blind = Proxy::new(Emulator::shared()).deny("autoscaling:DescribeAutoScalingGroups");
    let seen = stage.through(&blind);
    let refused = seen.run(seen.tool("remediate").arg("--apply").stdin(input(&halts))).exits(1);
    assert_eq!(statuses(&refused.records()), ["refused", "refused"], "{refused}");
    let why = "`AutoScalingGroup` could not be read (autoscaling:DescribeAutoScalingGroups: AccessDenied)";
    assert!(text(&refused.records()[0]["reason"]).contains(why), "{refused}");
    assert_eq!(write_names(&blind), [""; 0]);

    let group = group(&stage);
    let suspended = stage.tool("remediate").arg("--apply").stdin(input(&[task(&group, &suspend())]));
    let undos = undos(&stage.run(suspended).exits(0).records());
    let blind = Proxy::new(Emulator::shared()).deny("ec2:DescribeInstances");
    let seen = stage.through(&blind);
    let refused = seen.run(seen.tool("remediate").arg("--apply").stdin(input(&undos))).exits(1);
    assert_eq!(statuses(&refused.records()), ["refused"], "{refused}");
    assert!(text(&refused.records()[0]["reason"]).contains("`Instances` could not be read"), "{refused}");
    assert_eq!(write_names(&blind), [""; 0]);
}
