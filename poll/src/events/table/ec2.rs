//! EC2, its volumes and images, and EC2 Auto Scaling.

use common::resource::ResourceType::{
    Ami, AutoScalingGroup, EbsSnapshot, EbsVolume, Ec2, Region, SecurityGroup, SpotRequest,
};

use crate::events::Question;
use crate::events::place::{Change, Events, among, asked, at, calls, either, maybe, own};

const INSTANCE: &[Change] = &[at(Ec2, &["requestParameters.instanceId"])];
const INTERFACE: &[Change] = &[asked(Ec2, &["requestParameters.networkInterfaceId"], Question::Interface)];
const PROFILE: &[Change] =
    &[at(Ec2, &["responseElements.iamInstanceProfileAssociation.instanceId", "requestParameters.instanceId"])];
/// In a default VPC a group may be named instead.
const GROUP: &[Change] = &[
    either(
        SecurityGroup,
        &[
            "requestParameters.groupId",
            "responseElements.groupId",
            "responseElements.securityGroupRuleSet.items[].groupId",
            "responseElements.revokedSecurityGroupRuleSet.items[].groupId",
        ],
    ),
    asked(SecurityGroup, &["requestParameters.groupName"], Question::GroupName).or_else(),
];
const IMAGE: &[Change] = &[at(Ami, &["requestParameters.imageId"])];
const NEW_IMAGE: &[Change] = &[at(Ami, &["responseElements.imageId"])];
const SNAPSHOT: &[Change] = &[at(EbsSnapshot, &["requestParameters.snapshotId"])];
const NEW_SNAPSHOT: &[Change] = &[at(EbsSnapshot, &["responseElements.snapshotId"])];
const VOLUME: &[Change] = &[at(EbsVolume, &["requestParameters.volumeId"])];
const TAGGED: &[&str] = &["requestParameters.resourcesSet.items[].resourceId"];
const SCALED: Change = at(AutoScalingGroup, &["requestParameters.autoScalingGroupName"]);

