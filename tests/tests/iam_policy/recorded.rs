//! Each tool through a recorder, for each type alone: what it calls is granted, and what is granted is called.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::thread;

use common::operation::Operation;
use common::resource::ResourceType;
use common::resource::auto_scaling_group::REPLACING;
use serde_json::{Value, json};
use tests::http::Response;
use tests::iam::LOADED;
use tests::stage::text;
use tests::{Account, Call, Emulator, Proxy, ground, ndjson};

use crate::{
    actions, audit, configured, equip, misconfigure, permissions, poll, printed, remediate, task, there_and_back, types,
};

/// Permissions that are needed in a case that these accounts do not get into: the permission, for which types (all where none is
/// named), and when AWS asks for it.
const UNSEEN: &[(&str, &[ResourceType], &str)] = &[
    ("autoscaling:DescribeAutoScalingGroups", &[ResourceType::Ec2], "an instance of a group is halted"),
    ("ec2:DescribeSpotInstanceRequests", &[ResourceType::Ec2], "a Spot Instance is halted"),
    ("ec2:DescribeNetworkInterfaces", &[ResourceType::Ec2], "an event names an interface: see `asked`"),
];

/// Actions that no finding asks for in this shape: the action, and how it is written for a resource, where it fits that
/// one. Undos are found by themselves.
const BY_HAND: &[(&str, ByHand)] = &[
    // Before anything is gone.
    ("disable", |_| Some(json!("disable"))),
    // The last statement takes the policy with it, which is another call.
    ("s3_remove_policy_statements", |bucket| {
        let statements = bucket["config"]["Policy"]["Statement"].as_array()?;
        Some(json!({"name": "s3_remove_policy_statements", "Statements": statements}))
    }),
    // In the place of others where the settings say so.
    ("ec2_halt", |_| Some(json!("ec2_halt"))),
    ("iam_deny_all", |_| Some(json!("iam_deny_all"))),
    ("iam_remove_users", |_| Some(json!({"name": "iam_remove_users", "Users": [LOADED]}))),
    ("iam_detach_policy", |_| {
        Some(json!({"name": "iam_detach_policy", "Users": [LOADED], "Groups": [LOADED], "Roles": [LOADED]}))
    }),
    ("asg_suspend", |_| Some(json!({"name": "asg_suspend", "ScalingProcesses": REPLACING}))),
    ("ec2_cancel_spot_request", |_| Some(json!("ec2_cancel_spot_request"))),
    // Of one alone, so that others are there to be killed.
    ("ec2_terminate", |it| (it["tags"]["Name"] == "sluice-test-imdsv1").then(|| json!("ec2_terminate"))),
    ("s3_remove_grants", |_| Some(json!("s3_remove_grants"))),
    ("ec2_revoke_egress", |group| {
        let rules = group["config"]["IpPermissionsEgress"].as_array().filter(|rules| !rules.is_empty())?;
        Some(json!({"name": "ec2_revoke_egress", "IpPermissions": rules}))
    }),
    ("ec2_detach_volume", |volume| {
        let attachment = volume["config"]["Attachments"].as_array()?.iter().find(|it| it["Device"] == "/dev/sdf")?;
        let (id, device) = (&attachment["InstanceId"], &attachment["Device"]);
        Some(json!({"name": "ec2_detach_volume", "InstanceId": id, "Device": device}))
    }),
    // Of one alone, so that another has some still when it is killed.
    ("iam_delete_keys", |user| (user["id"] == "sluice-test-key").then(|| json!("iam_delete_keys"))),
    ("iam_delete_key", |user| {
        let key = &user["config"]["AccessKeys"].as_array()?.first()?["AccessKeyId"];
        Some(json!({"name": "iam_delete_key", "AccessKeyId": key}))
    }),
    // Where AWS encrypts by default whatever is not told otherwise, nothing but this changes it.
    ("s3_set_encryption", |bucket| {
        let to = json!({"Rules": [
            {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": true},
        ]});
        let from = bucket["config"]["ServerSideEncryptionConfiguration"].clone();
        Some(json!({"name": "s3_set_encryption", "from": from, "to": to}))
    }),
    // Last of all.
    ("kill", |_| Some(json!({"name": "kill", "IncludeData": true}))),
];

type ByHand = fn(&Value) -> Option<Value>;

/// One region, which spares asking thirty others.
const REGIONS: &str = "<DescribeRegionsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>1</requestId>\
    <regionInfo><item><regionName>us-east-1</regionName><regionEndpoint>ec2.us-east-1.amazonaws.com</regionEndpoint></item>\
    </regionInfo></DescribeRegionsResponse>";

/// A credential report that is older than any user.
const OLD_REPORT: &str = "<GetCredentialReportResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
    <GetCredentialReportResult><Content></Content><ReportFormat>text/csv</ReportFormat>\
    <GeneratedTime>2026-01-01T00:00:00Z</GeneratedTime></GetCredentialReportResult></GetCredentialReportResponse>";

/// Does the same for each type, two at a time, and says of all which of them fail.
fn for_each_type(work: impl Fn(ResourceType) + Sync) {
    let queue = Mutex::new(types());
    let failed = Mutex::new(Vec::new());
    let next = || queue.lock().unwrap().next();
    let worker = || {
        while let Some(kind) = next() {
            if catch_unwind(AssertUnwindSafe(|| work(kind))).is_err() {
                failed.lock().unwrap().push(kind);
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(worker);
        scope.spawn(worker);
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "see above for {failed:?}");
}

/// Adds what only `disable` and `kill` come upon: what cannot be stopped, and is moved to a security group of the settings
/// instead; what has groups, instances or concurrency of its own.
fn prepare(account: &Account, kind: ResourceType) {
    let made = |path: &str| {
        let polled = poll(account, kind.name()).args(["--regions", "us-east-1"]).run().exits(0);
        polled.kind("resource").iter().map(|it| text(it.pointer(path).unwrap())).collect::<Vec<_>>()
    };
    match kind {
        ResourceType::Rds => {
            let _ = ground::subnets(account);
            ground::replicated_instance(account);
        }
        ResourceType::RdsCluster => {
            ground::multi_az_cluster(account, &ground::subnets(account));
            ground::cluster(account, "books");
            let _ = made("/id");
        }
        ResourceType::Elb => {
            let own = ground::group(account, &made("/config/VPCId")[0], "own");
            for name in made("/id") {
                ground::put_elb(account, &name, &[&own]);
            }
        }
        ResourceType::Elbv2 => {
            let own = ground::group(account, &made("/config/VpcId")[0], "own");
            for arn in made("/id") {
                ground::put_elbv2(account, &arn, &[&own]);
            }
        }
        // None of those that are made could run before.
        ResourceType::LambdaFunction => {
            for (name, concurrency) in made("/id").iter().zip([None, Some(5)]) {
                ground::reserve(account, name, concurrency);
            }
        }
        _ => return,
    }
    let path = configured(account, "remediate").home().join("sluice.toml");
    let settings = fs::read_to_string(&path).unwrap();
    fs::write(path, settings + &ground::closed_groups(account).0).unwrap();
}

pub(crate) fn recorder() -> Proxy {
    Proxy::new(Emulator::shared()).answer("ec2:DescribeRegions", Response::new(200, REGIONS))
}

/// The operation as our table names it.
fn operation(call: &Call) -> Operation {
    let name = call.name().replace("s3control:GetPublicAccessBlock", "s3:GetAccountPublicAccessBlock");
    Operation::named(&name).unwrap_or_else(|| panic!("{name} is called, and is not in the table of operations"))
}

/// How the proxy knows an operation.
fn called(operation: &str) -> String {
    operation.replace("s3:GetAccountPublicAccessBlock", "s3control:GetPublicAccessBlock")
}

/// The permissions that calls need, all of which a policy has to grant.
pub(crate) fn grants(what: &str, policy: &Value, calls: &[Call]) -> BTreeSet<String> {
    let granted = permissions(policy);
    let needed: BTreeSet<String> =
        calls.iter().flat_map(|call| operation(call).permissions()).map(|&name| name.to_owned()).collect();
    let missing: Vec<_> = needed.difference(&granted).collect();
    assert!(missing.is_empty(), "{what} needs what its policy does not grant: {missing:?}");
    needed
}

/// Holds a policy against the calls that were made under it.
fn fits(what: &str, kind: ResourceType, policy: &Value, calls: &[Call]) {
    let granted = permissions(policy);
    let needed = grants(what, policy, calls);
    let unseen = |permission: &str| {
        UNSEEN.iter().any(|(name, kinds, _)| *name == permission && (kinds.is_empty() || kinds.contains(&kind)))
    };
    let surplus: Vec<_> = granted.difference(&needed).filter(|permission| !unseen(permission)).collect();
    assert!(surplus.is_empty(), "the policy of {what} grants what is never called: {surplus:?}");
}

#[test]
fn poll_calls_what_its_policy_grants_and_no_more() {
    for_each_type(|kind| {
        let account = Account::new();
        misconfigure(&account, kind.name());
        equip(&account, kind);
        let proxy = recorder();
        let swept = poll(&account.through(&proxy), kind.name()).run().exits(0);
        let resources = swept.kind("resource");
        assert!(!resources.is_empty(), "nothing of {kind} was made\n{swept}");
        // Once more with a credential report in which nobody stands: who is newer is looked at.
        let proxy = proxy.answer("iam:GetCredentialReport", Response::new(200, OLD_REPORT));
        let _ = poll(&account.through(&proxy), kind.name()).run().exits(0);
        fits(&format!("poll --types {kind}"), kind, &printed("poll", &["--types", kind.name()]), &proxy.calls());

        let proxy = recorder();
        let seen = account.through(&proxy);
        let references: Vec<Value> = resources.iter().map(|resource| reference(resource, &resource["id"])).collect();
        let _ = seen.tool("poll").arg("-").stdin(ndjson(&references)).run().exits(0);
        // Once more by their short names, which people know, and where nothing is allowed: a region may be disabled.
        let mut proxy = proxy;
        for operation in poll::look_calls(kind) {
            proxy = proxy.fail(called(operation.name()).as_str(), 403, "AuthFailure", "not able to validate");
        }
        let references: Vec<Value> =
            resources.iter().map(|resource| reference(resource, &short_id(kind, resource))).collect();
        let _ = seen.tool("poll").arg("-").stdin(ndjson(&references)).run().exits(3);
        fits(&format!("poll - for {kind}"), kind, &printed("poll", &["-", "--types", kind.name()]), &proxy.calls());
    });
}

fn reference(resource: &Value, id: &Value) -> Value {
    json!({"account": resource["account"], "region": resource["region"], "type": resource["type"], "id": id})
}

/// What people call it.
fn short_id(kind: ResourceType, resource: &Value) -> Value {
    json!(kind.short_id(resource["id"].as_str().unwrap()))
}

#[test]
fn remediate_calls_what_its_policy_grants_and_no_more() {
    for_each_type(|kind| {
        let wanted = actions(kind);
        if wanted.is_empty() {
            return;
        }
        let account = Account::new();
        misconfigure(&account, kind.name());
        prepare(&account, kind);
        let polled = poll(&account, kind.name()).args(["--regions", "us-east-1"]).run().exits(0);
        let audited = audit(&account, &polled.stdout);
        let mut records = audited.matching(&json!({"kind": "finding", "status": "fail"}));
        records.retain(|finding| !finding["action"].is_null());

        let proxy = recorder();
        let seen = account.through(&proxy);
        // Of a type without checks, anything that can be done to it will do.
        let resources = polled.matching(&json!({"kind": "resource", "type": kind.name()}));
        let known = if records.is_empty() { &resources } else { &records };
        let short = known.iter().map(|record| {
            let mut task = reference(record, &short_id(kind, record));
            task["kind"] = json!("task");
            task["action"] = record.get("action").cloned().unwrap_or_else(|| json!("disable"));
            task
        });
        // Whether it goes by that name or not: nothing is changed.
        let _ = remediate(&seen, ndjson(&short.collect::<Vec<_>>())).run();
        let remediated = there_and_back(&seen, &records);
        let mut outcomes = [remediated.applied, remediated.undone].concat();
        equip(&account, kind);
        let polled = poll(&account, kind.name()).args(["--regions", "us-east-1"]).run().exits(0);
        let by_hand = BY_HAND.iter().filter(|(action, _)| wanted.contains(action));
        for (_, action) in by_hand {
            let resources = polled.matching(&json!({"kind": "resource", "type": kind.name()}));
            let tasks: Vec<Value> =
                resources.iter().filter_map(|resource| Some(task(resource, &action(resource)?))).collect();
            let remediated = there_and_back(&seen, &tasks);
            outcomes.extend(remediated.applied.into_iter().chain(remediated.undone));
        }

        let is_of = |outcome: &Value, action: &str| outcome["action"] == action || outcome["action"]["name"] == action;
        for (_, action, operations) in remediate::calls().filter(|(of, ..)| *of == kind) {
            let applied = outcomes.iter().filter(|it| it["status"] == "applied" && is_of(it, action));
            let calls = applied.flat_map(|outcome| outcome["calls"].as_array().unwrap());
            let made: BTreeSet<&str> = calls.filter_map(|call| call["operation"].as_str()).collect();
            let said: BTreeSet<&str> = operations.iter().map(|operation| operation.name()).collect();
            assert_eq!(
                made, said,
                "the calls that {action} on {kind} made (left), and that it says it may make (right)"
            );
        }
        fits(
            &format!("remediate --types {kind}"),
            kind,
            &printed("remediate", &["--types", kind.name()]),
            &proxy.calls(),
        );
    });
}

#[test]
fn a_policy_fits_into_one_that_aws_takes() {
    // <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>: of a managed policy, without spaces.
    for (tool, arguments) in
        [("poll", &[][..]), ("poll", &["--settle", "15m", "--org"]), ("poll", &["-"]), ("remediate", &[])]
    {
        let size = printed(tool, arguments).to_string().len();
        assert!(size <= 6144, "{tool} {arguments:?}: {size} characters");
    }
}

#[test]
fn each_type_and_each_action_has_permissions_of_its_own() {
    for kind in types() {
        assert!(!permissions(&printed("poll", &["--types", kind.name()])).is_empty(), "{kind}");
        for action in actions(kind) {
            let policy = printed("remediate", &["--actions", action, "--types", kind.name()]);
            let calls = remediate::calls().find(|(of, name, _)| *of == kind && *name == action).unwrap().2;
            // What a closer look needs is only granted where the action takes one.
            let looks = calls.iter().chain(poll::look_calls(kind));
            let closer = poll::closer_calls(kind);
            let own = looks.chain(if remediate::is_closely(action, kind) { closer } else { &[] });
            let own = own.flat_map(|operation| operation.permissions());
            assert_eq!(permissions(&policy), own.map(|&name| name.to_owned()).collect(), "{action} on {kind}");
        }
    }
}

#[test]
fn the_tables_of_these_tests_name_what_there_is() {
    for (permission, _, why) in UNSEEN {
        assert!(Operation::ALL.iter().any(|operation| operation.permissions().contains(permission)), "{permission}");
        assert!(!why.is_empty());
    }
    for (action, _) in BY_HAND {
        assert!(remediate::calls().any(|(_, name, _)| name == *action), "{action}");
    }
}
