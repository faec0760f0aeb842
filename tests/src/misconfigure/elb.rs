//! Classic load balancers, before an instance that lets nothing in.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancing::Client;
use aws_sdk_elasticloadbalancing::types::{Instance, Listener, LoadBalancerDescription, Tag, TagDescription};
use common::aws::AwsError;
use common::client;
use common::resource::{ClassicLoadBalancer, ResourceType};

use super::ec2::{BEHIND_ELB, behind};
use super::{Made, Misconfigured, Missing, PREFIX, Place, Report, TAG, call, for_each, unbuilt, verdict};

struct Spec {
    name: &'static str,
    what: &'static str,
    checks: &'static [&'static str],
    internal: bool,
}

const SPECS: &[Spec] = &[
    Spec {
        name: "sluice-test-internal",
        what: "good: internal, with the tags of the instance behind it",
        checks: &[],
        internal: true,
    },
    // The tag that says so is the one that differs: that of the instance says `good`.
    Spec {
        name: "sluice-test-other-tags",
        what: "bad: has another tag than the instance behind it",
        checks: &["elb_tags_mismatch"],
        internal: true,
    },
    Spec {
        name: "sluice-test-facing",
        what: "good: faces the internet, which is bad in a development account alone",
        checks: &[],
        internal: false,
    },
];

impl Misconfigured for ClassicLoadBalancer {
    const ROUND: u8 = 2;

    async fn make(place: &Place) -> Result<Report, Missing> {
        let behind = behind(place, BEHIND_ELB).await?;
        let client = client!(aws_sdk_elasticloadbalancing, &place.session, place.region());
        let present = find(&client).await?;
        let results = for_each(SPECS, |spec| {
            let (place, client) = (place.clone(), client.clone());
            let present = present.iter().find(|it| it.load_balancer_name() == Some(spec.name)).cloned();
            let (subnet, instance) = (behind.subnet.clone(), behind.instance.clone());
            async move {
                let made = make_one(&client, spec, present.as_ref(), &subnet, &instance).await;
                (spec.name.to_owned(), made.map(|()| made_of(&place, spec)).map_err(Missing::from))
            }
        });
        Ok(Report::collect(results.await))
    }

    async fn clean(place: &Place) -> Result<Report, Missing> {
        let client = client!(aws_sdk_elasticloadbalancing, &place.session, place.region());
        let mut results = Vec::new();
        for balancer in find(&client).await? {
            let name = balancer.load_balancer_name.unwrap_or_default();
            // One that is not there is deleted to AWS.
            let deleted = call!(
                "elasticloadbalancing:DeleteLoadBalancer",
                client.delete_load_balancer().load_balancer_name(&name)
            );
            let arn = place.arn("elasticloadbalancing", format!("loadbalancer/{name}"));
            let removed = deleted.map(|_| place.removed(ResourceType::Elb, &name, arn));
            results.push((name, removed.map_err(Missing::from)));
        }
        Ok(Report::collect(results))
    }
}

fn made_of(place: &Place, spec: &Spec) -> Made {
    let arn = place.arn("elasticloadbalancing", format!("loadbalancer/{}", spec.name));
    place.made(ResourceType::Elb, spec.name, arn, spec.what, spec.checks)
}

async fn make_one(
    client: &Client,
    spec: &Spec,
    present: Option<&LoadBalancerDescription>,
    subnet: &str,
    instance: &str,
) -> Result<(), AwsError> {
    const CREATE: &str = "elasticloadbalancing:CreateLoadBalancer";
    if present.is_none() {
        let listener = Listener::builder().protocol("TCP").load_balancer_port(80).instance_port(80).build();
        let tag = Tag::builder().key(TAG).value(verdict(spec.what)).build();
        let request = client
            .create_load_balancer()
            .load_balancer_name(spec.name)
            .listeners(listener.map_err(|error| unbuilt(CREATE, error))?)
            .subnets(subnet)
            .tags(tag.map_err(|error| unbuilt(CREATE, error))?);
        let request = if spec.internal { request.scheme("internal") } else { request };
        call!("elasticloadbalancing:CreateLoadBalancer", request)?;
    }
    let registered = present.is_some_and(|it| it.instances().iter().any(|it| it.instance_id() == Some(instance)));
    if !registered {
        let instance = Instance::builder().instance_id(instance).build();
        let request = client.register_instances_with_load_balancer().load_balancer_name(spec.name).instances(instance);
        call!("elasticloadbalancing:RegisterInstancesWithLoadBalancer", request)?;
    }
    Ok(())
}

/// The load balancers with our tag and our prefix.
async fn find(client: &Client) -> Result<Vec<LoadBalancerDescription>, AwsError> {
    let mut pages = client.describe_load_balancers().into_paginator().items().send();
    let mut balancers = BTreeMap::new();
    while let Some(balancer) = pages.next().await {
        let balancer = balancer.map_err(|error| AwsError::new("elasticloadbalancing:DescribeLoadBalancers", error))?;
        let name = balancer.load_balancer_name.clone().unwrap_or_default();
        if name.starts_with(PREFIX) {
            balancers.insert(name, balancer);
        }
    }
    let mut ours = Vec::new();
    for (name, balancer) in balancers {
        let answer = call!("elasticloadbalancing:DescribeTags", client.describe_tags().load_balancer_names(&name))?;
        let mut tags = answer.tag_descriptions().iter().flat_map(TagDescription::tags);
        if tags.any(|tag| tag.key() == TAG) {
            ours.push(balancer);
        }
    }
    Ok(ours)
}
