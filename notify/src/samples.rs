//! Records for the tests.

use common::record::{Finding, Outcome, OutcomeStatus, Severity};
use common::settings::Settings;
use serde_json::json;

use crate::group::{Group, Groups};

/// A finding on a bucket.
pub(crate) fn finding(id: &str, severity: Severity) -> Finding {
    serde_json::from_value(json!({
        "kind": "finding", "key": format!("s3_bucket_public_acl:arn:aws:s3:::{id}"), "check": "s3_bucket_public_acl",
        "status": "fail", "severity": severity, "account": "111122223333", "region": "eu-west-1", "type": "s3_bucket",
        "id": id, "arn": format!("arn:aws:s3:::{id}"), "controls": ["FSBP S3.2"],
        "title": format!("S3 bucket {id} is readable by anyone through its ACL"), "action": "s3_make_acl_private"
    }))
    .unwrap()
}

/// An outcome on a bucket.
pub(crate) fn outcome(id: &str, status: OutcomeStatus) -> Outcome {
    serde_json::from_value(json!({
        "kind": "outcome", "key": format!("s3_bucket_public_acl:arn:aws:s3:::{id}"), "status": status,
        "account": "111122223333", "region": "eu-west-1", "type": "s3_bucket", "id": id,
        "arn": format!("arn:aws:s3:::{id}"), "check": "s3_bucket_public_acl", "severity": "high",
        "title": format!("S3 bucket {id} is readable by anyone through its ACL"), "action": "s3_make_acl_private",
        "calls": [{"operation": "s3:PutBucketAcl", "ok": true, "request_id": "r-1"}], "at": "2026-11-20T10:00:00.7Z"
    }))
    .unwrap()
}

/// Settings from TOML.
pub(crate) fn settings(toml: &str) -> Settings {
    let path =
        std::env::temp_dir().join(format!("notify-settings-{}-{:?}", std::process::id(), std::thread::current().id()));
    std::fs::write(&path, toml).unwrap();
    let settings = Settings::load(Some(&path));
    std::fs::remove_file(&path).unwrap();
    settings.unwrap()
}

/// One account's group of so many findings.
pub(crate) fn group(count: usize) -> Group {
    let mut groups = Groups::default();
    for index in 0..count {
        groups.finding(finding(&format!("bucket-{index:05}"), Severity::ALL[index % 4]));
    }
    groups.finish(&Settings::default()).remove(0)
}
