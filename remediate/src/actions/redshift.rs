//! What is done to Redshift clusters.

use std::time::Duration;

use common::action::Action;
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::RedshiftCluster;
use serde::Serialize;

use super::call::sent;
use super::refusal::foreign;
use super::{ApiCall, Mended, Planned, Refusal, Turn};

/// A call on a cluster.
#[derive(Debug, Serialize)]
#[serde(untagged, rename_all_fields = "PascalCase")]
pub(crate) enum Step {
    SetPublic {
        cluster_identifier: String,
        publicly_accessible: bool,
    },
    /// Without a key: the account's default one for Redshift.
    SetEncrypted {
        cluster_identifier: String,
        encrypted: bool,
    },
}

type ClusterPlan = Result<Planned<RedshiftCluster, Step>, Refusal>;

impl Mended for RedshiftCluster {
    type Step = Step;

    const CALLS: &'static [(&'static str, &'static [Operation])] = &[
        ("make_private", &[operation::REDSHIFT_MODIFY_CLUSTER]),
        ("make_public", &[operation::REDSHIFT_MODIFY_CLUSTER]),
        ("redshift_encrypt", &[operation::REDSHIFT_MODIFY_CLUSTER]),
        ("redshift_decrypt", &[operation::REDSHIFT_MODIFY_CLUSTER]),
    ];

    /// A cluster is being modified for some minutes; while its data is moved, for longer than anybody waits.
    const PATIENCE: Duration = Duration::from_mins(20);

    fn plan(action: &Action, resource: &Resource<Self>) -> ClusterPlan {
        match action {
            Action::MakePrivate => set_public(resource, false),
            Action::MakePublic => set_public(resource, true),
            Action::RedshiftEncrypt => set_encrypted(resource, true),
            Action::RedshiftDecrypt => set_encrypted(resource, false),
            other => Err(foreign(other, resource)),
        }
    }

    fn rebase(undo: Action, _: &Self, _: &Self) -> Action {
        undo
    }

    /// While its data is moved to encrypted storage, a cluster takes no other change.
    fn turn(action: &Action) -> Turn {
        if *action == Action::MakePrivate { Turn::First } else { Turn::Usual }
    }
}

fn set_public(resource: &Resource<RedshiftCluster>, public: bool) -> ClusterPlan {
    let cluster = &resource.config;
    if !is_due(cluster, cluster.publicly_accessible, public, "PubliclyAccessible")? {
        return Ok(Planned::nothing(resource));
    }
    let step = Step::SetPublic { cluster_identifier: resource.id.clone(), publicly_accessible: public };
    let undo = if public { Action::MakePrivate } else { Action::MakePublic };
    let after = RedshiftCluster { publicly_accessible: Some(public), ..cluster.clone() };
    Ok(Planned::one(step, Some(undo), after))
}

fn set_encrypted(resource: &Resource<RedshiftCluster>, encrypted: bool) -> ClusterPlan {
    let cluster = &resource.config;
    if !is_due(cluster, cluster.encrypted, encrypted, "Encrypted")? {
        return Ok(Planned::nothing(resource));
    }
    let step = Step::SetEncrypted { cluster_identifier: resource.id.clone(), encrypted };
    let undo = if encrypted { Action::RedshiftDecrypt } else { Action::RedshiftEncrypt };
    let after = RedshiftCluster { encrypted: Some(encrypted), ..cluster.clone() };
    Ok(Planned::one(step, Some(undo), after))
}

/// Whether a switch is still to be set, on a cluster of which it can be.
fn is_due(cluster: &RedshiftCluster, now: Option<bool>, wanted: bool, field: &str) -> Result<bool, Refusal> {
    match (now, cluster.cluster_status.as_str()) {
        (None, _) => Err(Refusal::Impossible(format!("its record does not say {field}"))),
        (Some(now), _) if now == wanted => Ok(false),
        (_, "deleting" | "final-snapshot") => Err(Refusal::Changed("it is being deleted".to_owned())),
        (_, "paused") => Err(Refusal::Impossible("it is paused: resume it first".to_owned())),
        (_, status) if status.starts_with("available") => Ok(true),
        (_, other) => Err(Refusal::Impossible(format!(
            "its status is `{other}`, and Redshift takes this only while it is `available`: try again then"
        ))),
    }
}

impl ApiCall for Step {
    fn operation(&self) -> Operation {
        operation::REDSHIFT_MODIFY_CLUSTER
    }

    async fn send(&self, session: &Session, region: &Region) -> Result<Option<String>, AwsError> {
        let call = common::client!(aws_sdk_redshift, session, region).modify_cluster();
        let call = match self {
            Self::SetPublic { cluster_identifier, publicly_accessible } => {
                call.cluster_identifier(cluster_identifier).publicly_accessible(*publicly_accessible)
            }
            Self::SetEncrypted { cluster_identifier, encrypted } => {
                call.cluster_identifier(cluster_identifier).encrypted(*encrypted)
            }
        };
        sent(self.operation(), call.send().await)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::actions::tests::{Samples, planned, resource, the_call};

    fn cluster(status: &str) -> Resource<RedshiftCluster> {
        let config = RedshiftCluster {
            cluster_identifier: "facts".into(),
            cluster_status: status.into(),
            encrypted: Some(false),
            publicly_accessible: Some(true),
            ..RedshiftCluster::default()
        };
        resource("facts", "arn:aws:redshift:eu-west-1:111122223333:cluster:facts", config)
    }

    impl Samples for RedshiftCluster {
        fn samples() -> Vec<(Action, Resource<Self>)> {
            vec![(Action::MakePrivate, cluster("available")), (Action::RedshiftEncrypt, cluster("available"))]
        }
    }

    #[test]
    fn one_switch_is_set_at_a_time() {
        for (action, parameters) in [
            (Action::MakePrivate, json!({"ClusterIdentifier": "facts", "PubliclyAccessible": false})),
            (Action::RedshiftEncrypt, json!({"ClusterIdentifier": "facts", "Encrypted": true})),
        ] {
            let (operation, sent) = the_call(&action, &cluster("available"));
            assert_eq!((operation.as_str(), sent), ("redshift:ModifyCluster", parameters));
        }
        for action in [Action::MakePublic, Action::RedshiftDecrypt] {
            assert!(planned(&action, &cluster("resizing")).unwrap().steps.is_empty(), "{action:?}: it is so already");
        }
    }

    #[test]
    fn what_redshift_does_not_do_is_refused_with_the_reason() {
        for action in [Action::MakePrivate, Action::RedshiftEncrypt] {
            for (status, why) in [("paused", "resume it first"), ("storage-full", "`storage-full`"), ("", "``")] {
                let refused = planned(&action, &cluster(status));
                assert!(
                    matches!(&refused, Err(Refusal::Impossible(said)) if said.contains(why)),
                    "{action:?} {status}: {refused:?}"
                );
            }
            assert!(matches!(planned(&action, &cluster("deleting")), Err(Refusal::Changed(_))), "{action:?}");
            let mut unknown = cluster("available");
            (unknown.config.encrypted, unknown.config.publicly_accessible) = (None, None);
            assert!(matches!(planned(&action, &unknown), Err(Refusal::Impossible(_))), "{action:?}");
        }
    }
}
