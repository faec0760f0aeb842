//! `kms_key`: `ListKeys`, then `DescribeKey`, `GetKeyPolicy` and `ListResourceTags` for each of the account's own.
//!
//! Keys that AWS manages are left out: nobody can change their policies. A key that is going to be deleted is not: until
//! then whoever its policy lets in can also have it stay.

use std::collections::BTreeMap;

use aws_sdk_kms::Client;
use aws_sdk_kms::types::{KeyManagerType, KeyMetadata, KeyState};
use common::arn::Arn;
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{KMS_DESCRIBE_KEY, KMS_GET_KEY_POLICY, KMS_LIST_KEYS, KMS_LIST_RESOURCE_TAGS, Operation};
use common::record::Resource;
use common::resource::KmsKey;
use futures_util::{StreamExt, stream};

use super::{AT_ONCE, Owner, Polled, document, or_absent, read, tags, time};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::{Sink, TEST_TAG};

/// What `DescribeKey` tells, by the names of our fields.
const DESCRIBED: [&str; 9] = [
    "Description",
    "KeyState",
    "KeyManager",
    "KeyUsage",
    "KeySpec",
    "Origin",
    "MultiRegion",
    "CreationDate",
    "DeletionDate",
];

/// The only policy that a key has.
const POLICY: &str = "default";

type Described = Result<Option<KeyMetadata>, AwsError>;
type Policy = Result<Option<String>, AwsError>;
type Tags = Result<BTreeMap<String, String>, AwsError>;

impl Polled for KmsKey {
    const LIST: &'static [Operation] = &[KMS_DESCRIBE_KEY, KMS_GET_KEY_POLICY, KMS_LIST_KEYS, KMS_LIST_RESOURCE_TAGS];
    const LOOK: &'static [Operation] = &[KMS_DESCRIBE_KEY, KMS_GET_KEY_POLICY, KMS_LIST_RESOURCE_TAGS];

    async fn list(account: &Account, reach: &Reach, sink: &Sink) -> Result<(), AwsError> {
        let session = &account.session;
        let owner = Owner::of(session);
        for region in reach.regions() {
            let client = client!(aws_sdk_kms, session, region);
            let mut pages = client.list_keys().into_paginator().page_size(1000).send();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| AwsError::new(KMS_LIST_KEYS, error))?;
                let ids = page.keys.unwrap_or_default().into_iter().filter_map(|key| key.key_id);
                let mut described = stream::iter(ids)
                    .map(|id| listed(&client, &owner, region, id, sink.only_tests()))
                    .buffer_unordered(AT_ONCE);
                while let Some(key) = described.next().await {
                    if let Some(key) = key {
                        sink.resource(key).await;
                    }
                }
            }
        }
        Ok(())
    }

    /// A key by its id.
    async fn look(session: &Session, region: &Region, id: &str) -> Result<Option<Resource<Self>>, AwsError> {
        let owner = Owner::of(session);
        let client = client!(aws_sdk_kms, session, region);
        let described = match describe(&client, id).await {
            Err(error) if is_gone(&error) => return Ok(None),
            described => described?,
        };
        if let Some(other) = described.as_ref().and_then(|key| foreign(&owner, key)) {
            let message = format!("the key {id} belongs to account {other}, not to {}", owner.account);
            return Err(AwsError::of(KMS_DESCRIBE_KEY, "BadReference", message));
        }
        // An alias is not what the other calls take.
        let id = described.as_ref().map_or(id, |key| key.key_id.as_str()).to_owned();
        let (policy, tags) = tokio::join!(policy(&client, &id), tags_of(&client, &id));
        Ok(convert(&owner, region, &id, Ok(described), policy, tags))
    }
}

/// A key's record; nothing for one that is AWS's, or vanished since being listed.
async fn listed(
    client: &Client,
    owner: &Owner,
    region: &Region,
    id: String,
    only_tests: bool,
) -> Option<Resource<KmsKey>> {
    let known = if only_tests {
        let tags = tags_of(client, &id).await;
        if !tags.as_ref().is_ok_and(|tags| tags.contains_key(TEST_TAG)) {
            return None;
        }
        Some(tags)
    } else {
        None
    };
    let described = describe(client, &id).await;
    if described.as_ref().is_ok_and(|key| key.as_ref().is_some_and(is_aws_managed)) {
        return None;
    }
    let tags = async {
        match known {
            Some(tags) => tags,
            None => tags_of(client, &id).await,
        }
    };
    let (policy, tags) = tokio::join!(policy(client, &id), tags);
    convert(owner, region, &id, described, policy, tags)
}

