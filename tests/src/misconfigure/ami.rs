//! Images of a volume in which nothing ever was: nothing that could be started.

use std::collections::BTreeSet;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    ArchitectureValues, BlockDeviceMapping, EbsBlockDevice, Image as Described, LaunchPermission,
    LaunchPermissionModifications, PermissionGroup, ResourceType as Tagged,
};
use common::arn::Arn;
use common::aws::AwsError;
use common::client;
use common::resource::{Image, ResourceType};

use super::shares::{SPECS, Spec, With, affordable, tags};
use super::{Made, Misconfigured, Missing, PREFIX, Place, Report, call, ebs_snapshot, unless, verdict};

const CHECKS: &[&str; 2] = &["ami_public", "ami_shared"];

/// By this, too, an image is known as one of ours: the emulator forgets the tags with which it is registered.
const DESCRIPTION: &str = "sluice test: nothing is in it";

/// Its root device.
const DEVICE: &str = "/dev/xvda";

impl Misconfigured for Image {
    const ROUND: u8 = 1;

    async fn make(place: &Place) -> Result<Report, Missing> {
        affordable(place, "images")?;
        let client = client!(aws_sdk_ec2, &place.session, place.region());
        let snapshot = ebs_snapshot::private(&client).await?;
        let mut results = Vec::new();
        for spec in SPECS {
            match make_one(place, &client, spec, &snapshot).await {
                Ok(made) => results.extend(made.into_iter().map(|made| (spec.name.to_owned(), Ok(made)))),
                Err(why) => results.push((spec.name.to_owned(), Err(why))),
            }
        }
        Ok(Report::collect(results))
    }

    /// The snapshots go with the images: they are of no other use, and were made or named by us.
    async fn clean(place: &Place) -> Result<Report, Missing> {
        let client = client!(aws_sdk_ec2, &place.session, place.region());
        let (mut results, mut behind) = (Vec::new(), BTreeSet::new());
        for image in find(&client).await? {
            behind.extend(snapshots(&image));
            let id = image.image_id.unwrap_or_default();
            let request = client.deregister_image().image_id(&id);
            let result = unless(&["InvalidAMIID.NotFound"], call!("ec2:DeregisterImage", request));
            let removed = result.map(|_| place.removed(ResourceType::Ami, &id, arn(place, &id)));
            results.push((id, removed.map_err(Missing::from)));
        }
        for id in behind {
            let removed = ebs_snapshot::remove(place, &client, &id).await;
            results.push((id, removed.map_err(Missing::from)));
        }
        Ok(Report::collect(results))
    }
}

/// EC2 leaves out whose an image is.
fn arn(place: &Place, id: &str) -> Arn {
    Arn { account: String::new(), ..place.arn("ec2", format!("image/{id}")) }
}

/// The image, and the snapshot behind it where that is one of its own.
async fn make_one(place: &Place, client: &Client, spec: &'static Spec, snapshot: &str) -> Result<Vec<Made>, Missing> {
    let with = spec.shared_with(place)?;
    let there = |images: Vec<Described>| images.into_iter().find(|image| image.name() == Some(spec.name));
    let mut image = there(find(client).await?);
    if image.is_none() {
        register(client, spec, snapshot).await?;
        image = there(find(client).await?);
    }
    let image = image.ok_or_else(|| Missing::Impossible("AWS does not show it yet: run this again".to_owned()))?;
    let id = image.image_id().unwrap_or_default();
    // AWS makes the image of the snapshot that it was given; the emulator makes another.
    let behind: Vec<String> = snapshots(&image).filter(|behind| behind != snapshot).collect();
    let specification = tags(Tagged::Image, spec.name, verdict(spec.what), &[]);
    let request = client.create_tags().resources(id).set_tags(specification.tags);
    call!("ec2:CreateTags", request)?;
    for behind in &behind {
        let specification = tags(Tagged::Snapshot, spec.name, "good", &[]);
        call!("ec2:CreateTags", client.create_tags().resources(behind).set_tags(specification.tags))?;
    }
    share(client, id, with).await?;
    let image = place.made(ResourceType::Ami, id, arn(place, id), spec.what, spec.checks(CHECKS));
    let behind = behind.iter().map(|id| ebs_snapshot::made(place, id, "good: came with an image", &[]));
    Ok([image].into_iter().chain(behind).collect())
}

async fn register(client: &Client, spec: &Spec, snapshot: &str) -> Result<(), AwsError> {
    let disk = EbsBlockDevice::builder().snapshot_id(snapshot).delete_on_termination(true).build();
    let request = client
        .register_image()
        .name(spec.name)
        .description(DESCRIPTION)
        .architecture(ArchitectureValues::X8664)
        .virtualization_type("hvm")
        .root_device_name(DEVICE)
        .block_device_mappings(BlockDeviceMapping::builder().device_name(DEVICE).ebs(disk).build())
        .tag_specifications(tags(Tagged::Image, spec.name, verdict(spec.what), &[]));
    call!("ec2:RegisterImage", request).map(drop)
}

async fn share(client: &Client, id: &str, with: With) -> Result<(), AwsError> {
    if with.is_empty() {
        return Ok(());
    }
    let groups = with
        .groups
        .iter()
        .map(|group| LaunchPermission::builder().group(PermissionGroup::from(group.as_str())).build());
    let accounts = with.accounts.iter().map(|account| LaunchPermission::builder().user_id(account).build());
    let changes = LaunchPermissionModifications::builder().set_add(Some(groups.chain(accounts).collect()));
    let request = client.modify_image_attribute().image_id(id).launch_permission(changes.build());
    call!("ec2:ModifyImageAttribute", request).map(drop)
}

/// The snapshots behind an image.
fn snapshots(image: &Described) -> impl Iterator<Item = String> {
    let devices = image.block_device_mappings().iter();
    devices.filter_map(|device| device.ebs()?.snapshot_id.clone())
}

/// The images with our prefix and our description.
async fn find(client: &Client) -> Result<Vec<Described>, AwsError> {
    let mut pages = client.describe_images().owners("self").include_disabled(true).into_paginator().items().send();
    let mut images = Vec::new();
    while let Some(image) = pages.next().await {
        images.push(image.map_err(|error| AwsError::new("ec2:DescribeImages", error))?);
    }
    images.retain(|image| image.description() == Some(DESCRIPTION));
    images.retain(|image| image.name().is_some_and(|name| name.starts_with(PREFIX)));
    Ok(images)
}
