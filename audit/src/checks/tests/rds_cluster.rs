//! PLACEHOLDER

use common::resource::DbCluster;
use serde_json::{Value, json};

use super::Example;

impl Example for DbCluster {
    const ARN: &'static str = "arn:aws:rds:eu-west-1:111122223333:cluster:shop";
    const IDS: &'static [&'static str] = &[];

    fn healthy() -> Value {
        json!({})
    }

    fn rotten() -> Value {
        json!({})
    }
}
