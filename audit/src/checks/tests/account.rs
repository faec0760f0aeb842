//! PLACEHOLDER

use common::resource::AccountSecurity;
use serde_json::{Value, json};

use super::Example;

impl Example for AccountSecurity {
    const ARN: &'static str = "arn:aws:iam::111122223333:root";
    const IDS: &'static [&'static str] = &[];

    fn healthy() -> Value {
        json!({})
    }

    fn rotten() -> Value {
        json!({})
    }
}
