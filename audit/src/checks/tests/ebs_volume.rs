//! PLACEHOLDER

use common::resource::Volume;
use serde_json::{Value, json};

use super::Example;

impl Example for Volume {
    const ARN: &'static str = "arn:aws:ec2:eu-west-1:111122223333:volume/vol-0abc";
    const IDS: &'static [&'static str] = &[];

    fn healthy() -> Value {
        json!({"VolumeId": "vol-0abc"})
    }

    fn rotten() -> Value {
        json!({})
    }
}
