//! `ami`: `DescribeImages`, then `DescribeImageAttribute` for each image that can be shared at all.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    BlockDeviceMapping, Image as Described, ImageAttributeName, ImageState, LaunchPermission as DescribedPermission,
};
use common::arn::Arn;
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{EC2_DESCRIBE_IMAGE_ATTRIBUTE, EC2_DESCRIBE_IMAGES, Operation};
use common::record::Resource;
use common::resource::{Image, ImageDevice, LaunchPermission, Shared};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;

use super::ec2::only_tests;
use super::{AT_ONCE, Owner, Polled, read, tags};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::Sink;

/// What AWS answers where there is no such image, or none any more.
const NOT_FOUND: &str = "InvalidAMIID.NotFound";
/// What it answers of an image that was deregistered, or is in a state in which nobody can use it:
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>.
const UNAVAILABLE: &str = "InvalidAMIID.Unavailable";

type Permissions = Result<Vec<DescribedPermission>, AwsError>;

impl Polled for Image {
    const LIST: &'static [Operation] = &[EC2_DESCRIBE_IMAGES, EC2_DESCRIBE_IMAGE_ATTRIBUTE];
    const LOOK: &'static [Operation] = &[EC2_DESCRIBE_IMAGES, EC2_DESCRIBE_IMAGE_ATTRIBUTE];

    /// The account's own images, deprecated ones (which the owner is always shown) and disabled ones too.
    async fn list(account: &Account, reach: &Reach, sink: &Sink) -> Result<(), AwsError> {
        let session = &account.session;
        let owner = Owner::of(session);
        for region in reach.regions() {
            let client = client!(aws_sdk_ec2, session, region);
            let call = client.describe_images().owners("self").include_disabled(true).set_filters(only_tests(sink));
            let mut pages = call.into_paginator().page_size(1000).send();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| AwsError::new(EC2_DESCRIBE_IMAGES, error))?;
                let mut images = stream::iter(page.images.unwrap_or_default())
                    .map(|described| describe(&client, &owner, region, described))
                    .buffer_unordered(AT_ONCE);
                while let Some(image) = images.next().await {
                    if let Some(image) = image {
                        sink.resource(image).await;
                    }
                }
            }
        }
        Ok(())
    }

    async fn look(session: &Session, region: &Region, id: &str) -> Result<Option<Resource<Self>>, AwsError> {
        let client = client!(aws_sdk_ec2, session, region);
        let call = client.describe_images().image_ids(id).include_disabled(true);
        match call.send().await.map_err(|error| AwsError::new(EC2_DESCRIBE_IMAGES, error)) {
            Ok(answer) => match answer.images.unwrap_or_default().into_iter().next() {
                Some(described) => Ok(describe(&client, &Owner::of(session), region, described).await),
                None => Ok(None),
            },
            Err(error) if matches!(error.code(), NOT_FOUND | UNAVAILABLE) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The record of an image, unless it is another account's (a look finds those that are shared with this one), or gone.
async fn describe(client: &Client, owner: &Owner, region: &Region, it: Described) -> Option<Resource<Image>> {
    if it.owner_id.as_deref().is_some_and(|id| id != owner.account.as_str()) {
        return None;
    }
    let permissions = match &it.state {
        // AWS takes away all its permissions, and lets nobody give it any:
        // <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/disable-an-ami.html>.
        Some(ImageState::Disabled) => Ok(Vec::new()),
        _ => permissions(client, it.image_id.as_deref().unwrap_or_default()).await,
    };
    convert(owner, region, it, permissions)
}

async fn permissions(client: &Client, id: &str) -> Permissions {
    let call = client.describe_image_attribute().image_id(id).attribute(ImageAttributeName::LaunchPermission);
    let answer = call.send().await.map_err(|error| AwsError::new(EC2_DESCRIBE_IMAGE_ATTRIBUTE, error))?;
    Ok(answer.launch_permissions.unwrap_or_default())
}

fn convert(owner: &Owner, region: &Region, it: Described, permissions: Permissions) -> Option<Resource<Image>> {
    let permissions = match permissions {
        Err(error) if error.code() == NOT_FOUND => return None,
        // Deregistered since it was listed; or failed, and then there is nothing that anybody could start.
        Err(error) if error.code() == UNAVAILABLE && it.state == Some(ImageState::Available) => return None,
        Err(error) if error.code() == UNAVAILABLE => Ok(Vec::new()),
        other => other,
    };
    let id = it.image_id.unwrap_or_default();
    let mut unread = Vec::new();
    let permissions = read(permissions, &[Image::FIELD], &mut unread).unwrap_or_default();
    let mut launch_permissions: Vec<_> = permissions.into_iter().map(permission).collect();
    launch_permissions.sort_unstable();
    let config = Image {
        image_id: id.clone(),
        name: it.name,
        description: it.description.filter(|text| !text.is_empty()),
        state: it.state.as_ref().map(|state| state.as_str().to_owned()),
        creation_date: it.creation_date.as_deref().and_then(date),
        deprecation_time: it.deprecation_time.as_deref().and_then(date),
        source_image_id: it.source_image_id,
        source_instance_id: it.source_instance_id,
        architecture: it.architecture.map(|it| it.as_str().to_owned()),
        platform_details: it.platform_details,
        root_device_type: it.root_device_type.map(|it| it.as_str().to_owned()),
        public: it.public,
        block_device_mappings: it.block_device_mappings.unwrap_or_default().into_iter().map(device).collect(),
        launch_permissions,
    };
    let tags = tags(it.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)));
    let arn = Arn::new(&owner.partition, "ec2", region.as_str(), "", format!("image/{id}"));
    let mut resource = owner.resource(region, &id, arn, tags, config);
    // The others last, of <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Image.html>.
    resource.settled = it.state != Some(ImageState::Pending);
    resource.unread = unread;
    Some(resource)
}