async fn describe(client: &Client, id: &str) -> Described {
    let answer = client.describe_key().key_id(id).send().await;
    Ok(answer.map_err(|error| AwsError::new(KMS_DESCRIBE_KEY, error))?.key_metadata)
}

async fn policy(client: &Client, id: &str) -> Policy {
    let answer = client.get_key_policy().key_id(id).policy_name(POLICY).send().await;
    Ok(answer.map_err(|error| AwsError::new(KMS_GET_KEY_POLICY, error))?.policy)
}

async fn tags_of(client: &Client, id: &str) -> Tags {
    let items = client.list_resource_tags().key_id(id).into_paginator().items().send();
    let given: Vec<_> = items.try_collect().await.map_err(|error| AwsError::new(KMS_LIST_RESOURCE_TAGS, error))?;
    Ok(tags(given.into_iter().map(|tag| (Some(tag.tag_key), Some(tag.tag_value)))))
}

/// Whether KMS says that there is no such key.
fn is_gone(error: &AwsError) -> bool {
    error.code() == "NotFoundException"
}

fn is_aws_managed(key: &KeyMetadata) -> bool {
    key.key_manager == Some(KeyManagerType::Aws)
}

/// The account of a key that is another's: KMS describes these too to whom their policies let in.
fn foreign<'a>(owner: &Owner, key: &'a KeyMetadata) -> Option<&'a str> {
    key.aws_account_id.as_deref().filter(|id| *id != owner.account.as_str())
}

/// The record of a key, or nothing when it vanished between being listed and being asked for.
fn convert(
    owner: &Owner,
    region: &Region,
    id: &str,
    described: Described,
    policy: Policy,
    tags: Tags,
) -> Option<Resource<KmsKey>> {
    // A key without a policy named `default` is none that KMS has today, but the code is the same.
    if [described.as_ref().err(), tags.as_ref().err()].into_iter().flatten().any(is_gone) {
        return None;
    }
    let mut unread = Vec::new();
    let tags = read(tags, &["Tags"], &mut unread).unwrap_or_default();
    let key = read(described, &DESCRIBED, &mut unread).flatten();
    let policy = read(or_absent(policy, "NotFoundException"), &["Policy"], &mut unread).flatten().flatten();
    let key = key.as_ref();
    let arn = key.and_then(|key| key.arn.as_deref()).and_then(|arn| arn.parse::<Arn>().ok());
    let config = KmsKey {
        key_id: id.to_owned(),
        description: key.and_then(|key| key.description.clone()),
        key_state: key.and_then(|key| key.key_state.as_ref()).map(|it| it.as_str().to_owned()),
        key_manager: key.and_then(|key| key.key_manager.as_ref()).map(|it| it.as_str().to_owned()),
        key_usage: key.and_then(|key| key.key_usage.as_ref()).map(|it| it.as_str().to_owned()),
        key_spec: key.and_then(|key| key.key_spec.as_ref()).map(|it| it.as_str().to_owned()),
        origin: key.and_then(|key| key.origin.as_ref()).map(|it| it.as_str().to_owned()),
        multi_region: key.and_then(|key| key.multi_region),
        creation_date: key.and_then(|key| key.creation_date.as_ref()).map(time),
        deletion_date: key.and_then(|key| key.deletion_date.as_ref()).map(time),
        policy: document::parse(policy.as_deref(), "Policy", KMS_GET_KEY_POLICY, &mut unread),
    };
    let arn = arn.unwrap_or_else(|| owner.arn("kms", region, format!("key/{id}")));
    let mut record = owner.resource(region, id, arn, tags, config);
    record.unread = unread;
    // The states in which KMS is at work on a key; in the others it waits for somebody, or for a date:
    // <https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html>.
    record.settled = !key.is_some_and(|key| matches!(key.key_state, Some(KeyState::Creating | KeyState::Updating)));
    Some(record)
}

#[cfg(test)]
mod tests {
    use aws_sdk_kms::primitives::DateTime;
    use aws_sdk_kms::types::{KeySpec, KeyUsageType, OriginType};
    use serde_json::json;

    use super::*;
    use crate::types::tests::{denied, owner};

    const ID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

    fn metadata(state: KeyState) -> KeyMetadata {
        KeyMetadata::builder()
            .key_id(ID)
            .aws_account_id("111122223333")
            .arn(format!("arn:aws-cn:kms:cn-north-1:111122223333:key/{ID}"))
            .creation_date(DateTime::from_secs_and_nanos(1_700_000_000, 5))
            .description("orders")
            .key_state(state)
            .key_manager(KeyManagerType::Customer)
            .key_usage(KeyUsageType::EncryptDecrypt)
            .key_spec(KeySpec::SymmetricDefault)
            .origin(OriginType::AwsKms)
            .multi_region(false)
            .build()
            .unwrap()
    }

