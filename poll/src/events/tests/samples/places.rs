//! What is a region's, an account's or the organization's: the record need not say anything.

use super::{Sample, sample};

const REGION: &[&str] = &["region eu-west-1"];
const ORGANIZATION: &[&str] = &["? the account's organization"];

pub(super) const SAMPLES: &[Sample] = &[
    sample(
        "ec2",
        &["EnableEbsEncryptionByDefault", "DisableEbsEncryptionByDefault"],
        r#"{"DisableEbsEncryptionByDefaultRequest":""}"#,
        r#"{"DisableEbsEncryptionByDefaultResponse":{"ebsEncryptionByDefault":false,"requestId":"1"}}"#,
        REGION,
    ),
    sample(
        "ec2",
        &["CreateVpc", "CreateDefaultVpc", "DeleteVpc"],
        r#"{"cidrBlock":"10.0.0.0/16"}"#,
        r#"{"requestId":"1","vpc":{"vpcId":"vpc-0aa"}}"#,
        REGION,
    ),
    sample(
        "ec2",
        &["CreateFlowLogs", "DeleteFlowLogs"],
        r#"{"DeleteFlowLogsRequest":{"FlowLogId":{"content":"fl-0e17aa62a21d4bbfe","tag":1}}}"#,
        r#"{"DeleteFlowLogsResponse":{"requestId":"1","unsuccessful":""}}"#,
        REGION,
    ),
    sample(
        "guardduty",
        &["CreateDetector"],
        r#"{"enable":true}"#,
        r#"{"detectorId":"12abc34d567e8fa901bc2d34e56789f0"}"#,
        REGION,
    ),
    sample(
        "guardduty",
        &[
            "UpdateDetector",
            "DeleteDetector",
            "AcceptAdministratorInvitation",
            "AcceptInvitation",
            "DisassociateFromAdministratorAccount",
            "DisassociateFromMasterAccount",
        ],
        r#"{"detectorId":"12abc34d567e8fa901bc2d34e56789f0"}"#,
        "null",
        REGION,
    ),
    sample(
        "config",
        &[
            "PutConfigurationRecorder",
            "PutServiceLinkedConfigurationRecorder",
            "DeleteConfigurationRecorder",
            "DeleteServiceLinkedConfigurationRecorder",
            "AssociateResourceTypes",
            "DisassociateResourceTypes",
            "StartConfigurationRecorder",
            "StopConfigurationRecorder",
            "PutDeliveryChannel",
            "DeleteDeliveryChannel",
            "PutAggregationAuthorization",
            "DeleteAggregationAuthorization",
        ],
        r#"{"configurationRecorderName":"default"}"#,
        "null",
        REGION,
    ),
    sample(
        "cloudtrail",
        &["CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging"],
        r#"{"name":"all"}"#,
        "null",
        &["? all regions of the account"],
    ),
    sample(
        "organizations",
        &[
            "CreateOrganization",
            "EnableAllFeatures",
            "AcceptHandshake",
            "CreateAccount",
            "CreateGovCloudAccount",
            "CloseAccount",
            "RemoveAccountFromOrganization",
            "LeaveOrganization",
        ],
        "null",
        "null",
        ORGANIZATION,
    ),
    sample("account", &["PutAccountName"], r#"{"accountName":"shop"}"#, "null", ORGANIZATION),
];
