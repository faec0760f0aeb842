//! What is done with the registry alone, without AWS: `list`, `show`, `update`, `report`, `export`, `import`, `backup`,
//! `restore`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};
use tests::{Ran, Tool, ndjson};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// A home with a registry in it.
struct Place(Arc<Tool>);

impl Place {
    /// With these tokens.
    fn new(tokens: &[Value]) -> Self {
        let place = Self(Arc::new(Tool::new("honeytoken")));
        let _ = place.reads(&["import"], ndjson(tokens)).exits(0);
        place
    }

    fn home(&self) -> &Path {
        self.0.home()
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.reads(args, "")
    }

    fn reads(&self, args: &[&str], input: impl Into<Vec<u8>>) -> Ran {
        Tool::clone(&self.0).env("USER", "ann").args(args.iter().copied()).stdin(input).run()
    }

    fn tokens(&self, args: &[&str]) -> Vec<Value> {
        self.run(args).exits(0).kind("token")
    }
}

fn token(id: &str, name: &str, account: &str, owner: &str) -> Value {
    let key = format!("AKIA{:0>16}", id.to_uppercase());
    json!({
        "kind": "token", "token": id, "state": "active", "account": account, "region": "global", "type": "iam_user",
        "id": name, "arn": format!("arn:aws:iam::{account}:user/{name}"), "guard": "inline", "owner": owner,
        "location": "laptop", "notes": "", "labels": {},
        "keys": [{"id": key, "status": "active", "created_at": "2026-11-20T10:00:00Z"}],
        "created_at": "2026-11-20T10:00:00Z",
    })
}

fn three() -> Vec<Value> {
    let mut tokens = vec![
        token("t1", "svc-backup", "111122223333", "web"),
        token("t2", "svc-backup", "444455556666", "db"),
        token("t3", "svc-export", "444455556666", "db"),
    ];
    tokens[2]["state"] = "deleted".into();
    tokens[2]["deleted_at"] = "2026-11-20T11:00:00Z".into();
    tokens
}

#[test]
fn what_was_exported_is_imported_elsewhere_as_it_was() {
    let place = Place::new(&three());
    assert_eq!(place.tokens(&["list"]).len(), 2);
    let all = place.run(&["export", "--state", "active,deleted"]).exits(0);
    assert_eq!(all.records(), three());
    let other = Place(Arc::new(Tool::new("honeytoken")));
    let _ =
        other.reads(&["import", "-"], all.stdout.clone()).exits(0).says("taken in: 3 new, 0 known already; refused: 0");
    assert_eq!(other.run(&["export", "--state", "active,deleted"]).stdout, all.stdout);
    // Again, and nothing changes but what people say.
    let mut changed = three();
    changed[0]["owner"] = "ops".into();
    let _ = other.reads(&["import"], ndjson(&changed)).exits(0).says("taken in: 0 new, 3 known already; refused: 0");
    assert_eq!(other.tokens(&["list", "--owner", "ops"]).len(), 1);
    assert_eq!(other.tokens(&["list", "--account", "444455556666"]).len(), 1);
    let _ = other.run(&["list", "--state", "lost"]).exits(2).says("possible values: creating, active");
}

#[test]
fn tokens_are_shown_with_what_was_done_to_them_and_who_is_not_there_is_named() {
    let place = Place::new(&three());
    let ran = place.run(&["show", "t1", "nobody", "AKIA00000000000000T1", "t3"]).exits(3);
    let ran = ran.says("there is no token `nobody`");
    let shown = ran.kind("token");
    assert_eq!(shown.iter().map(|token| token["token"].clone()).collect::<Vec<_>>(), ["t1", "t3"]);
    assert_eq!(place.tokens(&["show", "svc-backup"]).len(), 2, "of both accounts");
    let _ = place.run(&["update", "t1", "--owner", "ops", "--notes", "moved", "--label", "env=lab"]).exits(0);
    let shown = place.tokens(&["show", "t1"]).remove(0);
    let last = shown["history"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["verb"], "update");
    assert_eq!(last["who"], "ann");
    assert_eq!(last["changes"]["owner"], json!({"before": "web", "after": "ops"}));
    assert_eq!(last["changes"]["notes"], json!({"before": "", "after": "moved"}));
    assert!(last["changes"].get("location").is_none());
}

