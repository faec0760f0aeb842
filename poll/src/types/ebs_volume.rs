//! `ebs_volume`: `DescribeVolumes`, which tells all at once; for a closer look `DescribeInstances`, of those that have it.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{Filter, Instance, Volume as Described, VolumeAttachment as DescribedAttachment, VolumeState};
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{EC2_DESCRIBE_INSTANCES, EC2_DESCRIBE_VOLUMES, Operation};
use common::record::Resource;
use common::resource::{AttachedInstance, InstanceState, Volume, VolumeAttachment};

use super::ec2::only_tests;
use super::{Owner, Polled, tags, time};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::Sink;

impl Polled for Volume {
    const LIST: &'static [Operation] = &[EC2_DESCRIBE_VOLUMES];
    const LOOK: &'static [Operation] = &[EC2_DESCRIBE_VOLUMES];
    const CLOSER: &'static [Operation] = &[EC2_DESCRIBE_INSTANCES];

    async fn list(account: &Account, reach: &Reach, sink: &Sink) -> Result<(), AwsError> {
        let session = &account.session;
        let owner = Owner::of(session);
        for region in reach.regions() {
            let call = client!(aws_sdk_ec2, session, region).describe_volumes().set_filters(only_tests(sink));
            let mut pages = call.into_paginator().page_size(1000).send();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| AwsError::new(EC2_DESCRIBE_VOLUMES, error))?;
                for described in page.volumes.unwrap_or_default() {
                    sink.resource(convert(&owner, region, described)).await;
                }
            }
        }
        Ok(())
    }

    async fn look(session: &Session, region: &Region, id: &str) -> Result<Option<Resource<Self>>, AwsError> {
        let call = client!(aws_sdk_ec2, session, region).describe_volumes().volume_ids(id);
        match call.send().await.map_err(|error| AwsError::new(EC2_DESCRIBE_VOLUMES, error)) {
            Ok(answer) => {
                let described = answer.volumes.unwrap_or_default().into_iter().next();
                Ok(described.map(|described| convert(&Owner::of(session), region, described)))
            }
            Err(error) if error.code() == "InvalidVolume.NotFound" => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn look_closely(session: &Session, region: &Region, found: &mut [&mut Resource<Self>]) {
        for volume in found {
            match instances(session, region, &volume.config.attachments).await {
                Ok(instances) => volume.config.attached_instances = Some(instances),
                Err(error) => volume.unread.push(error.unread("AttachedInstances")),
            }
        }
    }
}

/// The instances that a volume is attached to: sixteen at most, see
/// <https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volumes-multi.html>.
async fn instances(
    session: &Session,
    region: &Region,
    attachments: &[VolumeAttachment],
) -> Result<Vec<AttachedInstance>, AwsError> {
    let ids: BTreeSet<&String> = attachments.iter().filter_map(|attachment| attachment.instance_id.as_ref()).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    // By a filter: an id that does not exist any more would spoil the answer.
    let these = Filter::builder().name("instance-id").set_values(Some(ids.into_iter().cloned().collect())).build();
    let call = client!(aws_sdk_ec2, session, region).describe_instances().filters(these);
    let mut pages = call.into_paginator().page_size(1000).send();
    let mut instances = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::new(EC2_DESCRIBE_INSTANCES, error))?;
        let all = page.reservations.unwrap_or_default().into_iter();
        instances.extend(all.flat_map(|all| all.instances.unwrap_or_default()).map(attached_instance));
    }
    instances.sort_unstable_by(|one, other| one.instance_id.cmp(&other.instance_id));
    Ok(instances)
}

fn attached_instance(it: Instance) -> AttachedInstance {
    let state = it.state.and_then(|state| state.name).map(|name| name.as_str().to_owned());
    AttachedInstance {
        instance_id: it.instance_id.unwrap_or_default(),
        state: InstanceState { name: state.unwrap_or_default() },
        root_device_name: it.root_device_name,
        root_device_type: it.root_device_type.map(|kind| kind.as_str().to_owned()),
        tags: tags(it.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value))),
    }
}

