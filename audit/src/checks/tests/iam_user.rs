//! The checks of IAM users. It is 2026-11-20T10:00:00Z.

use common::resource::{ResourceType, User};
use common::settings::{Check, Settings, Thresholds};
use serde_json::{Value, json};

use super::{Example, settings, table, with};

impl Example for User {
    const ARN: &'static str = "arn:aws:iam::111122223333:user/team/jane";
    const IDS: &'static [&'static str] =
        &["iam_user_mfa", "iam_user_password_unused", "iam_user_key_unused", "iam_user_runaway"];

    fn healthy() -> Value {
        json!({
            "UserName": "jane",
            "CreateDate": "2020-01-01T00:00:00Z",
            "PasswordEnabled": true,
            "PasswordLastChanged": "2026-01-01T00:00:00Z",
            "PasswordLastUsed": "2026-11-19T00:00:00Z",
            "MfaActive": true,
            "AccessKeys": [{
                "AccessKeyId": "AKIA1", "Status": "Active",
                "CreateDate": "2020-01-01T00:00:00Z", "LastUsedDate": "2026-11-19T00:00:00Z",
            }],
            "UserPolicyList": [],
        })
    }

    fn rotten() -> Value {
        json!({
            "MfaActive": false,
            "PasswordLastUsed": "2026-02-01T00:00:00Z",
            "AccessKeys": [{"AccessKeyId": "AKIA1", "Status": "Active", "CreateDate": "2020-01-01T00:00:00Z"}],
        })
    }
}

fn user(fields: Value) -> Value {
    with(ResourceType::IamUser, fields)
}

#[test]
fn mfa() {
    let since = |time: Value| user(json!({"MfaActive": false, "PasswordLastChanged": time}));
    let fail = &["fail medium iam_delete_login_profile"][..];
    table(
        &settings(),
        "iam_user_mfa",
        &[
            ("long ago", since(json!("2026-01-01T00:00:00Z")), fail),
            ("just over the grace", since(json!("2026-11-19T09:59:59Z")), fail),
            ("exactly the grace", since(json!("2026-11-19T10:00:00Z")), &["pass"]),
            ("tomorrow", since(json!("2026-11-21T10:00:00Z")), &["pass"]),
            ("no password", user(json!({"MfaActive": false, "PasswordEnabled": false})), &["pass"]),
            ("nobody knows since when", since(Value::Null), &["unknown the record does not say PasswordLastChanged"]),
            (
                "a user who is an hour old",
                user(json!({
                    "MfaActive": false, "PasswordLastChanged": null, "CreateDate": "2026-11-20T09:00:00Z",
                })),
                &["pass"],
            ),
            ("nobody knows, but there is MFA", user(json!({"PasswordLastChanged": null})), &["pass"]),
        ],
    );
    let grace = Thresholds { mfa_grace_hours: 0, ..Thresholds::default() };
    let strict = Settings { thresholds: grace, ..settings() };
    table(&strict, "iam_user_mfa", &[("no grace", since(json!("2026-11-20T09:59:59Z")), fail)]);
}

#[test]
fn unused_passwords() {
    let times = |set: Value, used: Value| user(json!({"PasswordLastChanged": set, "PasswordLastUsed": used}));
    let fail = &["fail medium iam_delete_login_profile"][..];
    table(
        &settings(),
        "iam_user_password_unused",
        &[
            ("over 90 days", times(json!("2020-01-01T00:00:00Z"), json!("2026-08-22T09:59:59Z")), fail),
            ("exactly 90 days", times(json!("2020-01-01T00:00:00Z"), json!("2026-08-22T10:00:00Z")), &["pass"]),
            ("never, set long ago", times(json!("2020-01-01T00:00:00Z"), Value::Null), fail),
            ("never, set lately", times(json!("2026-11-01T00:00:00Z"), Value::Null), &["pass"]),
            ("set again lately", times(json!("2026-11-01T00:00:00Z"), json!("2020-01-01T00:00:00Z")), &["pass"]),
            ("nobody knows", times(Value::Null, Value::Null), &["unknown the record does not say PasswordLastChanged"]),
            ("nobody knows, but it is in use", times(Value::Null, json!("2026-11-19T00:00:00Z")), &["pass"]),
            ("used tomorrow", times(json!("2020-01-01T00:00:00Z"), json!("2026-11-21T00:00:00Z")), &["pass"]),
            (
                "no password",
                user(json!({
                    "PasswordEnabled": false, "PasswordLastUsed": "2020-01-01T00:00:00Z",
                })),
                &["pass"],
            ),
        ],
    );
}

#[test]
fn unused_keys() {
    let key = |id: &str, status: &str, made: Value, used: Value| json!({"AccessKeyId": id, "Status": status, "CreateDate": made, "LastUsedDate": used});
    let keys = |keys: &[Value]| user(json!({"AccessKeys": keys}));
    let old = || json!("2020-01-01T00:00:00Z");
    table(
        &settings(),
        "iam_user_key_unused",
        &[
            (
                "over 100 days",
                keys(&[key("AKIA1", "Active", old(), json!("2026-08-12T09:59:59Z"))]),
                &["fail medium iam_deactivate_key AKIA1"],
            ),
            ("exactly 100 days", keys(&[key("AKIA1", "Active", old(), json!("2026-08-12T10:00:00Z"))]), &["pass"]),
            ("inactive", keys(&[key("AKIA1", "Inactive", old(), old())]), &["pass"]),
            ("never used, new", keys(&[key("AKIA1", "Active", json!("2026-11-01T00:00:00Z"), Value::Null)]), &["pass"]),
            (
                "no date at all",
                keys(&[key("AKIA1", "Active", Value::Null, Value::Null)]),
                &["unknown the record says of access key AKIA1 neither LastUsedDate nor CreateDate"],
            ),
            (
                "two keys, each for itself",
                keys(&[
                    key("AKIA1", "Active", old(), Value::Null),
                    key("AKIA2", "Active", old(), old()),
                    key("AKIA3", "Active", old(), json!("2026-11-20T00:00:00Z")),
                ]),
                &["fail medium iam_deactivate_key AKIA1", "fail medium iam_deactivate_key AKIA2"],
            ),
            ("no key", keys(&[]), &["pass"]),
        ],
    );
    let delete = Check { action: Some("iam_delete_key".to_owned()), ..Check::default() };
    let chosen = Settings { checks: [("iam_user_key_unused".to_owned(), delete)].into(), ..settings() };
    let stale = keys(&[key("AKIA1", "Active", old(), old())]);
    table(&chosen, "iam_user_key_unused", &[("to be deleted", stale, &["fail medium iam_delete_key AKIA1"])]);
}
