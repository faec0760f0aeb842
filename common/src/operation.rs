//! The calls that Sluice makes to AWS, and the IAM permissions that each needs.
//!
//! One table: the code that makes a call names it by its constant here, errors and outcomes carry the name, and
//! `--iam-policy` prints the permissions. Most permissions are called as the call is; those that are not are from
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>.

use std::fmt;

/// A call: the service's prefix in IAM and the API's name for it, such as `s3:ListBuckets`.
///
/// The name is the API's, not that of the permission: `s3:ListBuckets` needs `s3:ListAllMyBuckets`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Operation {
    name: &'static str,
    permissions: &'static [&'static str],
}

impl Operation {
    /// `s3:ListBuckets`.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The IAM actions without which it is denied. Empty where nobody needs a permission (`sts:GetCallerIdentity`).
    pub const fn permissions(self) -> &'static [&'static str] {
        self.permissions
    }

    /// The call of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|operation| operation.name == name)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name)
    }
}

impl From<Operation> for String {
    fn from(operation: Operation) -> Self {
        operation.name.to_owned()
    }
}

macro_rules! operations {
    ($( $constant:ident = $name:literal $(needs [$($permission:literal),*])?; )*) => {
        $(
            #[doc = concat!("`", $name, "`.")]
            pub const $constant: Operation =
                Operation { name: $name, permissions: operations!(@permissions $name $([$($permission),*])?) };
        )*

        impl Operation {
            /// All of them.
            pub const ALL: &[Self] = &[$($constant,)*];
        }
    };
    (@permissions $name:literal) => { &[$name] };
    (@permissions $name:literal [$($permission:literal),*]) => { &[$($permission),*] };
}

