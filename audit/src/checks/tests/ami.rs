//! The checks of AMIs: see `shares` for the cases.

use common::resource::Image;
use serde_json::{Value, json};

use super::Example;
use super::shares::shared;

impl Example for Image {
    const ARN: &'static str = "arn:aws:ec2:eu-west-1::image/ami-0abc";
    const IDS: &'static [&'static str] = &["ami_public", "ami_shared"];

    fn healthy() -> Value {
        json!({"ImageId": "ami-0abc", "State": "available", "Public": false, "LaunchPermissions": []})
    }

    fn rotten() -> Value {
        shared::<Self>(&["all", "444455556666"])
    }
}
