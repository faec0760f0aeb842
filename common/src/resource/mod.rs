//! The configuration of each resource type: what stands in a resource record's `config`.
//!
//! Fields are named as the AWS CLI prints them, so that `jq '.config.MetadataOptions.HttpTokens'` is what anyone would
//! guess. SDK types never come here: each type's file in `poll` turns the SDK's answers into these structs, and `audit`
//! and `remediate` know only these. A field that AWS did not give is `null` or empty, and reading a record does not need
//! it; a field that could not be *read* also stands in the record's `unread`.

mod account;
mod ami;
mod ebs_snapshot;
mod ebs_volume;
mod ec2;
mod ecs;
mod elb;
mod elbv2;
mod iam_role;
mod iam_user;
mod kms_key;
mod lambda_function;
mod organization;
mod rds;
mod rds_cluster;
mod rds_snapshot;
mod redshift;
mod region;
mod s3_bucket;
mod security_group;
mod shared;
mod sqs;

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::arn::Arn;

pub use account::{AccountSecurity, PasswordPolicy};
pub use ami::{Image, ImageDevice, LaunchPermission};
pub use ebs_snapshot::{CreateVolumePermission, Snapshot};
pub use ebs_volume::{AttachedInstance, Volume, VolumeAttachment};
pub use ec2::{
    Association, ElasticIp, GroupIdentifier, IamInstanceProfile, Instance, InstanceState, MetadataOptions,
    NetworkInterface,
};
pub use ecs::{
    AwsvpcConfiguration, DeploymentController, EcsService, EcsTask, EcsTaskSet, NetworkConfiguration, TaskInterface,
};
pub use elb::{ClassicListener, ClassicLoadBalancer, InstanceTags, ListenerDescription, RegisteredInstance};
pub use elbv2::{BalancerZone, LoadBalancer, LoadBalancerState, Target, TargetGroup};
pub use iam_role::{PermissionsBoundary, Role, RoleLastUsed};
pub use iam_user::{AccessKey, AttachedPolicy, User};
pub use kms_key::KmsKey;
pub use lambda_function::{Function, VpcConfig};
pub use organization::{Organization, OrganizationAccount};
pub use rds::{DbEndpoint, DbInstance, VpcSecurityGroup};
pub use rds_cluster::{DbCluster, DbClusterMember};
pub use rds_snapshot::{DbClusterSnapshot, DbSnapshot, SnapshotAttribute};
pub use redshift::{ClusterParameterGroup, RedshiftCluster};
pub use region::{
    Administrator, AggregationAuthorization, ConfigurationRecorder, ConfigurationRecorderStatus, DeliveryChannel,
    Detector, FlowLog, RegionServices, Trail, Vpc,
};
pub use s3_bucket::{
    AccessControlPolicy, Bucket, Encryption, EncryptionByDefault, EncryptionRule, Grant, Grantee, Owner,
    PublicAccessBlock,
};
pub use security_group::{IpPermission, IpRange, Ipv6Range, PrefixListId, SecurityGroup, UserIdGroupPair};
pub use shared::{EVERYONE, RESTORE, Shared};
pub use sqs::Queue;

/// A configuration that stands in a record under its type's name.
pub trait Config: Serialize + DeserializeOwned + Clone + PartialEq + fmt::Debug + Send + Sync + 'static {
    /// Which type it is the configuration of.
    const TYPE: ResourceType;
}

macro_rules! resource_types {
    (($dollar:tt) $(
        $variant:ident = $name:literal => $config:ident, $extent:ident, $singular:literal,
            $service:literal [$($prefix:literal),+];
    )*) => {
        /// A resource type that Sluice covers. The names are those of the original framework where it has one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ResourceType {
            $(#[doc = $singular] $variant,)*
        }

        impl ResourceType {
            /// All of them, in the order in which they are polled and listed.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name in records and on the command line.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What a person calls one of them, as in "S3 bucket acme-logs is ...".
            pub const fn singular(self) -> &'static str {
                match self { $(Self::$variant => $singular,)* }
            }

            /// Where its resources live.
            pub const fn extent(self) -> Extent {
                match self { $(Self::$variant => Extent::$extent,)* }
            }

            /// The service in its ARNs, and how what follows the account begins.
            const fn arn_shape(self) -> (&'static str, &'static [&'static str]) {
                match self { $(Self::$variant => ($service, &[$($prefix),+]),)* }
            }
        }

        $(impl Config for $config {
            const TYPE: ResourceType = ResourceType::$variant;
        })*

        /// `with_config!(kind, C => expression)`: the expression, with `C` as the configuration of that type.
        ///
        /// The one place where a type that is known when the program runs becomes one that the compiler knows.
        #[macro_export]
        macro_rules! with_config {
            ($dollar kind:expr, $dollar config:ident => $dollar body:expr) => {
                match $dollar kind {
                    $($crate::resource::ResourceType::$variant => {
                        type $dollar config = $crate::resource::$config;
                        $dollar body
                    })*
                }
            };
        }
    };
}

/// How far one listing of a type reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// A listing for each region.
    Regional,
    /// One listing for the account, of resources that each have a region (S3).
    AccountWide,
    /// One listing for the account, of resources without a region (IAM).
    Global,
    /// One for all accounts: the organization.
    Organization,
}

