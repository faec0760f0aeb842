//! The same resources give the same findings, however they come.

use std::process::Stdio;

use serde_json::Value;
use tests::ndjson;

use tests::stage::{NOW, Stage, sorted};

const TYPES: &str = "s3_bucket,security_group,sqs";

/// The lines of some records, without order.
fn lines(records: &[Value]) -> Vec<String> {
    sorted(records.iter().map(ToString::to_string))
}

#[test]
fn a_pipe_and_a_file_give_the_same_findings() {
    let stage = Stage::of(TYPES);
    let polled = stage.poll();
    let from_file = stage.audit(polled.stdout);

    let mut poll = stage.tool("poll").args(["--types", TYPES, "--only-test-resources"]).command();
    let mut poll = poll.stdout(Stdio::piped()).spawn().unwrap();
    let mut audit = stage.tool("audit").args(["--now", NOW]).command();
    let audited = audit.stdin(poll.stdout.take().unwrap()).output().unwrap();
    assert!(poll.wait().unwrap().success() && audited.status.success());
    let piped: Vec<Value> = audited
        .stdout
        .split_inclusive(|byte| *byte == b'\n')
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(lines(&piped), lines(&from_file.records()));
}

#[test]
fn the_form_of_the_input_does_not_matter() {
    let stage = Stage::of(TYPES);
    let polled = stage.poll();
    let expected = stage.audit(polled.stdout.clone());
    assert!(expected.kind("finding").len() > 10, "{expected}");
    let records = polled.records();
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap();
    let mut shuffled = records.clone();
    // As far from the order as it gets, and the scopes before their resources.
    shuffled.reverse();
    let (odd, even): (Vec<_>, Vec<_>) = shuffled.iter().enumerate().partition(|(place, _)| place % 2 == 1);
    let shuffled: Vec<Value> = odd.into_iter().chain(even).map(|(_, record)| record.clone()).collect();
    let sorted_keys = |value: &Value| {
        let plain: std::collections::BTreeMap<String, Value> = serde_json::from_value(value.clone()).unwrap();
        serde_json::to_string(&plain).unwrap() + "\n"
    };

    let forms: [(&str, Vec<u8>); 8] = [
        ("pretty-printed", records.iter().map(|record| pretty(record) + "\n").collect::<String>().into()),
        ("one array", pretty(&Value::from(records.clone())).into()),
        ("one line", records.iter().map(ToString::to_string).collect::<String>().into()),
        ("shuffled", ndjson(&shuffled)),
        ("CRLF", polled.text().replace('\n', "\r\n").into()),
        ("keys sorted, kind not first", records.iter().map(sorted_keys).collect::<String>().into()),
        ("BOM and empty lines", format!("\u{feff}{}\n\n", polled.text().replace('\n', "\n\n")).into()),
        ("without the last newline", polled.text().trim_end().into()),
    ];
    for (form, bytes) in forms {
        let audited = stage.audit(bytes);
        let (findings, scopes): (Vec<String>, Vec<String>) =
            audited.text().lines().map(str::to_owned).partition(|line| line.starts_with(r#"{"kind":"finding""#));
        assert_eq!(sorted(findings), lines(&expected.kind("finding")), "{form}");
        // Passed on as they came, also where kind is not first.
        let scopes: Vec<Value> = scopes.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let missing = |form: &str| {
            let mut expected = expected.kind("scope");
            for scope in expected.iter_mut().filter_map(Value::as_object_mut).filter(|_| form == "shuffled") {
                // Of a scope ahead of its resources nobody knows what is to come.
                scope.retain(|name, _| name != "checks" && name != "findings");
            }
            expected.into_iter().filter(|scope| !scopes.contains(scope)).collect::<Vec<_>>()
        };
        assert_eq!((scopes.len(), missing(form)), (3, Vec::new()), "{form}");
    }
}

#[test]
fn with_a_time_the_output_is_the_same_to_the_byte() {
    let stage = Stage::of(TYPES);
    let polled = stage.poll().stdout;
    let audit = || stage.tool("audit").args(["--now", NOW, "--passed"]).stdin(polled.clone()).run().exits(0);
    let (one, other) = (audit(), audit());
    assert!(one.text().contains("\"pass\""), "{one}");
    assert_eq!(one.text(), other.text());
}
