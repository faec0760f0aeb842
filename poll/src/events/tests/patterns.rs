//! What `--list-events` prints.

use std::collections::BTreeSet;

use serde_json::Value;

use super::record;
use crate::cli::ListFormat;
use crate::events::list::list;
use crate::events::table::{ALL, DATED};

fn printed(format: ListFormat) -> String {
    let mut output = Vec::new();
    list(&mut output, format).unwrap();
    String::from_utf8(output).unwrap()
}

fn patterns() -> Vec<Value> {
    printed(ListFormat::Eventbridge).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Whether EventBridge would let an event through, as far as these patterns go: each field of the pattern has to match, a
/// list matches where one of its elements does, and `$or` where one of its patterns does. See
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html>.
fn matches(pattern: &Value, event: &Value) -> bool {
    pattern.as_object().unwrap().iter().all(|(field, wanted)| match (field.as_str(), wanted) {
        ("$or", Value::Array(patterns)) => {
            assert!(patterns.len() > 1, "AWS takes this for a field");
            patterns.iter().any(|pattern| matches(pattern, event))
        }
        (field, Value::Array(values)) => values.iter().any(|value| match value {
            Value::Object(how) if how.contains_key("exists") => event.get(field).is_some() == how["exists"],
            Value::Object(how) => event[field].as_str().unwrap().starts_with(how["prefix"].as_str().unwrap()),
            value => event[field] == *value,
        }),
        (field, wanted) => matches(wanted, &event[field]),
    })
}

fn matched(patterns: &[Value], service: &str, name: &str) -> usize {
    through(patterns, &record(service, name, "null", "null"))
}

fn through(patterns: &[Value], detail: &Value) -> usize {
    let event = serde_json::json!({"detail-type": "AWS API Call via CloudTrail", "source": "aws.x", "detail": detail});
    patterns.iter().filter(|pattern| matches(pattern, &event)).count()
}

#[test]
fn each_event_is_matched_by_one_pattern_and_no_other_by_any() {
    let patterns = patterns();
    for events in ALL.iter().copied().flatten() {
        for name in events.names {
            let name = if events.service == DATED { format!("{name}20150331v2") } else { (*name).to_owned() };
            assert_eq!(matched(&patterns, events.service, &name), 1, "{} {name}", events.service);
        }
    }
    for (service, name) in
        [("sns", "AddPermission"), ("ecs", "CreateCluster"), ("s3", "ListBuckets"), ("ec2", "TagResource"), ("", "")]
    {
        assert_eq!(matched(&patterns, service, name), 0, "{service} {name}");
    }
    let mut failed = record("s3", "CreateBucket", "null", "null");
    assert_eq!(through(&patterns, &failed), 1);
    failed["errorCode"] = "AccessDenied".into();
    assert_eq!(through(&patterns, &failed), 0);
}

#[test]
fn patterns_are_as_long_as_they_may_be_and_as_few_as_can_be() {
    let text = printed(ListFormat::Eventbridge);
    let lengths: Vec<usize> = text.lines().map(str::len).collect();
    assert!(lengths.iter().all(|length| *length <= 2048), "{lengths:?}");
    let fewest = lengths.iter().sum::<usize>().div_ceil(2048);
    assert!(lengths.len() <= fewest + 1, "{lengths:?}");
    assert_eq!(text, printed(ListFormat::Eventbridge));
}

#[test]
fn the_list_has_each_event_for_each_of_its_types() {
    let rows: BTreeSet<(String, String, String)> = printed(ListFormat::Json)
        .lines()
        .map(|line| {
            let row: Value = serde_json::from_str(line).unwrap();
            assert_eq!(row["kind"], "event");
            assert!(row["id"].as_str().is_some_and(|id| !id.is_empty()) && row["delay"].is_u64(), "{row}");
            let text = |field: &str| row[field].as_str().unwrap().to_owned();
            (text("source"), text("name"), text("type"))
        })
        .collect();
    let table = printed(ListFormat::Table);
    for events in ALL.iter().copied().flatten() {
        for name in events.names {
            for change in events.changes {
                let name = if events.service == DATED { format!("{name}*") } else { (*name).to_owned() };
                let row = (format!("{}.amazonaws.com", events.service), name, change.kind.name().to_owned());
                assert!(rows.contains(&row), "{row:?}");
                let (source, name, kind) = &row;
                let has = |line: &str| line.split_whitespace().take(3).eq([source, name, kind]);
                assert!(table.lines().any(has), "{row:?}");
            }
        }
    }
}
