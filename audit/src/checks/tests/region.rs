//! PLACEHOLDER

use common::resource::RegionServices;
use serde_json::{Value, json};

use super::Example;

impl Example for RegionServices {
    const ARN: &'static str = "arn:aws:ec2:eu-west-1:111122223333:region/eu-west-1";
    const IDS: &'static [&'static str] = &[];

    fn healthy() -> Value {
        json!({})
    }

    fn rotten() -> Value {
        json!({})
    }
}
