//! Records for the tests.

use common::record::{Alert, Finding, Outcome, OutcomeStatus, Severity, TokenState};
use common::settings::Settings;
use serde_json::json;

use crate::digest::Digest;
use crate::group::{Gathered, Groups};

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

/// All that was collected, for one target in UTC.
pub(crate) fn digest(groups: Groups, settings: &Settings) -> Digest {
    let Gathered { entries, counted } = groups.finish();
    let zone = settings.notify.time_zone.clone().unwrap_or_default();
    let name = |account: &_| settings.account_name(account).map(str::to_owned);
    Digest::new(entries.into_iter().map(Into::into).collect(), &counted, zone, name)
}

/// So many findings of four severities in one account.
pub(crate) fn many(count: usize) -> Digest {
    let mut groups = Groups::default();
    for index in 0..count {
        groups.finding(finding(&format!("bucket-{index:05}"), Severity::ALL[index % 4]));
    }
    digest(groups, &Settings::default())
}

/// One of a drill that says all that there is to say.
pub(crate) fn full_alert() -> Alert {
    let mut alert = alert("open");
    let planted = |host: &str, path: &str, profile: &str| {
        let at = "2026-11-01T10:00:00Z";
        json!({"key": "AKIAIOSFODNN7EXAMPLE", "host": host, "path": path, "profile": profile, "at": at})
    };
    let others = (0..4).map(|number| planted("", &format!("/srv/{number}"), ""));
    let all = std::iter::once(planted("nas-1", "/root/.aws/credentials", "backup")).chain(others).collect();
    alert.token.planted = serde_json::from_value(all).unwrap();
    (alert.token.notes, alert.token.state) = ("ring \u{201c}it\u{201d} first".into(), Some(TokenState::Deleted));
    let event = alert.event.as_mut().unwrap();
    (event.region, event.tool) = (Some("eu-west-1".into()), Some("pacu".into()));
    (event.source, event.source_is_doubtful) = ("10.0.0.7".into(), true);
    (alert.drill, alert.latency_seconds, alert.suppressed) = (true, Some(252), 1_200);
    let action = json!({"name": "iam_deactivate_key", "AccessKeyId": "AKIAIOSFODNN7EXAMPLE"});
    alert.action = Some(serde_json::from_value(action).unwrap());
    alert
}

/// An alert of a decoy that was used.
pub(crate) fn alert(status: &str) -> Alert {
    serde_json::from_value(json!({
        "kind": "alert", "key": "honeytoken:9f2c:used", "incident": "honeytoken/9f2c/203.0.113.9", "status": status,
        "severity": "critical", "trigger": "used", "account": "111122223333", "region": "us-east-1", "type": "iam_user",
        "id": "svc-billing-export", "arn": "arn:aws:iam::111122223333:user/svc-billing-export",
        "title": "Decoy svc-billing-export was used from 203.0.113.9: sts:GetCallerIdentity",
        "token": {"id": "9f2c", "name": "svc-billing-export", "owner": "J. Smith", "location": "laptop-042",
            "labels": {"team": "it"}},
        "event": {"id": "e544d47e", "time": "2026-11-20T09:58:12Z", "operation": "sts:GetCallerIdentity", "allowed": true,
            "source": "203.0.113.9", "user_agent": "aws-cli/2.17 <!channel>", "access_key": "AKIAIOSFODNN7EXAMPLE"},
        "count": 3, "at": "2026-11-20T10:00:00Z"
    }))
    .unwrap()
}
