//! `ec2`: an instance, as `DescribeInstances` gives it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::SuspendedProcess;
use super::auto_scaling_group::active;

/// An EC2 instance. `id` is its instance id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Instance {
    /// `i-...`.
    pub instance_id: String,
    /// What it was started from.
    pub image_id: Option<String>,
    /// Its size, such as `t3.micro`.
    pub instance_type: Option<String>,
    /// `spot`, `scheduled`, or `null` for on demand.
    pub instance_lifecycle: Option<String>,
    /// The request that a Spot Instance came from.
    pub spot_instance_request_id: Option<String>,
    /// Whether it runs.
    pub state: InstanceState,
    /// When it was last started.
    pub launch_time: Option<Timestamp>,
    /// The SSH key pair's name.
    pub key_name: Option<String>,
    /// Its VPC.
    pub vpc_id: Option<String>,
    /// Its subnet.
    pub subnet_id: Option<String>,
    /// Its address on the internet, if any.
    pub public_ip_address: Option<String>,
    /// Its address in the VPC.
    pub private_ip_address: Option<String>,
    /// `ebs` or `instance-store`: the latter cannot be stopped.
    pub root_device_type: Option<String>,
    /// Its security groups, by id.
    pub security_groups: Vec<GroupIdentifier>,
    /// Its role.
    pub iam_instance_profile: Option<IamInstanceProfile>,
    /// How it hands out credentials.
    pub metadata_options: MetadataOptions,
    /// Its network interfaces, by id.
    pub network_interfaces: Vec<NetworkInterface>,
    /// Its Elastic IPs, by allocation id.
    pub addresses: Vec<ElasticIp>,
    /// Its Auto Scaling group: of a closer look alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_scaling_group: Option<InstanceGroup>,
    /// The request that a Spot Instance came from: of a closer look alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spot_instance_request: Option<InstanceSpotRequest>,
}

/// The Auto Scaling group that an instance says that it belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct InstanceGroup {
    /// Its name.
    pub auto_scaling_group_name: String,
    /// What it does not do at present, sorted; `null` where there is no such group, which then does nothing at all.
    pub suspended_processes: Option<Vec<SuspendedProcess>>,
}

impl InstanceGroup {
    /// Whether it would terminate and replace an instance that stops: see
    /// [`REPLACING`](super::auto_scaling_group::REPLACING).
    pub fn replaces(&self) -> bool {
        self.suspended_processes.as_ref().is_some_and(|suspended| !active(suspended).is_empty())
    }
}

/// The request that a Spot Instance came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct InstanceSpotRequest {
    /// `one-time` or `persistent`.
    pub r#type: Option<String>,
    /// `active`, `cancelled`, ...
    pub state: Option<String>,
}

/// The state of an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct InstanceState {
    /// `pending`, `running`, `shutting-down`, `terminated`, `stopping` or `stopped`.
    pub name: String,
}

/// A security group's id and name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct GroupIdentifier {
    /// `sg-...`.
    pub group_id: String,
    /// Its name.
    pub group_name: Option<String>,
}

/// The instance profile that carries the instance's role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct IamInstanceProfile {
    /// The profile's ARN.
    pub arn: Option<String>,
}

/// The instance metadata service:
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceMetadataOptionsResponse.html>.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct MetadataOptions {
    /// `required` is IMDSv2; `optional` allows IMDSv1 too.
    pub http_tokens: Option<String>,
    /// `enabled` or `disabled`.
    pub http_endpoint: Option<String>,
    /// How many hops an answer may travel.
    pub http_put_response_hop_limit: Option<i32>,
    /// `enabled` or `disabled`.
    pub http_protocol_ipv6: Option<String>,
    /// `enabled` or `disabled`.
    pub instance_metadata_tags: Option<String>,
}

/// A network interface of an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct NetworkInterface {
    /// `eni-...`.
    pub network_interface_id: String,
    /// Its address on the internet, if any.
    pub association: Option<Association>,
    /// Its IPv6 addresses.
    pub ipv6_addresses: Vec<String>,
}

/// An address on the internet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Association {
    /// The address.
    pub public_ip: Option<String>,
    /// `amazon` for an address given automatically, an account id for an Elastic IP.
    pub ip_owner_id: Option<String>,
}

/// An Elastic IP that is associated with an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct ElasticIp {
    /// `eipalloc-...`.
    pub allocation_id: String,
    /// `eipassoc-...`: another one each time that it is associated.
    pub association_id: Option<String>,
    /// The address.
    pub public_ip: Option<String>,
    /// The network interface that it is associated with.
    pub network_interface_id: Option<String>,
    /// The address in the VPC that it stands for.
    pub private_ip_address: Option<String>,
}
