//! What is done to buckets.

use audit::policy::{Document, denies_insecure_transport};
use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types as s3;
use common::action::{Action, Change};
use common::aws::{AwsError, Session};
use common::id::Region;
use common::record::Resource;
use common::resource::{
    AccessControlPolicy, Bucket, Encryption, EncryptionByDefault, EncryptionRule, Grant, Owner, PublicAccessBlock,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Planned, Refusal, foreign, needs, pending, policy, sent, text};

/// A call on a bucket.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "operation", content = "parameters", rename_all_fields = "PascalCase")]
pub(crate) enum Step {
    #[serde(rename = "s3:PutBucketAcl")]
    PutAcl { bucket: String, access_control_policy: AccessControlPolicy },
    #[serde(rename = "s3:PutBucketPolicy")]
    PutPolicy { bucket: String, policy: Value },
    #[serde(rename = "s3:DeleteBucketPolicy")]
    DeletePolicy { bucket: String },
    #[serde(rename = "s3:PutPublicAccessBlock")]
    PutPublicAccessBlock { bucket: String, public_access_block_configuration: PublicAccessBlock },
    #[serde(rename = "s3:DeletePublicAccessBlock")]
    DeletePublicAccessBlock { bucket: String },
    #[serde(rename = "s3:PutBucketEncryption")]
    PutEncryption { bucket: String, server_side_encryption_configuration: Encryption },
    #[serde(rename = "s3:DeleteBucketEncryption")]
    DeleteEncryption { bucket: String },
}

type BucketPlan = Result<Planned<Bucket, Step>, Refusal>;

pub(crate) fn plan(action: &Action, resource: &Resource<Bucket>) -> BucketPlan {
    match action {
        Action::S3MakeAclPrivate => {
            needs(resource, &["Grants"])?;
            let now = resource.config.access_control_policy();
            let grants: Vec<Grant> = now.grants.iter().filter(|grant| !grant.grantee.is_public()).cloned().collect();
            set_acl(resource, &Change { from: now.clone(), to: AccessControlPolicy { grants, ..now } })
        }
        Action::S3SetAcl(change) => {
            needs(resource, &["Grants"])?;
            set_acl(resource, change)
        }
        Action::S3BlockPublicAccess => {
            needs(resource, &["PublicAccessBlockConfiguration"])?;
            let from = resource.config.public_access_block_configuration;
            set_public_access_block(resource, &Change { from, to: Some(PublicAccessBlock::ALL) })
        }
        Action::S3SetPublicAccessBlock(change) => {
            needs(resource, &["PublicAccessBlockConfiguration"])?;
            set_public_access_block(resource, change)
        }
        Action::S3RemovePolicyStatements(unwanted) => {
            needs(resource, &["Policy"])?;
            let from = resource.config.policy.clone();
            let to = from.as_ref().and_then(|policy| policy::without(policy, &unwanted.statements));
            set_policy(resource, &Change { from, to })
        }
        Action::S3DenyInsecureTransport => {
            needs(resource, &["Policy"])?;
            deny_insecure_transport(resource)
        }
        Action::S3SetPolicy(change) => {
            needs(resource, &["Policy"])?;
            set_policy(resource, change)
        }
        Action::S3EncryptByDefault => {
            needs(resource, &["ServerSideEncryptionConfiguration"])?;
            encrypt_by_default(resource)
        }
        Action::S3SetEncryption(change) => {
            needs(resource, &["ServerSideEncryptionConfiguration"])?;
            set_encryption(resource, change)
        }
        other => Err(foreign(other, resource)),
    }
}

fn set_acl(resource: &Resource<Bucket>, change: &Change<AccessControlPolicy>) -> BucketPlan {
    let sorted = |mut list: AccessControlPolicy| {
        list.grants.sort();
        list
    };
    let now = resource.config.access_control_policy();
    let change = Change { from: sorted(change.from.clone()), to: sorted(change.to.clone()) };
    if !pending(&change, &sorted(now.clone()), "the ACL")? {
        return Ok(Planned::nothing(resource));
    }
    if change.to.owner.is_none() {
        return Err(Refusal::Impossible("the ACL names no owner, without whom S3 takes no ACL".to_owned()));
    }
    let step = Step::PutAcl { bucket: resource.config.name.clone(), access_control_policy: change.to.clone() };
    let after = Bucket { owner: change.to.owner.clone(), grants: change.to.grants.clone(), ..resource.config.clone() };
    Ok(Planned::one(step, Some(Action::S3SetAcl(Change { from: change.to, to: now })), after))
}

