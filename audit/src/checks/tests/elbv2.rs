//! PLACEHOLDER

use common::resource::LoadBalancer;
use serde_json::{Value, json};

use super::Example;

impl Example for LoadBalancer {
    const ARN: &'static str =
        "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/50dc6c495c0c9188";
    const IDS: &'static [&'static str] = &[];

    fn healthy() -> Value {
        json!({})
    }

    fn rotten() -> Value {
        json!({})
    }
}
