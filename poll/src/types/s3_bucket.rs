//! `s3_bucket`: `ListBuckets` once for the account, then five calls for each bucket, at once. The account's public
//! access block counts for all of its buckets and is asked for once a sweep.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{
    Bucket as Listed, BucketLocationConstraint, Grant as GivenGrant, ServerSideEncryptionConfiguration,
};
use common::arn::Arn;
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{
    Operation, S3_GET_ACCOUNT_PUBLIC_ACCESS_BLOCK, S3_GET_BUCKET_ACL, S3_GET_BUCKET_ENCRYPTION, S3_GET_BUCKET_LOCATION,
    S3_GET_BUCKET_POLICY, S3_GET_BUCKET_TAGGING, S3_GET_PUBLIC_ACCESS_BLOCK, S3_LIST_BUCKETS,
    S3_LIST_MULTIPART_UPLOADS, S3_LIST_OBJECT_VERSIONS,
};
use common::record::Resource;
use common::resource::{
    Bucket, Encryption, EncryptionByDefault, EncryptionRule, Grant, Grantee, Owner as BucketOwner, PublicAccessBlock,
};
use futures_util::{StreamExt, stream};
use tokio::sync::OnceCell;

use super::{AT_ONCE, Owner, Polled, document, or_absent, read, tags, time};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::{Sink, TEST_PREFIX};

const NO_BLOCK: &str = "NoSuchPublicAccessBlockConfiguration";

/// A public access block out of the SDK's struct, of which S3 and S3 Control have one each.
macro_rules! switches {
    ($given:expr) => {
        PublicAccessBlock {
            block_public_acls: $given.block_public_acls.unwrap_or_default(),
            ignore_public_acls: $given.ignore_public_acls.unwrap_or_default(),
            block_public_policy: $given.block_public_policy.unwrap_or_default(),
            restrict_public_buckets: $given.restrict_public_buckets.unwrap_or_default(),
        }
    };
}

