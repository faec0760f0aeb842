//! Documents that AWS keeps as a text of JSON: policies, redrive policies.

use common::operation::Operation;
use common::percent::decoded;
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

/// As [`parse`], of a document as IAM gives it: with percent signs, as in a URL (RFC 3986).
pub(super) fn parse_encoded(
    text: Option<&str>,
    field: &str,
    operation: Operation,
    unread: &mut Vec<Unread>,
) -> Option<Value> {
    let Some(text) = decoded(text?) else {
        unread.push(malformed(field, operation, "it is no URL-encoded UTF-8".to_owned()));
        return None;
    };
    parse(Some(&text), field, operation, unread)
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

    #[test]
    fn what_iam_gives_is_decoded_and_what_is_not_encoded_so_is_unread() {
        let rows = [
            (None, None, false),
            (Some(""), None, false),
            (Some("%7B%22Sid%22%3A%22a%20b%2Bc%25%C3%A4%22%7D"), Some(json!({"Sid": "a b+c%\u{e4}"})), false),
            (Some("%7b%22Sid%22:%22a+b%22%7d"), Some(json!({"Sid": "a+b"})), false),
            (Some(r#"{"Sid":"plain"}"#), Some(json!({"Sid": "plain"})), false),
            (Some("%7B%22Sid%22%3A1%7"), None, true),
            (Some("%7B%22%+1%22%3A1%7D"), None, true),
            (Some("%7B%22%\u{e4}%22%3A1%7D"), None, true),
            (Some("%7B%22%FF%22%3A1%7D"), None, true),
            (Some("%22x%22"), None, true),
        ];
        for (text, expected, is_unread) in rows {
            let mut unread = Vec::new();
            assert_eq!(parse_encoded(text, "Policy", S3_GET_BUCKET_POLICY, &mut unread), expected, "{text:?}");
            assert_eq!(!unread.is_empty(), is_unread, "{text:?}");
        }
    }
}
