//! Incidents: what speaks again, what is only counted, and when it is over.

use std::time::{Duration, Instant};

use super::*;
use crate::registry::Drilled;

fn event(id: u32, changed: Value) -> String {
    let mut record = call(json!({"eventID": format!("e{id}"), "errorCode": "AccessDenied"}));
    merge(&mut record, changed);
    record.to_string()
}

fn triggers(alerts: &[Alert]) -> Vec<(&str, &str)> {
    alerts.iter().map(|alert| (alert.status.name(), alert.trigger.as_str())).collect()
}

#[test]
fn an_event_counts_once_by_whatever_way_it_comes() {
    let registry = registry();
    let mut engine = Engine::new(&registry, &registry, plain()).unwrap();
    let record = call(json!({}));
    let lookup = json!({"Events": [{"EventId": "e1", "EventName": "GetCallerIdentity", "EventTime": 1_763_632_800.0,
        "CloudTrailEvent": record.to_string()}]});
    let bus = json!({"version": "0", "id": "x", "detail-type": "AWS API Call via CloudTrail", "source": "aws.sts",
        "account": "111122223333", "time": "2026-11-20T10:00:00Z", "region": "us-east-1", "detail": record});
    let queue = json!({"messageId": "m", "receiptHandle": "h", "eventSource": "aws:sqs", "body": bus.to_string()});
    let file = json!({"Records": [record, record]});
    let mut alerts = Vec::new();
    for text in [&file, &lookup, &bus, &queue, &record] {
        alerts.extend(take(&mut engine, &text.to_string(), now()));
    }
    assert_eq!(triggers(&alerts), [("open", "used")]);
    assert_eq!(registry.open_incidents().unwrap()[0].count, 1);
    // Also not in another run.
    assert_eq!(take(&mut Engine::new(&registry, &registry, plain()).unwrap(), &queue.to_string(), now()), []);
    assert_eq!(registry.token("t1").unwrap().unwrap().fired.unwrap().events, 1);
}

#[test]
fn five_hundred_calls_are_one_alert_and_one_for_all_that_is_new() {
    let registry = registry();
    let mut engine = Engine::new(&registry, &registry, plain()).unwrap();
    let mut alerts = Vec::new();
    for id in 0..500 {
        let changed = match id {
            100 => json!({"sourceIPAddress": "198.51.100.7"}),
            200 => json!({"userAgent": "Boto3/1.34 Pacu"}),
            300 => json!({"awsRegion": "eu-west-1", "sourceIPAddress": "198.51.100.8"}),
            400 => json!({"errorCode": null}),
            450 => json!({"userIdentity": {"accessKeyId": SESSION}}),
            _ => json!({}),
        };
        alerts.extend(take(&mut engine, &event(id, changed), now()));
    }
    let again: Vec<&str> = alerts.iter().map(|alert| alert.title.split(" was used").nth(1).unwrap()).collect();
    assert_eq!(again.len(), 6, "{again:#?}");
    assert!(again[0].starts_with(": sts:GetCallerIdentity from 203.0.113.9 with aws-cli, denied"), "{}", again[0]);
    assert!(again[1].starts_with(" again, from a new address: "), "{}", again[1]);
    assert!(again[2].starts_with(" again, with a new tool: ") && again[2].contains("with pacu"), "{}", again[2]);
    assert!(again[3].starts_with(" again, from a new address, in a new region: "), "{}", again[3]);
    assert!(again[4].starts_with(" again, for the first time with success: "), "{}", again[4]);
    assert!(again[5].starts_with(" through other credentials again, in a new way: "), "{}", again[5]);
    let keys: std::collections::BTreeSet<&str> = alerts.iter().map(|alert| alert.key.as_str()).collect();
    assert_eq!(keys.len(), 6);
    assert!(alerts.iter().all(|alert| alert.incident == alerts[0].incident));

    assert_eq!(engine.tick(now() + SignedDuration::from_mins(29)).unwrap(), []);
    let closed = engine.tick(now() + SignedDuration::from_mins(30)).unwrap();
    assert_eq!(triggers(&closed), [("closed", "used")]);
    assert_eq!((closed[0].count, closed[0].severity), (500, Severity::Critical));
    assert!(closed[0].title.ends_with("has been quiet for 30m, after 500 calls"), "{}", closed[0].title);
    engine.settle(now()).unwrap();
    assert_eq!(engine.tick(now() + SignedDuration::from_hours(9)).unwrap(), []);
}

