//! RDS clusters: <https://docs.aws.amazon.com/securityhub/latest/userguide/rds-controls.html>, and those of Neptune and
//! DocumentDB, which share the API.

use common::record::Severity;
use common::resource::{DbCluster, ResourceType};
use serde_json::json;

use super::rds::{Phase, phase, stopping, unsaid};
use super::{About, Case, Check, Checked, Problem, Unclear, always, tags};

impl Checked for DbCluster {
    const CHECKS: &'static [Check<Self>] = &[
        Check {
            about: About {
                id: "rds_cluster_public",
                kind: ResourceType::RdsCluster,
                severity: Severity::Critical,
                controls: &[],
                // Who creates a Multi-AZ cluster says whether it is public: ModifyDBCluster cannot change it.
                actions: &[],
                fix: true,
                needs: &["Engine", "InternetAccessGatewayEnabled", "PubliclyAccessible", "Status"],
                meaning: "The cluster has an address on the internet, which only restoring it as another one takes away.",
                page: "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html",
            },
            arises: always,
            judge: public,
        },
        Check {
            about: About {
                id: "rds_cluster_unencrypted",
                kind: ResourceType::RdsCluster,
                severity: Severity::Medium,
                controls: &["FSBP RDS.27", "FSBP Neptune.1", "FSBP DocumentDB.1"],
                actions: &["stop"],
                fix: true,
                needs: &[
                    "Engine",
                    "EngineMode",
                    "GlobalClusterIdentifier",
                    "ReadReplicaIdentifiers",
                    "Status",
                    "StorageEncrypted",
                ],
                meaning: "The cluster runs on storage that is not encrypted. AWS starts a stopped one again after 7 days.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/rds-controls.html#rds-27",
            },
            arises: always,
            judge: unencrypted,
        },
        Check {
            about: About {
                id: "rds_cluster_required_tags",
                kind: ResourceType::RdsCluster,
                severity: Severity::Low,
                controls: &[],
                actions: &["stop"],
                fix: true,
                needs: &["Engine", "EngineMode", "GlobalClusterIdentifier", "ReadReplicaIdentifiers", "Status", "Tags"],
                meaning: "The cluster runs without a tag that the settings require. AWS starts a stopped one again after 7 days.",
                page: "https://docs.aws.amazon.com/config/latest/developerguide/required-tags.html",
            },
            arises: tags::required,
            judge: required_tags,
        },
    ];
}

fn status(cluster: &DbCluster) -> Result<Phase, Unclear> {
    phase(&cluster.status, "Status")
}

/// Of a Multi-AZ cluster AWS says whether it is public. Other clusters have no address but those of their instances, which
/// `rds_public` judges, and at most the internet access gateway of Aurora PostgreSQL with express configuration. See
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBCluster.html>.
fn public(case: &Case<'_, DbCluster>) -> Result<Vec<Problem>, Unclear> {
    let cluster = case.config();
    if status(cluster)? == Phase::Gone {
        return Ok(Vec::new());
    }
    let multi_az = cluster.is_multi_az().ok_or_else(|| unsaid("Engine"))?;
    match (cluster.publicly_accessible, cluster.internet_access_gateway_enabled) {
        (Some(true), _) => {
            Ok(vec![Problem::new("has an address on the internet", json!({"PubliclyAccessible": true}))])
        }
        (_, Some(true)) => Ok(vec![Problem::new(
            "can be reached from the internet through an internet access gateway",
            json!({"InternetAccessGatewayEnabled": true}),
        )]),
        (None, _) if multi_az => Err(unsaid("PubliclyAccessible")),
        _ => Ok(Vec::new()),
    }
}

/// Only what runs: storage cannot be encrypted in place, and a stopped cluster is what the action would make of it.
fn unencrypted(case: &Case<'_, DbCluster>) -> Result<Vec<Problem>, Unclear> {
    let cluster = case.config();
    let phase = status(cluster)?;
    let encrypted = cluster.storage_encrypted.ok_or_else(|| unsaid("StorageEncrypted"))?;
    if encrypted || phase != Phase::Up {
        return Ok(Vec::new());
    }
    let control = match cluster.engine.as_deref() {
        Some("neptune") => "FSBP Neptune.1",
        Some("docdb") => "FSBP DocumentDB.1",
        _ => "FSBP RDS.27",
    };
    let problem =
        Problem::new("stores its data unencrypted", json!({"StorageEncrypted": false})).controls(vec![control]);
    Ok(vec![stopping(problem, cluster.why_it_cannot_stop())])
}

/// Only what runs: a stopped cluster is what the action would make of it.
fn required_tags(case: &Case<'_, DbCluster>) -> Result<Vec<Problem>, Unclear> {
    if status(case.config())? != Phase::Up {
        return Ok(Vec::new());
    }
    let problem = tags::missing(case).map(|problem| stopping(problem, case.config().why_it_cannot_stop()));
    Ok(problem.into_iter().collect())
}
