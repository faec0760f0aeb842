//! Errors in the shape of the service that was called.
//!
//! S3: <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>,
//! EC2: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>,
//! the query protocol: <https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html>.

use crate::http::Response;
use crate::operation::{Call, speaks_cbor};

/// `code` and `message` as the service of `call` says them.
pub(crate) fn error(call: &Call, status: u16, code: &str, message: &str) -> Response {
    const REQUEST_ID: &str = "00000000-0000-4000-8000-000000000000";
    let message_xml = message.replace('&', "&amp;").replace('<', "&lt;");
    if speaks_cbor(&call.request) {
        return Response::new(status, cbor(&[("__type", code), ("message", message)]))
            .with("Content-Type", "application/cbor")
            .with("smithy-protocol", "rpc-v2-cbor")
            .with("x-amzn-RequestId", REQUEST_ID);
    }
    if speaks_json(call) {
        let body = serde_json::json!({ "__type": format!("com.amazon.coral.service#{code}"), "message": message });
        let response = Response::new(status, body.to_string())
            .with("Content-Type", "application/x-amz-json-1.0")
            .with("x-amzn-ErrorType", code)
            .with("x-amzn-RequestId", REQUEST_ID);
        // SQS spoke the query protocol once; its clients go by the code of that time, which stands in this header.
        // https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#aws-protocols-awsquerycompatible-trait
        return match call.service.as_str() {
            "sqs" => response
                .with("x-amzn-query-error", format!("{};Sender", code.strip_suffix("Exception").unwrap_or(code))),
            _ => response,
        };
    }
    let body = match call.service.as_str() {
        "s3" => format!(
            "<Error><Code>{code}</Code><Message>{message_xml}</Message><RequestId>{REQUEST_ID}</RequestId>\
             <HostId>test</HostId></Error>"
        ),
        "ec2" => format!(
            "<Response><Errors><Error><Code>{code}</Code><Message>{message_xml}</Message></Error></Errors>\
             <RequestID>{REQUEST_ID}</RequestID></Response>"
        ),
        _ => format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message_xml}</Message></Error>\
             <RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
        ),
    };
    Response::new(status, format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}"))
        .with("Content-Type", "text/xml")
        .with("x-amz-request-id", REQUEST_ID)
}

/// A map of a few texts: <https://www.rfc-editor.org/rfc/rfc8949#section-3.1>.
fn cbor(pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut body = vec![0xa0 | u8::try_from(pairs.len()).unwrap_or(0)];
    for text in pairs.iter().flat_map(|(key, value)| [key, value]) {
        // A text whose length stands in two bytes.
        body.push(0x79);
        body.extend(u16::try_from(text.len()).unwrap_or(0).to_be_bytes());
        body.extend(text.bytes());
    }
    body
}

/// Whether the service's answers are JSON: where the request names its operation in a header, and where it does so by its
/// path (<https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html>).
fn speaks_json(call: &Call) -> bool {
    call.request.header("x-amz-target").is_some() || matches!(call.service.as_str(), "guardduty" | "lambda")
}

/// What the service says to a caller whose policies do not allow the call.
pub(crate) fn access_denied(call: &Call) -> Response {
    let (status, code) = match call.service.as_str() {
        "ec2" => (403, "UnauthorizedOperation"),
        "sns" => (403, "AuthorizationError"),
        "sqs" | "guardduty" | "lambda" => (403, "AccessDeniedException"),
        _ if speaks_json(call) => (400, "AccessDeniedException"),
        _ => (403, "AccessDenied"),
    };
    let message = format!(
        "User: arn:aws:sts::111122223333:assumed-role/test/test is not authorized to perform: {call} because no \
         identity-based policy allows the {call} action"
    );
    error(call, status, code, &message)
}

/// What the service says to a caller who calls too often.
pub(crate) fn throttled(call: &Call) -> Response {
    let (status, code) = match call.service.as_str() {
        "s3" => (503, "SlowDown"),
        "ec2" => (503, "RequestLimitExceeded"),
        "sqs" => (403, "RequestThrottled"),
        "guardduty" | "lambda" => (429, "TooManyRequestsException"),
        _ if speaks_json(call) => (400, "ThrottlingException"),
        _ => (400, "Throttling"),
    };
    error(call, status, code, "Rate exceeded")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Request;

    fn call(service: &str, operation: &str, json: bool) -> Call {
        let mut request = Request { method: "POST".into(), target: "/".into(), ..Request::default() };
        if json {
            request.headers.push(("X-Amz-Target".into(), format!("X.{operation}")));
        }
        Call { service: service.into(), operation: operation.into(), access_key: "AKID".into(), request }
    }

    #[test]
    fn denies_as_the_service_does() {
        for (service, json, status, part) in [
            ("s3", false, 403, "\n<Error><Code>AccessDenied</Code>"),
            ("s3control", false, 403, "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"),
            ("ec2", false, 403, "<Response><Errors><Error><Code>UnauthorizedOperation</Code>"),
            ("iam", false, 403, "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"),
            ("sns", false, 403, "<Code>AuthorizationError</Code>"),
            ("sqs", true, 403, "service#AccessDeniedException\""),
            ("organizations", true, 400, "service#AccessDeniedException\""),
        ] {
            let response = access_denied(&call(service, "Do", json));
            let body = String::from_utf8(response.body).unwrap();
            assert_eq!(response.status, status, "{service}");
            assert!(body.contains(part), "{service}: {body}");
            assert!(body.contains(&format!("not authorized to perform: {service}:Do")), "{service}: {body}");
        }
    }

    #[test]
    fn gives_the_old_code_of_sqs_beside_the_new() {
        let response = access_denied(&call("sqs", "ListQueues", true));
        assert!(response.headers.contains(&("x-amzn-query-error".into(), "AccessDenied;Sender".into())));
    }

    #[test]
    fn throttles_as_the_service_does() {
        for (service, json, status, code) in [
            ("s3", false, 503, "SlowDown"),
            ("ec2", false, 503, "RequestLimitExceeded"),
            ("iam", false, 400, "Throttling"),
            ("sqs", true, 403, "RequestThrottled"),
            ("organizations", true, 400, "ThrottlingException"),
        ] {
            let response = throttled(&call(service, "Do", json));
            assert_eq!(response.status, status, "{service}");
            assert!(String::from_utf8(response.body).unwrap().contains(code), "{service}");
        }
    }

    #[test]
    fn escapes_markup() {
        let response = error(&call("iam", "Do", false), 400, "X", "<a> & b");
        assert!(String::from_utf8(response.body).unwrap().contains("&lt;a> &amp; b"));
    }
}
