use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::Connection;
use serde_json::{Value, json};

use super::*;
use crate::cli::Captured;
use crate::record::Resource;

/// A file of a test's own, gone with it, and with what SQLite puts beside it.
struct Temporary(PathBuf);

impl Temporary {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("sluice-decoys-{}-{number}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        // A name that means something in a URI.
        Self(directory.join("decoys #1 100%?.db"))
    }

    fn holding(content: &str) -> Self {
        let file = Self::new();
        fs::write(&file.0, content).unwrap();
        file
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        fs::remove_dir_all(self.0.parent().unwrap()).unwrap();
    }
}

fn token(id: &str, user: &str, state: &str) -> Value {
    json!({
        "kind": "token", "token": id, "state": state, "account": "111122223333", "region": "global", "type": "iam_user",
        "id": user, "arn": format!("arn:aws:iam::111122223333:user/team/{user}"), "guard": "inline",
        "created_at": "2026-11-20T10:00:00Z",
    })
}

fn user(account: &str, name: &str) -> Resource<()> {
    serde_json::from_value(json!({
        "account": account, "region": "global", "type": "iam_user", "id": name, "config": null,
        "arn": format!("arn:aws:iam::{account}:user/{name}"),
    }))
    .unwrap()
}

/// A registry in WAL mode with these rows, and somebody who has it open.
fn registry(file: &Path, rows: &[(&str, &str, &str)]) -> Connection {
    let connection = Connection::open(file).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.pragma_update(None, "application_id", 0x736c_6874).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE token (id, account, user_name, arn, state);
             CREATE VIEW decoys AS SELECT id AS token, account, user_name, arn FROM token WHERE state <> 'deleted';",
        )
        .unwrap();
    for row in rows {
        insert(&connection, row);
    }
    connection
}

fn insert(connection: &Connection, (id, user, state): &(&str, &str, &str)) {
    let arn = format!("arn:aws:iam::111122223333:user/{user}");
    connection
        .execute("INSERT INTO token VALUES (?1, '111122223333', ?2, ?3, ?4)", [id, *user, arn.as_str(), *state])
        .unwrap();
}

fn users(decoys: &[Decoy]) -> Vec<&str> {
    decoys.iter().map(|decoy| decoy.user.as_str()).collect()
}

#[test]
fn a_list_is_any_stream_of_tokens() {
    let all = [
        token("b", "svc-b", "active"),
        token("a", "svc-a", "disabled"),
        token("c", "svc-c", "deleted"),
        token("d", "svc-d", "creating"),
        token("e", "svc-e", "deleting"),
        token("b", "svc-b", "active"),
    ];
    let lines = all.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    for text in [lines, json!(all).to_string(), format!("{:#}", json!(all))] {
        let file = Temporary::holding(&text);
        assert_eq!(users(&load(&file.0).unwrap()), ["svc-a", "svc-b", "svc-d", "svc-e"], "{text}");
    }
    // Shorter than what a registry begins with.
    assert_eq!(load(&Temporary::holding("\n").0).unwrap(), []);
}

#[test]
fn a_line_that_is_not_understood_is_an_error_with_its_place() {
    let with = |field: &str, value: Value| {
        let mut token = token("a", "svc-a", "active");
        token[field] = value;
        token.to_string()
    };
    let rows = [
        ("nonsense".to_owned(), "line 2: expected a JSON object"),
        ("{\"kind\":\"token\"}".to_owned(), "line 2: missing field"),
        (with("kind", json!("resource")), "line 2: "),
        (with("state", json!("asleep")), "line 2: unknown variant `asleep`"),
        (with("id", json!("svc-b")), "line 2: the record's `id` is svc-b, but its ARN says"),
        (with("account", json!("444455556666")), "line 2: the record's `account` is 444455556666, but its ARN says"),
        (with("type", json!("iam_role")), "line 2: its `type` is `iam_role`, and not iam_user"),
        (with("id", json!("*")), "line 2: `*` is no name of a user"),
        // The end of it is missing.
        (with("id", json!("svc-a"))[..100].to_owned(), "line 2: "),
    ];
    for (line, why) in rows {
        let file = Temporary::holding(&format!("{}\n{line}\n", token("z", "svc-z", "active")));
        let error = load(&file.0).unwrap_err().to_string();
        assert!(error.contains(why), "{line}: {error}");
        assert!(error.contains(file.0.to_str().unwrap()), "{error}");
    }
    let error = load(Path::new("/nowhere/decoys.ndjson")).unwrap_err().to_string();
    assert!(error.starts_with("cannot read the decoys /nowhere/decoys.ndjson: "), "{error}");
}

