//! Redshift clusters: <https://docs.aws.amazon.com/securityhub/latest/userguide/redshift-controls.html>.

use common::action::Action;
use common::record::Severity;
use common::resource::{RedshiftCluster, ResourceType};
use serde_json::json;

use super::{About, Case, Check, Checked, Problem, Unclear, always, tags};

impl Checked for RedshiftCluster {
    const CHECKS: &'static [Check<Self>] = &[
        Check {
            about: About {
                id: "redshift_public",
                kind: ResourceType::Redshift,
                severity: Severity::Critical,
                controls: &["FSBP Redshift.1"],
                actions: &["make_private"],
                fix: true,
                needs: &["ClusterStatus", "PubliclyAccessible"],
                meaning: "The cluster has an address on the internet.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/redshift-controls.html#redshift-1",
            },
            arises: always,
            judge: public,
        },
        Check {
            about: About {
                id: "redshift_unencrypted",
                kind: ResourceType::Redshift,
                severity: Severity::Medium,
                controls: &["FSBP Redshift.10"],
                actions: &["redshift_encrypt"],
                // The cluster is moved to other storage, and cannot be written to meanwhile.
                fix: false,
                needs: &["ClusterStatus", "Encrypted"],
                meaning: "The cluster stores its data unencrypted.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/redshift-controls.html#redshift-10",
            },
            arises: always,
            judge: unencrypted,
        },
        Check {
            about: About {
                id: "redshift_tls",
                kind: ResourceType::Redshift,
                severity: Severity::Medium,
                controls: &["FSBP Redshift.2"],
                actions: &[],
                fix: true,
                needs: &["ClusterParameterGroups", "ClusterStatus"],
                meaning: "The cluster accepts connections without TLS.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/redshift-controls.html#redshift-2",
            },
            arises: always,
            judge: tls,
        },
        Check {
            about: About {
                id: "redshift_required_tags",
                kind: ResourceType::Redshift,
                severity: Severity::Low,
                controls: &[],
                actions: &[],
                fix: true,
                needs: &["ClusterStatus", "Tags"],
                meaning: "The cluster lacks a tag that the settings require.",
                page: "https://docs.aws.amazon.com/config/latest/developerguide/required-tags.html",
            },
            arises: tags::required,
            judge: required_tags,
        },
    ];
}

/// How far a cluster is from gone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It runs, however well.
    Up,
    /// It does not run, but keeps its data.
    Paused,
    /// It will be gone in a moment: nothing can be mended.
    Gone,
}

/// The phase that `ClusterStatus` means: <https://docs.aws.amazon.com/redshift/latest/APIReference/API_Cluster.html>.
fn phase(cluster: &RedshiftCluster) -> Result<Phase, Unclear> {
    match cluster.cluster_status.as_str() {
        "" => Err(unsaid("ClusterStatus")),
        "paused" => Ok(Phase::Paused),
        "deleting" | "final-snapshot" => Ok(Phase::Gone),
        _ => Ok(Phase::Up),
    }
}

fn unsaid(field: &str) -> Unclear {
    Unclear(format!("the record does not say {field}"))
}

/// What is wrong with a cluster, with what mends it: a paused one cannot be changed.
fn changing(mut problem: Problem, phase: Phase, action: Action) -> Problem {
    if phase == Phase::Paused {
        problem.what += ", and is paused: it cannot be changed before it is resumed";
        return problem;
    }
    problem.action(action)
}

fn public(case: &Case<'_, RedshiftCluster>) -> Result<Vec<Problem>, Unclear> {
    let phase = phase(case.config())?;
    let public = case.config().publicly_accessible.ok_or_else(|| unsaid("PubliclyAccessible"))?;
    if !public || phase == Phase::Gone {
        return Ok(Vec::new());
    }
    let problem = Problem::new("has an address on the internet", json!({"PubliclyAccessible": true}));
    Ok(vec![changing(problem, phase, Action::MakePrivate)])
}

/// A paused cluster counts too: its data is stored all the same.
fn unencrypted(case: &Case<'_, RedshiftCluster>) -> Result<Vec<Problem>, Unclear> {
    let phase = phase(case.config())?;
    let encrypted = case.config().encrypted.ok_or_else(|| unsaid("Encrypted"))?;
    if encrypted || phase == Phase::Gone {
        return Ok(Vec::new());
    }
    let problem = Problem::new("stores its data unencrypted", json!({"Encrypted": false}));
    Ok(vec![changing(problem, phase, Action::RedshiftEncrypt)])
}

/// A group says what is in force only while it is in sync: what it says otherwise waits for a reboot, or was never
/// applied. See <https://docs.aws.amazon.com/redshift/latest/mgmt/working-with-parameter-groups.html>.
fn tls(case: &Case<'_, RedshiftCluster>) -> Result<Vec<Problem>, Unclear> {
    let groups = &case.config().cluster_parameter_groups;
    if phase(case.config())? == Phase::Gone {
        return Ok(Vec::new());
    }
    let (mut lax, mut evidence) = (Vec::new(), Vec::new());
    let mut unclear = groups.is_empty().then(|| unsaid("any of its ClusterParameterGroups"));
    for group in groups {
        let name = group.parameter_group_name.as_deref().unwrap_or_default();
        match (group.parameter_apply_status.as_deref(), group.require_ssl) {
            (Some("in-sync"), Some(true)) => {}
            (Some("in-sync"), Some(false)) => {
                lax.push(name);
                evidence.push(group);
            }
            (Some("in-sync"), None) => {
                unclear = Some(Unclear(format!("the record does not say RequireSsl of the parameter group {name}")));
            }
            (status, _) => {
                unclear = Some(Unclear(format!(
                    "the parameter group {name} is `{}` and not `in-sync`: what it says may not be in force",
                    status.unwrap_or_default()
                )));
            }
        }
    }
    match unclear {
        _ if !lax.is_empty() => {
            let what = format!("accepts connections without TLS, see its parameter group {}", lax.join(", "));
            Ok(vec![Problem::new(what, json!({"ClusterParameterGroups": evidence}))])
        }
        Some(why) => Err(why),
        None => Ok(Vec::new()),
    }
}

fn required_tags(case: &Case<'_, RedshiftCluster>) -> Result<Vec<Problem>, Unclear> {
    if phase(case.config())? == Phase::Gone {
        return Ok(Vec::new());
    }
    Ok(tags::missing(case).into_iter().collect())
}