impl Polled for Bucket {
    const LIST: &'static [Operation] = &[
        S3_GET_ACCOUNT_PUBLIC_ACCESS_BLOCK,
        S3_GET_BUCKET_ACL,
        S3_GET_BUCKET_ENCRYPTION,
        S3_GET_BUCKET_LOCATION,
        S3_GET_BUCKET_POLICY,
        S3_GET_BUCKET_TAGGING,
        S3_GET_PUBLIC_ACCESS_BLOCK,
        S3_LIST_BUCKETS,
    ];
    const LOOK: &'static [Operation] = &[
        S3_GET_ACCOUNT_PUBLIC_ACCESS_BLOCK,
        S3_GET_BUCKET_ACL,
        S3_GET_BUCKET_ENCRYPTION,
        S3_GET_BUCKET_LOCATION,
        S3_GET_BUCKET_POLICY,
        S3_GET_BUCKET_TAGGING,
        S3_GET_PUBLIC_ACCESS_BLOCK,
        S3_LIST_BUCKETS,
    ];
    const CLOSER: &'static [Operation] = &[S3_LIST_MULTIPART_UPLOADS, S3_LIST_OBJECT_VERSIONS];
    const SETTLES: bool = false;

    async fn list(account: &Account, reach: &Reach, sink: &Sink) -> Result<(), AwsError> {
        let session = &account.session;
        let mut result = Ok(());
        let mut listed = Vec::new();
        // A page size makes AWS page, and makes it give each bucket's region, which spares a call a bucket.
        let home = client!(aws_sdk_s3, session, session.home_region());
        let mut pages = home.list_buckets().into_paginator().page_size(1000).send();
        while let Some(page) = pages.next().await {
            match page {
                Ok(page) => listed.extend(page.buckets.unwrap_or_default()),
                Err(error) => result = Err(AwsError::new(S3_LIST_BUCKETS, error)),
            }
        }
        if sink.only_tests() {
            listed.retain(|bucket| bucket.name.as_deref().is_some_and(|name| name.starts_with(TEST_PREFIX)));
        }
        let buckets = Buckets::new(session, &account.public_access_block);
        let mut described =
            stream::iter(listed).map(|listed| buckets.describe(listed, Some(reach))).buffer_unordered(AT_ONCE);
        while let Some(bucket) = described.next().await {
            match bucket {
                Ok(Some(bucket)) => sink.resource(bucket).await,
                Ok(None) => {}
                // It is not known where this one is, so none of the regions is known to be covered.
                Err(error) => result = Err(error),
            }
        }
        result
    }

    /// A bucket by its name, wherever it is: `ListBuckets` says that the account owns it, and its region.
    async fn look(session: &Session, _: &Region, id: &str) -> Result<Option<Resource<Self>>, AwsError> {
        let home = client!(aws_sdk_s3, session, session.home_region());
        let mut pages = home.list_buckets().prefix(id).into_paginator().page_size(1000).send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| AwsError::new(S3_LIST_BUCKETS, error))?;
            let buckets = page.buckets.unwrap_or_default();
            if let Some(listed) = buckets.into_iter().find(|bucket| bucket.name.as_deref() == Some(id)) {
                return Buckets::new(session, &OnceCell::new()).describe(listed, None).await;
            }
        }
        Ok(None)
    }

    /// One of each is enough to know that there are some.
    async fn look_closely(session: &Session, _: &Region, found: &mut [&mut Resource<Self>]) {
        let account = session.account().as_str();
        for bucket in found {
            let client = client!(aws_sdk_s3, session, &bucket.region);
            let name = bucket.config.name.as_str();
            let (versions, uploads) = tokio::join!(
                client.list_object_versions().bucket(name).expected_bucket_owner(account).max_keys(1).send(),
                client.list_multipart_uploads().bucket(name).expected_bucket_owner(account).max_uploads(1).send(),
            );
            match versions.map_err(|error| AwsError::new(S3_LIST_OBJECT_VERSIONS, error)) {
                Ok(page) => {
                    let more = page.is_truncated.unwrap_or_default();
                    let any = more || !page.versions().is_empty() || !page.delete_markers().is_empty();
                    bucket.config.has_objects = Some(any);
                }
                Err(error) => bucket.unread.push(error.unread("HasObjects")),
            }
            match uploads.map_err(|error| AwsError::new(S3_LIST_MULTIPART_UPLOADS, error)) {
                Ok(page) => {
                    let more = page.is_truncated.unwrap_or_default();
                    bucket.config.has_uploads = Some(more || !page.uploads().is_empty());
                }
                Err(error) => bucket.unread.push(error.unread("HasUploads")),
            }
        }
    }
}

/// An account's buckets while they are described.
struct Buckets<'a> {
    session: &'a Session,
    owner: Owner,
    block: &'a OnceCell<Result<Option<PublicAccessBlock>, AwsError>>,
    clients: Mutex<BTreeMap<Region, Client>>,
}

impl<'a> Buckets<'a> {
    fn new(session: &'a Session, block: &'a OnceCell<Result<Option<PublicAccessBlock>, AwsError>>) -> Self {
        let clients = Mutex::new(BTreeMap::new());
        Self { session, owner: Owner::of(session), block, clients }
    }

    /// The client for a region; a bucket answers in its own only.
    fn client(&self, region: &Region) -> Client {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.entry(region.clone()).or_insert_with(|| client!(aws_sdk_s3, self.session, region)).clone()
    }

    /// A bucket's record; nothing where it is out of reach or vanished since it was listed.
    async fn describe(&self, listed: Listed, reach: Option<&Reach>) -> Result<Option<Resource<Bucket>>, AwsError> {
        let Some(region) = self.region(&listed).await? else { return Ok(None) };
        if reach.is_some_and(|reach| !reach.covers(&region)) {
            return Ok(None);
        }
        let name = listed.name.as_deref().unwrap_or_default();
        let client = self.client(&region);
        let (details, block) = tokio::join!(
            // Five calls in one future take 30 KB, and many of them wait at once.
            Box::pin(details(&client, name, self.owner.account.as_str())),
            self.block.get_or_init(|| account_block(self.session)),
        );
        Ok(convert(&self.owner, &region, &listed, details, block.clone()))
    }

