//! The life of what is remembered: state after state, with what is said.

use super::*;

/// A step: hours since the beginning, what comes in, what is said of it.
type Step = (i64, Vec<Value>, &'static [&'static str]);

#[test]
fn state_after_state() {
    let fail = || finding("fail", "a");
    let rows: Vec<(&str, Vec<Step>)> = vec![
        ("said once", vec![(0, vec![fail()], &["fail a"]), (24, vec![fail()], &[]), (48, vec![fail()], &[])]),
        (
            "evidence, controls and times do not matter",
            vec![
                (0, vec![fail()], &["fail a"]),
                (24, vec![with(with(fail(), "evidence", json!({"x": 1})), "found_at", "2026-11-21T00:00:00Z")], &[]),
            ],
        ),
        (
            "a status is a change",
            vec![
                (0, vec![fail()], &["fail a"]),
                (1, vec![finding("unknown", "a")], &["unknown a"]),
                (2, vec![finding("excepted", "a")], &["excepted a"]),
                (3, vec![fail()], &["fail a"]),
            ],
        ),
        (
            "so is a severity",
            vec![(0, vec![fail()], &["fail a"]), (1, vec![with(fail(), "severity", "low")], &["fail a"])],
        ),
        ("so is a title", vec![(0, vec![fail()], &["fail a"]), (1, vec![with(fail(), "title", "worse")], &["fail a"])]),
        (
            "so is an action",
            vec![(0, vec![fail()], &["fail a"]), (1, vec![with(fail(), "action", Value::Null)], &["fail a"])],
        ),
        (
            "so is a time",
            vec![
                (0, vec![with(outcome("scheduled", "a"), "action_time", "2026-11-25T00:00:00Z")], &["scheduled a"]),
                (1, vec![with(outcome("scheduled", "a"), "action_time", "2026-11-25T00:00:00Z")], &[]),
                (2, vec![with(outcome("scheduled", "a"), "action_time", "2026-11-26T00:00:00Z")], &["scheduled a"]),
            ],
        ),
        (
            "resolved is said once, and forgotten",
            vec![
                (0, vec![fail(), scope("ok", 1)], &["fail a"]),
                (1, vec![scope("ok", 0)], &["resolved a"]),
                (2, vec![scope("ok", 0)], &[]),
                (3, vec![fail(), scope("ok", 1)], &["fail a"]),
            ],
        ),
        (
            "not looked is not clean",
            vec![
                (0, vec![fail()], &["fail a"]),
                (1, vec![], &[]),
                (2, vec![with(scope("ok", 0), "checks", json!(["another"]))], &[]),
                (3, vec![scope("failed", 0)], &["failed s3_bucket"]),
            ],
        ),
        (
            "what passes is resolved",
            vec![(0, vec![fail()], &["fail a"]), (1, vec![finding("pass", "a")], &["resolved a"])],
        ),
        (
            "what is done is said as done, and forgotten",
            vec![
                (0, vec![fail()], &["fail a"]),
                (1, vec![outcome("applied", "a")], &["applied a"]),
                (2, vec![scope("ok", 0)], &[]),
                (3, vec![outcome("applied", "a")], &["applied a"]),
            ],
        ),
        (
            "what needs nothing done is resolved",
            vec![
                (0, vec![fail()], &["fail a"]),
                (1, vec![outcome("already", "a")], &["resolved a"]),
                (2, vec![outcome("already", "a")], &[]),
            ],
        ),
        (
            "what waits is still there",
            vec![
                (
                    0,
                    vec![with(outcome("scheduled", "a"), "action_time", "2026-11-25T00:00:00Z"), scope("ok", 1)],
                    &["scheduled a"],
                ),
                (1, vec![outcome("waiting", "a"), scope("ok", 1)], &[]),
                (2, vec![outcome("failed", "a"), scope("ok", 1)], &["failed a"]),
                (3, vec![outcome("failed", "a"), scope("ok", 1)], &[]),
                (4, vec![outcome("applied", "a"), scope("ok", 1)], &["applied a"]),
            ],
        ),
        (
            "a scope that failed is said until it is looked at",
            vec![
                (0, vec![scope("failed", 0)], &["failed s3_bucket"]),
                (1, vec![scope("failed", 0)], &[]),
                (2, vec![], &[]),
                (3, vec![scope("ok", 0)], &["resolved s3_bucket"]),
                (4, vec![scope("ok", 0)], &[]),
            ],
        ),
        (
            "what was in no input for 90 days is forgotten",
            vec![
                (0, vec![fail()], &["fail a"]),
                (24 * 80, vec![fail()], &[]),
                (24 * 169, vec![], &[]),
                (24 * 170, vec![fail()], &[]),
                (24 * 261, vec![], &[]),
                (24 * 261, vec![fail()], &["fail a"]),
            ],
        ),
    ];
    for (name, steps) in rows {
        let mut world = World::default();
        for (hours, records, expected) in steps {
            let said = world.run(start() + SignedDuration::from_hours(hours), &records);
            assert_eq!(said, expected, "{name}, after {hours} hours: {}", world.text);
        }
    }
}

