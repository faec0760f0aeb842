//! PLACEHOLDER

use common::resource::Function;
use serde_json::{Value, json};

use super::Example;

impl Example for Function {
    const ARN: &'static str = "arn:aws:lambda:eu-west-1:111122223333:function:resize";
    const IDS: &'static [&'static str] = &[];

    fn healthy() -> Value {
        json!({})
    }

    fn rotten() -> Value {
        json!({})
    }
}
