//! Tokens are made: in this order, in parallel, and whatever happens no key is left that nobody knows, and no user without its
//! guard.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tests::iam::Iam;
use tests::{Account, Emulator, Proxy, Ran, Tool, Verdict, ndjson, on};

use crate::killed::{Killer, signal, start};
use crate::{honeytoken, tokens};

/// What stands between these tags, each time.
fn all(xml: &str, tag: &str) -> Vec<String> {
    let (start, end) = (format!("<{tag}>"), format!("</{tag}>"));
    xml.split(&start).skip(1).map(|part| part.split_once(&end).unwrap().0.to_owned()).collect()
}

/// The users of an account, each with its keys.
fn users(account: &Account) -> BTreeMap<String, Vec<String>> {
    let iam = Iam(account);
    let names = all(&iam.call("ListUsers", &[("MaxItems", "1000")]), "UserName");
    let keys = |name: &String| all(&iam.call("ListAccessKeys", &[("UserName", name)]), "AccessKeyId");
    names.into_iter().map(|name| (name.clone(), keys(&name))).collect()
}

fn has_guard(account: &Account, user: &str) -> bool {
    let policies = Iam(account).call("ListUserPolicies", &[("UserName", user)]);
    let names = all(&policies, "member");
    names.iter().any(|name| {
        let policy = Iam(account).call("GetUserPolicy", &[("UserName", user), ("PolicyName", name)]);
        policy.contains("%22Deny%22") || policy.contains("\"Deny\"")
    })
}

/// The keys that lie in the files of a directory.
pub(crate) fn keys_in(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries.flat_map(|entry| all_keys(&fs::read_to_string(entry.unwrap().path()).unwrap())).collect()
}

fn all_keys(text: &str) -> Vec<String> {
    let words = text.split(|character: char| !character.is_ascii_alphanumeric());
    words.filter(|word| word.starts_with("AKIA") && word.len() >= 16).map(str::to_owned).collect()
}

/// Each user has its guard and one key, and these are the keys.
fn holds(account: &Account, keys: &BTreeSet<String>, what: &str) {
    let users = users(account);
    for (user, keys) in &users {
        assert!(has_guard(account, user), "{what}: {user} has no guard");
        assert_eq!(keys.len(), 1, "{what}: {user}");
    }
    let there: BTreeSet<String> = users.into_values().flatten().collect();
    assert_eq!(&there, keys, "{what}");
}

fn given(ran: &Ran) -> BTreeSet<String> {
    ran.kind("token").iter().map(|token| token["access_key_id"].as_str().unwrap().to_owned()).collect()
}

fn create(account: &Account, args: &[&str]) -> Tool {
    account.tool("honeytoken").arg("create").args(args.iter().copied())
}

fn settings(account: &Account, text: &str) {
    fs::write(account.tool("honeytoken").home().join("sluice.toml"), text).unwrap();
}

#[test]
fn the_user_comes_first_and_then_its_guard_and_then_its_key() {
    let account = Account::new();
    let proxy = Proxy::new(Emulator::shared());
    let seen = account.through(&proxy);
    let args = ["--owner", "web", "--location", "nas", "--notes", "for n\u{e4}s", "--label", "env=corp"];
    let ran = create(&seen, &args).run().exits(0);
    let token = ran.one(&json!({"kind": "token"}));
    let changes: Vec<String> =
        proxy.calls().iter().map(tests::Call::name).filter(|name| !name.contains(":Get")).collect();
    assert_eq!(changes, ["iam:CreateUser", "iam:PutUserPolicy", "iam:CreateAccessKey"]);
    assert_eq!(
        (&token["state"], &token["owner"], &token["guard"]),
        (&json!("active"), &json!("web"), &json!("inline"))
    );
    assert_eq!(token["labels"], json!({"env": "corp"}));
    let name = token["id"].as_str().unwrap();
    assert_eq!(token["arn"], format!("arn:aws:iam::{}:user/{name}", account.id()));
    assert!(!token["principal_id"].as_str().unwrap().is_empty());
    assert_eq!(token["secret_access_key"].as_str().unwrap().len(), 40);
    holds(&account, &given(&ran), "one");
    let tags = Iam(&account).call("ListUserTags", &[("UserName", name)]);
    assert_eq!(all(&tags, "Key"), ["cost-center"]);
    assert_eq!(all(&tags, "Value"), [token["token"].as_str().unwrap()]);

    // The secret is told once.
    let again = create(&seen, &args).run().exits(0).one(&json!({"kind": "token"}));
    assert_eq!((&again["token"], again.get("secret_access_key")), (&token["token"], None));
    let other = create(&seen, &args).arg("--new").run().exits(0).one(&json!({"kind": "token"}));
    assert_ne!(other["token"], token["token"]);
    let home = account.tool("honeytoken").home().to_owned();
    let secret = token["secret_access_key"].as_str().unwrap();
    assert!(!grep(&home, secret.as_bytes()), "a secret is in {}", home.display());
}