#[test]
fn what_has_not_changed_is_said_again_when_its_time_has_come() {
    let mut world = World { repeat: Some(SignedDuration::from_hours(7 * 24)), ..World::default() };
    let days = |days: i64| start() + SignedDuration::from_hours(24 * days);
    for (day, expected) in [(0, 1), (6, 0), (7, 1), (8, 0), (13, 0), (14, 1)] {
        assert_eq!(world.run(days(day), &[finding("fail", "a")]).len(), expected, "day {day}");
    }
    let [note] = world.said().try_into().unwrap();
    assert_eq!(note["first_said"], json!(start()));
    assert_eq!(note["last_said"], json!(days(14)));
}

#[test]
fn each_target_has_a_memory_of_its_own() {
    let mut world = World::default();
    let sns = "sns arn:aws:sns:eu-west-1:111122223333:alerts";
    let all = [finding("fail", "a"), scope("ok", 1)];
    let first = world.claim(start(), &[SLACK], &all);
    world.settle(start(), &first, true);
    let both = world.claim(start(), &[SLACK, sns], &all);
    assert_eq!(both.says.iter().map(|(target, ..)| target.as_str()).collect::<Vec<_>>(), [sns]);
    assert_eq!(both.answer.unchanged.len(), 0, "somebody hears of it");
    // It does not get through: nobody is told of what was never said.
    world.settle(start(), &both, false);
    let over = world.claim(start(), &[SLACK, sns], &[scope("ok", 0)]);
    assert_eq!(over.says.iter().map(|(target, ..)| target.as_str()).collect::<Vec<_>>(), [SLACK]);
    world.settle(start(), &over, false);
    // Another run that cannot tell Slack leaves it to those who can.
    assert!(world.claim(start(), &[sns], &[scope("ok", 0)]).says.is_empty());
    assert_eq!(world.run(start(), &[scope("ok", 0)]), ["resolved a"]);
    assert!(world.said().is_empty());
}

#[test]
fn two_runs_at_once_do_not_both_say_it() {
    let mut world = World::default();
    let (one, other) = ([finding("fail", "a")], [finding("unknown", "a")]);
    let first = world.claim(start(), &[SLACK], &one);
    assert_eq!(shown(&first), ["fail a"]);
    let second = world.claim(start(), &[SLACK], &one);
    assert_eq!((shown(&second).len(), second.answer.unchanged.len()), (0, 1));
    // What it says otherwise is news all the same.
    let third = world.claim(start(), &[SLACK], &other);
    assert_eq!(shown(&third), ["unknown a"]);
    world.settle(start(), &first, true);
    world.settle(start(), &third, true);
    assert_eq!(world.run(start(), &other), [""; 0]);
    assert_eq!(world.run(start(), &one), ["fail a"]);
}

