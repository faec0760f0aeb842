//! Requests for Spot Instances.

use serde_json::{Value, json};
use tests::http::Request;
use tests::stage::{Stage, input, resources, statuses, text, write_names};
use tests::task::task;
use tests::{Emulator, Proxy};

fn cancel(resources: &[Value]) -> Vec<u8> {
    let tasks: Vec<Value> = resources.iter().map(|it| task(it, &json!("ec2_cancel_spot_request"))).collect();
    input(&tasks)
}

fn states(stage: &Stage) -> Vec<Value> {
    resources(&stage.poll_all()).iter().map(|request| request["config"]["State"].clone()).collect()
}

/// One more request.
pub(crate) fn request(stage: &Stage, price: &str, kind: &str) {
    let about = "LaunchSpecification.ImageId=ami-12c6146b&LaunchSpecification.InstanceType=t3.micro\
        &LaunchSpecification.UserData=bm90IGZvciBhbnlvbmU=";
    let call = format!("Action=RequestSpotInstances&Version=2016-11-15&SpotPrice={price}&Type={kind}&{about}");
    stage.call("ec2", Request::form(call));
}

#[test]
fn open_requests_are_cancelled_by_one_call_and_without_leave_though_nothing_brings_them_back() {
    let stage = Stage::of("spot_request");
    request(&stage, "0.0001", "one-time");
    let polled = stage.poll_all();
    assert!(!polled.text().contains("bm90"), "user data holds secrets\n{polled}");
    let before = resources(&polled);
    assert_eq!(states(&stage), ["open", "open"], "{polled}");

    let proxy = Proxy::new(Emulator::shared());
    let seen = stage.through(&proxy);
    let plan = seen.run(seen.tool("remediate").stdin(cancel(&before))).exits(0);
    assert_eq!(statuses(&plan.records()), ["planned", "planned"], "{plan}");
    assert_eq!((write_names(&proxy), resources(&stage.poll_all())), (Vec::new(), before.clone()));

    let applied = seen.run(seen.tool("remediate").arg("--apply").stdin(plan.stdout)).exits(0);
    assert_eq!(statuses(&applied.records()), ["applied", "applied"], "{applied}");
    for (outcome, request) in applied.records().iter().zip(&before) {
        let call = &outcome["calls"][0];
        assert_eq!(call["operation"], "ec2:CancelSpotInstanceRequests");
        assert_eq!(call["parameters"], json!({"SpotInstanceRequestIds": [request["id"]]}));
        assert_eq!(outcome["undo"], Value::Null);
    }
    assert_eq!(proxy.count("ec2:CancelSpotInstanceRequests"), 1, "for both");
    assert_eq!(states(&stage), ["cancelled", "cancelled"]);
    let twice = seen.run(seen.tool("remediate").arg("--apply").stdin(cancel(&before))).exits(0);
    assert_eq!(statuses(&twice.records()), ["already", "already"], "{twice}");
}

#[test]
fn a_request_whose_instance_could_not_be_stopped_then_is_cancelled_with_leave_alone() {
    let stage = Stage::empty("spot_request");
    request(&stage, "1", "persistent");
    let before = resources(&stage.poll_all());
    assert_eq!(states(&stage), ["active"]);
    let refused = stage.run(stage.tool("remediate").arg("--apply").stdin(cancel(&before))).exits(1);
    assert_eq!((statuses(&refused.records()), states(&stage)), (vec!["refused".into()], vec![json!("active")]));
    let why = "neither stopped nor, once it is stopped, started again: it needs --irreversible";
    assert!(text(&refused.records()[0]["reason"]).contains(why), "{refused}");

    let with_leave = stage.tool("remediate").args(["--apply", "--irreversible"]).stdin(cancel(&before));
    assert_eq!(statuses(&stage.run(with_leave).exits(0).records()), ["applied"]);
    assert_eq!(states(&stage), ["cancelled"]);
}

#[test]
fn a_request_that_is_not_there_and_one_that_may_not_be_cancelled_are_said() {
    let stage = Stage::of("spot_request");
    let before = resources(&stage.poll_all());
    let mut gone = before[0].clone();
    gone["id"] = json!("sir-00000000");
    gone["arn"] = Value::Null;
    let outcomes = stage.run(stage.tool("remediate").arg("--apply").stdin(cancel(&[gone]))).exits(1).records();
    assert_eq!(statuses(&outcomes), ["changed"], "{outcomes:#?}");

    let proxy = Proxy::new(Emulator::shared()).deny("ec2:CancelSpotInstanceRequests");
    let seen = stage.through(&proxy);
    let failed = seen.run(seen.tool("remediate").arg("--apply").stdin(cancel(&before))).exits(1);
    assert_eq!((statuses(&failed.records()), states(&stage)), (vec!["failed".into()], vec![json!("open")]), "{failed}");
}
