//! RDS clusters.

use serde_json::{Value, json};
use tests::fix::{FIX, Fix, call, goes_there_and_back};
use tests::ground::{closed_groups, cluster, multi_az_cluster, rds, snapshots, subnets};
use tests::stage::{Stage, statuses, text};
use tests::task::{disabled_and_back, killed, refused, task};
use tests::{Emulator, Proxy, on};

#[test]
fn stop() {
    for (what, check, settings) in [
        ("storage that is not encrypted", "rds_cluster_unencrypted", ""),
        ("good: encrypted", "rds_cluster_required_tags", "required_tags = [\"Owner\"]"),
    ] {
        goes_there_and_back(&Fix {
            kind: "rds_cluster",
            what,
            check,
            settings,
            calls: |cluster| call("rds:StopDBCluster", &json!({"DBClusterIdentifier": cluster["id"]})),
            change: |config| config["Status"] = json!("stopped"),
            ..FIX
        });
    }
}

fn record(stage: &Stage, id: &str) -> Value {
    stage.poll_all().matching(&json!({"kind": "resource", "type": "rds_cluster", "id": id})).remove(0)
}

#[test]
fn disable_stops_it() {
    let stage = Stage::of("rds_cluster");
    let good = record(&stage, "sluice-test-cluster-good");
    let calls = call("rds:StopDBCluster", &json!({"DBClusterIdentifier": "sluice-test-cluster-good"}));
    disabled_and_back(&stage, &good, &calls, |config| config["Status"] = json!("stopped"), || ());
}

#[test]
fn disable_moves_what_cannot_be_stopped_to_the_closed_security_group() {
    let stage = Stage::empty("rds_cluster");
    let vpc = subnets(&stage.account);
    multi_az_cluster(&stage.account, &vpc);
    let _ = stage.poll_all();
    let (settings, closed) = closed_groups(&stage.account);
    let cluster = record(&stage, "three-zones");
    refused(&stage, &task(&cluster, &json!("disable")), &format!("no closed security group for {vpc}"));
    stage.set(&settings);
    let parameters = json!({"DBClusterIdentifier": "three-zones", "VpcSecurityGroupIds": [closed]});
    let moved = |config: &mut Value| {
        config["VpcSecurityGroups"] = json!([{"VpcSecurityGroupId": closed, "Status": "active"}]);
    };
    disabled_and_back(&stage, &cluster, &call("rds:ModifyDBCluster", &parameters), moved, || ());

    let proxy = Proxy::new(Emulator::shared()).deny("rds:DescribeDBSubnetGroups");
    refused(&stage.through(&proxy), &task(&cluster, &json!("disable")), "VpcId");
}

/// The calls of a kill: the instances, the cluster, and the snapshot that is left.
fn deleted(instances: &[&str], cluster: &Value) -> Vec<Value> {
    let own = text(&cluster["config"]["DbClusterResourceId"]).replace("cluster-", "").to_lowercase();
    let one = |id: &&str| call("rds:DeleteDBInstance", &json!({"DBInstanceIdentifier": id, "SkipFinalSnapshot": true}));
    let last = json!({
        "DBClusterIdentifier": cluster["id"], "SkipFinalSnapshot": false,
        "FinalDBSnapshotIdentifier": format!("{}-sluice-final-{own}", text(&cluster["id"])),
    });
    instances.iter().flat_map(one).chain(call("rds:DeleteDBCluster", &last)).collect()
}

#[test]
fn kill_takes_its_instances_first_and_leaves_a_snapshot() {
    let stage = Stage::empty("rds,rds_cluster");
    cluster(&stage.account, "books");
    let _ = stage.poll_all();
    let books = record(&stage, "books");
    refused(&stage, &task(&books, &json!("kill")), "IncludeData");
    let include_data = json!({"name": "kill", "IncludeData": true});
    let plan = stage.run(stage.remediate(task(&books, &include_data).to_string()).arg("--irreversible")).exits(0);
    let applied = stage.run(stage.apply(plan.stdout.clone()).arg("--irreversible")).exits(0);
    assert_eq!(statuses(&applied.records()), ["applied"], "{applied}");
    assert_eq!(plan.records()[0]["calls"], json!(deleted(&["books-2", "books-1"], &books)), "{plan}");
    assert!(stage.poll_all().kind("resource").is_empty());
    assert_eq!(snapshots(&stage.account, "DBClusterSnapshot").len(), 1);
}

#[test]
fn an_instance_that_is_protected_keeps_its_cluster() {
    let stage = Stage::empty("rds_cluster");
    cluster(&stage.account, "books");
    let _ = stage.poll_all();
    let books = record(&stage, "books");
    let arn = text(&books["arn"]).replace(":cluster:books", ":db:books-2");
    rds(
        &stage.account,
        &format!("Action=AddTagsToResource&ResourceName={arn}&Tags.Tag.1.Key=sluice:protect&Tags.Tag.1.Value=x"),
    );
    for action in [json!({"name": "kill", "IncludeData": true}), json!("disable")] {
        refused(&stage, &task(&books, &action), "its instance books-2 is protected by its tag sluice:protect");
    }
}

#[test]
fn a_kill_goes_on_where_an_interrupted_one_stopped() {
    let stage = Stage::empty("rds_cluster");
    cluster(&stage.account, "books");
    let _ = stage.poll_all();
    let books = record(&stage, "books");
    rds(&stage.account, "Action=DeleteDBInstance&DBInstanceIdentifier=books-2&SkipFinalSnapshot=true");

    let why = "Cluster cannot be deleted, it still contains DB instances in non-deleting state.";
    let proxy =
        Proxy::new(Emulator::shared()).fail(on("rds:DeleteDBCluster").first(1), 400, "InvalidDBClusterStateFault", why);
    let include_data = json!({"name": "kill", "IncludeData": true});
    let kill = task(&books, &include_data).to_string();
    let seen = stage.through(&proxy);
    let failed = seen.run(seen.apply(kill.clone()).arg("--irreversible")).exits(1).records();
    assert_eq!(statuses(&failed), ["failed"], "{failed:?}");
    assert!(text(&failed[0]["reason"]).contains(why), "{failed:?}");
    assert_eq!((proxy.count("rds:DeleteDBInstance"), proxy.count("rds:DeleteDBCluster")), (1, 1));
    killed(&stage, &record(&stage, "books"), &include_data, &deleted(&[], &books));
}
