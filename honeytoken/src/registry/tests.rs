//! What the registry keeps, and what it refuses.

use std::fs;
use std::io::Write as _;

use common::cli::{Captured, Say};
use common::record::{Guard, KeyStatus, Token, TokenState};
use serde_json::json;

use super::{Filter, Registry, RegistryError, Step, Verb};

/// A token, with the fields given here over those of a plain one.
pub(crate) fn token(id: &str, name: &str) -> Token {
    serde_json::from_value(json!({
        "kind": "token", "token": id, "state": "creating", "account": "111122223333", "region": "global",
        "type": "iam_user", "id": name, "arn": format!("arn:aws:iam::111122223333:user/team/{name}"), "guard": "inline",
        "owner": "web", "location": format!("laptop-{id}"), "created_at": "2026-11-20T10:00:00Z",
    }))
    .unwrap()
}

#[test]
fn a_token_comes_back_as_it_went_in() {
    let registry = Registry::in_memory().unwrap();
    let mut token = token("t1", "svc-billing");
    token.labels = [("env".to_owned(), "corp".to_owned())].into();
    token.notes = "über 'alles'; DROP TABLE token;--".to_owned();
    token.expires_at = Some("2027-01-01T00:00:00Z".parse().unwrap());
    registry.insert(&token, |_| None).unwrap();
    assert_eq!(registry.token("t1").unwrap(), Some(token.clone()));
    assert_eq!(token.path(), "/team/");

    let number = registry.begin("t1", Verb::Create, Step::User, "").unwrap();
    registry.user_made("t1", &token.arn, "AIDAEXAMPLE").unwrap();
    registry.step(number, Step::Key, "").unwrap();
    registry.key_made("t1", "AKIAEXAMPLE", &registry.mark("secret"), "2026-11-20T10:00:01Z".parse().unwrap()).unwrap();
    assert_eq!(registry.token("t1").unwrap().unwrap().keys[0].status, KeyStatus::Unconfirmed);
    assert_eq!(registry.unfinished().unwrap()[0].step, Step::Key);
    registry.end(number, "t1", Verb::Create, TokenState::Active, &[("AKIAEXAMPLE", KeyStatus::Active)]).unwrap();
    assert_eq!(registry.unfinished().unwrap(), []);
    for name in ["t1", "svc-billing", "SVC-Billing", "AIDAEXAMPLE", "AKIAEXAMPLE", &token.arn.to_string()] {
        let found = registry.find(name).unwrap();
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!((found[0].state, found[0].keys[0].status), (TokenState::Active, KeyStatus::Active));
    }
    assert_eq!(registry.find("svc").unwrap(), []);
    let key = registry.keys().unwrap().pop().unwrap();
    assert!(registry.is_marked(key.mark.as_deref().unwrap(), "secret"));
    assert!(!registry.is_marked(key.mark.as_deref().unwrap(), "Secret"));
}

#[test]
fn a_deleted_token_stays_and_its_name_is_free_again() {
    let registry = Registry::in_memory().unwrap();
    registry.insert(&token("t1", "svc"), |_| None).unwrap();
    assert!(registry.insert(&token("t2", "SVC"), |_| None).is_err(), "IAM knows no two names that differ in case");
    registry.set_state("t1", TokenState::Deleted).unwrap();
    registry.insert(&token("t2", "SVC"), |_| None).unwrap();
    assert_eq!(registry.tokens(&Filter::default()).unwrap().len(), 1);
    assert_eq!(registry.all_tokens().unwrap().len(), 2);
    assert_eq!(registry.find("svc").unwrap()[0].token, "t2");
    let deleted = registry.token("t1").unwrap().unwrap();
    assert!(deleted.deleted_at.is_some() && deleted.blind_since.is_some());
}

#[test]
fn a_file_is_the_owners_alone_and_nothing_else_is_taken_for_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("deep").join("honeytokens.db");
    assert!(matches!(Registry::open(&path), Err(RegistryError::Missing(_))));
    let registry = Registry::open_or_create(&path).unwrap();
    registry.insert(&token("t1", "svc"), |_| None).unwrap();
    let mark = registry.mark("secret");
    drop(registry);
    let registry = Registry::open(&path).unwrap();
    assert_eq!(registry.token("t1").unwrap().unwrap().guard, Guard::Inline);
    assert_eq!(registry.mark("secret"), mark, "its key is its own");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let say = Say::to("honeytoken", Captured::default());
        let lock = path.with_extension("db.lock");
        // One that was made before, and that anybody could take: nobody could change tokens meanwhile.
        fs::write(&lock, "").unwrap();
        fs::set_permissions(&lock, fs::Permissions::from_mode(0o666)).unwrap();
        let closed = |when: &str| {
            drop(registry.hold(&say).unwrap());
            for entry in fs::read_dir(path.parent().unwrap()).unwrap() {
                let entry = entry.unwrap();
                assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{when}: {:?}", entry.path());
            }
        };
        closed("a lock that was open");
        fs::remove_file(&lock).unwrap();
        closed("a new one");
        drop(registry);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(Registry::open(&path), Err(RegistryError::Open(_))));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(Registry::open(&path), Err(RegistryError::Newer { version: 99, .. })));

    let foreign = directory.path().join("foreign.db");
    private(&foreign).write_all(b"this is not a database, but a text that is long enough to be none of these").unwrap();
    assert!(matches!(Registry::open(&foreign), Err(RegistryError::Foreign(_))));
    let other = directory.path().join("other.db");
    private(&other);
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE token (id TEXT)").unwrap();
    let before = fs::read(&other).unwrap();
    assert!(matches!(Registry::open(&other), Err(RegistryError::Foreign(_))));
    assert!(fs::read(&other).unwrap() == before, "somebody else's database was changed");
}

#[test]
fn of_a_damaged_one_the_message_says_what_brings_it_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("honeytokens.db");
    drop(Registry::open_or_create(&path).unwrap());
    let mut bytes = fs::read(&path).unwrap();
    // Behind the header's page: what it is is known, and its tables are rubbish.
    bytes[4096..].fill(b'x');
    fs::write(&path, bytes).unwrap();
    let said = Registry::open(&path).and_then(|registry| registry.all_tokens()).unwrap_err().to_string();
    assert!(said.contains("honeytoken restore --force COPY"), "{said}");
}

#[test]
fn those_who_change_tokens_take_turns() {
    let directory = tempfile::tempdir().unwrap();
    let registry = Registry::open_or_create(&directory.path().join("r.db")).unwrap();
    let out = Captured::default();
    let say = Say::to("honeytoken", out.clone());
    let held = registry.hold(&say).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| registry.hold(&say).map(drop));
        while out.text().is_empty() {
            std::thread::yield_now();
        }
        assert!(!waiting.is_finished());
        drop(held);
        waiting.join().unwrap().unwrap();
    });
}

fn private(path: &std::path::Path) -> fs::File {
    let mut options = fs::OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).unwrap()
}
