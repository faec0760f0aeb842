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
    /// The ids of its security groups.
    pub security_groups: Vec<String>,
    /// What it listens for.
    pub listeners: Vec<ClassicListener>,
    /// The instances behind it, by id.
    pub instances: Vec<Backend>,
}

/// What a classic load balancer listens for.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct ClassicListener {
    /// `HTTP`, `HTTPS`, `TCP`, `SSL`.
    pub protocol: Option<String>,
    /// The port that clients connect to.
    pub load_balancer_port: Option<i32>,
    /// The port of the instances.
    pub instance_port: Option<i32>,
}

/// An instance behind a load balancer.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Backend {
    /// `i-...`.
    pub instance_id: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}
