//! Exceptions: what they cover, when they hold, and which do nothing.

use common::exit::Exit;
use common::settings::{Exception, Place, Settings};
use serde_json::{Value, json};

use super::{Done, audit, audit_with, lines, queue, scope, user};
use crate::Judge;

/// Settings with these exceptions, each on the line of its number in `ours.toml`.
fn settings(exceptions: &[Value]) -> Settings {
    let placed = |(exception, line): (&Value, u64)| Exception {
        place: Some(Place { file: "ours.toml".into(), line }),
        ..serde_json::from_value(exception.clone()).unwrap()
    };
    Settings { exceptions: exceptions.iter().zip(1..).map(placed).collect(), ..Settings::default() }
}

fn audit_but(exceptions: &[Value], arguments: &[&str], records: &[Value]) -> Done {
    audit_with(&settings(exceptions), arguments, lines(records).as_bytes())
}

/// A user of whom nobody could read whether it has MFA.
fn unread(field: &str) -> Value {
    let mut user = user("jane");
    user["unread"] = json!([{"field": field, "operation": "iam:ListMFADevices", "code": "AccessDenied"}]);
    user
}

/// The finding about MFA.
fn mfa(done: &Done) -> Value {
    let mut found = done.of_kind("finding");
    found.retain(|finding| finding["check"] == "iam_user_mfa");
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn what_is_excepted_says_why_and_until_when_and_is_not_mended() {
    let exception = json!({"id": "jane", "reason": "a break-glass user", "until": "2026-12-31"});
    let done = audit_but(&[exception], &["--fail-on", "low"], &[user("jane"), user("joe")]);
    let found = done.of_kind("finding");
    assert_eq!(done.exit, Exit::No, "joe is not excepted");
    let (jane, joe) = (&found[0], &found[1]);
    assert_eq!(jane["status"], "excepted");
    assert_eq!(jane["reason"], "a break-glass user");
    assert_eq!(jane["until"], "2026-12-31T23:59:59Z");
    assert_eq!(jane["action"], Value::Null);
    assert_eq!(jane["title"], "IAM user jane can sign in with a password and has no MFA device");
    assert_eq!((&joe["status"], &joe["action"]), (&json!("fail"), &json!("iam_delete_login_profile")));
    assert!(joe.get("until").is_none() && joe.get("reason").is_none(), "{joe}");

    let table = audit_but(
        &[
            json!({"id": "jane", "reason": "break-glass\u{1b}"}),
            json!({"check": "sqs_*", "reason": "old", "until": "2026-12-31"}),
        ],
        &["-o", "table", "--fail-on", "low"],
        &[user("jane"), queue("jobs")],
    );
    assert_eq!(table.exit, Exit::Done, "what is excepted is no answer to --fail-on");
    let said: Vec<&str> = table.stdout.split_whitespace().collect();
    assert!(said.contains(&"(break-glass?)"), "{}", table.stdout);
    assert!(said.join(" ").contains("(until 2026-12-31T23:59:59Z: old)"), "{}", table.stdout);
    assert!(table.stdout.ends_with("\n2 excepted in 2 resources (0 scopes ok)\n"), "{}", table.stdout);
}

#[test]
fn a_check_that_passes_or_is_unknown() {
    let all = json!({"account": "*", "reason": "a sandbox"});
    let by_tag = json!({"tags": {"Team": "web"}, "reason": "theirs"});
    let rows: &[(Value, Value, &[&str], Exit)] = &[
        (
            all.clone(),
            user("jane"),
            &[
                "iam_user_mfa excepted",
                "iam_user_password_unused pass",
                "iam_user_key_unused pass",
                "iam_user_runaway pass",
            ],
            Exit::Done,
        ),
        // Nobody needs to know whether it breaks a rule that it may break.
        (
            all.clone(),
            unread("MfaActive"),
            &[
                "iam_user_mfa excepted",
                "iam_user_password_unused pass",
                "iam_user_key_unused pass",
                "iam_user_runaway pass",
            ],
            Exit::Done,
        ),
        // What has which tags is not known, so nothing is covered by them, and what is unknown stays so.
        (
            by_tag.clone(),
            unread("Tags"),
            &[
                "iam_user_mfa fail",
                "iam_user_password_unused pass",
                "iam_user_key_unused pass",
                "iam_user_runaway pass",
            ],
            Exit::Done,
        ),
        (
            by_tag,
            {
                let mut user = unread("MfaActive");
                let tags = json!({"field": "Tags"});
                user["unread"].as_array_mut().unwrap().push(tags);
                user["tags"] = json!({"Team": "web"});
                user
            },
            &[
                "iam_user_mfa unknown",
                "iam_user_password_unused pass",
                "iam_user_key_unused pass",
                "iam_user_runaway pass",
            ],
            Exit::Incomplete,
        ),
    ];
    for (exception, user, expected, exit) in rows {
        let done = audit_but(std::slice::from_ref(exception), &["--passed"], std::slice::from_ref(user));
        assert_eq!(done.findings(), *expected, "{exception} {user}");
        assert_eq!(done.exit, *exit, "{exception} {user}");
    }
    let unknown = mfa(&audit_but(&[all], &[], &[unread("MfaActive")]));
    assert_eq!(unknown["reason"], "a sandbox");
    assert!(unknown["title"].as_str().unwrap().contains("cannot be judged: MfaActive could not be read"), "{unknown}");
}

#[test]
fn the_first_that_holds_is_the_one() {
    let exceptions = [
        json!({"id": "jane", "check": "iam_user_key_unused", "reason": "another check"}),
        json!({"id": "jane", "reason": "expired", "until": "2026-11-19"}),
        json!({"id": "jane", "reason": "this"}),
        json!({"id": "jane", "reason": "and this"}),
    ];
    let done = audit_but(&exceptions, &[], &[user("jane")]);
    assert_eq!(mfa(&done)["reason"], "this");
    assert!(!done.stderr.contains("expired"), "it was renewed: {}", done.stderr);
}

#[test]
fn an_expired_exception_is_told_once_where_it_is_missed() {
    // It is 10:00 on 2026-11-20.
    let rows = [
        (json!("2026-11-20"), "excepted", None),
        (json!("2026-11-20T10:00:00Z"), "excepted", None),
        (
            json!("2026-11-20T09:59:59Z"),
            "fail",
            Some("ours.toml line 1: this exception expired at 2026-11-20T09:59:59Z"),
        ),
        (json!("2026-11-19"), "fail", Some("ours.toml line 1: this exception expired at 2026-11-19T23:59:59Z")),
    ];
    for (until, status, warning) in rows {
        let exception = json!({"type": "iam_user", "reason": "while we migrate", "until": until});
        let done = audit_but(&[exception], &[], &[user("jane"), user("joe")]);
        assert_eq!(done.findings(), [format!("iam_user_mfa {status}"), format!("iam_user_mfa {status}")], "{until}");
        assert_eq!(done.stderr.matches("warning").count(), usize::from(warning.is_some()), "{}", done.stderr);
        if let Some(warning) = warning {
            assert!(done.stderr.contains(warning) && done.stderr.contains("while we migrate"), "{}", done.stderr);
        }
    }
    let missed = json!({"type": "s3_bucket", "reason": "gone", "until": "2026-11-19"});
    assert!(!audit_but(&[missed], &[], &[user("jane")]).stderr.contains("warning"), "nothing misses it");
}

#[test]
fn what_does_nothing_is_reported_where_that_is_asked_for() {
    let exceptions = [
        json!({"id": "jane", "reason": "in use"}),
        json!({"id": "ann", "reason": "she has left"}),
        json!({"id": "joe", "reason": "over", "until": "2026-11-19"}),
        json!({"id": "bob", "reason": "over and gone", "until": "2026-11-18"}),
        json!({"id": "jane", "check": "iam_user_key_unused", "reason": "her key is used again"}),
        json!({"account": "1111*", "id": "jane", "reason": "in use, too"}),
    ];
    let done = audit_but(&exceptions, &["--unused-exceptions"], &[user("jane"), user("joe"), scope("ok", "iam_user")]);
    let lapsed = done.of_kind("exception");
    let said: Vec<String> =
        lapsed.iter().map(|it| format!("{} {} {}", it["status"], it["line"], it["exception"]["id"])).collect();
    let expected = [r#""unused" 2 "ann""#, r#""expired" 3 "joe""#, r#""expired" 4 "bob""#, r#""unused" 5 "jane""#];
    assert_eq!(said, expected);
    assert_eq!(lapsed[0]["file"], "ours.toml");
    for words in [
        "ours.toml line 2: this exception covers no finding (she has left)",
        "ours.toml line 4: this exception expired at 2026-11-18T23:59:59Z (over and gone)",
    ] {
        assert!(done.stderr.contains(words), "{}", done.stderr);
    }
    assert!(!done.stderr.contains("not all was judged"), "{}", done.stderr);
    assert_eq!(done.exit, Exit::Done);
    // What it writes is an exception again.
    serde_json::from_value::<Exception>(lapsed[0]["exception"].clone()).unwrap();

    assert_eq!(audit_but(&exceptions, &[], &[user("jane")]).of_kind("exception"), [Value::Null; 0]);
    let part = audit_but(&exceptions, &["--unused-exceptions", "-o", "table"], &[scope("failed", "sqs")]);
    assert!(part.stderr.contains("warning: not all was judged"), "{}", part.stderr);
    assert!(part.stderr.contains("line 1: this exception covers no finding"), "{}", part.stderr);
}

#[test]
fn an_exception_for_a_check_that_does_not_exist_is_an_error() {
    for check in [json!("iam_user_mfas"), json!(["iam_user_mfa", "rds*_nonsense"]), json!("IAM_USER_MFA")] {
        let done = audit_but(&[json!({"id": "jane", "check": check, "reason": "x"})], &[], &[]);
        assert_eq!(done.exit, Exit::CannotStart, "{check}");
        assert!(done.stderr.contains("ours.toml line 1: `"), "{}", done.stderr);
    }
    let done = audit_but(&[json!({"id": "jane", "check": "iam_*", "reason": "x"})], &["--checks", "sqs_public"], &[]);
    assert_eq!(done.exit, Exit::Done, "it exists, though it is not made");
}

#[test]
fn a_file_adds_to_the_settings_or_stops_the_run() {
    let path = std::env::temp_dir().join(format!("sluice-audit-exceptions-{}", std::process::id()));
    let named = path.to_str().unwrap().to_owned();
    let both = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let ours = settings(&[json!({"id": "jane", "reason": "ours"})]);
        audit_with(&ours, &["--exceptions", &named], lines(&[user("jane"), user("joe")]).as_bytes())
    };
    let done = both("[[exceptions]]\nid = \"joe\"\nreason = \"theirs\"\n");
    let reasons: Vec<Value> = done.of_kind("finding").iter().map(|finding| finding["reason"].clone()).collect();
    assert_eq!(reasons, ["ours", "theirs"]);
    for (text, line) in
        [("[[exceptions]]\nid = \"joe\"\n", "line 1"), ("{\"id\":\"a\",\"reason\":\"b\"}\n{}", "line 2")]
    {
        let done = both(text);
        assert_eq!(done.exit, Exit::CannotStart, "{text}");
        assert!(done.stdout.is_empty());
        assert!(done.stderr.contains(&named) && done.stderr.contains(line), "{}", done.stderr);
    }
    std::fs::remove_file(&path).unwrap();
    assert_eq!(audit(&["--exceptions", &named], "").exit, Exit::CannotStart);
}

#[test]
fn remediate_asks_what_covers_a_task() {
    let exceptions = [
        json!({"id": "jane", "check": "iam_user_mfa", "reason": "a check"}),
        json!({"id": "joe", "reason": "all of him", "until": "2026-11-20"}),
    ];
    let now = "2026-11-20T10:00:00Z".parse().unwrap();
    let later = "2026-11-21T00:00:00Z".parse().unwrap();
    let judge = Judge::new(&settings(&exceptions), now, None).unwrap();
    let [jane, joe] = [user("jane"), user("joe")].map(|user| serde_json::from_str(&user.to_string()).unwrap());
    let reason = |user, check, at| {
        judge.exempt::<Box<serde_json::value::RawValue>>(user, check, at).map(|it| it.reason.as_str())
    };
    assert_eq!(reason(&jane, Some("iam_user_mfa"), now), Some("a check"));
    assert_eq!(reason(&jane, Some("iam_user_key_unused"), now), None);
    assert_eq!(reason(&jane, None, now), None, "a task is not about a check");
    assert_eq!(reason(&joe, None, now), Some("all of him"));
    assert_eq!(reason(&joe, None, later), None);
}

/// A list of decoys, gone with the test.
fn decoys(name: &str, users: impl IntoIterator<Item = String>) -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("sluice-audit-decoys-{name}-{}", std::process::id()));
    let tokens: Vec<Value> = users
        .into_iter()
        .map(|user| {
            json!({
                "kind": "token", "token": format!("t-{user}"), "state": "active", "account": "111122223333",
                "region": "global", "type": "iam_user", "id": user, "guard": "inline",
                "arn": format!("arn:aws:iam::111122223333:user/{user}"), "created_at": "2026-11-20T10:00:00Z",
            })
        })
        .collect();
    std::fs::write(&path, lines(&tokens)).unwrap();
    path
}

