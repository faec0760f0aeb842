//! Instances: small ones, without a role, all but one without an address on the internet, in a group that lets nothing in
//! or out.

use std::time::Duration;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    Address, DomainType, Filter, HttpTokensState, Instance, InstanceMetadataEndpointState,
    InstanceMetadataOptionsRequest, InstanceNetworkInterfaceSpecification, InstanceType, ResourceType as Tagged, Tag,
    TagSpecification,
};
use common::aws::AwsError;
use common::client;
use common::resource::{self, ResourceType};

use super::security_group::Closed;
use super::{Misconfigured, Missing, PREFIX, Place, Report, TAG, call, for_each, unless, verdict};

/// An instance, known by its tag `Name`.
struct Spec {
    name: &'static str,
    what: &'static str,
    checks: &'static [&'static str],
    tokens: fn() -> HttpTokensState,
    endpoint: fn() -> InstanceMetadataEndpointState,
    elastic_ip: bool,
}

/// One with nothing wrong about it.
const GOOD: Spec = Spec {
    name: "sluice-test-imdsv2",
    what: "good: hands out credentials for a token alone",
    checks: &[],
    tokens: || HttpTokensState::Required,
    endpoint: || InstanceMetadataEndpointState::Enabled,
    elastic_ip: false,
};

/// The instance behind the classic load balancers.
pub(super) const BEHIND_ELB: &str = "sluice-test-behind-elb";
/// The instance behind the other load balancers.
pub(super) const BEHIND_ELBV2: &str = "sluice-test-behind-elbv2";

const SPECS: &[Spec] = &[
    GOOD,
    Spec {
        name: "sluice-test-imdsv1",
        what: "bad: hands out credentials without a token",
        checks: &["ec2_imdsv2"],
        tokens: || HttpTokensState::Optional,
        ..GOOD
    },
    Spec {
        name: "sluice-test-no-metadata",
        what: "good: needs no token, but hands out nothing",
        tokens: || HttpTokensState::Optional,
        endpoint: || InstanceMetadataEndpointState::Disabled,
        ..GOOD
    },
    Spec {
        name: "sluice-test-elastic-ip",
        what: "good: has an Elastic IP, which is bad in a development account alone",
        elastic_ip: true,
        ..GOOD
    },
    Spec { name: BEHIND_ELB, what: "good: stands behind classic load balancers", ..GOOD },
    Spec { name: BEHIND_ELBV2, what: "good: stands behind load balancers", ..GOOD },
];

/// All states but those of an instance that is gone.
const THERE: [&str; 4] = ["pending", "running", "stopping", "stopped"];

impl Misconfigured for resource::Instance {
    const ROUND: u8 = 1;

    async fn make(place: &Place) -> Result<Report, Missing> {
        let ground = Ground::of(place).await?;
        let results = for_each(SPECS, |spec| {
            let (place, ground) = (place.clone(), ground.clone());
            async move {
                let arn = |id: &str| place.arn("ec2", format!("instance/{id}"));
                let made = |id: String| place.made(ResourceType::Ec2, &id, arn(&id), spec.what, spec.checks);
                (spec.name.to_owned(), ground.bring(spec).await.map(made))
            }
        });
        Ok(Report::collect(results.await))
    }

