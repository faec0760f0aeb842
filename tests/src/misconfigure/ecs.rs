//! What the ECS types share: a cluster, a definition of tasks that only sleep, and a network for them.

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{
    AssignPublicIp, AwsVpcConfiguration, Compatibility, ContainerDefinition, NetworkConfiguration, NetworkMode, Tag,
    TaskDefinitionStatus,
};
use common::aws::AwsError;
use common::client;

use super::security_group::vpc;
use super::{Missing, Place, TAG, call, ec2, unbuilt, unless};

/// The cluster in which all of it is.
pub(super) const CLUSTER: &str = "sluice-test-ecs";
/// The family of the task definition.
pub(super) const FAMILY: &str = "sluice-test-ecs";
/// What ECS says of a task definition that another type has removed meanwhile.
const GONE: [&str; 2] = ["ClientException", "InvalidParameterException"];
/// What has `sleep` and little else.
const IMAGE: &str = "public.ecr.aws/docker/library/busybox:stable";

/// What ECS says of a cluster that does not exist, or not any more.
pub(super) const NO_CLUSTER: &str = "ClusterNotFoundException";

/// What services, task sets and tasks stand on.
#[derive(Debug, Clone)]
pub(super) struct Ground {
    pub(super) client: Client,
    pub(super) task_definition: String,
    subnet: String,
    group: String,
}

impl Ground {
    pub(super) async fn make(place: &Place) -> Result<Self, Missing> {
        let client = client!(aws_sdk_ecs, &place.session, place.region());
        // The cluster that is there already, where it is.
        call!("ecs:CreateCluster", client.create_cluster().cluster_name(CLUSTER).tags(tag(TAG, "good")))?;
        let task_definition = task_definition(&client).await?;
        let network = client!(aws_sdk_ec2, &place.session, place.region());
        let vpc = vpc(&network).await?;
        let subnet = ec2::subnet(&network, &vpc).await?;
        let group = default_group(&network, &vpc).await?;
        Ok(Self { client, task_definition, subnet, group })
    }

    /// The network of tasks, with addresses on the internet or without.
    pub(super) fn network(&self, assign: &AssignPublicIp) -> Result<NetworkConfiguration, AwsError> {
        let network = AwsVpcConfiguration::builder().subnets(&self.subnet).security_groups(&self.group);
        let network = network.assign_public_ip(assign.clone()).build();
        let network = network.map_err(|error| unbuilt("ecs:AwsVpcConfiguration", error))?;
        Ok(NetworkConfiguration::builder().awsvpc_configuration(network).build())
    }
}

/// The group that every VPC has. Nothing listens in the tasks, whatever it lets in, and they have to get their image.
async fn default_group(client: &aws_sdk_ec2::Client, vpc: &str) -> Result<String, Missing> {
    use aws_sdk_ec2::types::Filter;
    let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
    let request = client.describe_security_groups().filters(filter("vpc-id", vpc));
    let answer = call!("ec2:DescribeSecurityGroups", request.filters(filter("group-name", "default")))?;
    let group = answer.security_groups.unwrap_or_default().into_iter().find_map(|group| group.group_id);
    group.ok_or_else(|| Missing::Impossible(format!("{vpc} has no default security group")))
}

/// A task of the smallest kind, without a role.
async fn task_definition(client: &Client) -> Result<String, AwsError> {
    let request = client.describe_task_definition().task_definition(FAMILY);
    let present = unless(&["ClientException"], call!("ecs:DescribeTaskDefinition", request))?;
    let present = present.and_then(|answer| answer.task_definition);
    if let Some(present) = present.filter(|present| present.status == Some(TaskDefinitionStatus::Active)) {
        return Ok(present.task_definition_arn.unwrap_or_default());
    }
    let container = ContainerDefinition::builder().name("sleep").image(IMAGE).memory(256);
    let request = client
        .register_task_definition()
        .family(FAMILY)
        .network_mode(NetworkMode::Awsvpc)
        .requires_compatibilities(Compatibility::Fargate)
        .cpu("256")
        .memory("512")
        .container_definitions(container.command("sleep").command("infinity").build())
        .tags(tag(TAG, "good"));
    let answer = call!("ecs:RegisterTaskDefinition", request)?;
    Ok(answer.task_definition.and_then(|made| made.task_definition_arn).unwrap_or_default())
}

/// Removes the ground, unless something stands on it still.
pub(super) async fn clear(client: &Client) -> Result<(), AwsError> {
    const IN_USE: &[&str] = &[
        NO_CLUSTER,
        "ClusterContainsServicesException",
        "ClusterContainsTasksException",
        "ClusterContainsContainerInstancesException",
        "UpdateInProgressException",
    ];
    // The three types are cleaned at once, and several of them may find the cluster free.
    let cleared = unless(IN_USE, call!("ecs:DeleteCluster", client.delete_cluster().cluster(CLUSTER)))?;
    if cleared.is_none() {
        return Ok(());
    }
    let request = client.list_task_definitions().family_prefix(FAMILY).status(TaskDefinitionStatus::Active);
    let mut pages = request.into_paginator().items().send();
    while let Some(arn) = pages.next().await {
        let arn = arn.map_err(|error| AwsError::new("ecs:ListTaskDefinitions", error))?;
        let deregister = client.deregister_task_definition().task_definition(&arn);
        unless(&GONE, call!("ecs:DeregisterTaskDefinition", deregister))?;
        unless(&GONE, call!("ecs:DeleteTaskDefinitions", client.delete_task_definitions().task_definitions(&arn)))?;
    }
    Ok(())
}

pub(super) fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

pub(super) fn has_tag(tags: &[Tag]) -> bool {
    tags.iter().any(|tag| tag.key() == Some(TAG))
}