fn grep(directory: &Path, text: &[u8]) -> bool {
    fs::read_dir(directory).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            grep(&path, text)
        } else {
            fs::read(&path).unwrap().windows(text.len()).any(|it| it == text)
        }
    })
}

#[test]
fn each_line_of_stdin_is_one_and_a_bad_one_costs_itself() {
    let account = Account::new();
    let lines = "{\"owner\":\"a\",\"location\":\"x\"}\n\
                 {\"owner\":7}\n\
                 \"text\"\n\
                 {\"owner\":\"a\",\"location\":\"x\",\"colour\":\"red\"}\n\
                 {\"owner\":\"a\\u001b[2J\"}\n\
                 {\"location\":\"y\",\"expires_in\":\"30d\"}\n";
    let ran = create(&account, &["-", "--owner", "b", "--out", "secrets"]).stdin(lines).run().exits(3);
    let found: BTreeSet<_> =
        ran.kind("token").iter().map(|it| (it["owner"].to_string(), it["location"].to_string())).collect();
    assert_eq!(found.len(), 2, "{ran}");
    let ran = ran
        .says("line 2")
        .says("line 3")
        .says("line 5: owner has a control character")
        .says("2 tokens made, 1 there already");
    assert!(!ran.text().contains("secret_access_key"), "{ran}");
    let directory = account.tool("honeytoken").home().join("secrets");
    holds(&account, &keys_in(&directory), "from stdin");
    let _ = create(&account, &["--location", "a\tb"]).run().exits(2).says("control character");
    let _ = create(&account, &["--expires-at", "2020-01-01T00:00:00Z"]).run().exits(2).says("is past");
}

#[test]
fn throttled_calls_and_lost_answers_cost_time_and_nothing_else() {
    let account = Account::new();
    let proxy = Proxy::new(Emulator::shared())
        .throttle(on("iam:*").every(4))
        .cut_after(on("iam:CreateUser").every(3))
        .cut_after(on("iam:PutUserPolicy").every(3))
        .cut_after(on("iam:CreateAccessKey").every(3))
        .fail(on("iam:*").every(9), 500, "ServiceFailure", "try again");
    let seen = account.through(&proxy);
    let ran = create(&seen, &["--owner", "web", "--location", "host-{n}", "--count", "12"]).run().exits(0);
    let keys = given(&ran);
    assert_eq!(keys.len(), 12, "{ran}");
    holds(&account, &keys, "all of them");
    assert!(proxy.count("iam:DeleteAccessKey") > 0, "a key whose secret was lost is deleted");
}

#[test]
fn a_lost_answer_to_a_key_is_looked_up() {
    let account = Account::new();
    let proxy = Proxy::new(Emulator::shared()).cut_after(on("iam:CreateAccessKey").first(1));
    let ran = create(&account.through(&proxy), &[]).run().exits(0);
    holds(&account, &given(&ran), "one");
    assert_eq!((proxy.count("iam:CreateAccessKey"), proxy.count("iam:DeleteAccessKey")), (2, 1));
    let proxy = Proxy::new(Emulator::shared()).cut_after(on("iam:CreateUser").first(1));
    let other = Account::new();
    let ran = create(&other.through(&proxy), &[]).run().exits(0);
    holds(&other, &given(&ran), "one");
    assert_eq!(proxy.count("iam:CreateUser"), 1, "it was there");
}

#[test]
fn the_last_user_that_there_was_room_for_is_not_forgotten() {
    let account = Account::new();
    // It is made, nobody hears of it, and IAM does not know it for a moment.
    let proxy = Proxy::new(Emulator::shared())
        .cut_after(on("iam:CreateUser").first(1))
        .fail("iam:CreateUser", 409, "LimitExceeded", "Cannot exceed quota for UsersPerAccount: 1")
        .fail(on("iam:GetUser").first(1), 404, "NoSuchEntity", "The user cannot be found.");
    let _ = create(&account.through(&proxy), &[]).run().exits(3).says("LimitExceeded");
    assert_eq!(users(&account), BTreeMap::new());
}

#[test]
fn as_whom_tokens_are_made_is_taken_down() {
    let account = Account::new();
    let _ = create(&account, &[]).run().exits(0);
    let registry = account.tool("honeytoken").home().join(".local/share/sluice");
    let role = format!("{}iam_roletests", account.id());
    assert!(grep(&registry, role.as_bytes()), "a watch takes its calls for somebody else's");
}

