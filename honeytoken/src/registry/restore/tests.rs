//! Copies that come back, and copies that must not.

use std::sync::atomic::{AtomicBool, Ordering};

use common::cli::Captured;
use common::record::TokenState;
use rusqlite::params;
use rusqlite::types::Value;

use super::super::tests::token;
use super::super::{Step, Verb};
use super::*;

/// A place of one's own with a registry of two tokens in it.
struct Place {
    directory: TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("honeytokens.db");
        let registry = Registry::open_or_create(&path).unwrap();
        for id in ["t1", "t2"] {
            registry.insert(&token(id, &format!("svc-{id}")), |_| None).unwrap();
            let mark = registry.mark("secret");
            registry.key_made(id, &format!("AKIA{id}"), &mark, "2026-11-20T10:00:00Z".parse().unwrap()).unwrap();
            registry.set_state(id, TokenState::Active).unwrap();
            event(&registry, "e1", id);
        }
        Self { directory, path }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn copy(&self) -> PathBuf {
        let copied = self.file("copy.db");
        assert_eq!(copy(&self.path, &copied).unwrap(), 2);
        copied
    }

    fn restore(&self, from: &Path, force: bool) -> Result<Restored> {
        restore(&self.path, from, force, &Say::to("honeytoken", Captured::default()))
    }

    /// What is in the directory beside the registry and its log.
    fn others(&self) -> Vec<String> {
        let names = fs::read_dir(self.directory.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names
            .filter(|name| !matches!(name.strip_prefix("honeytokens.db"), Some("" | "-wal" | "-shm" | ".lock")))
            .collect();
        names.sort();
        names
    }
}

fn event(registry: &Registry, id: &str, token: &str) {
    let insert = "INSERT INTO event (id, token, trigger, occurred_at, seen_at, suppressed, drill)
        VALUES (?1, ?2, 'used', '2026-11-20T10:00:00Z', '2026-11-20T10:00:00Z', 0, 0)";
    registry.write(|transaction| transaction.execute(insert, params![id, token])).unwrap();
}

/// All that is in a registry, but for what only copies have.
fn dump(path: &Path) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let mut lines = Vec::new();
    for table in tables(&connection, "main").unwrap() {
        let mut statement = connection.prepare(&format!("SELECT * FROM {} ORDER BY 1, 2", quoted(&table))).unwrap();
        let width = statement.column_count();
        let rows = statement
            .query_map([], |row| {
                (0..width).map(|column| row.get::<_, Value>(column)).collect::<rusqlite::Result<Vec<_>>>()
            })
            .unwrap();
        lines.extend(rows.map(|row| format!("{table}: {:?}", row.unwrap())));
    }
    let copied: Vec<String> = [MADE_AT, "copy_digest"].map(|name| format!("meta: [Text({name:?})")).into();
    lines.retain(|line| !copied.iter().any(|start| line.starts_with(start)));
    lines
}

#[test]
fn a_registry_that_is_lost_comes_back_as_it_was() {
    let place = Place::new();
    let before = dump(&place.path);
    let copied = place.copy();
    assert_eq!(dump(&copied), before);
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(beside(&place.path, end));
    }
    let restored = place.restore(&copied, false).unwrap();
    assert!(matches!(restored, Restored::Done { tokens: 2, made_at: Some(_), former: None }), "{restored:?}");
    assert_eq!(dump(&place.path), before);
    assert_eq!(place.others(), ["copy.db"], "nothing is left about");
    let registry = Registry::open(&place.path).unwrap();
    let key = registry.keys().unwrap().remove(0);
    assert!(registry.is_marked(key.mark.as_deref().unwrap(), "secret"), "its marks are of use");
    // Over what it is already, too.
    assert!(matches!(place.restore(&copied, false).unwrap(), Restored::Done { former: None, .. }));
    assert_eq!(dump(&place.path), before);
}

