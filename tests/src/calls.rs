//! How many calls a poll of an account needs, worked out by hand: what `calls.rs` among the tests holds `poll` to, and
//! what `docs/performance.md` shows.

use common::resource::ResourceType;

/// The regions of that account.
pub const REGIONS: [&str; 4] = ["us-east-1", "eu-west-1", "us-west-2", "ap-south-1"];

/// What there is of a type.
#[derive(Clone, Copy, Debug)]
pub struct Volume {
    pub kind: ResourceType,
    /// How many there are in each of [`REGIONS`]; of what is in no region, all are in the first.
    pub made: [usize; 4],
    /// How many there are that nobody made.
    pub given: usize,
}

/// One operation that a type needs.
#[derive(Clone, Copy, Debug)]
pub struct Need {
    /// Nothing where it is for all types.
    pub kind: Option<ResourceType>,
    /// As the recorder names it.
    pub operation: &'static str,
    /// Of what there is one call each.
    pub each: &'static str,
    /// What that comes to in this account.
    pub count: usize,
}

const fn volume(kind: ResourceType, made: [usize; 4], given: usize) -> Volume {
    Volume { kind, made, given }
}

/// Where the emulator pages, the first region has a page and one more.
pub const VOLUMES: &[Volume] = &[
    volume(ResourceType::Organization, [1, 0, 0, 0], 0),
    // The account itself, what it spends, and its regions, each with a detector.
    volume(ResourceType::Account, [0, 0, 0, 0], 1),
    volume(ResourceType::Spend, [0, 0, 0, 0], 1),
    volume(ResourceType::Region, [1, 1, 1, 1], 0),
    volume(ResourceType::S3Bucket, [15, 15, 15, 15], 0),
    volume(ResourceType::Ec2, [25, 25, 25, 25], 0),
    volume(ResourceType::AutoScalingGroup, [101, 5, 5, 5], 0),
    volume(ResourceType::SpotRequest, [5, 5, 5, 5], 0),
    // Each instance has one, and each region's snapshots are of one.
    volume(ResourceType::EbsVolume, [10, 10, 10, 10], 104),
    // Each image is of one.
    volume(ResourceType::EbsSnapshot, [10, 10, 10, 10], 40),
    volume(ResourceType::Ami, [10, 10, 10, 10], 0),
    // Each region has a default one, and the emulator makes one for each classic load balancer.
    volume(ResourceType::SecurityGroup, [40, 40, 40, 40], 44),
    volume(ResourceType::Elb, [25, 5, 5, 5], 0),
    volume(ResourceType::Elbv2, [25, 5, 5, 5], 0),
    // Each region has one for its task sets.
    volume(ResourceType::EcsService, [25, 5, 5, 5], 4),
    volume(ResourceType::EcsTask, [5, 5, 5, 5], 0),
    volume(ResourceType::EcsTaskSet, [5, 5, 5, 5], 0),
    volume(ResourceType::IamUser, [60, 0, 0, 0], KEYLESS),
    // Each region's functions run as one.
    volume(ResourceType::IamRole, [50, 0, 0, 0], 4),
    volume(ResourceType::IamGroup, [30, 0, 0, 0], 0),
    volume(ResourceType::IamPolicy, [30, 0, 0, 0], 0),
    volume(ResourceType::KmsKey, [10, 10, 10, 10], 0),
    volume(ResourceType::LambdaFunction, [10, 10, 10, 10], 0),
    volume(ResourceType::Sqs, [1001, 10, 10, 10], 0),
    // Each region's snapshots are of one.
    volume(ResourceType::Rds, [100, 5, 5, 5], 4),
    volume(ResourceType::RdsCluster, [15, 5, 5, 5], 4),
    volume(ResourceType::RdsSnapshot, [10, 10, 10, 10], 0),
    volume(ResourceType::RdsClusterSnapshot, [10, 10, 10, 10], 0),
    volume(ResourceType::Redshift, [15, 5, 5, 5], 0),
];

/// Users without a key, beside those with one.
pub const KEYLESS: usize = 40;

