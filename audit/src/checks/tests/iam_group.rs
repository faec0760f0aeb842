//! Groups, which have no checks.

use common::resource::Group;
use serde_json::{Value, json};

use super::Example;

impl Example for Group {
    const ARN: &'static str = "arn:aws:iam::111122223333:group/team/admins";
    const IDS: &'static [&'static str] = &[];

    fn healthy() -> Value {
        json!({"GroupName": "admins"})
    }

    fn rotten() -> Value {
        json!({})
    }
}
