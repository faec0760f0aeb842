//! An Auto Scaling group of two instances, in the subnet and the closed group of the others. Nothing is wrong with it.

use std::time::Duration;

use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::types::{AutoScalingGroup as Described, Filter, LaunchTemplateSpecification, Tag};
use aws_sdk_ec2::types::{
    InstanceType, LaunchTemplateHttpTokensState, LaunchTemplateInstanceMetadataEndpointState,
    LaunchTemplateInstanceMetadataOptionsRequest as MetadataOptions,
    LaunchTemplateInstanceNetworkInterfaceSpecificationRequest as Interface,
    LaunchTemplateTagSpecificationRequest as LaunchTags, RequestLaunchTemplateData, ResourceType as Tagged,
    Tag as LaunchTag,
};
use common::aws::AwsError;
use common::client;
use common::resource::{AutoScalingGroup, ResourceType};

use super::ec2::Ground;
use super::shares::tags;
use super::{Made, Misconfigured, Missing, PREFIX, Place, Report, TAG, call, unless, verdict};

const NAME: &str = "sluice-test-group";
const WHAT: &str = "good: keeps two instances running";

impl Misconfigured for AutoScalingGroup {
    const ROUND: u8 = 2;

    async fn make(place: &Place) -> Result<Report, Missing> {
        let client = client!(aws_sdk_autoscaling, &place.session, place.region());
        let ground = Ground::of(place).await?;
        let present = find(&client).await?.into_iter().find(|group| name(group) == NAME);
        let group = if let Some(group) = present {
            group
        } else {
            create(&client, &ground).await?;
            let made = find(&client).await?.into_iter().find(|group| name(group) == NAME);
            made.ok_or_else(|| Missing::Impossible(format!("{NAME} was made, and is not there: try again")))?
        };
        Ok(Report { made: vec![made(place, &group, WHAT, &[])?], missing: Vec::new() })
    }

    /// Deletes the groups with their instances, and waits until they are gone.
    async fn clean(place: &Place) -> Result<Report, Missing> {
        let client = client!(aws_sdk_autoscaling, &place.session, place.region());
        let mut removed = Vec::new();
        for group in find(&client).await? {
            let request = client.delete_auto_scaling_group().auto_scaling_group_name(name(&group)).force_delete(true);
            // Also one that an interrupted run told to go.
            unless(&["ScalingActivityInProgress"], call!("autoscaling:DeleteAutoScalingGroup", request))?;
            removed.push(made(place, &group, "removed", &[])?);
        }
        // Its instances are in the closed group, which stays until they are gone. Mostly some minutes.
        for _ in 0..120 {
            if find(&client).await?.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
        let ec2 = client!(aws_sdk_ec2, &place.session, place.region());
        let request = ec2.delete_launch_template().launch_template_name(NAME);
        let gone = ["InvalidLaunchTemplateName.NotFoundException"];
        unless(&gone, call!("ec2:DeleteLaunchTemplate", request))?;
        Ok(Report { made: removed, missing: Vec::new() })
    }
}

fn name(group: &Described) -> &str {
    group.auto_scaling_group_name().unwrap_or_default()
}

fn made(place: &Place, group: &Described, what: &'static str, checks: &[&'static str]) -> Result<Made, Missing> {
    let arn = group.auto_scaling_group_arn().unwrap_or_default().parse();
    let arn = arn.map_err(|error| Missing::Impossible(format!("AWS gives {} no ARN: {error}", name(group))))?;
    Ok(place.made(ResourceType::AutoScalingGroup, name(group), arn, what, checks))
}

async fn create(client: &Client, ground: &Ground) -> Result<(), Missing> {
    template(ground).await?;
    let tag = Tag::builder().key(TAG).value(verdict(WHAT)).propagate_at_launch(false);
    let tag = tag.resource_id(NAME).resource_type("auto-scaling-group");
    let template = LaunchTemplateSpecification::builder().launch_template_name(NAME).version("$Latest").build();
    let request = client
        .create_auto_scaling_group()
        .auto_scaling_group_name(NAME)
        .launch_template(template)
        .min_size(0)
        .max_size(2)
        .desired_capacity(2)
        .vpc_zone_identifier(&ground.subnet)
        .tags(tag.build());
    call!("autoscaling:CreateAutoScalingGroup", request)?;
    Ok(())
}

/// What the group launches. Its instances have our prefix and not our tag: they come and go with the group, and are not made
/// one by one.
async fn template(ground: &Ground) -> Result<(), Missing> {
    let interface = Interface::builder()
        .device_index(0)
        .associate_public_ip_address(false)
        .delete_on_termination(true)
        .subnet_id(&ground.subnet)
        .groups(&ground.group);
    let options = MetadataOptions::builder().http_tokens(LaunchTemplateHttpTokensState::Required);
    let options = options.http_endpoint(LaunchTemplateInstanceMetadataEndpointState::Enabled);
    let tag = |key: &str, value: &str| LaunchTag::builder().key(key).value(value).build();
    let owned = LaunchTags::builder().resource_type(Tagged::Instance);
    let owned = owned.tags(tag("Name", NAME)).tags(tag("Owner", "sluice"));
    let data = RequestLaunchTemplateData::builder()
        .image_id(&ground.image)
        .instance_type(InstanceType::T3Micro)
        .network_interfaces(interface.build())
        .metadata_options(options.build())
        .tag_specifications(owned.build())
        .build();
    let request = ground.client.create_launch_template().launch_template_name(NAME).launch_template_data(data);
    let request = request.tag_specifications(tags(Tagged::LaunchTemplate, NAME, verdict(WHAT), &[]));
    let present = ["InvalidLaunchTemplateName.AlreadyExistsException"];
    unless(&present, call!("ec2:CreateLaunchTemplate", request))?;
    Ok(())
}

/// The groups with our tag and our prefix.
async fn find(client: &Client) -> Result<Vec<Described>, AwsError> {
    let tagged = Filter::builder().name("tag-key").values(TAG).build();
    let mut pages = client.describe_auto_scaling_groups().filters(tagged).into_paginator().items().send();
    let mut groups = Vec::new();
    while let Some(group) = pages.next().await {
        groups.push(group.map_err(|error| AwsError::new("autoscaling:DescribeAutoScalingGroups", error))?);
    }
    groups.retain(|group| name(group).starts_with(PREFIX));
    Ok(groups)
}
