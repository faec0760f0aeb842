//! `region`: what an account has turned on in a region.
//!
//! Each field is the answer of one call, so that a call that is denied costs that field and no other.

use serde::{Deserialize, Serialize};

/// What watches over a region. `id` is the region's name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct RegionServices {
    /// The region.
    pub region_name: String,
    /// GuardDuty's detectors: one at most.
    pub detectors: Vec<Detector>,
    /// The account that administers GuardDuty for this one; `null` where it has none, as the administrator itself has.
    pub administrator: Option<Administrator>,
    /// AWS Config's recorders.
    pub configuration_recorders: Vec<ConfigurationRecorder>,
    /// What they are doing.
    pub configuration_recorders_status: Vec<ConfigurationRecorderStatus>,
    /// Where AWS Config delivers.
    pub delivery_channels: Vec<DeliveryChannel>,
    /// Who may aggregate what AWS Config records.
    pub aggregation_authorizations: Vec<AggregationAuthorization>,
    /// CloudTrail's trails that cover the region: also those of other regions and of the organization.
    pub trails: Vec<Trail>,
    /// The account's VPCs, without those that others share with it.
    pub vpcs: Vec<Vpc>,
    /// The flow logs of VPCs, without those of single subnets and network interfaces.
    pub flow_logs: Vec<FlowLog>,
    /// Whether new EBS volumes are encrypted by default.
    pub ebs_encryption_by_default: Option<bool>,
}

/// A GuardDuty detector.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Detector {
    /// Its id.
    pub detector_id: String,
    /// `ENABLED` or `DISABLED`.
    pub status: Option<String>,
}

/// GuardDuty's administrator account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Administrator {
    /// The account.
    pub account_id: Option<String>,
    /// `Enabled` where it works.
    pub relationship_status: Option<String>,
}

/// A recorder of AWS Config.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct ConfigurationRecorder {
    /// Its name.
    pub name: Option<String>,
    /// The role that it reads with.
    #[serde(rename = "RoleARN")]
    pub role_arn: Option<String>,
    /// Whether it records all types of resources.
    pub all_supported: Option<bool>,
    /// Whether it records those that are in no region, such as IAM's.
    pub include_global_resource_types: Option<bool>,
}

/// What a recorder of AWS Config is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct ConfigurationRecorderStatus {
    /// The recorder's name.
    pub name: Option<String>,
    /// Whether it records.
    pub recording: Option<bool>,
    /// `Success`, `Failure`, `Pending`, ...: what became of what it last delivered.
    pub last_status: Option<String>,
}

/// Where AWS Config delivers.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct DeliveryChannel {
    /// Its name.
    pub name: Option<String>,
    /// The bucket.
    pub s3_bucket_name: Option<String>,
    /// The topic.
    #[serde(rename = "SnsTopicARN")]
    pub sns_topic_arn: Option<String>,
}

/// An account that may aggregate what AWS Config records here.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct AggregationAuthorization {
    /// The account.
    pub authorized_account_id: Option<String>,
    /// The region in which it may.
    pub authorized_aws_region: Option<String>,
}

/// A trail of CloudTrail.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Trail {
    /// Its name.
    pub name: Option<String>,
    /// Its ARN, which holds the account that owns it.
    #[serde(rename = "TrailARN")]
    pub trail_arn: Option<String>,
    /// The region in which it can be changed.
    pub home_region: Option<String>,
    /// Whether it covers all regions.
    pub is_multi_region_trail: Option<bool>,
    /// Whether it is the organization's.
    pub is_organization_trail: Option<bool>,
    /// Whether it has what IAM, STS and `CloudFront` do.
    pub include_global_service_events: Option<bool>,
    /// Whether its files are signed.
    pub log_file_validation_enabled: Option<bool>,
    /// The bucket that it delivers to.
    pub s3_bucket_name: Option<String>,
    /// The key that encrypts its files.
    pub kms_key_id: Option<String>,
    /// Whether it is on. `null` where that could not be read; `unread` then has `Trails.IsLogging`.
    pub is_logging: Option<bool>,
}

/// A VPC.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Vpc {
    /// `vpc-...`.
    pub vpc_id: String,
    /// Whether AWS made it.
    pub is_default: Option<bool>,
    /// Its main range.
    pub cidr_block: Option<String>,
}

/// A flow log of a VPC.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct FlowLog {
    /// `fl-...`.
    pub flow_log_id: Option<String>,
    /// The VPC.
    pub resource_id: Option<String>,
    /// `ACTIVE`.
    pub flow_log_status: Option<String>,
    /// `SUCCESS` or `FAILED`.
    pub deliver_logs_status: Option<String>,
    /// `ACCEPT`, `REJECT` or `ALL`.
    pub traffic_type: Option<String>,
    /// `cloud-watch-logs`, `s3`, ...
    pub log_destination_type: Option<String>,
}
