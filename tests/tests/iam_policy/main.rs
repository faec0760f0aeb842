//! What `--iam-policy` prints: enough for all that a tool does, and not more than it does.
//!
//! `recorded` holds the policies against the calls that come out of the machine, `enforced` lets an emulator that asks for
//! permissions judge them. Both go through all types and all actions that there are; `asked` goes through the events that take a
//! question.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod asked;
mod enforced;
mod queue;
mod recorded;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use common::resource::ResourceType;
use serde_json::{Value, json};
use tests::http::Request;
use tests::iam::Iam;
use tests::stage::{NOW, input, json_request, text, undos};
use tests::{Account, Ran, Tool};

/// As much as there is to do.
const WITHOUT_LIMITS: [&str; 5] = ["--irreversible", "--max-actions", "1000", "--max-percent", "100"];

/// The types that are there: those that have a look at one.
fn types() -> impl Iterator<Item = ResourceType> {
    ResourceType::ALL.iter().copied().filter(|kind| !poll::look_calls(*kind).is_empty())
}

/// The actions on a type.
fn actions(kind: ResourceType) -> BTreeSet<&'static str> {
    remediate::calls().filter(|(of, ..)| *of == kind).map(|(_, action, _)| action).collect()
}

/// What a tool prints with these arguments and `--iam-policy`, which asks AWS nothing.
fn printed(tool: &str, arguments: &[&str]) -> Value {
    let ran = Tool::new(tool).args(arguments).arg("--iam-policy").run().exits(0);
    serde_json::from_str(&ran.text()).unwrap_or_else(|error| panic!("{error}\n{ran}"))
}

/// The permissions of a policy.
fn permissions(policy: &Value) -> BTreeSet<String> {
    let statements = policy["Statement"].as_array().unwrap();
    statements.iter().flat_map(|statement| statement["Action"].as_array().unwrap()).map(text).collect()
}

/// Fills an account with all that is made of these types, and with what is its owner's to set up: an organization, a trail
/// and a detector.
fn misconfigure(account: &Account, types: &str) {
    let bucket = format!("trail-{}", account.id());
    let trail = json!({"Name": "all", "S3BucketName": bucket});
    for (service, request) in [
        ("organizations", json_request("AWSOrganizationsV20161128.CreateOrganization", &json!({"FeatureSet": "ALL"}))),
        ("guardduty", Request::new("POST", "/detector").body(json!({"enable": true}).to_string())),
        ("s3", Request::new("PUT", &format!("/{bucket}"))),
        ("cloudtrail", json_request("CloudTrail_20131101.CreateTrail", &trail)),
    ] {
        let answer = account.call(service, request).unwrap();
        assert!(answer.status < 300, "{service}: {answer:?}");
    }
    let _ = account.tool("misconfigure").args(["--types", types]).run().exits(0);
}

/// Makes by hand what the misconfiguration maker does not, and some actions are about.
fn equip(account: &Account, kind: ResourceType) {
    let call = |service: &str, request: Request| -> String {
        let answer = account.call(service, request).unwrap();
        assert!(answer.status < 300, "{service}: {answer:?}");
        answer.text()
    };
    match kind {
        // A volume on an instance that runs, which goes with it.
        ResourceType::EbsVolume => {
            let run = "Action=RunInstances&Version=2016-11-15&ImageId=ami-12c6146b&MinCount=1&MaxCount=1";
            let instance = call("ec2", Request::form(run));
            let field = |name: &str| instance.split(&format!("<{name}>")).nth(1).unwrap().split('<').next().unwrap();
            let volume =
                call("ec2", Request::form("Action=CreateVolume&Version=2016-11-15&AvailabilityZone=us-east-1a&Size=1"));
            let volume = volume.split("<volumeId>").nth(1).unwrap().split('<').next().unwrap().to_owned();
            let id = field("instanceId");
            let attach = format!("VolumeId={volume}&InstanceId={id}&Device=/dev/sdf");
            call("ec2", Request::form(format!("Action=AttachVolume&Version=2016-11-15&{attach}")));
            let mapping = "BlockDeviceMapping.1.DeviceName=/dev/sdf&BlockDeviceMapping.1.Ebs.DeleteOnTermination=true";
            let modify = format!("Action=ModifyInstanceAttribute&Version=2016-11-15&InstanceId={id}&{mapping}");
            call("ec2", Request::form(modify));
        }
        // A bucket with an object and half of another.
        ResourceType::S3Bucket => {
            let bucket = format!("filled-{}", account.id());
            call("s3", Request::new("PUT", &format!("/{bucket}")));
            call("s3", Request::new("PUT", &format!("/{bucket}/object")).body("x"));
            call("s3", Request::new("POST", &format!("/{bucket}/half?uploads")));
        }
        ResourceType::IamUser | ResourceType::IamRole | ResourceType::IamGroup | ResourceType::IamPolicy => {
            Iam(account).all();
        }
        _ => {}
    }
}

fn poll(account: &Account, types: &str) -> Tool {
    account.tool("poll").args(["--types", types])
}

fn audit(account: &Account, resources: &[u8]) -> Ran {
    configured(account, "audit").stdin(resources).run().exits(0)
}

fn remediate(account: &Account, records: impl Into<Vec<u8>>) -> Tool {
    configured(account, "remediate").args(WITHOUT_LIMITS).stdin(records)
}

/// A tool in an account for development, of whose resources everything is asked, with each fix switched on.
fn configured(account: &Account, tool: &str) -> Tool {
    let tool = account.tool(tool);
    let path = tool.home().join("sluice.toml");
    if !path.exists() {
        let mut settings = format!("required_tags = [\"Owner\"]\n[accounts.\"{}\"]\ndev = true\n", account.id());
        for check in Tool::new("audit").arg("--list-checks").run().exits(0).records() {
            let _ = write!(settings, "[checks.{}]\nfix = true\n", text(&check["id"]));
        }
        fs::write(&path, settings).unwrap();
    }
    tool.args(["--config".into(), path]).args(["--now", NOW])
}

/// What came of plans, of their application and of the undo of that.
#[derive(Default)]
struct Remediated {
    planned: Vec<Value>,
    applied: Vec<Value>,
    undone: Vec<Value>,
}

/// Takes the whole way with findings or tasks, under whatever the account may do: one action after the other, since a
/// database that was stopped by one of them takes no other.
fn there_and_back(account: &Account, records: &[Value]) -> Remediated {
    let mut actions: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for record in records {
        let name = record["action"].as_str().or(record["action"]["name"].as_str()).unwrap();
        actions.entry(name.to_owned()).or_default().push(record);
    }
    let mut all = Remediated::default();
    for records in actions.into_values() {
        let plan = remediate(account, input(records)).run();
        let applied = remediate(account, plan.stdout.clone()).arg("--apply").run();
        let undone = remediate(account, input(&undos(&applied.kind("outcome")))).arg("--apply").run();
        all.planned.extend(plan.kind("outcome"));
        all.applied.extend(applied.kind("outcome"));
        all.undone.extend(undone.kind("outcome"));
    }
    all
}

/// A task for each resource of a type: the action, as the resource's record makes it.
fn task(resource: &Value, action: &Value) -> Value {
    json!({
        "kind": "task", "account": resource["account"], "region": resource["region"], "type": resource["type"],
        "id": resource["id"], "arn": resource["arn"], "action": action,
    })
}