#[test]
fn a_registry_is_read_while_somebody_writes_into_it() {
    let file = Temporary::new();
    let mut writer = registry(&file.0, &[("a", "svc-a", "active"), ("b", "svc-b", "deleted")]);
    assert_eq!(users(&load(&file.0).unwrap()), ["svc-a"]);
    let transaction = writer.transaction().unwrap();
    insert(&transaction, &("c", "svc-c", "active"));
    assert_eq!(users(&load(&file.0).unwrap()), ["svc-a"], "it is not committed yet");
    transaction.commit().unwrap();
    assert_eq!(users(&load(&file.0).unwrap()), ["svc-a", "svc-c"]);
    writer.close().unwrap();
    assert_eq!(users(&load(&file.0).unwrap()), ["svc-a", "svc-c"]);
}

/// As root may write everywhere, a file system that is read-only is not made here.
#[test]
fn a_registry_alone_is_read_only_where_nothing_stands_beside_it() {
    let file = Temporary::new();
    let writer = registry(&file.0, &[("a", "svc-a", "active")]);
    let error = registry::alone(&file.0).unwrap_err();
    assert!(matches!(error, DecoysError::Unjoined(_)), "{error}");
    assert!(error.to_string().contains("honeytoken export"), "{error}");
    writer.close().unwrap();
    let rows = registry::alone(&file.0).unwrap().unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(fs::read_dir(file.0.parent().unwrap()).unwrap().count(), 1, "nothing was made beside it");
}

#[test]
fn a_file_of_somebody_elses_is_no_registry() {
    let foreign = |change: &str| {
        let file = Temporary::new();
        registry(&file.0, &[("a", "svc-a", "active")]).execute_batch(change).unwrap();
        load(&file.0).unwrap_err().to_string()
    };
    for (change, why) in [
        ("PRAGMA application_id = 1", "it is neither a registry of honeytoken's nor a list"),
        ("DROP VIEW decoys", "no such table: decoys"),
        ("UPDATE token SET account = '1'", "the token a: "),
        ("UPDATE token SET user_name = 'svc-b'", "the token a: the record's `id` is svc-b"),
        ("UPDATE token SET arn = 'jane'", "the token a: "),
        ("UPDATE token SET arn = NULL", "Invalid column type Null"),
    ] {
        let error = foreign(change);
        assert!(error.contains(why) && error.contains("decoys #1"), "{change}: {error}");
    }
    let file = Temporary::holding("SQLite format 3\0 and nothing that follows from it");
    let error = load(&file.0).unwrap_err();
    assert!(matches!(error, DecoysError::Foreign(_)), "{error}");
}

#[test]
fn each_is_an_exception_from_what_takes_the_bait_away() {
    let file = Temporary::holding(&token("k4f7m2q9xa", "svc-a", "active").to_string());
    let mut settings = Settings::default();
    settings.honeytoken.registry = Some("/nowhere/registry.db".into());
    let say = Say::to("audit", Captured::default());
    let error = settings.clone().with_decoys(None, &say).unwrap_err().to_string();
    assert!(error.contains("/nowhere/registry.db"), "{error}");
    let settings = settings.with_decoys(Some(&file.0), &say).unwrap();
    let [exception] = &settings.exceptions[..] else { panic!("{:?}", settings.exceptions) };
    assert_eq!(exception.reason, "a decoy (honeytoken k4f7m2q9xa)");
    let rows = [
        ("111122223333", "svc-a", Some("iam_user_key_unused"), true),
        ("111122223333", "svc-a", Some("iam_user_runaway"), true),
        ("111122223333", "svc-a", Some("iam_user_something_else"), false),
        ("111122223333", "svc-a", None, true),
        ("111122223333", "svc-ab", None, false),
        ("444455556666", "svc-a", None, false),
    ];
    for (account, name, check, covered) in rows {
        assert_eq!(exception.covers(&user(account, name), check), covered, "{account} {name} {check:?}");
    }
    let role = Resource { r#type: "iam_role".to_owned(), ..user("111122223333", "svc-a") };
    assert!(!exception.covers(&role, None), "a role may have its name");
    let none = Captured::default();
    let deleted = Temporary::holding(&token("k4f7m2q9xa", "svc-a", "deleted").to_string());
    let _ = Settings::default().with_decoys(Some(&deleted.0), &Say::to("audit", none.clone())).unwrap();
    assert!(none.text().contains("there is no decoy in "), "{}", none.text());
}

#[test]
fn an_export_that_failed_is_no_list_without_decoys() {
    let error = load(&Temporary::holding("").0).unwrap_err();
    assert!(matches!(error, DecoysError::Empty(_)), "{error}");
    assert!(error.to_string().contains("honeytoken export"), "{error}");
}