    fn key(described: Described, policy: Policy, tags: Tags) -> Option<Resource<KmsKey>> {
        convert(&owner(), &"cn-north-1".parse().unwrap(), ID, described, policy, tags)
    }

    fn fields(record: &Resource<KmsKey>) -> Vec<&str> {
        record.unread.iter().map(|unread| unread.field.as_str()).collect()
    }

    #[test]
    fn a_key_has_the_names_of_the_aws_cli() {
        let policy = Ok(Some(r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned()));
        let tags = Ok(BTreeMap::from([("Owner".to_owned(), "web".to_owned())]));
        let record = key(Ok(Some(metadata(KeyState::Enabled))), policy, tags).unwrap();
        assert_eq!(fields(&record), [""; 0]);
        assert_eq!((record.id.as_str(), record.tags["Owner"].as_str()), (ID, "web"));
        assert_eq!(
            serde_json::to_value(&record.config).unwrap(),
            json!({
                "KeyId": ID, "Description": "orders", "KeyState": "Enabled", "KeyManager": "CUSTOMER",
                "KeyUsage": "ENCRYPT_DECRYPT", "KeySpec": "SYMMETRIC_DEFAULT", "Origin": "AWS_KMS",
                "MultiRegion": false, "CreationDate": "2023-11-14T22:13:20Z", "DeletionDate": null,
                "Policy": {"Version": "2012-10-17", "Statement": []},
            })
        );
    }

    #[test]
    fn only_a_key_that_kms_is_at_work_on_is_unsettled() {
        for (state, settled) in [
            (KeyState::Enabled, true),
            (KeyState::Disabled, true),
            (KeyState::PendingDeletion, true),
            (KeyState::PendingReplicaDeletion, true),
            (KeyState::PendingImport, true),
            (KeyState::Unavailable, true),
            (KeyState::Creating, false),
            (KeyState::Updating, false),
        ] {
            let record = key(Ok(Some(metadata(state.clone()))), Ok(None), Ok(BTreeMap::new())).unwrap();
            assert_eq!(record.settled, settled, "{state}");
        }
    }

    #[test]
    fn what_is_denied_is_unread_and_the_key_is_written() {
        let record = key(Err(denied("kms:DescribeKey")), Ok(None), Ok(BTreeMap::new())).unwrap();
        assert_eq!(fields(&record), DESCRIBED);
        assert_eq!(record.arn.to_string(), format!("arn:aws-cn:kms:cn-north-1:111122223333:key/{ID}"));
        let config = serde_json::to_value(&record.config).unwrap();
        assert!(DESCRIBED.iter().all(|field| config.get(field).is_some()));

        let enabled = || Ok(Some(metadata(KeyState::Enabled)));
        let record = key(enabled(), Err(denied("kms:GetKeyPolicy")), Ok(BTreeMap::new())).unwrap();
        assert_eq!(fields(&record), ["Policy"]);
        let record = key(enabled(), Ok(Some("{".to_owned())), Ok(BTreeMap::new())).unwrap();
        assert!(record.unread("Policy").is_some_and(|unread| unread.code == "MalformedPolicy"));
        let record = key(enabled(), Ok(None), Err(denied("kms:ListResourceTags"))).unwrap();
        assert_eq!(fields(&record), ["Tags"]);
    }

    #[test]
    fn a_key_that_vanished_or_is_another_accounts_is_none_of_ours() {
        let gone = || AwsError::of(KMS_DESCRIBE_KEY, "NotFoundException", "");
        assert!(key(Err(gone()), Ok(None), Ok(BTreeMap::new())).is_none());
        assert!(key(Ok(Some(metadata(KeyState::Enabled))), Ok(None), Err(gone())).is_none());
        assert_eq!(foreign(&owner(), &metadata(KeyState::Enabled)), None);
        let other = KeyMetadata::builder().key_id(ID).aws_account_id("444455556666").build().unwrap();
        assert_eq!(foreign(&owner(), &other), Some("444455556666"));
        let managed = KeyMetadata::builder().key_id(ID).key_manager(KeyManagerType::Aws).build().unwrap();
        assert!(is_aws_managed(&managed) && !is_aws_managed(&metadata(KeyState::Enabled)));
    }
}