/// A time that the API gives as a text, in whole seconds.
fn date(text: &str) -> Option<Timestamp> {
    let exact: Timestamp = text.parse().ok()?;
    Timestamp::from_second(exact.as_second()).ok()
}

fn device(it: BlockDeviceMapping) -> ImageDevice {
    let (snapshot_id, encrypted) = it.ebs.map_or((None, None), |ebs| (ebs.snapshot_id, ebs.encrypted));
    ImageDevice { device_name: it.device_name, snapshot_id, encrypted }
}

fn permission(it: DescribedPermission) -> LaunchPermission {
    LaunchPermission {
        group: it.group.map(|group| group.as_str().to_owned()),
        user_id: it.user_id,
        organization_arn: it.organization_arn,
        organizational_unit_arn: it.organizational_unit_arn,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{EbsBlockDevice, PermissionGroup, Tag};

    use super::*;
    use crate::types::tests::{denied, owner};

    fn described(state: ImageState) -> Described {
        let ebs = EbsBlockDevice::builder().snapshot_id("snap-1").encrypted(false).build();
        Described::builder()
            .image_id("ami-1")
            .owner_id("111122223333")
            .name("web")
            .description("")
            .state(state)
            .creation_date("2026-01-02T03:04:05.678Z")
            .deprecation_time("tomorrow")
            .public(true)
            .block_device_mappings(BlockDeviceMapping::builder().device_name("/dev/xvda").ebs(ebs).build())
            .tags(Tag::builder().key("Owner").value("web").build())
            .build()
    }

    fn converted(state: ImageState, permissions: Permissions) -> Option<Resource<Image>> {
        convert(&owner(), &"eu-west-1".parse().unwrap(), described(state), permissions)
    }

    fn code(code: &str) -> Permissions {
        Err(AwsError::of(EC2_DESCRIBE_IMAGE_ATTRIBUTE, code, "no"))
    }

    #[test]
    fn an_image_says_whom_it_is_shared_with_in_one_order() {
        let anyone = || DescribedPermission::builder().group(PermissionGroup::All).build();
        let account = |id: &str| DescribedPermission::builder().user_id(id).build();
        let unit = || DescribedPermission::builder().organizational_unit_arn("arn:x:ou/o/ou").build();
        let one = converted(ImageState::Available, Ok(vec![anyone(), account("2"), unit(), account("1")])).unwrap();
        let other = converted(ImageState::Available, Ok(vec![account("1"), unit(), account("2"), anyone()])).unwrap();
        assert_eq!(one.config, other.config);
        let who = ["1", "2", "all", "arn:x:ou/o/ou"].map(str::to_owned).into();
        assert_eq!(one.config.shared_with(), Some(who));
        assert_eq!(one.arn.to_string(), "arn:aws-cn:ec2:eu-west-1::image/ami-1");
        assert_eq!(one.tags["Owner"], "web");
        assert_eq!((one.config.public, one.config.description.as_deref()), (Some(true), None));
        assert_eq!(one.config.creation_date.unwrap().to_string(), "2026-01-02T03:04:05Z");
        assert_eq!(one.config.deprecation_time, None, "what is no time is none");
        assert_eq!(one.config.block_device_mappings[0].snapshot_id.as_deref(), Some("snap-1"));
    }

    #[test]
    fn an_image_that_is_being_made_has_not_settled() {
        for (state, settled) in [
            (ImageState::Pending, false),
            (ImageState::Available, true),
            (ImageState::Failed, true),
            (ImageState::Disabled, true),
        ] {
            assert_eq!(converted(state.clone(), Ok(Vec::new())).unwrap().settled, settled, "{state:?}");
        }
    }

    #[test]
    fn denied_is_unread_and_gone_is_no_record() {
        let image = converted(ImageState::Available, Err(denied("ec2:DescribeImageAttribute"))).unwrap();
        assert_eq!(image.unread("LaunchPermissions").unwrap().code, "AccessDenied");
        assert!(converted(ImageState::Available, code(NOT_FOUND)).is_none());
        assert!(converted(ImageState::Available, code(UNAVAILABLE)).is_none());
        let failed = converted(ImageState::Failed, code(UNAVAILABLE)).unwrap();
        assert!(failed.unread.is_empty() && failed.config.launch_permissions.is_empty());
    }
}
