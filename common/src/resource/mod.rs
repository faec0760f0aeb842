//! The configuration of each resource type: what stands in a resource record's `config`.
//!
//! Fields are named as the AWS CLI prints them, so that `jq '.config.MetadataOptions.HttpTokens'` is what anyone would
//! guess. SDK types never come here: each type's file in `poll` turns the SDK's answers into these structs, and `audit`
//! and `remediate` know only these. A field that AWS did not give is `null` or empty, and reading a record does not need
//! it; a field that could not be *read* also stands in the record's `unread`.

mod ec2;
mod iam_user;
mod s3_bucket;
mod security_group;
mod sqs;

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use ec2::{
    Association, GroupIdentifier, IamInstanceProfile, Instance, InstanceState, MetadataOptions, NetworkInterface,
};
pub use iam_user::{AccessKey, AttachedPolicy, User};
pub use s3_bucket::{
    AccessControlPolicy, Bucket, Encryption, EncryptionByDefault, EncryptionRule, Grant, Grantee, Owner,
    PublicAccessBlock,
};
pub use security_group::{IpPermission, IpRange, Ipv6Range, PrefixListId, SecurityGroup, UserIdGroupPair};
pub use sqs::Queue;

/// A configuration that stands in a record under its type's name.
pub trait Config: Serialize + DeserializeOwned + Clone + PartialEq + fmt::Debug + Send + Sync + 'static {
    /// Which type it is the configuration of.
    const TYPE: ResourceType;
}

macro_rules! resource_types {
    ($($variant:ident = $name:literal => $config:ty, $scope:ident, $singular:literal;)*) => {
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
            pub const fn scope(self) -> Scope {
                match self { $(Self::$variant => Scope::$scope,)* }
            }
        }

        $(impl Config for $config {
            const TYPE: ResourceType = ResourceType::$variant;
        })*
    };
}

/// How far one listing of a type reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// A listing for each region.
    Regional,
    /// One listing for the account, of resources that each have a region (S3).
    AccountWide,
    /// One listing for the account, of resources without a region (IAM).
    Global,
}

resource_types! {
    S3Bucket = "s3_bucket" => Bucket, AccountWide, "S3 bucket";
    Ec2 = "ec2" => Instance, Regional, "EC2 instance";
    SecurityGroup = "security_group" => SecurityGroup, Regional, "Security group";
    IamUser = "iam_user" => User, Global, "IAM user";
    Sqs = "sqs" => Queue, Regional, "SQS queue";
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
