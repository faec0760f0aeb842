//! PLACEHOLDER

use common::resource::EcsTaskSet;
use serde_json::{Value, json};

use super::Example;

impl Example for EcsTaskSet {
    const ARN: &'static str = "arn:aws:ecs:eu-west-1:111122223333:task-set/blue/web/ecs-svc/123";
    const IDS: &'static [&'static str] = &[];

    fn healthy() -> Value {
        json!({})
    }

    fn rotten() -> Value {
        json!({})
    }
}
