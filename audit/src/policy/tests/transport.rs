//! Denying plain HTTP.

use super::*;

#[test]
fn plain_http() {
    let arn = "arn:aws:s3:::acme";
    let base = json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [arn, format!("{arn}/*")],
                      "Condition": {"Bool": {"aws:SecureTransport": "false"}}});
    let with = |changes: Value| {
        let mut statement = base.clone();
        for (key, value) in changes.as_object().unwrap() {
            if value.is_null() {
                statement.as_object_mut().unwrap().remove(key);
            } else {
                statement[key] = value.clone();
            }
        }
        statement
    };
    let rows = [
        (json!([base]), true),
        (base.clone(), true),
        (json!([]), false),
        (with(json!({"Principal": {"AWS": "*"}})), true),
        (with(json!({"Principal": {"AWS": ["222233334444", "*"]}})), true),
        (with(json!({"Principal": {"AWS": "222233334444"}})), false),
        (with(json!({"Principal": null, "NotPrincipal": {"AWS": "222233334444"}})), false),
        (with(json!({"Action": ["s3:GetObject", "*"]})), true),
        (with(json!({"Action": "S3:*"})), true),
        (with(json!({"Action": "s3:Get*"})), false),
        (with(json!({"Action": null, "NotAction": "iam:*"})), true),
        (with(json!({"Action": null, "NotAction": "s3:GetObject"})), false),
        (with(json!({"Resource": "*"})), true),
        (with(json!({"Resource": "arn:aws:s3:::acme*"})), true),
        (with(json!({"Resource": "arn:aws:s3:::*"})), true),
        (with(json!({"Resource": format!("{arn}/*")})), false),
        (with(json!({"Resource": arn})), false),
        (with(json!({"Resource": ["arn:aws-cn:s3:::acme", "arn:aws-cn:s3:::acme/*"]})), false),
        (with(json!({"Resource": null, "NotResource": "arn:aws:s3:::other/*"})), true),
        (with(json!({"Resource": null, "NotResource": format!("{arn}/public/*")})), false),
        (json!([with(json!({"Resource": arn})), with(json!({"Resource": format!("{arn}/*")}))]), true),
        (with(json!({"Condition": {"Bool": {"AWS:securetransport": false}}})), true),
        (with(json!({"Condition": {"bool": {"aws:SecureTransport": ["False"]}}})), true),
        (with(json!({"Condition": {"BoolIfExists": {"aws:SecureTransport": "false"}}})), true),
        (with(json!({"Condition": {"Bool": {"aws:SecureTransport": "true"}}})), false),
        (
            with(
                json!({"Condition": {"Bool": {"aws:SecureTransport": "false"}, "IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}),
            ),
            false,
        ),
        (with(json!({"Condition": {"Bool": {"aws:SecureTransport": "false", "aws:ViaAWSService": "false"}}})), false),
        (with(json!({"Condition": {"Null": {"aws:SecureTransport": "false"}}})), false),
        // Everything is denied, also over plain HTTP.
        (with(json!({"Condition": null})), true),
        (with(json!({"Effect": "Allow"})), false),
    ];
    for (statements, expected) in rows {
        assert_eq!(denies_insecure_transport(&document(&statements), arn), expected, "{statements}");
    }
}
