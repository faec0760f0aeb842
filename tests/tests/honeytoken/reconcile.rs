//! The registry beside IAM: what differs is said, and with `--apply` mended, once.

use serde_json::{Value, json};
use tests::iam::Iam;
use tests::stage::text;
use tests::{Account, Proxy, Ran};

use crate::honeytoken;
use crate::removal::{DENY, Decoy, IDS, changes};

fn reconcile(account: &Account) -> Ran {
    honeytoken(account, &["reconcile"])
}

fn apply(account: &Account) -> Ran {
    honeytoken(account, &["reconcile", "--apply"])
}

/// What differs, and what is done about it.
fn differences(ran: &Ran) -> Vec<(String, String)> {
    let mut all: Vec<_> = ran.kind("difference").iter().map(|it| (text(&it["what"]), text(&it["apply"]))).collect();
    all.sort();
    all
}

fn unguard(decoy: &Decoy<'_>) {
    let policy = ("PolicyName", "account-baseline");
    Iam(decoy.account).call("DeleteUserPolicy", &[("UserName", &decoy.name), policy]);
}

/// Mends, and then finds nothing more.
fn mended(account: &Account) -> Ran {
    let ran = apply(account).exits(0);
    assert!(ran.kind("difference").iter().all(|it| it["mended"] == true), "{ran}");
    let proxy = Proxy::new(tests::Emulator::shared());
    let again = apply(&account.through(&proxy)).exits(0);
    assert_eq!((again.kind("difference"), changes(&proxy)), (Vec::new(), Vec::new()), "{again}");
    let _ = reconcile(account).exits(0);
    ran
}

#[test]
fn all_that_differs_is_said_and_mended_once() {
    type Break = fn(&Decoy<'_>);
    type Row<'a> = (&'a str, Break, &'a [(&'a str, &'a str)], &'a str, usize);
    let rows: [Row<'_>; 7] = [
        ("nothing", |_| {}, &[], "active", 2),
        ("guard", unguard, &[("guard_missing", "restore_guard")], "active", 2),
        (
            "another guard",
            |decoy| {
                unguard(decoy);
                let policy = [
                    ("PolicyName", "account-baseline"),
                    ("PolicyDocument", &DENY.replace("\"*\"}", "\"arn:aws:s3:::b\"}")),
                ];
                Iam(decoy.account).call("PutUserPolicy", &[("UserName", &decoy.name), policy[0], policy[1]]);
            },
            &[("guard_missing", "restore_guard")],
            "active",
            2,
        ),
        (
            "a key more",
            |decoy| {
                let first = [("UserName", decoy.name.as_str()), ("AccessKeyId", decoy.keys[0].as_str())];
                Iam(decoy.account).call("DeleteAccessKey", &first);
                decoy.key();
            },
            &[("key_missing", "set_key"), ("key_unknown", "learn_key")],
            "active",
            2,
        ),
        (
            "inactive",
            |decoy| {
                for key in &decoy.keys {
                    let named =
                        [("UserName", decoy.name.as_str()), ("AccessKeyId", key.as_str()), ("Status", "Inactive")];
                    Iam(decoy.account).call("UpdateAccessKey", &named);
                }
            },
            &[("key_status", "set_key"), ("key_status", "set_key"), ("state", "set_token")],
            "disabled",
            2,
        ),
        (
            "renamed",
            |decoy| {
                Iam(decoy.account).call("UpdateUser", &[("UserName", &decoy.name), ("NewUserName", "another")]);
                Iam(decoy.account)
                    .call("UpdateUser", &[("UserName", "another"), ("NewUserName", &decoy.name.replace("svc", "app"))]);
            },
            &[("user_renamed", "learn_user")],
            "active",
            2,
        ),
        (
            "gone",
            |decoy| {
                for key in &decoy.keys {
                    Iam(decoy.account).call("DeleteAccessKey", &[("UserName", &decoy.name), ("AccessKeyId", key)]);
                }
                unguard(decoy);
                Iam(decoy.account).call("DeleteUser", &[("UserName", &decoy.name)]);
            },
            &[("user_missing", "set_token")],
            "deleted",
            0,
        ),
    ];
    for (what, spoil, expected, state, keys) in rows {
        let account = Account::new();
        let mut decoy = Decoy::new(&account, "svc-billing", IDS[0], 2);
        // None of ours: never mentioned, never touched.
        Iam(&account).call(
            "CreateUser",
            &[("UserName", "jane"), ("Tags.member.1.Key", "cost-center"), ("Tags.member.1.Value", "marketing-emea-1")],
        );
        spoil(&decoy);
        let proxy = Proxy::new(tests::Emulator::shared());
        let before = decoy.record();
        let ran = reconcile(&account.through(&proxy)).exits(i32::from(!expected.is_empty()));
        let hint = "reconcile --apply` does what `apply` says";
        let ran = if expected.is_empty() { ran.says(": 0 differences") } else { ran.says(hint) };
        let said: Vec<(String, String)> =
            expected.iter().map(|(what, apply)| ((*what).into(), (*apply).into())).collect();
        assert_eq!(differences(&ran), said, "{what}: {ran}");
        assert_eq!((changes(&proxy), decoy.record()), (Vec::new(), before), "{what}: nothing changes without --apply");
        let ran = mended(&account);
        assert_eq!(differences(&ran), said, "{what}: {ran}");
        assert_eq!(decoy.record()["state"], state, "{what}");
        if what == "renamed" {
            decoy.name = "app-billing".into();
            assert_eq!(decoy.record()["id"], "app-billing");
        }
        if keys > 0 {
            assert!(decoy.has_guard(), "{what}");
            assert_eq!(decoy.listed_keys().len(), keys, "{what}");
        }
    }
}

