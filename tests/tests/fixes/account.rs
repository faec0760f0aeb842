//! Accounts: what is wrong with one as a whole is found, and a person has to mend it.

use aws_sdk_iam::Client as Iam;
use serde_json::{Value, json};
use tests::http::{Request, Response};
use tests::stage::{Stage, input, resources, sorted, statuses, text, writes};
use tests::{Emulator, Proxy};

const CHECKS: [&str; 5] = [
    "account_password_policy",
    "account_password_reuse",
    "account_root_keys",
    "account_root_mfa",
    "account_s3_public_access_block",
];

/// IAM's account of the root user. The emulator's root user has no MFA device and cannot be given one.
fn summary(mfa: u8, keys: u8) -> Proxy {
    let entry = |key: &str, value: u8| format!("<entry><key>{key}</key><value>{value}</value></entry>");
    let entries = entry("AccountMFAEnabled", mfa) + &entry("AccountAccessKeysPresent", keys) + &entry("Users", 7);
    let answer = format!(
        "<GetAccountSummaryResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><GetAccountSummaryResult>\
         <SummaryMap>{entries}</SummaryMap></GetAccountSummaryResult></GetAccountSummaryResponse>"
    );
    let answer = Response::new(200, answer).with("Content-Type", "text/xml");
    Proxy::new(Emulator::shared()).answer("iam:GetAccountSummary", answer)
}

fn checks(findings: &[Value]) -> Vec<String> {
    sorted(findings.iter().map(|finding| text(&finding["check"])))
}

async fn harden(stage: &Stage) {
    let sdk = stage.account.sdk();
    let policy = Iam::new(&sdk).update_account_password_policy().minimum_password_length(14).require_numbers(true);
    let policy = policy.require_symbols(true).require_lowercase_characters(true).require_uppercase_characters(true);
    policy.password_reuse_prevention(24).send().await.unwrap();
    // By hand: the SDK would put the account's id before the emulator's address, as a host name.
    let switches = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"];
    let switches = switches.map(|switch| format!("<{switch}>true</{switch}>")).concat();
    let request = Request::new("PUT", "/v20180820/configuration/publicAccessBlock")
        .with("X-Amz-Account-Id", stage.account.id())
        .body(format!("<PublicAccessBlockConfiguration>{switches}</PublicAccessBlockConfiguration>"));
    stage.call("s3", request);
}

#[tokio::test]
async fn what_is_wrong_with_an_account_is_found_and_left_to_a_person() {
    let stage = Stage::empty("account");
    let proxy = summary(0, 1);
    let polled = stage.through(&proxy).poll_all();
    let record = polled.one(&json!({"kind": "resource"}));
    let account = stage.account.id();
    assert_eq!((&record["id"], &record["region"]), (&json!(account), &json!("global")));
    assert_eq!(record["arn"], format!("arn:aws:iam::{account}:root"));
    assert_eq!(record["config"]["PasswordPolicy"], Value::Null, "there is none, which is no error");
    let findings = stage.audit(polled.stdout).kind("finding");
    assert_eq!(checks(&findings), CHECKS);
    assert_eq!(statuses(&findings), ["fail"; 5]);

    let refused = stage.run(stage.through(&proxy).apply(input(&findings))).exits(0).records();
    assert_eq!(statuses(&refused), ["refused"; 5]);
    assert!(writes(&proxy).is_empty());

    harden(&stage).await;
    let polled = stage.through(&summary(1, 0)).poll_all();
    assert!(stage.audit(polled.stdout.clone()).kind("finding").is_empty(), "{polled}");
}

#[test]
fn what_is_denied_costs_what_it_would_have_told_and_no_more() {
    let stage = Stage::empty("account");
    let summary: &[&str] = &["AccountMFAEnabled", "AccountAccessKeysPresent", "AccountPasswordPresent"];
    for (call, fields, expected) in [
        ("iam:GetAccountSummary", summary, &CHECKS[2..4]),
        ("iam:GetAccountPasswordPolicy", &["PasswordPolicy"], &CHECKS[..2]),
        ("s3control:GetPublicAccessBlock", &["PublicAccessBlockConfiguration"], &CHECKS[4..]),
    ] {
        let proxy = Proxy::new(Emulator::shared()).deny(call);
        let polled = stage.run(stage.through(&proxy).tool("poll").args(["--types", "account"])).exits(3);
        let record = polled.one(&json!({"kind": "resource"}));
        let unread: Vec<_> = record["unread"].as_array().unwrap().iter().map(|it| text(&it["field"])).collect();
        assert_eq!(unread, fields, "{call}");
        let findings = stage.run(stage.tool("audit").stdin(polled.stdout));
        let unknown = findings.matching(&json!({"kind": "finding", "status": "unknown"}));
        assert_eq!(checks(&unknown), expected, "{call}");
    }
    let proxy = Proxy::new(Emulator::shared()).deny("iam:*").deny("s3control:*");
    let polled = stage.run(stage.through(&proxy).tool("poll").args(["--types", "account"])).exits(3);
    assert!(polled.kind("resource").is_empty(), "{polled}");
    assert_eq!(polled.one(&json!({"kind": "scope"}))["status"], "failed");
}

#[test]
fn the_public_access_block_is_asked_for_once_for_the_account_and_its_buckets() {
    let stage = Stage::empty("account,s3_bucket");
    stage.bucket("one", None);
    stage.bucket("two", None);
    let proxy = Proxy::new(Emulator::shared());
    let polled = stage.through(&proxy).poll_all();
    assert_eq!(polled.kind("resource").len(), 3, "{polled}");
    assert_eq!(proxy.count("s3control:GetPublicAccessBlock"), 1);
}

#[test]
fn an_account_is_looked_up_as_the_sweep_finds_it() {
    let stage = Stage::empty("account");
    let account = stage.account.id();
    let look = |reference: &Value| stage.run(stage.tool("poll").arg("-").stdin(reference.to_string()));
    let found = look(&json!({ "arn": format!("arn:aws:iam::{account}:root") })).exits(0);
    assert_eq!(resources(&found), resources(&stage.poll_all()));
    let contradiction = json!({"account": account, "region": "global", "type": "account", "id": "999900001111"});
    assert!(look(&contradiction).exits(3).kind("resource").is_empty());
}