#[test]
fn the_users_of_decoys_are_excepted_and_not_told_of_as_unused() {
    let list = decoys("two", ["jane".to_owned(), "ann".to_owned()]);
    let arguments = ["--unused-exceptions", "--honeytokens", list.to_str().unwrap()];
    let ours = [json!({"id": "bob", "reason": "he has left"}), json!({"id": "j*", "check": "sqs_*", "reason": "no"})];
    let done = audit_but(&ours, &arguments, &[user("jane"), user("joe"), scope("ok", "iam_user")]);
    let found = done.of_kind("finding");
    let told: Vec<[&Value; 4]> =
        found.iter().map(|it| [&it["id"], &it["status"], &it["reason"], &it["action"]]).collect();
    let action = json!("iam_delete_login_profile");
    assert_eq!(told[0], [&json!("jane"), &json!("excepted"), &json!("a decoy (honeytoken t-jane)"), &Value::Null]);
    assert_eq!(told[1], [&json!("joe"), &json!("fail"), &Value::Null, &action]);
    let lapsed: Vec<Value> = done.of_kind("exception").iter().map(|it| it["exception"]["id"].clone()).collect();
    assert_eq!(lapsed, ["bob", "j*"], "ann's is nobody's to drop");
    // What somebody has written gives the reason.
    let ours = json!({"id": "jane", "reason": "break-glass"});
    assert_eq!(mfa(&audit_but(&[ours], &arguments[1..], &[user("jane")]))["reason"], "break-glass");
    std::fs::remove_file(&list).unwrap();
    let done = audit_but(&[], &arguments[1..], &[user("jane")]);
    assert_eq!((done.exit, done.stdout.as_str()), (Exit::CannotStart, ""));
    assert!(done.stderr.contains(list.to_str().unwrap()), "{}", done.stderr);
}

