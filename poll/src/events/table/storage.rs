//! S3 and SQS.

use common::resource::ResourceType::{Account, S3Bucket, Sqs};

use crate::events::Question;
use crate::events::place::{Change, Events, among, asked_for_all, at, calls, own};

const BUCKET: &[Change] = &[at(S3Bucket, &["requestParameters.bucketName"])];
const QUEUE: &[Change] = &[at(Sqs, &["requestParameters.queueUrl"])];

pub(super) const EVENTS: &[Events] = &[
    calls(
        "s3",
        BUCKET,
        &[
            "CreateBucket",
            "DeleteBucket",
            "PutBucketAcl",
            // They switch ACLs off and on.
            "PutBucketOwnershipControls",
            "DeleteBucketOwnershipControls",
            "PutBucketPolicy",
            "DeleteBucketPolicy",
            // CloudTrail's names for them, and the API's.
            "PutBucketPublicAccessBlock",
            "DeleteBucketPublicAccessBlock",
            "PutPublicAccessBlock",
            "DeletePublicAccessBlock",
            "PutBucketEncryption",
            "DeleteBucketEncryption",
            "PutBucketTagging",
            "DeleteBucketTagging",
        ],
    ),
    calls("s3", &[among(S3Bucket, &["requestParameters.resourceArn"])], &["TagResource", "UntagResource"]),
    // The account's block counts for all of its buckets.
    calls(
        "s3",
        &[own(Account), asked_for_all(S3Bucket, || Question::Buckets)],
        &["PutAccountPublicAccessBlock", "DeleteAccountPublicAccessBlock"],
    ),
    calls("sqs", &[at(Sqs, &["responseElements.queueUrl"])], &["CreateQueue"]),
    calls(
        "sqs",
        QUEUE,
        &["SetQueueAttributes", "AddPermission", "RemovePermission", "TagQueue", "UntagQueue", "DeleteQueue"],
    ),
];
