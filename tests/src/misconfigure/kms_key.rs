//! Keys that encrypt nothing. Each costs a dollar a month, by the hour, until it is cleaned: KMS then keeps it for a week,
//! unusable and for nothing.

use aws_sdk_kms::Client;
use aws_sdk_kms::types::{KeyMetadata, KeyState, Tag};
use common::aws::AwsError;
use common::client;
use common::resource::{KmsKey, ResourceType};
use serde_json::{Value, json};

use super::{Made, Misconfigured, Missing, PREFIX, Place, Report, TAG, call, for_each, unbuilt, verdict};

/// A key. Its name stands in its description: nothing else of a key can be chosen.
struct Spec {
    name: &'static str,
    what: &'static str,
    checks: &'static [&'static str],
    /// Beside the one for the account itself.
    statement: fn(&Place) -> Result<Option<Value>, Missing>,
}

const SPECS: &[Spec] = &[
    Spec { name: "sluice-test-good", what: "good: lets in its own account", checks: &[], statement: |_| Ok(None) },
    Spec {
        name: "sluice-test-public",
        what: "bad: one of two statements lets in anyone",
        checks: &["kms_key_public"],
        statement: |_| Ok(Some(allow("Public", &json!({"AWS": "*"})))),
    },
    Spec {
        name: "sluice-test-narrowed",
        what: "good: lets in anyone of its own account who comes through S3",
        checks: &[],
        statement: |place| {
            let mut statement = allow("ThroughS3", &json!({"AWS": "*"}));
            let via = format!("s3.{}.amazonaws.com", place.region());
            statement["Condition"] =
                json!({"StringEquals": {"kms:CallerAccount": place.account(), "kms:ViaService": via}});
            Ok(Some(statement))
        },
    },
    Spec {
        name: "sluice-test-outsider",
        what: "bad: lets in a foreign account",
        checks: &["kms_key_outsiders"],
        statement: |place| Ok(Some(allow("Outsider", &json!({"AWS": place.outsider()?})))),
    },
];

/// What any of them may do: see that there is a key.
fn allow(sid: &str, principal: &Value) -> Value {
    json!({"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": "kms:DescribeKey", "Resource": "*"})
}

/// The statement without which nobody could manage the key, and which a fix must leave alone.
fn keep(place: &Place) -> Value {
    let mut statement = allow("KeepOwnAccount", &json!({"AWS": place.root_of(place.account())}));
    statement["Action"] = json!("kms:*");
    statement
}

fn document(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

impl Misconfigured for KmsKey {
    async fn make(place: &Place) -> Result<Report, Missing> {
        let client = client!(aws_sdk_kms, &place.session, place.region());
        let present = ours(&client).await?;
        let results = for_each(SPECS, |spec| {
            let (place, client) = (place.clone(), client.clone());
            let present = present.iter().find(|key| key.description.as_deref() == Some(spec.name)).cloned();
            async move { (spec.name.to_owned(), make_one(&place, &client, spec, present).await) }
        });
        Ok(Report::collect(results.await))
    }

    async fn clean(place: &Place) -> Result<Report, Missing> {
        let client = client!(aws_sdk_kms, &place.session, place.region());
        let results = for_each(ours(&client).await?, |key| {
            let (place, client) = (place.clone(), client.clone());
            async move {
                let name = key.description.clone().unwrap_or_default();
                (name, remove(&place, &client, &key.key_id).await)
            }
        });
        Ok(Report::collect(results.await))
    }
}

/// The keys that we made and did not remove.
async fn ours(client: &Client) -> Result<Vec<KeyMetadata>, AwsError> {
    let mut ours = Vec::new();
    let mut pages = client.list_keys().into_paginator().items().send();
    while let Some(key) = pages.next().await {
        let id = key.map_err(|error| AwsError::new("kms:ListKeys", error))?.key_id.unwrap_or_default();
        let Some(key) = call!("kms:DescribeKey", client.describe_key().key_id(&id))?.key_metadata else { continue };
        let named = key.description.as_ref().is_some_and(|name| name.starts_with(PREFIX));
        if !named || key.key_state == Some(KeyState::PendingDeletion) {
            continue;
        }
        let tags = call!("kms:ListResourceTags", client.list_resource_tags().key_id(&id))?.tags.unwrap_or_default();
        if tags.iter().any(|tag| tag.tag_key == TAG) {
            ours.push(key);
        }
    }
    Ok(ours)
}

async fn make_one(
    place: &Place,
    client: &Client,
    spec: &'static Spec,
    present: Option<KeyMetadata>,
) -> Result<Made, Missing> {
    let statements: Vec<Value> = [Some(keep(place)), (spec.statement)(place)?].into_iter().flatten().collect();
    let id = if let Some(key) = present {
        set_policy(client, &key.key_id, &statements).await?;
        key.key_id
    } else {
        let tag = Tag::builder().tag_key(TAG).tag_value(verdict(spec.what)).build();
        let tag = tag.map_err(|error| unbuilt("kms:CreateKey", error))?;
        let request = client.create_key().description(spec.name).policy(document(&statements)).tags(tag);
        call!("kms:CreateKey", request)?.key_metadata.map(|key| key.key_id).unwrap_or_default()
    };
    let arn = place.arn("kms", format!("key/{id}"));
    Ok(place.made(ResourceType::KmsKey, &id, arn, spec.what, spec.checks))
}

async fn set_policy(client: &Client, id: &str, statements: &[Value]) -> Result<(), AwsError> {
    let request = client.put_key_policy().key_id(id).policy_name("default").policy(document(statements));
    call!("kms:PutKeyPolicy", request).map(drop)
}

/// Removes a key. Its policy is mended first: until KMS deletes it, a bad one would be found again and again.
async fn remove(place: &Place, client: &Client, id: &str) -> Result<Made, Missing> {
    const SHORTEST: i32 = 7;
    set_policy(client, id, &[keep(place)]).await?;
    let request = client.schedule_key_deletion().key_id(id).pending_window_in_days(SHORTEST);
    call!("kms:ScheduleKeyDeletion", request)?;
    Ok(place.removed(ResourceType::KmsKey, id, place.arn("kms", format!("key/{id}"))))
}
