//! Queues, all of them empty.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use common::aws::AwsError;
use common::client;
use common::resource::{Queue, ResourceType};
use serde_json::{Value, json};

use super::{Made, Misconfigured, Missing, PREFIX, Place, Report, TAG, call, for_each, unless, verdict};

/// A queue.
struct Spec {
    name: &'static str,
    what: &'static str,
    checks: &'static [&'static str],
    /// The statements of its policy, given its ARN. None of them: no policy.
    statements: fn(&Place, &str) -> Result<Vec<Value>, Missing>,
}

const SPECS: &[Spec] = &[
    Spec {
        name: "sluice-test-good",
        what: "good: no policy, which lets in its own account",
        checks: &[],
        statements: |_, _| Ok(Vec::new()),
    },
    Spec {
        name: "sluice-test-public",
        what: "bad: one of two statements lets in anyone",
        checks: &["sqs_public"],
        statements: |place, queue| Ok(vec![keep(place, queue), allow("Public", &json!("*"), queue)]),
    },
    Spec {
        name: "sluice-test-narrowed",
        what: "good: lets in anyone, on behalf of a topic of its own account",
        checks: &[],
        statements: |place, queue| {
            let mut statement = allow("Topic", &json!({"AWS": "*"}), queue);
            let topic = place.arn("sns", "sluice-test-topic");
            statement["Condition"] = json!({"ArnEquals": {"aws:SourceArn": topic}});
            Ok(vec![statement])
        },
    },
    Spec {
        name: "sluice-test-outsider",
        what: "bad: lets in a foreign account",
        checks: &["sqs_policy_outsiders"],
        statements: |place, queue| {
            let outsider = json!({"AWS": place.outsider()?});
            Ok(vec![keep(place, queue), allow("Outsider", &outsider, queue)])
        },
    },
];

/// What any of them may do: see that an empty queue is empty.
fn allow(sid: &str, principal: &Value, queue: &str) -> Value {
    json!({
        "Sid": sid, "Effect": "Allow", "Principal": principal, "Action": "sqs:GetQueueAttributes", "Resource": queue,
    })
}

/// What a fix must leave alone.
fn keep(place: &Place, queue: &str) -> Value {
    allow("KeepOwnAccount", &json!({"AWS": place.root_of(place.account())}), queue)
}

impl Misconfigured for Queue {
    async fn make(place: &Place) -> Result<Report, Missing> {
        let client = client!(aws_sdk_sqs, &place.session, place.region());
        let results = for_each(SPECS, |spec| {
            let (place, client) = (place.clone(), client.clone());
            async move { (spec.name.to_owned(), make_one(&place, &client, spec).await) }
        });
        Ok(Report::collect(results.await))
    }

    async fn clean(place: &Place) -> Result<Report, Missing> {
        let client = client!(aws_sdk_sqs, &place.session, place.region());
        let mut pages = client.list_queues().queue_name_prefix(PREFIX).into_paginator().page_size(1000).send();
        let mut urls = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| AwsError::new("sqs:ListQueues", error))?;
            urls.extend(page.queue_urls.unwrap_or_default());
        }
        let results = for_each(urls, |url| {
            let (place, client) = (place.clone(), client.clone());
            async move {
                let name = url.rsplit('/').next().unwrap_or_default().to_owned();
                (name.clone(), remove(&place, &client, &url, &name).await)
            }
        });
        Ok(Report::collect(results.await))
    }
}

async fn make_one(place: &Place, client: &Client, spec: &'static Spec) -> Result<Made, Missing> {
    let arn = place.arn("sqs", spec.name);
    let statements = (spec.statements)(place, &arn.to_string())?;
    let policy = if statements.is_empty() {
        // How SQS takes a policy away.
        String::new()
    } else {
        json!({"Version": "2012-10-17", "Statement": statements}).to_string()
    };
    // Without attributes: a queue that is there already must have the same ones, or the call fails.
    let request = client.create_queue().queue_name(spec.name).tags(TAG, verdict(spec.what));
    let url = call!("sqs:CreateQueue", request)?.queue_url.unwrap_or_default();
    let request = client.set_queue_attributes().queue_url(&url).attributes(QueueAttributeName::Policy, policy);
    call!("sqs:SetQueueAttributes", request)?;
    Ok(place.made(ResourceType::Sqs, &url, arn, spec.what, spec.checks))
}

/// Removes a queue, if it has our tag.
async fn remove(place: &Place, client: &Client, url: &str, name: &str) -> Result<Made, Missing> {
    const GONE: &[&str] = &["AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"];
    let tags = unless(GONE, call!("sqs:ListQueueTags", client.list_queue_tags().queue_url(url)))?;
    let tags = tags.and_then(|answer| answer.tags);
    if !tags.is_some_and(|tags| tags.contains_key(TAG)) {
        return Err(Missing::LeftOut(format!("it has no tag {TAG}, so it is not ours")));
    }
    unless(GONE, call!("sqs:DeleteQueue", client.delete_queue().queue_url(url)))?;
    Ok(place.removed(ResourceType::Sqs, url, place.arn("sqs", name)))
}