#[test]
fn what_a_run_that_was_killed_had_claimed_is_said_after_its_lease() {
    let mut world = World::default();
    let input = [finding("fail", "a")];
    let killed = world.claim(start(), &[SLACK], &input);
    assert_eq!(killed.says.len(), 1);
    let later = |seconds: i64| start() + LEASE + SignedDuration::from_secs(seconds);
    assert_eq!(world.run(later(-1), &input), [""; 0]);
    assert_eq!(world.run(later(0), &input), ["fail a"]);
    assert_eq!(world.run(later(1), &input), [""; 0]);
    // It was not killed after all, only slow: that does no harm.
    world.settle(later(2), &killed, false);
    assert_eq!(world.run(later(3), &input), [""; 0]);
    assert!(!world.text.contains("claims"), "{}", world.text);
}

#[test]
fn what_failed_to_be_delivered_is_said_by_the_next_run() {
    let mut world = World::default();
    for input in
        [vec![finding("fail", "a")], vec![finding("unknown", "a")], vec![scope("ok", 0)], vec![scope("failed", 0)]]
    {
        for _ in 0..2 {
            let failed = world.claim(start(), &[SLACK], &input);
            assert_eq!(failed.says.len(), 1, "{input:?}");
            world.settle(start(), &failed, false);
        }
        assert_eq!(world.run(start(), &input).len(), 1, "{input:?}");
        assert_eq!(world.run(start(), &input).len(), 0, "{input:?}");
    }
}

#[test]
fn an_input_that_says_it_twice_says_it_once() {
    let mut world = World::default();
    let input = [finding("fail", "a"), finding("fail", "a")];
    assert_eq!(world.run(start(), &input), ["fail a"]);
    // A finding and what became of it.
    let input = [finding("fail", "a"), outcome("applied", "a"), scope("ok", 1)];
    assert_eq!(world.run(start(), &input), ["applied a"]);
    assert!(world.said().is_empty());
    let input = [finding("fail", "a"), outcome("failed", "a"), scope("ok", 1)];
    assert_eq!(world.run(start(), &input), ["fail a", "failed a"]);
    assert_eq!(world.run(start(), &[outcome("failed", "a")]), [""; 0]);
}

#[test]
fn a_brake_that_counts_more_each_time_says_so_once() {
    let account = |title: &str| {
        let arn = format!("arn:aws:iam::{ACCOUNT}:root");
        with(
            with(
                with(
                    with(with(finding("fail", ACCOUNT), "title", title), "check", "account_runaway"),
                    "key",
                    format!("account_runaway:{arn}"),
                ),
                "type",
                "account",
            ),
            "region",
            "global",
        )
    };
    let mut world = World::default();
    assert_eq!(world.run(start(), &[account("is over its limit: 25 instances run, 5 over the 20 that may")]).len(), 1);
    assert_eq!(
        world.run(start(), &[account("is over its limit: 1,125 instances run, 5.50 over the 20 that may")]).len(),
        0
    );
    assert_eq!(world.run(start(), &[account("is over its limit: 25 instances run; to be halted: 3")]).len(), 1);
    let fine = with(with(scope("ok", 0), "type", "spend"), "checks", json!(["account_runaway"]));
    assert_eq!(world.run(start(), &[with(fine.clone(), "account", "444455556666")]).len(), 0);
    assert_eq!(world.run(start(), &[fine]).len(), 1);
    // Of others a number may be all that matters.
    world.run(start(), &[with(finding("fail", "a"), "title", "port 22 is open")]);
    assert_eq!(world.run(start(), &[with(finding("fail", "a"), "title", "port 3389 is open")]).len(), 1);
}

