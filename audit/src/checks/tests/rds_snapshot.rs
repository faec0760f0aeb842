//! PLACEHOLDER

use common::resource::DbSnapshot;
use serde_json::{Value, json};

use super::Example;

impl Example for DbSnapshot {
    const ARN: &'static str = "arn:aws:rds:eu-west-1:111122223333:snapshot:shop-1";
    const IDS: &'static [&'static str] = &[];

    fn healthy() -> Value {
        json!({})
    }

    fn rotten() -> Value {
        json!({})
    }
}
