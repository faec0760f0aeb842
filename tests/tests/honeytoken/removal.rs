//! What is taken away: tokens, keys, and what hangs on users. The guard goes last, and no error is taken for an absence.

use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tests::iam::{Iam, LOADED, PATH};
use tests::stage::text;
use tests::{Account, Proxy, Ran, Verdict, on};

use crate::honeytoken;

/// Ids as `create` gives them.
pub(crate) const IDS: [&str; 5] =
    ["4f7k2m9qx0v8knak", "7h3n0c5wz2rbqnbq", "0p9s6d1kt4xaxb7r", "q8v2j5m0e7ygkszm", "k3x9r1b6n0tz3bz7"];

pub(crate) const DENY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;

/// A token whose user was made by hand, and that came into the registry by its tag.
pub(crate) struct Decoy<'a> {
    pub(crate) account: &'a Account,
    pub(crate) name: String,
    pub(crate) token: &'static str,
    pub(crate) keys: Vec<String>,
}

impl<'a> Decoy<'a> {
    /// The user, with its tag, its guard and that many keys.
    pub(crate) fn user(account: &'a Account, name: &str, token: &'static str, keys: usize) -> Self {
        let iam = Iam(account);
        let tag = [("Tags.member.1.Key", "cost-center"), ("Tags.member.1.Value", token)];
        iam.call("CreateUser", &[("UserName", name), ("Path", PATH), tag[0], tag[1]]);
        let decoy = Self { account, name: name.to_owned(), token, keys: Vec::new() };
        decoy.guard();
        let keys = (0..keys).map(|_| decoy.key()).collect();
        Self { keys, ..decoy }
    }

    /// The same, in the registry.
    pub(crate) fn new(account: &'a Account, name: &str, token: &'static str, keys: usize) -> Self {
        let decoy = Self::user(account, name, token, keys);
        let _ = honeytoken(account, &["reconcile", "--apply"]).exits(0);
        decoy
    }

    pub(crate) fn guard(&self) {
        let name = ("UserName", self.name.as_str());
        Iam(self.account).call("PutUserPolicy", &[name, ("PolicyName", "account-baseline"), ("PolicyDocument", DENY)]);
    }

    /// One more key.
    pub(crate) fn key(&self) -> String {
        element(&Iam(self.account).call("CreateAccessKey", &[("UserName", &self.name)]), "AccessKeyId")
    }

    /// What the registry says of it.
    pub(crate) fn record(&self) -> Value {
        record(self.account, self.token)
    }

    /// The user's unique id, where it is there.
    pub(crate) fn principal_id(&self) -> Option<String> {
        let form = format!("Version=2010-05-08&Action=GetUser&UserName={}", self.name);
        let answer = self.account.call("iam", tests::http::Request::form(form)).unwrap();
        (answer.status == 200).then(|| element(&answer.text(), "UserId"))
    }

    /// Its keys; none without the user.
    pub(crate) fn listed_keys(&self) -> Vec<String> {
        let answer = self.ask("ListAccessKeys");
        answer.split("<AccessKeyId>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect()
    }

    pub(crate) fn has_guard(&self) -> bool {
        self.ask("ListUserPolicies").contains("account-baseline")
    }

    fn ask(&self, action: &str) -> String {
        let form = format!("Version=2010-05-08&Action={action}&UserName={}", self.name);
        let answer = self.account.call("iam", tests::http::Request::form(form)).unwrap();
        assert!([200, 404].contains(&answer.status), "{action}: {answer:?}");
        answer.text()
    }
}

/// What the registry says of a token, without a word to AWS.
pub(crate) fn record(account: &Account, token: &str) -> Value {
    let ran = account.tool("honeytoken").args(["delete", "--dry-run", token]);
    let ran = ran.without_env("AWS_ACCESS_KEY_ID").env("AWS_ENDPOINT_URL", "http://127.0.0.1:1").run().exits(0);
    ran.one(&serde_json::json!({"kind": "token"}))
}

pub(crate) fn element(answer: &str, name: &str) -> String {
    let rest = answer.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("no {name}: {answer}")).1;
    rest.split('<').next().unwrap().to_owned()
}