fn convert(owner: &Owner, region: &Region, it: Described) -> Resource<Volume> {
    let id = it.volume_id.unwrap_or_default();
    let mut attachments: Vec<_> = it.attachments.unwrap_or_default().into_iter().map(attachment).collect();
    attachments.sort_unstable();
    let config = Volume {
        volume_id: id.clone(),
        size: it.size,
        volume_type: it.volume_type.map(|kind| kind.as_str().to_owned()),
        iops: it.iops,
        throughput: it.throughput,
        multi_attach_enabled: it.multi_attach_enabled,
        state: it.state.as_ref().map(|state| state.as_str().to_owned()),
        create_time: it.create_time.as_ref().map(time),
        availability_zone: it.availability_zone,
        // Empty where the volume was made from none.
        snapshot_id: it.snapshot_id.filter(|id| !id.is_empty()),
        encrypted: it.encrypted,
        kms_key_id: it.kms_key_id,
        attachments,
        attached_instances: None,
    };
    let tags = tags(it.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)));
    let mut resource = owner.resource(region, &id, owner.arn("ec2", region, format!("volume/{id}")), tags, config);
    // The others last or lead to where there is nothing to judge, of
    // <https://docs.aws.amazon.com/ebs/latest/userguide/ebs-describing-volumes.html>.
    resource.settled = it.state != Some(VolumeState::Creating);
    resource
}

fn attachment(it: DescribedAttachment) -> VolumeAttachment {
    VolumeAttachment {
        instance_id: it.instance_id,
        device: it.device,
        state: it.state.map(|state| state.as_str().to_owned()),
        delete_on_termination: it.delete_on_termination,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::primitives::DateTime;
    use aws_sdk_ec2::types::{Tag, VolumeAttachmentState, VolumeType};

    use super::*;
    use crate::types::tests::owner;

    fn described(state: VolumeState, instances: &[&str]) -> Described {
        let attached = |id: &&str| {
            DescribedAttachment::builder().instance_id(*id).device("/dev/sdf").state(VolumeAttachmentState::Attached)
        };
        Described::builder()
            .volume_id("vol-1")
            .state(state)
            .volume_type(VolumeType::Io2)
            .snapshot_id("")
            .encrypted(true)
            .create_time(DateTime::from_secs_and_nanos(1_700_000_000, 5))
            .set_attachments(Some(instances.iter().map(|id| attached(id).build()).collect()))
            .tags(Tag::builder().key("Owner").value("web").build())
            .build()
    }

    #[test]
    fn two_looks_at_one_volume_are_equal_whatever_the_order() {
        let region = "eu-west-1".parse().unwrap();
        let one = convert(&owner(), &region, described(VolumeState::InUse, &["i-1", "i-2"]));
        let other = convert(&owner(), &region, described(VolumeState::InUse, &["i-2", "i-1"]));
        assert_eq!(one.config, other.config);
        assert_eq!(one.arn.to_string(), "arn:aws-cn:ec2:eu-west-1:111122223333:volume/vol-1");
        assert_eq!(one.tags["Owner"], "web");
        assert_eq!((one.config.state.as_deref(), one.config.snapshot_id.as_deref()), (Some("in-use"), None));
        assert_eq!(one.config.create_time.unwrap().subsec_nanosecond(), 0);
        assert_eq!(one.config.attachments[0].state.as_deref(), Some("attached"));
    }

    #[test]
    fn a_volume_that_is_being_made_has_not_settled() {
        let region = "eu-west-1".parse().unwrap();
        for (state, settled) in [
            (VolumeState::Creating, false),
            (VolumeState::Available, true),
            (VolumeState::InUse, true),
            (VolumeState::Error, true),
            (VolumeState::Deleting, true),
        ] {
            assert_eq!(convert(&owner(), &region, described(state.clone(), &[])).settled, settled, "{state:?}");
        }
    }
}
