//! `elbv2`: an application, network or gateway load balancer, as `DescribeLoadBalancers` gives it, with its target groups,
//! their targets, and the tags of the instances among these.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::InstanceTags;

/// A load balancer. `id` is its ARN, by which alone the API knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct LoadBalancer {
    /// Its ARN.
    pub load_balancer_arn: String,
    /// Its name.
    pub load_balancer_name: String,
    /// `application`, `network` or `gateway`.
    pub r#type: Option<String>,
    /// `internet-facing` or `internal`; a gateway load balancer has none.
    pub scheme: Option<String>,
    /// Whether it is up.
    pub state: LoadBalancerState,
    /// Where clients connect.
    #[serde(rename = "DNSName")]
    pub dns_name: Option<String>,
    /// `ipv4`, `dualstack`, ...
    pub ip_address_type: Option<String>,
    /// Its VPC.
    pub vpc_id: Option<String>,
    /// When it was made.
    pub created_time: Option<Timestamp>,
    /// Where it stands, by zone.
    pub availability_zones: Vec<BalancerZone>,
    /// The ids of its security groups.
    pub security_groups: Vec<String>,
    /// `off` where its security groups do not hold for what comes through a private link (network load balancers alone).
    pub enforce_security_group_inbound_rules_on_private_link_traffic: Option<String>,
    /// Where it sends requests, by ARN.
    pub target_groups: Vec<TargetGroup>,
    /// The tags of the instances in its target groups.
    pub instance_tags: InstanceTags,
}

/// The state of a load balancer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct LoadBalancerState {
    /// `provisioning`, `active`, `active_impaired` or `failed`.
    pub code: Option<String>,
}

/// A zone in which a load balancer stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct BalancerZone {
    /// `eu-west-1a`.
    pub zone_name: Option<String>,
    /// The subnet's id.
    pub subnet_id: Option<String>,
}

/// Where a load balancer sends requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct TargetGroup {
    /// Its ARN.
    pub target_group_arn: String,
    /// Its name.
    pub target_group_name: Option<String>,
    /// `instance`, `ip`, `lambda` or `alb`.
    pub target_type: Option<String>,
    /// `HTTP`, `HTTPS`, `TCP`, ...
    pub protocol: Option<String>,
    /// The port of targets that have none of their own.
    pub port: Option<i32>,
    /// Its targets, by id and port.
    pub targets: Vec<Target>,
}

/// A target.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Target {
    /// An instance id, an address, an ARN.
    pub id: String,
    /// The port that it is registered with.
    pub port: Option<i32>,
    /// Its zone, for an address outside the VPC.
    pub availability_zone: Option<String>,
    /// Its id in QUIC, without which a target group of that protocol takes no target.
    pub quic_server_id: Option<String>,
    /// `healthy`, `unhealthy`, `initial`, `unused`, ...; `draining` is one that has been deregistered.
    pub state: Option<String>,
}

impl Target {
    /// Whether requests may still be sent to it: a target that has been deregistered is listed while it finishes those
    /// that it has, for five minutes unless its group says otherwise. See
    /// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html>.
    pub fn is_registered(&self) -> bool {
        self.state.as_deref() != Some("draining")
    }
}
