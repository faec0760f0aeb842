//! Network load balancers, each before a target group of its own with an instance that lets nothing in.

use std::time::Duration;

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, LoadBalancer as Described, LoadBalancerSchemeEnum as Scheme, LoadBalancerTypeEnum,
    ProtocolEnum, Tag, TagDescription, TargetDescription, TargetTypeEnum,
};
use common::arn::Arn;
use common::aws::AwsError;
use common::client;
use common::resource::{LoadBalancer, ResourceType};

use super::ec2::{BEHIND_ELBV2, behind};
use super::{Misconfigured, Missing, PREFIX, Place, Report, TAG, call, for_each, unbuilt, unless, verdict};

/// A load balancer, and the target group of the same name.
struct Spec {
    name: &'static str,
    what: &'static str,
    checks: &'static [&'static str],
    internal: bool,
}

const SPECS: &[Spec] = &[
    Spec {
        name: "sluice-test-internal-nlb",
        what: "good: internal, with the tags of the instance behind it",
        checks: &[],
        internal: true,
    },
    // The tag that says so is the one that differs: that of the instance says `good`.
    Spec {
        name: "sluice-test-other-tags-nlb",
        what: "bad: has another tag than the instance behind it",
        checks: &["elbv2_tags_mismatch"],
        internal: true,
    },
    Spec {
        name: "sluice-test-facing-nlb",
        what: "good: faces the internet, which is bad in a development account alone",
        checks: &[],
        internal: false,
    },
];

const PORT: i32 = 80;

impl Misconfigured for LoadBalancer {
    const ROUND: u8 = 2;

    async fn make(place: &Place) -> Result<Report, Missing> {
        let behind = behind(place, BEHIND_ELBV2).await?;
        let client = client!(aws_sdk_elasticloadbalancingv2, &place.session, place.region());
        let results = for_each(SPECS, |spec| {
            let (place, client) = (place.clone(), client.clone());
            let (vpc, subnet, instance) = (behind.vpc.clone(), behind.subnet.clone(), behind.instance.clone());
            async move {
                let made = make_one(&client, spec, &vpc, &subnet, &instance).await.and_then(|id| {
                    let arn: Arn =
                        id.parse().map_err(|error| unbuilt("elasticloadbalancing:CreateLoadBalancer", error))?;
                    Ok(place.made(ResourceType::Elbv2, &id, arn, spec.what, spec.checks))
                });
                (spec.name.to_owned(), made.map_err(Missing::from))
            }
        });
        Ok(Report::collect(results.await))
    }

    /// The load balancers, and then their target groups: not before AWS has let go of them.
    async fn clean(place: &Place) -> Result<Report, Missing> {
        let client = client!(aws_sdk_elasticloadbalancingv2, &place.session, place.region());
        let mut results = Vec::new();
        for balancer in balancers(&client).await? {
            let id = balancer.load_balancer_arn.unwrap_or_default();
            let request = client.delete_load_balancer().load_balancer_arn(&id);
            let deleted = call!("elasticloadbalancing:DeleteLoadBalancer", request);
            let removed = deleted.and_then(|_| {
                let arn: Arn = id.parse().map_err(|error| unbuilt("elasticloadbalancing:DeleteLoadBalancer", error))?;
                Ok(place.removed(ResourceType::Elbv2, &id, arn))
            });
            results.push((balancer.load_balancer_name.unwrap_or_default(), removed.map_err(Missing::from)));
        }
        for arn in groups(&client).await? {
            delete_group(&client, &arn).await?;
        }
        Ok(Report::collect(results))
    }
}

/// The ARN of a load balancer that is made, with all that belongs to it, as far as it is not there.
async fn make_one(client: &Client, spec: &Spec, vpc: &str, subnet: &str, instance: &str) -> Result<String, AwsError> {
    let group = group(client, spec, vpc).await?;
    let balancer = balancer(client, spec, subnet).await?;
    let listeners =
        call!("elasticloadbalancing:DescribeListeners", client.describe_listeners().load_balancer_arn(&balancer))?;
    if listeners.listeners().is_empty() {
        let forward = Action::builder().r#type(ActionTypeEnum::Forward).target_group_arn(&group).build();
        let request = client.create_listener().load_balancer_arn(&balancer).protocol(ProtocolEnum::Tcp).port(PORT);
        call!("elasticloadbalancing:CreateListener", request.default_actions(forward))?;
    }
    // What is registered already stays so, and what drains comes back.
    let target = TargetDescription::builder().id(instance).port(PORT).build();
    let request = client.register_targets().target_group_arn(&group).targets(target);
    call!("elasticloadbalancing:RegisterTargets", request)?;
    Ok(balancer)
}

