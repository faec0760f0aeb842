//! RDS instances: <https://docs.aws.amazon.com/securityhub/latest/userguide/rds-controls.html>.

use common::action::Action;
use common::record::Severity;
use common::resource::{DbInstance, ResourceType};
use serde_json::json;

use super::{About, Case, Check, Checked, Problem, Unclear, always, tags};

impl Checked for DbInstance {
    // The address comes first: once an instance is stopped, RDS changes nothing of it.
    const CHECKS: &'static [Check<Self>] = &[
        Check {
            about: About {
                id: "rds_public",
                kind: ResourceType::Rds,
                severity: Severity::Critical,
                controls: &["FSBP RDS.2", "CIS 2.3.3"],
                actions: &["make_private"],
                fix: true,
                needs: &["DBClusterIdentifier", "DBInstanceStatus", "Engine", "PubliclyAccessible"],
                meaning: "The instance has an address on the internet.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/rds-controls.html#rds-2",
            },
            arises: always,
            judge: public,
        },
        Check {
            about: About {
                id: "rds_unencrypted",
                kind: ResourceType::Rds,
                severity: Severity::Medium,
                controls: &["FSBP RDS.3", "CIS 2.3.1"],
                actions: &["stop"],
                fix: true,
                needs: &[
                    "DBClusterIdentifier",
                    "DBInstanceStatus",
                    "Engine",
                    "MultiAZ",
                    "ReadReplicaDBClusterIdentifiers",
                    "ReadReplicaDBInstanceIdentifiers",
                    "ReadReplicaSourceDBClusterIdentifier",
                    "ReadReplicaSourceDBInstanceIdentifier",
                    "StorageEncrypted",
                ],
                meaning: "The instance runs on storage that is not encrypted. AWS starts a stopped one again after 7 days.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/rds-controls.html#rds-3",
            },
            arises: always,
            judge: unencrypted,
        },
        Check {
            about: About {
                id: "rds_required_tags",
                kind: ResourceType::Rds,
                severity: Severity::Low,
                controls: &[],
                actions: &["stop"],
                fix: true,
                needs: &[
                    "DBClusterIdentifier",
                    "DBInstanceStatus",
                    "Engine",
                    "MultiAZ",
                    "ReadReplicaDBClusterIdentifiers",
                    "ReadReplicaDBInstanceIdentifiers",
                    "ReadReplicaSourceDBClusterIdentifier",
                    "ReadReplicaSourceDBInstanceIdentifier",
                    "Tags",
                ],
                meaning: "The instance runs without a tag that the settings require. AWS starts a stopped one again after 7 days.",
                page: "https://docs.aws.amazon.com/config/latest/developerguide/required-tags.html",
            },
            arises: tags::required,
            judge: required_tags,
        },
    ];
}

/// How far a database is from gone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// It runs, however well.
    Up,
    /// It does not run, but can again.
    Down,
    /// It will be gone in a moment: nothing can be mended.
    Gone,
}

/// The phase that a status means. AWS has some thirty of them, most of which say what ails a database that is there, and
/// adds others: <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.DBInstance.Status.html>.
pub(super) fn phase(status: &str, field: &str) -> Result<Phase, Unclear> {
    match status {
        "" => Err(unsaid(field)),
        "stopping" | "stopped" => Ok(Phase::Down),
        "deleting" => Ok(Phase::Gone),
        _ => Ok(Phase::Up),
    }
}

/// What a record does not say cannot be judged.
pub(super) fn unsaid(field: &str) -> Unclear {
    Unclear(format!("the record does not say {field}"))
}

/// What is wrong with a database that runs, and ends when it is stopped: with `stop`, or why that cannot be done.
pub(super) fn stopping(mut problem: Problem, why_not: Option<String>) -> Problem {
    match why_not {
        None => problem.action(Action::Stop),
        Some(why) => {
            problem.what = format!("{}, and {why}", problem.what);
            problem
        }
    }
}

fn status(instance: &DbInstance) -> Result<Phase, Unclear> {
    phase(&instance.db_instance_status, "DBInstanceStatus")
}

/// A stopped instance counts too: it comes back with the address that it has, at the latest after seven days.
fn public(case: &Case<'_, DbInstance>) -> Result<Vec<Problem>, Unclear> {
    let instance = case.config();
    let phase = status(instance)?;
    let public = instance.publicly_accessible.ok_or_else(|| unsaid("PubliclyAccessible"))?;
    if !public || phase == Phase::Gone {
        return Ok(Vec::new());
    }
    let evidence = json!({"PubliclyAccessible": true});
    let problem = match (instance.why_its_address_stays(), phase) {
        (Some(why), _) => Problem::new(format!("has an address on the internet, and {why}"), evidence),
        (None, Phase::Down) => Problem::new(
            "will have an address on the internet when it is started, before which RDS does not change it",
            evidence,
        ),
        (None, _) => Problem::new("has an address on the internet", evidence).action(Action::MakePrivate),
    };
    Ok(vec![problem])
}

/// Only what runs: storage cannot be encrypted in place, and a stopped instance is what the action would make of it.
fn unencrypted(case: &Case<'_, DbInstance>) -> Result<Vec<Problem>, Unclear> {
    let instance = case.config();
    let phase = status(instance)?;
    let encrypted = instance.storage_encrypted.ok_or_else(|| unsaid("StorageEncrypted"))?;
    if encrypted || phase != Phase::Up {
        return Ok(Vec::new());
    }
    let problem = Problem::new("stores its data unencrypted", json!({"StorageEncrypted": false}));
    Ok(vec![stopping(problem, instance.why_it_cannot_stop())])
}

/// Only what runs: a stopped instance is what the action would make of it.
fn required_tags(case: &Case<'_, DbInstance>) -> Result<Vec<Problem>, Unclear> {
    if status(case.config())? != Phase::Up {
        return Ok(Vec::new());
    }
    let problem = tags::missing(case).map(|problem| stopping(problem, case.config().why_it_cannot_stop()));
    Ok(problem.into_iter().collect())
}
