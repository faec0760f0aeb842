//! The brake: a runaway account is found, halted, told of and let go again, through the real tools.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::http::Request;
use tests::iam::Iam;
use tests::stage::{Stage, input, resources, statuses, text, write_names, writes};
use tests::{Call, Emulator, Proxy, Ran, Verdict};

const TYPES: &str = "ec2,auto_scaling_group,spot_request,iam_user,iam_role";

/// An account with instances in two regions, a group that keeps two of its own, and people.
struct Runaway(Stage);

impl Runaway {
    /// `single` instances in each of two regions, beside the two of the group.
    fn with(single: usize) -> Self {
        let stage = Stage::empty(TYPES);
        for region in ["us-east-1", "eu-west-1"] {
            stage.launch(region, single);
        }
        let asg = "Version=2011-01-01&AutoScalingGroupName=web";
        let configuration = "LaunchConfigurationName=web&ImageId=ami-12c6146b&InstanceType=t3.micro";
        for form in [
            format!("Version=2011-01-01&Action=CreateLaunchConfiguration&{configuration}"),
            format!(
                "{asg}&Action=CreateAutoScalingGroup&LaunchConfigurationName=web&MinSize=2&MaxSize=4&DesiredCapacity=2\
                 &AvailabilityZones.member.1=us-east-1a"
            ),
        ] {
            stage.call("autoscaling", Request::form(form));
        }
        let trust = |principal: Value| {
            json!({"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"},
            ]})
            .to_string()
        };
        let people = trust(json!({"AWS": format!("arn:aws:iam::{}:root", stage.account.id())}));
        let service = trust(json!({"Service": "ec2.amazonaws.com"}));
        let iam = Iam(&stage.account);
        for user in ["thief", "break-glass"] {
            iam.call("CreateUser", &[("UserName", user)]);
            iam.call("CreateAccessKey", &[("UserName", user)]);
            iam.call("CreateLoginProfile", &[("UserName", user), ("Password", "Correct-Horse-7")]);
        }
        for (role, trust) in [("people", people), ("service", service)] {
            iam.call("CreateRole", &[("RoleName", role), ("AssumeRolePolicyDocument", &trust)]);
        }
        Self(stage)
    }

    /// `max_running_instances`, and who is spared.
    fn limit(&self, most: usize) {
        self.0.set(&format!(
            "[runaway]\nmax_running_instances = {most}\n[[exceptions]]\ncheck = \"iam_user_runaway\"\n\
             id = \"break-glass\"\nreason = \"for the day that this is for\"\n"
        ));
    }

    fn poll(&self) -> Ran {
        let stage = &self.0;
        stage.run(stage.tool("poll").args(["--types", TYPES, "--regions", "us-east-1,eu-west-1"])).exits(0)
    }

    fn findings(&self) -> Ran {
        let polled = self.poll();
        self.0.run(self.0.tool("audit").args(["--only", "runaway"]).stdin(polled.stdout))
    }

    /// How many instances are in each state.
    fn instances(&self) -> BTreeMap<String, usize> {
        let mut states = BTreeMap::new();
        for instance in self.poll().matching(&json!({"kind": "resource", "type": "ec2"})) {
            *states.entry(text(&instance["config"]["State"]["Name"])).or_default() += 1;
        }
        states
    }
}

/// Without what a start brings anew: its time, and the automatic addresses on the internet.
fn but_for_the_start(mut records: Vec<Value>) -> Vec<Value> {
    for record in records.iter_mut().filter(|record| record["type"] == "ec2") {
        let config = &mut record["config"];
        (config["LaunchTime"], config["PublicIpAddress"]) = (Value::Null, Value::Null);
        for interface in config["NetworkInterfaces"].as_array_mut().unwrap() {
            interface["Association"] = Value::Null;
        }
    }
    records
}

