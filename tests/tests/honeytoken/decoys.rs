//! What the rest of Sluice makes of decoys: audit and remediate leave them alone, and an alert is acted upon.

use serde_json::{Value, json};
use tests::http::Request;
use tests::stage::{NOW, Stage, input, text, undos, write_names, writes};
use tests::{Emulator, Proxy, Ran};

/// Where a test's list of decoys is, in the home of its tools.
const LIST: &str = "decoys.ndjson";
/// The decoy's user, and one of somebody's who has forgotten him.
const USERS: [&str; 2] = ["svc-billing-export", "svc-forgotten"];

/// An account with two users, each with a key that nobody uses, in front of which stands a proxy; and their keys.
fn two_users() -> (Stage, Proxy, [String; 2]) {
    let proxy = Proxy::new(Emulator::shared());
    let stage = Stage::empty("iam_user").through(&proxy);
    let keys = USERS.map(|user| {
        let call = |action: &str| {
            let form = format!("Version=2010-05-08&Action={action}&UserName={user}");
            stage.call("iam", Request::form(form)).text()
        };
        call("CreateUser");
        let made = call("CreateAccessKey");
        let id = made.split_once("<AccessKeyId>").unwrap().1.split_once('<').unwrap().0;
        id.to_owned()
    });
    proxy.reset();
    (stage, proxy, keys)
}

/// The first user as `honeytoken export` tells of it, with what became of it.
fn token(stage: &Stage, state: &str) -> Value {
    let (account, user) = (stage.account.id(), USERS[0]);
    json!({
        "kind": "token", "token": "k4f7m2q9xa", "state": state, "account": account, "region": "global", "type": "iam_user",
        "id": user, "arn": format!("arn:aws:iam::{account}:user/{user}"), "guard": "none", "owner": "web",
        "location": "laptop-7", "created_at": "2026-11-20T10:00:00Z",
    })
}

fn write(stage: &Stage, content: impl AsRef<[u8]>) {
    std::fs::write(stage.account.tool("audit").home().join(LIST), content).unwrap();
}

/// The status and the reason of the finding, or the outcome, about the stale key of each user.
fn stale(ran: &Ran) -> [(String, Value); 2] {
    USERS.map(|user| {
        let record = ran.one(&json!({"check": "iam_user_key_unused", "id": user}));
        (text(&record["status"]), record["reason"].clone())
    })
}

/// Which users' keys were changed.
fn changed(proxy: &Proxy) -> Vec<&'static str> {
    let requests: Vec<String> = writes(proxy).iter().map(|call| call.request.text()).collect();
    let named = |user: &&str| requests.iter().any(|request| request.contains(*user));
    USERS.into_iter().filter(|user| named(user)).collect()
}

#[test]
fn a_decoys_key_is_left_where_it_is_and_its_neighbours_is_not() {
    let (stage, proxy, _) = two_users();
    write(&stage, input([&token(&stage, "active")]));
    let polled = stage.poll_all().stdout;
    let plain = stage.audit(polled.clone());
    let fail = ("fail".to_owned(), Value::Null);
    assert_eq!(stale(&plain), [fail.clone(), fail.clone()], "{plain}");

    let audited = stage.run(stage.tool("audit").args(["--now", NOW, "--honeytokens", LIST]).stdin(polled));
    let excepted = ("excepted".to_owned(), json!("a decoy (honeytoken k4f7m2q9xa)"));
    assert_eq!(stale(&audited), [excepted.clone(), fail], "{audited}");

    // Also where the findings come from an audit that did not know.
    let applied = stage.run(stage.apply(plain.stdout).env("SLUICE_HONEYTOKENS", LIST)).exits(0);
    assert_eq!(stale(&applied), [excepted, ("applied".to_owned(), Value::Null)], "{applied}");
    assert_eq!((changed(&proxy), write_names(&proxy)), (vec![USERS[1]], vec!["iam:UpdateAccessKey".to_owned()]));
}

#[test]
fn the_settings_name_the_registry_and_a_deleted_decoy_is_none() {
    let (stage, proxy, _) = two_users();
    stage.set(&format!("[honeytoken]\nregistry = \"{LIST}\""));
    let polled = stage.run(stage.tool("poll").args(["--types", "iam_user"])).exits(0).stdout;
    for (state, expected) in [("active", "excepted"), ("deleting", "excepted"), ("deleted", "fail")] {
        write(&stage, input([&token(&stage, state)]));
        assert_eq!(stale(&stage.audit(polled.clone()))[0].0, expected, "{state}");
    }
    // A guard that cannot be read is a guard that is off.
    proxy.reset();
    let half = token(&stage, "active").to_string();
    write(&stage, format!("{half}\n{}\n", &half[..half.len() / 2]));
    for tool in [stage.tool("audit").stdin(polled.clone()), stage.apply(polled.clone())] {
        let ran = stage.run(tool).exits(4).says(LIST).says("line 2");
        assert!(ran.stdout.is_empty(), "{ran}");
    }
    for name in ["audit", "remediate"] {
        let ran = stage.run(stage.tool(name).args(["--honeytokens", "nowhere.db"])).exits(4).says("nowhere.db");
        assert!(ran.stdout.is_empty(), "{ran}");
    }
    assert!(proxy.calls().is_empty(), "{:?}", proxy.calls());
}