// The last two columns say which ARNs name one. Where AWS has no ARN (a region of an account), it is Sluice's own.
resource_types! { ($)
    Organization = "organization" => Organization, Organization, "Organization", "organizations" ["organization/"];
    Account = "account" => AccountSecurity, Global, "Account", "iam" ["root"];
    Region = "region" => RegionServices, Regional, "Region", "ec2" ["region/"];
    S3Bucket = "s3_bucket" => Bucket, AccountWide, "S3 bucket", "s3" [""];
    Ec2 = "ec2" => Instance, Regional, "EC2 instance", "ec2" ["instance/"];
    SecurityGroup = "security_group" => SecurityGroup, Regional, "Security group", "ec2" ["security-group/"];
    Ami = "ami" => Image, Regional, "AMI", "ec2" ["image/"];
    EbsSnapshot = "ebs_snapshot" => Snapshot, Regional, "EBS snapshot", "ec2" ["snapshot/"];
    EbsVolume = "ebs_volume" => Volume, Regional, "EBS volume", "ec2" ["volume/"];
    Elb = "elb" => ClassicLoadBalancer, Regional, "Classic load balancer", "elasticloadbalancing" ["loadbalancer/"];
    Elbv2 = "elbv2" => LoadBalancer, Regional, "Load balancer", "elasticloadbalancing"
        ["loadbalancer/app/", "loadbalancer/net/", "loadbalancer/gwy/"];
    EcsService = "ecs_service" => EcsService, Regional, "ECS service", "ecs" ["service/"];
    EcsTask = "ecs_task" => EcsTask, Regional, "ECS task", "ecs" ["task/"];
    EcsTaskSet = "ecs_task_set" => EcsTaskSet, Regional, "ECS task set", "ecs" ["task-set/"];
    IamUser = "iam_user" => User, Global, "IAM user", "iam" ["user/"];
    IamRole = "iam_role" => Role, Global, "IAM role", "iam" ["role/"];
    KmsKey = "kms_key" => KmsKey, Regional, "KMS key", "kms" ["key/"];
    LambdaFunction = "lambda_function" => Function, Regional, "Lambda function", "lambda" ["function:"];
    Rds = "rds" => DbInstance, Regional, "RDS instance", "rds" ["db:"];
    RdsCluster = "rds_cluster" => DbCluster, Regional, "RDS cluster", "rds" ["cluster:"];
    RdsSnapshot = "rds_snapshot" => DbSnapshot, Regional, "RDS snapshot", "rds" ["snapshot:"];
    RdsClusterSnapshot = "rds_cluster_snapshot" => DbClusterSnapshot, Regional, "RDS cluster snapshot", "rds"
        ["cluster-snapshot:"];
    Redshift = "redshift" => RedshiftCluster, Regional, "Redshift cluster", "redshift" ["cluster:"];
    Sqs = "sqs" => Queue, Regional, "SQS queue", "sqs" [""];
}

impl ResourceType {
    /// The type that an ARN names: the one whose prefix fits best, since `loadbalancer/` is the classic one's and
    /// `loadbalancer/app/` is not.
    pub fn of_arn(arn: &Arn) -> Option<Self> {
        let fit = |kind: Self| {
            let (service, prefixes) = kind.arn_shape();
            let fits = prefixes.iter().filter(|prefix| service == arn.service && arn.resource.starts_with(**prefix));
            fits.map(|prefix| prefix.len()).max()
        };
        let best = Self::ALL.iter().filter_map(|kind| Some((fit(*kind)?, *kind))).max_by_key(|(length, _)| *length);
        best.map(|(_, kind)| kind)
    }

    /// The id of the resource of this type that an ARN names; `None` where the ARN does not tell it.
    pub fn id_in(self, arn: &Arn) -> Option<String> {
        match self {
            // Queues go by their URL.
            Self::Sqs => {
                let suffix = if arn.partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
                Some(format!("https://sqs.{}.{suffix}/{}/{}", arn.region, arn.account, arn.resource))
            }
            Self::Elbv2 => Some(arn.to_string()),
            Self::Account => Some(arn.account.clone()),
            // The ARN of a service or a task of before 2018 leaves out the cluster.
            Self::EcsService | Self::EcsTask | Self::EcsTaskSet => {
                let name = arn.resource_name();
                name.contains('/').then(|| name.to_owned())
            }
            _ => Some(arn.resource_name().to_owned()),
        }
    }

    /// Whether an id is that of the resource that an ARN names, as far as the ARN tells.
    pub(crate) fn is_id_in(self, id: &str, arn: &Arn) -> bool {
        match self {
            // Its host is an endpoint's; the name stands at the end of both.
            Self::Sqs => self.short_id(id) == arn.resource,
            _ => self.id_in(arn).is_none_or(|named| named == id),
        }
    }

    /// As much of an id as a person needs: a queue's name without the rest of its URL, a load balancer's without the rest
    /// of its ARN.
    pub fn short_id(self, id: &str) -> &str {
        match self {
            Self::Sqs => id.rsplit('/').next().unwrap_or(id),
            Self::Elbv2 => id.rsplit('/').nth(1).unwrap_or(id),
            _ => id,
        }
    }
}

/// A name that is none of [`ResourceType::ALL`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a resource type that this version covers ({list})", list = names())]
pub struct UnknownType(pub String);

fn names() -> String {
    ResourceType::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ")
}

impl FromStr for ResourceType {
    type Err = UnknownType;

    fn from_str(name: &str) -> Result<Self, UnknownType> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| UnknownType(name.chars().take(40).collect()))
    }
}

impl fmt::Display for ResourceType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}
