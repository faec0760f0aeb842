//! Long inputs, and how little a broken record costs in one.

use std::io::{self, Read};

use serde_json::json;

use super::{found, gzip, record};
use crate::event::{Events, What};
use crate::stream::ReadError;

/// `{"Records":[...]}` without end on a single line.
struct Endless {
    element: Vec<u8>,
    at: usize,
    left: usize,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.element.len() {
            self.at = 0;
            self.left -= 1;
        }
        if self.left == 0 {
            return Ok(0);
        }
        let read = (&self.element[self.at..]).read(buffer)?;
        self.at += read;
        Ok(read)
    }
}

#[test]
fn a_log_file_of_any_length_takes_the_memory_of_a_record() {
    let element = format!("{},", record("a")).into_bytes();
    let times = (16 << 20) / element.len();
    let input = b"{\"Records\":[".chain(Endless { element, at: 0, left: times }).chain(&b"{}],\"more\":[1]}"[..]);
    let mut events = Events::new(input);
    let mut records = 0;
    while let Some(next) = events.next() {
        records += usize::from(matches!(next.unwrap().what, What::Record(_)));
        assert!(events.memory() <= 256 << 10, "{}", events.memory());
    }
    assert_eq!(records, times);
}

/// One record of a minified file that is broken costs itself alone, and is named with its place.
#[test]
fn a_broken_record_costs_itself() {
    let (a, b, c) = (record("a").to_string(), record("b").to_string(), record("c").to_string());
    let column = format!("{{\"Records\":[{a},").len();
    let place = |offset: usize| column + offset + 1;
    let cut = b.find("eu-west-1").unwrap();
    let cases: Vec<(&str, Vec<u8>, String)> = vec![
        (
            "a bad escape",
            b.replace("eu-west-1", "eu\\x1").into_bytes(),
            format!("expected an escape (one of \" \\ / b f n r t u), found `x` (column {})", place(cut + 3)),
        ),
        (
            "a control character",
            b.replace("eu-west-1", "\u{1}").into_bytes(),
            format!("expected the closing quote of a string, found byte 0x01 (column {})", place(cut)),
        ),
        (
            "a line end in a string",
            b.replace("eu-west-1", "\n").into_bytes(),
            format!(
                "expected the closing quote of a string, found the end of the line (line 1, column {})",
                place(cut)
            ),
        ),
        (
            "no UTF-8",
            [&b.as_bytes()[..cut], b"\xff", &b.as_bytes()[cut..]].concat(),
            format!("not UTF-8 (column {})", place(cut)),
        ),
        (
            "a comma that is missing",
            b.replace(",\"awsRegion\"", "\"awsRegion\"").into_bytes(),
            format!("expected `,` or `}}`, found `\"` (column {})", place(cut - 14)),
        ),
        (
            "a quote that is missing",
            b.replace("eu-west-1\"", "eu-west-1").into_bytes(),
            format!("expected `,` or `}}`, found `r` (column {})", place(cut + 11)),
        ),
        (
            "NaN",
            b.replace("\"eu-west-1\"", "NaN").into_bytes(),
            format!("expected a value, found `N` (column {})", place(cut - 1)),
        ),
        (
            "cut off",
            b.as_bytes()[..cut - 1].to_vec(),
            format!("expected a value, found `,` (column {})", place(cut - 1)),
        ),
        ("a word", b"rubbish".to_vec(), format!("expected a value, found `r` (column {})", place(0))),
        ("a number", b"7".to_vec(), "a record is a JSON object, this is a number".to_owned()),
        ("nothing", Vec::new(), format!("expected a value, found `,` (column {})", place(0))),
    ];
    for (name, broken, expected) in cases {
        for behind in ["", "{\"Records\":[]}", "\n{\"kind\":\"x\"}\n"] {
            let input =
                [format!("{{\"Records\":[{a},").as_bytes(), &broken, format!(",{c}]}}{behind}").as_bytes()].concat();
            let mut said = found(&input);
            let line = 1 + memchr::memchr_iter(b'\n', &broken).count();
            let lines = if line == 1 { "line 1".to_owned() } else { "lines 1-2".to_owned() };
            if behind.starts_with('\n') {
                assert_eq!(said.pop(), Some(format!("{} other {{\"kind\":\"x\"}}", line + 1)), "{name}");
            }
            let expected = ["1 record a".to_owned(), format!("{lines}: {expected}"), format!("{line} record c")];
            assert_eq!(said, expected, "{name}");
            assert_eq!(found(gzip(&input)).len(), if behind.starts_with('\n') { 4 } else { 3 }, "{name}");
        }
    }
}

