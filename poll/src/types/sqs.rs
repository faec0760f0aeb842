//! `sqs`: `ListQueues`, then `GetQueueAttributes` and `ListQueueTags` for each.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use common::arn::Arn;
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{Operation, SQS_GET_QUEUE_ATTRIBUTES, SQS_GET_QUEUE_URL, SQS_LIST_QUEUE_TAGS, SQS_LIST_QUEUES};
use common::record::{Resource, Unread};
use common::resource::Queue;
use futures_util::{StreamExt, stream};
use jiff::Timestamp;

use super::{AT_ONCE, Owner, Polled, document, read};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::{Sink, TEST_TAG};

/// What `GetQueueAttributes` tells, by the names of our fields.
const ATTRIBUTES: [&str; 7] = [
    "Policy",
    "KmsMasterKeyId",
    "SqsManagedSseEnabled",
    "RedrivePolicy",
    "MessageRetentionPeriod",
    "VisibilityTimeout",
    "CreatedTimestamp",
];

type Attributes = Result<HashMap<QueueAttributeName, String>, AwsError>;
type Tags = Result<BTreeMap<String, String>, AwsError>;

impl Polled for Queue {
    const LIST: &'static [Operation] = &[SQS_GET_QUEUE_ATTRIBUTES, SQS_LIST_QUEUES, SQS_LIST_QUEUE_TAGS];
    const LOOK: &'static [Operation] = &[SQS_GET_QUEUE_ATTRIBUTES, SQS_GET_QUEUE_URL, SQS_LIST_QUEUE_TAGS];
    const SETTLES: bool = false;

    async fn list(account: &Account, reach: &Reach, sink: &Sink) -> Result<(), AwsError> {
        let session = &account.session;
        let owner = Owner::of(session);
        for region in reach.regions() {
            let client = client!(aws_sdk_sqs, session, region);
            // Only with a page size does SQS page at all; without, it stops at a thousand and does not say so.
            let mut pages = client.list_queues().into_paginator().page_size(1000).send();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| AwsError::new(SQS_LIST_QUEUES, error))?;
                let mut described = stream::iter(page.queue_urls.unwrap_or_default())
                    .map(|url| describe(&client, &owner, region, url, sink.only_tests()))
                    .buffer_unordered(AT_ONCE);
                while let Some(queue) = described.next().await {
                    if let Some(queue) = queue {
                        sink.resource(queue).await;
                    }
                }
            }
        }
        Ok(())
    }

    /// A queue by its URL; a bare name is taken as well, since that is what people know.
    async fn look(session: &Session, region: &Region, id: &str) -> Result<Option<Resource<Self>>, AwsError> {
        let owner = Owner::of(session);
        let client = client!(aws_sdk_sqs, session, region);
        let url = if id.contains("://") {
            if account_of(id).is_some_and(|account| account != owner.account.as_str()) {
                let message = format!("the queue {id} belongs to another account than {}", owner.account);
                return Err(AwsError::of(SQS_GET_QUEUE_ATTRIBUTES, "InvalidAddress", message));
            }
            id.to_owned()
        } else {
            let call = client.get_queue_url().queue_name(id).queue_owner_aws_account_id(owner.account.as_str());
            match call.send().await.map_err(|error| AwsError::new(SQS_GET_QUEUE_URL, error)) {
                Ok(answer) => answer.queue_url.unwrap_or_default(),
                Err(error) if is_gone(&error) => return Ok(None),
                Err(error) => return Err(error),
            }
        };
        let (attributes, tags) = tokio::join!(attributes(&client, &url), tags(&client, &url));
        match attributes {
            Err(error) if !is_gone(&error) => Err(error),
            attributes => Ok(convert(&owner, region, &url, attributes, tags)),
        }
    }
}