/// The calls that change something, in their order.
pub(crate) fn changes(proxy: &Proxy) -> Vec<String> {
    let reads = ["Get", "List", "AssumeRole"];
    let calls = proxy.calls().into_iter().map(|call| call.operation);
    calls.filter(|call| !reads.iter().any(|read| call.starts_with(read))).collect()
}

fn statuses(record: &Value) -> Vec<String> {
    record["keys"].as_array().unwrap().iter().map(|key| text(&key["status"])).collect()
}

fn delete(account: &Account, names: &[&str]) -> Ran {
    honeytoken(account, &[&["delete"], names].concat())
}

#[test]
fn a_token_goes_with_all_that_hangs_on_its_user_and_its_guard_last() {
    let account = Account::new();
    let iam = Iam(&account);
    let decoy = Decoy::new(&account, LOADED, IDS[0], 0);
    iam.group();
    iam.join(LOADED);
    iam.burden();
    for policy in ["AWSCompromisedKeyQuarantine", "AWSCompromisedKeyQuarantineV2", "AWSCompromisedKeyQuarantineV3"] {
        let arn = element(&iam.call("CreatePolicy", &[("PolicyName", policy), ("PolicyDocument", DENY)]), "Arn");
        iam.call("AttachUserPolicy", &[("UserName", LOADED), ("PolicyArn", &arn)]);
    }
    let unknown = decoy.listed_keys();
    assert_eq!(unknown.len(), 2);

    let proxy = Proxy::new(tests::Emulator::shared());
    let seen = account.through(&proxy);
    let ran = delete(&seen, &[LOADED]).exits(0);
    for key in &unknown {
        assert!(ran.stderr.contains(key), "a key that nobody knew is named: {ran}");
    }
    let token = ran.one(&serde_json::json!({"kind": "token", "token": IDS[0], "state": "deleted"}));
    assert!(token["deleted_at"].is_string() && token["blind_since"].is_string(), "{token}");
    assert_eq!(decoy.principal_id(), None);
    assert!(!iam.call("ListVirtualMFADevices", &[]).contains(LOADED), "the device is not left behind");
    assert_eq!(
        changes(&proxy),
        [
            "DeleteAccessKey",
            "DeleteAccessKey",
            "DeleteLoginProfile",
            "DeactivateMFADevice",
            "DeleteVirtualMFADevice",
            "DeactivateMFADevice",
            "DeleteSSHPublicKey",
            "DeleteServiceSpecificCredential",
            "DeleteSigningCertificate",
            "RemoveUserFromGroup",
            "DetachUserPolicy",
            "DeleteUserPolicy",
            "DeleteUserPolicy",
            "DetachUserPolicy",
            "DetachUserPolicy",
            "DetachUserPolicy",
            "DeleteUserPolicy",
            "DeleteUser",
        ]
    );
    let calls = proxy.calls();
    let last = calls.iter().rev().find(|call| call.operation == "DeleteUserPolicy").unwrap();
    assert!(last.request.text().contains("account-baseline"), "the guard goes last: {last:?}");
    let last_key = calls.iter().rposition(|call| call.operation == "DeleteAccessKey").unwrap();
    let looked_again = calls.iter().skip(last_key).position(|call| call.operation == "ListAccessKeys").unwrap();
    let guard = calls.iter().rposition(|call| call.operation == "DeleteUserPolicy").unwrap();
    assert!(last_key + looked_again < guard, "once IAM has said that there is no key");

    proxy.reset();
    let again = delete(&seen, &[IDS[0]]).exits(0);
    assert_eq!(again.kind("token")[0]["state"], "deleted");
    assert_eq!(changes(&proxy), Vec::<String>::new());
}

#[test]
fn the_guard_stays_until_the_last_key_is_gone() {
    let account = Account::new();
    let decoy = Decoy::new(&account, "svc-billing", IDS[0], 2);
    let ran = delete(&account, &[&decoy.keys[0]]).exits(0);
    let token = &ran.kind("token")[0];
    assert_eq!((token["state"].as_str(), statuses(token)), (Some("active"), vec!["deleted".into(), "active".into()]));
    assert!(decoy.has_guard());
    assert_eq!(decoy.listed_keys(), decoy.keys[1..]);

    // Nobody knows this one: it does not keep the token.
    decoy.key();
    let ran = delete(&account, &[&decoy.keys[1]]).exits(0);
    assert_eq!(ran.kind("token")[0]["state"], "deleted");
    assert_eq!(decoy.principal_id(), None);
}

