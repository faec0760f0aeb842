//! What an object is, by its keys.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::lenient::{object, part};
use super::notice::{decode, new_object};
use super::text::unquoted;
use super::{Text, What};
use crate::stream::Item;

const NO_NEW_OBJECT: &str = "an event of S3 that brings no new file";

/// What an object stands for.
pub(super) enum Shape<'a> {
    /// A CloudTrail record.
    Record,
    /// An event of AWS Health.
    Health,
    /// Something else of which nothing is known.
    Other,
    /// Things that are known to the end.
    These(Vec<What>),
    /// The object that it wraps.
    Object(&'a RawValue),
    /// The text that it wraps, and what this text is called.
    Text(Cow<'a, str>, &'static str),
    /// The same in base64, packed.
    Packed(Cow<'a, str>, &'static str),
}

/// The members by which objects are told apart.
#[derive(Default)]
struct Keys<'a> {
    kind: Option<&'a RawValue>,
    /// CloudTrail, and elements of Lambda's `Records`.
    event_source: Text<'a>,
    event_name: Option<&'a RawValue>,
    event_version: Option<&'a RawValue>,
    event_type: Text<'a>,
    user_identity: Option<&'a RawValue>,
    insight_details: Option<&'a RawValue>,
    digest_start_time: Option<&'a RawValue>,
    cloud_trail_event: Option<&'a RawValue>,
    /// S3.
    s3: Option<&'a RawValue>,
    event: Text<'a>,
    s3_bucket: Text<'a>,
    s3_object_key: Option<&'a RawValue>,
    /// EventBridge.
    detail_type: Text<'a>,
    detail: Option<&'a RawValue>,
    /// SNS, and SNS to Lambda.
    message_type: Text<'a>,
    message: Option<&'a RawValue>,
    sns: Option<&'a RawValue>,
    /// SQS to Lambda, and as the CLI prints it.
    body: Option<&'a RawValue>,
    cli_body: Option<&'a RawValue>,
    receipt_handle: Option<&'a RawValue>,
    cli_message_id: Option<&'a RawValue>,
    /// CloudWatch Logs.
    awslogs: Option<&'a RawValue>,
    timestamp: Option<&'a RawValue>,
    log_message: Option<&'a RawValue>,
    id: Option<&'a RawValue>,
}

object!(Keys {
    b"kind" => kind,
    b"eventSource" => event_source,
    b"eventName" => event_name,
    b"eventVersion" => event_version,
    b"eventType" => event_type,
    b"userIdentity" => user_identity,
    b"insightDetails" => insight_details,
    b"digestStartTime" => digest_start_time,
    b"CloudTrailEvent" => cloud_trail_event,
    b"s3" => s3,
    b"Event" => event,
    b"s3Bucket" => s3_bucket,
    b"s3ObjectKey" => s3_object_key,
    b"detail-type" => detail_type,
    b"detail" => detail,
    b"Type" => message_type,
    b"Message" => message,
    b"Sns" => sns,
    b"body" => body,
    b"Body" => cli_body,
    b"ReceiptHandle" => receipt_handle,
    b"MessageId" => cli_message_id,
    b"awslogs" => awslogs,
    b"timestamp" => timestamp,
    b"message" => log_message,
    b"id" => id,
});

/// What `item` is.
pub(super) fn shape(item: &Item) -> Shape<'_> {
    let text = item.text.as_str();
    // What comes in by the hundred thousand is told by how it starts.
    if starts_as_record(text) {
        return Shape::Record;
    }
    if text.starts_with("{\"kind\":") {
        return Shape::Other;
    }
    // It is JSON: the reader has seen to that.
    let Ok(keys) = serde_json::from_str::<Keys<'_>>(text) else { return Shape::Other };
    keys.shape()
}

/// Whether it starts as CloudTrail has written all of its records to this day, and nobody else does.
fn starts_as_record(text: &str) -> bool {
    let version =
        text.strip_prefix("{\"eventVersion\":\"1.").map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    version.is_some_and(|rest| rest.starts_with("\",\"userIdentity\":{\"type\":"))
}

