//! Each fix on two hundred findings at once: every one is accounted for, and every one can be taken back.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use common::resource::ResourceType;
use serde_json::{Value, json};
use tests::many::Place;
use tests::stage::{Stage, input, statuses, text, undos};
use tests::{Account, Emulator, Ran};

/// Of how many findings each test is.
const COUNT: usize = 200;

/// So many load balancers, each before so many instances.
const BALANCERS: usize = 10;

/// A check of what [`Place::make`] makes.
#[derive(Clone, Copy)]
struct Row {
    kind: ResourceType,
    check: &'static str,
    /// Settings without which nothing is found.
    settings: &'static str,
    /// Whether what mends it can be taken back.
    reversible: bool,
}

const fn row(kind: ResourceType, check: &'static str) -> Row {
    Row { kind, check, settings: "", reversible: true }
}

const DEV: &str = "[accounts.ACCOUNT]\ndev = true";

const ROWS: &[Row] = &[
    row(ResourceType::S3Bucket, "s3_bucket_public_policy"),
    row(ResourceType::Ec2, "ec2_imdsv2"),
    Row { settings: "required_tags = [\"Owner\"]", ..row(ResourceType::Ec2, "ec2_required_tags") },
    row(ResourceType::SecurityGroup, "security_group_open"),
    row(ResourceType::IamUser, "iam_user_key_unused"),
    row(ResourceType::Sqs, "sqs_public"),
    row(ResourceType::Rds, "rds_public"),
    row(ResourceType::Rds, "rds_unencrypted"),
    row(ResourceType::RdsCluster, "rds_cluster_unencrypted"),
    row(ResourceType::Redshift, "redshift_public"),
    row(ResourceType::IamRole, "iam_role_public"),
    row(ResourceType::KmsKey, "kms_key_public"),
    row(ResourceType::LambdaFunction, "lambda_function_public"),
    row(ResourceType::Ami, "ami_public"),
    row(ResourceType::EbsSnapshot, "ebs_snapshot_public"),
    row(ResourceType::RdsSnapshot, "rds_snapshot_public"),
    row(ResourceType::RdsClusterSnapshot, "rds_cluster_snapshot_public"),
    row(ResourceType::EcsService, "ecs_service_public_ip"),
    Row { reversible: false, ..row(ResourceType::EcsTask, "ecs_task_public_ip") },
    Row { reversible: false, ..row(ResourceType::EcsTaskSet, "ecs_task_set_public_ip") },
    Row { settings: DEV, ..row(ResourceType::Elb, "elb_public_in_dev") },
    Row { settings: DEV, ..row(ResourceType::Elbv2, "elbv2_public_in_dev") },
];

/// An emulator of its own while a test runs: one works on a single core however many ask it, and what these tests take is
/// its time alone.
struct Lent(Option<Emulator>);

static IDLE: Mutex<Vec<Emulator>> = Mutex::new(Vec::new());

impl Lent {
    fn new() -> Self {
        let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Self(Some(idle.unwrap_or_else(Emulator::alone)))
    }

    fn account(&self) -> Account {
        Account::new_in(self.0.as_ref().unwrap())
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        IDLE.lock().unwrap_or_else(PoisonError::into_inner).extend(self.0.take());
    }
}

/// What one look at the account finds of the check.
fn found(stage: &Stage, row: Row) -> Ran {
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
fn apply(stage: &Stage, row: Row, records: Vec<u8>) -> Ran {
    let limits = ["--max-actions", &COUNT.to_string(), "--max-percent", "100"].map(str::to_owned);
    let tool = stage.apply(records).args(limits);
    stage.run(if row.reversible { tool } else { tool.arg("--irreversible") }).exits(0)
}

fn is_mended_and_undone(row: Row) {
    let lent = Lent::new();
    let stage = Stage::empty_in(lent.account(), row.kind.name());
    stage.set(row.settings);
    let place = Place { account: &stage.account, region: "us-east-1" };
    match row.kind {
        ResourceType::Elb | ResourceType::Elbv2 => place.make_facing(row.kind, BALANCERS, COUNT / BALANCERS),
        kind => place.make(kind, COUNT),
    }
    let audited = found(&stage, row);
    let findings = failing(&audited);
    assert_eq!(findings.len(), COUNT, "{audited}");

    // As it comes from `audit`, with the scopes that `--max-percent` goes by.
    let applied = apply(&stage, row, audited.stdout.clone());
    let outcomes = applied.kind("outcome");
    assert_eq!(statuses(&outcomes), vec!["applied"; COUNT], "{applied}");
    assert_eq!(keys(&outcomes), keys(&findings), "each finding has its outcome");
    assert!(outcomes.iter().all(|it| it["calls"].as_array().is_some_and(|calls| !calls.is_empty())), "{applied}");
    let left = found(&stage, row);
    assert_eq!(failing(&left), [Value::Null; 0], "the account is clean");

    let undos = undos(&outcomes);
    if !row.reversible {
        assert!(undos.is_empty(), "{applied}");
        return;
    }
    assert_eq!(undos.len(), COUNT, "{applied}");
    let undone = apply(&stage, row, input(&undos));
    assert_eq!(statuses(&undone.kind("outcome")), vec!["applied"; COUNT], "{undone}");
    assert_eq!(facts(&failing(&found(&stage, row))), facts(&findings), "all is as it was");
}

/// One test a row, so that a failure has a name.
macro_rules! rows {
    ($($check:ident)*) => {
        $(#[test]
        fn $check() {
            is_mended_and_undone(*ROWS.iter().find(|row| row.check == stringify!($check)).unwrap());
        })*

        #[test]
        fn every_row_is_tested() {
            let rows: Vec<&str> = ROWS.iter().map(|row| row.check).collect();
            assert_eq!(rows, [$(stringify!($check)),*]);
        }
    };
}

rows! {
    s3_bucket_public_policy ec2_imdsv2 ec2_required_tags security_group_open iam_user_key_unused sqs_public rds_public
    rds_unencrypted rds_cluster_unencrypted redshift_public iam_role_public kms_key_public lambda_function_public ami_public
    ebs_snapshot_public rds_snapshot_public rds_cluster_snapshot_public ecs_service_public_ip ecs_task_public_ip
    ecs_task_set_public_ip elb_public_in_dev elbv2_public_in_dev
}
