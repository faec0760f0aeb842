//! Envelopes, which a reader opens on request.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{DEFAULT_LIMIT, Reader, compact};
use super::laws::{noise, record};
use super::{Pieces, said};

const KEYS: &[&str] = &["Records", "Events"];

fn read_up_to(limit: usize, input: &[u8]) -> Vec<String> {
    let whole = said(Reader::with_limit(input, limit).opening(KEYS, &["a"]));
    for sizes in [vec![1], vec![2], vec![3, 1], vec![7], vec![64]] {
        let pieces = said(Reader::with_limit(Pieces::new(input, sizes.clone()), limit).opening(KEYS, &["a"]));
        assert_eq!(whole, pieces, "{} in pieces of {sizes:?}", String::from_utf8_lossy(input));
    }
    whole
}

#[test]
fn opens_what_it_is_told_to() {
    let cases: &[(&str, &str, &[&str])] = &[
        ("one", r#"{"Records":[{"a":1},{"a":2}]}"#, &[r#"1 {"a":1}"#, r#"1 {"a":2}"#]),
        ("empty", "{\"Records\":[]}{}", &["1 {}"]),
        ("spaces", " { \"Records\" :\n [ {} ,\n{} ] , \"x\" : [ {} ] }\n{}", &["2 {}", "3 {}", "4 {}"]),
        ("in an array", r#"[{"Events":[{"a":1}]},{}]"#, &[r#"1 {"a":1}"#, "1 {}"]),
        ("in itself", r#"{"Records":[{"Events":[{"a":1}],"x":0},[{}]]}"#, &[r#"1 {"a":1}"#, "1 {}"]),
        ("in tasks", r#"{"tasks":[{"Events":[{"a":1}],"x":0},{}]}"#, &[r#"1 {"a":1}"#, "1 {}"]),
        ("tasks in it", r#"{"Events":[{"tasks":[{"a":1}],"x":0},{}]}"#, &[r#"1 {"a":1}"#, "1 {}"]),
        ("not the first member", r#"{"x":[],"Records":[{"a":1}],"y":{}}{}"#, &[r#"1 {"a":1}"#, "1 {}"]),
        (
            "two of them",
            r#"{"Records":[{"a":1}],"x":1,"Events":[{"a":2}],"Records":[{"a":3}]}{}"#,
            &[r#"1 {"a":1}"#, r#"1 {"a":2}"#, r#"1 {"a":3}"#, "1 {}"],
        ),
        ("an escaped key", r#"{"R\u0065cords":[{"a":1}]}"#, &[r#"1 {"a":1}"#]),
        ("with a kind", r#"{"x":1,"Records":[{}],"kind":"x"}"#, &[r#"1 {"x":1,"Records":[{}],"kind":"x"}"#]),
        ("of something else", r#"{"Events":["a",{}]}"#, &[r#"1 {"Events":["a",{}]}"#]),
        ("no array", r#"{"Events":{"a":[]}}"#, &[r#"1 {"Events":{"a":[]}}"#]),
        ("deeper down", r#"{"a":{"Records":[{}]}}"#, &[r#"1 {"a":{"Records":[{}]}}"#]),
        ("another key", r#"{"Record":[{}]}{"Recordss":[{}]}"#, &[r#"1 {"Record":[{}]}"#, r#"1 {"Recordss":[{}]}"#]),
        (
            "a number in it",
            r#"{"Records":[{},1]}{}"#,
            &["1 {}", "line 1: a record is a JSON object, this is a number", "1 {}"],
        ),
        (
            "never closed",
            "{\"Records\":[{},{}",
            &["1 {}", "1 {}", "line 1: the array that starts here is never closed"],
        ),
        ("half closed", "{\"Records\":[{}]", &["1 {}", "line 1: the input ends inside this value"]),
        ("half a start", "{\"Records\":[", &["line 1: the input ends inside this value"]),
        ("less than half", "{\"Records\":", &["line 1: the input ends inside this value"]),
        (
            "rubbish behind the array",
            "{\"Records\":[{}],x}\n{}",
            &["1 {}", "line 1: expected a key, found `x` (column 17)", "2 {}"],
        ),
        (
            "the wrong bracket",
            "{\"Records\":[{}}\n{}",
            &["1 {}", "line 1: expected `,` or `]` after an element of an array, found `}` (column 15)", "2 {}"],
        ),
        (
            "the first one broken",
            r#"{"Records":[{"a":x},{"b":1},{"a":2}]}"#,
            &["line 1: expected a value, found `x` (column 18)", r#"1 {"a":2}"#],
        ),
        (
            "the first one broken, of another kind",
            r#"{"Records":[{"c":x},{"b":1},{"c":2}]}"#,
            &["line 1: expected a value, found `x` (column 18)", r#"1 {"c":2}"#],
        ),
        (
            "lines of elements, one of another kind",
            "{\"Records\":[\n{\"a\":1},\n{\"a\":x},\n{\"b\":1},\n{\"a\":2}\n]}\n{}",
            &["2 {\"a\":1}", "line 3: expected a value, found `x` (column 6)", "4 {\"b\":1}", "5 {\"a\":2}", "7 {}"],
        ),
    ];
    for (name, input, expected) in cases {
        assert_eq!(read_up_to(DEFAULT_LIMIT, input.as_bytes()), *expected, "{name}: {input}");
    }
}

/// The limit is that of an element, and of each of what is beside the array.
#[test]
fn limits() {
    let many = format!("{{\"Records\":[{}{{}}]}}", "{\"a\":1},".repeat(9));
    assert_eq!(read_up_to(8, many.as_bytes()).len(), 10);
    assert_eq!(
        read_up_to(12, b"{\"Records\":[{\"a\":1},{\"a\":\"0123456789\"},{\"a\":2}]}{}"),
        ["1 {\"a\":1}", "line 1: longer than 12 bytes", "1 {\"a\":2}", "1 {}"]
    );
    assert_eq!(
        read_up_to(12, b"{\"Records\":[{\"a\":1},{\"a\":\"0123456789\\x\"},{\"a\":2}]}{}"),
        ["1 {\"a\":1}", "line 1: longer than 12 bytes", "1 {\"a\":2}", "1 {}"]
    );
    // What is dropped may be as long as it likes, but an array in it would not be seen.
    let beside = format!("{{\"Records\":[{{}}],\"x\":\"{}\"}}{{}}", "x".repeat(500_000));
    let whole = said(Reader::with_limit(beside.as_bytes(), 1000).opening(KEYS, &["a"]));
    assert_eq!(whole, ["1 {}", "line 1: longer than 1000 bytes", "1 {}"]);
}

#[test]
fn nested_too_deep() {
    let input = "{\"Records\":[".repeat(1000) + "\n{}";
    let said = read_up_to(DEFAULT_LIMIT, input.as_bytes());
    assert_eq!(said.last().unwrap(), "2 {}");
    assert!(said[0].contains("nested deeper than 127 levels"), "{said:?}");
}

/// However many elements are broken, each is read a few times at worst.
#[test]
fn recovery_is_linear() {
    for element in ["{\"a\":[1},", "{\"a\":\\},", "{\"a\":[{\"b\":", "{\"a\" ", "{"] {
        let input = format!("{{\"Records\":[{{\"a\":1}},{}", element.repeat(20_000));
        assert!(!said(Reader::new(input.as_bytes()).opening(KEYS, &["a"])).is_empty());
    }
}

/// What beside the array an envelope can have.
fn beside() -> impl Strategy<Value = Value> {
    record().prop_map(|mut record| {
        for key in ["kind", "tasks", "Records", "Events"] {
            record.as_object_mut().unwrap().remove(key);
        }
        record
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Streamed or read as a whole: the same elements.
    #[test]
    fn streamed_is_whole(
        records in vec(record(), 0..6),
        before in beside(),
        behind in beside(),
        pretty: bool,
        sizes in vec(1usize..40, 1..4),
    ) {
        let print = |value: &Value| if pretty { serde_json::to_string_pretty(value).unwrap() } else { value.to_string() };
        let read = |value: &Value| -> Vec<String> {
            Reader::new(Pieces::new(print(value).as_bytes(), sizes.clone()))
                .opening(KEYS, &["a"])
                .map(|item| compact(&item.unwrap().text).into_owned())
                .collect()
        };
        let with = |first: &Value, last: &Value| {
            let mut envelope = first.clone();
            envelope["Records"] = json!(records);
            envelope.as_object_mut().unwrap().extend(last.as_object().unwrap().clone());
            envelope
        };
        let array = read(&json!(records));
        prop_assert_eq!(&array, &records.iter().map(Value::to_string).collect::<Vec<_>>());
        prop_assert_eq!(&read(&with(&json!({}), &behind)), &array);
        prop_assert_eq!(&read(&with(&before, &behind)), &array);
    }

    #[test]
    fn any_bytes_read_the_same_in_any_pieces(
        input in vec(prop_oneof![noise(), Just(b"{\"Records\":[".to_vec()), Just(b"{\"a\":1},".to_vec())], 0..8),
        sizes in vec(1usize..20, 1..4),
        limit in 1usize..60,
    ) {
        let input = input.concat();
        for limit in [limit, DEFAULT_LIMIT] {
            let whole = said(Reader::with_limit(&*input, limit).opening(KEYS, &["a"]));
            let pieces = said(Reader::with_limit(Pieces::new(&input, sizes.clone()), limit).opening(KEYS, &["a"]));
            prop_assert_eq!(whole, pieces);
        }
    }

    /// Records at line starts come out, whatever precedes them.
    #[test]
    fn garbage_costs_no_line_but_its_own(
        mut garbage in vec(prop_oneof![noise(), Just(b"{\"Records\":[".to_vec()), Just(b"{\"a\":1},".to_vec())], 0..6)
            .prop_map(|parts| parts.concat()),
        after in vec(record(), 1..4),
    ) {
        garbage.retain(|&byte| byte != b'\n');
        let lines: String = after.iter().map(|record| record.to_string() + "\n").collect();
        let input = [&garbage, &b"\n"[..], lines.as_bytes()].concat();
        let found: Vec<_> = Reader::new(&*input).opening(KEYS, &["a"]).flatten().map(|item| item.text).collect();
        let mut found = found.iter();
        for record in &after {
            let text = record.to_string();
            prop_assert!(found.any(|found| *found == text), "{text} is missing");
        }
    }
}