const fn need(kind: ResourceType, operation: &'static str, each: &'static str, count: usize) -> Need {
    Need { kind: Some(kind), operation, each, count }
}

/// All that a poll of that account needs.
pub const NEEDS: &[Need] = &[
    Need { kind: None, operation: "sts:GetCallerIdentity", each: "run", count: 1 },
    need(ResourceType::Organization, "organizations:DescribeOrganization", "run", 1),
    need(ResourceType::Organization, "organizations:ListAccounts", "page", 1),
    need(ResourceType::Account, "iam:GetAccountSummary", "account", 1),
    need(ResourceType::Account, "iam:GetAccountPasswordPolicy", "account", 1),
    need(ResourceType::Account, "s3control:GetPublicAccessBlock", "account, for its buckets as well", 1),
    need(ResourceType::Spend, "cloudwatch:GetMetricData", "page and account", 1),
    need(ResourceType::Region, "guardduty:ListDetectors", "region", 4),
    need(ResourceType::Region, "guardduty:GetDetector", "detector", 4),
    need(ResourceType::Region, "guardduty:GetAdministratorAccount", "detector", 4),
    need(ResourceType::Region, "config:DescribeConfigurationRecorders", "region", 4),
    need(ResourceType::Region, "config:DescribeConfigurationRecorderStatus", "region", 4),
    need(ResourceType::Region, "config:DescribeDeliveryChannels", "region", 4),
    need(ResourceType::Region, "config:DescribeAggregationAuthorizations", "page and region", 4),
    need(ResourceType::Region, "cloudtrail:DescribeTrails", "region", 4),
    need(ResourceType::Region, "cloudtrail:GetTrailStatus", "trail and region (there is none here)", 0),
    need(ResourceType::Region, "ec2:DescribeVpcs", "page of 1,000 and region", 4),
    need(ResourceType::Region, "ec2:DescribeFlowLogs", "page of 1,000 and region", 4),
    need(ResourceType::Region, "ec2:GetEbsEncryptionByDefault", "region", 4),
    need(ResourceType::S3Bucket, "s3:ListBuckets", "page of 1,000", 1),
    need(ResourceType::S3Bucket, "s3:GetBucketLocation", "bucket whose region the list does not tell (AWS does)", 60),
    need(ResourceType::S3Bucket, "s3:GetBucketAcl", "bucket", 60),
    need(ResourceType::S3Bucket, "s3:GetBucketPolicy", "bucket", 60),
    need(ResourceType::S3Bucket, "s3:GetPublicAccessBlock", "bucket", 60),
    need(ResourceType::S3Bucket, "s3:GetBucketEncryption", "bucket", 60),
    need(ResourceType::S3Bucket, "s3:GetBucketTagging", "bucket", 60),
    need(ResourceType::Ec2, "ec2:DescribeInstances", "page of 1,000 and region", 4),
    need(ResourceType::Ec2, "ec2:DescribeAddresses", "region with instances", 4),
    need(ResourceType::AutoScalingGroup, "autoscaling:DescribeAutoScalingGroups", "page of 100 and region", 5),
    need(ResourceType::SpotRequest, "ec2:DescribeSpotInstanceRequests", "page of 1,000 and region", 4),
    need(ResourceType::EbsVolume, "ec2:DescribeVolumes", "page of 1,000 and region", 4),
    need(ResourceType::EbsSnapshot, "ec2:DescribeSnapshots", "page of 1,000 and region", 4),
    need(ResourceType::EbsSnapshot, "ec2:DescribeSnapshotAttribute", "snapshot", 80),
    need(ResourceType::Ami, "ec2:DescribeImages", "page of 1,000 and region", 4),
    need(ResourceType::Ami, "ec2:DescribeImageAttribute", "image", 40),
    need(ResourceType::SecurityGroup, "ec2:DescribeSecurityGroups", "page of 1,000 and region", 4),
    need(ResourceType::Elb, "elasticloadbalancing:DescribeLoadBalancers", "page of 400 and region", 4),
    need(ResourceType::Elb, "elasticloadbalancing:DescribeTags", "20 load balancers and region", 5),
    need(ResourceType::Elbv2, "elasticloadbalancing:DescribeLoadBalancers", "page of 400 and region", 4),
    need(ResourceType::Elbv2, "elasticloadbalancing:DescribeTags", "20 load balancers and region", 5),
    need(
        ResourceType::Elbv2,
        "elasticloadbalancing:DescribeTargetGroups",
        "page of 400 and region with load balancers",
        4,
    ),
    need(
        ResourceType::Elbv2,
        "elasticloadbalancing:DescribeTargetHealth",
        "target group behind a load balancer (there is none here)",
        0,
    ),
    need(ResourceType::EcsService, "ecs:ListClusters", "page of 100 and region, for all three types of ECS", 4),
    need(ResourceType::EcsService, "ecs:ListServices", "page of 100 and cluster", 4),
    need(ResourceType::EcsService, "ecs:DescribeServices", "10 services and cluster, for the task sets as well", 6),
    need(ResourceType::EcsTask, "ecs:ListTasks", "page of 100 and cluster", 4),
    need(ResourceType::EcsTask, "ecs:DescribeTasks", "page of 100 and cluster", 4),
    need(ResourceType::EcsTask, "ec2:DescribeNetworkInterfaces", "page of tasks with networks of their own", 4),
    need(ResourceType::EcsTaskSet, "ecs:DescribeTaskSets", "service with task sets", 4),
    need(ResourceType::IamUser, "iam:GetAccountAuthorizationDetails", "page of 1,000", 1),
    need(ResourceType::IamUser, "iam:GetCredentialReport", "account, and once more where it has to be made", 2),
    need(ResourceType::IamUser, "iam:GenerateCredentialReport", "account without a fresh report", 1),
    need(ResourceType::IamUser, "iam:ListAccessKeys", "user with a key", 60),
    need(ResourceType::IamRole, "iam:GetAccountAuthorizationDetails", "page of 1,000", 1),
    need(ResourceType::IamGroup, "iam:GetAccountAuthorizationDetails", "page of 1,000", 1),
    need(ResourceType::IamPolicy, "iam:GetAccountAuthorizationDetails", "page of 1,000", 1),
    need(ResourceType::IamPolicy, "iam:ListPolicyTags", "page and policy", 30),
    need(ResourceType::KmsKey, "kms:ListKeys", "page of 1,000 and region", 4),
    need(ResourceType::KmsKey, "kms:DescribeKey", "key", 40),
    need(ResourceType::KmsKey, "kms:GetKeyPolicy", "key of the account's own", 40),
    need(ResourceType::KmsKey, "kms:ListResourceTags", "page and key of the account's own", 40),
    need(ResourceType::LambdaFunction, "lambda:ListFunctions", "page of 50 and region", 4),
    need(ResourceType::LambdaFunction, "lambda:GetPolicy", "function", 40),
    need(ResourceType::LambdaFunction, "lambda:ListTags", "function", 40),
    need(ResourceType::Sqs, "sqs:ListQueues", "page of 1,000 and region", 5),
    need(ResourceType::Sqs, "sqs:GetQueueAttributes", "queue", 1031),
    need(ResourceType::Sqs, "sqs:ListQueueTags", "queue", 1031),
    need(ResourceType::Rds, "rds:DescribeDBInstances", "page of 100 and region", 5),
    need(ResourceType::RdsCluster, "rds:DescribeDBClusters", "page of 100 and region", 4),
    need(ResourceType::RdsSnapshot, "rds:DescribeDBSnapshots", "page of 100 and region", 4),
    need(ResourceType::RdsSnapshot, "rds:DescribeDBSnapshotAttributes", "snapshot", 40),
    need(ResourceType::RdsClusterSnapshot, "rds:DescribeDBClusterSnapshots", "page of 100 and region", 4),
    need(ResourceType::RdsClusterSnapshot, "rds:DescribeDBClusterSnapshotAttributes", "snapshot", 40),
    need(ResourceType::Redshift, "redshift:DescribeClusters", "page of 100 and region", 4),
    need(ResourceType::Redshift, "redshift:DescribeClusterParameters", "page of 100, parameter group and region", 4),
];
