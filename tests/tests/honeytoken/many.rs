//! A thousand tokens in three accounts while AWS is at its worst: exactly a thousand, each of which works, and no secret is kept.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use serde_json::{Value, json};
use tests::http::Request;
use tests::stage::text;
use tests::{Account, Emulator, Proxy, Tool, ndjson, on};

/// How many.
const COUNT: usize = 1000;

/// What one of the files says of a key.
struct Handed {
    key: String,
    secret: String,
    arn: String,
}

fn handed(directory: &Path) -> Vec<Handed> {
    let files = fs::read_dir(directory).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let handed = files.map(|file| {
        let token: Value = serde_json::from_slice(&file).unwrap();
        let [key, secret, arn] = ["access_key_id", "secret_access_key", "arn"].map(|name| text(&token[name]));
        Handed { key, secret, arn }
    });
    handed.collect()
}

/// The users of an account with their keys, as IAM has them; each with the names of its inline policies.
async fn users(account: &Account) -> Vec<(String, Vec<String>, usize)> {
    let iam = aws_sdk_iam::Client::new(&account.sdk());
    let mut pages = iam.list_users().into_paginator().items().send();
    let mut users = Vec::new();
    while let Some(user) = pages.next().await {
        let name = user.unwrap().user_name;
        let keys = iam.list_access_keys().user_name(&name).send().await.unwrap().access_key_metadata;
        let policies = iam.list_user_policies().user_name(&name).send().await.unwrap().policy_names;
        users.push((name, keys.into_iter().filter_map(|key| key.access_key_id).collect(), policies.len()));
    }
    users
}

/// Who AWS says that one is with these credentials, or which error it answers with.
async fn caller(account: &Account, key: &str, secret: &str) -> Result<String, String> {
    let credentials = Credentials::new(key, secret, None, None, "a thief");
    let sdk = account.sdk().to_builder().credentials_provider(SharedCredentialsProvider::new(credentials)).build();
    match aws_sdk_sts::Client::new(&sdk).get_caller_identity().send().await {
        Ok(answer) => Ok(answer.arn.unwrap_or_default()),
        Err(error) => Err(format!("{:?}", aws_sdk_sts::error::DisplayErrorContext(&error))),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn a_thousand_tokens_are_made_whatever_aws_does() {
    let emulator = Emulator::alone();
    let accounts = [(); 3].map(|()| Account::new_in(&emulator));
    let proxy = Proxy::new(&emulator)
        .throttle(on("iam:*").every(3))
        .fail(on("iam:*").every(20), 500, "ServiceFailure", "try again later")
        .cut_after(on("iam:CreateUser").every(25))
        .cut_after(on("iam:PutUserPolicy").every(30))
        .cut_after(on("iam:CreateAccessKey").every(25));
    let account = accounts[0].through(&proxy);
    let honeytoken = |args: &[&str]| -> Tool {
        account.tool("honeytoken").args(["--config", "sluice.toml"]).args(args.iter().copied())
    };
    let home = honeytoken(&[]).home().to_owned();
    let mut settings = String::new();
    for other in &accounts {
        writeln!(settings, "[honeytoken.accounts.\"{}\"]\nrole = \"tests\"", other.id()).unwrap();
    }
    fs::write(home.join("sluice.toml"), settings).unwrap();

    let requests: Vec<Value> = (0..COUNT)
        .map(|number| json!({"owner": format!("team-{}", number % 7), "location": format!("laptop-{number}")}))
        .collect();
    let create = honeytoken(&["create", "-", "--out", "secrets", "--format", "json"]);
    let made = create.stdin(ndjson(&requests)).time_limit(Duration::from_mins(9)).run().exits(0);
    assert_eq!(made.kind("token").len(), COUNT, "{}", made.stderr);
    // All kinds of trouble came.
    for (operation, least) in [("iam:CreateUser", COUNT), ("iam:PutUserPolicy", COUNT), ("iam:CreateAccessKey", COUNT)]
    {
        assert!(proxy.count(operation) > least * 5 / 4, "{operation}: {}", proxy.count(operation));
    }

    // As many users and keys as were asked for, in all three accounts, each behind its guard.
    let runtime = runtime();
    let mut in_iam = BTreeSet::new();
    for account in &accounts {
        let users = runtime.block_on(users(account));
        assert!(users.len() > COUNT / 4, "{} in {}", users.len(), account.id());
        for (name, keys, policies) in users {
            assert_eq!((keys.len(), policies), (1, 1), "{name} in {}", account.id());
            in_iam.extend(keys);
        }
    }
    assert_eq!(in_iam.len(), COUNT);

    // Each secret was handed out once, and is that of its key; the registry knows them all, and none besides.
    let handed = handed(&home.join("secrets"));
    let keys: BTreeSet<String> = handed.iter().map(|it| it.key.clone()).collect();
    let secrets: BTreeSet<&str> = handed.iter().map(|it| it.secret.as_str()).collect();
    assert_eq!((handed.len(), secrets.len()), (COUNT, COUNT));
    assert_eq!(keys, in_iam);
    let listed = honeytoken(&["list"]).run().exits(0).kind("token");
    let known = listed.iter().flat_map(|token| token["keys"].as_array().unwrap()).map(|key| text(&key["id"]));
    assert_eq!(known.collect::<BTreeSet<_>>(), in_iam);
    assert!(listed.iter().all(|token| token["state"] == "active"), "{listed:?}");

    // The same requests again make nothing.
    let calls = proxy.count("iam:CreateUser");
    let create = honeytoken(&["create", "-", "--out", "secrets", "--format", "json"]);
    let again = create.stdin(ndjson(&requests)).run().exits(0);
    assert_eq!((again.kind("token").len(), proxy.count("iam:CreateUser")), (COUNT, calls));

    // Nothing that stays has a secret in it.
    let _ = honeytoken(&["backup", "copy.db"]).run().exits(0);
    let exported = honeytoken(&["export"]).run().exits(0).stdout;
    let mut kept = vec![made.stdout.clone(), again.stdout.clone(), exported];
    kept.extend([made.stderr, again.stderr].map(String::into_bytes));
    kept.extend(files(&home, &home.join("secrets")));
    assert!(kept.iter().any(|bytes| bytes.starts_with(b"SQLite format 3")), "the registry is among what is searched");
    for bytes in kept {
        let found = found_in(&bytes, &secrets);
        assert_eq!(found, None, "a secret was kept");
    }

    // From here on the emulator checks signatures, as AWS does. It is told past the proxy, which throttles each third call.
    let answer = accounts[0].call("iam", Request::new("POST", "/moto-api/reset-auth").body("0")).unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    runtime.block_on(async {
        for Handed { key, secret, arn } in &handed {
            assert_eq!(caller(&accounts[0], key, secret).await.as_ref(), Ok(arn));
        }
        let Handed { key, .. } = &handed[0];
        assert!(caller(&accounts[0], key, &handed[1].secret).await.is_err(), "the emulator takes any secret");
    });
}

/// What all files below a directory hold, but for one directory.
fn files(directory: &Path, without: &Path) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path != without {
                all.extend(files(&path, without));
            }
        } else {
            all.push(fs::read(&path).unwrap());
        }
    }
    all
}

/// The first of these secrets that is somewhere in there. A secret has 40 characters of its own alphabet.
fn found_in(bytes: &[u8], secrets: &BTreeSet<&str>) -> Option<String> {
    let mut windows = bytes.windows(40).filter_map(|window| str::from_utf8(window).ok());
    windows.find(|window| secrets.contains(window)).map(str::to_owned)
}