fn set_public_access_block(resource: &Resource<Bucket>, change: &Change<Option<PublicAccessBlock>>) -> BucketPlan {
    let now = resource.config.public_access_block_configuration;
    if !pending(change, &now, "the public access block")? {
        return Ok(Planned::nothing(resource));
    }
    let bucket = resource.config.name.clone();
    let step = match change.to {
        Some(public_access_block_configuration) => {
            Step::PutPublicAccessBlock { bucket, public_access_block_configuration }
        }
        None => Step::DeletePublicAccessBlock { bucket },
    };
    let after = Bucket { public_access_block_configuration: change.to, ..resource.config.clone() };
    Ok(Planned::one(step, Some(Action::S3SetPublicAccessBlock(Change { from: change.to, to: now })), after))
}

fn set_policy(resource: &Resource<Bucket>, change: &Change<Option<Value>>) -> BucketPlan {
    let now = resource.config.policy.clone();
    if !pending(change, &now, "the policy")? {
        return Ok(Planned::nothing(resource));
    }
    let bucket = resource.config.name.clone();
    let step = match change.to.clone() {
        Some(policy) => Step::PutPolicy { bucket, policy },
        None => Step::DeletePolicy { bucket },
    };
    let after = Bucket { policy: change.to.clone(), ..resource.config.clone() };
    Ok(Planned::one(step, Some(Action::S3SetPolicy(Change { from: change.to.clone(), to: now })), after))
}

/// The statement of <https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html#example-bucket-policies-HTTP-HTTPS>,
/// merged into the policy.
fn deny_insecure_transport(resource: &Resource<Bucket>) -> BucketPlan {
    let from = resource.config.policy.clone();
    let arn = resource.arn.to_string();
    if let Some(policy) = &from {
        let document = Document::parse(policy)
            .map_err(|error| Refusal::Impossible(format!("the policy is not understood: {error}")))?;
        if denies_insecure_transport(&document, &arn) {
            return Ok(Planned::nothing(resource));
        }
    }
    let statement = Map::from_iter([
        ("Effect".to_owned(), json!("Deny")),
        ("Principal".to_owned(), json!("*")),
        ("Action".to_owned(), json!("s3:*")),
        ("Resource".to_owned(), json!([arn, format!("{arn}/*")])),
        ("Condition".to_owned(), json!({"Bool": {"aws:SecureTransport": "false"}})),
    ]);
    let to = Some(policy::with(from.as_ref(), "DenyInsecureTransport", statement));
    set_policy(resource, &Change { from, to })
}

fn encrypt_by_default(resource: &Resource<Bucket>) -> BucketPlan {
    let from = resource.config.server_side_encryption_configuration.clone();
    let encrypts = |encryption: &Encryption| {
        encryption.rules.iter().any(|rule| rule.apply_server_side_encryption_by_default.is_some())
    };
    if from.as_ref().is_some_and(encrypts) {
        return Ok(Planned::nothing(resource));
    }
    let by_default = EncryptionByDefault { sse_algorithm: "AES256".to_owned(), kms_master_key_id: None };
    let rule = EncryptionRule { apply_server_side_encryption_by_default: Some(by_default), bucket_key_enabled: None };
    set_encryption(resource, &Change { from, to: Some(Encryption { rules: vec![rule] }) })
}

fn set_encryption(resource: &Resource<Bucket>, change: &Change<Option<Encryption>>) -> BucketPlan {
    let now = resource.config.server_side_encryption_configuration.clone();
    if !pending(change, &now, "the default encryption")? {
        return Ok(Planned::nothing(resource));
    }
    let bucket = resource.config.name.clone();
    let step = match change.to.clone() {
        Some(server_side_encryption_configuration) => {
            Step::PutEncryption { bucket, server_side_encryption_configuration }
        }
        None => Step::DeleteEncryption { bucket },
    };
    let after = Bucket { server_side_encryption_configuration: change.to.clone(), ..resource.config.clone() };
    Ok(Planned::one(step, Some(Action::S3SetEncryption(Change { from: change.to.clone(), to: now })), after))
}

