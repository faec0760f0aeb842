//! `plant`, `unplant`, `identify`, `decode`: what is done to keys where they lie, without AWS.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use tests::{Ran, Tool, ndjson};

const ID: &str = "AKIARTX3GSDSQAAAAAAA";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// A home, with or without a registry in it.
struct Place(Arc<Tool>);

impl Place {
    fn new() -> Self {
        Self(Arc::new(Tool::new("honeytoken")))
    }

    /// With a registry that knows a token.
    fn with_registry() -> Self {
        let place = Self::new();
        let mut token = token();
        token.as_object_mut().unwrap().retain(|name, _| name != "access_key_id" && name != "secret_access_key");
        let _ = place.reads(&["import"], ndjson(&[token])).exits(0);
        place
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.reads(args, "")
    }

    fn reads(&self, args: &[&str], input: impl Into<Vec<u8>>) -> Ran {
        Tool::clone(&self.0).args(args.iter().copied()).stdin(input).run()
    }

    /// A credentials file with this in it.
    fn credentials(&self, text: &str) -> PathBuf {
        let path = self.0.home().join(".aws").join("credentials");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Where the token lies, as the registry has it.
    fn planted(&self) -> Vec<Value> {
        let shown = self.run(&["show", "t1"]).exits(0).kind("token");
        shown[0].get("planted").and_then(Value::as_array).cloned().unwrap_or_default()
    }
}

/// What `create` writes.
fn token() -> Value {
    json!({
        "kind": "token", "token": "t1", "state": "active", "account": "111122223333", "region": "global", "type": "iam_user",
        "id": "svc-backup", "arn": "arn:aws:iam::111122223333:user/svc-backup", "guard": "inline", "owner": "web",
        "location": "laptop", "keys": [{"id": ID, "status": "active", "created_at": "2026-11-20T10:00:00Z"}],
        "created_at": "2026-11-20T10:00:00Z", "access_key_id": ID, "secret_access_key": SECRET,
    })
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn a_key_is_planted_and_taken_out_again() {
    let place = Place::with_registry();
    let before = "[default]\r\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\r\naws_secret_access_key = s\r\n# mine\r\n";
    let file = place.credentials(before);
    let path = file.to_str().unwrap();
    let plant = |args: &[&str]| place.reads(&[&["plant", path], args].concat(), ndjson(&[token()]));

    let refused = plant(&[]).exits(1).says("the profile `default` has another key, AKIAIOSFODNN7EXAMPLE");
    assert!(!refused.to_string().contains(SECRET), "{refused}");
    assert_eq!(text(&file), before);

    let args = ["--profile", "backup", "--as-region", "eu-west-1"];
    let planted = plant(&args).exits(0);
    assert!(!planted.to_string().contains(SECRET), "{planted}");
    let record = &planted.kind("planting")[0];
    let canonical = file.canonicalize().unwrap();
    assert_eq!((&record["token"], &record["key"], &record["status"]), (&json!("t1"), &json!(ID), &json!("planted")));
    assert_eq!((&record["path"], &record["profile"]), (&json!(canonical), &json!("backup")));
    let after = format!(
        "{before}\r\n[backup]\r\naws_access_key_id = {ID}\r\naws_secret_access_key = {SECRET}\r\nregion = eu-west-1\r\n"
    );
    assert_eq!(text(&file), after);
    assert_eq!(place.planted().len(), 1);
    assert_eq!(place.planted()[0]["profile"], "backup");

    // A second time nothing changes. Another token that takes its place is said to.
    assert_eq!(plant(&args).exits(0).kind("planting")[0]["status"], "unchanged");
    assert_eq!((text(&file), place.planted().len()), (after, 1));

    let other = token()
        .to_string()
        .replace(ID, "AKIARTX3GSDSQAAAAAAB")
        .replace("\"t1\"", "\"t2\"")
        .replace("svc-backup", "svc-b");
    let mut record: Value = serde_json::from_str(&other).unwrap();
    record.as_object_mut().unwrap().retain(|name, _| name != "access_key_id" && name != "secret_access_key");
    let _ = place.reads(&["import"], ndjson(&[record])).exits(0);
    let said = format!("the key {ID} of token t1 made room for it");
    let _ = place.reads(&[&["plant", path], &args[..]].concat(), other).exits(0).says(&said);
    assert!(place.planted().is_empty());
    let _ = plant(&args).exits(0).says("of token t2 made room for it");

    let _ = place
        .run(&["unplant", path])
        .exits(1)
        .says("has another key, AKIAIOSFODNN7EXAMPLE, that is no token's in the registry");
    let taken = place.run(&["unplant", path, "--profile", "backup"]).exits(0);
    assert_eq!(taken.kind("planting")[0]["status"], "unplanted");
    assert_eq!((text(&file).as_str(), place.planted().len()), (before, 0));
    let ran = place.run(&["unplant", path, "--profile", "backup"]).exits(0).says("nothing to take out");
    assert!(!ran.stderr.contains("the registry"), "{ran}");

    // Somebody else took the whole file away.
    let _ = plant(&args).exits(0);
    fs::remove_file(&file).unwrap();
    assert_eq!(place.planted().len(), 1);
    let _ = place.run(&["unplant", path, "--profile", "other"]).exits(0);
    assert_eq!(place.planted().len(), 1);
    let _ = place.run(&["unplant", path, "--profile", "backup"]).exits(0).says("the registry does not say any more");
    assert!(place.planted().is_empty());
}

#[test]
fn where_there_is_no_registry_a_key_is_planted_all_the_same() {
    let place = Place::new();
    let file = place.credentials("");
    let path = file.to_str().unwrap();
    let credentials = format!("[x]\naws_access_key_id = {ID}\naws_secret_access_key = {SECRET}\n");
    let planted = place.reads(&["-v", "plant", path], credentials.clone()).exits(0).says("there is no registry");
    assert_eq!(planted.kind("planting")[0]["token"], Value::Null);
    assert_eq!(text(&file), credentials.replace("[x]", "[default]"));
    assert_eq!(place.reads(&["plant", path], credentials).exits(0).kind("planting")[0]["status"], "unchanged");
    let _ = place.run(&["unplant", path]).exits(1).says("--key KEY takes it out");
    let _ = place.run(&["unplant", path, "--key", "AKIAIOSFODNN7EXAMPLE"]).exits(1).says("that --key names");
    let _ = place.run(&["unplant", path, "--key", ID]).exits(0);
    assert_eq!(text(&file), "");
    let _ = place.reads(&["plant", path], "").exits(4).says("there is no token on stdin");
}

#[test]
fn of_several_the_first_is_planted_and_what_to_do_about_the_others_is_said() {
    let second = || {
        let text = token().to_string().replace(ID, "AKIARTX3GSDSQAAAAAAB").replace("\"t1\"", "\"t2\"");
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let mut third = token();
    third["token"] = "t3".into();
    third.as_object_mut().unwrap().retain(|name, _| name != "access_key_id" && name != "secret_access_key");
    let place = Place::with_registry();
    let file = place.credentials("");
    let path = file.to_str().unwrap();
    let ran = place.reads(&["plant", path], ndjson(&[third, token(), second()])).exits(3);
    let ran =
        ran.says("`honeytoken rotate t2` gives it another key, `honeytoken delete t2`").says("handed out before: t3");
    assert!(!ran.to_string().contains(SECRET), "{ran}");
    assert_eq!(ran.kind("planting")[0]["token"], "t1");
    assert!(text(&file).contains(ID) && place.planted().len() == 1);

    // As `create --format credentials` writes it; a file of somebody's own may begin with a key of their own.
    let one = |profile: &str, key: &str| {
        format!("[{profile}]\naws_access_key_id = {key}\naws_secret_access_key = {SECRET}\n")
    };
    let ours = [one("default", ID), one("svc-b", "AKIARTX3GSDSQAAAAAAB")].concat();
    let theirs = [one("default", "AKIAIOSFODNN7EXAMPLE"), one("bait", ID)].concat();
    let both = ["plant", path, "--profile", "both"];
    let _ = place.reads(&both, ours.clone()).exits(3).says("honeytoken rotate AKIARTX3GSDSQAAAAAAB");
    let before = text(&file);
    assert!(before.contains("[both]") && !before.contains("AAAAAAB"), "{before}");
    let _ = place.reads(&["plant", path, "--profile", "theirs"], theirs).exits(1).says("the first is no token's");
    assert_eq!(text(&file), before);

    // What was made for it is not planted either: that is a secret which nobody has.
    let elsewhere = Place::new();
    let file = elsewhere.credentials(&one("default", "AKIAIOSFODNN7EXAMPLE"));
    let path = file.to_str().unwrap();
    let _ = elsewhere.reads(&["plant", path], ours).exits(1).says("nothing was planted");
    let _ = elsewhere.reads(&["plant", path], ndjson(&[token()])).exits(1).says("`honeytoken rotate t1` gives it");
    assert_eq!(text(&file), one("default", "AKIAIOSFODNN7EXAMPLE"));
}

#[test]
fn keys_in_a_text_are_known_again() {
    let place = Place::with_registry();
    let file = place.credentials(&format!("key={ID}\n"));
    let path = file.to_str().unwrap();
    let found = place.run(&["identify", path, "/dev/null"]).exits(0);
    let record = &found.kind("identified")[0];
    assert_eq!(
        (&record["token"], &record["owner"], &record["location"]),
        (&json!("t1"), &json!("web"), &json!("laptop"))
    );
    assert_eq!((&record["ours"], &record["matched"], &record["file"]), (&json!(true), &json!(["id"]), &json!(path)));
    let other = place.reads(&["identify"], "AKIASP2TPHJSQH3FJRUX").exits(1);
    assert_eq!((&other.kind("identified")[0]["known_decoys"]), &json!("Thinkst"));
    let _ = place.run(&["identify", path, "/none"]).exits(3).says("cannot read /none");
    let _ = Place::new().run(&["identify", path]).exits(4).says("there is no registry");
}

#[test]
fn an_id_tells_its_account() {
    let place = Place::new();
    let ran = place
        .run(&["decode", "ASIAQNZGKIQY56JQ7WML", "rubbish", "AKIAIOSFODNN7EXAMPLE"])
        .exits(3)
        .says("`rubbish` is no");
    let records = ran.kind("key");
    assert_eq!(
        records[0],
        json!({"kind": "key", "key": "ASIAQNZGKIQY56JQ7WML", "prefix": "ASIA", "what": "temporary access key",
            "generation": "new", "account": "029608264753", "known_decoys": null})
    );
    assert_eq!((&records[1]["generation"], &records[1]["account"]), (&json!("old"), &Value::Null));
    let text = "the key AKIASP2TPHJSQH3FJRUX, again: AKIASP2TPHJSQH3FJRUX";
    assert_eq!(place.reads(&["decode", "-"], text).exits(0).kind("key").len(), 1);
    let _ = place.reads(&["decode", "-"], "nothing").exits(1);
}