#[test]
fn the_checks_that_decoys_are_excepted_from_are_there() {
    let known: Vec<&str> = crate::checks::all().map(|about| about.id).collect();
    for check in common::decoys::CHECKS {
        assert!(known.contains(&check), "{check}");
    }
}

#[test]
fn many_exceptions_that_name_one_resource_each_are_found_by_their_names() {
    let mut exceptions: Vec<Value> =
        (0..3_000).map(|n| json!({"id": format!("user-{n}"), "reason": n.to_string()})).collect();
    exceptions.push(json!({"arn": "arn:aws:iam::111122223333:user/by-arn", "reason": "its ARN"}));
    exceptions.push(json!({"id": ["none", "one-of-two"], "arn": "arn:aws:iam::*", "reason": "one of two"}));
    exceptions.push(json!({"id": "wild-*", "reason": "a pattern"}));
    exceptions.insert(0, json!({"id": "user-2999", "check": "iam_user_m*", "reason": "the first"}));
    for (name, reason) in [
        ("user-0", Some("0")),
        ("user-2999", Some("the first")),
        ("user-3000", None),
        ("by-arn", Some("its ARN")),
        ("one-of-two", Some("one of two")),
        ("wild-one", Some("a pattern")),
    ] {
        let found = mfa(&audit_but(&exceptions, &[], &[user(name)]));
        assert_eq!(found["reason"].as_str(), reason, "{name}");
    }
}