fn tag(spec: &Spec) -> Tag {
    Tag::builder().key(TAG).value(verdict(spec.what)).build()
}

async fn group(client: &Client, spec: &Spec, vpc: &str) -> Result<String, AwsError> {
    let request = client.describe_target_groups().names(spec.name);
    let answer = unless(&["TargetGroupNotFound"], call!("elasticloadbalancing:DescribeTargetGroups", request))?;
    if let Some(present) = answer.and_then(|answer| answer.target_groups?.into_iter().next()) {
        return Ok(present.target_group_arn.unwrap_or_default());
    }
    let request = client.create_target_group().name(spec.name).vpc_id(vpc).tags(tag(spec));
    let request = request.protocol(ProtocolEnum::Tcp).port(PORT).target_type(TargetTypeEnum::Instance);
    let answer = call!("elasticloadbalancing:CreateTargetGroup", request)?;
    let made = answer.target_groups.unwrap_or_default().into_iter().next();
    Ok(made.and_then(|group| group.target_group_arn).unwrap_or_default())
}

async fn balancer(client: &Client, spec: &Spec, subnet: &str) -> Result<String, AwsError> {
    let request = client.describe_load_balancers().names(spec.name);
    let answer = unless(&["LoadBalancerNotFound"], call!("elasticloadbalancing:DescribeLoadBalancers", request))?;
    if let Some(present) = answer.and_then(|answer| answer.load_balancers?.into_iter().next()) {
        return Ok(present.load_balancer_arn.unwrap_or_default());
    }
    let scheme = if spec.internal { Scheme::Internal } else { Scheme::InternetFacing };
    let request = client.create_load_balancer().name(spec.name).scheme(scheme).tags(tag(spec));
    let answer = call!(
        "elasticloadbalancing:CreateLoadBalancer",
        request.r#type(LoadBalancerTypeEnum::Network).subnets(subnet)
    )?;
    let made = answer.load_balancers.unwrap_or_default().into_iter().next();
    Ok(made.and_then(|balancer| balancer.load_balancer_arn).unwrap_or_default())
}

/// The load balancers with our tag and our prefix.
async fn balancers(client: &Client) -> Result<Vec<Described>, AwsError> {
    let mut pages = client.describe_load_balancers().into_paginator().items().send();
    let mut ours = Vec::new();
    while let Some(balancer) = pages.next().await {
        let balancer = balancer.map_err(|error| AwsError::new("elasticloadbalancing:DescribeLoadBalancers", error))?;
        let named = balancer.load_balancer_name().is_some_and(|name| name.starts_with(PREFIX));
        if named && is_tagged(client, balancer.load_balancer_arn().unwrap_or_default()).await? {
            ours.push(balancer);
        }
    }
    Ok(ours)
}

/// The ARNs of the target groups with our tag and our prefix.
async fn groups(client: &Client) -> Result<Vec<String>, AwsError> {
    let mut pages = client.describe_target_groups().into_paginator().items().send();
    let mut ours = Vec::new();
    while let Some(group) = pages.next().await {
        let group = group.map_err(|error| AwsError::new("elasticloadbalancing:DescribeTargetGroups", error))?;
        let named = group.target_group_name().is_some_and(|name| name.starts_with(PREFIX));
        let arn = group.target_group_arn.unwrap_or_default();
        if named && is_tagged(client, &arn).await? {
            ours.push(arn);
        }
    }
    Ok(ours)
}

async fn is_tagged(client: &Client, arn: &str) -> Result<bool, AwsError> {
    let answer = call!("elasticloadbalancing:DescribeTags", client.describe_tags().resource_arns(arn))?;
    let mut tags = answer.tag_descriptions().iter().flat_map(TagDescription::tags);
    Ok(tags.any(|tag| tag.key() == Some(TAG)))
}

/// A load balancer that was deleted keeps its target group for some seconds.
async fn delete_group(client: &Client, arn: &str) -> Result<(), AwsError> {
    for _ in 0..20 {
        let request = client.delete_target_group().target_group_arn(arn);
        match call!("elasticloadbalancing:DeleteTargetGroup", request) {
            Err(error) if error.code() == "ResourceInUse" => tokio::time::sleep(Duration::from_secs(3)).await,
            Err(error) => return Err(error),
            Ok(_) => return Ok(()),
        }
    }
    Err(AwsError::of("elasticloadbalancing:DeleteTargetGroup", "ResourceInUse", format!("{arn} is still in use")))
}
