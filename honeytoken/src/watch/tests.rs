//! The engine: what is noticed, what is not, and what is said of it.

use common::event::{Events, found_in};
use common::record::{Alert, AlertStatus, Severity, Token};
use common::settings::{Honeytoken, Settings};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::engine::{Engine, Rules, TakeError};
use super::input::Use;
use crate::registry::Registry;
use crate::registry::tests::token;

mod cases;
mod grouping;
mod laws;
mod running;

const KEY: &str = "AKIARZPUZDIKCI2FM6EQ";
const SESSION: &str = "ASIARZPUZDIKCI2FM6EQ";
const PRINCIPAL: &str = "AIDARZPUZDIKABCDEFGHI";
const ARN: &str = "arn:aws:iam::111122223333:user/team/svc-billing";
const OTHER_ARN: &str = "arn:aws:iam::111122223333:user/team/svc-export";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Some minutes after the calls of [`call`].
fn now() -> Timestamp {
    time("2026-11-20T10:05:00Z")
}

/// Two tokens, of which the second one was deleted months ago.
fn registry() -> Registry {
    let registry = Registry::in_memory().unwrap();
    let key = |id: &str, status: &str| json!({"id": id, "status": status, "created_at": "2026-01-01T00:00:00Z"});
    let mut first = token("t1", "svc-billing");
    first.principal_id = Some(PRINCIPAL.into());
    first.created_at = time("2026-01-01T00:00:00Z");
    first.keys = serde_json::from_value(json!([key(KEY, "active"), key("AKIARZPUZDIKCI2FM6OLD", "deleted")])).unwrap();
    let mut second = token("t2", "svc-export");
    second.principal_id = Some("AIDARZPUZDIKABCDEFGH2".into());
    second.created_at = time("2026-01-01T00:00:00Z");
    second.deleted_at = Some(time("2026-08-25T00:00:00Z"));
    second.state = common::record::TokenState::Deleted;
    second.keys = serde_json::from_value(json!([key("AKIARZPUZDIKCI2FM7EQ", "deleted")])).unwrap();
    let insert = |token: &Token| registry.insert(token, |_| None).unwrap();
    insert(&first);
    insert(&second);
    registry
}

fn rules(toml: &str) -> Rules {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sluice.toml");
    std::fs::write(&path, toml).unwrap();
    Rules::new(&Settings::load(Some(&path)).unwrap().honeytoken, None, false).unwrap()
}

fn plain() -> Rules {
    Rules::new(&Honeytoken::default(), None, false).unwrap()
}

/// A call with the first token's key, with these fields changed.
fn call(changed: Value) -> Value {
    let mut record = json!({
        "eventVersion": "1.10",
        "userIdentity": {"type": "IAMUser", "principalId": PRINCIPAL, "arn": ARN, "accountId": "111122223333",
            "accessKeyId": KEY, "userName": "svc-billing"},
        "eventTime": "2026-11-20T10:00:00Z", "eventSource": "sts.amazonaws.com", "eventName": "GetCallerIdentity",
        "awsRegion": "us-east-1", "sourceIPAddress": "203.0.113.9", "userAgent": "aws-cli/2.17.20 md/prompt#off",
        "requestParameters": null, "responseElements": null, "eventID": "e1", "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333",
    });
    merge(&mut record, changed);
    record
}

/// A call by an administrator.
fn by_admin(changed: Value) -> Value {
    let role = "arn:aws:iam::111122223333:role/admin";
    let mut record = call(json!({"userIdentity": {"type": "AssumedRole", "principalId": "AROAADMINADMINADMIN:jane",
        "arn": "arn:aws:sts::111122223333:assumed-role/admin/jane", "accountId": "111122223333",
        "accessKeyId": "ASIAADMINADMINADMIN1", "userName": null,
        "sessionContext": {"sessionIssuer": {"type": "Role", "principalId": "AROAADMINADMINADMIN", "arn": role,
            "accountId": "111122223333", "userName": "admin"}}}}));
    merge(&mut record, json!({"eventSource": "iam.amazonaws.com", "eventName": "GetUser"}));
    merge(&mut record, changed);
    record
}

fn merge(record: &mut Value, changed: Value) {
    let Value::Object(changed) = changed else { panic!("an object is expected") };
    for (name, value) in changed {
        if value.is_object() && record[&name].is_object() {
            merge(&mut record[&name], value);
        } else {
            record[&name] = value;
        }
    }
}

/// What an engine says to a text.
fn take(engine: &mut Engine<'_>, text: &str, now: Timestamp) -> Vec<Alert> {
    let mut alerts = Vec::new();
    for found in found_in(text) {
        alerts.extend(engine.take(&found.unwrap(), now).unwrap());
    }
    engine.settle(now).unwrap();
    alerts
}

/// Whether the registry has an event of the first token.
fn is_known(registry: &Registry, id: &str) -> bool {
    let query = "SELECT EXISTS (SELECT 1 FROM event WHERE id = ?1 AND token = 't1')";
    registry.read(|connection| connection.query_row(query, [id], |row| row.get(0))).unwrap()
}

/// What a fresh engine says to a record, as `token trigger severity`.
fn said(record: &Value) -> Vec<String> {
    let registry = registry();
    let mut engine = Engine::new(&registry, &registry, plain()).unwrap();
    let alerts = take(&mut engine, &record.to_string(), now());
    alerts.iter().map(|alert| format!("{} {} {}", alert.token.id, alert.trigger, alert.severity)).collect()
}
