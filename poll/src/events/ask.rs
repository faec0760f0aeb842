//! What no record holds and only AWS can answer, such as which load balancers a target group has.

use std::fmt;

use aws_sdk_ec2::types::{Filter, NetworkInterfaceAttachment};
use common::aws::{AwsError, NO_ORGANIZATION, Session, organization_id};
use common::client;
use common::id::{AccountId, Region};
use common::operation::{
    EC2_DESCRIBE_NETWORK_INTERFACES, EC2_DESCRIBE_REGIONS, EC2_DESCRIBE_SECURITY_GROUPS, ELB_DESCRIBE_TARGET_GROUPS,
    KMS_DESCRIBE_KEY, ORGANIZATIONS_DESCRIBE_ORGANIZATION, Operation, REDSHIFT_DESCRIBE_CLUSTERS, S3_LIST_BUCKETS,
};
use common::reference::Reference;
use common::resource::ResourceType;

use crate::account::enabled;

/// What only AWS can answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Question {
    /// The load balancers of a target group, by its ARN.
    TargetGroup(String),
    /// The instance that a network interface is attached to, by the interface's id.
    Interface(String),
    /// The same, by the id of the attachment.
    Attachment(String),
    /// The key behind an alias, by its name (`alias/...`) or ARN.
    KeyAlias(String),
    /// The security groups of this name; in each VPC there may be one.
    GroupName(String),
    /// The Redshift clusters that go by a parameter group.
    ParameterGroup(String),
    /// All buckets of the account.
    Buckets,
    /// All regions that are enabled for the account.
    Regions,
    /// The organization that the account is in.
    Organization,
}

impl fmt::Display for Question {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TargetGroup(arn) => write!(out, "the load balancers of the target group {arn}"),
            Self::Interface(id) => write!(out, "the instance that has the network interface {id}"),
            Self::Attachment(id) => write!(out, "the instance that has the network interface of the attachment {id}"),
            Self::KeyAlias(alias) => write!(out, "the key behind {alias}"),
            Self::GroupName(name) => write!(out, "the security groups of the name {name}"),
            Self::ParameterGroup(name) => write!(out, "the Redshift clusters of the parameter group {name}"),
            Self::Buckets => write!(out, "all buckets of the account"),
            Self::Regions => write!(out, "all regions of the account"),
            Self::Organization => write!(out, "the account's organization"),
        }
    }
}

/// Asks AWS. What does not exist any more is no answer, and no error.
///
/// # Errors
///
/// The call that failed.
pub(crate) async fn ask(session: &Session, region: &Region, question: &Question) -> Result<Vec<Reference>, AwsError> {
    let here = |kind, ids: Vec<String>| ids.into_iter().map(|id| of(session.account(), region, kind, id)).collect();
    Ok(match question {
        Question::TargetGroup(arn) => here(ResourceType::Elbv2, balancers(session, region, arn).await?),
        Question::Interface(id) => instances(session, region, "network-interface-id", id).await?,
        Question::Attachment(id) => instances(session, region, "attachment.attachment-id", id).await?,
        Question::KeyAlias(alias) => here(ResourceType::KmsKey, key(session, region, alias).await?),
        Question::GroupName(name) => here(ResourceType::SecurityGroup, groups(session, region, name).await?),
        Question::ParameterGroup(name) => here(ResourceType::Redshift, clusters(session, region, name).await?),
        Question::Buckets => buckets(session, region).await?,
        Question::Regions => {
            let regions = enabled(session).await?.into_iter();
            let reference = |region: Region| of(session.account(), &region, ResourceType::Region, region.to_string());
            regions.map(reference).collect()
        }
        Question::Organization => match organization_id(session).await {
            Ok((account, id)) => vec![of(&account, &Region::global(), ResourceType::Organization, id)],
            Err(error) if error.code() == NO_ORGANIZATION => Vec::new(),
            Err(error) => return Err(error),
        },
    })
}

/// The calls that finding out about resources of a type may come to, beside those of looking at them.
pub(crate) fn ask_calls(kind: ResourceType) -> &'static [Operation] {
    match kind {
        ResourceType::Ec2 => &[EC2_DESCRIBE_NETWORK_INTERFACES],
        ResourceType::Elbv2 => &[ELB_DESCRIBE_TARGET_GROUPS],
        ResourceType::KmsKey => &[KMS_DESCRIBE_KEY],
        ResourceType::Organization => &[ORGANIZATIONS_DESCRIBE_ORGANIZATION],
        ResourceType::Redshift => &[REDSHIFT_DESCRIBE_CLUSTERS],
        ResourceType::Region => &[EC2_DESCRIBE_REGIONS],
        ResourceType::S3Bucket => &[S3_LIST_BUCKETS],
        ResourceType::SecurityGroup => &[EC2_DESCRIBE_SECURITY_GROUPS],
        _ => &[],
    }
}

