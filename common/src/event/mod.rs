//! CloudTrail's records, and whatever passes them on: log files, EventBridge, SNS and SQS, S3's notices, `LookupEvents`.
//!
//! One reader for all tools: [`Events`] takes apart what comes in, whatever it was wrapped in, and hands out what it holds,
//! one by one. [`Record`] is a CloudTrail record.
//!
//! # What is understood
//!
//! Without being told which, in any order, and wrapped in one another as AWS does it:
//!
//! - CloudTrail records of all versions, one by one or in arrays; log files (`{"Records": [...]}`); what `aws cloudtrail
//!   lookup-events` prints, and single events of it;
//! - gzip of these and of everything else, several files one behind the other (`cat *.gz`);
//! - EventBridge's envelopes (`detail-type` says what is in them), among them events of AWS Health;
//! - messages of SNS and SQS, as a queue, a Lambda function and the AWS CLI get them;
//! - S3's notices of new objects (its own, and by EventBridge), and CloudTrail's own notices of new log files;
//! - what a subscription of CloudWatch Logs delivers, packed and unpacked.
//!
//! Anything else, such as a reference or a finding, is handed out as it is, also out of a message.
//!
//! [`read`] (feature `aws`) reads where reading blocks, and [`fetch`] (feature `s3`) what is in S3.

#[cfg(feature = "aws")]
mod batches;
mod events;
#[cfg(feature = "s3")]
mod fetch;
mod lenient;
mod notice;
mod record;
mod shape;
#[cfg(test)]
mod tests;
mod text;
mod unpack;

#[cfg(feature = "aws")]
pub use batches::read;
pub use events::{Events, found_in};
#[cfg(feature = "s3")]
pub use fetch::fetch;
pub use record::{Identity, Issuer, Record, SessionContext};
pub use text::Text;

use std::fmt;

use crate::stream::Item;

/// One thing that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The line of the input on which it starts, from 1. What was wrapped in a string, such as the body of a message, has no
    /// lines of the input's: it is on the line on which the message starts.
    pub line: u64,
    /// Whether it was wrapped in something, such as a message: it is by whoever may send that, not by whoever made the input.
    pub wrapped: bool,
    /// What it is.
    pub what: What,
}

/// What came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A CloudTrail record, as text: [`Record::parse`] reads it.
    Record(Item),
    /// A file in S3 in which there are records.
    File(S3File),
    /// An event of AWS Health, as text: EventBridge's envelope (`account`, `region`, `detail`).
    Health(Item),
    /// What AWS sends to try a target out, or to say that there is nothing for us; which of these.
    Nothing(&'static str),
    /// Any other record, as it came (or as it was wrapped).
    Other(Item),
}

/// A file in S3, as a notice names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct S3File {
    /// The bucket.
    pub bucket: String,
    /// The object's key, decoded.
    pub key: String,
}

impl fmt::Display for S3File {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "s3://{}/{}", self.bucket, self.key)
    }
}
