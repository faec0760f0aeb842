//! CloudTrail's records, and whatever passes them on: log files, EventBridge, SNS and SQS, S3's notices, `LookupEvents`.
//!
//! One reader for all tools: [`Events`] takes apart what comes in, whatever it was wrapped in, and hands out what it holds,
//! one by one. [`Record`] is a CloudTrail record.

mod record;
mod text;

use std::io::Read;

pub use record::{Identity, Issuer, Record, SessionContext};
pub use text::Text;

use crate::stream::{Broken, Item, ReadError, Reader};

/// One thing that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The line of the input on which the outermost value that holds it starts, from 1.
    pub line: u64,
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
    /// An event of AWS Health, as text.
    Health(Item),
    /// What AWS sends to try a target out, or to say that there is nothing; which of these.
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

/// What came in, one by one: an iterator. Gzip is unpacked where the input begins as such. It never reads ahead of what it
/// can hand out, and holds no more than one record.
pub struct Events<R> {
    reader: Reader<R>,
}

impl<R: Read> Events<R> {
    /// What an input holds.
    pub fn new(input: R) -> Self {
        Self { reader: Reader::new(input) }
    }

    /// Whether `next` can answer without waiting for more input.
    pub fn ready(&mut self) -> bool {
        self.reader.ready()
    }
}

impl<R: Read> Iterator for Events<R> {
    type Item = Result<Found, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = match self.reader.next()? {
            Ok(item) => item,
            Err(error) => return Some(Err(error)),
        };
        let line = item.line;
        let is_record = item.text.contains("\"eventSource\"") && item.text.contains("\"eventName\"");
        let what = if is_record { What::Record(item) } else { What::Other(item) };
        Some(Ok(Found { line, what }))
    }
}

/// What one text holds, such as the body of a message.
pub fn found_in(text: &str) -> Vec<Result<Found, Broken>> {
    let events = Events::new(text.as_bytes());
    let found = events.filter_map(|found| match found {
        Ok(found) => Some(Ok(found)),
        Err(ReadError::Broken(broken)) => Some(Err(broken)),
        // Memory does not fail.
        Err(ReadError::Io { .. }) => None,
    });
    found.collect()
}

impl<R> std::fmt::Debug for Events<R> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Events").finish_non_exhaustive()
    }
}
