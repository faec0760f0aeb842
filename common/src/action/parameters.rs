//! The parameters of actions.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Action;
use crate::resource::IpPermission;

/// From one state of a part of a resource to another.
///
/// Both must stand there, be it as `null`: a part that is to be nothing is removed, and a `to` that was forgotten or
/// misspelt must not be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, bound(deserialize = "T: Deserialize<'de>"))]
pub struct Change<T> {
    /// What it must be now, else nothing is done.
    #[serde(deserialize_with = "T::deserialize")]
    pub from: T,
    /// What it is to be.
    #[serde(deserialize_with = "T::deserialize")]
    pub to: T,
}

/// Rules of a security group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Rules {
    /// As `DescribeSecurityGroups` gives them.
    pub ip_permissions: Vec<IpPermission>,
}

/// Statements of a policy, each exactly as it stands there: a `Sid` is optional and need not be unique, and an index
/// means another statement as soon as somebody edits the policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Statements {
    /// The statements.
    pub statements: Vec<Value>,
}

/// An access key of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Key {
    /// `AKIA...`.
    pub access_key_id: String,
}

/// With whom an image or snapshot is shared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Sharing {
    /// Account ids, `all` for everyone, and for an AMI the ARNs of organizations and organizational units.
    pub with: Vec<String>,
}

/// An Elastic IP, and where it belongs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Address {
    /// `eipalloc-...`.
    pub allocation_id: String,
    /// The address itself, for people to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_ip: Option<String>,
    /// The network interface; needed to associate it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_interface_id: Option<String>,
    /// The address in the VPC that it stands for, where the interface has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_ip_address: Option<String>,
}

/// Instances behind a classic load balancer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Instances {
    /// `i-...`.
    pub instance_ids: Vec<String>,
}

/// Targets of a target group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Targets {
    /// The target group.
    pub target_group_arn: String,
    /// Its targets.
    pub targets: Vec<TargetAt>,
}

/// A target, with the port that it is registered under: one instance may be there under several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TargetAt {
    /// An instance id, or an address.
    pub id: String,
    /// The port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<i32>,
    /// The zone of an address; `all` for one outside the VPC, which AWS takes only so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    /// Its id in QUIC, without which a target group of that protocol takes no target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quic_server_id: Option<String>,
}

/// Where the network interfaces of a service's tasks are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Placement {
    /// The ids of the subnets, sorted.
    pub subnets: Vec<String>,
    /// The ids of the security groups, sorted.
    pub security_groups: Vec<String>,
}

/// Actions on one resource, in their order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Actions {
    /// The actions.
    pub actions: Vec<Action>,
}

/// What may go with a resource that is removed for good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default, deny_unknown_fields)]
pub struct Kill {
    /// Whether to remove a database, or a bucket with its objects, too: without it, what holds data is refused.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub include_data: bool,
}

/// Where a volume is attached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Attachment {
    /// `i-...`.
    pub instance_id: String,
    /// Such as `/dev/sdf`.
    pub device: String,
    /// Whether it is to go with the instance once it is attached. Absent: as AWS has it, which is no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_on_termination: Option<bool>,
}

/// Grants of an ACL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default, deny_unknown_fields)]
pub struct Grants {
    /// To whom: a group's URI or a canonical user id; absent: to everybody but the owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// Of what: `READ`, `WRITE`, `READ_ACP`, `WRITE_ACP`, `FULL_CONTROL`; empty: of anything.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<String>,
}

/// Users of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GroupUsers {
    /// Their names, sorted.
    pub users: Vec<String>,
}

/// Whom a managed policy is attached to, by their names, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default, deny_unknown_fields)]
pub struct PolicyEntities {
    /// Users.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
    /// Groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Roles.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
}

/// Processes of an Auto Scaling group:
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html>.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Processes {
    /// Such as `Launch`, sorted.
    pub scaling_processes: Vec<String>,
}
