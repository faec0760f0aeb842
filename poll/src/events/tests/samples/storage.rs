//! S3 and SQS.

use super::{Sample, sample};

const QUEUE: &[&str] = &["sqs https://sqs.eu-west-1.amazonaws.com/111122223333/jobs"];

pub(super) const SAMPLES: &[Sample] = &[
    sample(
        "s3",
        &["CreateBucket"],
        r#"{"CreateBucketConfiguration":{"LocationConstraint":"eu-west-1"},"bucketName":"acme-logs","Host":"s3.eu-west-1.amazonaws.com"}"#,
        "null",
        &["s3_bucket acme-logs"],
    ),
    sample(
        "s3",
        &["PutBucketAcl"],
        r#"{"bucketName":"acme-logs","Host":"acme-logs.s3.eu-west-1.amazonaws.com","acl":"","x-amz-acl":"public-read"}"#,
        "null",
        &["s3_bucket acme-logs"],
    ),
    sample(
        "s3",
        &["PutBucketPolicy"],
        r#"{"bucketPolicy":{"Version":"2012-10-17","Statement":[]},"bucketName":"acme-logs","policy":""}"#,
        "null",
        &["s3_bucket acme-logs"],
    ),
    sample(
        "s3",
        &[
            "DeleteBucket",
            "PutBucketOwnershipControls",
            "DeleteBucketOwnershipControls",
            "DeleteBucketPolicy",
            "PutBucketPublicAccessBlock",
            "DeleteBucketPublicAccessBlock",
            "PutPublicAccessBlock",
            "DeletePublicAccessBlock",
            "PutBucketEncryption",
            "DeleteBucketEncryption",
            "PutBucketTagging",
            "DeleteBucketTagging",
        ],
        r#"{"bucketName":"acme-logs","Host":"acme-logs.s3.eu-west-1.amazonaws.com"}"#,
        "null",
        &["s3_bucket acme-logs"],
    ),
    sample(
        "s3",
        &["TagResource", "UntagResource"],
        r#"{"resourceArn":"arn:aws:s3:::acme-logs","Host":"111122223333.s3-control.eu-west-1.amazonaws.com"}"#,
        "null",
        &["s3_bucket acme-logs"],
    ),
    sample(
        "s3",
        &["PutAccountPublicAccessBlock", "DeleteAccountPublicAccessBlock"],
        r#"{"accountId":"111122223333","publicAccessBlock":"","Host":"111122223333.s3-control.eu-west-1.amazonaws.com"}"#,
        "null",
        &["account 111122223333", "? all buckets of the account"],
    ),
    sample(
        "sqs",
        &["CreateQueue"],
        r#"{"queueName":"jobs"}"#,
        r#"{"queueUrl":"https://sqs.eu-west-1.amazonaws.com/111122223333/jobs"}"#,
        QUEUE,
    ),
    sample(
        "sqs",
        &["SetQueueAttributes", "TagQueue", "UntagQueue", "DeleteQueue"],
        r#"{"queueUrl":"https://sqs.eu-west-1.amazonaws.com/111122223333/jobs","attributes":{"Policy":"{}"}}"#,
        "null",
        QUEUE,
    ),
    sample(
        "sqs",
        &["AddPermission", "RemovePermission"],
        r#"{"queueUrl":"https://sqs.eu-west-1.amazonaws.com/111122223333/jobs","label":"all","aWSAccountIds":["*"],"actions":["*"]}"#,
        "null",
        QUEUE,
    ),
];
