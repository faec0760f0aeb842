//! PLACEHOLDER

use common::resource::KmsKey;
use serde_json::{Value, json};

use super::Example;

impl Example for KmsKey {
    const ARN: &'static str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd";
    const IDS: &'static [&'static str] = &[];

    fn healthy() -> Value {
        json!({})
    }

    fn rotten() -> Value {
        json!({})
    }
}