pub(super) const EVENTS: &[Events] = &[
    calls(
        "ec2",
        &[
            among(Ec2, TAGGED),
            among(SpotRequest, TAGGED),
            among(SecurityGroup, TAGGED),
            among(Ami, TAGGED),
            among(EbsSnapshot, TAGGED),
            among(EbsVolume, TAGGED),
        ],
        &["CreateTags", "DeleteTags"],
    ),
    calls(
        "ec2",
        &[
            at(Ec2, &["responseElements.instancesSet.items[].instanceId"]),
            maybe(SpotRequest, &["responseElements.instancesSet.items[].spotInstanceRequestId"]),
        ],
        &["RunInstances"],
    ),
    calls(
        "ec2",
        &[at(Ec2, &["requestParameters.instancesSet.items[].instanceId"])],
        &["StartInstances", "StopInstances", "TerminateInstances"],
    ),
    calls("ec2", INSTANCE, &["ModifyInstanceAttribute", "ModifyInstanceMetadataOptions", "AttachNetworkInterface"]),
    calls(
        "ec2",
        PROFILE,
        &["AssociateIamInstanceProfile", "ReplaceIamInstanceProfileAssociation", "DisassociateIamInstanceProfile"],
    ),
    calls(
        "ec2",
        &[
            either(Ec2, &["requestParameters.instanceId"]),
            asked(Ec2, &["requestParameters.networkInterfaceId"], Question::Interface).or_else(),
        ],
        &["AssociateAddress"],
    ),
    calls("ec2", INTERFACE, &["ModifyNetworkInterfaceAttribute", "AssignIpv6Addresses", "UnassignIpv6Addresses"]),
    calls("ec2", &[asked(Ec2, &["requestParameters.attachmentId"], Question::Attachment)], &["DetachNetworkInterface"]),
    calls(
        "ec2",
        &[at(SpotRequest, &["responseElements.spotInstanceRequestSet.items[].spotInstanceRequestId"])],
        &["RequestSpotInstances"],
    ),
    calls(
        "ec2",
        &[at(
            SpotRequest,
            &[
                "requestParameters.spotInstanceRequestIdSet.items[].spotInstanceRequestId",
                "requestParameters.spotInstanceRequestId[]",
                "responseElements.spotInstanceRequestSet.items[].spotInstanceRequestId",
            ],
        )],
        &["CancelSpotInstanceRequests"],
    ),
    calls("ec2", &[at(SecurityGroup, &["responseElements.groupId"])], &["CreateSecurityGroup"]),
    calls(
        "ec2",
        GROUP,
        &[
            "AuthorizeSecurityGroupIngress",
            "AuthorizeSecurityGroupEgress",
            "RevokeSecurityGroupIngress",
            "RevokeSecurityGroupEgress",
            "ModifySecurityGroupRules",
            "UpdateSecurityGroupRuleDescriptionsIngress",
            "UpdateSecurityGroupRuleDescriptionsEgress",
            "DeleteSecurityGroup",
        ],
    ),
    calls("ec2", NEW_IMAGE, &["CreateImage", "RegisterImage", "CopyImage", "CreateRestoreImageTask"]),
    calls(
        "ec2",
        IMAGE,
        &[
            "ModifyImageAttribute",
            "ResetImageAttribute",
            "EnableImage",
            "DisableImage",
            "EnableImageDeprecation",
            "DisableImageDeprecation",
            "RestoreImageFromRecycleBin",
            "DeregisterImage",
        ],
    ),
    calls("ec2", NEW_SNAPSHOT, &["CreateSnapshot", "CopySnapshot"]),
    calls("ec2", &[at(EbsSnapshot, &["responseElements.snapshotSet.items[].snapshotId"])], &["CreateSnapshots"]),
    calls(
        "ec2",
        SNAPSHOT,
        &[
            "ModifySnapshotAttribute",
            "ResetSnapshotAttribute",
            "ModifySnapshotTier",
            "RestoreSnapshotTier",
            "RestoreSnapshotFromRecycleBin",
            "DeleteSnapshot",
        ],
    ),
    // Snapshots that are written block by block.
    calls("ebs", NEW_SNAPSHOT, &["StartSnapshot"]),
    calls("ebs", SNAPSHOT, &["CompleteSnapshot"]),
    calls("ec2", &[at(EbsVolume, &["responseElements.volumeId"])], &["CreateVolume"]),
    calls("ec2", VOLUME, &["AttachVolume", "DetachVolume", "ModifyVolume", "DeleteVolume"]),
    // What the record of a region holds.
    calls(
        "ec2",
        &[own(Region)],
        &[
            "EnableEbsEncryptionByDefault",
            "DisableEbsEncryptionByDefault",
            "CreateVpc",
            "CreateDefaultVpc",
            "DeleteVpc",
            "CreateFlowLogs",
            "DeleteFlowLogs",
        ],
    ),
    calls(
        "autoscaling",
        &[SCALED],
        &[
            "CreateAutoScalingGroup",
            "UpdateAutoScalingGroup",
            "DeleteAutoScalingGroup",
            "SetDesiredCapacity",
            "SuspendProcesses",
            "ResumeProcesses",
            "EnterStandby",
            "ExitStandby",
        ],
    ),
    // Instances that join or leave get or lose the group's tag.
    calls(
        "autoscaling",
        &[SCALED, maybe(Ec2, &["requestParameters.instanceIds[]"])],
        &["AttachInstances", "DetachInstances"],
    ),
    calls(
        "autoscaling",
        &[
            at(Ec2, &["requestParameters.instanceId"]),
            maybe(AutoScalingGroup, &["responseElements.activity.autoScalingGroupName"]),
        ],
        &["TerminateInstanceInAutoScalingGroup"],
    ),
    calls(
        "autoscaling",
        &[at(AutoScalingGroup, &["requestParameters.tags[].resourceId"])],
        &["CreateOrUpdateTags", "DeleteTags"],
    ),
];