async fn describe(
    client: &Client,
    owner: &Owner,
    region: &Region,
    url: String,
    only_tests: bool,
) -> Option<Resource<Queue>> {
    if only_tests {
        let tags = tags(client, &url).await;
        if !tags.as_ref().is_ok_and(|tags| tags.contains_key(TEST_TAG)) {
            return None;
        }
        let attributes = attributes(client, &url).await;
        return convert(owner, region, &url, attributes, tags);
    }
    let (attributes, tags) = tokio::join!(attributes(client, &url), tags(client, &url));
    convert(owner, region, &url, attributes, tags)
}

async fn attributes(client: &Client, url: &str) -> Attributes {
    let call = client.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::All);
    let answer = call.send().await.map_err(|error| AwsError::new(SQS_GET_QUEUE_ATTRIBUTES, error))?;
    Ok(answer.attributes.unwrap_or_default())
}

async fn tags(client: &Client, url: &str) -> Tags {
    let answer = client.list_queue_tags().queue_url(url).send().await;
    let answer = answer.map_err(|error| AwsError::new(SQS_LIST_QUEUE_TAGS, error))?;
    Ok(answer.tags.unwrap_or_default().into_iter().collect())
}

/// Whether AWS says that there is no such queue. The second code is that of the older protocol, which emulators speak.
fn is_gone(error: &AwsError) -> bool {
    matches!(error.code(), "QueueDoesNotExist" | "AWS.SimpleQueueService.NonExistentQueue")
}

/// The account in `https://sqs.eu-west-1.amazonaws.com/111122223333/jobs`.
fn account_of(url: &str) -> Option<&str> {
    url.rsplit('/').nth(1)
}

/// The record of a queue, or nothing when it vanished between being listed and being asked for.
fn convert(owner: &Owner, region: &Region, url: &str, attributes: Attributes, tags: Tags) -> Option<Resource<Queue>> {
    if attributes.as_ref().is_err_and(is_gone) || tags.as_ref().is_err_and(is_gone) {
        return None;
    }
    let mut unread = Vec::new();
    let tags = read(tags, &["Tags"], &mut unread).unwrap_or_default();
    let attributes = read(attributes, &ATTRIBUTES, &mut unread).unwrap_or_default();
    let get = |name: &str| attributes.get(&QueueAttributeName::from(name)).map(String::as_str);
    let name = url.rsplit('/').next().unwrap_or_default().to_owned();
    let arn = get("QueueArn").and_then(|arn| arn.parse::<Arn>().ok()).unwrap_or_else(|| owner.arn("sqs", region, name));
    let config = Queue {
        queue_url: url.to_owned(),
        queue_arn: arn.to_string(),
        policy: document::parse(get("Policy"), "Policy", SQS_GET_QUEUE_ATTRIBUTES, &mut unread),
        kms_master_key_id: get("KmsMasterKeyId").filter(|key| !key.is_empty()).map(str::to_owned),
        sqs_managed_sse_enabled: number(get("SqsManagedSseEnabled"), "SqsManagedSseEnabled", &mut unread),
        redrive_policy: document::parse(get("RedrivePolicy"), "RedrivePolicy", SQS_GET_QUEUE_ATTRIBUTES, &mut unread),
        message_retention_period: number(get("MessageRetentionPeriod"), "MessageRetentionPeriod", &mut unread),
        visibility_timeout: number(get("VisibilityTimeout"), "VisibilityTimeout", &mut unread),
        // Whole seconds; emulators add fractions.
        created_timestamp: number(get("CreatedTimestamp").map(whole), "CreatedTimestamp", &mut unread)
            .and_then(|seconds: i64| Timestamp::from_second(seconds).ok()),
    };
    let mut queue = owner.resource(region, url, arn, tags, config);
    queue.unread = unread;
    Some(queue)
}

fn whole(number: &str) -> &str {
    number.split_once('.').map_or(number, |(whole, _)| whole)
}

