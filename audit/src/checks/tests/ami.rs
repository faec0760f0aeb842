//! PLACEHOLDER

use common::resource::Image;
use serde_json::{Value, json};

use super::Example;

impl Example for Image {
    const ARN: &'static str = "arn:aws:ec2:eu-west-1::image/ami-0abc";
    const IDS: &'static [&'static str] = &[];

    fn healthy() -> Value {
        json!({})
    }

    fn rotten() -> Value {
        json!({})
    }
}
