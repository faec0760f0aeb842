//! `elbv2`: an application, network or gateway load balancer, as `DescribeLoadBalancers` gives it, with its target groups and
//! the tags of the instances in them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Backend;

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
    /// `internet-facing` or `internal`.
    pub scheme: Option<String>,
    /// `active`, `provisioning`, `failed`, ...
    pub state: Option<String>,
    /// Where clients connect.
    #[serde(rename = "DNSName")]
    pub dns_name: Option<String>,
    /// Its VPC.
    pub vpc_id: Option<String>,
    /// When it was made.
    pub created_time: Option<Timestamp>,
    /// The ids of its security groups.
    pub security_groups: Vec<String>,
    /// Where it sends requests.
    pub target_groups: Vec<TargetGroup>,
    /// The instances in its target groups, by id.
    pub instances: Vec<Backend>,
}

/// Where a load balancer sends requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct TargetGroup {
    /// Its ARN.
    pub target_group_arn: String,
    /// `instance`, `ip`, `lambda` or `alb`.
    pub target_type: Option<String>,
    /// Its targets.
    pub targets: Vec<Target>,
}

/// A target.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Target {
    /// An instance id, an address, an ARN.
    pub id: String,
    /// Its port, where it is not the group's.
    pub port: Option<i32>,
    /// Its zone, for an address outside the VPC.
    pub availability_zone: Option<String>,
    /// `healthy`, `unhealthy`, `draining`, ...
    pub state: Option<String>,
}