/// A number or a switch. AWS sends all attributes as text.
fn number<T: std::str::FromStr>(text: Option<&str>, field: &str, unread: &mut Vec<Unread>) -> Option<T> {
    let text = text?;
    let value = text.parse().ok();
    if value.is_none() {
        unread.push(Unread {
            field: field.to_owned(),
            operation: SQS_GET_QUEUE_ATTRIBUTES.into(),
            code: "MalformedAttribute".to_owned(),
            message: Some(format!("`{text}` is no value of {field}")),
        });
    }
    value
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::types::tests::{denied, owner};

    const URL: &str = "https://sqs.eu-west-1.amazonaws.com/111122223333/jobs";

    fn queue(attributes: Attributes, tags: Tags) -> Option<Resource<Queue>> {
        convert(&owner(), &"eu-west-1".parse().unwrap(), URL, attributes, tags)
    }

    fn some(pairs: &[(&str, &str)]) -> HashMap<QueueAttributeName, String> {
        pairs.iter().map(|(name, value)| (QueueAttributeName::from(*name), (*value).to_owned())).collect()
    }

    #[test]
    fn attributes_become_values() {
        let attributes = some(&[
            ("QueueArn", "arn:aws:sqs:eu-west-1:111122223333:jobs"),
            ("Policy", r#"{"Statement":[]}"#),
            ("KmsMasterKeyId", ""),
            ("SqsManagedSseEnabled", "true"),
            ("RedrivePolicy", r#"{"maxReceiveCount":3}"#),
            ("MessageRetentionPeriod", "345600"),
            ("CreatedTimestamp", "1700000000"),
        ]);
        let record = queue(Ok(attributes), Ok(BTreeMap::from([("Owner".to_owned(), "web".to_owned())]))).unwrap();
        assert_eq!(record.unread, []);
        assert_eq!(record.id, URL);
        assert_eq!(record.arn.to_string(), "arn:aws:sqs:eu-west-1:111122223333:jobs");
        assert_eq!(record.config.policy, Some(json!({"Statement": []})));
        assert_eq!(record.config.kms_master_key_id, None);
        assert_eq!(record.config.sqs_managed_sse_enabled, Some(true));
        assert_eq!(record.config.redrive_policy, Some(json!({"maxReceiveCount": 3})));
        assert_eq!(record.config.message_retention_period, Some(345_600));
        assert_eq!(record.config.created_timestamp.unwrap().to_string(), "2023-11-14T22:13:20Z");
        assert_eq!(record.tags["Owner"], "web");
    }

    #[test]
    fn what_is_denied_or_garbled_is_unread_and_the_queue_is_written() {
        let record = queue(Err(denied(SQS_GET_QUEUE_ATTRIBUTES)), Ok(BTreeMap::new())).unwrap();
        let fields: Vec<_> = record.unread.iter().map(|unread| unread.field.as_str()).collect();
        assert_eq!(fields, ATTRIBUTES);
        // The ARN is then made from the URL.
        assert_eq!(record.arn.to_string(), "arn:aws-cn:sqs:eu-west-1:111122223333:jobs");

        let record = queue(Ok(some(&[])), Err(denied("sqs:ListQueueTags"))).unwrap();
        assert!(record.unread("Tags").is_some_and(|unread| unread.operation == "sqs:ListQueueTags"));

        let record = queue(Ok(some(&[("VisibilityTimeout", "soon"), ("Policy", "{")])), Ok(BTreeMap::new())).unwrap();
        assert!(record.unread("VisibilityTimeout").is_some_and(|unread| unread.code == "MalformedAttribute"));
        assert!(record.unread("Policy").is_some_and(|unread| unread.code == "MalformedPolicy"));
    }

    #[test]
    fn a_queue_that_vanished_is_left_out() {
        for code in ["QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"] {
            let gone = || AwsError::of(SQS_GET_QUEUE_ATTRIBUTES, code, "");
            assert!(queue(Err(gone()), Ok(BTreeMap::new())).is_none());
            assert!(queue(Ok(some(&[])), Err(gone())).is_none());
        }
    }
}
