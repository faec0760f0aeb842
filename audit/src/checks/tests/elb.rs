//! PLACEHOLDER

use common::resource::ClassicLoadBalancer;
use serde_json::{Value, json};

use super::Example;

impl Example for ClassicLoadBalancer {
    const ARN: &'static str = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/web";
    const IDS: &'static [&'static str] = &[];

    fn healthy() -> Value {
        json!({})
    }

    fn rotten() -> Value {
        json!({})
    }
}