    /// Where a bucket is; nothing where it vanished.
    async fn region(&self, listed: &Listed) -> Result<Option<Region>, AwsError> {
        let location = if let Some(region) = &listed.bucket_region {
            region.clone()
        } else {
            let name = listed.name.as_deref().unwrap_or_default();
            let call = self.client(self.session.home_region()).get_bucket_location().bucket(name);
            match call.send().await.map_err(|error| AwsError::new(S3_GET_BUCKET_LOCATION, error)) {
                Ok(answer) => match answer.location_constraint.as_ref().map(BucketLocationConstraint::as_str) {
                    // The first region and the first one in Europe are called by their names of 2006 and 2007:
                    // https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html.
                    None | Some("") => "us-east-1".to_owned(),
                    Some("EU") => "eu-west-1".to_owned(),
                    Some(region) => region.to_owned(),
                },
                Err(error) if is_gone(&error) => return Ok(None),
                Err(error) => return Err(error),
            }
        };
        location.parse().map(Some).map_err(|error: common::id::IdError| {
            AwsError::of(S3_GET_BUCKET_LOCATION, "MalformedAnswer", error.to_string())
        })
    }
}

/// What each of the calls for a bucket answered.
struct Details {
    acl: Result<(Option<BucketOwner>, Vec<Grant>), AwsError>,
    policy: Result<Option<String>, AwsError>,
    block: Result<Option<PublicAccessBlock>, AwsError>,
    encryption: Result<Option<Encryption>, AwsError>,
    tags: Result<BTreeMap<String, String>, AwsError>,
}

/// Makes the five calls at once. Each names the owner that we expect, so that a bucket which vanished and was made again
/// by somebody else is not taken for this account's.
async fn details(client: &Client, name: &str, account: &str) -> Details {
    let (acl, policy, block, encryption, tags_) = tokio::join!(
        client.get_bucket_acl().bucket(name).expected_bucket_owner(account).send(),
        client.get_bucket_policy().bucket(name).expected_bucket_owner(account).send(),
        client.get_public_access_block().bucket(name).expected_bucket_owner(account).send(),
        client.get_bucket_encryption().bucket(name).expected_bucket_owner(account).send(),
        client.get_bucket_tagging().bucket(name).expected_bucket_owner(account).send(),
    );
    let acl = acl.map_err(|error| AwsError::new(S3_GET_BUCKET_ACL, error));
    let policy = policy.map_err(|error| AwsError::new(S3_GET_BUCKET_POLICY, error));
    let block = block.map_err(|error| AwsError::new(S3_GET_PUBLIC_ACCESS_BLOCK, error));
    let encryption = encryption.map_err(|error| AwsError::new(S3_GET_BUCKET_ENCRYPTION, error));
    let given = tags_.map_err(|error| AwsError::new(S3_GET_BUCKET_TAGGING, error));
    Details {
        acl: acl.map(|acl| {
            let owner = acl.owner.and_then(|it| Some(BucketOwner { id: it.id?, display_name: it.display_name }));
            (owner, grants(acl.grants.unwrap_or_default()))
        }),
        policy: or_absent(policy, "NoSuchBucketPolicy").map(|answer| answer.and_then(|answer| answer.policy)),
        block: or_absent(block, NO_BLOCK)
            .map(|answer| answer.and_then(|answer| answer.public_access_block_configuration).map(|it| switches!(it))),
        encryption: or_absent(encryption, "ServerSideEncryptionConfigurationNotFoundError")
            .map(|answer| answer.and_then(|it| it.server_side_encryption_configuration).map(encryption_of)),
        tags: or_absent(given, "NoSuchTagSet").map(|answer| {
            let given = answer.map(|answer| answer.tag_set).unwrap_or_default();
            tags(given.into_iter().map(|tag| (Some(tag.key), Some(tag.value))))
        }),
    }
}

pub(super) async fn account_block(session: &Session) -> Result<Option<PublicAccessBlock>, AwsError> {
    let client = client!(aws_sdk_s3control, session, session.home_region());
    let answer = client.get_public_access_block().account_id(session.account().as_str()).send().await;
    let answer = answer.map_err(|error| AwsError::new(S3_GET_ACCOUNT_PUBLIC_ACCESS_BLOCK, error));
    let answer = or_absent(answer, NO_BLOCK)?;
    Ok(answer.and_then(|answer| answer.public_access_block_configuration).map(|it| switches!(it)))
}

