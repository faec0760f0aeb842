//! `ebs_snapshot`: `DescribeSnapshots`, then `DescribeSnapshotAttribute` for each.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    CreateVolumePermission as DescribedPermission, Snapshot as Described, SnapshotAttributeName, SnapshotState,
};
use common::arn::Arn;
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{EC2_DESCRIBE_SNAPSHOT_ATTRIBUTE, EC2_DESCRIBE_SNAPSHOTS, Operation};
use common::record::Resource;
use common::resource::{CreateVolumePermission, Shared, Snapshot};
use futures_util::{StreamExt, stream};

use super::ec2::only_tests;
use super::{AT_ONCE, Owner, Polled, read, tags, time};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::Sink;

/// What AWS answers where there is no such snapshot, or none any more.
const NOT_FOUND: &str = "InvalidSnapshot.NotFound";

type Permissions = Result<Vec<DescribedPermission>, AwsError>;

impl Polled for Snapshot {
    const LIST: &'static [Operation] = &[EC2_DESCRIBE_SNAPSHOTS, EC2_DESCRIBE_SNAPSHOT_ATTRIBUTE];
    const LOOK: &'static [Operation] = &[EC2_DESCRIBE_SNAPSHOTS, EC2_DESCRIBE_SNAPSHOT_ATTRIBUTE];

