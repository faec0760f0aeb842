//! Managed policies, which have no checks.

use common::resource::ManagedPolicy;
use serde_json::{Value, json};

use super::Example;

impl Example for ManagedPolicy {
    const ARN: &'static str = "arn:aws:iam::111122223333:policy/team/deploy";
    const IDS: &'static [&'static str] = &[];

    fn healthy() -> Value {
        json!({"PolicyName": "deploy"})
    }

    fn rotten() -> Value {
        json!({})
    }
}
