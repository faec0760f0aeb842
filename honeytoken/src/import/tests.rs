//! What is taken in, and what is not.

use std::io::{Cursor, Write as _};

use common::cli::{Captured, Say};
use common::record::{KeyStatus, TokenState};
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::registry::Filter;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

fn record(id: &str, key: &str) -> Value {
    json!({
        "kind": "token", "token": id, "state": "active", "account": "111122223333", "region": "global",
        "type": "iam_user", "id": format!("svc-{id}"), "arn": format!("arn:aws:iam::111122223333:user/team/svc-{id}"),
        "guard": "inline", "owner": "web", "location": "nas", "created_at": "2026-11-20T10:00:00Z",
        "keys": [{"id": key, "status": "active", "created_at": "2026-11-20T10:00:00Z"}],
    })
}

/// Takes an input in: what came of it, and what was said.
fn import(registry: &Registry, input: impl Into<Vec<u8>>) -> (Tally, String) {
    let out = Captured::default();
    let tally = run(Cursor::new(input.into()), registry, &Say::to("honeytoken", out.clone())).unwrap();
    (tally, out.text())
}

fn numbers(tally: &Tally) -> (usize, usize, usize) {
    (tally.new, tally.known, tally.refused)
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(text).unwrap();
    gzip.finish().unwrap()
}

#[test]
fn records_come_back_as_they_went_out() {
    let registry = Registry::in_memory().unwrap();
    let mut first = record("t1", "AKIAIOSFODNN7EXAMPL1");
    first["labels"] = json!({"env": "corp"});
    first["planted"] = json!([{"key": "AKIAIOSFODNN7EXAMPL1", "host": "h", "path": "/p", "profile": "d", "at": "2026-11-20T10:00:00Z"}]);
    first["drill"] = json!({"at": "2026-11-20T12:00:00Z", "latency_seconds": 12.5});
    let mut second = record("t2", "AKIAIOSFODNN7EXAMPL2");
    second["state"] = "deleted".into();
    second["deleted_at"] = "2026-11-20T11:00:00Z".into();
    let input = format!("{first}\n{second}\n");
    let (tally, said) = import(&registry, packed(input.as_bytes()));
    assert_eq!((numbers(&tally), said.as_str()), ((2, 0, 0), ""));
    let out: Vec<Value> =
        registry.all_tokens().unwrap().iter().map(|token| serde_json::to_value(token).unwrap()).collect();
    let read = |value: &Value| serde_json::from_value::<Token>(value.clone()).unwrap();
    assert_eq!([read(&out[0]), read(&out[1])], [read(&first), read(&second)]);
    // Once more: nothing new.
    assert_eq!(numbers(&import(&registry, input).0), (0, 2, 0));
}

#[test]
fn what_people_say_is_taken_over_and_another_user_or_key_is_not() {
    let registry = Registry::in_memory().unwrap();
    import(&registry, record("t1", "AKIAIOSFODNN7EXAMPL1").to_string());
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut record = record("t1", "AKIAIOSFODNN7EXAMPL1");
        change(&mut record);
        record
    };
    let (tally, said) = import(
        &registry,
        changed(&|it| {
            it["owner"] = "db".into();
            it["state"] = "disabled".into();
        })
        .to_string(),
    );
    assert_eq!(numbers(&tally), (0, 1, 0));
    assert!(said.contains("stays active, though it is disabled here"), "{said}");
    let token = registry.token("t1").unwrap().unwrap();
    assert_eq!((token.owner.as_str(), token.state), ("db", TokenState::Active));

    let arn = "arn:aws:iam::111122223333:user/team/svc-t1";
    for (input, why) in [
        (
            changed(&|it| it["keys"][0]["id"] = "AKIAIOSFODNN7EXAMPL9".into()),
            "its keys are AKIAIOSFODNN7EXAMPL1 in the registry",
        ),
        (changed(&|it| it["keys"] = json!([])), "and none here"),
        (changed(&|it| it["arn"] = "arn:aws:iam::111122223333:user/svc-t1".into()), "is another user in the registry"),
        (changed(&|it| it["token"] = "t9".into()), "is one of the token t1 already"),
        (
            changed(&|it| {
                it["token"] = "t9".into();
                it["keys"] = json!([]);
            }),
            "its user is the token t1 already",
        ),
        (changed(&|it| it["type"] = "iam_role".into()), "its type is not iam_user"),
        (changed(&|it| it["id"] = "svc-other".into()), "its account and id are not those of its ARN"),
        (changed(&|it| it["account"] = "444455556666".into()), "its account and id are not those of its ARN"),
        (changed(&|it| it["token"] = "".into()), "its id in the registry"),
        (changed(&|it| it["keys"][0]["id"] = SECRET.into()), "one of its access key ids is none"),
        (changed(&|it| it["kind"] = "finding".into()), "of the kind `finding` is no token"),
        (
            changed(&|it| {
                it.as_object_mut().unwrap().remove("state");
            }),
            "missing field `state`",
        ),
    ] {
        let other = record("t2", "AKIAIOSFODNN7EXAMPL2");
        let (tally, said) = import(&registry, format!("{input}\nno JSON\n{other}\n"));
        assert_eq!(tally.refused, 2, "{why}: {said}");
        assert!(said.contains("line 1: ") && said.contains("line 2: ") && said.contains(why), "{why}: {said}");
        assert!(!said.contains(SECRET), "{said}");
        if why.contains("registry") && !why.contains("its id") {
            assert!(said.contains(arn) || said.contains("user/svc-t1"), "{said}");
        }
    }
    assert_eq!(registry.all_tokens().unwrap().len(), 2);
    assert_eq!(registry.token("t1").unwrap().unwrap(), token);
}

