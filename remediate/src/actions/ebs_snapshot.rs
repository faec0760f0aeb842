//! What is done to snapshots of volumes: permissions to make a volume go out one by one, and come back.

use aws_sdk_ec2::types::{OperationType, SnapshotAttributeName};
use common::action::Action;
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::Snapshot;
use serde::Serialize;

use super::call::sent;
use super::shares::{self, Modify, accounts_and_groups};
use super::{ApiCall, Mended, Planned, Refusal};

/// What the API calls the permissions.
const ATTRIBUTE: &str = "createVolumePermission";

/// The call on a snapshot.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ModifySnapshotAttribute {
    snapshot_id: String,
    attribute: &'static str,
    /// `add` or `remove`.
    operation_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_names: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_ids: Option<Vec<String>>,
}

impl Mended for Snapshot {
    type Step = ModifySnapshotAttribute;

    const CALLS: &'static [(&'static str, &'static [Operation])] = &[
        ("unshare", &[operation::EC2_MODIFY_SNAPSHOT_ATTRIBUTE]),
        ("share", &[operation::EC2_MODIFY_SNAPSHOT_ATTRIBUTE]),
    ];

    fn plan(action: &Action, resource: &Resource<Self>) -> Result<Planned<Self, Self::Step>, Refusal> {
        shares::plan(action, resource, |modify, with| {
            let (user_ids, group_names) = accounts_and_groups(&with);
            ModifySnapshotAttribute {
                snapshot_id: resource.config.snapshot_id.clone(),
                attribute: ATTRIBUTE,
                operation_type: match modify {
                    Modify::Add => "add",
                    Modify::Remove => "remove",
                },
                group_names,
                user_ids,
            }
        })
    }

    fn rebase(undo: Action, _: &Self, _: &Self) -> Action {
        undo
    }
}

impl ApiCall for ModifySnapshotAttribute {
    fn operation(&self) -> Operation {
        operation::EC2_MODIFY_SNAPSHOT_ATTRIBUTE
    }

    async fn send(&self, session: &Session, region: &Region) -> Result<Option<String>, AwsError> {
        let modify = common::client!(aws_sdk_ec2, session, region).modify_snapshot_attribute();
        let modify = modify
            .snapshot_id(&self.snapshot_id)
            .attribute(SnapshotAttributeName::CreateVolumePermission)
            .operation_type(OperationType::from(self.operation_type))
            .set_group_names(self.group_names.clone())
            .set_user_ids(self.user_ids.clone());
        sent(self.operation(), modify.send().await)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::actions::shares::tests::{FRIEND, STRANGER, calls, samples};
    use crate::actions::tests::{Samples, resource};

    fn snapshot() -> Resource<Snapshot> {
        let config = Snapshot { snapshot_id: "snap-1".into(), ..Snapshot::default() };
        resource("snap-1", "arn:aws:ec2:eu-west-1::snapshot/snap-1", config)
    }

    impl Samples for Snapshot {
        fn samples() -> Vec<(Action, Resource<Self>)> {
            samples(&snapshot())
        }
    }

    #[test]
    fn accounts_and_everyone_are_told_apart() {
        for (with, field, names) in [
            (&["all"][..], "GroupNames", json!(["all"])),
            (&[STRANGER], "UserIds", json!([STRANGER])),
            (&[FRIEND, STRANGER], "UserIds", json!([STRANGER, FRIEND])),
        ] {
            let [gone, back] = calls(with, &snapshot());
            let modify = |way: &str| {
                let parameters = json!({
                    "SnapshotId": "snap-1", "Attribute": "createVolumePermission", "OperationType": way, field: names,
                });
                ("ec2:ModifySnapshotAttribute".to_owned(), parameters)
            };
            assert_eq!((gone, back), (modify("remove"), modify("add")));
        }
    }
}