#[test]
fn a_list_that_fails_is_no_empty_one() {
    let account = Account::new();
    let decoy = Decoy::new(&account, "svc-billing", IDS[0], 1);
    let before = decoy.record();
    for call in ["GetAccountAuthorizationDetails", "ListAccessKeys"] {
        let proxy = Proxy::new(tests::Emulator::shared()).deny(format!("iam:{call}").as_str());
        let seen = account.through(&proxy);
        for ran in [reconcile(&seen), apply(&seen)] {
            let ran = ran.exits(3).says("cannot be compared").says(call);
            assert_eq!(ran.kind("difference"), Vec::<Value>::new(), "{ran}");
        }
        assert_eq!(changes(&proxy), Vec::<String>::new(), "{call}");
    }
    assert_eq!(decoy.record(), before);
    // The list does not have it, and nobody says that it is not there.
    let empty = "<GetAccountAuthorizationDetailsResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
        <GetAccountAuthorizationDetailsResult><IsTruncated>false</IsTruncated><UserDetailList/>\
        </GetAccountAuthorizationDetailsResult></GetAccountAuthorizationDetailsResponse>";
    let answer = tests::http::Response::new(200, empty).with("Content-Type", "text/xml");
    let proxy = Proxy::new(tests::Emulator::shared()).answer("iam:GetAccountAuthorizationDetails", answer.clone());
    let _ = apply(&account.through(&proxy)).exits(3).says("does not have it yet");
    let proxy =
        Proxy::new(tests::Emulator::shared()).answer("iam:GetAccountAuthorizationDetails", answer).deny("iam:GetUser");
    let _ = apply(&account.through(&proxy)).exits(3).says("GetUser");
    assert_eq!(decoy.record(), before);
}

#[test]
fn guards_come_before_anything_else() {
    let account = Account::new();
    let one = Decoy::new(&account, "svc-billing", IDS[0], 1);
    one.key();
    let two = Decoy::new(&account, "svc-export", IDS[1], 1);
    unguard(&two);
    let _ = Decoy::user(&account, "svc-import", IDS[2], 1);
    let proxy = Proxy::new(tests::Emulator::shared());
    let _ = apply(&account.through(&proxy)).exits(0);
    assert_eq!(changes(&proxy).first().map(String::as_str), Some("PutUserPolicy"), "{proxy:?}");
}

#[test]
fn a_lost_registry_is_made_again_from_the_tags() {
    let account = Account::new();
    let guarded = Decoy::user(&account, "svc-billing", IDS[0], 1);
    let bare = Decoy::user(&account, "svc-export", IDS[1], 1);
    unguard(&bare);
    // Whoever may do something may be a person, whatever the tag says.
    let jane = Decoy::user(&account, "jane", IDS[2], 1);
    unguard(&jane);
    Iam(&account).call("CreateLoginProfile", &[("UserName", "jane"), ("Password", "Not-for-anyone-1")]);
    let john = Decoy::user(&account, "john", IDS[3], 1);
    Iam(&account).call("CreateGroup", &[("GroupName", "admins")]);
    Iam(&account).call("AddUserToGroup", &[("GroupName", "admins"), ("UserName", "john")]);

    let ran = apply(&account).exits(3).says("jane").says("john");
    assert_eq!(ran.matching(&json!({"what": "user_unknown", "mended": true})).len(), 2, "{ran}");
    assert_eq!(ran.matching(&json!({"what": "user_unknown", "mended": false})).len(), 2, "{ran}");
    for decoy in [&guarded, &bare] {
        let record = decoy.record();
        assert_eq!((record["state"].as_str(), record["owner"].as_str()), (Some("active"), Some("")));
        assert_eq!(record["keys"][0]["id"], decoy.keys[0]);
        assert_eq!(record["principal_id"].as_str(), decoy.principal_id().as_deref());
        assert!(decoy.has_guard());
        assert_eq!(decoy.listed_keys(), decoy.keys, "its keys are those that somebody has");
    }
    assert!(!jane.has_guard(), "nobody is shut out");
    assert_eq!(john.listed_keys(), john.keys);
}

#[test]
fn what_was_deleted_and_is_there_is_told() {
    let account = Account::new();
    let decoy = Decoy::new(&account, "svc-billing", IDS[0], 1);
    let _ = honeytoken(&account, &["delete", decoy.token]).exits(0);
    // A user that was made anew, with the tag of one that is gone.
    let copy = Decoy::user(&account, "svc-billing", IDS[0], 1);
    let ran = mended(&account);
    let told = ran.one(&json!({"what": "user_unknown", "token": IDS[0], "apply": "adopt", "mended": true}));
    assert_eq!(told["iam"].as_str(), copy.principal_id().as_deref());
    assert_eq!(decoy.record()["state"], "deleted");
}
