//! The writer, `compact` and what an item tells of itself.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Write};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::{Item, Writer, compact, is_broken_pipe};

fn item(text: &str) -> Item {
    Item { line: 7, text: text.to_owned() }
}

#[test]
fn one_record_a_line() {
    let mut out = Writer::new(Vec::new());
    out.write(&BTreeMap::from([("a", "x\ny")])).unwrap();
    out.write(&[RawValue::from_string("{ \"b\":\r\n 1.0,\"c\": \" \" }".to_owned()).unwrap()]).unwrap();
    out.pass_on(&item("{\n  \"n\": 1.00e2,\n  \"s\": \"\\u0041 \\\" \"\n}")).unwrap();
    out.pass_on(&item("{\"as\":\"it is\"}")).unwrap();
    assert_eq!(
        String::from_utf8(out.into_inner().unwrap()).unwrap(),
        "{\"a\":\"x\\ny\"}\n[{\"b\":1.0,\"c\":\" \"}]\n{\"n\":1.00e2,\"s\":\"\\u0041 \\\" \"}\n{\"as\":\"it is\"}\n"
    );
}

#[test]
fn a_record_that_cannot_be_written_leaves_nothing_behind() {
    let mut out = Writer::new(Vec::new());
    let bad = BTreeMap::from([(vec![1], 1)]); // a key must be a string
    assert_eq!(out.write(&(1, bad)).unwrap_err().kind(), ErrorKind::InvalidData);
    out.write(&1).unwrap();
    assert_eq!(out.into_inner().unwrap(), b"1\n");
}

/// Counts writes; its reader goes after so many.
#[derive(Debug, Default)]
struct Pipe {
    writes: usize,
    closes_after: usize,
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.writes == self.closes_after {
            return Err(ErrorKind::BrokenPipe.into());
        }
        self.writes += 1;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn records_are_gathered_until_flushed() {
    let mut pipe = Pipe { writes: 0, closes_after: 1 };
    let mut out = Writer::new(&mut pipe);
    for number in 0..1000 {
        out.write(&number).unwrap();
    }
    out.flush().unwrap();
    out.flush().unwrap(); // nothing to send: no system call
    out.write(&1).unwrap();
    let error = out.flush().unwrap_err();
    assert!(is_broken_pipe(&error) && !is_broken_pipe(&io::Error::other("disk full")));
    drop(out);
    assert_eq!(pipe.writes, 1);
}

#[test]
fn compact_strips_white_space_outside_strings() {
    for (json, expected) in [
        ("", ""),
        (" \r\n\t", ""),
        ("{}", "{}"),
        ("{ }", "{}"),
        (" [1 , -0.10E+5, \"a b\"] ", "[1,-0.10E+5,\"a b\"]"),
        (r#"{"\" \\" : "é \u0020 \\\" x" }"#, r#"{"\" \\":"é \u0020 \\\" x"}"#),
        // No JSON: no panic, and nothing lost within what looks like a string.
        ("\" a", "\" a"),
        ("\"\\", "\"\\"),
        ("a é\u{a0}b", "aé\u{a0}b"),
    ] {
        assert_eq!(compact(json), expected, "{json:?}");
    }
    assert!(matches!(compact("{\"a\":\" \"}"), Cow::Borrowed(_)));
}

#[test]
fn kind_is_that_of_the_record_itself() {
    for (text, expected) in [
        (r#"{"kind":"finding","a":1}"#, Ok(Some("finding"))),
        (r#"{"a":{"kind":"x"},"b":["kind","y"],"kind" : "task"}"#, Ok(Some("task"))),
        ("{\n \"a\": 1e5 ,\n \"kind\"\n:\n\"scope\"\n}", Ok(Some("scope"))),
        (r#"{"k\u0069nd":"t\u0061sk"}"#, Ok(Some("task"))),
        (r#"{"kind":"é"}"#, Ok(Some("é"))),
        (r#"{"kind":""}"#, Ok(Some(""))),
        (r#"{"kind":"first","kind":"second"}"#, Ok(Some("first"))),
        (r#"{"Kind":"x","kinds":"y"}"#, Ok(None)),
        ("{}", Ok(None)),
        ("no JSON", Ok(None)),
        (r#"{"kind":null}"#, Err("line 7: `kind` is not a string")),
        (r#"{"kind":{"kind":"x"}}"#, Err("line 7: `kind` is not a string")),
        ("{\n\"kind\":\n12}", Err("lines 7-9: `kind` is not a string (line 9)")),
        (r#"{"kind":"\ud800"}"#, Err("line 7: unexpected end of hex escape")),
    ] {
        let item = item(text);
        let kind = item.kind().map_err(|error| error.to_string());
        assert_eq!(kind.as_ref().map(Option::as_deref).map_err(String::as_str), expected, "{text}");
    }
}

#[derive(Debug, Deserialize, PartialEq)]
struct Reference<'a> {
    account: &'a str,
    #[serde(default)]
    size: u8,
}

#[test]
fn parse_names_the_line_of_the_input() {
    for (text, expected) in [
        (r#"{"account":"1","more":[]}"#, Ok(Reference { account: "1", size: 0 })),
        (r#"{"size":1}"#, Err("line 7: missing field `account`")),
        (r#"{"account":12}"#, Err("line 7: invalid type: integer `12`, expected a borrowed string")),
        (
            "{\n\"account\":\"1\",\n\"size\":300\n}",
            Err("lines 7-10: invalid value: integer `300`, expected u8 (line 9)"),
        ),
        (r#"{"account":"1","size":1e999}"#, Err("line 7: number out of range")),
    ] {
        let item = item(text);
        let parsed = item.parse::<Reference<'_>>().map_err(|error| error.to_string());
        assert_eq!(parsed.as_ref().map_err(String::as_str), expected.as_ref().map_err(|text| *text), "{text}");
    }
}