    /// The account's own snapshots, archived ones too: they are shared until they are archived in full.
    async fn list(account: &Account, reach: &Reach, sink: &Sink) -> Result<(), AwsError> {
        let session = &account.session;
        let owner = Owner::of(session);
        for region in reach.regions() {
            let client = client!(aws_sdk_ec2, session, region);
            let call = client.describe_snapshots().owner_ids("self").set_filters(only_tests(sink));
            let mut pages = call.into_paginator().page_size(1000).send();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| AwsError::new(EC2_DESCRIBE_SNAPSHOTS, error))?;
                let mut snapshots = stream::iter(page.snapshots.unwrap_or_default())
                    .map(|described| describe(&client, &owner, region, described))
                    .buffer_unordered(AT_ONCE);
                while let Some(snapshot) = snapshots.next().await {
                    if let Some(snapshot) = snapshot {
                        sink.resource(snapshot).await;
                    }
                }
            }
        }
        Ok(())
    }

    async fn look(session: &Session, region: &Region, id: &str) -> Result<Option<Resource<Self>>, AwsError> {
        let client = client!(aws_sdk_ec2, session, region);
        let call = client.describe_snapshots().snapshot_ids(id);
        match call.send().await.map_err(|error| AwsError::new(EC2_DESCRIBE_SNAPSHOTS, error)) {
            Ok(answer) => match answer.snapshots.unwrap_or_default().into_iter().next() {
                Some(described) => Ok(describe(&client, &Owner::of(session), region, described).await),
                None => Ok(None),
            },
            Err(error) if error.code() == NOT_FOUND => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The record of a snapshot, unless it is another account's (a look finds those that are shared with this one), or gone.
async fn describe(client: &Client, owner: &Owner, region: &Region, it: Described) -> Option<Resource<Snapshot>> {
    if it.owner_id.as_deref().is_some_and(|id| id != owner.account.as_str()) {
        return None;
    }
    let permissions = permissions(client, it.snapshot_id.as_deref().unwrap_or_default()).await;
    convert(owner, region, it, permissions)
}

async fn permissions(client: &Client, id: &str) -> Permissions {
    let call =
        client.describe_snapshot_attribute().snapshot_id(id).attribute(SnapshotAttributeName::CreateVolumePermission);
    let answer = call.send().await.map_err(|error| AwsError::new(EC2_DESCRIBE_SNAPSHOT_ATTRIBUTE, error))?;
    Ok(answer.create_volume_permissions.unwrap_or_default())
}

fn convert(owner: &Owner, region: &Region, it: Described, permissions: Permissions) -> Option<Resource<Snapshot>> {
    if permissions.as_ref().is_err_and(|error| error.code() == NOT_FOUND) {
        return None;
    }
    let id = it.snapshot_id.unwrap_or_default();
    let mut unread = Vec::new();
    let permissions = read(permissions, &[Snapshot::FIELD], &mut unread).unwrap_or_default();
    let mut create_volume_permissions: Vec<_> = permissions
        .into_iter()
        .map(|it| CreateVolumePermission {
            group: it.group.map(|group| group.as_str().to_owned()),
            user_id: it.user_id,
        })
        .collect();
    create_volume_permissions.sort_unstable();
    let config = Snapshot {
        snapshot_id: id.clone(),
        volume_id: it.volume_id,
        volume_size: it.volume_size,
        state: it.state.as_ref().map(|state| state.as_str().to_owned()),
        start_time: it.start_time.as_ref().map(time),
        description: it.description.filter(|text| !text.is_empty()),
        encrypted: it.encrypted,
        kms_key_id: it.kms_key_id,
        storage_tier: it.storage_tier.map(|tier| tier.as_str().to_owned()),
        create_volume_permissions,
    };
    let tags = tags(it.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)));
    let arn = Arn::new(&owner.partition, "ec2", region.as_str(), "", format!("snapshot/{id}"));
    let mut resource = owner.resource(region, &id, arn, tags, config);
    // The others last, of <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Snapshot.html>.
    resource.settled = !matches!(it.state, Some(SnapshotState::Pending | SnapshotState::Recovering));
    resource.unread = unread;
    Some(resource)
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::primitives::DateTime;
    use aws_sdk_ec2::types::{PermissionGroup, StorageTier, Tag};

    use super::*;
    use crate::types::tests::{denied, owner};

    fn converted(state: SnapshotState, permissions: Permissions) -> Option<Resource<Snapshot>> {
        let described = Described::builder()
            .snapshot_id("snap-1")
            .state(state)
            .volume_size(8)
            .start_time(DateTime::from_secs_and_nanos(1_700_000_000, 5))
            .storage_tier(StorageTier::Archive)
            .encrypted(true)
            .tags(Tag::builder().key("Owner").value("web").build());
        convert(&owner(), &"eu-west-1".parse().unwrap(), described.build(), permissions)
    }

    #[test]
    fn a_snapshot_says_whom_it_is_shared_with_in_one_order() {
        let anyone = || DescribedPermission::builder().group(PermissionGroup::All).build();
        let account = |id: &str| DescribedPermission::builder().user_id(id).build();
        let one = converted(SnapshotState::Completed, Ok(vec![account("2"), anyone(), account("1")])).unwrap();
        let other = converted(SnapshotState::Completed, Ok(vec![anyone(), account("1"), account("2")])).unwrap();
        assert_eq!(one.config, other.config);
        assert_eq!(one.config.shared_with(), Some(["1", "2", "all"].map(str::to_owned).into()));
        assert_eq!(one.arn.to_string(), "arn:aws-cn:ec2:eu-west-1::snapshot/snap-1");
        assert_eq!(one.config.storage_tier.as_deref(), Some("archive"));
        assert_eq!(one.config.start_time.unwrap().subsec_nanosecond(), 0);
        assert_eq!(one.tags["Owner"], "web");
    }

    #[test]
    fn a_snapshot_that_is_being_made_or_brought_back_has_not_settled() {
        for (state, settled) in [
            (SnapshotState::Pending, false),
            (SnapshotState::Recovering, false),
            (SnapshotState::Completed, true),
            (SnapshotState::Error, true),
            (SnapshotState::Recoverable, true),
        ] {
            assert_eq!(converted(state.clone(), Ok(Vec::new())).unwrap().settled, settled, "{state:?}");
        }
    }

    #[test]
    fn denied_is_unread_and_gone_is_no_record() {
        let snapshot = converted(SnapshotState::Completed, Err(denied("ec2:DescribeSnapshotAttribute"))).unwrap();
        assert_eq!(snapshot.unread("CreateVolumePermissions").unwrap().code, "AccessDenied");
        let gone = AwsError::of(EC2_DESCRIBE_SNAPSHOT_ATTRIBUTE, NOT_FOUND, "no");
        assert!(converted(SnapshotState::Completed, Err(gone)).is_none());
    }
}