#[test]
fn both_keys_at_once_are_the_token() {
    let account = Account::new();
    let decoy = Decoy::new(&account, "svc-billing", IDS[0], 2);
    let ran = delete(&account, &[&decoy.keys[1], &decoy.keys[0]]).exits(0);
    assert_eq!(ran.kind("token").len(), 1, "{ran}");
    assert_eq!(statuses(&ran.kind("token")[0]), ["deleted", "deleted"]);
    assert_eq!(decoy.principal_id(), None);
}

#[test]
fn a_list_that_fails_costs_nothing_and_the_next_run_goes_on() {
    let lists = [
        "ListAccessKeys",
        "GetLoginProfile",
        "ListMFADevices",
        "ListSSHPublicKeys",
        "ListServiceSpecificCredentials",
        "ListSigningCertificates",
        "ListUserPolicies",
        "ListAttachedUserPolicies",
        "ListGroupsForUser",
    ];
    let account = Account::new();
    let decoy = Decoy::new(&account, "svc-billing", IDS[0], 1);
    for list in lists {
        let proxy = Proxy::new(tests::Emulator::shared()).deny(format!("iam:{list}").as_str());
        let ran = delete(&account.through(&proxy), &[&decoy.name]).exits(3).says(list);
        assert_eq!(changes(&proxy), Vec::<String>::new(), "{list}: {ran}");
        assert_eq!(decoy.record()["state"], "deleting", "{list}");
        assert_eq!(decoy.listed_keys(), decoy.keys, "{list}");
        assert!(decoy.has_guard(), "{list}");
    }
    // Whatever command comes next.
    let other = Decoy::user(&account, "svc-export", IDS[1], 1);
    let _ = honeytoken(&account, &["reconcile", "--apply"]).exits(0);
    assert_eq!((decoy.principal_id(), decoy.record()["state"].as_str()), (None, Some("deleted")));
    assert_eq!(other.record()["state"], "active");
}

#[test]
fn an_error_is_never_an_absence() {
    let account = Account::new();
    let decoy = Decoy::new(&account, "svc-billing", IDS[0], 1);
    for call in ["GetUser", "DeleteAccessKey", "DeleteUserPolicy", "DeleteUser"] {
        let proxy = Proxy::new(tests::Emulator::shared()).deny(format!("iam:{call}").as_str());
        let ran = delete(&account.through(&proxy), &[&decoy.name]).exits(3).says(call).says(&decoy.name);
        assert_eq!(ran.kind("token").len(), 0, "{call}: {ran}");
        let state = decoy.record()["state"].clone();
        assert_eq!(state, if call == "GetUser" { "active" } else { "deleting" }, "{call}");
        assert!(decoy.principal_id().is_some(), "{call}");
    }
    let _ = delete(&account, &[&decoy.name]).exits(0);
    assert_eq!(decoy.principal_id(), None);
}

#[test]
fn answers_that_are_lost_and_things_that_are_gone_are_no_failures() {
    let account = Account::new();
    for (call, id) in ["DeleteAccessKey", "DeleteUserPolicy", "DeleteUser"].into_iter().zip(IDS) {
        let decoy = Decoy::new(&account, &format!("svc-{}", call.to_lowercase()), id, 1);
        let proxy = Proxy::new(tests::Emulator::shared()).cut_after(on(&format!("iam:{call}")).first(1));
        let ran = delete(&account.through(&proxy), &[&decoy.name]).exits(0);
        assert_eq!(ran.kind("token")[0]["state"], "deleted", "{call}");
        assert_eq!(decoy.principal_id(), None, "{call}");
    }
    // Somebody was faster: with the key, and with all of it.
    let iam = Iam(&account);
    let half = Decoy::new(&account, "svc-half", IDS[3], 1);
    iam.call("DeleteAccessKey", &[("UserName", &half.name), ("AccessKeyId", &half.keys[0])]);
    let gone = Decoy::new(&account, "svc-gone", IDS[4], 0);
    iam.call("DeleteUserPolicy", &[("UserName", &gone.name), ("PolicyName", "account-baseline")]);
    iam.call("DeleteUser", &[("UserName", &gone.name)]);
    let ran = delete(&account, &[&half.name, &gone.name]).exits(0);
    assert_eq!(ran.kind("token").iter().map(|it| text(&it["state"])).collect::<Vec<_>>(), ["deleted", "deleted"]);
}