#[test]
fn who_changes_address_all_the_time_is_told_ten_times_and_a_success_always() {
    let registry = registry();
    let mut engine = Engine::new(&registry, &registry, plain()).unwrap();
    let mut alerts = 0;
    for id in 0..300 {
        alerts += take(&mut engine, &event(id, json!({"sourceIPAddress": format!("2001:db8::{id}")})), now()).len();
    }
    assert_eq!(alerts, 10);
    assert_eq!(take(&mut engine, &event(300, json!({"errorCode": null})), now()).len(), 1);
    assert_eq!(take(&mut engine, &event(301, json!({"errorCode": null, "awsRegion": "eu-west-3"})), now()).len(), 0);
    assert!(registry.open_incidents().unwrap()[0].known.said.len() < 40);
}

#[test]
fn a_guard_that_does_not_hold_is_told_whatever_was_said_before() {
    let registry = registry();
    let mut engine = Engine::new(&registry, &registry, plain()).unwrap();
    let mut said = |id: u32, changed: Value| -> Vec<String> {
        let mut record = json!({"errorCode": null});
        merge(&mut record, changed);
        let alerts = take(&mut engine, &event(id, record), now());
        alerts.iter().map(|alert| alert.title.split(" was used").nth(1).unwrap().to_owned()).collect()
    };
    // Nobody can be denied this one: its success is no first success of anything.
    assert_eq!(said(0, json!({})).len(), 1);
    for id in 1..100 {
        said(id, json!({"sourceIPAddress": format!("2001:db8::{id}"), "userAgent": format!("x{id}")}));
    }
    let list = json!({"eventSource": "s3.amazonaws.com", "eventName": "ListBuckets"});
    let told = said(100, list.clone());
    assert!(told.len() == 1 && told[0].starts_with(" again, by a call that a guard would have denied: "), "{told:?}");
    assert_eq!(said(101, list), Vec::<String>::new());
    let given = json!({"credentials": {"accessKeyId": SESSION}});
    let told = said(102, json!({"eventName": "GetSessionToken", "responseElements": given}));
    assert!(told.len() == 1 && told[0].starts_with(" again, to get other credentials: "), "{told:?}");
}

#[test]
fn each_key_that_is_in_use_is_told_with_what_would_stop_it() {
    let registry = registry();
    let other = "AKIARZPUZDIKCI2FM6NEW";
    registry.key_made("t1", other, &registry.mark("x"), now()).unwrap();
    let mut engine = Engine::new(&registry, &registry, plain()).unwrap();
    let mut keys = |id: u32, key: &str| -> Vec<Value> {
        let alerts = take(&mut engine, &event(id, json!({"userIdentity": {"accessKeyId": key}})), now());
        alerts.iter().map(|alert| serde_json::to_value(&alert.action).unwrap()["AccessKeyId"].clone()).collect()
    };
    assert_eq!(keys(1, KEY), [json!(KEY)]);
    assert_eq!(keys(2, KEY), Vec::<Value>::new());
    assert_eq!(keys(3, other), [json!(other)]);
    assert_eq!(keys(4, other), Vec::<Value>::new());
}