#[test]
fn a_secret_that_comes_with_a_record_is_marked_once() {
    let registry = Registry::in_memory().unwrap();
    let mut with = record("t1", "AKIAIOSFODNN7EXAMPL1");
    import(&registry, with.to_string());
    assert_eq!(registry.keys().unwrap()[0].mark, None);
    with["access_key_id"] = "AKIAIOSFODNN7EXAMPL1".into();
    with["secret_access_key"] = SECRET.into();
    import(&registry, with.to_string());
    let mark = registry.keys().unwrap().pop().unwrap().mark.unwrap();
    assert!(registry.is_marked(&mark, SECRET));
    with["secret_access_key"] = "another".into();
    let (tally, said) = import(&registry, with.to_string());
    assert_eq!(tally.refused, 1);
    assert!(said.contains("is not the one that was handed out") && !said.contains("another"), "{said}");
}

const HEADER: &str =
    "AccessKeyId,SecretAccessKey,CreatedAt,UserName,UserArn,Owner,Location,ExpiresAt,DeactivatedAt,Active,Notes";

fn row(number: u32, user: &str, rest: &str) -> String {
    format!(
        "AKIAIOSFODNN7EXA{number:04},{SECRET}{number},2017-08-0{number} 10:00:00.5,{user},arn:aws:iam::111122223333:user/x/{user},{rest}"
    )
}

#[test]
fn spacecrabs_table_is_taken_in_and_its_secrets_are_not() {
    let registry = Registry::in_memory().unwrap();
    let rows = [
        row(1, "aa", "web,laptop,2027-01-01 00:00:00,,t,\"two\nlines, and \"\"quotes\"\"\""),
        row(2, "bb", "db,nas,,2018-01-01 00:00:00,f,"),
        row(3, "aa", "ops,desk,2028-01-01 00:00:00,,True,second"),
    ];
    let text = format!("\u{feff}{}\r\n{}\r\n", HEADER.to_uppercase(), rows.join("\r\n"));
    for (input, expected) in [(packed(text.as_bytes()), (2, 0, 0)), (text.clone().into_bytes(), (0, 2, 0))] {
        let (tally, said) = import(&registry, input);
        assert_eq!(numbers(&tally), expected, "{said}");
        assert!(
            said.contains("lines 2, 5: arn:aws:iam::111122223333:user/x/aa: its keys had several owners"),
            "{said}"
        );
        assert!(!said.contains(SECRET), "{said}");
    }
    let tokens = registry.all_tokens().unwrap();
    let (two, gone) = (&tokens[0], &tokens[1]);
    assert_eq!((two.id.as_str(), two.owner.as_str(), two.location.as_str()), ("aa", "web", "laptop"));
    assert_eq!((two.state, two.keys.len()), (TokenState::Active, 2));
    assert_eq!(two.created_at.to_string(), "2017-08-01T10:00:00.5Z");
    assert_eq!(two.expires_at.unwrap().to_string(), "2028-01-01T00:00:00Z");
    assert_eq!(two.notes, "two\nlines, and \"quotes\"\nsecond\nAKIAIOSFODNN7EXA0003: owner ops, location desk");
    assert_eq!((gone.state, gone.keys[0].status), (TokenState::Deleted, KeyStatus::Deleted));
    assert_eq!(gone.deleted_at.unwrap().to_string(), "2018-01-01T00:00:00Z");
    for (key, number) in registry.keys().unwrap().iter().zip(["1", "3", "2"]) {
        assert!(registry.is_marked(key.mark.as_deref().unwrap(), &format!("{SECRET}{number}")), "{key:?}");
    }
    assert_eq!(registry.tokens(&Filter::default()).unwrap().len(), 1);
}

