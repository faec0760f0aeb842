//! KMS and Lambda.

use super::{Sample, sample};

const KEY: &[&str] = &["kms_key 84fad820-39e7-4916-a12e-d8c5953ed2b7"];
const FUNCTION: &[&str] = &["lambda_function thumbnails"];

pub(super) const SAMPLES: &[Sample] = &[
    sample(
        "kms",
        &["CreateKey"],
        r#"{"description":"","bypassPolicyLockoutSafetyCheck":false,"keySpec":"SYMMETRIC_DEFAULT"}"#,
        r#"{"keyMetadata":{"aWSAccountId":"111122223333","keyId":"84fad820-39e7-4916-a12e-d8c5953ed2b7",
            "arn":"arn:aws:kms:eu-west-1:111122223333:key/84fad820-39e7-4916-a12e-d8c5953ed2b7"}}"#,
        KEY,
    ),
    sample(
        "kms",
        &["PutKeyPolicy"],
        r#"{"keyId":"84fad820-39e7-4916-a12e-d8c5953ed2b7","policyName":"default","policy":"{}"}"#,
        "null",
        KEY,
    ),
    sample(
        "kms",
        &[
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
        r#"{"keyId":"arn:aws:kms:eu-west-1:111122223333:key/84fad820-39e7-4916-a12e-d8c5953ed2b7"}"#,
        r#"{"keyId":"arn:aws:kms:eu-west-1:111122223333:key/84fad820-39e7-4916-a12e-d8c5953ed2b7"}"#,
        KEY,
    ),
    sample(
        "lambda",
        &["CreateFunction20150331"],
        r#"{"functionName":"thumbnails","runtime":"python3.13","role":"arn:aws:iam::111122223333:role/l","code":{}}"#,
        r#"{"functionName":"thumbnails","functionArn":"arn:aws:lambda:eu-west-1:111122223333:function:thumbnails"}"#,
        FUNCTION,
    ),
    sample(
        "lambda",
        &["DeleteFunction20150331", "AddPermission20150331v2", "RemovePermission20150331v2"],
        r#"{"functionName":"thumbnails","principal":"*","statementId":"all","action":"lambda:InvokeFunction"}"#,
        "null",
        FUNCTION,
    ),
    sample(
        "lambda",
        &["UpdateFunctionCode20150331v2", "UpdateFunctionConfiguration20150331v2"],
        r#"{"functionName":"arn:aws:lambda:eu-west-1:111122223333:function:thumbnails","publish":true,"dryRun":false}"#,
        r#"{"functionName":"thumbnails","functionArn":"arn:aws:lambda:eu-west-1:111122223333:function:thumbnails:7"}"#,
        FUNCTION,
    ),
    sample(
        "lambda",
        &["TagResource20170331v2", "UntagResource20170331v2"],
        r#"{"resource":"arn:aws:lambda:eu-west-1:111122223333:function:thumbnails","tags":{"Owner":"web"}}"#,
        "null",
        FUNCTION,
    ),
];