/// The grants, sorted, so that two looks at one list are equal.
fn grants(given: Vec<GivenGrant>) -> Vec<Grant> {
    let mut grants: Vec<_> = given
        .into_iter()
        .map(|grant| Grant {
            grantee: grant.grantee.map_or_else(
                || Grantee { kind: String::new(), id: None, uri: None, display_name: None, email_address: None },
                |it| Grantee {
                    kind: it.r#type.as_str().to_owned(),
                    id: it.id,
                    uri: it.uri,
                    display_name: it.display_name,
                    email_address: it.email_address,
                },
            ),
            permission: grant.permission.map(|permission| permission.as_str().to_owned()).unwrap_or_default(),
        })
        .collect();
    grants.sort_unstable();
    grants
}

fn encryption_of(given: ServerSideEncryptionConfiguration) -> Encryption {
    let rules = given.rules.into_iter().map(|rule| EncryptionRule {
        apply_server_side_encryption_by_default: rule.apply_server_side_encryption_by_default.map(|it| {
            EncryptionByDefault {
                sse_algorithm: it.sse_algorithm.as_str().to_owned(),
                kms_master_key_id: it.kms_master_key_id,
            }
        }),
        bucket_key_enabled: rule.bucket_key_enabled,
    });
    Encryption { rules: rules.collect() }
}

/// Whether AWS says that there is no such bucket.
fn is_gone(error: &AwsError) -> bool {
    error.code() == "NoSuchBucket"
}

