//! RDS instances.

use serde_json::json;
use tests::fix::{FIX, Fix, call, goes_there_and_back};
use tests::stage::{Stage, input, statuses, text};

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
