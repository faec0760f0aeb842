//! The checks of requests for Spot Instances.

use common::resource::SpotRequest;
use serde_json::{Value, json};

use super::Example;

impl Example for SpotRequest {
    const ARN: &'static str = "arn:aws:ec2:eu-west-1:111122223333:spot-instances-request/sir-0abc";
    const IDS: &'static [&'static str] = &["spot_request_runaway"];

    fn healthy() -> Value {
        json!({"SpotInstanceRequestId": "sir-0abc", "State": "open", "Type": "persistent"})
    }

    fn rotten() -> Value {
        json!({})
    }
}