#[test]
fn who_goes_on_slowly_is_heard_of_again() {
    let registry = registry();
    let mut engine = Engine::new(&registry, &registry, plain()).unwrap();
    let start = time("2026-11-20T10:00:00Z");
    let mut told = Vec::new();
    // A call each 29 minutes, of which the watch hears a quarter of an hour later: by then the first incident is over.
    for id in 0..6_u32 {
        let at = start + SignedDuration::from_mins(29 * i64::from(id));
        let seen = at + if id == 0 { SignedDuration::ZERO } else { SignedDuration::from_mins(15) };
        let closed = engine.tick(seen).unwrap();
        engine.settle(seen).unwrap();
        told.extend(closed.iter().map(|alert| (id, alert.status.name())));
        let alerts = take(&mut engine, &event(id, json!({"eventTime": at.to_string()})), seen);
        told.extend(alerts.iter().map(|alert| (id, alert.status.name())));
    }
    assert_eq!(told, [(0, "open"), (1, "closed"), (1, "open")], "and that one goes on");
    // Those that come late for what is over do not prolong it.
    let end = start + SignedDuration::from_hours(9);
    engine.tick(end).unwrap();
    engine.settle(end).unwrap();
    let last = start + SignedDuration::from_mins(29 * 5);
    let late: Vec<usize> = (1..5_u32)
        .map(|step| {
            let at = last + SignedDuration::from_mins(14 * i64::from(step));
            take(&mut engine, &event(100 + step, json!({"eventTime": at.to_string()})), end).len()
        })
        .collect();
    assert_eq!(late, [0, 1, 0, 0], "the second is half an hour behind the last one");
}

#[test]
fn a_change_is_told_though_a_look_was() {
    let registry = registry();
    let mut engine = Engine::new(&registry, &registry, plain()).unwrap();
    let mut admin = |id: &str, name: &str| {
        let record =
            by_admin(json!({"eventID": id, "eventName": name, "requestParameters": {"userName": "svc-billing"}}));
        let alerts = take(&mut engine, &record.to_string(), now());
        alerts.iter().map(|alert| alert.severity).collect::<Vec<_>>()
    };
    assert_eq!(admin("e1", "GetUser"), [Severity::Medium]);
    assert_eq!(admin("e2", "ListAccessKeys"), []);
    assert_eq!(admin("e3", "CreateAccessKey"), [Severity::High]);
    assert_eq!(admin("e4", "DeleteUser"), []);
    let closed = engine.tick(now() + SignedDuration::from_hours(1)).unwrap();
    assert_eq!((closed[0].severity, closed[0].count), (Severity::High, 4));
}

#[test]
fn each_event_is_told_where_that_is_wanted() {
    let registry = registry();
    let rules = Rules::new(&Honeytoken::default(), None, true).unwrap();
    let mut engine = Engine::new(&registry, &registry, rules).unwrap();
    let alerts: Vec<Alert> = (0..30).flat_map(|id| take(&mut engine, &event(id, json!({})), now())).collect();
    let keys: std::collections::BTreeSet<&str> = alerts.iter().map(|alert| alert.key.as_str()).collect();
    assert_eq!((alerts.len(), keys.len()), (30, 30));
}

#[test]
fn events_come_late_and_out_of_order() {
    let registry = registry();
    let mut engine = Engine::new(&registry, &registry, plain()).unwrap();
    let at = |id: u32, time: &str| event(id, json!({ "eventTime": format!("2026-11-20T{time}Z") }));
    let first = take(&mut engine, &at(1, "10:00:00"), now());
    // Earlier, and near: the same incident.
    assert_eq!(take(&mut engine, &at(2, "09:45:00"), now()), []);
    // Six hours before: another one, and it alerts.
    let late = take(&mut engine, &at(3, "03:45:00"), now());
    assert_eq!(late.len(), 1);
    assert_ne!(late[0].incident, first[0].incident);
    assert_eq!(late[0].latency_seconds, Some(6 * 3600 + 20 * 60));
    // Between the two, and nearer to the first.
    assert_eq!(take(&mut engine, &at(4, "09:20:00"), now()), []);
    let closed = engine.tick(now() + SignedDuration::from_mins(31)).unwrap();
    engine.settle(now()).unwrap();
    assert_eq!(closed.iter().map(|alert| alert.count).collect::<Vec<_>>(), [1, 3]);
    // A straggler of one that is over is counted; something new opens it again, and it closes again under another key.
    assert_eq!(take(&mut engine, &at(5, "10:01:00"), now()), []);
    let again = take(&mut engine, &event(6, json!({"sourceIPAddress": "198.51.100.7"})), now());
    assert_eq!((again.len(), again[0].count, &again[0].incident), (1, 5, &first[0].incident));
    let closed_again = engine.tick(now() + SignedDuration::from_hours(2)).unwrap();
    assert_eq!(closed_again.len(), 1);
    assert_ne!(closed_again[0].key, closed.iter().find(|alert| alert.incident == first[0].incident).unwrap().key);
}

