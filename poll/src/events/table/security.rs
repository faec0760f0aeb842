//! KMS and Lambda: who may use a key or a function stands in its policy.

use common::resource::ResourceType::{KmsKey, LambdaFunction};

use super::DATED;
use crate::events::place::{Events, among, at, calls};

pub(super) const EVENTS: &[Events] = &[
    // A replica has its own such event in its own region.
    calls("kms", &[at(KmsKey, &["responseElements.keyMetadata.keyId"])], &["CreateKey"]),
    calls(
        "kms",
        &[at(KmsKey, &["requestParameters.keyId"])],
        &[
            "PutKeyPolicy",
            "EnableKey",
            "DisableKey",
            "ScheduleKeyDeletion",
            "CancelKeyDeletion",
            "ImportKeyMaterial",
            "DeleteImportedKeyMaterial",
            "UpdateKeyDescription",
            "TagResource",
            "UntagResource",
        ],
    ),
    calls(
        DATED,
        &[at(LambdaFunction, &["requestParameters.functionName"])],
        &[
            "CreateFunction",
            "DeleteFunction",
            "UpdateFunctionCode",
            "UpdateFunctionConfiguration",
            "AddPermission",
            "RemovePermission",
        ],
    ),
    calls(
        DATED,
        &[among(LambdaFunction, &["requestParameters.resource", "requestParameters.resourceArn"])],
        &["TagResource", "UntagResource"],
    ),
];
