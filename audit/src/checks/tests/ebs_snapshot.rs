//! PLACEHOLDER

use common::resource::Snapshot;
use serde_json::{Value, json};

use super::Example;

impl Example for Snapshot {
    const ARN: &'static str = "arn:aws:ec2:eu-west-1::snapshot/snap-0abc";
    const IDS: &'static [&'static str] = &[];

    fn healthy() -> Value {
        json!({})
    }

    fn rotten() -> Value {
        json!({})
    }
}
