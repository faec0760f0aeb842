//! What is done to snapshots of database instances: those who may restore them go out one by one, and come back.

use common::action::Action;
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::{DbSnapshot, RESTORE};
use serde::Serialize;

use super::call::sent;
use super::shares::{self, Modify};
use super::{ApiCall, Mended, Planned, Refusal};

/// The call on a snapshot.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ModifyDbSnapshotAttribute {
    #[serde(rename = "DBSnapshotIdentifier")]
    db_snapshot_identifier: String,
    attribute_name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    values_to_add: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    values_to_remove: Option<Vec<String>>,
}

impl Mended for DbSnapshot {
    type Step = ModifyDbSnapshotAttribute;

    const CALLS: &'static [(&'static str, &'static [Operation])] = &[
        ("unshare", &[operation::RDS_MODIFY_DB_SNAPSHOT_ATTRIBUTE]),
        ("share", &[operation::RDS_MODIFY_DB_SNAPSHOT_ATTRIBUTE]),
    ];

    fn plan(action: &Action, resource: &Resource<Self>) -> Result<Planned<Self, Self::Step>, Refusal> {
        shares::plan(action, resource, |modify, with| {
            let (values_to_add, values_to_remove) = match modify {
                Modify::Add => (Some(with), None),
                Modify::Remove => (None, Some(with)),
            };
            ModifyDbSnapshotAttribute {
                db_snapshot_identifier: resource.config.db_snapshot_identifier.clone(),
                attribute_name: RESTORE,
                values_to_add,
                values_to_remove,
            }
        })
    }

    fn rebase(undo: Action, _: &Self, _: &Self) -> Action {
        undo
    }
}

impl ApiCall for ModifyDbSnapshotAttribute {
    fn operation(&self) -> Operation {
        operation::RDS_MODIFY_DB_SNAPSHOT_ATTRIBUTE
    }

    async fn send(&self, session: &Session, region: &Region) -> Result<Option<String>, AwsError> {
        let modify = common::client!(aws_sdk_rds, session, region).modify_db_snapshot_attribute();
        let modify = modify
            .db_snapshot_identifier(&self.db_snapshot_identifier)
            .attribute_name(self.attribute_name)
            .set_values_to_add(self.values_to_add.clone())
            .set_values_to_remove(self.values_to_remove.clone());
        sent(self.operation(), modify.send().await)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::actions::shares::tests::{STRANGER, calls, samples};
    use crate::actions::tests::{Samples, resource};

    fn snapshot() -> Resource<DbSnapshot> {
        let config = DbSnapshot { db_snapshot_identifier: "shop-1".into(), ..DbSnapshot::default() };
        resource("shop-1", "arn:aws:rds:eu-west-1:111122223333:snapshot:shop-1", config)
    }

    impl Samples for DbSnapshot {
        fn samples() -> Vec<(Action, Resource<Self>)> {
            samples(&snapshot())
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
}
