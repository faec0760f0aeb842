//! What is done to snapshots of database instances: those who may restore them go out one by one, and come back.

use common::action::{Action, Kill};
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::{DbSnapshot, RESTORE};
use common::settings::Remediate;
use serde::Serialize;

use super::call::sent;
use super::shares;
use super::{ApiCall, Mended, Planned, Refusal};

/// A call on a snapshot.
#[derive(Debug, Serialize)]
#[serde(untagged, rename_all_fields = "PascalCase")]
pub(crate) enum Step {
    Modify {
        #[serde(rename = "DBSnapshotIdentifier")]
        id: String,
        attribute_name: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        values_to_add: Option<Vec<String>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        values_to_remove: Option<Vec<String>>,
    },
    Delete {
        #[serde(rename = "DBSnapshotIdentifier")]
        id: String,
    },
}

impl Mended for DbSnapshot {
    type Step = Step;

    const CALLS: &'static [(&'static str, &'static [Operation])] = &[
        ("disable", &[operation::RDS_MODIFY_DB_SNAPSHOT_ATTRIBUTE]),
        ("kill", &[operation::RDS_DELETE_DB_SNAPSHOT]),
        ("unshare", &[operation::RDS_MODIFY_DB_SNAPSHOT_ATTRIBUTE]),
        ("share", &[operation::RDS_MODIFY_DB_SNAPSHOT_ATTRIBUTE]),
    ];

    fn plan(action: &Action, resource: &Resource<Self>) -> Result<Planned<Self, Step>, Refusal> {
        shares::plan(action, resource, |modify, with| {
            let (values_to_add, values_to_remove) = shares::to_add_and_to_remove(modify, with);
            Step::Modify {
                id: resource.config.db_snapshot_identifier.clone(),
                attribute_name: RESTORE,
                values_to_add,
                values_to_remove,
            }
        })
    }

    fn disable(resource: &Resource<Self>, _: &Remediate) -> Result<Vec<Action>, Refusal> {
        shares::disable(resource)
    }

    fn kill(resource: &Resource<Self>, _: Kill, _: &Remediate) -> Result<Planned<Self, Step>, Refusal> {
        let snapshot = &resource.config;
        let step = Step::Delete { id: snapshot.db_snapshot_identifier.clone() };
        deletion(resource, snapshot.status.as_deref(), snapshot.snapshot_type.as_deref(), step)
    }

    fn rebase(undo: Action, _: &Self, _: &Self) -> Action {
        undo
    }
}

/// Deletes a snapshot by this step, unless RDS or AWS Backup made it, and looks after it by itself.
pub(super) fn deletion<C: Clone, S>(
    resource: &Resource<C>,
    status: Option<&str>,
    snapshot_type: Option<&str>,
    step: S,
) -> Result<Planned<C, S>, Refusal> {
    match snapshot_type {
        _ if status == Some("deleting") => Ok(Planned::nothing(resource)),
        Some("automated") => Err(Refusal::Impossible(
            "it is an automated snapshot, which RDS removes by itself: shorten the time for which backups are kept"
                .to_owned(),
        )),
        Some("awsbackup") => {
            Err(Refusal::Impossible("it is a recovery point of AWS Backup: delete it there".to_owned()))
        }
        _ => Ok(Planned { steps: vec![step], undo: None, after: None }),
    }
}

impl ApiCall for Step {
    fn operation(&self) -> Operation {
        match self {
            Self::Modify { .. } => operation::RDS_MODIFY_DB_SNAPSHOT_ATTRIBUTE,
            Self::Delete { .. } => operation::RDS_DELETE_DB_SNAPSHOT,
        }
    }

    async fn send(&self, session: &Session, region: &Region) -> Result<Option<String>, AwsError> {
        let client = common::client!(aws_sdk_rds, session, region);
        let operation = self.operation();
        match self {
            Self::Modify { id, attribute_name, values_to_add, values_to_remove } => {
                let modify = client.modify_db_snapshot_attribute().db_snapshot_identifier(id);
                let modify = modify
                    .attribute_name(*attribute_name)
                    .set_values_to_add(values_to_add.clone())
                    .set_values_to_remove(values_to_remove.clone());
                sent(operation, modify.send().await)
            }
            Self::Delete { id } => sent(operation, client.delete_db_snapshot().db_snapshot_identifier(id).send().await),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::actions::shares::tests::{STRANGER, calls, samples, shared};
    use crate::actions::tests::{Samples, planned, resource, the_call};

    fn snapshot() -> Resource<DbSnapshot> {
        let config = DbSnapshot { db_snapshot_identifier: "shop-1".into(), ..DbSnapshot::default() };
        resource("shop-1", "arn:aws:rds:eu-west-1:111122223333:snapshot:shop-1", config)
    }

    impl Samples for DbSnapshot {
        fn samples() -> Vec<(Action, Resource<Self>)> {
            let mut samples = samples(&snapshot());
            samples.push((Action::Disable, shared(snapshot(), &["all", STRANGER])));
            samples.push((Action::Kill(Kill::default()), snapshot()));
            samples
        }
    }

    #[test]
    fn a_share_is_a_value_of_the_attribute_restore() {
        for who in ["all", STRANGER] {
            let [gone, back] = calls(&[who], &snapshot());
            let modify = |values: &str| {
                let parameters = json!({"DBSnapshotIdentifier": "shop-1", "AttributeName": "restore", values: [who]});
                ("rds:ModifyDBSnapshotAttribute".to_owned(), parameters)
            };
            assert_eq!((gone, back), (modify("ValuesToRemove"), modify("ValuesToAdd")));
        }
    }

    #[test]
    fn what_aws_made_by_itself_is_not_deleted() {
        let kill = Action::Kill(Kill::default());
        let of = |snapshot_type: &str, status: &str| {
            let (snapshot_type, status) = (Some(snapshot_type.to_owned()), Some(status.to_owned()));
            snapshot().map(|it| DbSnapshot { snapshot_type, status, ..it })
        };
        for (kind, why) in [("automated", "RDS removes by itself"), ("awsbackup", "AWS Backup")] {
            let refused = planned(&kill, &of(kind, "available"));
            assert!(matches!(&refused, Err(Refusal::Impossible(said)) if said.contains(why)), "{kind}: {refused:?}");
        }
        let (operation, parameters) = the_call(&kill, &of("manual", "available"));
        assert_eq!(
            (operation.as_str(), parameters),
            ("rds:DeleteDBSnapshot", json!({"DBSnapshotIdentifier": "shop-1"}))
        );
        assert!(planned(&kill, &of("manual", "deleting")).unwrap().steps.is_empty(), "it is on its way out");
    }
}
