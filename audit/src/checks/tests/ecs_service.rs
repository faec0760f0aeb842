//! PLACEHOLDER

use common::resource::EcsService;
use serde_json::{Value, json};

use super::Example;

impl Example for EcsService {
    const ARN: &'static str = "arn:aws:ecs:eu-west-1:111122223333:service/blue/web";
    const IDS: &'static [&'static str] = &[];

    fn healthy() -> Value {
        json!({})
    }

    fn rotten() -> Value {
        json!({})
    }
}
