//! Records that a tool is told of, for tests that need none of a real resource.

use serde_json::{Value, json};

/// A finding about a bucket. Its title has what would be a mark in a channel that does not take care.
pub fn finding(account: &str, id: &str, severity: &str) -> Value {
    let arn = format!("arn:aws:s3:::{id}");
    json!({
        "kind": "finding", "key": format!("s3_bucket_public_acl:{arn}"), "check": "s3_bucket_public_acl", "status": "fail",
        "severity": severity, "account": account, "region": "us-east-1", "type": "s3_bucket", "id": id, "arn": arn,
        "tags": {}, "title": format!("S3 bucket {id} <script> <!channel> is readable by anyone"), "evidence": null, "controls": [],
        "action": "s3_make_acl_private", "found_at": "2026-11-20T10:00:00Z",
    })
}

/// An alert of an incident that is open. Its title would be a header in a mail that does not take care.
pub fn alert(account: &str, incident: &str) -> Value {
    json!({
        "kind": "alert", "key": format!("{incident}/1"), "incident": incident, "status": "open", "severity": "critical",
        "trigger": "used", "account": account, "region": "us-east-1", "type": "iam_user", "id": "svc",
        "arn": format!("arn:aws:iam::{account}:user/svc"), "title": "Decoy svc was used\r\nBcc: evil@evil.example",
        "token": {"id": "t1", "name": "svc"}, "at": "2026-11-20T10:00:00Z",
    })
}