#[test]
fn a_person_may_edit_it() {
    let mut world = World::default();
    world.run(start(), &[finding("fail", "b"), finding("fail", "a")]);
    let mut memory: Value = serde_json::from_str(&world.text).unwrap();
    let keys = |memory: &Value| -> Vec<String> {
        memory["said"].as_array().unwrap().iter().map(|note| note["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(keys(&memory), ["a", "b"], "in their order");
    memory["_comment"] = json!("mine");
    memory["said"][0]["note"] = json!("ask Jane");
    memory["said"].as_array_mut().unwrap().reverse();
    world.text = memory.to_string();
    // Nothing has changed: nothing is written.
    let text = world.text.clone();
    assert_eq!(world.run(start(), &[finding("fail", "b"), finding("fail", "a")]), [""; 0]);
    assert_eq!(world.text, text);
    world.run(start(), &[finding("unknown", "a")]);
    let memory: Value = serde_json::from_str(&world.text).unwrap();
    assert_eq!(keys(&memory), ["a", "b"]);
    assert_eq!((&memory["_comment"], &memory["said"][0]["note"]), (&json!("mine"), &json!("ask Jane")));
    assert_eq!(memory["said"][0]["status"], "unknown");
    assert!(world.text.contains("\n      \"status\": \"unknown\","), "it is printed for people: {}", world.text);
    // Who takes an object out, or says that it was said otherwise, has it said again.
    world.text = json!({"said": [memory["said"][0]]}).to_string();
    assert_eq!(world.run(start(), &[finding("fail", "b"), finding("unknown", "a")]), ["fail b"]);
    // Who writes as little as can be is understood.
    world.text = json!({"said": [{
        "key": format!("{CHECK}:arn:aws:s3:::a"), "target": SLACK, "account": ACCOUNT,
    }]})
    .to_string();
    assert_eq!(world.run(start(), &[finding("fail", "a")]), ["fail a"]);
}

#[test]
fn what_is_not_understood_is_named_with_its_line() {
    let note = |key: &str| json!({"key": key, "target": SLACK, "account": ACCOUNT}).to_string();
    for (text, expected) in [
        ("[]".to_owned(), "line 1: invalid type: sequence"),
        ("{\"said\": [\n{\"key\": }]}".to_owned(), "line 2: expected value"),
        ("{\"said\": {}}".to_owned(), "line 1: `said` is not an array"),
        ("{\"said\": [\n\"x\"]}".to_owned(), "line 2: what was said is an object, this is \"x\""),
        ("{\"said\": [\n{\"key\": \"k\"}]}".to_owned(), "line 2: missing field `target`"),
        ("{\"said\": [\n{\"key\": \"k\", \"target\": \"t\",\n\"account\": 7}]}".to_owned(), "line 3: "),
        (format!("{{\"said\": [\n{},\n{}]}}", note("k"), note("k")), "line 3: `k` is there twice for slack"),
    ] {
        let error = Notes::parse(&text).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{text}: {error}");
    }
    for text in ["", " \n", "{}", "{\"said\": []}"] {
        assert!(Notes::parse(text).unwrap().all.is_empty(), "{text:?}");
    }
}

#[test]
fn a_hundred_thousand_are_no_matter() {
    let mut world = World::default();
    let records: Vec<Value> = (0..if cfg!(debug_assertions) { 5_000 } else { 100_000 })
        .map(|number| finding("fail", &format!("bucket-{number:06}")))
        .collect();
    assert_eq!(world.run(start(), &records).len(), records.len());
    assert_eq!(world.run(start(), &records).len(), 0);
    assert_eq!(world.run(start(), &[scope("ok", 0)]).len(), records.len());
    assert_eq!(world.said().len(), 0);
}

#[test]
fn an_alert_of_another_incident_is_another_alert() {
    let entry = |incident: &str, count: u64| {
        let alert = crate::samples::alert("open");
        crate::entry::Alarm::new(&common::record::Alert { incident: incident.to_owned(), count, ..alert }).entry
    };
    let mut notes = Notes::default();
    for (number, (incident, count, expected)) in
        [("monday", 1, 1), ("monday", 2, 0), ("friday", 1, 1), ("friday", 1, 0)].into_iter().enumerate()
    {
        let run = format!("run-{number}");
        let ask = Ask {
            wanted: vec![(entry(incident, count), vec![SLACK.to_owned()])],
            looked: Looked::default().into(),
            targets: [SLACK.to_owned()].into(),
            run: run.clone(),
            repeat: None,
            lease: LEASE,
            now: start(),
            dry_run: false,
        };
        let answer = merge::claim(&mut notes, &ask).unwrap();
        assert_eq!(answer.say[0].len(), expected, "{incident}, {count}");
        let fate = Fate { key: ask.wanted[0].0.keys[0].clone(), target: SLACK.to_owned(), delivered: true };
        merge::settle(&mut notes, &[fate], &run, start()).unwrap();
    }
}