#[test]
fn tokens_are_updated_by_flags_and_by_records() {
    let place = Place::new(&three());
    let updated = place.tokens(&["update", "t1", "t2", "--expires-at", "2026-11-20T00:00:00Z", "--label", "a=b"]);
    assert_eq!(updated.len(), 2);
    assert_eq!(updated[1]["labels"], json!({"a": "b"}));
    assert_eq!(updated[1]["expires_at"], "2026-11-20T00:00:00Z");
    let updated = place.tokens(&["update", "t1", "--never-expires", "--unlabel", "a"]).remove(0);
    assert_eq!((updated.get("expires_at"), &updated["labels"]), (None, &json!({})));
    // A user name that means two is an error that names both.
    let _ = place
        .run(&["update", "svc-backup", "--owner", "x"])
        .exits(3)
        .says("t1 in 111122223333")
        .says("t2 in 444455556666");
    let _ =
        place.run(&["update", "t1", "--owner", "a\u{1b}[2J"]).exits(3).says("token t1: owner has a control character");
    let until = place.tokens(&["update", "t1", "--expires-at", "2027-01-01"]).remove(0);
    assert_eq!(until["expires_at"], "2027-01-01T00:00:00Z");
    let _ = place.run(&["update", "t1", "--never-expires"]).exits(0);
    let _ = place.run(&["update", "t1"]).exits(2).says("nothing to change");
    let _ = place.run(&["update", "t1", "-"]).exits(2);

    let input = "{\"token\":\"AKIA00000000000000T1\",\"owner\":null,\"notes\":\"n\"}\n{\"token\":\"t2\",\"expires_at\":\"someday\"}\n\
        {\"token\":\"t9\",\"owner\":\"x\"}\nnot JSON\n{\"owner\":\"x\"}\n{\"token\":\"t2\",\"labels\":{\"a\":1}}\n{\"token\":\"t2\",\"location\":\"nas\"}\n";
    let ran = place.reads(&["update", "-", "--label", "by=hand"], input).exits(3);
    let ran = ran.says("line 2: `someday` is no time").says("line 3: there is no token `t9`").says("line 4: ");
    let ran = ran.says("line 5: there is no `token`").says("line 6: the label `a` is no text");
    let updated = ran.kind("token");
    assert_eq!(updated.len(), 2);
    assert_eq!(
        (&updated[0]["owner"], &updated[0]["notes"], &updated[0]["location"]),
        (&json!(""), &json!("n"), &json!("laptop"))
    );
    assert_eq!((&updated[1]["location"], &updated[1]["owner"]), (&json!("nas"), &json!("db")));
    assert_eq!(updated[1]["labels"], json!({"a": "b", "by": "hand"}));
    // What a pipe that is closed does not read is done all the same.
    let home = Tool::clone(&place.0).args(["update", "-"]);
    let mut child = home.command().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let input = "{\"token\":\"t1\",\"notes\":\"first\"}\n{\"token\":\"t2\",\"notes\":\"last\"}\n";
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(place.tokens(&["show", "t2"])[0]["notes"], "last");
}

#[test]
fn what_strangers_wrote_breaks_no_output() {
    let mut hostile = three();
    hostile[0]["owner"] = "=1+\"1\"".into();
    hostile[0]["notes"] = "\u{1b}]0;pwned\u{7}\r\na,\"b".into();
    hostile[0]["location"] = "\u{202e}gnp\n.exe".into();
    let place = Place::new(&hostile);
    for (args, lines) in [
        (["list", "-o", "table"], 4),
        (["list", "-o", "csv"], 3),
        (["report", "-o", "csv"], 4),
        (["report", "-o", "table"], 6),
        (["export", "-o", "csv"], 4),
    ] {
        let text = place.run(&args).exits(0).text();
        assert!(!text.contains(['\u{1b}', '\u{7}', '\r', '\u{202e}']), "{args:?}: {text}");
        assert_eq!(text.lines().count(), lines, "{args:?}: {text}");
        if args[2] == "csv" {
            assert!(text.contains("\"'=1+\"\"1\"\"\""), "{text}");
        }
    }
}

