//! Each fix on hundreds of findings at once: every one is accounted for, and every one can be taken back.

use std::collections::BTreeSet;

use common::resource::ResourceType;
use serde_json::{Value, json};
use tests::Ran;
use tests::many::Place;
use tests::stage::{Stage, input, statuses, text, undos};

/// A type, the check that finds what [`Place::make`] makes of it, and of how many the test is.
struct Row {
    kind: ResourceType,
    check: &'static str,
    count: usize,
}

const fn row(kind: ResourceType, check: &'static str, count: usize) -> Row {
    Row { kind, check, count }
}

/// Two hundred where it is cheap. What makes many different from one is the same for all types, so that fewer do
/// for the others, a poll of which takes the emulator longer.
const ROWS: &[Row] = &[
    row(ResourceType::S3Bucket, "s3_bucket_public_policy", 20),
    row(ResourceType::Ec2, "ec2_imdsv2", 30),
    row(ResourceType::SecurityGroup, "security_group_open", 200),
    row(ResourceType::IamUser, "iam_user_key_unused", 30),
    row(ResourceType::Sqs, "sqs_public", 200),
    row(ResourceType::Rds, "rds_public", 30),
    row(ResourceType::RdsCluster, "rds_cluster_unencrypted", 30),
    row(ResourceType::Redshift, "redshift_public", 30),
    row(ResourceType::IamRole, "iam_role_public", 30),
    row(ResourceType::KmsKey, "kms_key_public", 30),
    row(ResourceType::LambdaFunction, "lambda_function_public", 30),
    row(ResourceType::Ami, "ami_public", 30),
    row(ResourceType::EbsSnapshot, "ebs_snapshot_public", 30),
    row(ResourceType::RdsSnapshot, "rds_snapshot_public", 30),
    row(ResourceType::RdsClusterSnapshot, "rds_cluster_snapshot_public", 30),
    row(ResourceType::EcsService, "ecs_service_public_ip", 30),
];

/// What one look at the account finds of the check.
fn found(stage: &Stage, row: &Row) -> Ran {
    let polled = stage.poll_all();
    let audit = stage.tool("audit").args(["--now", tests::stage::NOW, "--checks", row.check]);
    stage.run(audit.stdin(polled.stdout)).exits(0)
}

fn failing(audited: &Ran) -> Vec<Value> {
    audited.matching(&json!({"kind": "finding", "status": "fail"}))
}

/// What finding it again has to tell as well: all but the time.
fn facts(findings: &[Value]) -> BTreeSet<String> {
    let fact = |finding: &Value| json!([finding["key"], finding["title"], finding["evidence"]]).to_string();
    findings.iter().map(fact).collect()
}

fn keys(records: &[Value]) -> BTreeSet<String> {
    records.iter().map(|record| text(&record["key"])).collect()
}

/// Applies it all, beyond the limits that there are unless told otherwise.
fn apply(stage: &Stage, row: &Row, records: Vec<u8>) -> Ran {
    let limits = ["--max-actions", &row.count.to_string(), "--max-percent", "100"].map(str::to_owned);
    stage.run(stage.apply(records).args(limits)).exits(0)
}

fn is_mended_and_undone(row: &Row) {
    let stage = Stage::empty(row.kind.name());
    Place { account: &stage.account, region: "us-east-1" }.make(row.kind, row.count);
    let audited = found(&stage, row);
    let findings = failing(&audited);
    assert_eq!(findings.len(), row.count, "{audited}");

    // As it comes from `audit`, with the scopes that `--max-percent` goes by.
    let applied = apply(&stage, row, audited.stdout.clone());
    let outcomes = applied.kind("outcome");
    assert_eq!(statuses(&outcomes), vec!["applied"; row.count], "{applied}");
    assert_eq!(keys(&outcomes), keys(&findings), "each finding has its outcome");
    assert!(outcomes.iter().all(|it| it["calls"].as_array().is_some_and(|calls| !calls.is_empty())), "{applied}");
    let left = found(&stage, row);
    assert_eq!(failing(&left), [Value::Null; 0], "the account is clean");

    let undos = undos(&outcomes);
    assert_eq!(undos.len(), row.count, "{applied}");
    let undone = apply(&stage, row, input(&undos));
    assert_eq!(statuses(&undone.kind("outcome")), vec!["applied"; row.count], "{undone}");
    assert_eq!(facts(&failing(&found(&stage, row))), facts(&findings), "all is as it was");
}

/// One test a row, so that a failure has a name.
macro_rules! rows {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            is_mended_and_undone(ROWS.iter().find(|row| row.kind.name() == stringify!($name)).unwrap());
        })*

        #[test]
        fn every_row_is_tested() {
            let rows: Vec<&str> = ROWS.iter().map(|row| row.kind.name()).collect();
            assert_eq!(rows, [$(stringify!($name)),*]);
        }
    };
}

rows! {
    s3_bucket ec2 security_group iam_user sqs rds rds_cluster redshift iam_role kms_key lambda_function ami ebs_snapshot
    rds_snapshot rds_cluster_snapshot ecs_service
}