impl Step {
    pub(crate) async fn send(&self, session: &Session, region: &Region) -> Result<Option<String>, AwsError> {
        let client = common::client!(aws_sdk_s3, session, region);
        // Bucket names are free for the taking once deleted: somebody else's bucket is not touched.
        let owner = session.account().as_str();
        match self {
            Self::PutAcl { bucket, access_control_policy } => {
                let list = sdk_acl(access_control_policy).map_err(|error| unbuilt("s3:PutBucketAcl", &error))?;
                sent(
                    "s3:PutBucketAcl",
                    client
                        .put_bucket_acl()
                        .bucket(bucket)
                        .expected_bucket_owner(owner)
                        .access_control_policy(list)
                        .send()
                        .await,
                )
            }
            Self::PutPolicy { bucket, policy } => sent(
                "s3:PutBucketPolicy",
                client
                    .put_bucket_policy()
                    .bucket(bucket)
                    .expected_bucket_owner(owner)
                    .policy(text(policy))
                    .send()
                    .await,
            ),
            Self::DeletePolicy { bucket } => sent(
                "s3:DeleteBucketPolicy",
                client.delete_bucket_policy().bucket(bucket).expected_bucket_owner(owner).send().await,
            ),
            Self::PutPublicAccessBlock { bucket, public_access_block_configuration: block } => {
                let block = s3::PublicAccessBlockConfiguration::builder()
                    .block_public_acls(block.block_public_acls)
                    .ignore_public_acls(block.ignore_public_acls)
                    .block_public_policy(block.block_public_policy)
                    .restrict_public_buckets(block.restrict_public_buckets)
                    .build();
                sent(
                    "s3:PutPublicAccessBlock",
                    client
                        .put_public_access_block()
                        .bucket(bucket)
                        .expected_bucket_owner(owner)
                        .public_access_block_configuration(block)
                        .send()
                        .await,
                )
            }
            Self::DeletePublicAccessBlock { bucket } => sent(
                "s3:DeletePublicAccessBlock",
                client.delete_public_access_block().bucket(bucket).expected_bucket_owner(owner).send().await,
            ),
            Self::PutEncryption { bucket, server_side_encryption_configuration: encryption } => {
                let encryption =
                    sdk_encryption(encryption).map_err(|error| unbuilt("s3:PutBucketEncryption", &error))?;
                sent(
                    "s3:PutBucketEncryption",
                    client
                        .put_bucket_encryption()
                        .bucket(bucket)
                        .expected_bucket_owner(owner)
                        .server_side_encryption_configuration(encryption)
                        .send()
                        .await,
                )
            }
            Self::DeleteEncryption { bucket } => sent(
                "s3:DeleteBucketEncryption",
                client.delete_bucket_encryption().bucket(bucket).expected_bucket_owner(owner).send().await,
            ),
        }
    }
}

/// A request that the SDK refuses to build: a required field of a record is missing.
fn unbuilt(operation: &str, error: &BuildError) -> AwsError {
    AwsError::of(operation, "InvalidRequest", error.to_string())
}

fn sdk_acl(list: &AccessControlPolicy) -> Result<s3::AccessControlPolicy, BuildError> {
    let owner = |owner: &Owner| s3::Owner::builder().id(&owner.id).set_display_name(owner.display_name.clone()).build();
    let grants = list.grants.iter().map(|grant| {
        let grantee = s3::Grantee::builder()
            .r#type(s3::Type::from(grant.grantee.kind.as_str()))
            .set_id(grant.grantee.id.clone())
            .set_uri(grant.grantee.uri.clone())
            .set_display_name(grant.grantee.display_name.clone())
            .set_email_address(grant.grantee.email_address.clone())
            .build()?;
        let permission = s3::Permission::from(grant.permission.as_str());
        Ok::<_, BuildError>(s3::Grant::builder().grantee(grantee).permission(permission).build())
    });
    Ok(s3::AccessControlPolicy::builder()
        .set_owner(list.owner.as_ref().map(owner))
        .set_grants(Some(grants.collect::<Result<_, BuildError>>()?))
        .build())
}

fn sdk_encryption(encryption: &Encryption) -> Result<s3::ServerSideEncryptionConfiguration, BuildError> {
    let rules = encryption.rules.iter().map(|rule| {
        let by_default = rule.apply_server_side_encryption_by_default.as_ref().map(|by_default| {
            s3::ServerSideEncryptionByDefault::builder()
                .sse_algorithm(s3::ServerSideEncryption::from(by_default.sse_algorithm.as_str()))
                .set_kms_master_key_id(by_default.kms_master_key_id.clone())
                .build()
        });
        Ok::<_, BuildError>(
            s3::ServerSideEncryptionRule::builder()
                .set_apply_server_side_encryption_by_default(by_default.transpose()?)
                .set_bucket_key_enabled(rule.bucket_key_enabled)
                .build(),
        )
    });
    s3::ServerSideEncryptionConfiguration::builder().set_rules(Some(rules.collect::<Result<_, BuildError>>()?)).build()
}
