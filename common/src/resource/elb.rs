//! `elb`: a classic load balancer, as `DescribeLoadBalancers` gives it, with the tags of the instances behind it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A classic load balancer. `id` is its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct ClassicLoadBalancer {
    /// Its name.
    pub load_balancer_name: String,
    /// `internet-facing` or `internal`.
    pub scheme: Option<String>,
    /// Where clients connect.
    #[serde(rename = "DNSName")]
    pub dns_name: Option<String>,
    /// Its VPC.
    #[serde(rename = "VPCId")]
    pub vpc_id: Option<String>,
    /// When it was made.
    pub created_time: Option<Timestamp>,
    /// The zones that it sends requests to.
    pub availability_zones: Vec<String>,
    /// The ids of its subnets.
    pub subnets: Vec<String>,
    /// The ids of its security groups.
    pub security_groups: Vec<String>,
    /// What it listens for, by port.
    pub listener_descriptions: Vec<ListenerDescription>,
    /// The instances behind it, by id.
    pub instances: Vec<RegisteredInstance>,
    /// The tags of these instances.
    pub instance_tags: InstanceTags,
}

/// The tags of the instances behind a load balancer, by instance id: an instance without tags is there too.
pub type InstanceTags = BTreeMap<String, BTreeMap<String, String>>;

/// What a classic load balancer listens for.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct ListenerDescription {
    /// The listener.
    pub listener: ClassicListener,
    /// The names of its policies.
    pub policy_names: Vec<String>,
}

/// A listener of a classic load balancer.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct ClassicListener {
    /// The port that clients connect to.
    pub load_balancer_port: Option<i32>,
    /// `HTTP`, `HTTPS`, `TCP`, `SSL`.
    pub protocol: Option<String>,
    /// The port of the instances.
    pub instance_port: Option<i32>,
    /// What it speaks with the instances.
    pub instance_protocol: Option<String>,
    /// The ARN of its certificate.
    #[serde(rename = "SSLCertificateId")]
    pub ssl_certificate_id: Option<String>,
}

/// An instance behind a classic load balancer.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct RegisteredInstance {
    /// `i-...`.
    pub instance_id: String,
}
