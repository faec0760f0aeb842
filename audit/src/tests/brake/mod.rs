//! The emergency brake: accounts over their limits, at the end of a stream.

mod choice;
mod count;
mod exempt;
mod spend;
mod unseen;
mod within;

use std::sync::atomic::{AtomicU32, Ordering};

use common::settings::Settings;
use serde_json::{Value, json};

use super::{Done, audit_with, lines, scope};

const ACCOUNT: &str = "111122223333";

/// The settings that stand in a file.
fn settings(text: &str) -> Settings {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("sluice-brake-{}-{number}", std::process::id()));
    std::fs::write(&path, text).unwrap();
    let settings = Settings::load(Some(&path));
    std::fs::remove_file(&path).unwrap();
    settings.unwrap()
}

fn limit(instances: u64) -> Settings {
    settings(&format!("[runaway]\nmax_running_instances = {instances}"))
}

fn instance(region: &str, id: &str, state: &str) -> Value {
    json!({
        "kind": "resource", "account": ACCOUNT, "region": region, "type": "ec2", "id": id,
        "arn": format!("arn:aws:ec2:{region}:{ACCOUNT}:instance/{id}"), "tags": {"Owner": "web"},
        "config": {
            "InstanceId": id, "State": {"Name": state}, "RootDeviceType": "ebs", "MetadataOptions": {"HttpTokens": "required"},
            "PublicIpAddress": null, "NetworkInterfaces": [], "Addresses": [],
        },
        "observed_at": "2026-11-20T10:00:00Z",
    })
}

/// So many instances that run, in each of these regions.
fn running(regions: &[&str], each: usize) -> Vec<Value> {
    let in_region = |region: &&str| -> Vec<Value> {
        (0..each).map(|at| instance(region, &format!("i-{region}-{at}"), "running")).collect()
    };
    regions.iter().flat_map(in_region).collect()
}

fn listed(regions: &[&str]) -> Vec<Value> {
    let ok = |region: &&str| {
        let mut scope = scope("ok", "ec2");
        scope["region"] = json!(region);
        scope
    };
    regions.iter().map(ok).collect()
}

fn group() -> Value {
    let arn = format!("arn:aws:autoscaling:eu-west-1:{ACCOUNT}:autoScalingGroup:0f9d-1:autoScalingGroupName/web");
    json!({
        "kind": "resource", "account": ACCOUNT, "region": "eu-west-1", "type": "auto_scaling_group", "id": "web", "arn": arn,
        "config": {"AutoScalingGroupName": "web", "SuspendedProcesses": [], "Status": null},
    })
}

fn user(name: &str) -> Value {
    json!({
        "kind": "resource", "account": ACCOUNT, "region": "global", "type": "iam_user", "id": name,
        "arn": format!("arn:aws:iam::{ACCOUNT}:user/{name}"), "tags": {},
        "config": {
            "UserName": name, "CreateDate": "2020-01-01T00:00:00Z", "PasswordEnabled": true, "MfaActive": true, "AccessKeys": [],
            "PasswordLastChanged": "2026-11-01T00:00:00Z", "PasswordLastUsed": "2026-11-19T00:00:00Z", "UserPolicyList": [],
        },
    })
}

fn role(name: &str) -> Value {
    json!({
        "kind": "resource", "account": ACCOUNT, "region": "global", "type": "iam_role", "id": name,
        "arn": format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
        "config": {"RoleName": name, "Path": "/", "RolePolicyList": [], "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}],
        }},
    })
}

fn brake(settings: &Settings, arguments: &[&str], records: &[Value]) -> Done {
    let arguments = [&["--only", "runaway"], arguments].concat();
    audit_with(settings, &arguments, lines(records).as_bytes())
}

/// The finding of an account.
fn account(done: &Done) -> Value {
    let mut found = done.of_kind("finding");
    found.retain(|finding| finding["check"] == "account_runaway");
    assert_eq!(found.len(), 1, "{}", done.stdout);
    found.remove(0)
}

/// `check id action` of each finding of a resource that fails.
fn halted(done: &Done) -> Vec<String> {
    let found = done.of_kind("finding").into_iter();
    let found = found.filter(|finding| finding["check"] != "account_runaway" && finding["status"] == "fail");
    let action = |finding: &Value| match &finding["action"] {
        Value::String(name) => name.clone(),
        Value::Object(action) => action["name"].as_str().unwrap().to_owned(),
        _ => "-".to_owned(),
    };
    found
        .map(|it| format!("{} {} {}", it["check"].as_str().unwrap(), it["id"].as_str().unwrap(), action(&it)))
        .collect()
}

fn halted_count(done: &Done) -> usize {
    halted(done).len()
}
