//! What is asked of S3, each call with the account that the bucket must belong to.

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{
    AccessControlPolicy, BucketLocationConstraint, CreateBucketConfiguration, Grant, Grantee, ObjectOwnership,
    OwnershipControls, OwnershipControlsRule, Permission, PublicAccessBlockConfiguration, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging, Type,
};
use common::aws::AwsError;
use common::client;
use common::id::{AccountId, Region};
use common::resource::PublicAccessBlock;
use serde_json::Value;

use super::{Place, TAG, call, unbuilt, unless};

/// S3 in one region.
#[derive(Debug, Clone)]
pub(super) struct S3 {
    client: Client,
    account: AccountId,
    region: Region,
}

impl S3 {
    pub(super) fn new(place: &Place) -> Self {
        let client = client!(aws_sdk_s3, &place.session, place.region());
        Self { client, account: place.account().clone(), region: place.region().clone() }
    }

    fn owner(&self) -> &str {
        self.account.as_str()
    }

    /// The account's buckets with names that begin like this.
    pub(super) async fn list(&self, prefix: &str) -> Result<Vec<String>, AwsError> {
        let mut pages = self.client.list_buckets().prefix(prefix).into_paginator().page_size(1000).send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| AwsError::new("s3:ListAllMyBuckets", error))?;
            names.extend(page.buckets.unwrap_or_default().into_iter().filter_map(|bucket| bucket.name));
        }
        names.retain(|name| name.starts_with(prefix));
        Ok(names)
    }

    /// What counts for every bucket of the account, beside its own block.
    pub(super) async fn account_block(&self, place: &Place) -> Result<PublicAccessBlock, AwsError> {
        let control = client!(aws_sdk_s3control, &place.session, place.region());
        let request = control.get_public_access_block().account_id(self.owner());
        let answer =
            unless(&["NoSuchPublicAccessBlockConfiguration"], call!("s3:GetAccountPublicAccessBlock", request))?;
        let block = answer.and_then(|answer| answer.public_access_block_configuration);
        Ok(block.map_or_else(PublicAccessBlock::default, |block| PublicAccessBlock {
            block_public_acls: block.block_public_acls.unwrap_or_default(),
            ignore_public_acls: block.ignore_public_acls.unwrap_or_default(),
            block_public_policy: block.block_public_policy.unwrap_or_default(),
            restrict_public_buckets: block.restrict_public_buckets.unwrap_or_default(),
        }))
    }

    pub(super) async fn create(&self, bucket: &str) -> Result<(), AwsError> {
        // The first region has no name here: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
        let place = (self.region.as_str() != "us-east-1").then(|| {
            let location = BucketLocationConstraint::from(self.region.as_str());
            CreateBucketConfiguration::builder().location_constraint(location).build()
        });
        let request = self.client.create_bucket().bucket(bucket).set_create_bucket_configuration(place);
        unless(&["BucketAlreadyOwnedByYou"], call!("s3:CreateBucket", request)).map(drop)
    }

    pub(super) async fn delete(&self, bucket: &str) -> Result<(), AwsError> {
        let request = self.client.delete_bucket().bucket(bucket).expected_bucket_owner(self.owner());
        unless(&["NoSuchBucket"], call!("s3:DeleteBucket", request)).map(drop)
    }

    pub(super) async fn tag(&self, bucket: &str, value: &str) -> Result<(), AwsError> {
        const OPERATION: &str = "s3:PutBucketTagging";
        let tag = Tag::builder().key(TAG).value(value).build().map_err(|error| unbuilt(OPERATION, error))?;
        let tags = Tagging::builder().tag_set(tag).build().map_err(|error| unbuilt(OPERATION, error))?;
        let request = self.client.put_bucket_tagging().bucket(bucket).tagging(tags);
        call!("s3:PutBucketTagging", request.expected_bucket_owner(self.owner())).map(drop)
    }

    pub(super) async fn set_block(&self, bucket: &str, block: Option<PublicAccessBlock>) -> Result<(), AwsError> {
        let Some(block) = block else {
            let request = self.client.delete_public_access_block().bucket(bucket);
            return call!("s3:PutBucketPublicAccessBlock", request.expected_bucket_owner(self.owner())).map(drop);
        };
        let block = PublicAccessBlockConfiguration::builder()
            .block_public_acls(block.block_public_acls)
            .ignore_public_acls(block.ignore_public_acls)
            .block_public_policy(block.block_public_policy)
            .restrict_public_buckets(block.restrict_public_buckets)
            .build();
        let request = self.client.put_public_access_block().bucket(bucket).public_access_block_configuration(block);
        call!("s3:PutBucketPublicAccessBlock", request.expected_bucket_owner(self.owner())).map(drop)
    }

    /// New buckets take no ACLs: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html>.
    pub(super) async fn allow_acls(&self, bucket: &str) -> Result<(), AwsError> {
        const OPERATION: &str = "s3:PutBucketOwnershipControls";
        let rule = OwnershipControlsRule::builder().object_ownership(ObjectOwnership::BucketOwnerPreferred).build();
        let rule = rule.map_err(|error| unbuilt(OPERATION, error))?;
        let controls = OwnershipControls::builder().rules(rule).build().map_err(|error| unbuilt(OPERATION, error))?;
        let request = self.client.put_bucket_ownership_controls().bucket(bucket).ownership_controls(controls);
        call!("s3:PutBucketOwnershipControls", request.expected_bucket_owner(self.owner())).map(drop)
    }

    /// Lets a group read the ACL, and nothing else.
    pub(super) async fn show_acl(&self, bucket: &str, group: &str) -> Result<(), AwsError> {
        const OPERATION: &str = "s3:PutBucketAcl";
        let request = self.client.get_bucket_acl().bucket(bucket).expected_bucket_owner(self.owner());
        let owner = call!("s3:GetBucketAcl", request)?.owner;
        let grantee = |grantee: aws_sdk_s3::types::builders::GranteeBuilder| {
            grantee.build().map_err(|error| unbuilt(OPERATION, error))
        };
        let id = owner.as_ref().and_then(|owner| owner.id.clone());
        let own = grantee(Grantee::builder().r#type(Type::CanonicalUser).set_id(id))?;
        let everyone = grantee(Grantee::builder().r#type(Type::Group).uri(group))?;
        let list = AccessControlPolicy::builder()
            .set_owner(owner)
            .grants(Grant::builder().grantee(own).permission(Permission::FullControl).build())
            .grants(Grant::builder().grantee(everyone).permission(Permission::ReadAcp).build())
            .build();
        let request = self.client.put_bucket_acl().bucket(bucket).access_control_policy(list);
        call!("s3:PutBucketAcl", request.expected_bucket_owner(self.owner())).map(drop)
    }

    pub(super) async fn set_policy(&self, bucket: &str, policy: Option<&Value>) -> Result<(), AwsError> {
        let Some(policy) = policy else {
            let request = self.client.delete_bucket_policy().bucket(bucket).expected_bucket_owner(self.owner());
            return call!("s3:DeleteBucketPolicy", request).map(drop);
        };
        let request = self.client.put_bucket_policy().bucket(bucket).policy(policy.to_string());
        call!("s3:PutBucketPolicy", request.expected_bucket_owner(self.owner())).map(drop)
    }

    /// Sets default encryption or takes it away. Whether the bucket is then as it was wanted: AWS encrypts all the same.
    pub(super) async fn set_encryption(&self, bucket: &str, wanted: bool) -> Result<bool, AwsError> {
        const OPERATION: &str = "s3:PutEncryptionConfiguration";
        if wanted {
            let default = ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::Aes256).build();
            let default = default.map_err(|error| unbuilt(OPERATION, error))?;
            let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(default).build();
            let rules = ServerSideEncryptionConfiguration::builder().rules(rule).build();
            let rules = rules.map_err(|error| unbuilt(OPERATION, error))?;
            let request =
                self.client.put_bucket_encryption().bucket(bucket).server_side_encryption_configuration(rules);
            call!("s3:PutEncryptionConfiguration", request.expected_bucket_owner(self.owner()))?;
            return Ok(true);
        }
        let request = self.client.delete_bucket_encryption().bucket(bucket).expected_bucket_owner(self.owner());
        call!("s3:PutEncryptionConfiguration", request)?;
        let request = self.client.get_bucket_encryption().bucket(bucket).expected_bucket_owner(self.owner());
        let answer = call!("s3:GetEncryptionConfiguration", request);
        Ok(unless(&["ServerSideEncryptionConfigurationNotFoundError"], answer)?.is_none())
    }
}