    /// Terminates the instances, and waits until they are gone.
    async fn clean(place: &Place) -> Result<Report, Missing> {
        let client = client!(aws_sdk_ec2, &place.session, place.region());
        let instances = find(&client, &THERE).await?;
        let ids: Vec<String> = instances.into_iter().filter_map(|instance| instance.instance_id).collect();
        if !ids.is_empty() {
            call!("ec2:TerminateInstances", client.terminate_instances().set_instance_ids(Some(ids.clone())))?;
        }
        // Also those that an interrupted run told to go: an instance keeps its group until the end. Mostly a minute.
        for _ in 0..120 {
            if find(&client, &["shutting-down"]).await?.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
        release(&client).await?;
        let removed =
            ids.iter().map(|id| place.removed(ResourceType::Ec2, id, place.arn("ec2", format!("instance/{id}"))));
        Ok(Report { made: removed.collect(), missing: Vec::new() })
    }
}

/// An instance, and where it is.
pub(super) struct Behind {
    pub(super) instance: String,
    pub(super) subnet: String,
    pub(super) vpc: String,
}

/// The instance of this name, for a load balancer to stand before. Where it is not there yet, it is made.
pub(super) async fn behind(place: &Place, name: &str) -> Result<Behind, Missing> {
    let ground = Ground::of(place).await?;
    let spec = SPECS.iter().find(|spec| spec.name == name);
    let spec = spec.ok_or_else(|| Missing::Impossible(format!("no instance is called {name}")))?;
    let instance = ground.bring(spec).await?;
    until_running(&ground.client, &instance).await?;
    Ok(Behind { instance, subnet: ground.subnet, vpc: ground.vpc })
}

/// What instances are made from, and those that are there.
#[derive(Clone)]
pub(super) struct Ground {
    pub(super) client: Client,
    present: Vec<Instance>,
    /// The closed group.
    pub(super) group: String,
    vpc: String,
    pub(super) subnet: String,
    pub(super) image: String,
}

impl Ground {
    pub(super) async fn of(place: &Place) -> Result<Self, Missing> {
        if !place.options.instances {
            let why = "instances cost money: give --instances to have them made";
            return Err(Missing::LeftOut(why.to_owned()));
        }
        let client = client!(aws_sdk_ec2, &place.session, place.region());
        let present = find(&client, &THERE).await?;
        let closed = Closed::make(place).await?;
        let subnet = subnet(&client, &closed.vpc).await?;
        let image = match &place.options.image {
            Some(image) => image.clone(),
            None => latest_image(&client).await?,
        };
        Ok(Self { client, present, group: closed.id, vpc: closed.vpc, subnet, image })
    }