/// An alert about the first user, with the fields of another instead of its own.
fn alert(stage: &Stage, key: &str, other: &Value) -> Value {
    let (account, user) = (stage.account.id(), USERS[0]);
    let mut alert = json!({
        "kind": "alert", "key": "honeytoken:k4f7m2q9xa:203.0.113.9", "incident": "honeytoken:k4f7m2q9xa:1", "status": "open",
        "severity": "critical", "trigger": "used", "account": account, "region": "eu-west-1", "type": "iam_user",
        "id": user, "arn": format!("arn:aws:iam::{account}:user/{user}"), "title": "Decoy svc-billing-export was used",
        "token": {"id": "k4f7m2q9xa", "name": user}, "count": 1, "at": "2026-11-20T10:00:00Z",
        "action": {"name": "iam_deactivate_key", "AccessKeyId": key},
    });
    alert.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
    alert
}

#[test]
fn an_alert_is_acted_upon_though_its_user_is_a_decoy() {
    let (stage, proxy, [key, _]) = two_users();
    write(&stage, input([&token(&stage, "active")]));
    stage.set(&format!("[honeytoken]\nregistry = \"{LIST}\""));
    let open = alert(&stage, &key, &json!({}));
    let others = [
        alert(&stage, &key, &json!({"status": "closed"})),
        alert(&stage, &key, &json!({"drill": true})),
        alert(&stage, &key, &json!({"action": null})),
    ];
    // What is not for remediate goes on to notify, to the letter.
    let ran = stage.run(stage.apply(input(&others))).exits(0);
    assert_eq!(ran.records(), others, "{ran}");
    assert_eq!(write_names(&proxy), [""; 0]);

    // A task of somebody's is kept away from it, as from whatever is excepted.
    let task = json!({
        "kind": "task", "account": stage.account.id(), "region": "global", "type": "iam_user", "id": USERS[0],
        "action": open["action"],
    });
    let ran = stage.run(stage.apply(input([&task]))).exits(1);
    assert_eq!(ran.one(&json!({"kind": "outcome"}))["reason"], "a decoy (honeytoken k4f7m2q9xa)", "{ran}");

    let named = json!({
        "kind": "outcome", "key": open["key"], "title": open["title"], "severity": "critical", "region": "global",
        "incident": open["incident"],
    });
    let plan = stage.run(stage.remediate(input([&open]))).exits(0);
    let planned = plan.one(&named);
    assert_eq!(
        (&planned["status"], &planned["calls"][0]["operation"]),
        (&json!("planned"), &json!("iam:UpdateAccessKey"))
    );
    assert_eq!(write_names(&proxy), [""; 0]);
    // The plan is carried out like any other.
    let applied = stage.run(stage.apply(plan.stdout)).exits(0);
    assert_eq!(applied.one(&named)["status"], "applied", "{applied}");
    // Said twice, done once.
    let again = stage.run(stage.apply(input([&open, &open]))).exits(0);
    assert_eq!(again.matching(&json!({"status": "already"})).len(), 2, "{again}");
    assert_eq!((changed(&proxy), write_names(&proxy).len()), (vec![USERS[0]], 1));

    let undone = stage.run(stage.apply(input(&undos(&applied.kind("outcome"))))).exits(0);
    assert_eq!(undone.one(&json!({"kind": "outcome"}))["status"], "applied", "{undone}");

    // What somebody has written beats it.
    let exception = json!({"id": USERS[0], "reason": "we are watching him"});
    std::fs::write(stage.account.tool("audit").home().join("ours.ndjson"), exception.to_string()).unwrap();
    let ran = stage.run(stage.apply(input([&open])).args(["--exceptions", "ours.ndjson"])).exits(1);
    let outcome = ran.one(&json!({"kind": "outcome"}));
    assert_eq!((&outcome["status"], &outcome["reason"]), (&json!("excepted"), &json!("we are watching him")), "{ran}");
}

#[test]
fn with_a_tasks_file_an_alert_waits_for_nothing() {
    let (stage, proxy, [key, _]) = two_users();
    write(&stage, input([&token(&stage, "active")]));
    let open = alert(&stage, &key, &json!({}));
    let apply = stage.apply(input([&open])).args(["--tasks", "tasks.json", "--honeytokens", LIST]);
    let ran = stage.run(apply).exits(0);
    let outcome = ran.one(&json!({"kind": "outcome", "key": open["key"], "title": open["title"]}));
    assert_eq!(outcome["status"], "applied", "{ran}");
    assert_eq!(write_names(&proxy), ["iam:UpdateAccessKey"]);
}

#[test]
fn an_alert_that_makes_no_sense_is_named_and_nothing_is_done() {
    let (stage, proxy, [key, _]) = two_users();
    for (other, says) in [
        (json!({"id": USERS[1]}), "this alert names no resource: the record's `id` is svc-forgotten"),
        (json!({"status": "ajar"}), "unknown variant `ajar`"),
        (json!({"title": 1}), "invalid type"),
    ] {
        let ran = stage.run(stage.apply(input([&alert(&stage, &key, &other)]))).exits(3).says("line 1").says(says);
        assert!(ran.stdout.is_empty(), "{ran}");
    }
    // What is understood has its outcome.
    for (other, status) in [
        (json!({"action": "fire"}), "refused"),
        (json!({"action": {"name": "iam_deactivate_key", "AccessKeyId": "AKIAIOSFODNN7EXAMPLE"}}), "changed"),
    ] {
        let ran = stage.run(stage.apply(input([&alert(&stage, &key, &other)]))).exits(1);
        assert_eq!(ran.one(&json!({"kind": "outcome"}))["status"], status, "{ran}");
    }
    assert_eq!(write_names(&proxy), [""; 0]);
}