/// The first record, the last one, and the commas between them.
#[test]
fn broken_at_the_edges() {
    let (a, b) = (record("a").to_string(), record("b").to_string());
    let bad = |text: &str| text.replace("eu-west-1", "\\x");
    let records = |input: String| -> Vec<String> {
        found(input)
            .into_iter()
            .map(|said| said.split_once(": ").map_or(said.clone(), |(line, _)| line.to_owned()))
            .collect()
    };
    assert_eq!(records(format!("{{\"Records\":[{},{b}]}}", bad(&a))), ["line 1", "1 record b"]);
    assert_eq!(records(format!("{{\"Records\":[{a},{}]}}", bad(&b))), ["1 record a", "line 1"]);
    assert_eq!(records(format!("{{\"Records\":[{a}{b}]}}")), ["1 record a", "line 1", "1 record b"]);
    assert_eq!(records(format!("{{\"Records\":[{a},,{b}]}}")), ["1 record a", "line 1", "1 record b"]);
    assert_eq!(records(format!("{{\"Records\":[{a},{b}")), ["1 record a", "1 record b", "line 1"]);
    assert_eq!(records(format!("{{\"Records\":[{a},{b}]")), ["1 record a", "1 record b", "line 1"]);
    // The last one of a file, and another file behind it: on the same line, and on the next.
    let (first, second) = (format!("{{\"Records\":[{a},{}]}}", bad(&a)), format!("{{\"Records\":[{b}]}}"));
    assert_eq!(records(format!("{first}{second}")), ["1 record a", "line 1", "1 record b"]);
    assert_eq!(records(format!("{first}\n{second}\n{{}}")), ["1 record a", "line 1", "2 record b", "3 other {}"]);
    // A bracket that is missing swallows what follows, until that is seen.
    let unclosed = a.replace("\"requestParameters\":{", "\"requestParameters\":[{");
    assert_eq!(records(format!("{{\"Records\":[{unclosed},{b},{b}]}}\n")), ["line 1", "1 record b", "1 record b"]);
}

/// A part of a broken record is no record, however much it looks like one.
#[test]
fn no_fragment_gets_out() {
    let a = record("a").to_string();
    let inner = record("inner").to_string();
    for broken in [
        format!("{{\"eventVersion\":\"1.11\",x,\"requestParameters\":{inner}}}"),
        format!("{{\"eventVersion\":\"1.11\",x,\"requestParameters\" : \n {inner}}}"),
        r#"{"eventVersion":"1.11","requestParameters":{"a":{"b":1},x,"c":{"d":1}}}"#.to_owned(),
        format!("{{\"eventVersion\":\"1.11\",x,\"requestParameters\":{}}}", json!(inner)),
    ] {
        let said = found(format!("{{\"Records\":[{a},{broken},{a}]}}"));
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(said[1].starts_with("line"), "{said:?}");
        assert!(said[2].ends_with(" record a"), "{said:?}");
    }
}

/// As `jq .` and `aws` print it.
#[test]
fn pretty_printed() {
    let file = json!({"Records": [record("a"), record("b"), record("c")], "NextToken": {"a": [1]}});
    let text = serde_json::to_string_pretty(&file).unwrap();
    let broken = text.replacen("\"eu-west-1\"", "eu-west-1", 2).replacen("eu-west-1", "\"eu-west-1\"", 1);
    let lines: Vec<_> = found(text).iter().map(|said| said.split_once(' ').unwrap().1.to_owned()).collect();
    assert_eq!(lines, ["record a", "record b", "record c"]);
    let said = found(broken);
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(
        said[0].ends_with("record a") && said[1].contains("found `e` (line ") && said[2].ends_with("record c"),
        "{said:?}"
    );
}

#[test]
fn a_failing_input_loses_nothing() {
    struct Failing<'a>(&'a [u8]);
    impl Read for Failing<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() { Err(io::Error::other("the disk is gone")) } else { self.0.read(buffer) }
        }
    }
    let text = format!("{{\"Records\":[{},{},", record("a"), record("b"));
    for input in [text.clone().into_bytes(), gzip(&text)[..gzip(&text).len() - 8].to_vec()] {
        let mut events = Events::new(Failing(&input));
        assert!(matches!(events.next(), Some(Ok(_))));
        assert!(matches!(events.next(), Some(Ok(_))));
        assert!(matches!(events.next(), Some(Err(ReadError::Broken(_)))));
        assert!(matches!(events.next(), Some(Err(ReadError::Io { .. }))));
        assert!(events.next().is_none());
    }
}
