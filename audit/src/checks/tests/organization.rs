//! The organization, which has no checks.

use common::resource::Organization;
use serde_json::{Value, json};

use super::Example;

impl Example for Organization {
    const ARN: &'static str = "arn:aws:organizations::111122223333:organization/o-acme";
    const IDS: &'static [&'static str] = &[];

    fn healthy() -> Value {
        json!({"Id": "o-acme"})
    }

    fn rotten() -> Value {
        json!({})
    }
}
