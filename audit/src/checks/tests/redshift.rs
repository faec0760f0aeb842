//! PLACEHOLDER

use common::resource::RedshiftCluster;
use serde_json::{Value, json};

use super::Example;

impl Example for RedshiftCluster {
    const ARN: &'static str = "arn:aws:redshift:eu-west-1:111122223333:cluster:sales";
    const IDS: &'static [&'static str] = &[];

    fn healthy() -> Value {
        json!({})
    }

    fn rotten() -> Value {
        json!({})
    }
}