#[test]
fn a_row_that_is_wrong_costs_only_itself_and_shows_nothing() {
    for (bad, why) in [
        (row(1, "aa", "web,laptop,,,t"), "10 cells under 11 columns"),
        (row(1, "aa", "web,laptop,soon,,t,"), "ExpiresAt is no time"),
        (row(1, "aa", "web,laptop,,,maybe,"), "Active is neither t nor f"),
        (row(1, "aa", "web,laptop,,,t,\"never closed"), "a quote is not closed"),
        (row(1, "aa", "\"web,laptop,,,t,"), "a quote is not closed"),
        (
            format!("{SECRET},AKIAIOSFODNN7EXAMPLE,,aa,arn:aws:iam::111122223333:user/aa,,,,,t,"),
            "AccessKeyId is no access key id",
        ),
        (format!("AKIAIOSFODNN7EXAMPLE,,,aa,{SECRET},,,,,t,"), "UserArn is not the ARN of a user"),
        (
            format!("AKIAIOSFODNN7EXAMPLE,,,{SECRET},arn:aws:iam::111122223333:user/aa,,,,,t,"),
            "UserName is not the user of",
        ),
        (format!("AKIAIOSFODNN7EXAMPLE,,{SECRET},aa,arn:aws:iam::111122223333:user/aa,,,,,t,"), "CreatedAt is no time"),
        (row(2, "cc", ",,,,t,"), "the key AKIAIOSFODNN7EXA0002 stands in line"),
    ] {
        let registry = Registry::in_memory().unwrap();
        let (before, after) = (row(2, "bb", ",,,,t,"), row(3, "dd", "\"quoted\",,,,,"));
        let (tally, said) = import(&registry, format!("{HEADER}\n{before}\n{bad}\n{after}\n"));
        assert_eq!(numbers(&tally), (2, 0, 1), "{why}: {said}");
        assert!(said.contains(&format!("line 3: {why}")), "{why}: {said}");
        assert!(!said.contains(SECRET), "{said}");
    }
}

#[test]
fn what_is_neither_records_nor_the_table_is_said_to_be() {
    let registry = Registry::in_memory().unwrap();
    let out = Captured::default();
    for (input, why) in [
        ("a,b,c\n1,2,3\n", "neither records nor SpaceCrab's table"),
        ("AccessKeyId,Owner\n", "has the columns UserArn"),
    ] {
        let failure = run(Cursor::new(input.as_bytes()), &registry, &Say::to("honeytoken", out.clone())).unwrap_err();
        assert!(matches!(failure, Failure::Incomplete(_)) && failure.to_string().contains(why), "{failure}");
    }
    for input in ["", " \n", "\u{feff}"] {
        assert_eq!(numbers(&import(&registry, input).0), (0, 0, 0));
    }
    let whole = packed(record("t1", "AKIAIOSFODNN7EXAMPL1").to_string().as_bytes());
    let half = &whole[..whole.len() - 12];
    assert!(run(Cursor::new(half.to_vec()), &registry, &Say::to("honeytoken", out)).is_err(), "cut off");
}

proptest! {
    #[test]
    fn no_table_breaks_it_or_shows_a_secret(lines in proptest::collection::vec("[\",\r\n a]{0,12}", 0..12)) {
        let registry = Registry::in_memory().unwrap();
        let last = row(9, "zz", ",,,,t,");
        let lines: Vec<String> = lines.iter().map(|line| format!("{SECRET}{line}")).collect();
        let (tally, said) = import(&registry, format!("{HEADER}\n{}\n\n{last}\n", lines.join("\n")));
        prop_assert!(!said.contains(&SECRET[..20]), "{}", said);
        prop_assert_eq!(tally.new, 1, "{}", said);
    }
}
