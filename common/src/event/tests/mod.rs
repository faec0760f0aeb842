//! What comes in, and what is found in it.

mod corpora;
mod gzip;
mod laws;
mod records;
mod shapes;
mod streams;

use std::io::{Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::{Events, Found, Record, What};
use crate::stream::{Broken, ReadError};

/// A CloudTrail record as AWS writes it today.
fn record(id: &str) -> Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/web", "accountId": "111122223333"},
        "eventTime": "2026-11-20T10:00:00Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "PutBucketPolicy",
        "awsRegion": "eu-west-1",
        "requestParameters": {"bucketName": "acme", "Records": [{"eventSource": "aws:s3"}], "policy": "{\"a\":\"\\\"\"}"},
        "eventID": id,
    })
}

/// What was found, as a person would write it down.
fn describe(found: &Found) -> String {
    let Found { line, what, .. } = found;
    match what {
        What::Record(item) => format!("{line} record {}", &*Record::parse(&item.text).unwrap().event_id),
        What::File(file) => format!("{line} file s3://{}/{}", file.bucket, file.key),
        What::Health(item) => format!("{line} health {}", item.text.len()),
        What::Nothing(why) => format!("{line} nothing: {why}"),
        What::Other(item) => format!("{line} other {}", item.text),
    }
}

fn said<R: Read>(events: Events<R>) -> Vec<String> {
    events.map(|found| found.map_or_else(|error| error.to_string(), |found| describe(&found))).collect()
}

fn found(input: impl AsRef<[u8]>) -> Vec<String> {
    said(Events::new(input.as_ref()))
}

fn found_in(text: &str) -> Vec<String> {
    let found = super::found_in(text).into_iter();
    found.map(|found| found.map_or_else(|error: Broken| error.to_string(), |found| describe(&found))).collect()
}

fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes.as_ref()).unwrap();
    packed.finish().unwrap()
}

/// The texts of the records, and whether the last thing was that the input cannot be read further.
fn records(input: &[u8]) -> (Vec<String>, bool) {
    let (mut records, mut failed) = (Vec::new(), false);
    for found in Events::new(input) {
        assert!(!failed, "something comes behind the end");
        match found {
            Ok(Found { what: What::Record(item), .. }) => records.push(item.text),
            Ok(_) | Err(ReadError::Broken(_)) => {}
            Err(ReadError::Io { .. }) => failed = true,
        }
    }
    (records, failed)
}