impl<'a> Keys<'a> {
    fn shape(&self) -> Shape<'a> {
        if self.kind.is_some() {
            return Shape::Other;
        }
        let known = [Self::bridge, Self::notification, Self::message, Self::storage, Self::logs, Self::trail];
        known.iter().find_map(|known| known(self)).unwrap_or(Shape::Other)
    }

    /// EventBridge: `{"detail-type": ..., "detail": {...}}`.
    /// <https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html>
    fn bridge(&self) -> Option<Shape<'a>> {
        let detail = self.detail?;
        let kind = &*self.detail_type;
        if kind.ends_with(" via CloudTrail") {
            return Some(wrapped(detail, "the detail of an EventBridge event"));
        }
        match kind {
            "" => None,
            "AWS Health Event" | "AWS Health Abuse Event" => Some(Shape::Health),
            "Object Created" => {
                // Here, unlike in S3's own notices, the key is no URL.
                let (bucket, key) = part::<Storage<'_>>(detail).names()?;
                Some(Shape::These(vec![new_object(&bucket, &key)]))
            }
            _ if kind.starts_with("Object ") && part::<Storage<'_>>(detail).names().is_some() => {
                Some(nothing(NO_NEW_OBJECT))
            }
            _ => Some(Shape::Other),
        }
    }

    /// SNS: `{"Type": "Notification", "Message": "..."}`, and for Lambda `{"EventSource": "aws:sns", "Sns": {...}}`.
    /// <https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html>
    fn notification(&self) -> Option<Shape<'a>> {
        if let Some(sns) = self.sns.filter(|sns| sns.get().starts_with('{')) {
            return Some(Shape::Object(sns));
        }
        match &*self.message_type {
            "Notification" => {
                unquoted(self.message?).map(|text| Shape::Text(text, "the message of an SNS notification"))
            }
            "SubscriptionConfirmation" if self.message.is_some() => {
                Some(nothing("a request to confirm a subscription to an SNS topic"))
            }
            "UnsubscribeConfirmation" if self.message.is_some() => {
                Some(nothing("the end of a subscription to an SNS topic"))
            }
            _ => None,
        }
    }

    /// SQS: for Lambda `{"eventSource": "aws:sqs", "body": "..."}`, and for the CLI `{"MessageId": ..., "Body": "..."}`.
    fn message(&self) -> Option<Shape<'a>> {
        const BODY: &str = "the body of an SQS message";
        if self.event_source.ends_with(":sqs") {
            return Some(wrapped(self.body?, BODY));
        }
        (self.receipt_handle.is_some() || self.cli_message_id.is_some()).then(|| wrapped_text(self.cli_body, BODY))?
    }

    /// S3: `{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {...}}`, CloudTrail's
    /// `{"s3Bucket": ..., "s3ObjectKey": [...]}`, and S3's `{"Event": "s3:TestEvent"}`.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>
    fn storage(&self) -> Option<Shape<'a>> {
        if let Some(s3) = self.s3.filter(|_| self.event_source.ends_with(":s3")) {
            let name = self.event_name.and_then(unquoted).unwrap_or_default();
            if !name.strip_prefix("s3:").unwrap_or(&name).starts_with("ObjectCreated:") {
                return Some(nothing(NO_NEW_OBJECT));
            }
            let (bucket, key) = part::<Storage<'_>>(s3).names()?;
            return Some(Shape::These(vec![new_object(&bucket, &decode(&key))]));
        }
        if let Some(keys) = self.s3_object_key.filter(|_| !self.s3_bucket.is_empty()) {
            let bucket = &self.s3_bucket;
            return match (serde_json::from_str::<Vec<Text<'_>>>(keys.get()), unquoted(keys)) {
                (Ok(keys), _) if keys.is_empty() => Some(nothing("a notice of CloudTrail without a file")),
                (Ok(keys), _) => Some(Shape::These(keys.iter().map(|key| new_object(bucket, key)).collect())),
                (Err(_), Some(key)) => Some(Shape::These(vec![new_object(bucket, &key)])),
                (Err(_), None) => None,
            };
        }
        (&*self.event == "s3:TestEvent").then(|| nothing("S3's test of a notification"))
    }

    /// CloudWatch Logs: `{"awslogs": {"data": "..."}}`, and the elements of its `logEvents`.
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html>
    fn logs(&self) -> Option<Shape<'a>> {
        if let Some(awslogs) = self.awslogs {
            let data = part::<Data<'_>>(awslogs).data?;
            return unquoted(data).map(|data| Shape::Packed(data, "the data of a CloudWatch Logs subscription"));
        }
        self.timestamp?;
        // An id of digits alone, or none: others have time stamps and messages too.
        if !unquoted(self.id?)?.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let message = unquoted(self.log_message?)?;
        if message.starts_with("CWL CONTROL MESSAGE") {
            return Some(nothing("a control message of CloudWatch Logs"));
        }
        Some(Shape::Text(message, "the message of a CloudWatch Logs event"))
    }

    /// CloudTrail.
    fn trail(&self) -> Option<Shape<'a>> {
        if let Some(event) = self.cloud_trail_event {
            return wrapped_text(Some(event), "an event of LookupEvents");
        }
        if self.insight_details.is_some() || &*self.event_type == "AwsCloudTrailInsight" {
            return Some(nothing("an event of CloudTrail Insights"));
        }
        if self.digest_start_time.is_some() {
            return Some(nothing("a digest of CloudTrail's log files"));
        }
        // Any two of these: one that AWS leaves out one day must not cost the record. `aws:...` is Lambda's source.
        let signs = [
            !self.event_source.is_empty(),
            self.event_name.is_some(),
            self.event_version.is_some(),
            self.user_identity.is_some(),
        ];
        let is_record = !self.event_source.starts_with("aws:") && signs.iter().filter(|&&sign| sign).count() >= 2;
        is_record.then_some(Shape::Record)
    }
}

fn nothing(why: &'static str) -> Shape<'static> {
    Shape::These(vec![What::Nothing(why)])
}

/// An object, or the text of one.
fn wrapped<'a>(value: &'a RawValue, what: &'static str) -> Shape<'a> {
    match unquoted(value) {
        Some(text) => Shape::Text(text, what),
        None if value.get().starts_with('{') => Shape::Object(value),
        None => Shape::Other,
    }
}

fn wrapped_text<'a>(value: Option<&'a RawValue>, what: &'static str) -> Option<Shape<'a>> {
    unquoted(value?).map(|text| Shape::Text(text, what))
}

/// Which object: `{"bucket": {"name": ...}, "object": {"key": ...}}`.
#[derive(Default)]
struct Storage<'a> {
    bucket: Option<&'a RawValue>,
    object: Option<&'a RawValue>,
}

object!(Storage {
    b"bucket" => bucket,
    b"object" => object,
});

impl<'a> Storage<'a> {
    fn names(&self) -> Option<(Text<'a>, Text<'a>)> {
        let bucket = part::<Named<'_>>(self.bucket?).name;
        let key = part::<Named<'_>>(self.object?).key;
        (!bucket.is_empty() && !key.is_empty()).then_some((bucket, key))
    }
}

#[derive(Default)]
struct Named<'a> {
    name: Text<'a>,
    key: Text<'a>,
}

object!(Named {
    b"name" => name,
    b"key" => key,
});

#[derive(Default)]
struct Data<'a> {
    data: Option<&'a RawValue>,
}

object!(Data {
    b"data" => data,
});