#[test]
fn incidents_go_on_from_run_to_run_and_end_by_the_events_time() {
    let registry = registry();
    let run = |text: &str, now: &str| {
        let mut engine = Engine::new(&registry, &registry, plain()).unwrap();
        let mut alerts = take(&mut engine, text, time(now));
        alerts.extend(engine.finish(time(now)).unwrap());
        engine.settle(time(now)).unwrap();
        alerts
    };
    let first = run(&event(1, json!({})), "2026-11-20T10:05:00Z");
    assert_eq!(triggers(&first), [("open", "used")]);
    assert_eq!(run(&event(2, json!({"eventTime": "2026-11-20T10:20:00Z"})), "2026-11-20T10:25:00Z"), []);
    let end = run("", "2026-11-20T10:50:00Z");
    assert_eq!((triggers(&end), end[0].count), (vec![("closed", "used")], 2));
    assert_eq!(end[0].incident, first[0].incident);
    // What is over when it is read opens and closes at once.
    let old = run(&event(3, json!({"eventTime": "2026-11-19T10:20:00Z"})), "2026-11-20T10:50:00Z");
    assert_eq!(triggers(&old), [("open", "used"), ("closed", "used")]);
}

#[test]
fn who_is_killed_before_it_is_written_down_says_the_same_again() {
    let registry = registry();
    let first = {
        let mut engine = Engine::new(&registry, &registry, plain()).unwrap();
        let found = found_in(&event(1, json!({}))).pop().unwrap().unwrap();
        engine.take(&found, now()).unwrap()
        // Gone without having settled.
    };
    let again = take(&mut Engine::new(&registry, &registry, plain()).unwrap(), &event(1, json!({})), now());
    assert_eq!(first, again);
    assert_eq!(again.len(), 1);
    assert_eq!(take(&mut Engine::new(&registry, &registry, plain()).unwrap(), &event(1, json!({})), now()), []);
}

#[test]
fn tokens_that_are_made_while_a_watch_runs_are_seen() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("r.db");
    let registry = Registry::open_or_create(&path).unwrap();
    let mut engine = Engine::new(&registry, &registry, plain()).unwrap();
    assert_eq!(take(&mut engine, &event(1, json!({})), now()), []);
    let other = Registry::open(&path).unwrap();
    other.insert(&token("t9", "svc-billing"), |_| None).unwrap();
    assert_eq!(engine.tokens(), 0);
    // Not more often than is good: ten times as long as reading took, which nobody knows.
    let last = Instant::now() + Duration::from_mins(1);
    while engine.tokens() == 0 {
        assert!(Instant::now() < last, "it is never read");
        std::thread::sleep(Duration::from_millis(20));
        engine.refresh().unwrap();
    }
    let alerts = take(&mut engine, &event(2, json!({})), now());
    assert_eq!(alerts[0].token.id, "t9");
    // Two watches on one registry: each event is told once.
    let mut second = Engine::new(&other, &other, plain()).unwrap();
    assert_eq!(take(&mut second, &event(2, json!({})), now()), []);
    assert_eq!(take(&mut second, &event(3, json!({})), now()), []);
    let later = now() + SignedDuration::from_hours(1);
    assert_eq!(engine.tick(later).unwrap()[0].count, 2);
    // And so is its end.
    engine.settle(later).unwrap();
    assert_eq!(second.tick(later).unwrap(), []);
}

