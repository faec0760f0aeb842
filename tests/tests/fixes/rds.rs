//! RDS instances.

use serde_json::{Value, json};
use tests::fix::{FIX, Fix, call, goes_there_and_back};
use tests::ground::{closed_groups, rds, replicated_instance, snapshots, subnets};
use tests::stage::{Stage, input, statuses, text};
use tests::task::{disabled_and_back, killed, refused, task};

#[test]
fn make_private() {
    goes_there_and_back(&Fix {
        kind: "rds",
        what: "at which nothing answers",
        check: "rds_public",
        calls: |instance| {
            let parameters = json!({"DBInstanceIdentifier": instance["id"], "PubliclyAccessible": false});
            call("rds:ModifyDBInstance", &parameters)
        },
        change: |config| config["PubliclyAccessible"] = json!(false),
        ..FIX
    });
}

#[test]
fn stop() {
    for (what, check, settings) in [
        ("storage that is not encrypted", "rds_unencrypted", ""),
        ("good: encrypted", "rds_required_tags", "required_tags = [\"Owner\"]"),
    ] {
        goes_there_and_back(&Fix {
            kind: "rds",
            what,
            check,
            settings,
            calls: |instance| call("rds:StopDBInstance", &json!({"DBInstanceIdentifier": instance["id"]})),
            change: |config| config["DBInstanceStatus"] = json!("stopped"),
            ..FIX
        });
    }
}

/// The public one lacks a tag as well: RDS would not take the address from it once it is stopped.
#[test]
fn the_address_goes_before_the_instance_is_stopped() {
    let stage = Stage::of("rds");
    stage.set("required_tags = [\"Owner\"]");
    let arn = stage.arn("at which nothing answers");
    let mut findings: Vec<_> = stage.findings().into_iter().filter(|finding| finding["arn"] == arn).collect();
    findings.sort_by_key(|finding| finding["check"] != "rds_required_tags");
    assert_eq!(findings.len(), 2, "{findings:?}");
    let applied = stage.run(stage.apply(input(&findings))).exits(0);
    assert_eq!(statuses(&applied.records()), ["applied", "applied"], "{applied}");
    let made: Vec<_> = applied.records().iter().map(|outcome| text(&outcome["calls"][0]["operation"])).collect();
    assert_eq!(made, ["rds:ModifyDBInstance", "rds:StopDBInstance"], "{applied}");
}

fn instance(stage: &Stage, id: &str) -> Value {
    stage.poll_all().matching(&json!({"kind": "resource", "id": id})).remove(0)
}

#[test]
fn disable_stops_it() {
    let stage = Stage::of("rds");
    let instance = instance(&stage, "sluice-test-good");
    let calls = call("rds:StopDBInstance", &json!({"DBInstanceIdentifier": "sluice-test-good"}));
    disabled_and_back(&stage, &instance, &calls, |config| config["DBInstanceStatus"] = json!("stopped"), || ());
}

#[test]
fn disable_moves_what_cannot_be_stopped_to_the_closed_security_group() {
    let stage = Stage::empty("rds");
    let _ = subnets(&stage.account);
    replicated_instance(&stage.account);
    let (settings, closed) = closed_groups(&stage.account);
    let first = instance(&stage, "first");
    let vpc = text(&first["config"]["DBSubnetGroup"]["VpcId"]);
    refused(&stage, &task(&first, &json!("disable")), &format!("no closed security group for {vpc}"));
    stage.set(&settings);
    let parameters = json!({"DBInstanceIdentifier": "first", "VpcSecurityGroupIds": [closed]});
    let moved = |config: &mut Value| {
        config["VpcSecurityGroups"] = json!([{"VpcSecurityGroupId": closed, "Status": "active"}]);
    };
    disabled_and_back(&stage, &first, &call("rds:ModifyDBInstance", &parameters), moved, || ());
}

#[test]
fn kill_leaves_a_final_snapshot_unless_the_settings_say_no() {
    let stage = Stage::of("rds");
    let include_data = json!({"name": "kill", "IncludeData": true});
    let good = instance(&stage, "sluice-test-good");
    refused(&stage, &task(&good, &json!("kill")), "IncludeData");
    let own = text(&good["config"]["DbiResourceId"]).replace("db-", "").to_lowercase();
    let deleted = |id: &str, snapshot: &str| {
        let parameters =
            json!({"DBInstanceIdentifier": id, "SkipFinalSnapshot": false, "FinalDBSnapshotIdentifier": snapshot});
        call("rds:DeleteDBInstance", &parameters)
    };
    let name = format!("sluice-test-good-sluice-final-{own}");
    killed(&stage, &good, &include_data, &deleted("sluice-test-good", &name));

    // A name that is taken, be it by a run that was interrupted, is nobody's end.
    let taken = format!("sluice-test-public-sluice-final-{own}");
    let take = format!("Action=CreateDBSnapshot&DBInstanceIdentifier=sluice-test-public&DBSnapshotIdentifier={taken}");
    rds(&stage.account, &take);
    let public = instance(&stage, "sluice-test-public");
    killed(&stage, &public, &include_data, &deleted("sluice-test-public", &format!("{taken}-2")));

    stage.set("[remediate]\nfinal_snapshot = false");
    let other = instance(&stage, "sluice-test-unencrypted");
    let parameters = json!({"DBInstanceIdentifier": "sluice-test-unencrypted", "SkipFinalSnapshot": true});
    killed(&stage, &other, &include_data, &call("rds:DeleteDBInstance", &parameters));
    assert_eq!(snapshots(&stage.account, "DBSnapshot"), [name, taken.clone(), format!("{taken}-2")]);
}

#[test]
fn kill_of_one_that_is_protected_from_it_is_refused() {
    let stage = Stage::of("rds");
    let protect = "Action=ModifyDBInstance&DBInstanceIdentifier=sluice-test-good&DeletionProtection=true";
    rds(&stage.account, protect);
    let kill = task(&instance(&stage, "sluice-test-good"), &json!({"name": "kill", "IncludeData": true}));
    refused(&stage, &kill, "deletion protection");
}
