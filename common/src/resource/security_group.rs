//! `security_group`: a group and its rules, as `DescribeSecurityGroups` gives them.

use serde::{Deserialize, Serialize};

/// A security group. `id` is its group id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct SecurityGroup {
    /// `sg-...`.
    pub group_id: String,
    /// Its name.
    pub group_name: String,
    /// What its maker said of it.
    pub description: Option<String>,
    /// Its VPC.
    pub vpc_id: Option<String>,
    /// What may come in. Sorted, so that two looks at one group are equal.
    pub ip_permissions: Vec<IpPermission>,
    /// What may go out. Sorted.
    pub ip_permissions_egress: Vec<IpPermission>,
}

/// The rules for one protocol and port range.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct IpPermission {
    /// `tcp`, `udp`, `icmp`, `icmpv6`, a protocol number, or `-1` for all.
    pub ip_protocol: String,
    /// The first port (ICMP: the type, -1 for all); `null` for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_port: Option<i32>,
    /// The last port (ICMP: the code, -1 for all); `null` for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_port: Option<i32>,
    /// IPv4 ranges.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ip_ranges: Vec<IpRange>,
    /// IPv6 ranges.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ipv6_ranges: Vec<Ipv6Range>,
    /// Prefix lists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prefix_list_ids: Vec<PrefixListId>,
    /// Other security groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub user_id_group_pairs: Vec<UserIdGroupPair>,
}

/// An IPv4 range.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct IpRange {
    /// Such as `10.0.0.0/8`.
    pub cidr_ip: String,
    /// What its maker said of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// An IPv6 range.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Ipv6Range {
    /// Such as `2001:db8::/32`.
    #[serde(rename = "CidrIpv6")]
    pub cidr_ipv6: String,
    /// What its maker said of it.
    #[serde(rename = "Description", skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A prefix list.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct PrefixListId {
    /// `pl-...`.
    pub prefix_list_id: String,
    /// What its maker said of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Another security group.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct UserIdGroupPair {
    /// The other group.
    pub group_id: Option<String>,
    /// The account that it belongs to.
    pub user_id: Option<String>,
    /// What its maker said of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}