#[test]
fn at_the_limit_nothing_happens_and_one_above_everything_does() {
    // Three in each region, and two of the group.
    let runaway = Runaway::with(3);
    let stage = &runaway.0;
    runaway.limit(8);
    let within = runaway.findings().exits(0);
    assert!(within.kind("finding").is_empty(), "{within}");

    runaway.limit(7);
    let before = but_for_the_start(resources(&runaway.poll()));
    let found = runaway.findings().exits(0).says("8 instances");
    let proxy = Proxy::new(Emulator::shared());
    // Without a word about --max-actions: the settings' limit is the word.
    let halted = stage.run(stage.through(&proxy).tool("remediate").arg("--apply").stdin(found.stdout.clone())).exits(0);
    let outcomes = halted.records();
    let of = |check: &str| -> Vec<(String, String)> {
        let mut of: Vec<_> = outcomes
            .iter()
            .filter(|outcome| outcome["check"] == check)
            .map(|outcome| (text(&outcome["id"]), text(&outcome["status"])))
            .collect();
        of.sort();
        of
    };
    let applied = |ids: &[&str]| -> Vec<(String, String)> {
        ids.iter().map(|id| ((*id).to_owned(), "applied".to_owned())).collect()
    };
    assert!(of("ec2_runaway").iter().all(|(_, status)| status == "applied"), "{halted}");
    assert_eq!(of("ec2_runaway").len(), 8, "{halted}");
    assert_eq!(of("auto_scaling_group_runaway"), applied(&["web"]), "{halted}");
    let users = of("iam_user_runaway");
    assert_eq!(users, [("break-glass".into(), "excepted".into()), ("thief".into(), "applied".into())], "{halted}");
    assert_eq!(of("iam_role_runaway"), applied(&["people"]), "{halted}");
    let made: Vec<String> = writes(&proxy).iter().map(Call::name).collect();
    assert_eq!(made[0], "autoscaling:SuspendProcesses", "what would start them again goes first: {made:?}");
    assert_eq!(made.iter().filter(|call| *call == "ec2:StopInstances").count(), 2, "one a region: {made:?}");
    assert_eq!(runaway.instances(), BTreeMap::from([("stopped".to_owned(), 8)]));

    // Five minutes later nothing runs, and nothing is done.
    let again = runaway.findings().exits(0);
    assert!(again.kind("finding").is_empty(), "{again}");

    // A person lets all go again: the group last, which would otherwise replace what does not run yet.
    let undos: Vec<Value> =
        outcomes.iter().map(|outcome| outcome["undo"].clone()).filter(|undo| !undo.is_null()).collect();
    let proxy = Proxy::new(Emulator::shared());
    let undo = stage.through(&proxy).tool("remediate").args(["--apply", "--max-actions", "100"]).stdin(input(&undos));
    let undone = stage.run(undo).exits(0);
    assert_eq!(statuses(&undone.records()), vec!["applied"; undos.len()], "{undone}");
    assert_eq!(writes(&proxy).last().map(Call::name).as_deref(), Some("autoscaling:ResumeProcesses"));
    assert_eq!(but_for_the_start(resources(&runaway.poll())), before);
}

#[test]
fn without_leave_to_stop_each_instance_is_failed() {
    let runaway = Runaway::with(2);
    let stage = &runaway.0;
    runaway.limit(0);
    let found = runaway.findings().exits(0);
    let proxy = Proxy::new(Emulator::shared()).deny("ec2:StopInstances");
    let halted = stage.run(stage.through(&proxy).tool("remediate").arg("--apply").stdin(found.stdout)).exits(1);
    let outcomes = halted.matching(&json!({"check": "ec2_runaway"}));
    assert_eq!(statuses(&outcomes), ["failed"; 6], "{halted}");
    assert_eq!(runaway.instances(), BTreeMap::from([("running".to_owned(), 6)]));
}