    /// The id of an instance, which is made, or made as it was in the beginning.
    async fn bring(&self, spec: &Spec) -> Result<String, Missing> {
        let present = self.present.iter().find(|instance| name(instance) == spec.name).cloned();
        let id = if let Some(instance) = present {
            restore(&self.client, spec, instance).await?
        } else {
            let interface = InstanceNetworkInterfaceSpecification::builder()
                .device_index(0)
                .associate_public_ip_address(false)
                .delete_on_termination(true)
                .subnet_id(&self.subnet)
                .groups(&self.group);
            start(&self.client, spec, interface.build(), &self.image).await?
        };
        if spec.elastic_ip {
            associate(&self.client, spec, &id).await?;
        }
        Ok(id)
    }
}

/// Only an instance that runs takes an Elastic IP, or stands behind a load balancer. Mostly half a minute.
async fn until_running(client: &Client, id: &str) -> Result<(), Missing> {
    for _ in 0..60 {
        let running = find(client, &["running"]).await?;
        if running.iter().any(|instance| instance.instance_id.as_deref() == Some(id)) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    Err(Missing::Impossible(format!("{id} does not run: start it")))
}

/// Gives the instance the Elastic IP of its name.
async fn associate(client: &Client, spec: &Spec, id: &str) -> Result<(), Missing> {
    let present = addresses(client).await?.into_iter().find(|address| tag(address.tags(), "Name") == spec.name);
    if present.as_ref().is_some_and(|address| address.association_id.is_some()) {
        return Ok(());
    }
    let allocation = if let Some(address) = present {
        address.allocation_id
    } else {
        let request = client.allocate_address().domain(DomainType::Vpc);
        call!("ec2:AllocateAddress", request.tag_specifications(tags(spec, Tagged::ElasticIp)))?.allocation_id
    };
    until_running(client, id).await?;
    let request = client.associate_address().set_allocation_id(allocation).instance_id(id);
    call!("ec2:AssociateAddress", request.allow_reassociation(false))?;
    Ok(())
}

/// The Elastic IPs with our tag and our prefix.
async fn addresses(client: &Client) -> Result<Vec<Address>, AwsError> {
    let tagged = Filter::builder().name("tag-key").values(TAG).build();
    let answer = call!("ec2:DescribeAddresses", client.describe_addresses().filters(tagged))?;
    let mut addresses = answer.addresses.unwrap_or_default();
    addresses.retain(|address| tag(address.tags(), "Name").starts_with(PREFIX));
    Ok(addresses)
}

async fn release(client: &Client) -> Result<(), AwsError> {
    for address in addresses(client).await? {
        let request = client.release_address().set_allocation_id(address.allocation_id);
        unless(&["InvalidAllocationID.NotFound"], call!("ec2:ReleaseAddress", request))?;
    }
    Ok(())
}

fn tags(spec: &Spec, kind: Tagged) -> TagSpecification {
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
    let tags = TagSpecification::builder().resource_type(kind);
    tags.tags(tag("Name", spec.name)).tags(tag(TAG, verdict(spec.what))).build()
}

async fn start(
    client: &Client,
    spec: &Spec,
    interface: InstanceNetworkInterfaceSpecification,
    image: &str,
) -> Result<String, AwsError> {
    let options = InstanceMetadataOptionsRequest::builder().http_tokens((spec.tokens)());
    let request = client
        .run_instances()
        .image_id(image)
        .instance_type(InstanceType::T3Micro)
        .min_count(1)
        .max_count(1)
        .network_interfaces(interface)
        .metadata_options(options.http_endpoint((spec.endpoint)()).build())
        .tag_specifications(tags(spec, Tagged::Instance))
        .tag_specifications(tags(spec, Tagged::Volume));
    let answer = call!("ec2:RunInstances", request)?;
    let started = answer.instances.unwrap_or_default().into_iter().next();
    Ok(started.and_then(|instance| instance.instance_id).unwrap_or_default())
}

/// Makes an instance as it was in the beginning.
async fn restore(client: &Client, spec: &Spec, instance: Instance) -> Result<String, AwsError> {
    let id = instance.instance_id.unwrap_or_default();
    let (tokens, endpoint) = ((spec.tokens)(), (spec.endpoint)());
    let as_made = instance.metadata_options.is_some_and(|options| {
        options.http_tokens.as_ref() == Some(&tokens) && options.http_endpoint.as_ref() == Some(&endpoint)
    });
    if as_made {
        return Ok(id);
    }
    let request = client.modify_instance_metadata_options().instance_id(&id);
    let request = request.http_tokens(tokens).http_endpoint(endpoint);
    call!("ec2:ModifyInstanceMetadataOptions", request)?;
    Ok(id)
}

/// The instances with our tag and our prefix.
async fn find(client: &Client, states: &[&str]) -> Result<Vec<Instance>, AwsError> {
    let states = states.iter().map(|state| (*state).to_owned()).collect();
    let states = Filter::builder().name("instance-state-name").set_values(Some(states)).build();
    let tagged = Filter::builder().name("tag-key").values(TAG).build();
    let mut pages = client.describe_instances().filters(tagged).filters(states).into_paginator().items().send();
    let mut instances = Vec::new();
    while let Some(reservation) = pages.next().await {
        let reservation = reservation.map_err(|error| AwsError::new("ec2:DescribeInstances", error))?;
        instances.extend(reservation.instances.unwrap_or_default());
    }
    instances.retain(|instance| name(instance).starts_with(PREFIX));
    Ok(instances)
}

fn name(instance: &Instance) -> &str {
    tag(instance.tags(), "Name")
}

fn tag<'a>(tags: &'a [Tag], key: &str) -> &'a str {
    let tag = tags.iter().find(|tag| tag.key() == Some(key));
    tag.and_then(Tag::value).unwrap_or_default()
}

pub(super) async fn subnet(client: &Client, vpc: &str) -> Result<String, Missing> {
    let filter = Filter::builder().name("vpc-id").values(vpc).build();
    let mut pages = client.describe_subnets().filters(filter).into_paginator().items().send();
    let mut subnets = Vec::new();
    while let Some(subnet) = pages.next().await {
        let subnet = subnet.map_err(|error| AwsError::new("ec2:DescribeSubnets", error))?;
        subnets.extend(subnet.subnet_id);
    }
    subnets.sort();
    let first = subnets.into_iter().next();
    first.ok_or_else(|| Missing::Impossible(format!("{vpc} has no subnet for an instance")))
}

async fn latest_image(client: &Client) -> Result<String, Missing> {
    let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
    let request = client
        .describe_images()
        .owners("amazon")
        .filters(filter("name", "al2023-ami-minimal-2023.*-x86_64"))
        .filters(filter("state", "available"));
    let images = call!("ec2:DescribeImages", request)?.images.unwrap_or_default();
    let latest = images.into_iter().max_by(|one, other| one.creation_date.cmp(&other.creation_date));
    let id = latest.and_then(|image| image.image_id);
    id.ok_or_else(|| Missing::Impossible("there is no Amazon Linux 2023 here: name an image with --image".to_owned()))
}