#[test]
fn another_user_of_the_same_name_is_not_touched() {
    let account = Account::new();
    let decoy = Decoy::new(&account, "svc-billing", IDS[0], 0);
    let iam = Iam(&account);
    let first = decoy.principal_id().unwrap();
    iam.call("DeleteUserPolicy", &[("UserName", &decoy.name), ("PolicyName", "account-baseline")]);
    iam.call("DeleteUser", &[("UserName", &decoy.name)]);
    iam.call("CreateUser", &[("UserName", &decoy.name)]);
    let second = decoy.principal_id().unwrap();
    let key = decoy.key();
    let proxy = Proxy::new(tests::Emulator::shared());
    let before = decoy.record();
    let _ = delete(&account.through(&proxy), &[&decoy.name]).exits(3).says(&first).says(&second);
    assert_eq!(changes(&proxy), Vec::<String>::new());
    assert_eq!(decoy.record(), before);

    let ran = honeytoken(&account, &["reconcile", "--apply"]).exits(0);
    let _ = ran.one(&serde_json::json!({"kind": "difference", "what": "user_missing", "mended": true}));
    assert_eq!(decoy.record()["state"], "deleted");
    assert_eq!((decoy.principal_id(), decoy.listed_keys()), (Some(second), vec![key]));
}

#[test]
fn a_run_that_is_killed_at_any_call_is_finished_by_the_next() {
    let account = Account::new();
    let victim: Arc<Mutex<Option<(usize, u32, bool)>>> = Arc::default();
    let plan = Arc::clone(&victim);
    let proxy = Proxy::new(tests::Emulator::shared()).rule("iam:*", move |_| {
        let mut plan = plan.lock().unwrap();
        match &mut *plan {
            Some((1, id, heard)) => {
                drop(Command::new("/bin/kill").args(["-s", "KILL", &id.to_string()]).status());
                let heard = *heard;
                *plan = None;
                if heard { Verdict::Pass } else { Verdict::CutBefore }
            }
            Some((left, ..)) => {
                *left -= 1;
                Verdict::Pass
            }
            None => Verdict::Pass,
        }
    });
    let seen = account.through(&proxy);
    let mut killed = 0;
    for (heard, token) in [(false, IDS[0]), (true, IDS[1])] {
        let mut decoy = Decoy::new(&account, &format!("svc-{token}"), token, 1);
        for at in 1.. {
            let mut child = {
                let mut plan = victim.lock().unwrap();
                let tool = seen.tool("honeytoken").args(["delete", &decoy.name]);
                let child = tool.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
                *plan = Some((at, child.id(), heard));
                child
            };
            let ended = child.wait().unwrap();
            if victim.lock().unwrap().take().is_some() {
                assert_eq!(ended.code(), Some(0), "at {at}");
                break;
            }
            killed += 1;
            // While there is a key there is a guard.
            assert!(decoy.listed_keys().is_empty() || decoy.has_guard(), "at {at}");
            // What was on its way arrives.
            thread::sleep(Duration::from_millis(100));
            let next = delete(&account, &[&decoy.name]).exits(0);
            assert_eq!(next.kind("token")[0]["state"], "deleted", "at {at}: {next}");
            assert_eq!(decoy.principal_id(), None, "at {at}");
            // Again, with a user made anew.
            decoy = Decoy::user(&account, &decoy.name, token, 1);
            let _ = honeytoken(&account, &["reconcile", "--apply"]).exits(0);
        }
    }
    assert!(killed > 20, "a run makes more calls than {killed}");
}