#[test]
fn the_report_says_how_the_tokens_are_doing() {
    let mut tokens = three();
    tokens[0]["expires_at"] = "2020-01-01T00:00:00Z".into();
    tokens[0]["drill"] = json!({"at": "2026-11-20T12:00:00Z", "latency_seconds": 42.0});
    tokens[0]["planted"] = json!([{"key": "AKIA00000000000000T1", "host": "h", "path": "/p", "profile": "d", "at": "2026-11-20T10:00:00Z"}]);
    let place = Place::new(&tokens);
    let report = place.run(&["report"]).exits(0);
    let web = report.one(&json!({"scope": "group", "owner": "web"}));
    assert_eq!(web["expired"], 1);
    let total = report.one(&json!({"kind": "report", "scope": "total"}));
    for (name, value) in
        [("tokens", 2), ("active", 2), ("planted", 1), ("expired", 1), ("fired", 0), ("never_drilled", 1)]
    {
        assert_eq!(total[name], value, "{name}");
    }
    assert_eq!(total["latency"], json!({"drills": 1, "p50_seconds": 42.0, "p95_seconds": 42.0}));
    assert_eq!(total["accounts"], json!({"111122223333": {"tokens": 1}, "444455556666": {"tokens": 1}}));
    let table = place.run(&["report", "-o", "table"]).exits(0).text();
    assert!(table.contains("TOTAL") && table.contains("noticed after 42 s"), "{table}");
}

#[test]
fn spacecrabs_table_is_imported_and_no_secret_is_kept() {
    let place = Place(Arc::new(Tool::new("honeytoken")));
    let table = format!(
        "AccessKeyId,SecretAccessKey,CreatedAt,UserName,UserArn,Owner,Location,ExpiresAt,DeactivatedAt,Active,Notes\n\
         AKIAIOSFODNN7EXAMPLE,{SECRET},2017-08-01 10:00:00,aa,arn:aws:iam::111122223333:user/aa,web,nas,,,t,\n\
         AKIAIOSFODNN7EXAMPL2,{SECRET},someday,bb,arn:aws:iam::111122223333:user/bb,web,nas,,,t,\n"
    );
    fs::write(place.home().join("backup.csv"), &table).unwrap();
    let ran = place.run(&["import", "backup.csv", "-v"]).exits(3).says("line 3: CreatedAt is no time");
    assert!(!ran.stderr.contains(SECRET) && ran.stdout.is_empty(), "{ran}");
    let _ = place.run(&["backup", "copy.db"]).exits(0);
    fs::remove_file(place.home().join("backup.csv")).unwrap();
    assert_eq!(place.tokens(&["list"])[0]["guard"], "group");
    let mut looked = 0;
    let mut directories = vec![place.home().to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            looked += 1;
            let bytes = fs::read(&path).unwrap();
            let found = bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
            assert!(!found, "{}", path.display());
        }
    }
    assert!(looked >= 2, "the registry and its copy");
}

#[test]
fn a_copy_brings_a_registry_back_and_nothing_is_lost() {
    let place = Place::new(&three());
    let _ = place.run(&["backup", "copy.db"]).exits(0).says("copied 3 tokens, deleted ones included");
    let _ = place.run(&["backup", "copy.db"]).exits(4).says("is there already");
    let before = place.run(&["export", "--state", "active,deleted"]).stdout;
    let _ = place.run(&["update", "t1", "--owner", "ops"]).exits(0);
    let _ = place.run(&["restore", "copy.db"]).exits(1).says("token: 1").says("--force");
    assert_eq!(place.tokens(&["show", "t1"])[0]["owner"], "ops");
    let _ =
        place.run(&["restore", "copy.db", "--force"]).exits(0).says(".before-restore-").says("honeytoken reconcile");
    assert_eq!(place.run(&["export", "--state", "active,deleted"]).stdout, before);
    let mut bytes = fs::read(place.home().join("copy.db")).unwrap();
    bytes.truncate(bytes.len() / 2);
    fs::write(place.home().join("half.db"), bytes).unwrap();
    let _ = place.run(&["restore", "half.db", "--force"]).exits(4).says("it is damaged");
    assert_eq!(place.run(&["export", "--state", "active,deleted"]).stdout, before);
    // A registry that is gone.
    fs::remove_dir_all(place.home().join(".local")).unwrap();
    let _ = place.run(&["list"]).exits(4).says("there is no registry");
    let _ = place.run(&["restore", "copy.db"]).exits(0);
    assert_eq!(place.run(&["export", "--state", "active,deleted"]).stdout, before);
}

#[test]
fn two_changers_take_turns_and_a_closed_pipe_is_a_quiet_end() {
    let place = Place::new(&three());
    let start = |args: &[&str]| {
        let mut command: Command = Tool::clone(&place.0).args(args.iter().copied()).command();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> =
        ["a", "b", "c", "d"].map(|label| start(&["update", "t1", "--label", &format!("{label}=1")])).into();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(place.tokens(&["show", "t1"])[0]["labels"], json!({"a": "1", "b": "1", "c": "1", "d": "1"}));
    let mut child = start(&["list"]);
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()));
}
