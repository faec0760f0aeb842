//! The checks of Auto Scaling groups.

use common::resource::AutoScalingGroup;
use serde_json::{Value, json};

use super::Example;

impl Example for AutoScalingGroup {
    const ARN: &'static str =
        "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:0f9d-1:autoScalingGroupName/web";
    const IDS: &'static [&'static str] = &["auto_scaling_group_runaway"];

    fn healthy() -> Value {
        json!({"AutoScalingGroupName": "web", "SuspendedProcesses": [], "Status": null, "Instances": [{"InstanceId": "i-0abc"}]})
    }

    fn rotten() -> Value {
        json!({})
    }
}
