//! `region`: what an account has turned on in a region.

use serde::{Deserialize, Serialize};

/// What watches over a region. `id` is the region's name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct RegionServices {
    /// The region.
    pub region_name: String,
    /// GuardDuty's detectors.
    pub detectors: Vec<Detector>,
    /// AWS Config's recorders.
    pub configuration_recorders: Vec<ConfigurationRecorder>,
    /// Where AWS Config delivers.
    pub delivery_channels: Vec<DeliveryChannel>,
    /// The accounts that may aggregate what AWS Config records.
    pub aggregation_authorizations: Vec<String>,
    /// CloudTrail's trails that cover the region, those of other regions and of the organization too.
    pub trails: Vec<Trail>,
    /// The VPCs, with their flow logs.
    pub vpcs: Vec<Vpc>,
    /// Whether new EBS volumes are encrypted by default.
    pub ebs_encryption_by_default: Option<bool>,
}

/// A GuardDuty detector.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Detector {
    /// Its id.
    pub detector_id: String,
    /// `ENABLED` or `DISABLED`.
    pub status: Option<String>,
    /// The administrator account that it reports to, if any.
    pub administrator_id: Option<String>,
    /// `Enabled`, or why that does not work.
    pub relationship_status: Option<String>,
}

/// A recorder of AWS Config.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct ConfigurationRecorder {
    /// Its name.
    pub name: Option<String>,
    /// Whether it records.
    pub recording: Option<bool>,
    /// `SUCCESS`, `FAILURE`, `PENDING`, ...
    pub last_status: Option<String>,
    /// Whether it records all types of resources.
    pub all_supported: Option<bool>,
    /// Whether it records those that are in no region, such as IAM's.
    pub include_global_resource_types: Option<bool>,
}

/// Where AWS Config delivers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct DeliveryChannel {
    /// Its name.
    pub name: Option<String>,
    /// The bucket.
    pub s3_bucket_name: Option<String>,
    /// The topic.
    pub sns_topic_arn: Option<String>,
}

/// A trail of CloudTrail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Whether it is on.
    pub is_logging: Option<bool>,
}

/// A VPC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Vpc {
    /// `vpc-...`.
    pub vpc_id: String,
    /// Whether AWS made it.
    pub is_default: Option<bool>,
    /// Its flow logs.
    pub flow_logs: Vec<FlowLog>,
}

/// A flow log of a VPC.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct FlowLog {
    /// `fl-...`.
    pub flow_log_id: Option<String>,
    /// `ACTIVE`.
    pub flow_log_status: Option<String>,
    /// `SUCCESS` or `FAILED`.
    pub deliver_logs_status: Option<String>,
    /// `ACCEPT`, `REJECT` or `ALL`.
    pub traffic_type: Option<String>,
}