#[test]
fn a_group_that_could_not_be_suspended_keeps_its_instances() {
    let runaway = Runaway::with(1);
    let stage = &runaway.0;
    runaway.limit(0);
    let found = runaway.findings().exits(0);
    let proxy = Proxy::new(Emulator::shared()).deny("autoscaling:SuspendProcesses");
    let halted = stage.run(stage.through(&proxy).tool("remediate").arg("--apply").stdin(found.stdout)).exits(1);
    let mut outcomes = statuses(&halted.matching(&json!({"check": "ec2_runaway"})));
    outcomes.sort();
    // It would terminate them, and start others.
    assert_eq!(outcomes, ["applied", "applied", "refused", "refused"], "{halted}");
    assert_eq!(runaway.instances(), BTreeMap::from([("running".to_owned(), 2), ("stopped".to_owned(), 2)]));
}

#[test]
fn more_than_twenty_are_halted_and_the_limits_hold_for_all_else() {
    let runaway = Runaway::with(12);
    let stage = &runaway.0;
    runaway.limit(3);
    let found = runaway.findings().exits(0);
    let halted = stage.run(stage.tool("remediate").arg("--apply").stdin(found.stdout.clone())).exits(0);
    assert_eq!(statuses(&halted.matching(&json!({"check": "ec2_runaway"}))), ["applied"; 26], "{halted}");

    // What else is to be done to the same instances is not the brake's, nor what somebody writes into its findings.
    let other = Runaway::with(12);
    let stage = &other.0;
    other.limit(3);
    let found = other.findings().exits(0);
    let halts = found.matching(&json!({"check": "ec2_runaway", "kind": "finding"}));
    let task = |halt: &Value| json!({"arn": halt["arn"], "action": "kill"});
    let tasks: Vec<Value> = halts.iter().map(task).collect();
    let edited = halts.iter().cloned().map(|mut halt| {
        halt["action"] = json!("ec2_terminate");
        halt
    });
    let edited: Vec<Value> = edited.collect();
    let irreversible =
        |records: &[Value]| stage.tool("remediate").args(["--apply", "--irreversible"]).stdin(input(records));
    let held = stage.run(irreversible(&edited)).exits(1);
    assert_eq!(statuses(&held.records()), ["planned"; 26], "{held}");
    let both = stage.run(irreversible(&[tasks, found.kind("finding")].concat())).exits(1);
    assert_eq!(statuses(&both.matching(&json!({"check": "ec2_runaway"}))), ["applied"; 26], "{both}");
    let held = both.matching(&json!({"action": "kill"}));
    assert_eq!(statuses(&held), ["planned"; 26], "{both}");
    assert_eq!(other.instances(), BTreeMap::from([("stopped".to_owned(), 26)]));

    // Where these settings have no limit, nobody has said that so much may be done.
    let free = Runaway::with(12);
    free.limit(3);
    let found = free.findings().exits(0);
    free.0.set("");
    let held = free.0.run(free.0.tool("remediate").arg("--apply").stdin(found.stdout)).exits(1);
    assert!(held.stderr.contains("--max-actions"), "{held}");
    assert_eq!(free.instances(), BTreeMap::from([("running".to_owned(), 26)]));
}

#[test]
fn a_rehearsal_and_a_pass_halt_nothing() {
    let runaway = Runaway::with(1);
    let stage = &runaway.0;
    runaway.limit(0);
    let polled = runaway.poll().stdout;
    let audit = || stage.tool("audit").args(["--only", "runaway"]).stdin(polled.clone());
    let plan = stage.run(audit().args(["--halt", "plan"])).exits(0);
    assert!(!plan.kind("finding").is_empty() && plan.kind("finding").iter().all(|it| it["action"].is_null()), "{plan}");
    let pass = stage.run(audit().env("envaction", "pass")).exits(0);
    assert!(pass.kind("finding").is_empty(), "{pass}");
    for findings in [plan.stdout, pass.stdout] {
        let proxy = Proxy::new(Emulator::shared());
        let ran = stage.run(stage.through(&proxy).tool("remediate").arg("--apply").stdin(findings)).exits(0);
        assert_eq!(write_names(&proxy), [""; 0], "{ran}");
    }
    assert_eq!(runaway.instances(), BTreeMap::from([("running".to_owned(), 4)]));
}