operations! {
    STS_GET_CALLER_IDENTITY = "sts:GetCallerIdentity" needs [];
    STS_ASSUME_ROLE = "sts:AssumeRole";

    ORGANIZATIONS_DESCRIBE_ORGANIZATION = "organizations:DescribeOrganization";
    ORGANIZATIONS_LIST_ACCOUNTS = "organizations:ListAccounts";

    CE_GET_COST_AND_USAGE = "ce:GetCostAndUsage";
    AUTOSCALING_DESCRIBE_AUTO_SCALING_GROUPS = "autoscaling:DescribeAutoScalingGroups";
    AUTOSCALING_RESUME_PROCESSES = "autoscaling:ResumeProcesses";
    AUTOSCALING_SUSPEND_PROCESSES = "autoscaling:SuspendProcesses";

    CLOUDTRAIL_DESCRIBE_TRAILS = "cloudtrail:DescribeTrails";
    CLOUDTRAIL_GET_EVENT_SELECTORS = "cloudtrail:GetEventSelectors";
    CLOUDTRAIL_GET_TRAIL_STATUS = "cloudtrail:GetTrailStatus";
    CLOUDTRAIL_LOOKUP_EVENTS = "cloudtrail:LookupEvents";

    CLOUDWATCH_GET_METRIC_DATA = "cloudwatch:GetMetricData";

    CONFIG_DESCRIBE_AGGREGATION_AUTHORIZATIONS = "config:DescribeAggregationAuthorizations";
    CONFIG_DESCRIBE_CONFIGURATION_RECORDERS = "config:DescribeConfigurationRecorders";
    CONFIG_DESCRIBE_CONFIGURATION_RECORDER_STATUS = "config:DescribeConfigurationRecorderStatus";
    CONFIG_DESCRIBE_DELIVERY_CHANNELS = "config:DescribeDeliveryChannels";

    EC2_ASSOCIATE_ADDRESS = "ec2:AssociateAddress";
    EC2_ATTACH_VOLUME = "ec2:AttachVolume";
    EC2_AUTHORIZE_SECURITY_GROUP_EGRESS = "ec2:AuthorizeSecurityGroupEgress";
    EC2_AUTHORIZE_SECURITY_GROUP_INGRESS = "ec2:AuthorizeSecurityGroupIngress";
    EC2_CANCEL_SPOT_INSTANCE_REQUESTS = "ec2:CancelSpotInstanceRequests";
    EC2_DELETE_SECURITY_GROUP = "ec2:DeleteSecurityGroup";
    EC2_DELETE_SNAPSHOT = "ec2:DeleteSnapshot";
    EC2_DELETE_VOLUME = "ec2:DeleteVolume";
    EC2_DEREGISTER_IMAGE = "ec2:DeregisterImage";
    EC2_DESCRIBE_ADDRESSES = "ec2:DescribeAddresses";
    EC2_DESCRIBE_FLOW_LOGS = "ec2:DescribeFlowLogs";
    EC2_DESCRIBE_IMAGE_ATTRIBUTE = "ec2:DescribeImageAttribute";
    EC2_DESCRIBE_IMAGES = "ec2:DescribeImages";
    EC2_DESCRIBE_INSTANCES = "ec2:DescribeInstances";
    EC2_DESCRIBE_NETWORK_INTERFACES = "ec2:DescribeNetworkInterfaces";
    EC2_DESCRIBE_REGIONS = "ec2:DescribeRegions";
    EC2_DESCRIBE_SECURITY_GROUPS = "ec2:DescribeSecurityGroups";
    EC2_DESCRIBE_SNAPSHOT_ATTRIBUTE = "ec2:DescribeSnapshotAttribute";
    EC2_DESCRIBE_SNAPSHOTS = "ec2:DescribeSnapshots";
    EC2_DESCRIBE_SPOT_INSTANCE_REQUESTS = "ec2:DescribeSpotInstanceRequests";
    EC2_DESCRIBE_TAGS = "ec2:DescribeTags";
    EC2_DESCRIBE_VOLUMES = "ec2:DescribeVolumes";
    EC2_DESCRIBE_VPCS = "ec2:DescribeVpcs";
    EC2_DETACH_VOLUME = "ec2:DetachVolume";
    EC2_DISASSOCIATE_ADDRESS = "ec2:DisassociateAddress";
    EC2_GET_EBS_ENCRYPTION_BY_DEFAULT = "ec2:GetEbsEncryptionByDefault";
    EC2_MODIFY_IMAGE_ATTRIBUTE = "ec2:ModifyImageAttribute";
    EC2_MODIFY_INSTANCE_ATTRIBUTE = "ec2:ModifyInstanceAttribute";
    EC2_MODIFY_INSTANCE_METADATA_OPTIONS = "ec2:ModifyInstanceMetadataOptions";
    EC2_MODIFY_SNAPSHOT_ATTRIBUTE = "ec2:ModifySnapshotAttribute";
    EC2_REVOKE_SECURITY_GROUP_EGRESS = "ec2:RevokeSecurityGroupEgress";
    EC2_REVOKE_SECURITY_GROUP_INGRESS = "ec2:RevokeSecurityGroupIngress";
    EC2_START_INSTANCES = "ec2:StartInstances";
    EC2_STOP_INSTANCES = "ec2:StopInstances";
    EC2_TERMINATE_INSTANCES = "ec2:TerminateInstances";

    ECS_DELETE_TASK_SET = "ecs:DeleteTaskSet";
    ECS_DESCRIBE_SERVICES = "ecs:DescribeServices";
    ECS_DESCRIBE_TASK_SETS = "ecs:DescribeTaskSets";
    ECS_DESCRIBE_TASKS = "ecs:DescribeTasks";
    ECS_LIST_CLUSTERS = "ecs:ListClusters";
    ECS_LIST_SERVICES = "ecs:ListServices";
    ECS_LIST_TASKS = "ecs:ListTasks";
    ECS_STOP_TASK = "ecs:StopTask";
    ECS_UPDATE_SERVICE = "ecs:UpdateService";

    // Classic load balancers and the newer ones are two APIs with one prefix.
    ELB_APPLY_SECURITY_GROUPS_TO_LOAD_BALANCER = "elasticloadbalancing:ApplySecurityGroupsToLoadBalancer";
    ELB_DELETE_LOAD_BALANCER = "elasticloadbalancing:DeleteLoadBalancer";
    ELB_DEREGISTER_INSTANCES_FROM_LOAD_BALANCER = "elasticloadbalancing:DeregisterInstancesFromLoadBalancer";
    ELB_DEREGISTER_TARGETS = "elasticloadbalancing:DeregisterTargets";
    ELB_DESCRIBE_LOAD_BALANCERS = "elasticloadbalancing:DescribeLoadBalancers";
    ELB_DESCRIBE_TAGS = "elasticloadbalancing:DescribeTags";
    ELB_DESCRIBE_TARGET_GROUPS = "elasticloadbalancing:DescribeTargetGroups";
    ELB_DESCRIBE_TARGET_HEALTH = "elasticloadbalancing:DescribeTargetHealth";
    ELB_REGISTER_INSTANCES_WITH_LOAD_BALANCER = "elasticloadbalancing:RegisterInstancesWithLoadBalancer";
    ELB_REGISTER_TARGETS = "elasticloadbalancing:RegisterTargets";
    ELB_SET_SECURITY_GROUPS = "elasticloadbalancing:SetSecurityGroups";

    EVENTS_DESCRIBE_RULE = "events:DescribeRule";
    EVENTS_LIST_RULES = "events:ListRules";
    EVENTS_LIST_RULE_NAMES_BY_TARGET = "events:ListRuleNamesByTarget";
    EVENTS_LIST_TARGETS_BY_RULE = "events:ListTargetsByRule";

    GUARDDUTY_GET_ADMINISTRATOR_ACCOUNT = "guardduty:GetAdministratorAccount";
    GUARDDUTY_GET_DETECTOR = "guardduty:GetDetector";
    GUARDDUTY_LIST_DETECTORS = "guardduty:ListDetectors";

    IAM_ADD_USER_TO_GROUP = "iam:AddUserToGroup";
    IAM_ATTACH_GROUP_POLICY = "iam:AttachGroupPolicy";
    IAM_ATTACH_ROLE_POLICY = "iam:AttachRolePolicy";
    IAM_ATTACH_USER_POLICY = "iam:AttachUserPolicy";
    IAM_CREATE_ACCESS_KEY = "iam:CreateAccessKey";
    IAM_CREATE_GROUP = "iam:CreateGroup";
    // The tags and the boundary come with the user.
    IAM_CREATE_USER = "iam:CreateUser" needs ["iam:CreateUser", "iam:TagUser"];
    IAM_DEACTIVATE_MFA_DEVICE = "iam:DeactivateMFADevice";
    IAM_DELETE_ACCESS_KEY = "iam:DeleteAccessKey";
    IAM_DELETE_GROUP = "iam:DeleteGroup";
    IAM_DELETE_GROUP_POLICY = "iam:DeleteGroupPolicy";
    IAM_DELETE_LOGIN_PROFILE = "iam:DeleteLoginProfile";
    IAM_DELETE_POLICY = "iam:DeletePolicy";
    IAM_DELETE_POLICY_VERSION = "iam:DeletePolicyVersion";
    IAM_DELETE_ROLE = "iam:DeleteRole";
    IAM_DELETE_ROLE_PERMISSIONS_BOUNDARY = "iam:DeleteRolePermissionsBoundary";
    IAM_DELETE_ROLE_POLICY = "iam:DeleteRolePolicy";
    IAM_DELETE_SERVICE_SPECIFIC_CREDENTIAL = "iam:DeleteServiceSpecificCredential";
    IAM_DELETE_SIGNING_CERTIFICATE = "iam:DeleteSigningCertificate";
    IAM_DELETE_SSH_PUBLIC_KEY = "iam:DeleteSSHPublicKey";
    IAM_DELETE_USER = "iam:DeleteUser";
    IAM_DELETE_USER_PERMISSIONS_BOUNDARY = "iam:DeleteUserPermissionsBoundary";
    IAM_DELETE_USER_POLICY = "iam:DeleteUserPolicy";
    IAM_DELETE_VIRTUAL_MFA_DEVICE = "iam:DeleteVirtualMFADevice";
    IAM_DETACH_GROUP_POLICY = "iam:DetachGroupPolicy";
    IAM_DETACH_ROLE_POLICY = "iam:DetachRolePolicy";
    IAM_DETACH_USER_POLICY = "iam:DetachUserPolicy";
    IAM_GENERATE_CREDENTIAL_REPORT = "iam:GenerateCredentialReport";
    IAM_GET_ACCESS_KEY_LAST_USED = "iam:GetAccessKeyLastUsed";
    IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS = "iam:GetAccountAuthorizationDetails";
    IAM_GET_ACCOUNT_PASSWORD_POLICY = "iam:GetAccountPasswordPolicy";
    IAM_GET_ACCOUNT_SUMMARY = "iam:GetAccountSummary";
    IAM_GET_CREDENTIAL_REPORT = "iam:GetCredentialReport";
    IAM_GET_GROUP = "iam:GetGroup";
    IAM_GET_GROUP_POLICY = "iam:GetGroupPolicy";
    IAM_GET_LOGIN_PROFILE = "iam:GetLoginProfile";
    IAM_GET_POLICY = "iam:GetPolicy";
    IAM_GET_POLICY_VERSION = "iam:GetPolicyVersion";
    IAM_GET_ROLE = "iam:GetRole";
    IAM_GET_ROLE_POLICY = "iam:GetRolePolicy";
    IAM_GET_USER = "iam:GetUser";
    IAM_GET_USER_POLICY = "iam:GetUserPolicy";
    IAM_LIST_ACCESS_KEYS = "iam:ListAccessKeys";
    IAM_LIST_ATTACHED_GROUP_POLICIES = "iam:ListAttachedGroupPolicies";
    IAM_LIST_ATTACHED_ROLE_POLICIES = "iam:ListAttachedRolePolicies";
    IAM_LIST_ATTACHED_USER_POLICIES = "iam:ListAttachedUserPolicies";
    IAM_LIST_ENTITIES_FOR_POLICY = "iam:ListEntitiesForPolicy";
    IAM_LIST_GROUPS_FOR_USER = "iam:ListGroupsForUser";
    IAM_LIST_GROUP_POLICIES = "iam:ListGroupPolicies";
    IAM_LIST_INSTANCE_PROFILES_FOR_ROLE = "iam:ListInstanceProfilesForRole";
    IAM_LIST_MFA_DEVICES = "iam:ListMFADevices";
    IAM_LIST_POLICIES = "iam:ListPolicies";
    IAM_LIST_POLICY_TAGS = "iam:ListPolicyTags";
    IAM_LIST_POLICY_VERSIONS = "iam:ListPolicyVersions";
    IAM_LIST_ROLE_POLICIES = "iam:ListRolePolicies";
    IAM_LIST_SERVICE_SPECIFIC_CREDENTIALS = "iam:ListServiceSpecificCredentials";
    IAM_LIST_SIGNING_CERTIFICATES = "iam:ListSigningCertificates";
    IAM_LIST_SSH_PUBLIC_KEYS = "iam:ListSSHPublicKeys";
    IAM_LIST_USER_POLICIES = "iam:ListUserPolicies";
    IAM_LIST_USERS = "iam:ListUsers";
    IAM_LIST_USER_TAGS = "iam:ListUserTags";
    IAM_PUT_GROUP_POLICY = "iam:PutGroupPolicy";
    IAM_PUT_ROLE_POLICY = "iam:PutRolePolicy";
    IAM_PUT_USER_PERMISSIONS_BOUNDARY = "iam:PutUserPermissionsBoundary";
    IAM_PUT_USER_POLICY = "iam:PutUserPolicy";
    IAM_REMOVE_ROLE_FROM_INSTANCE_PROFILE = "iam:RemoveRoleFromInstanceProfile";
    IAM_REMOVE_USER_FROM_GROUP = "iam:RemoveUserFromGroup";
    IAM_UPDATE_ACCESS_KEY = "iam:UpdateAccessKey";
    IAM_UPDATE_ASSUME_ROLE_POLICY = "iam:UpdateAssumeRolePolicy";

    KMS_DESCRIBE_KEY = "kms:DescribeKey";
    KMS_GET_KEY_POLICY = "kms:GetKeyPolicy";
    KMS_LIST_KEYS = "kms:ListKeys";
    KMS_LIST_RESOURCE_TAGS = "kms:ListResourceTags";
    KMS_PUT_KEY_POLICY = "kms:PutKeyPolicy";

    LAMBDA_ADD_PERMISSION = "lambda:AddPermission";
    LAMBDA_DELETE_FUNCTION = "lambda:DeleteFunction";
    LAMBDA_DELETE_FUNCTION_CONCURRENCY = "lambda:DeleteFunctionConcurrency";
    LAMBDA_GET_FUNCTION_CONCURRENCY = "lambda:GetFunctionConcurrency";
    LAMBDA_GET_FUNCTION_CONFIGURATION = "lambda:GetFunctionConfiguration";
    LAMBDA_GET_POLICY = "lambda:GetPolicy";
    LAMBDA_LIST_FUNCTIONS = "lambda:ListFunctions";
    LAMBDA_LIST_TAGS = "lambda:ListTags";
    LAMBDA_PUT_FUNCTION_CONCURRENCY = "lambda:PutFunctionConcurrency";
    LAMBDA_REMOVE_PERMISSION = "lambda:RemovePermission";

    // A final snapshot is made in the caller's name, with the tags of the database where they are to be copied.
    RDS_DELETE_DB_CLUSTER = "rds:DeleteDBCluster" needs ["rds:AddTagsToResource", "rds:CreateDBClusterSnapshot", "rds:DeleteDBCluster"];
    RDS_DELETE_DB_CLUSTER_SNAPSHOT = "rds:DeleteDBClusterSnapshot";
    RDS_DELETE_DB_INSTANCE = "rds:DeleteDBInstance" needs ["rds:AddTagsToResource", "rds:CreateDBSnapshot", "rds:DeleteDBInstance"];
    RDS_DELETE_DB_SNAPSHOT = "rds:DeleteDBSnapshot";

    // Their answers have the tags, which RDS guards with a permission of its own. Without it they might be left out, and a
    // resource without tags is one that lacks the required ones.
    RDS_DESCRIBE_DB_CLUSTERS = "rds:DescribeDBClusters" needs ["rds:DescribeDBClusters", "rds:ListTagsForResource"];
    RDS_DESCRIBE_DB_CLUSTER_SNAPSHOT_ATTRIBUTES = "rds:DescribeDBClusterSnapshotAttributes";
    RDS_DESCRIBE_DB_CLUSTER_SNAPSHOTS = "rds:DescribeDBClusterSnapshots" needs ["rds:DescribeDBClusterSnapshots", "rds:ListTagsForResource"];
    RDS_DESCRIBE_DB_INSTANCES = "rds:DescribeDBInstances" needs ["rds:DescribeDBInstances", "rds:ListTagsForResource"];
    RDS_DESCRIBE_DB_SNAPSHOT_ATTRIBUTES = "rds:DescribeDBSnapshotAttributes";
    RDS_DESCRIBE_DB_SNAPSHOTS = "rds:DescribeDBSnapshots" needs ["rds:DescribeDBSnapshots", "rds:ListTagsForResource"];
    RDS_DESCRIBE_DB_SUBNET_GROUPS = "rds:DescribeDBSubnetGroups";
    RDS_MODIFY_DB_CLUSTER = "rds:ModifyDBCluster";
    RDS_MODIFY_DB_CLUSTER_SNAPSHOT_ATTRIBUTE = "rds:ModifyDBClusterSnapshotAttribute";
    RDS_MODIFY_DB_INSTANCE = "rds:ModifyDBInstance";
    RDS_MODIFY_DB_SNAPSHOT_ATTRIBUTE = "rds:ModifyDBSnapshotAttribute";
    RDS_START_DB_CLUSTER = "rds:StartDBCluster";
    RDS_START_DB_INSTANCE = "rds:StartDBInstance";
    RDS_STOP_DB_CLUSTER = "rds:StopDBCluster";
    RDS_STOP_DB_INSTANCE = "rds:StopDBInstance";

    REDSHIFT_DESCRIBE_CLUSTER_PARAMETERS = "redshift:DescribeClusterParameters";
    REDSHIFT_DESCRIBE_CLUSTERS = "redshift:DescribeClusters";
    REDSHIFT_MODIFY_CLUSTER = "redshift:ModifyCluster";

    S3_ABORT_MULTIPART_UPLOAD = "s3:AbortMultipartUpload";
    S3_DELETE_BUCKET = "s3:DeleteBucket";
    S3_DELETE_BUCKET_ENCRYPTION = "s3:DeleteBucketEncryption" needs ["s3:PutEncryptionConfiguration"];
    S3_DELETE_BUCKET_POLICY = "s3:DeleteBucketPolicy";
    S3_DELETE_OBJECTS = "s3:DeleteObjects" needs ["s3:DeleteObject", "s3:DeleteObjectVersion"];
    S3_DELETE_PUBLIC_ACCESS_BLOCK = "s3:DeletePublicAccessBlock" needs ["s3:PutBucketPublicAccessBlock"];
    S3_GET_BUCKET_ACL = "s3:GetBucketAcl";
    S3_GET_BUCKET_ENCRYPTION = "s3:GetBucketEncryption" needs ["s3:GetEncryptionConfiguration"];
    S3_GET_BUCKET_LOCATION = "s3:GetBucketLocation";
    S3_GET_BUCKET_LOGGING = "s3:GetBucketLogging";
    S3_GET_BUCKET_OWNERSHIP_CONTROLS = "s3:GetBucketOwnershipControls";
    S3_GET_BUCKET_POLICY = "s3:GetBucketPolicy";
    S3_GET_BUCKET_TAGGING = "s3:GetBucketTagging";
    S3_GET_BUCKET_VERSIONING = "s3:GetBucketVersioning";
    S3_GET_OBJECT = "s3:GetObject";
    S3_GET_PUBLIC_ACCESS_BLOCK = "s3:GetPublicAccessBlock" needs ["s3:GetBucketPublicAccessBlock"];
    S3_HEAD_BUCKET = "s3:HeadBucket" needs ["s3:ListBucket"];
    S3_LIST_BUCKETS = "s3:ListBuckets" needs ["s3:ListAllMyBuckets"];
    S3_LIST_OBJECTS_V2 = "s3:ListObjectsV2" needs ["s3:ListBucket"];
    S3_LIST_MULTIPART_UPLOADS = "s3:ListMultipartUploads" needs ["s3:ListBucketMultipartUploads"];
    S3_LIST_OBJECT_VERSIONS = "s3:ListObjectVersions" needs ["s3:ListBucketVersions"];
    S3_PUT_BUCKET_ACL = "s3:PutBucketAcl";
    S3_PUT_BUCKET_ENCRYPTION = "s3:PutBucketEncryption" needs ["s3:PutEncryptionConfiguration"];
    S3_PUT_BUCKET_POLICY = "s3:PutBucketPolicy";
    S3_PUT_PUBLIC_ACCESS_BLOCK = "s3:PutPublicAccessBlock" needs ["s3:PutBucketPublicAccessBlock"];

    // The API calls it GetPublicAccessBlock too, of the service S3 Control.
    S3_GET_ACCOUNT_PUBLIC_ACCESS_BLOCK = "s3:GetAccountPublicAccessBlock";

    SNS_PUBLISH = "sns:Publish";

    // A batch needs the permission for one of what it is made of.
    SQS_CHANGE_MESSAGE_VISIBILITY_BATCH = "sqs:ChangeMessageVisibilityBatch" needs ["sqs:ChangeMessageVisibility"];
    SQS_DELETE_MESSAGE_BATCH = "sqs:DeleteMessageBatch" needs ["sqs:DeleteMessage"];
    SQS_DELETE_QUEUE = "sqs:DeleteQueue";
    SQS_GET_QUEUE_ATTRIBUTES = "sqs:GetQueueAttributes";
    SQS_GET_QUEUE_URL = "sqs:GetQueueUrl";
    SQS_LIST_QUEUE_TAGS = "sqs:ListQueueTags";
    SQS_LIST_QUEUES = "sqs:ListQueues";
    SQS_RECEIVE_MESSAGE = "sqs:ReceiveMessage";
    SQS_SEND_MESSAGE_BATCH = "sqs:SendMessageBatch" needs ["sqs:SendMessage"];
    SQS_SET_QUEUE_ATTRIBUTES = "sqs:SetQueueAttributes";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_call_stands_in_the_table_once_and_is_found_by_its_name() {
        let names: BTreeSet<&str> = Operation::ALL.iter().map(|operation| operation.name()).collect();
        assert_eq!(names.len(), Operation::ALL.len());
        for operation in Operation::ALL {
            assert_eq!(Operation::named(operation.name()), Some(*operation));
            let (service, call) = operation.name().split_once(':').unwrap();
            assert!(!service.is_empty() && call.starts_with(|first: char| first.is_ascii_uppercase()), "{operation}");
        }
        assert_eq!(Operation::named("s3:Misspelt"), None);
        assert_eq!(S3_LIST_BUCKETS.permissions(), ["s3:ListAllMyBuckets"]);
        assert_eq!(EC2_DESCRIBE_INSTANCES.permissions(), ["ec2:DescribeInstances"]);
    }
}