#[test]
fn without_its_guard_no_key_is_made() {
    let account = Account::new();
    let proxy = Proxy::new(Emulator::shared()).deny("iam:PutUserPolicy");
    let _ = create(&account.through(&proxy), &["--count", "3"])
        .run()
        .exits(3)
        .says("AccessDenied")
        .says("iam:PutUserPolicy");
    assert_eq!(proxy.count("iam:CreateAccessKey"), 0);
    assert_eq!(users(&account), BTreeMap::new());
    // The next run finds nothing to be mended.
    let ran = create(&account, &[]).run().exits(0);
    assert!(!ran.stderr.contains("earlier run"), "{ran}");
}

#[test]
fn a_full_account_takes_no_more_and_nothing_is_half_made() {
    let account = Account::new();
    let proxy = Proxy::new(Emulator::shared()).fail(on("iam:CreateUser").after(3), 409, "LimitExceeded", "no more");
    let ran = create(&account.through(&proxy), &["--count", "6", "--owner", "a", "--location", "l{n}"]).run().exits(3);
    let ran = ran.says("no account has room").says("3 tokens made, 3 not made").says("is full");
    holds(&account, &given(&ran), "three");
    assert_eq!(given(&ran).len(), 3);
}

#[test]
fn tokens_are_spread_over_the_accounts_that_can_be_entered() {
    let (account, other, third) = (Account::new(), Account::new(), Account::new());
    let text = format!(
        "[honeytoken.accounts.\"{}\"]\n[honeytoken.accounts.\"{}\"]\nrole = \"decoys\"\n\
         [honeytoken.accounts.\"{}\"]\nrole = \"decoys\"\nmax_users = 2\n[honeytoken.accounts.\"999999999999\"]\nrole = \"closed\"\n",
        account.id(),
        other.id(),
        third.id()
    );
    settings(&account, &text);
    let proxy = Proxy::new(Emulator::shared()).deny(on("sts:AssumeRole").about("999999999999"));
    let args = ["--config", "sluice.toml", "--count", "12"];
    let ran = create(&account.through(&proxy), &args).arg("--dry-run").run().exits(3).says("would make 6 in account");
    assert_eq!((ran.records().len(), proxy.count("iam:CreateUser")), (0, 0));
    let ran = create(&account.through(&proxy), &args).run().exits(3).says("account 999999999999 cannot be entered");
    let counts = [&account, &other, &third].map(|account| users(account).len());
    assert!(
        counts[2] <= 2 && counts[0].abs_diff(counts[1]) <= 1 && counts.iter().sum::<usize>() == 12,
        "{counts:?}\n{ran}"
    );
}

#[test]
fn one_account_is_full_and_the_other_goes_on() {
    let (account, other) = (Account::new(), Account::new());
    let text = format!(
        "[honeytoken.accounts.\"{}\"]\n[honeytoken.accounts.\"{}\"]\nrole = \"decoys\"\n",
        account.id(),
        other.id()
    );
    settings(&account, &text);
    let proxy = Proxy::new(Emulator::shared()).fail(on("iam:CreateUser").first(1), 409, "LimitExceeded", "no more");
    let ran =
        create(&account.through(&proxy), &["--config", "sluice.toml", "--count", "8"]).run().exits(0).says("is full");
    assert_eq!(given(&ran).len(), 8);
    assert_eq!(users(&account).len() + users(&other).len(), 8);
}