/// The record of a bucket, or nothing when it vanished between being listed and being asked for.
fn convert(
    owner: &Owner,
    region: &Region,
    listed: &Listed,
    details: Details,
    account_block: Result<Option<PublicAccessBlock>, AwsError>,
) -> Option<Resource<Bucket>> {
    let Details { acl, policy, block, encryption, tags } = details;
    let errors = [
        acl.as_ref().err(),
        policy.as_ref().err(),
        block.as_ref().err(),
        encryption.as_ref().err(),
        tags.as_ref().err(),
    ];
    if errors.into_iter().flatten().any(is_gone) {
        return None;
    }
    let mut unread = Vec::new();
    let (bucket_owner, grants) = read(acl, &["Owner", "Grants"], &mut unread).unwrap_or_default();
    let policy = read(policy, &["Policy"], &mut unread).flatten();
    let name = listed.name.clone().unwrap_or_default();
    let config = Bucket {
        name: name.clone(),
        creation_date: listed.creation_date.as_ref().map(time),
        owner: bucket_owner,
        grants,
        policy: document::parse(policy.as_deref(), "Policy", S3_GET_BUCKET_POLICY, &mut unread),
        public_access_block_configuration: read(block, &["PublicAccessBlockConfiguration"], &mut unread).flatten(),
        account_public_access_block_configuration: read(
            account_block,
            &["AccountPublicAccessBlockConfiguration"],
            &mut unread,
        )
        .flatten(),
        server_side_encryption_configuration: read(encryption, &["ServerSideEncryptionConfiguration"], &mut unread)
            .flatten(),
        has_objects: None,
        has_uploads: None,
    };
    let tags = read(tags, &["Tags"], &mut unread).unwrap_or_default();
    let mut bucket = owner.resource(region, &name, Arn::s3_bucket(&owner.partition, &name), tags, config);
    bucket.unread = unread;
    Some(bucket)
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::types::{Grantee as GivenGrantee, Permission, Type};
    use serde_json::json;

    use super::*;
    use crate::types::tests::{denied, owner};

    fn listed() -> Listed {
        Listed::builder().name("acme").build()
    }

    fn plain() -> Details {
        Details {
            acl: Ok((None, Vec::new())),
            policy: Ok(None),
            block: Ok(None),
            encryption: Ok(None),
            tags: Ok(BTreeMap::new()),
        }
    }

    fn bucket(details: Details, account: Result<Option<PublicAccessBlock>, AwsError>) -> Option<Resource<Bucket>> {
        convert(&owner(), &"eu-west-1".parse().unwrap(), &listed(), details, account)
    }

    #[test]
    fn each_denied_call_makes_its_own_field_unread_and_no_other() {
        type Row<'a> = (&'a [&'a str], fn(&mut Details));
        let rows: [Row<'_>; 5] = [
            (&["Owner", "Grants"], |it| it.acl = Err(denied("s3:GetBucketAcl"))),
            (&["Policy"], |it| it.policy = Err(denied(S3_GET_BUCKET_POLICY))),
            (&["PublicAccessBlockConfiguration"], |it| it.block = Err(denied("s3:GetPublicAccessBlock"))),
            (&["ServerSideEncryptionConfiguration"], |it| it.encryption = Err(denied("s3:GetBucketEncryption"))),
            (&["Tags"], |it| it.tags = Err(denied("s3:GetBucketTagging"))),
        ];
        for (expected, deny) in rows {
            let mut details = plain();
            deny(&mut details);
            let record = bucket(details, Ok(None)).unwrap();
            let fields: Vec<_> = record.unread.iter().map(|unread| unread.field.as_str()).collect();
            assert_eq!(fields, expected);
            assert!(record.unread.iter().all(|unread| unread.code == "AccessDenied"));
        }
        let record = bucket(plain(), Err(denied("s3:GetAccountPublicAccessBlock"))).unwrap();
        assert_eq!(record.unread[0].field, "AccountPublicAccessBlockConfiguration");
        assert_eq!(bucket(plain(), Ok(Some(PublicAccessBlock::ALL))).unwrap().unread, []);
    }

    #[test]
    fn a_field_that_is_unread_is_one_of_the_configuration() {
        let mut details = plain();
        details.acl = Err(denied("s3:GetBucketAcl"));
        details.policy = Err(denied(S3_GET_BUCKET_POLICY));
        details.block = Err(denied("s3:GetPublicAccessBlock"));
        details.encryption = Err(denied("s3:GetBucketEncryption"));
        let record = bucket(details, Err(denied("s3:GetAccountPublicAccessBlock"))).unwrap();
        let config = serde_json::to_value(&record.config).unwrap();
        for unread in &record.unread {
            assert!(config.get(&unread.field).is_some(), "{}", unread.field);
        }
    }

    #[test]
    fn a_bucket_that_vanished_is_left_out() {
        let mut details = plain();
        details.encryption = Err(AwsError::of("s3:GetBucketEncryption", "NoSuchBucket", ""));
        assert!(bucket(details, Ok(None)).is_none());
    }

    #[test]
    fn a_policy_is_a_document_or_unread() {
        let mut details = plain();
        details.policy = Ok(Some(r#"{"Statement":[{"Effect":"Allow"}]}"#.to_owned()));
        let record = bucket(details, Ok(None)).unwrap();
        assert_eq!(record.config.policy, Some(json!({"Statement": [{"Effect": "Allow"}]})));
        assert_eq!(record.arn.to_string(), "arn:aws-cn:s3:::acme");

        let mut details = plain();
        details.policy = Ok(Some("{".to_owned()));
        let record = bucket(details, Ok(None)).unwrap();
        assert_eq!(record.config.policy, None);
        assert!(record.unread("Policy").is_some_and(|unread| unread.code == "MalformedPolicy"));
    }

    #[test]
    fn absent_is_not_an_error_and_denied_is_not_absent() {
        let absent = || Err::<(), _>(AwsError::of(S3_GET_BUCKET_POLICY, "NoSuchBucketPolicy", ""));
        assert_eq!(or_absent(absent(), "NoSuchBucketPolicy"), Ok(None));
        assert_eq!(or_absent(Ok(()), "NoSuchBucketPolicy"), Ok(Some(())));
        assert!(or_absent(absent(), NO_BLOCK).is_err());
        assert!(or_absent(Err::<(), _>(denied(S3_GET_BUCKET_POLICY)), "NoSuchBucketPolicy").is_err());
    }

    #[test]
    fn grants_are_sorted() {
        let grant = |uri: &str, permission| {
            let grantee = GivenGrantee::builder().r#type(Type::Group).uri(uri).build().unwrap();
            GivenGrant::builder().grantee(grantee).permission(permission).build()
        };
        let read = || grant(Grantee::ALL_USERS, Permission::Read);
        let write = || grant(Grantee::ALL_USERS, Permission::Write);
        assert_eq!(grants(vec![read(), write()]), grants(vec![write(), read()]));
        assert!(grants(vec![read()])[0].grantee.is_public());
    }
}
