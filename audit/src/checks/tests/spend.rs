//! What accounts spend, which has no checks.

use common::resource::Spend;
use serde_json::{Value, json};

use super::Example;

impl Example for Spend {
    const ARN: &'static str = "arn:aws:ce::111122223333:spend/111122223333";
    const IDS: &'static [&'static str] = &[];

    fn healthy() -> Value {
        json!({"EstimatedCharges": [{"Timestamp": "2026-11-20T08:00:00Z", "Maximum": 12.5, "Currency": "USD"}]})
    }

    fn rotten() -> Value {
        json!({})
    }
}