#[test]
fn each_guard_is_there_before_the_key() {
    for (guard, more, calls) in [
        ("none", "", vec!["iam:CreateUser", "iam:CreateAccessKey"]),
        (
            "boundary",
            "boundary = \"arn:aws:iam::{account}:policy/limits\"",
            vec!["iam:CreateUser", "iam:CreateAccessKey"],
        ),
        (
            "group",
            "group = \"leavers\"",
            vec![
                "iam:CreateUser",
                "iam:CreateGroup",
                "iam:PutGroupPolicy",
                "iam:AddUserToGroup",
                "iam:CreateAccessKey",
            ],
        ),
    ] {
        let account = Account::new();
        let document =
            json!({"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}});
        Iam(&account).call("CreatePolicy", &[("PolicyName", "limits"), ("PolicyDocument", &document.to_string())]);
        settings(&account, &format!("[honeytoken]\nguard = \"{guard}\"\n{more}\n"));
        let proxy = Proxy::new(Emulator::shared());
        let ran = create(&account.through(&proxy), &["--config", "sluice.toml"]).run().exits(0);
        let token = ran.one(&json!({"kind": "token"}));
        let made: Vec<String> = proxy.calls().iter().map(tests::Call::name).collect();
        let made: Vec<&String> = made.iter().filter(|name| !name.contains(":Get") && !name.contains(":List")).collect();
        assert_eq!(made, calls, "{guard}");
        assert_eq!(token["guard"], guard);
        let user = token["id"].as_str().unwrap();
        match guard {
            "boundary" => {
                let arn = format!("PermissionsBoundary=arn%3Aaws%3Aiam%3A%3A{}%3Apolicy%2Flimits", account.id());
                assert_eq!(proxy.count(on("iam:CreateUser").about(&arn)), 1);
            }
            "group" => {
                let groups = Iam(&account).call("ListGroupsForUser", &[("UserName", user)]);
                assert_eq!(all(&groups, "GroupName"), ["leavers"]);
                // The group is good: it is not made again.
                let _ = create(&account.through(&proxy), &["--config", "sluice.toml"]).run().exits(0);
                assert_eq!((proxy.count("iam:CreateGroup"), proxy.count("iam:PutGroupPolicy")), (1, 1));
            }
            _ => {}
        }
    }
    let account = Account::new();
    let _ = create(&account, &["--guard", "boundary"]).run().exits(4).says("nobody says which");
}

#[test]
fn a_group_that_somebody_works_in_is_no_guard() {
    let account = Account::new();
    let iam = Iam(&account);
    iam.call("CreateGroup", &[("GroupName", "suspended-users")]);
    iam.call("CreateUser", &[("UserName", "jane")]);
    iam.call("AddUserToGroup", &[("GroupName", "suspended-users"), ("UserName", "jane")]);
    let _ = create(&account, &["--guard", "group"]).run().exits(3).says("no inline policy that denies everything");
    assert_eq!(users(&account).into_keys().collect::<Vec<_>>(), ["jane"]);
    assert_eq!(
        all(&iam.call("ListGroupPolicies", &[("GroupName", "suspended-users")]), "member"),
        Vec::<String>::new()
    );
}

#[test]
fn a_name_that_somebody_has_is_left_alone() {
    let account = Account::new();
    Iam(&account).call("CreateUser", &[("UserName", "svc-a")]);
    settings(&account, "[honeytoken]\nnames = [\"svc-{letter}\"]\n[honeytoken.words]\nletter = [\"a\", \"b\"]\n");
    // Chance decides which name is tried first: both times one of the two is left.
    let ran = create(&account, &["--config", "sluice.toml"]).run().exits(0);
    let token = ran.one(&json!({"kind": "token"}));
    assert_eq!(token["id"], "svc-b");
    assert_eq!(users(&account)["svc-a"], Vec::<String>::new());
    let _ = create(&account, &["--config", "sluice.toml"]).run().exits(3);
}

#[test]
fn a_secret_that_cannot_be_handed_out_is_taken_back() {
    let account = Account::new();
    let mut command = create(&account, &["--count", "5"]).command();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = command.stdout(full).stderr(Stdio::piped()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("could not be handed out"), "{stderr}");
    assert_eq!(users(&account), BTreeMap::new(), "{stderr}");
}

#[test]
fn a_signal_ends_what_is_under_way_and_begins_nothing_more() {
    let account = Account::new();
    let victim: Arc<Mutex<Option<u32>>> = Arc::default();
    let named = Arc::clone(&victim);
    let proxy = Proxy::new(Emulator::shared()).rule(on("iam:CreateUser").first(1), move |_| {
        if let Some(id) = *named.lock().unwrap() {
            signal(id, "TERM");
        }
        thread::sleep(Duration::from_secs(1));
        Verdict::Pass
    });
    let tool = create(&account.through(&proxy), &["--count", "200", "--out", "secrets"]);
    let child = {
        let mut victim = victim.lock().unwrap();
        let child = start(&tool);
        *victim = Some(child.id());
        child
    };
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("of 200 tokens were not begun"), "{stderr}");
    let keys = keys_in(&tool.home().join("secrets"));
    assert!(!keys.is_empty() && keys.len() < 200, "{}: {stderr}", keys.len());
    holds(&account, &keys, "what was under way");
}

#[test]
fn a_run_that_is_killed_at_any_call_is_finished_by_the_next() {
    let account = Account::new();
    let killer = Killer::new();
    let seen = killer.at(&account);
    let mut tokens = 0;
    for heard in [false, true] {
        for at in 1.. {
            let what = format!("killed at call {at}, {heard}");
            let location = format!("{heard}-{at}-{{n}}");
            let tool = create(&seen, &["--owner", "a", "--location", &location, "--count", "2", "--out", "secrets"]);
            let ended = killer.run(&tool, at, heard);
            tokens += 2;
            if let Some(ended) = ended {
                assert_eq!(ended.code(), Some(0), "{what}");
                assert!(at > 6, "a run makes more calls than {at}");
                break;
            }
            let next = tool.clone().run().exits(0);
            assert_eq!(next.kind("token").len(), 2, "{what}: {next}");
            let keys = keys_in(&tool.home().join("secrets"));
            holds(&account, &keys, &what);
            assert_eq!(keys.len(), tokens, "{what}: {next}");
        }
    }
}

#[test]
fn without_a_tag_what_was_made_and_not_heard_of_is_taken_back_and_nothing_else() {
    let account = Account::new();
    settings(&account, "[honeytoken]\ntag = \"\"\n");
    let killer = Killer::new();
    let tool = create(&killer.at(&account), &["--config", "sluice.toml", "--out", "secrets"]);
    let made = |is_theirs: bool| {
        let before = users(&account);
        // Up to the call that makes the user.
        for at in 1.. {
            assert!(killer.run(&tool, at, true).is_none(), "no user was made up to call {at}");
            if let Some(user) = users(&account).into_keys().find(|user| !before.contains_key(user)) {
                if is_theirs {
                    let policy = [("PolicyName", "mail"), ("PolicyDocument", crate::removal::DENY)];
                    Iam(&account).call("PutUserPolicy", &[("UserName", &user), policy[0], policy[1]]);
                }
                return user;
            }
            let _ = honeytoken(&account, &["--config", "sluice.toml", "reconcile", "--apply"]);
        }
        unreachable!("a run has an end")
    };
    let ours = made(false);
    let ran = create(&account, &["--config", "sluice.toml", "--out", "secrets"]).run().exits(0);
    assert!(!users(&account).contains_key(&ours), "{ran}");
    // What hangs on it somebody has put there: it is theirs, which is said, and not said again.
    let theirs = made(true);
    let ran = create(&account, &["--config", "sluice.toml", "--out", "secrets"]).run().exits(0);
    let ran = ran.says("is left alone").says(&theirs);
    assert_eq!(users(&account)[&theirs], Vec::<String>::new(), "{ran}");
    let ran = create(&account, &["--config", "sluice.toml", "--out", "secrets"]).run().exits(0);
    assert!(!ran.stderr.contains(&theirs), "{ran}");
}

#[test]
fn a_secret_on_its_way_to_stdout_is_unconfirmed_and_its_key_is_replaced() {
    let account = Account::new();
    let args = ["create", "--owner", "a", "--location", "b"];
    let mut command = account.tool("honeytoken").args(args).command();
    // Nobody reads, and the pipe is full: it waits in the middle of handing out.
    let (reader, writer) = std::io::pipe().unwrap();
    fill(&writer);
    let mut child = command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::null()).spawn().unwrap();
    let key = loop {
        if let Some(key) = users(&account).into_values().flatten().next() {
            break key;
        }
        thread::sleep(Duration::from_millis(50));
    };
    thread::sleep(Duration::from_secs(1));
    child.kill().unwrap();
    child.wait().unwrap();
    drop(reader);
    let ran = honeytoken(&account, &args).exits(0).says("is not known").says(&key);
    let token = ran.one(&json!({"kind": "token"}));
    assert_ne!(token["access_key_id"], Value::String(key.clone()), "it has another key");
    assert_eq!(token["keys"][0]["status"], "deleted", "{ran}");
    holds(&account, &given(&ran), "one");
    assert_eq!(tokens(&account, &args)[0]["token"], token["token"]);
}

/// Fills a pipe, so that whoever writes to it waits.
pub(crate) fn fill(writer: &std::io::PipeWriter) {
    let mut copy = writer.try_clone().unwrap();
    let full = thread::spawn(move || std::io::Write::write_all(&mut copy, &vec![b'\n'; 65536]));
    full.join().unwrap().unwrap();
}

#[test]
fn what_the_pipeline_writes_can_be_read_back() {
    let account = Account::new();
    let lines = ndjson(&[json!({"owner": "a", "location": "x", "labels": {"k": "v"}})]);
    let first = create(&account, &["-"]).stdin(lines).run().exits(0);
    // The records of tokens are requests, too: these are there already.
    let again = create(&account, &["-"]).stdin(first.stdout.clone()).run().exits(0);
    assert_eq!(again.kind("token")[0]["token"], first.kind("token")[0]["token"]);
}