#[test]
fn a_drill_is_told_apart() {
    let registry = registry();
    let insert = |nonce: &str, started_at: &str| {
        registry
            .write(|transaction| {
                let insert = "INSERT INTO drill (nonce, token, key, started_at) VALUES (?1, 't1', ?2, ?3)";
                transaction.execute(insert, [nonce, KEY, started_at]).map(drop)
            })
            .unwrap();
    };
    insert("nonce-1", "2026-11-20T09:59:00.000000000Z");
    let drilled: Vec<Drilled> = registry.drilled().unwrap();
    assert_eq!(drilled[0].nonce, "nonce-1");
    let mut engine = Engine::new(&registry, &registry, plain()).unwrap();
    let drill = |id: u32| event(id, json!({"userAgent": "aws-sdk-rust/1 app/nonce-1"}));
    let alert = take(&mut engine, &drill(1), now()).pop().unwrap();
    assert_eq!((alert.drill, alert.severity, &alert.action), (true, Severity::Low, &None));
    let seen: String =
        registry.read(|connection| connection.query_row("SELECT seen_at FROM drill", [], |row| row.get(0))).unwrap();
    assert_eq!(time(&seen), now());
    assert_eq!(registry.token("t1").unwrap().unwrap().fired, None, "a drill is no fire");
    // A thief at the same time is an incident of its own.
    let thief = take(&mut engine, &event(2, json!({})), now()).pop().unwrap();
    assert_eq!((thief.drill, thief.severity), (false, Severity::Critical));
    assert_ne!(thief.incident, alert.incident);
    // So is one who has read the nonce in CloudTrail and does what no drill does,
    let other = json!({"userAgent": "app/nonce-1", "eventSource": "s3.amazonaws.com", "eventName": "ListBuckets"});
    assert!(!take(&mut engine, &event(4, other), now())[0].drill);
    // or who comes later on.
    let late = event(3, json!({"userAgent": "app/nonce-1", "eventTime": "2026-11-20T11:30:00Z"}));
    assert!(!take(&mut engine, &late, now())[0].drill);
}

#[test]
fn what_was_forgotten_is_not_told_again_when_it_is_read_again() {
    let later = now() + SignedDuration::from_hours(24 * 101);
    for every_event in [false, true] {
        let registry = registry();
        let rules = || Rules::new(&Honeytoken::default(), None, every_event).unwrap();
        let mut engine = Engine::new(&registry, &registry, rules()).unwrap();
        let given = json!({"eventName": "AssumeRole", "responseElements": {"credentials": {"accessKeyId": SESSION}}});
        let all = [
            event(1, json!({})),
            event(2, json!({"userIdentity": {"accessKeyId": SESSION}})),
            event(3, json!({"errorCode": null})),
            event(4, {
                let mut given = given;
                given["errorCode"] = Value::Null;
                given
            }),
        ];
        for text in &all {
            take(&mut engine, text, now());
        }
        engine.tick(now() + SignedDuration::from_hours(1)).unwrap();
        engine.settle(now() + SignedDuration::from_hours(1)).unwrap();
        let fired = registry.token("t1").unwrap().unwrap().fired;
        assert!(!engine.prune(now()).unwrap() && is_known(&registry, "e1"));
        // Its key was changed in between.
        registry
            .write(|transaction| transaction.execute("UPDATE key SET status = 'deleted' WHERE token = 't1'", []))
            .unwrap();
        registry.key_made("t1", "AKIARZPUZDIKCI2FM6NEW", &registry.mark("x"), later).unwrap();
        let mut engine = Engine::new(&registry, &registry, rules()).unwrap();
        assert!(!engine.prune(later).unwrap() && !is_known(&registry, "e1"));
        assert_eq!(registry.token("t1").unwrap().unwrap().fired, fired);
        for text in &all {
            assert_eq!(take(&mut engine, text, later), [], "{every_event} {text}");
        }
        // What nobody has heard of speaks at any time.
        let console = event(5, json!({"eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin"}));
        assert_eq!(take(&mut engine, &console, later).len(), 1);
    }
}
