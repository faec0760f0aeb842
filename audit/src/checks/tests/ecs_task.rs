//! PLACEHOLDER

use common::resource::EcsTask;
use serde_json::{Value, json};

use super::Example;

impl Example for EcsTask {
    const ARN: &'static str = "arn:aws:ecs:eu-west-1:111122223333:task/blue/0f9d";
    const IDS: &'static [&'static str] = &[];

    fn healthy() -> Value {
        json!({})
    }

    fn rotten() -> Value {
        json!({})
    }
}
