//! Security groups that nothing is in, but for the closed one, in which the instances are.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    Filter, IpPermission, IpRange, Ipv6Range, ResourceType as Tagged, Tag, TagSpecification, UserIdGroupPair,
};
use common::aws::AwsError;
use common::client;
use common::resource::{ResourceType, SecurityGroup};

use super::{Made, Misconfigured, Missing, PREFIX, Place, Report, TAG, call, for_each, unless, verdict};

/// A group, and what it lets in: TCP on one port from each of some sources.
struct Spec {
    name: &'static str,
    what: &'static str,
    checks: &'static [&'static str],
    port: i32,
    sources: &'static [Source],
}

#[derive(Clone, Copy)]
enum Source {
    V4(&'static str),
    V6(&'static str),
    /// The closed group.
    Closed,
}

const CLOSED: Spec =
    Spec { name: "sluice-test-closed", what: "good: no rules at all", checks: &[], port: 22, sources: &[] };

const OPEN: &[&str] = &["security_group_open"];

const SPECS: &[Spec] = &[
    Spec {
        name: "sluice-test-good",
        what: "good: lets in a private network and another group",
        checks: &[],
        port: 22,
        sources: &[Source::V4("10.0.0.0/8"), Source::Closed],
    },
    Spec {
        name: "sluice-test-open-ssh",
        what: "bad: SSH from anywhere",
        checks: OPEN,
        port: 22,
        sources: &[Source::V4("0.0.0.0/0")],
    },
    Spec {
        name: "sluice-test-open-rdp-ipv6",
        what: "bad: RDP from anywhere that has IPv6",
        checks: OPEN,
        port: 3389,
        sources: &[Source::V6("::/0")],
    },
    Spec {
        name: "sluice-test-open-among-others",
        what: "bad: PostgreSQL from three networks, of which one is the internet",
        checks: OPEN,
        port: 5432,
        sources: &[Source::V4("10.0.0.0/8"), Source::V4("0.0.0.0/0"), Source::V4("192.0.2.0/24")],
    },
    Spec {
        name: "sluice-test-open-halves",
        what: "bad: SSH from both halves of the internet",
        checks: OPEN,
        port: 22,
        sources: &[Source::V4("0.0.0.0/1"), Source::V4("128.0.0.0/1")],
    },
];

impl Misconfigured for SecurityGroup {
    async fn make(place: &Place) -> Result<Report, Missing> {
        let closed = Closed::make(place).await?;
        let made = (CLOSED.name.to_owned(), Ok(closed.made));
        let results = for_each(SPECS, |spec| {
            let (place, vpc, closed) = (place.clone(), closed.vpc.clone(), closed.id.clone());
            async move { (spec.name.to_owned(), make_one(&place, spec, &vpc, &closed).await.map_err(Missing::from)) }
        });
        Ok(Report::collect([vec![made], results.await].concat()))
    }

    async fn clean(place: &Place) -> Result<Report, Missing> {
        let client = client!(aws_sdk_ec2, &place.session, place.region());
        let mut groups = find(&client, None).await?;
        // Last of all the one that others name in their rules.
        groups.sort_by_key(|(_, name)| name == CLOSED.name);
        let mut results = Vec::new();
        for (id, name) in groups {
            let request = client.delete_security_group().group_id(&id);
            let result = unless(&["InvalidGroup.NotFound"], call!("ec2:DeleteSecurityGroup", request));
            let arn = place.arn("ec2", format!("security-group/{id}"));
            let removed = result.map(|_| place.removed(ResourceType::SecurityGroup, &id, arn));
            results.push((name, removed.map_err(Missing::from)));
        }
        Ok(Report::collect(results))
    }
}

/// The group that lets nothing in and nothing out.
pub(super) struct Closed {
    pub(super) id: String,
    pub(super) vpc: String,
    made: Made,
}

impl Closed {
    pub(super) async fn make(place: &Place) -> Result<Self, Missing> {
        let client = client!(aws_sdk_ec2, &place.session, place.region());
        let vpc = vpc(&client).await?;
        let made = make_one(place, &CLOSED, &vpc, "").await?;
        let id = made.reference.id.clone();
        let anything = IpPermission::builder().ip_protocol("-1");
        let anything = anything.ip_ranges(IpRange::builder().cidr_ip("0.0.0.0/0").build()).build();
        let request = client.revoke_security_group_egress().group_id(&id).ip_permissions(anything);
        unless(&["InvalidPermission.NotFound"], call!("ec2:RevokeSecurityGroupEgress", request))?;
        Ok(Self { id, vpc, made })
    }
}

/// The default VPC, or else the first by id: a group that nothing is in does no harm in any.
pub(super) async fn vpc(client: &Client) -> Result<String, Missing> {
    let mut pages = client.describe_vpcs().into_paginator().items().send();
    let mut vpcs = Vec::new();
    while let Some(vpc) = pages.next().await {
        let vpc = vpc.map_err(|error| AwsError::new("ec2:DescribeVpcs", error))?;
        vpcs.push((!vpc.is_default.unwrap_or_default(), vpc.vpc_id.unwrap_or_default()));
    }
    vpcs.sort();
    let first = vpcs.into_iter().next().map(|(_, id)| id);
    first.ok_or_else(|| Missing::Impossible("the region has no VPC, without which there are no groups".to_owned()))
}

async fn make_one(place: &Place, spec: &'static Spec, vpc: &str, closed: &str) -> Result<Made, AwsError> {
    let client = client!(aws_sdk_ec2, &place.session, place.region());
    let present = find(&client, Some(vpc)).await?.into_iter().find(|(_, name)| name == spec.name);
    let id = match present {
        Some((id, _)) => id,
        None => create(&client, spec, vpc).await?,
    };
    for source in spec.sources {
        let note = "sluice test: nothing is in this group";
        let rule = IpPermission::builder().ip_protocol("tcp").from_port(spec.port).to_port(spec.port);
        let rule = match source {
            Source::V4(range) => rule.ip_ranges(IpRange::builder().cidr_ip(*range).description(note).build()),
            Source::V6(range) => rule.ipv6_ranges(Ipv6Range::builder().cidr_ipv6(*range).description(note).build()),
            Source::Closed => rule.user_id_group_pairs(UserIdGroupPair::builder().group_id(closed).build()),
        };
        // One by one: a request with one rule that is there already does nothing at all. EC2 puts them together again.
        let request = client.authorize_security_group_ingress().group_id(&id).ip_permissions(rule.build());
        unless(&["InvalidPermission.Duplicate"], call!("ec2:AuthorizeSecurityGroupIngress", request))?;
    }
    let arn = place.arn("ec2", format!("security-group/{id}"));
    Ok(place.made(ResourceType::SecurityGroup, &id, arn, spec.what, spec.checks))
}

async fn create(client: &Client, spec: &Spec, vpc: &str) -> Result<String, AwsError> {
    let tag = Tag::builder().key(TAG).value(verdict(spec.what)).build();
    let tags = TagSpecification::builder().resource_type(Tagged::SecurityGroup).tags(tag).build();
    let request = client.create_security_group().group_name(spec.name).vpc_id(vpc).tag_specifications(tags);
    let answer = call!("ec2:CreateSecurityGroup", request.description(spec.what))?;
    Ok(answer.group_id.unwrap_or_default())
}

/// Ids and names of the groups with our tag and our prefix.
async fn find(client: &Client, vpc: Option<&str>) -> Result<Vec<(String, String)>, AwsError> {
    let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
    let request = client.describe_security_groups().filters(filter("tag-key", TAG));
    let request = match vpc {
        Some(vpc) => request.filters(filter("vpc-id", vpc)),
        None => request,
    };
    let mut pages = request.into_paginator().items().send();
    let mut groups = Vec::new();
    while let Some(group) = pages.next().await {
        let group = group.map_err(|error| AwsError::new("ec2:DescribeSecurityGroups", error))?;
        groups.push((group.group_id.unwrap_or_default(), group.group_name.unwrap_or_default()));
    }
    groups.retain(|(_, name)| name.starts_with(PREFIX));
    Ok(groups)
}
