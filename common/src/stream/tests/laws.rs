//! Laws, for any input.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::string::bytes_regex;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::super::scan::{Scan, Scanner};
use super::super::{DEFAULT_LIMIT, Reader, compact};
use super::{Pieces, records, said};

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{0,6}", r#"[\]\["{}:,\\ \n\r\t\x00é𝄞]{0,8}"#, any::<String>()]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no others", |number| number.is_finite()).prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![vec(inner.clone(), 0..4).prop_map(Value::from), object(inner).prop_map(Value::Object)]
    })
}

fn object(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    // Not `tasks`: such an object would be expanded.
    vec((text().prop_map(|key| if key == "tasks" { "task".to_owned() } else { key }), inner), 0..4)
        .prop_map(|members| members.into_iter().collect())
}

pub(super) fn record() -> impl Strategy<Value = Value> {
    object(value()).prop_map(Value::Object)
}

/// How a list of records can be printed.
#[derive(Debug, Clone, Copy)]
enum Print {
    Lines,
    Pretty,
    Concatenated,
    Array,
    PrettyArray,
    Tasks,
}

fn print(records: &[Value], how: Print, crlf: bool) -> String {
    let each = |one: fn(&Value) -> String, end: &str| records.iter().map(|it| one(it) + end).collect::<String>();
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap();
    let printed = match how {
        Print::Lines => each(Value::to_string, "\n"),
        Print::Pretty => each(pretty, "\n"),
        Print::Concatenated => each(Value::to_string, ""),
        Print::Array => Value::from(records).to_string(),
        Print::PrettyArray => pretty(&Value::from(records)),
        Print::Tasks => serde_json::json!({"name": {"tasks": []}, "tasks": records, "more": 1}).to_string(),
    };
    if crlf { printed.replace('\n', "\r\n") } else { printed }
}

fn any_print() -> impl Strategy<Value = Print> {
    prop_oneof![
        Just(Print::Lines),
        Just(Print::Pretty),
        Just(Print::Concatenated),
        Just(Print::Array),
        Just(Print::PrettyArray),
        Just(Print::Tasks)
    ]
}

