//! PLACEHOLDER

use common::resource::Role;
use serde_json::{Value, json};

use super::Example;

impl Example for Role {
    const ARN: &'static str = "arn:aws:iam::111122223333:role/service-role/deploy";
    const IDS: &'static [&'static str] = &[];

    fn healthy() -> Value {
        json!({})
    }

    fn rotten() -> Value {
        json!({})
    }
}
