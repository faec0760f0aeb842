//! Each type's mistakes: found, mended, seen to be mended, and undone, through the real tools.
//!
//! One program, so that one emulator serves all of it; one file for each resource type.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod account;
mod ami;
mod auto_scaling_group;
mod ebs_snapshot;
mod ebs_volume;
mod ec2;
mod ecs_service;
mod ecs_task;
mod ecs_task_set;
mod elb;
mod elbv2;
mod found;
mod iam_group;
mod iam_policy;
mod iam_role;
mod iam_user;
mod kms_key;
mod lambda_function;
mod organization;
mod rds;
mod rds_cluster;
mod rds_cluster_snapshot;
mod rds_snapshot;
mod redshift;
mod region;
mod s3_bucket;
mod security_group;
mod spot_request;
mod sqs;