#[test]
fn what_was_under_way_when_the_copy_was_made_is_not_taken_up_again() {
    let place = Place::new();
    let registry = Registry::open(&place.path).unwrap();
    let begun = registry.begin("t1", Verb::Create, Step::Key, "").unwrap();
    let left = registry.begin("t2", Verb::Delete, Step::Remove, "").unwrap();
    let copied = place.copy();
    registry.end(begun, "t1", Verb::Create, TokenState::Active, &[]).unwrap();
    drop(registry);
    assert!(matches!(place.restore(&copied, true).unwrap(), Restored::Done { tokens: 2, .. }));
    let unfinished = Registry::open(&place.path).unwrap().unfinished().unwrap();
    assert_eq!(unfinished.iter().map(|it| it.number).collect::<Vec<_>>(), [left], "what did not end is ended");
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(beside(&place.path, end));
    }
    place.restore(&copied, false).unwrap();
    assert_eq!(Registry::open(&place.path).unwrap().unfinished().unwrap(), [], "IAM says what became of it");
}

#[test]
fn what_the_copy_has_not_is_not_lost_without_force_and_kept_with_it() {
    for (table, change) in [
        (
            "token",
            &(|registry: &Registry| registry.insert(&token("t3", "svc-t3"), |_| None).unwrap()) as &dyn Fn(&Registry),
        ),
        ("token", &|registry| registry.set_state("t1", TokenState::Deleted).unwrap()),
        ("event", &|registry| event(registry, "e2", "t1")),
    ] {
        let place = Place::new();
        let (copied, before) = (place.copy(), dump(&place.path));
        // A watch that has it open all the while.
        let watch = Registry::open(&place.path).unwrap();
        change(&watch);
        let changed = dump(&place.path);
        assert_eq!(place.restore(&copied, false).unwrap(), Restored::WouldLose(vec![(table.into(), 1)]));
        assert_eq!(dump(&place.path), changed);
        let Restored::Done { former: Some(former), .. } = place.restore(&copied, true).unwrap() else {
            panic!("the former registry was not kept")
        };
        assert_eq!((dump(&place.path), dump(&former)), (before, changed));
        let name = former.file_name().unwrap().to_str().unwrap().to_owned();
        assert!(name.starts_with("honeytokens.db.before-restore-20"), "{name}");
        // It goes on in the registry that was restored, and the former one is a copy like any other.
        event(&watch, "e9", "t2");
        assert_eq!(Registry::open(&place.path).unwrap().token("t2").unwrap().unwrap().fired.unwrap().events, 2);
        assert!(matches!(place.restore(&former, true).unwrap(), Restored::Done { .. }));
    }
}

#[test]
fn rows_that_were_taken_away_by_hand_come_back_without_force() {
    let place = Place::new();
    let (copied, before) = (place.copy(), dump(&place.path));
    let connection = Connection::open(&place.path).unwrap();
    connection.execute_batch("DELETE FROM event; DELETE FROM key; DELETE FROM token WHERE id = 't2'").unwrap();
    drop(connection);
    assert!(matches!(place.restore(&copied, false).unwrap(), Restored::Done { former: None, .. }));
    assert_eq!(dump(&place.path), before);
}

#[test]
fn a_copy_that_is_damaged_is_refused_and_nothing_is_touched() {
    let place = Place::new();
    let (copied, before) = (place.copy(), dump(&place.path));
    let whole = fs::read(&copied).unwrap();
    let find = |text: &[u8]| whole.windows(text.len()).position(|window| window == text).unwrap();
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x01;
        bytes
    };
    let damaged = place.file("damaged.db");
    for (what, bytes) in [
        ("a letter of an owner", flipped(find(b"laptop-t1"))),
        ("a key id", flipped(find(b"AKIAt2"))),
        ("the header", flipped(3)),
        ("the application id", flipped(71)),
        ("the first page's tree", flipped(103)),
        ("half of it", whole[..whole.len() / 2].to_vec()),
        ("without its last page", whole[..whole.len() - 4096].to_vec()),
        ("nothing in it", Vec::new()),
        (
            "another file",
            b"this is no database, but a text that is long enough to be none of these, and longer".repeat(9),
        ),
    ] {
        fs::write(&damaged, bytes).unwrap();
        let refused = place.restore(&damaged, true);
        assert!(
            matches!(
                refused,
                Err(RegistryError::Corrupt { .. } | RegistryError::Foreign(_) | RegistryError::Sqlite { .. })
            ),
            "{what}: {refused:?}"
        );
        assert_eq!(dump(&place.path), before, "{what}");
    }
    assert!(matches!(place.restore(&place.file("none.db"), true), Err(RegistryError::NoCopy(_))));
    assert_eq!(place.others(), ["copy.db", "damaged.db"], "nothing is left about");
}

