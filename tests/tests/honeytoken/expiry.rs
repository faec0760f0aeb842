//! Tokens whose time is over: flagged and watched as before, unless more is asked for.

use std::fs;
use std::process::Stdio;

use serde_json::{Value, json};
use tests::stage::text;
use tests::{Account, Proxy, Ran, ndjson};

use crate::honeytoken;
use crate::removal::{Decoy, IDS, changes};

fn expire(account: &Account, args: &[&str]) -> Ran {
    honeytoken(account, &[&["expire"], args].concat())
}

/// Decoys whose time was over long ago, and one whose time is not.
fn decoys(account: &Account) -> [Decoy<'_>; 3] {
    let all = [
        Decoy::user(account, "svc-billing", IDS[0], 1),
        Decoy::user(account, "svc-export", IDS[1], 2),
        Decoy::user(account, "svc-import", IDS[2], 1),
    ];
    let _ = honeytoken(account, &["reconcile", "--apply"]).exits(0);
    for (id, end) in
        [(IDS[0], "2020-01-01T00:00:00Z"), (IDS[1], "2020-01-01T00:00:00Z"), (IDS[2], "2999-01-01T00:00:00Z")]
    {
        let _ = honeytoken(account, &["update", id, "--expires-at", end]).exits(0);
    }
    all
}

fn told(ran: &Ran) -> Vec<(String, String)> {
    ran.kind("token").iter().map(|it| (text(&it["token"]), text(&it["state"]))).collect()
}

fn pair(id: &str, state: &str) -> (String, String) {
    (id.to_owned(), state.to_owned())
}

#[test]
fn they_are_flagged_once_and_without_aws() {
    let account = Account::new();
    let decoys = decoys(&account);
    // Nothing answers there, and there is nobody to ask as.
    let alone = |args: &[&str]| {
        let tool = account.tool("honeytoken").args(args.iter().copied()).env("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
        tool.without_env("AWS_ACCESS_KEY_ID").without_env("AWS_SECRET_ACCESS_KEY").run()
    };
    assert_eq!(told(&alone(&["expire", "--grace", "5000d"]).exits(0)), []);
    let tried = alone(&["expire", "--dry-run"]).exits(0);
    assert_eq!(told(&tried).len(), 2);
    assert!(tried.kind("token").iter().all(|it| it["expired_at"] == Value::Null), "{tried}");
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let unheard =
        account.tool("honeytoken").arg("expire").command().stdout(full).stderr(Stdio::null()).status().unwrap();
    assert_eq!(unheard.code(), Some(3), "nobody was told, and so the next run tells");
    let ran = alone(&["expire"]).exits(0);
    assert_eq!(told(&ran), [pair(IDS[0], "active"), pair(IDS[1], "active")]);
    assert!(ran.kind("token").iter().all(|it| it["expired_at"].is_string()), "{ran}");
    assert_eq!(told(&alone(&["expire"]).exits(0)), [], "told once");
    assert!(decoys.iter().all(Decoy::has_guard));
}

#[test]
fn they_are_disabled_and_one_that_fails_costs_only_itself() {
    let account = Account::new();
    let decoys = decoys(&account);
    let proxy = Proxy::new(tests::Emulator::shared()).deny(tests::on("iam:UpdateAccessKey").about(&decoys[1].keys[1]));
    let ran = expire(&account.through(&proxy), &["--disable"]).exits(3).says("svc-export").says("UpdateAccessKey");
    assert_eq!(told(&ran), [pair(IDS[0], "disabled")]);
    let key = &ran.kind("token")[0]["keys"][0];
    assert_eq!(key["status"], "inactive");
    assert!(ran.kind("token")[0]["blind_since"].is_string());
    // The next run finishes what was begun, and has nothing more to do.
    let _ = expire(&account, &["--disable"]).exits(0);
    assert_eq!(decoys[1].record()["state"], "disabled");
    let proxy = Proxy::new(tests::Emulator::shared());
    assert_eq!(told(&expire(&account.through(&proxy), &["--disable"]).exits(0)), []);
    assert_eq!(changes(&proxy), Vec::<String>::new());
    assert_eq!(decoys[2].record()["state"], "active");
    let _ = honeytoken(&account, &["reconcile"]).exits(0);
}

#[test]
fn they_are_deleted_and_what_is_gone_is_no_failure() {
    let account = Account::new();
    let decoys = decoys(&account);
    let first = ("AccessKeyId", decoys[0].keys[0].as_str());
    tests::iam::Iam(&account).call("DeleteAccessKey", &[("UserName", &decoys[0].name), first]);
    let ran = expire(&account, &["--delete"]).exits(0);
    assert_eq!(told(&ran), [pair(IDS[0], "deleted"), pair(IDS[1], "deleted")]);
    assert_eq!((decoys[0].principal_id(), decoys[1].principal_id()), (None, None));
    assert!(decoys[2].principal_id().is_some());
    assert_eq!(told(&expire(&account, &["--delete"]).exits(0)), []);
}

#[test]
fn who_reads_what_another_one_writes_that_changes_tokens_lets_it_end() {
    let account = Account::new();
    for (reader, code, says) in [
        (vec!["update", "-", "--notes", "over"], 0, ""),
        // Requests for tokens whose time is over are none.
        (vec!["create", "-"], 3, "line 400: its time would be over from the start"),
    ] {
        // More than a pipe holds.
        let token = |number: u32| {
            let (id, name) = (format!("{}{number}", reader[0]), format!("svc-{}-{number}", reader[0]));
            let arn = format!("arn:aws:iam::{}:user/{name}", account.id());
            json!({"kind": "token", "token": id, "state": "active", "account": account.id(), "region": "global",
                "type": "iam_user", "id": name, "arn": arn, "guard": "inline", "owner": "", "location": "",
                "created_at": "2020-01-01T00:00:00Z", "expires_at": "2020-01-02T00:00:00Z"})
        };
        let tokens: Vec<Value> = (0..400).map(token).collect();
        let _ = account.tool("honeytoken").arg("import").stdin(ndjson(&tokens)).run().exits(0);
        let mut expire = account.tool("honeytoken").arg("expire").command();
        let mut expire = expire.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut command = account.tool("honeytoken").args(reader.iter().copied()).command();
        command.stdin(expire.stdout.take().unwrap()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = command.spawn().unwrap().wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(expire.wait().unwrap().code(), Some(0), "{stderr}");
        assert!(output.status.code() == Some(code) && stderr.contains(says), "{}: {stderr}", output.status);
    }
    let notes = honeytoken(&account, &["list"]).kind("token");
    assert_eq!(notes.iter().filter(|token| token["notes"] == "over").count(), 400);
}
