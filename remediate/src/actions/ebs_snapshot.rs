//! What is done to snapshots of volumes: permissions to make a volume go out one by one, and come back; or the snapshot goes,
//! for good.

use aws_sdk_ec2::types::{OperationType, SnapshotAttributeName};
use common::action::{Action, Kill};
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::Snapshot;
use common::settings::Remediate;
use serde::Serialize;

use super::call::sent;
use super::shares::{self, Modify, accounts_and_groups};
use super::{ApiCall, Mended, Planned, Refusal, Turn};

/// What the API calls the permissions.
const ATTRIBUTE: &str = "createVolumePermission";

/// A call on a snapshot.
#[derive(Debug, Serialize)]
#[serde(untagged, rename_all_fields = "PascalCase")]
pub(crate) enum Step {
    Modify {
        snapshot_id: String,
        attribute: &'static str,
        /// `add` or `remove`.
        operation_type: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        group_names: Option<Vec<String>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        user_ids: Option<Vec<String>>,
    },
    Delete {
        snapshot_id: String,
    },
}

impl Mended for Snapshot {
    type Step = Step;

    const CALLS: &'static [(&'static str, &'static [Operation])] = &[
        ("disable", &[operation::EC2_MODIFY_SNAPSHOT_ATTRIBUTE]),
        ("kill", &[operation::EC2_DELETE_SNAPSHOT]),
        ("unshare", &[operation::EC2_MODIFY_SNAPSHOT_ATTRIBUTE]),
        ("share", &[operation::EC2_MODIFY_SNAPSHOT_ATTRIBUTE]),
    ];

    fn plan(action: &Action, resource: &Resource<Self>) -> Result<Planned<Self, Step>, Refusal> {
        shares::plan(action, resource, |modify, with| {
            let (user_ids, group_names) = accounts_and_groups(&with);
            Step::Modify {
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

    fn disable(resource: &Resource<Self>, _: &Remediate) -> Result<Vec<Action>, Refusal> {
        shares::disable(resource)
    }

    fn kill(resource: &Resource<Self>, _: Kill, _: &Remediate) -> Result<Planned<Self, Step>, Refusal> {
        let step = Step::Delete { snapshot_id: resource.config.snapshot_id.clone() };
        Ok(Planned { steps: vec![step], undo: None, after: None })
    }

    fn rebase(undo: Action, _: &Self, _: &Self) -> Action {
        undo
    }

    /// AWS deletes none of which an image is made: one that is to go as well goes first.
    fn turn(action: &Action) -> Turn {
        if matches!(action, Action::Kill(_)) { Turn::Last } else { Turn::Usual }
    }
}

impl ApiCall for Step {
    fn operation(&self) -> Operation {
        match self {
            Self::Modify { .. } => operation::EC2_MODIFY_SNAPSHOT_ATTRIBUTE,
            Self::Delete { .. } => operation::EC2_DELETE_SNAPSHOT,
        }
    }

    async fn send(&self, session: &Session, region: &Region) -> Result<Option<String>, AwsError> {
        let client = common::client!(aws_sdk_ec2, session, region);
        match self {
            Self::Modify { snapshot_id, operation_type, group_names, user_ids, .. } => {
                let modify = client
                    .modify_snapshot_attribute()
                    .snapshot_id(snapshot_id)
                    .attribute(SnapshotAttributeName::CreateVolumePermission)
                    .operation_type(OperationType::from(*operation_type))
                    .set_group_names(group_names.clone())
                    .set_user_ids(user_ids.clone());
                sent(self.operation(), modify.send().await)
            }
            Self::Delete { snapshot_id } => {
                sent(self.operation(), client.delete_snapshot().snapshot_id(snapshot_id).send().await)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::actions::shares::tests::{FRIEND, STRANGER, calls, samples, shared};
    use crate::actions::tests::{Samples, resource};

    fn snapshot() -> Resource<Snapshot> {
        let config = Snapshot { snapshot_id: "snap-1".into(), ..Snapshot::default() };
        resource("snap-1", "arn:aws:ec2:eu-west-1::snapshot/snap-1", config)
    }

    impl Samples for Snapshot {
        fn samples() -> Vec<(Action, Resource<Self>)> {
            let taken = vec![
                (Action::Disable, shared(snapshot(), &["all", STRANGER])),
                (Action::Kill(Kill::default()), snapshot()),
            ];
            [samples(&snapshot()), taken].concat()
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