#[test]
fn a_registry_that_cannot_be_read_is_laid_aside() {
    let place = Place::new();
    let (copied, before) = (place.copy(), dump(&place.path));
    // As the first page is lost, and its log with it.
    for end in ["-wal", "-shm"] {
        let _ = fs::remove_file(beside(&place.path, end));
    }
    let mut bytes = fs::read(&place.path).unwrap();
    bytes[..100].fill(b'x');
    fs::write(&place.path, &bytes).unwrap();
    assert!(matches!(place.restore(&copied, false).unwrap(), Restored::Unreadable(_)));
    assert_eq!(fs::read(&place.path).unwrap(), bytes, "untouched");
    let Restored::Done { former: Some(former), .. } = place.restore(&copied, true).unwrap() else {
        panic!("the former registry was not kept")
    };
    assert_eq!(fs::read(&former).unwrap(), bytes);
    assert_eq!(dump(&place.path), before);
}

#[test]
fn a_copy_is_the_owners_alone_stands_alone_and_is_never_written_over() {
    let place = Place::new();
    let copied = place.copy();
    assert!(matches!(copy(&place.path, &copied), Err(RegistryError::Exists(_))));
    assert_eq!(place.others(), ["copy.db"], "no log beside it");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&copied).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(copy(&place.path, &place.file("none").join("copy.db")).is_err());
}

#[test]
fn a_copy_is_of_one_moment_while_a_watch_writes() {
    let place = Place::new();
    let registry = Registry::open(&place.path).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0;
            while !done.load(Ordering::Relaxed) {
                number += 1;
                // Both or neither.
                registry
                    .write(|transaction| {
                        for token in ["t1", "t2"] {
                            transaction.execute(
                                "INSERT INTO event (id, token, trigger, occurred_at, seen_at, suppressed, drill)
                                 VALUES (?1, ?2, 'used', '2026-11-20T10:00:00Z', '2026-11-20T10:00:00Z', 0, 0)",
                                params![format!("w{number}"), token],
                            )?;
                        }
                        Ok(())
                    })
                    .unwrap();
            }
        });
        for number in 0..5 {
            let copied = place.file(&format!("copy{number}.db"));
            let made = copy(&place.path, &copied);
            if made.is_err() || number == 4 {
                done.store(true, Ordering::Relaxed);
            }
            assert_eq!(made.unwrap(), 2);
            let events: i64 = Connection::open(&copied)
                .unwrap()
                .query_row("SELECT count(*) FROM event", [], |row| row.get(0))
                .unwrap();
            assert_eq!(events % 2, 0);
            assert!(verified(&place.path, &copied).is_ok());
        }
    });
}

#[test]
fn who_waits_while_another_registry_is_restored_starts_again() {
    let place = Place::new();
    let other = Place::new();
    let waiting = Registry::open(&place.path).unwrap();
    assert!(matches!(place.restore(&other.copy(), true).unwrap(), Restored::Done { former: Some(_), .. }));
    let say = Say::to("honeytoken", Captured::default());
    assert!(matches!(waiting.hold(&say), Err(RegistryError::Replaced(_))));
    assert!(Registry::open(&place.path).unwrap().hold(&say).is_ok());
}
