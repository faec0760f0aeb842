//! Files that are not as they should be: nothing is done, and nothing overwritten.

use std::fs;
use std::path::Path;

use serde_json::json;
use tests::{Account, Emulator, Proxy, Tool};

use crate::{apply, path, stop, tool};

#[test]
fn a_file_that_is_not_understood_stops_the_run_with_its_line() {
    let account = Account::new();
    let proxy = Proxy::new(Emulator::shared());
    let seen = account.through(&proxy);
    let task = stop(account.id(), "i-0a1b2c3d4e5f60718");
    for (text, expected) in [
        ("{\"tasks\": [\n{\"action\": \"stop\"},\n{\"action\": }\n]}", "line 3"),
        ("{\"tasks\": [\n{\"action\": \"stop\"}", "line 2"),
        ("{\"tasks\": {}}", "line 1: `tasks` is not an array"),
        ("{\"tasks\": [],\n\n\"tasks\": []}", "line 3: `tasks` is there twice"),
        ("{\"tasks\": [\n7]}", "line 2: a task is an object"),
        ("[]", "line 1"),
        ("", "it is empty"),
        ("\u{feff}{\"tasks\": []}", "line 1"),
    ] {
        fs::write(path(&account), text).unwrap();
        for tool in [tool(&seen, std::slice::from_ref(&task)), apply(&seen, std::slice::from_ref(&task))] {
            let ran = tool.run().exits(4).says(expected).says("tasks.json");
            assert!(ran.stdout.is_empty(), "{ran}");
            assert_eq!(ran.stderr.lines().count(), 1, "{ran}");
        }
        assert_eq!(fs::read_to_string(path(&account)).unwrap(), text);
    }
    fs::write(path(&account), b"{\"tasks\": [\"\xff\"]}").unwrap();
    let _ = tool(&seen, &[]).run().exits(4).says("UTF-8");
    assert_eq!(proxy.count("*"), 0, "AWS is asked nothing");
}

#[test]
fn one_task_that_is_not_understood_harms_no_other() {
    let account = Account::new();
    let arn = format!("arn:aws:ec2:us-east-1:{}:instance/i-0a1b2c3d4e5f60718", account.id());
    let good = format!("{{\"arn\": \"{arn}\", \"action\": \"stop\", \"action_time\": \"2100-01-01T00:00:00Z\"}}");
    let bad = [
        "{\"arn\": \"arn:aws:ec2\", \"action\": \"stop\"}".to_owned(),
        format!("{{\"arn\": \"{arn}\"}}"),
        format!("{{\"arn\": \"{arn}\", \"action\": \"stop\", \"attempts\": \"two\"}}"),
        format!("{{\"arn\": \"{arn}\", \"action\": \"stop\", \"parked\": \"yes\"}}"),
        format!("{{\"arn\": \"{arn}\", \"action\": \"stop\", \"action_time\": \"soon\"}}"),
        "{}".to_owned(),
    ];
    let lines = [&bad[..], &[good]].concat().join(",\n");
    fs::write(path(&account), format!("{{\"tasks\": [\n{lines}\n]}}")).unwrap();
    let mut ran = apply(&account, &[]).run().exits(3);
    for line in 2..8 {
        ran = ran.says(&format!("line {line}: "));
    }
    assert_eq!(ran.kind("outcome").len(), 1, "{ran}");
    assert_eq!(ran.kind("outcome")[0]["status"], "scheduled");
    let after = fs::read_to_string(path(&account)).unwrap();
    assert!(bad.iter().all(|task| after.contains(task.as_str())), "to the letter: {after}");
}

#[test]
fn a_task_of_the_input_that_cannot_be_filed_is_refused() {
    let account = Account::new();
    let mut odd = stop(account.id(), "i-0a1b2c3d4e5f60718");
    odd["attempts"] = json!("two");
    let unknown =
        json!({"account": account.id(), "region": "us-east-1", "type": "ec2", "id": "i-1", "action": "sparkle"});
    let ran = apply(&account, &[odd, unknown]).run().exits(1);
    assert_eq!(ran.matching(&json!({"status": "refused"})).len(), 2, "{ran}");
    assert!(!path(&account).exists(), "nothing to write");
}

/// The same tool under a limit on the size of files, as on a disk that is full.
fn on_a_full_disk(tool: &Tool, account: &Account) -> Tool {
    let command = tool.command();
    let mut line = vec![command.get_program().to_owned()];
    line.extend(command.get_args().map(ToOwned::to_owned));
    account.tool("/bin/sh").args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""]).args(line)
}

#[test]
fn what_cannot_be_written_is_not_done() {
    let account = Account::new();
    let proxy = Proxy::new(Emulator::shared());
    let seen = account.through(&proxy);
    let tasks = [stop(account.id(), "i-0a1b2c3d4e5f60718")];
    let before = format!("{{\"tasks\": [{}]}}", stop(account.id(), "i-00000000000000001"));
    fs::write(path(&account), &before).unwrap();
    let full = on_a_full_disk(&apply(&seen, &tasks), &seen).stdin(tests::ndjson(&tasks));
    let ran = full.run().exits(4).says("tasks.json").says("cannot write");
    assert!(ran.stdout.is_empty(), "{ran}");
    assert_eq!(fs::read_to_string(path(&account)).unwrap(), before);
    // Where not even root may write, and what is no file.
    fs::create_dir(account.tool("remediate").home().join("folder.json")).unwrap();
    for (place, why) in [
        ("/proc/tasks.json", "/proc/tasks.json.lock"),
        ("no/tasks.json", "no/tasks.json"),
        ("folder.json", "no regular file"),
    ] {
        let tool = account.tool("remediate").args(["--tasks", place, "--apply"]).stdin(tests::ndjson(&tasks));
        let _ = tool.run().exits(4).says(why);
    }
    assert_eq!(proxy.count("*"), 0, "AWS is asked nothing");
    assert!(!Path::new("/proc/tasks.json").exists());
}

#[test]
fn without_credentials_tasks_are_taken_in_all_the_same() {
    let account = Account::new();
    let mut later = stop(account.id(), "i-0a1b2c3d4e5f60718");
    later["action_time"] = json!("2100-01-01T00:00:00Z");
    let bare = |records: &[serde_json::Value]| {
        let tool = tool(&account, records).without_env("AWS_ACCESS_KEY_ID").without_env("AWS_SECRET_ACCESS_KEY");
        tool.without_env("AWS_SESSION_TOKEN").env("AWS_EC2_METADATA_DISABLED", "true")
    };
    let ran = bare(&[later]).run().exits(0);
    assert_eq!(ran.kind("outcome")[0]["status"], "scheduled", "{ran}");
    // What is due has its outcome, though nothing can be done.
    let ran = bare(&[stop(account.id(), "i-0a1b2c3d4e5f60718")]).run().exits(4).says("credentials");
    assert_eq!(ran.kind("outcome")[0]["status"], "interrupted", "{ran}");
}
