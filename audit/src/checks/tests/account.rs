//! The checks of accounts.

use common::resource::{AccountSecurity, ResourceType};
use common::settings::{Settings, Thresholds};
use serde_json::{Value, json};

use super::{Example, judge, resource, settings, table, with};

impl Example for AccountSecurity {
    const ARN: &'static str = "arn:aws:iam::111122223333:root";
    const IDS: &'static [&'static str] = &[
        "account_root_mfa",
        "account_root_keys",
        "account_password_policy",
        "account_password_reuse",
        "account_s3_public_access_block",
    ];

    fn healthy() -> Value {
        json!({
            "AccountMFAEnabled": true,
            "AccountAccessKeysPresent": 0,
            "AccountPasswordPresent": true,
            "PasswordPolicy": policy(&json!({})),
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": true, "IgnorePublicAcls": true,
                "BlockPublicPolicy": true, "RestrictPublicBuckets": true,
            },
        })
    }

    fn rotten() -> Value {
        json!({
            "AccountMFAEnabled": false,
            "AccountAccessKeysPresent": 1,
            "PasswordPolicy": null,
            "PublicAccessBlockConfiguration": null,
        })
    }
}

/// A strong password policy with some rules replaced.
fn policy(rules: &Value) -> Value {
    let mut policy = json!({
        "MinimumPasswordLength": 14, "RequireLowercaseCharacters": true, "RequireUppercaseCharacters": true,
        "RequireNumbers": true, "RequireSymbols": true, "PasswordReusePrevention": 24,
    });
    policy.as_object_mut().unwrap().extend(rules.as_object().unwrap().clone());
    policy
}

fn account(fields: Value) -> Value {
    with(ResourceType::Account, fields)
}

#[test]
fn the_root_user() {
    let critical = &["fail critical -"][..];
    let mfa =
        |mfa: Value, password: Value| account(json!({"AccountMFAEnabled": mfa, "AccountPasswordPresent": password}));
    let unknown = &["unknown the record does not say AccountMFAEnabled"][..];
    table(
        &settings(),
        "account_root_mfa",
        &[
            ("a password alone", mfa(json!(false), json!(true)), critical),
            ("AWS does not tell of a password", mfa(json!(false), Value::Null), critical),
            ("no password to sign in with", mfa(json!(false), json!(false)), &["pass"]),
            ("nobody knows", mfa(Value::Null, json!(true)), unknown),
            ("nobody knows, nor of a password", mfa(Value::Null, Value::Null), unknown),
            ("nobody knows, and it does not matter", mfa(Value::Null, json!(false)), &["pass"]),
        ],
    );
    let keys = |count: Value| account(json!({ "AccountAccessKeysPresent": count }));
    table(
        &settings(),
        "account_root_keys",
        &[
            ("one", keys(json!(1)), critical),
            ("two", keys(json!(2)), critical),
            ("nobody knows", keys(Value::Null), &["unknown the record does not say AccountAccessKeysPresent"]),
        ],
    );
}

#[test]
fn weak_passwords() {
    let is = |rules: Value| account(json!({ "PasswordPolicy": policy(&rules) }));
    let medium = &["fail medium -"][..];
    table(
        &settings(),
        "account_password_policy",
        &[
            ("no policy", account(json!({ "PasswordPolicy": null })), medium),
            ("one character too short", is(json!({ "MinimumPasswordLength": 13 })), medium),
            ("longer", is(json!({ "MinimumPasswordLength": 128 })), &["pass"]),
            ("no lower-case letters", is(json!({ "RequireLowercaseCharacters": false })), medium),
            ("no upper-case letters", is(json!({ "RequireUppercaseCharacters": false })), medium),
            ("no digits", is(json!({ "RequireNumbers": false })), medium),
            ("no symbols", is(json!({ "RequireSymbols": false })), medium),
            (
                "nobody knows how long",
                is(json!({ "MinimumPasswordLength": null })),
                &["unknown the record does not say PasswordPolicy.MinimumPasswordLength"],
            ),
            (
                "nobody knows of digits",
                is(json!({ "RequireNumbers": null })),
                &["unknown the record does not say PasswordPolicy.RequireNumbers"],
            ),
            (
                "nobody knows of digits, and it does not matter",
                is(json!({"RequireNumbers": null, "RequireSymbols": false})),
                medium,
            ),
        ],
    );
    let thresholds = Thresholds { password_min_length: 8, ..Thresholds::default() };
    let lenient = Settings { thresholds, ..settings() };
    table(
        &lenient,
        "account_password_policy",
        &[("as the settings say", is(json!({ "MinimumPasswordLength": 8 })), &["pass"])],
    );

    let found = |config: &Value| judge(&settings(), "account_password_policy", &resource("account", config)).remove(0);
    let weak = found(&is(json!({"MinimumPasswordLength": 6, "RequireSymbols": false})));
    assert_eq!(
        weak.title,
        "Account 111122223333 lets its IAM users choose passwords with fewer than 14 characters, no symbol"
    );
    assert_eq!(weak.evidence["PasswordPolicy"]["MinimumPasswordLength"], 6);
    let controls = |config: &Value| found(config).controls.join(", ");
    for (rules, expected) in [
        (json!({ "MinimumPasswordLength": 7 }), "FSBP IAM.7, CIS 1.8"),
        (json!({ "MinimumPasswordLength": 8 }), "CIS 1.8"),
        (json!({ "RequireNumbers": false }), "FSBP IAM.7"),
    ] {
        assert_eq!(controls(&is(rules.clone())), expected, "{rules}");
    }
    assert_eq!(controls(&account(json!({ "PasswordPolicy": null }))), "FSBP IAM.7, CIS 1.8");
}

#[test]
fn passwords_that_come_back() {
    let is = |remembered: Value| {
        account(json!({"PasswordPolicy": policy(&json!({ "PasswordReusePrevention": remembered }))}))
    };
    let low = &["fail low -"][..];
    table(
        &settings(),
        "account_password_reuse",
        &[
            ("no policy", account(json!({ "PasswordPolicy": null })), low),
            ("none", is(Value::Null), low),
            ("one less than all", is(json!(23)), low),
        ],
    );
}

#[test]
fn public_buckets() {
    let is = |block: Value| account(json!({ "PublicAccessBlockConfiguration": block }));
    let mut rows =
        vec![("none", is(Value::Null), &["fail medium -"][..]), ("nothing is on", is(json!({})), &["fail medium -"])];
    let all = account(json!({}));
    for switch in ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"] {
        let mut but_one = all.clone();
        but_one["PublicAccessBlockConfiguration"][switch] = json!(false);
        rows.push((switch, but_one, &["fail medium -"]));
    }
    table(&settings(), "account_s3_public_access_block", &rows);
}