fn of(account: &AccountId, region: &Region, kind: ResourceType, id: String) -> Reference {
    Reference { account: account.clone(), region: region.clone(), kind: kind.name().to_owned(), id }
}

async fn balancers(session: &Session, region: &Region, arn: &str) -> Result<Vec<String>, AwsError> {
    let call = client!(aws_sdk_elasticloadbalancingv2, session, region).describe_target_groups();
    match call.target_group_arns(arn).send().await {
        Ok(answer) => {
            let groups = answer.target_groups.unwrap_or_default().into_iter();
            Ok(groups.flat_map(|group| group.load_balancer_arns.unwrap_or_default()).collect())
        }
        Err(error) => nothing_if(AwsError::new(ELB_DESCRIBE_TARGET_GROUPS, error), "TargetGroupNotFound"),
    }
}

/// The instances of a network interface: by a filter, for which one that has vanished is no error. An interface may belong
/// to another account than the instance; what AWS attaches to its own machines is nobody's instance.
async fn instances(session: &Session, region: &Region, filter: &str, id: &str) -> Result<Vec<Reference>, AwsError> {
    let filter = Filter::builder().name(filter).values(id).build();
    let call = client!(aws_sdk_ec2, session, region).describe_network_interfaces().filters(filter);
    let answer = call.send().await.map_err(|error| AwsError::new(EC2_DESCRIBE_NETWORK_INTERFACES, error))?;
    let attached = answer.network_interfaces.unwrap_or_default().into_iter().filter_map(|it| it.attachment);
    let instance = |it: NetworkInterfaceAttachment| {
        let owner = it.instance_owner_id.map_or_else(|| Some(session.account().clone()), |owner| owner.parse().ok())?;
        Some(of(&owner, region, ResourceType::Ec2, it.instance_id?))
    };
    Ok(attached.filter_map(instance).collect())
}

async fn key(session: &Session, region: &Region, alias: &str) -> Result<Vec<String>, AwsError> {
    match client!(aws_sdk_kms, session, region).describe_key().key_id(alias).send().await {
        Ok(answer) => Ok(answer.key_metadata.map(|key| key.key_id).into_iter().collect()),
        Err(error) => nothing_if(AwsError::new(KMS_DESCRIBE_KEY, error), "NotFoundException"),
    }
}

/// The groups of a name, of those that are the account's own.
async fn groups(session: &Session, region: &Region, name: &str) -> Result<Vec<String>, AwsError> {
    let named = Filter::builder().name("group-name").values(name).build();
    let own = Filter::builder().name("owner-id").values(session.account().as_str()).build();
    let call = client!(aws_sdk_ec2, session, region).describe_security_groups().filters(named).filters(own);
    let mut found = call.into_paginator().page_size(1000).items().send();
    let mut ids = Vec::new();
    while let Some(group) = found.next().await {
        let group = group.map_err(|error| AwsError::new(EC2_DESCRIBE_SECURITY_GROUPS, error))?;
        ids.extend(group.group_id);
    }
    Ok(ids)
}

async fn clusters(session: &Session, region: &Region, parameters: &str) -> Result<Vec<String>, AwsError> {
    let call = client!(aws_sdk_redshift, session, region).describe_clusters();
    let mut found = call.into_paginator().page_size(100).items().send();
    let mut ids = Vec::new();
    while let Some(cluster) = found.next().await {
        let cluster = cluster.map_err(|error| AwsError::new(REDSHIFT_DESCRIBE_CLUSTERS, error))?;
        let mut groups = cluster.cluster_parameter_groups.iter().flatten();
        if groups.any(|group| group.parameter_group_name.as_deref() == Some(parameters)) {
            ids.extend(cluster.cluster_identifier);
        }
    }
    Ok(ids)
}

/// The account's buckets. A look at one finds it in whatever region it is.
async fn buckets(session: &Session, region: &Region) -> Result<Vec<Reference>, AwsError> {
    let call = client!(aws_sdk_s3, session, session.home_region()).list_buckets();
    let mut pages = call.into_paginator().page_size(1000).send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::new(S3_LIST_BUCKETS, error))?;
        for bucket in page.buckets.unwrap_or_default() {
            let its = bucket.bucket_region.and_then(|name| name.parse().ok());
            let bucket = bucket
                .name
                .map(|name| of(session.account(), its.as_ref().unwrap_or(region), ResourceType::S3Bucket, name));
            found.extend(bucket);
        }
    }
    Ok(found)
}

/// What does not exist has nothing.
fn nothing_if(error: AwsError, absent: &str) -> Result<Vec<String>, AwsError> {
    if error.code() == absent { Ok(Vec::new()) } else { Err(error) }
}