#[test]
fn all_regions_are_counted_at_once() {
    const REGIONS: &str = "us-east-1,us-east-2,us-west-1,us-west-2,ap-south-1,ap-northeast-1,ap-northeast-2,ap-northeast-3,\
                           ap-southeast-1,ap-southeast-2,ca-central-1,eu-central-1,eu-west-1,eu-west-2,eu-west-3,eu-north-1,sa-east-1";
    let count = REGIONS.split(',').count();
    assert_eq!(count, 17);
    let stage = Stage::empty("ec2");
    // No region is answered before all have been asked, so that one after the other nobody would be.
    let (asked, in_vain) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (all, late) = (Arc::clone(&asked), Arc::clone(&in_vain));
    let proxy = Proxy::new(Emulator::shared()).rule("ec2:DescribeInstances", move |_| {
        all.fetch_add(1, Ordering::SeqCst);
        let end = Instant::now() + Duration::from_secs(20);
        while all.load(Ordering::SeqCst) < count {
            if Instant::now() > end {
                late.fetch_add(1, Ordering::SeqCst);
                break;
            }
            sleep(Duration::from_millis(5));
        }
        Verdict::Pass
    });
    let polled = stage.run(stage.through(&proxy).tool("poll").args(["--types", "ec2", "--regions", REGIONS])).exits(0);
    assert_eq!(polled.kind("scope").len(), count, "{polled}");
    assert_eq!(in_vain.load(Ordering::SeqCst), 0, "a region waited for another");
}

#[test]
fn no_region_is_over_by_itself_and_all_together_are() {
    // The original's own recipe: three instances in each of three regions, and a limit of four.
    const REGIONS: &str = "us-east-1,eu-west-1,ap-south-1";
    let stage = Stage::empty("ec2");
    for region in REGIONS.split(',') {
        stage.launch(region, 3);
    }
    stage.set("[runaway]\nmax_running_instances = 4\n");
    let poll = || stage.run(stage.tool("poll").args(["--types", "ec2", "--regions", REGIONS])).exits(0);
    let found = stage.run(stage.tool("audit").args(["--only", "runaway"]).stdin(poll().stdout)).exits(0);
    let halted = stage.run(stage.tool("remediate").arg("--apply").stdin(found.stdout)).exits(0);
    assert_eq!(statuses(&halted.matching(&json!({"check": "ec2_runaway"}))), ["applied"; 9], "{halted}");
    let left = poll();
    assert!(left.kind("resource").iter().all(|it| it["config"]["State"]["Name"] == "stopped"), "{left}");
}

#[test]
fn a_thousand_instances_in_ten_accounts_are_halted_but_for_the_one_that_may() {
    let stages: Vec<Stage> = (0..10).map(|_| Stage::empty("ec2")).collect();
    for stage in &stages {
        stage.launch("us-east-1", 100);
    }
    let own = &stages[0];
    let ids: Vec<&str> = stages.iter().map(|stage| stage.account.id()).collect();
    let spared = ids[9];
    own.set(&format!("[runaway]\nmax_running_instances = 60\n[accounts.\"{spared}\"]\nmax_running_instances = 100\n"));
    let tool = |stage: &Stage, name| stage.tool(name).args(["--role", "sluice"]);
    let polled = own.run(tool(own, "poll").args(["--types", "ec2", "--accounts", &ids.join(",")])).exits(0);
    let found = own.run(own.tool("audit").args(["--only", "runaway"]).stdin(polled.stdout)).exits(0);
    assert_eq!(found.matching(&json!({"check": "account_runaway", "status": "fail"})).len(), 9, "{found}");
    let proxy = Proxy::new(Emulator::shared());
    let seen = own.through(&proxy);
    let halted = own.run(tool(&seen, "remediate").arg("--apply").stdin(found.stdout)).exits(0);
    let outcomes = halted.matching(&json!({"check": "ec2_runaway"}));
    assert_eq!(statuses(&outcomes), vec!["applied"; 900]);
    assert!(outcomes.iter().all(|outcome| outcome["account"] != spared));
    assert_eq!(proxy.count("ec2:StopInstances"), 9, "a hundred a call");
}
