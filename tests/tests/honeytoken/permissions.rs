//! What `honeytoken iam-policy` prints: enough for all that it does, and nothing that it does not.

use std::collections::BTreeSet;
use std::fs;

use common::operation::Operation;
use serde_json::{Value, json};
use tests::iam::{Iam, LOADED};
use tests::stage::text;
use tests::{Account, Emulator, Proxy, Tool};

use crate::removal::{Decoy, IDS};
use crate::{honeytoken, tokens};

/// What is printed, with these settings.
fn printed(settings: &str, work: &[&str]) -> Value {
    let tool = Tool::new("honeytoken");
    fs::write(tool.home().join("sluice.toml"), settings).unwrap();
    let ran = tool.args(["--config", "sluice.toml", "iam-policy"]).args(work.iter().copied()).run().exits(0);
    serde_json::from_str(&ran.text()).unwrap_or_else(|error| panic!("{error}\n{ran}"))
}

/// All permissions of a policy.
fn permissions(policy: &Value) -> BTreeSet<String> {
    let statements = policy["Statement"].as_array().unwrap().iter();
    let granting = statements.filter(|statement| statement["Sid"] != "SluiceEntersAccounts");
    granting.flat_map(|statement| statement["Action"].as_array().unwrap()).map(text).collect()
}

/// The permissions for all calls that went through.
fn needed(proxy: &Proxy) -> BTreeSet<String> {
    let calls = proxy.counts().into_keys();
    let of = |call: String| -> Vec<String> {
        let operation = Operation::named(&call).unwrap_or_else(|| panic!("{call} is in no table"));
        operation.permissions().iter().map(|permission| (*permission).to_owned()).collect()
    };
    calls.flat_map(of).collect()
}

#[test]
fn what_is_printed_is_what_is_called() {
    let account = Account::new();
    let proxy = Proxy::new(Emulator::shared());
    let seen = account.through(&proxy);
    for guard in ["inline", "group", "none"] {
        let made = tokens(&seen, &["create", "--guard", guard, "--out", guard]);
        let token = text(&made[0]["token"]);
        let _ = honeytoken(&seen, &["rotate", &token, "--out", guard]).exits(0);
        let _ = honeytoken(&seen, &["rotate", "--finish", &token]).exits(0);
        let _ = honeytoken(&seen, &["update", &token, "--expires-at", "2020-01-01T00:00:00Z"]).exits(0);
    }
    let _ = honeytoken(&seen, &["expire", "--disable"]).exits(0);
    let _ = honeytoken(&seen, &["expire", "--delete"]).exits(0);
    // A user that somebody has found, with all that can hang on one.
    let decoy = Decoy::new(&seen, LOADED, IDS[0], 0);
    let iam = Iam(&account);
    iam.group();
    iam.join(LOADED);
    iam.burden();
    let _ = honeytoken(&seen, &["delete", decoy.token]).exits(0);
    let _ = honeytoken(&seen, &["reconcile"]).exits(0);

    let (policy, needed) = (permissions(&printed("", &["tokens"])), needed(&proxy));
    let missing: Vec<_> = needed.difference(&policy).collect();
    assert!(missing.is_empty(), "called, and not printed: {missing:?}");
    // A boundary is put back where one was the guard, and none was here.
    let unused: Vec<_> = policy.difference(&needed).collect();
    assert_eq!(unused, ["iam:PutUserPermissionsBoundary"], "printed, and not called");
}

#[test]
fn users_are_changed_below_the_settings_paths_alone() {
    let settings = "[honeytoken]\npath = \"/svc/\"\n[honeytoken.accounts.\"111122223333\"]\nrole = \"decoys\"\n\
        [honeytoken.accounts.\"444455556666\"]\npath = \"/ci/\"\nrole = \"decoys\"\n";
    let policy = printed(settings, &["tokens"]);
    let statements = policy["Statement"].as_array().unwrap();
    let changes = statements.iter().find(|it| it["Sid"] == "SluiceDecoys").unwrap();
    assert_eq!(changes["Resource"], json!(["arn:aws:iam::*:user/ci/*", "arn:aws:iam::*:user/svc/*"]));
    let anywhere = statements.iter().find(|it| it["Resource"] == "*").unwrap();
    for change in ["iam:CreateUser", "iam:DeleteUser", "iam:CreateAccessKey", "iam:PutUserPolicy"] {
        assert!(changes["Action"].as_array().unwrap().contains(&json!(change)), "{change}");
        assert!(!anywhere["Action"].as_array().unwrap().contains(&json!(change)), "{change}");
    }
    let enter = statements.iter().find(|it| it["Sid"] == "SluiceEntersAccounts").unwrap();
    assert_eq!(enter["Resource"], "arn:aws:iam::*:role/decoys");
    assert_eq!(permissions(&printed("", &["lookup"])), BTreeSet::from(["cloudtrail:LookupEvents".to_owned()]));
    let _ = Tool::new("honeytoken").arg("iam-policy").run().exits(2);
}
