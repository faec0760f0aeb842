//! What the record of a region holds: GuardDuty, AWS Config, CloudTrail. (EC2's part stands with EC2.)

use common::resource::ResourceType::Region;

use crate::events::Question;
use crate::events::place::{Events, asked_for_all, calls, own};

pub(super) const EVENTS: &[Events] = &[
    calls(
        "guardduty",
        &[own(Region)],
        &[
            "CreateDetector",
            "UpdateDetector",
            "DeleteDetector",
            "AcceptAdministratorInvitation",
            "AcceptInvitation",
            "DisassociateFromAdministratorAccount",
            "DisassociateFromMasterAccount",
        ],
    ),
    calls(
        "config",
        &[own(Region)],
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
    ),
    // A trail may cover all regions, and the record does not say whether it does.
    calls(
        "cloudtrail",
        &[asked_for_all(Region, || Question::Regions)],
        &["CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging"],
    ),
];