#[test]
fn what_is_named_wrongly_costs_only_itself() {
    let account = Account::new();
    let decoy = Decoy::new(&account, "svc-billing", IDS[0], 1);
    let input = format!("{{\"token\": \"{}\"}}\n{{\"tok\": 1}}\n{{\"token\": \"nobody\"}}\n", decoy.token);
    let tool = account.tool("honeytoken").args(["delete", "--dry-run", "-"]).stdin(input.clone());
    let ran = tool.run().exits(3).says("line 2").says("there is no token `nobody`").says("would delete");
    assert_eq!(ran.kind("token")[0]["state"], "active");
    assert!(decoy.principal_id().is_some());
    let ran = account.tool("honeytoken").args(["delete", "-"]).stdin(input).run().exits(3);
    assert_eq!(ran.kind("token")[0]["state"], "deleted");
    assert_eq!(decoy.principal_id(), None);
    let _ = delete(&Account::new(), &["x"]).exits(4).says("there is no registry");
}

#[test]
fn what_cannot_be_brought_to_its_end_is_never_done() {
    let account = Account::new();
    let decoy = Decoy::new(&account, "svc-billing", IDS[0], 1);
    let other = Decoy::new(&account, "svc-export", IDS[1], 1);
    let proxy = Proxy::new(tests::Emulator::shared()).deny(on("iam:DeleteUser").about("svc-billing"));
    let seen = account.through(&proxy);
    let _ = delete(&seen, &[&decoy.name]).exits(3);
    // All that was asked for is done; what was left before is not.
    let ran = delete(&seen, &[&other.name]).exits(3).says("left its delete unfinished");
    assert_eq!(ran.kind("token")[0]["state"], "deleted", "{ran}");
    let expire = |account: &Account| honeytoken(account, &["expire", "--delete"]);
    let _ = expire(&seen).exits(3).says("left its delete unfinished");
    // Nothing else is to be done, and it goes on with it.
    let _ = expire(&account).exits(0);
    assert_eq!((decoy.principal_id(), decoy.record()["state"].as_str()), (None, Some("deleted")));
}

#[test]
fn another_user_of_its_name_ends_what_was_begun() {
    let account = Account::new();
    let decoy = Decoy::new(&account, "svc-billing", IDS[0], 0);
    let proxy = Proxy::new(tests::Emulator::shared()).deny("iam:DeleteUser");
    let _ = delete(&account.through(&proxy), &[&decoy.name]).exits(3);
    let iam = Iam(&account);
    iam.call("DeleteUser", &[("UserName", &decoy.name)]);
    iam.call("CreateUser", &[("UserName", &decoy.name)]);
    let (second, key) = (decoy.principal_id(), decoy.key());
    let _ = honeytoken(&account, &["reconcile", "--apply"]).exits(0);
    assert_eq!(decoy.record()["state"], "deleted");
    assert_eq!((decoy.principal_id(), decoy.listed_keys()), (second, vec![key]));
}

#[test]
fn what_iam_does_not_know_yet_is_not_gone() {
    let account = Account::new();
    let decoy = Decoy::new(&account, "svc-billing", IDS[0], 1);
    let empty = "<ListAccessKeysResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ListAccessKeysResult>\
                 <IsTruncated>false</IsTruncated><AccessKeyMetadata/></ListAccessKeysResult></ListAccessKeysResponse>";
    let proxy = Proxy::new(tests::Emulator::shared())
        .fail(on("iam:GetUser").first(2), 404, "NoSuchEntity", "The user with name svc-billing cannot be found.")
        .answer(on("iam:ListAccessKeys").first(1), tests::http::Response::new(200, empty));
    let ran = delete(&account.through(&proxy), &[&decoy.name]).exits(0);
    assert_eq!(ran.kind("token")[0]["state"], "deleted", "{ran}");
    assert_eq!((decoy.principal_id(), decoy.listed_keys()), (None, vec![]));
    let changes = changes(&proxy);
    let at = |call: &str| changes.iter().position(|it| it == call);
    assert!(at("DeleteAccessKey") < at("DeleteUserPolicy"), "the guard goes last: {changes:?}");
}
