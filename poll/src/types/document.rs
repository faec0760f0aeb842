//! Documents that AWS keeps as a text of JSON: policies of buckets and queues, redrive policies.

use common::operation::Operation;
use common::record::Unread;
use serde_json::Value;

/// Reads a document. One that is not JSON is unread, with the code `MalformedPolicy`: to call it absent would call a
/// resource private of which nobody knows whom it lets in.
pub(super) fn parse(text: Option<&str>, field: &str, operation: Operation, unread: &mut Vec<Unread>) -> Option<Value> {
    let text = text.filter(|text| !text.is_empty())?;
    match serde_json::from_str(text) {
        Ok(document @ Value::Object(_)) => Some(document),
        Ok(_) => {
            unread.push(malformed(field, operation, "it is JSON, but no object".to_owned()));
            None
        }
        Err(error) => {
            unread.push(malformed(field, operation, format!("it is not JSON: {error}")));
            None
        }
    }
}

fn malformed(field: &str, operation: Operation, message: String) -> Unread {
    Unread {
        field: field.to_owned(),
        operation: operation.into(),
        code: "MalformedPolicy".to_owned(),
        message: Some(message),
    }
}

#[cfg(test)]
mod tests {
    use common::operation::S3_GET_BUCKET_POLICY;
    use serde_json::json;

    use super::*;

    #[test]
    fn no_document_is_absent_and_a_broken_one_is_unread() {
        let rows = [
            (None, None, false),
            (Some(""), None, false),
            (Some(r#"{"Statement":[]}"#), Some(json!({"Statement": []})), false),
            (Some(r#"{"Statement":["#), None, true),
            (Some("[]"), None, true),
            (Some("null"), None, true),
        ];
        for (text, expected, is_unread) in rows {
            let mut unread = Vec::new();
            assert_eq!(parse(text, "Policy", S3_GET_BUCKET_POLICY, &mut unread), expected, "{text:?}");
            assert_eq!(!unread.is_empty(), is_unread, "{text:?}");
            assert!(unread.iter().all(|unread| unread.code == "MalformedPolicy" && unread.field == "Policy"));
        }
    }
}