/// Bytes that look like JSON often enough to get far.
pub(super) fn noise() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&[u8]> = vec![
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"\"",
        b"\"a\"",
        b"\"tasks\"",
        b"\"kind\"",
        b"1",
        b"-",
        b"null",
        b" ",
        b"\n",
        b"\r\n",
        b"\\",
        b"{\"a\":1}",
        b"{\"tasks\":[",
        b"\n{",
        b"\n[",
        b"\xff",
        b"\xef\xbb\xbf",
        b"x",
    ];
    prop_oneof![vec(any::<u8>(), 0..200), vec(proptest::sample::select(words), 0..60).prop_map(|words| words.concat())]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn records_come_back_however_printed(
        records in vec(record(), 0..6),
        how in any_print(),
        crlf: bool,
        sizes in vec(1usize..40, 1..4),
    ) {
        let input = print(&records, how, crlf);
        let read: Vec<String> = Reader::new(Pieces::new(input.as_bytes(), sizes))
            .map(|item| compact(&item.unwrap().text).into_owned())
            .collect();
        prop_assert_eq!(read, records.iter().map(Value::to_string).collect::<Vec<_>>());
    }

    #[test]
    fn any_bytes_read_the_same_in_any_pieces(input in noise(), sizes in vec(1usize..20, 1..4), limit in 1usize..60) {
        for limit in [limit, DEFAULT_LIMIT] {
            let whole = said(Reader::with_limit(&*input, limit));
            let pieces = said(Reader::with_limit(Pieces::new(&input, sizes.clone()), limit));
            prop_assert_eq!(whole, pieces);
        }
    }

    #[test]
    fn what_comes_out_is_an_object(input in noise(), limit in 1usize..60) {
        let mut line = 1;
        for item in Reader::with_limit(&*input, limit).flatten() {
            prop_assert!(serde_json::from_str::<IgnoredAny>(&item.text).is_ok(), "{}", item.text);
            prop_assert!(matches!(item.text.as_bytes(), [b'{', .., b'}']) && item.text.len() <= limit, "{}", item.text);
            prop_assert!(item.line >= line);
            line = item.line;
            item.kind().ok();
        }
    }

    #[test]
    fn whatever_is_not_blank_is_named_or_comes_out(input in noise()) {
        let (records, errors) = records(&input);
        let blank = input.iter().all(|byte| b" \t\r\n".contains(byte));
        let said_something = !records.is_empty() || errors > 0;
        // Empty arrays, tasks and byte order marks are nothing as well.
        let nothing = input.iter().all(|byte| b"[]{}\"tasks:, \t\r\n\xef\xbb\xbf".contains(byte));
        prop_assert!(blank || said_something || nothing);
    }

    #[test]
    fn garbage_costs_no_line_but_its_own(
        before in vec(record(), 0..4),
        mut garbage in noise(),
        after in vec(record(), 0..4),
    ) {
        garbage.retain(|&byte| byte != b'\n');
        let input = [print(&before, Print::Lines, false).into(), garbage, b"\n".to_vec(), print(&after, Print::Lines, false).into()].concat();
        let (found, _) = records(&input);
        let expected: Vec<String> = before.iter().chain(&after).map(Value::to_string).collect();
        let mut found = found.iter();
        for record in &expected {
            prop_assert!(found.any(|text| text == record), "{record} is missing");
        }
    }

    /// One slip of the editor in a pretty-printed outcome never makes its `undo` a task of its own.
    #[test]
    fn a_slip_lets_no_fragment_out(
        outcomes in vec(record(), 1..4),
        how in prop_oneof![Just(Print::Pretty), Just(Print::PrettyArray), Just(Print::Lines)],
        at: proptest::sample::Index,
        slip in prop_oneof![
            Just(None),
            bytes_regex("[\\x00-\\xff]{1,3}").unwrap().prop_filter(
                "a line break or `[` can make an indented line the start of a record or an array, by the rule",
                |bytes| !bytes.contains(&b'\n') && !bytes.contains(&b'[')
            ).prop_map(Some),
        ],
    ) {
        let outcomes: Vec<Value> = outcomes
            .into_iter()
            .map(|outcome| serde_json::json!({"kind": "outcome", "x": outcome, "undo": {"kind": "task", "y": [{"kind": "task"}]}, "z": 1}))
            .collect();
        let mut input = print(&outcomes, how, false).into_bytes();
        let at = at.index(input.len());
        let in_first_column = at.checked_sub(1).is_none_or(|before| input[before] == b'\n');
        match slip {
            Some(bytes) => {
                // By the rule an indented line begins a record then, too.
                prop_assume!(!(in_first_column && bytes.starts_with(b"{")));
                drop(input.splice(at..at, bytes));
            }
            None => drop(input.remove(at)),
        }
        for text in records(&input).0 {
            prop_assert!(!text.starts_with("{\"kind\":\"task\"") && !text.starts_with("{\n    \"kind\": \"task\""), "{text}");
            // A `}` that was typed in or before its kind makes a short one of the outcome itself.
            let short = compact(&text);
            let is_short = short == "{}"
                || (short.len() < 22 && short.starts_with("{\"kind\":") && !short.starts_with("{\"kind\":\"t"));
            prop_assert!(text.contains("outcome") || text.contains("\"undo\"") || is_short, "{text}");
        }
    }

    #[test]
    fn compact_keeps_values_and_numbers(value in value(), spaces in "[ \t\r\n]{0,3}") {
        let pretty = format!("{spaces}{}{spaces}", serde_json::to_string_pretty(&value).unwrap());
        // serde_json prints each number in one way: the same text is the same number text.
        prop_assert_eq!(compact(&pretty), value.to_string());
        let printed = value.to_string();
        prop_assert_eq!(compact(&printed), printed.as_str());
    }

    #[test]
    fn compact_of_anything(text in any::<String>()) {
        let once = compact(&text).into_owned();
        prop_assert_eq!(compact(&once), once.clone());
    }

    /// The scanner and `serde_json` agree on what JSON is.
    #[test]
    fn scanner_is_serde_json(input in prop_oneof![
        noise(),
        value().prop_map(|value| value.to_string().into_bytes()),
        "-?[0-9]{0,2}\\.?[0-9]{0,2}[eE]?[-+]?[0-9]{0,2}".prop_map(String::into_bytes),
        r#""(\\.|[^"]){0,3}""#.prop_map(String::into_bytes),
    ]) {
        // Leading white space is the reader's.
        let input = input.trim_ascii_start();
        if let Ok(text) = std::str::from_utf8(input) && !text.is_empty() {
            let mut scanner = Scanner::new();
            let ours = match scanner.feed(input) {
                Scan::Done(end) => text[end..].trim_ascii().is_empty(),
                Scan::More => scanner.is_complete_at_end(),
                Scan::Broken { .. } => false,
                Scan::TooDeep { .. } => return Ok(()),
            };
            prop_assert_eq!(ours, serde_json::from_str::<IgnoredAny>(text).is_ok(), "{}", text);
        }
    }
}
