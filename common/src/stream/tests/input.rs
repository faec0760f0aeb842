//! Inputs, and what comes of them.

use super::super::scan::MAX_DEPTH;
use super::super::{Cause, ReadError, Reader};
use super::{read, read_up_to};

/// Each case: a name, the input, and what the reader says of it.
type Case<'a> = (&'a str, &'a str, &'a [&'a str]);

fn check(cases: &[Case<'_>]) {
    for (name, input, expected) in cases {
        assert_eq!(read(input), *expected, "{name}: {input:?}");
    }
}

#[test]
fn takes_any_stream_of_objects() {
    check(&[
        ("nothing", "", &[]),
        ("blank lines", "\n \r\n\t\n", &[]),
        ("one a line", "{\"a\":1}\n{\"a\":2}\n", &["1 {\"a\":1}", "2 {\"a\":2}"]),
        ("no final newline", "{\"a\":1}\n{\"a\":2}", &["1 {\"a\":1}", "2 {\"a\":2}"]),
        ("blank lines between", "\n{\"a\":1}\n\n\n{\"a\":2}\n\n", &["2 {\"a\":1}", "5 {\"a\":2}"]),
        ("CR LF", "{\"a\":1}\r\n\r\n{\"a\":2}\r\n", &["1 {\"a\":1}", "3 {\"a\":2}"]),
        ("byte order mark", "\u{feff}{\"a\":1}\n", &["1 {\"a\":1}"]),
        ("byte order mark alone", "\u{feff}", &[]),
        ("two such files in a row", "\u{feff}{}\n\u{feff}{\"a\":1}", &["1 {}", "2 {\"a\":1}"]),
        ("concatenated", "{}{\"a\":{}}{}", &["1 {}", "1 {\"a\":{}}", "1 {}"]),
        ("indented", "  {\"a\":1}\n\t{}", &["1 {\"a\":1}", "2 {}"]),
        (
            "pretty-printed",
            "{\n  \"a\": [\n    1\n  ]\n}\n{\n  \"b\": {}\n}\n",
            &["1 {\n  \"a\": [\n    1\n  ]\n}", "6 {\n  \"b\": {}\n}"],
        ),
        ("not indented", "{\n\"a\":\n{\n}\n}\n{}", &["1 {\n\"a\":\n{\n}\n}", "6 {}"]),
        ("brackets in strings", "{\"a\":\"}{][\\\"}\"}{}", &["1 {\"a\":\"}{][\\\"}\"}", "1 {}"]),
        (
            "to the letter",
            r#"{"a": 1.0e+400, "b": "\u0041\ud800", "a": -0}"#,
            &[r#"1 {"a": 1.0e+400, "b": "\u0041\ud800", "a": -0}"#],
        ),
    ]);
}

#[test]
fn streams_arrays() {
    check(&[
        ("empty", "[]", &[]),
        ("empty ones", "[[],[[]] , [ ]]\n[]", &[]),
        ("on one line", "[{\"a\":1},{\"a\":2}]\n", &["1 {\"a\":1}", "1 {\"a\":2}"]),
        ("jq -s", "[\n  {\n    \"a\": 1\n  },\n  {}\n]\n", &["2 {\n    \"a\": 1\n  }", "5 {}"]),
        ("one element a line", "[\n{},\n{\"a\":1}\n]", &["2 {}", "3 {\"a\":1}"]),
        ("comma first", "[ {}\n, {\"a\":1}\n]{}", &["1 {}", "2 {\"a\":1}", "3 {}"]),
        ("nested", "[[{}],[[{\"a\":1}],[]],{\"a\":[{}]}]", &["1 {}", "1 {\"a\":1}", "1 {\"a\":[{}]}"]),
        ("then lines", "[{}]\n{\"a\":1}\n", &["1 {}", "2 {\"a\":1}"]),
    ]);
}

#[test]
fn expands_the_original_message() {
    check(&[
        ("on one line", r#"{"tasks":[{"a":1},{"a":2}]}"#, &[r#"1 {"a":1}"#, r#"1 {"a":2}"#]),
        ("empty", r#"{"tasks": []}{}"#, &["1 {}"]),
        (
            "with other keys",
            "{\n \"n\": 1,\n \"tasks\": [\n  {\"a\":1},\n  {\"tasks\":1}\n ],\n \"m\": {}\n}\n{}",
            &["4 {\"a\":1}", "5 {\"tasks\":1}", "9 {}"],
        ),
        ("at line starts", "{\"tasks\": [\n{},\n{\"a\":1}\n]}\n{}", &["2 {}", "3 {\"a\":1}", "5 {}"]),
        ("in an array", r#"[{"tasks":[{"a":1}]},{}]"#, &[r#"1 {"a":1}"#, "1 {}"]),
        ("in itself", r#"{"tasks":[{"tasks":[{"a":1}],"x":0},[{}]]}"#, &[r#"1 {"a":1}"#, "1 {}"]),
        ("with a kind", r#"{"tasks":[{"a":1}],"kind":"x"}"#, &[r#"1 {"tasks":[{"a":1}],"kind":"x"}"#]),
        ("with an escaped kind", r#"{"tasks":[{}],"k\u0069nd":"x"}"#, &[r#"1 {"tasks":[{}],"k\u0069nd":"x"}"#]),
        ("no array", r#"{"tasks":{"a":[]}}"#, &[r#"1 {"tasks":{"a":[]}}"#]),
        ("deeper down", r#"{"a":{"tasks":[{}]}}"#, &[r#"1 {"a":{"tasks":[{}]}}"#]),
        ("two of them", r#"{"tasks":[{}],"tasks":[]}"#, &[r#"1 {"tasks":[{}],"tasks":[]}"#]),
        (
            "a number in it",
            r#"{"tasks":[1,{}],"b":2}{}"#,
            &["line 1: a record is a JSON object, this is a number", "1 {}", "1 {}"],
        ),
    ]);
}

#[test]
fn names_what_is_no_record() {
    check(&[
        ("no JSON", "{}\nhello: world\n{}", &["1 {}", "line 2: expected a JSON object, found `h` (column 1)", "3 {}"]),
        (
            "no JSON at all",
            "<html>\n<p>\n</html>\n",
            &["lines 1-3: expected a JSON object, found `<` (line 1, column 1)"],
        ),
        ("looks like a literal", "this\n{}", &["line 1: expected a JSON object, found `t` (column 1)", "2 {}"]),
        ("number", "12\n{}", &["line 1: a record is a JSON object, this is a number", "2 {}"]),
        ("number at the end", "{}\n-1.5e3", &["1 {}", "line 2: a record is a JSON object, this is a number"]),
        ("half a number", "-", &["line 1: the input ends inside this value"]),
        ("string", "\"{}\" {}\n{}", &["line 1: a record is a JSON object, this is a string", "2 {}"]),
        ("null", "{}\nnull\n\n{}", &["1 {}", "line 2: a record is a JSON object, this is null", "4 {}"]),
        ("boolean", "true", &["line 1: a record is a JSON object, this is a boolean"]),
        (
            "scalars in an array",
            "[1,{\"a\":1},\"x\",null,\n{}]{}",
            &[
                "line 1: a record is a JSON object, this is a number",
                "1 {\"a\":1}",
                "line 1: a record is a JSON object, this is a string",
                "2 {}",
                "2 {}",
            ],
        ),
        ("garbage between", "{}, {}\n{}", &["1 {}", "line 1: expected a JSON object, found `,` (column 3)", "2 {}"]),
        ("stray bracket", "{}\n]\n{}", &["1 {}", "line 2: expected a JSON object, found `]` (column 1)", "3 {}"]),
        ("stray brace", "{}}\n{}", &["1 {}", "line 1: expected a JSON object, found `}` (column 3)", "2 {}"]),
        (
            "commas for lines",
            "{\"a\":1},\n{\"a\":2},\n",
            &[
                "1 {\"a\":1}",
                "line 1: expected a JSON object, found `,` (column 8)",
                "2 {\"a\":2}",
                "line 2: expected a JSON object, found `,` (column 8)",
            ],
        ),
        ("single quotes", "{'a':1}\n{}", &["line 1: expected a key or `}`, found `'` (column 2)", "2 {}"]),
        ("trailing comma", "{\"a\":1,}\n{}", &["line 1: expected a key, found `}` (column 8)", "2 {}"]),
        (
            "bad escape",
            "{\"a\":\"\\x\"}\n{}",
            &["line 1: expected an escape (one of \" \\ / b f n r t u), found `x` (column 8)", "2 {}"],
        ),
        ("leading zero", "{\"a\":01}", &["line 1: expected `,` or `}`, found `1` (column 7)"]),
        (
            "tab in a string",
            "{\"a\":\"\t\"}",
            &["line 1: expected the closing quote of a string, found byte 0x09 (column 7)"],
        ),
        ("half a byte order mark", "\u{fec0}{}", &["line 1: expected a JSON object, found byte 0xef (column 1)"]),
        (
            "one region for all",
            "{}\nx\n\n1\n{\"a\":}\n\n{}",
            &["1 {}", "lines 2-5: expected a JSON object, found `x` (line 2, column 1)", "7 {}"],
        ),
    ]);
    assert_eq!(
        read(b"\xff\xfe{\0}\0\n\0{\0}\0"),
        ["lines 1-2: the input is UTF-16: convert it to UTF-8 first, for instance with `iconv -f UTF-16 -t UTF-8`"]
    );
}

/// Wherever a line breaks off, the one behind it is whole.
#[test]
fn half_a_line_costs_no_other() {
    let line = r#"{"kind":"finding","tags":{"a":[1,"\u00e9",true],"b":{}},"n":-1.5e3}"#;
    for cut in 1..line.len() {
        for before in ["", "{}\n"] {
            let input = format!("{before}{}\n{{\"a\":1}}\n{{\"a\":2}}\n", &line[..cut]);
            let said = read(&input);
            let first = if before.is_empty() { 1 } else { 2 };
            let (last, rest) = said.split_last().unwrap();
            assert_eq!(*last, format!("{} {{\"a\":2}}", first + 2), "{input}");
            let (last, rest) = rest.split_last().unwrap();
            assert_eq!(*last, format!("{} {{\"a\":1}}", first + 1), "{input}");
            assert!(rest.last().unwrap().starts_with(&format!("line {first}: ")), "{input}: {rest:?}");
        }
    }
}

#[test]
fn half_a_value() {
    check(&[
        (
            "in a string",
            "{\"a\":\"x\n{}",
            &["line 1: expected the closing quote of a string, found the end of the line (column 8)", "2 {}"],
        ),
        ("behind a comma", "{\"a\":1,\n{}", &["line 1: cut off: a new value starts before this one ends", "2 {}"]),
        (
            "behind a colon",
            "{\"a\":\n{\"b\":1}\n{}\n",
            &["line 1: cut off: a new value starts before this one ends", "2 {\"b\":1}", "3 {}"],
        ),
        (
            "then another kind of garbage",
            "{\"a\":\n{\"b\":1}\nx\n{}\n",
            &[
                "line 1: expected `,` or `}`, found `x` (line 3, column 1)",
                "2 {\"b\":1}",
                "line 3: expected a JSON object, found `x` (column 1)",
                "4 {}",
            ],
        ),
        (
            "at the end",
            "{}\n{\"a\":\n{\"b\":1}\n",
            &["1 {}", "line 2: the input ends inside this value", "3 {\"b\":1}"],
        ),
        (
            "pretty-printed",
            "{\n  \"a\": {\n    \"b\": 1\n{\n  \"c\": 1\n}\n",
            &["lines 1-3: cut off: a new value starts before this one ends", "4 {\n  \"c\": 1\n}"],
        ),
        (
            "glued to the next",
            "{\"a\":\"x{\"a\":1}\n{}",
            &["line 1: expected `,` or `}`, found `a` (column 10)", "2 {}"],
        ),
    ]);
}

/// A part of a broken value is no record, however whole it looks.
#[test]
fn no_fragment_gets_out() {
    check(&[
        (
            "pretty-printed",
            "{\n  \"kind\": \"outcome\",\n  \"status\" \"applied\",\n  \"undo\": {\n    \"kind\": \"task\"\n  }\n}\n{}\n",
            &["lines 1-7: expected `:`, found `\"` (line 3, column 12)", "8 {}"],
        ),
        (
            "the end of a file",
            "  \"undo\": {\n    \"kind\": \"task\"\n  }\n}\n{}",
            &["lines 1-4: a record is a JSON object, this is a string", "5 {}"],
        ),
        (
            "the end of a file, on its own line",
            "  },\n  {\n    \"kind\": \"task\"\n  }\n]\n{}",
            &["lines 1-5: expected a JSON object, found `}` (line 1, column 3)", "6 {}"],
        ),
        (
            "on the same line",
            "x {\"kind\":\"task\"}\n{}",
            &["line 1: expected a JSON object, found `x` (column 1)", "2 {}"],
        ),
        (
            "a brace too much at the start of a line",
            "{\n  \"kind\": \"outcome\",\n  \"undo\": {\n{    \"kind\": \"task\"\n  }\n}\n{\n}\n",
            &["lines 1-6: cut off: a new value starts before this one ends", "7 {\n}"],
        ),
        (
            "in an array",
            "[\n  {},\n  {\n    \"a\" 1,\n    \"undo\": {}\n  },\n  {\"lost\":1}\n]\n{}",
            &["2 {}", "lines 3-8: expected `:`, found `1` (line 4, column 9)", "9 {}"],
        ),
        (
            "behind what is left of an array",
            "[[\nx\n{}\n ], {\"kind\":\"task\"}\n{\"a\":1}",
            &[
                "line 2: expected a value, found `x` (column 1)",
                "3 {}",
                "line 4: expected a value at the start of a line, after a broken array, found `{` (column 5)",
                "5 {\"a\":1}",
            ],
        ),
    ]);
}

#[test]
fn broken_arrays() {
    let closed = "the array that starts here is never closed";
    let unclosed = |line: u64| format!("line {line}: {closed}");
    check(&[
        ("never closed", "{}\n[{},\n{\"a\":1}", &["1 {}", "2 {}", "3 {\"a\":1}", &unclosed(2)]),
        ("never closed, empty", "[", &[&unclosed(1)]),
        ("never closed, nested", "\n[[[{}],", &["2 {}", &unclosed(2)]),
        ("broken off", "[{},\n{\"a\":", &["1 {}", "line 2: the input ends inside this value"]),
        (
            "element broken",
            "[\n{\"a\":1},\n{\"b\":x},\n{\"c\":1},\n{\"d\":1}\n]\n{}\n",
            &["2 {\"a\":1}", "line 3: expected a value, found `x` (column 6)", "4 {\"c\":1}", "5 {\"d\":1}", "7 {}"],
        ),
        (
            "element cut off",
            "[\n{\"a\":1},\n{\"b\":[\n{\"c\":1}\n{\"d\":1}\n]\n{}\n",
            &[
                "2 {\"a\":1}",
                "line 3: cut off: a new value starts before this one ends",
                "4 {\"c\":1}",
                "5 {\"d\":1}",
                "line 6: expected a JSON object, found `]` (column 1)",
                "7 {}",
            ],
        ),
        (
            "comma missing at a line start",
            "[\n{\"a\":1}\n{\"b\":1},\n{\"c\":1}\n]\n{}",
            &[
                "2 {\"a\":1}",
                "line 3: expected `,` or `]` after an element of an array, found `{` (column 1)",
                "3 {\"b\":1}",
                "4 {\"c\":1}",
                "6 {}",
            ],
        ),
        (
            "comma missing in a line",
            "[{} {\"lost\":1}]\n{}",
            &["1 {}", "line 1: expected `,` or `]` after an element of an array, found `{` (column 5)", "2 {}"],
        ),
        ("comma too many", "[\n{},\n]\n{}", &["2 {}", "line 3: expected a value, found `]` (column 1)", "4 {}"]),
        ("comma first", "[,{}]\n{}", &["line 1: expected a value, found `,` (column 2)", "2 {}"]),
        (
            "left behind",
            "[x\n{\"a\":1}{\"b\":1}\n]\n{}",
            &[
                "line 1: expected a value, found `x` (column 2)",
                "2 {\"a\":1}",
                "2 {\"b\":1}",
                "line 3: expected a JSON object, found `]` (column 1)",
                "4 {}",
            ],
        ),
    ]);
}

#[test]
fn bytes_that_are_no_utf8() {
    assert_eq!(read(b"{}\n{\"a\":\"\xff\"}\n{\"b\":1}\n"), ["1 {}", "line 2: not UTF-8 (column 7)", "3 {\"b\":1}"]);
    assert_eq!(read(b"{\"a\":\"\xe9\"}{\"b\":1}"), ["line 1: not UTF-8 (column 7)", "1 {\"b\":1}"]);
    assert_eq!(read(b"[{\"a\":\n\"\xc3\"},{}]"), ["lines 1-2: not UTF-8 (line 2, column 2)", "2 {}"]);
    // Only the task that has them is lost.
    assert_eq!(read(b"{\"tasks\":[{\"a\":\"\xff\"},{}]}"), ["line 1: not UTF-8 (column 17)", "1 {}"]);
    assert_eq!(read(b"{\xff}\n{}"), ["line 1: expected a key or `}`, found byte 0xff (column 2)", "2 {}"]);
}

#[test]
fn values_that_are_too_long() {
    let cases: &[Case<'_>] = &[
        ("as long as allowed", "{\"a\":\"0123456789\"}", &["1 {\"a\":\"0123456789\"}"]),
        ("one more", "{}\n{\"a\":\"0123456789a\"}\n{}", &["1 {}", "line 2: longer than 18 bytes", "3 {}"]),
        ("its end is known", "{\"a\":\"0123456789a\"}{\"b\":1}", &["line 1: longer than 18 bytes", "1 {\"b\":1}"]),
        ("in an array", "[{\"a\":\"0123456789a\"},{\"b\":1}]", &["line 1: longer than 18 bytes", "1 {\"b\":1}"]),
        (
            "pretty-printed",
            "{\n \"a\": 1,\n \"b\":\n{},\n \"c\": [\n  2\n ]\n}\n{}",
            &["lines 1-8: longer than 18 bytes", "9 {}"],
        ),
        ("cut off", "{\"a\":\"0123456789abcd\n{}\n", &["line 1: longer than 18 bytes", "2 {}"]),
        ("cut off before a key", "{\"a\":\"0123456789abcd\",\n{}\n", &["line 1: longer than 18 bytes", "2 {}"]),
        ("never ends", "{\"a\":\"0123456789abcd", &["line 1: longer than 18 bytes"]),
        ("breaks later", "{\"a\":\"0123456789abcd\" x {}\n{}", &["line 1: longer than 18 bytes", "2 {}"]),
        ("a string", "\"0123456789abcdefgh\" {}\n{}", &["line 1: longer than 18 bytes", "2 {}"]),
        (
            "garbage has no limit",
            "garbage that is longer than that\n{}",
            &["line 1: expected a JSON object, found `g` (column 1)", "2 {}"],
        ),
    ];
    for (name, input, expected) in cases {
        assert_eq!(read_up_to(18, input.as_bytes()), *expected, "{name}: {input:?}");
    }
    let error = Reader::new(&b"x"[..]).next();
    assert!(matches!(error, Some(Err(ReadError::Broken(broken))) if matches!(broken.cause, Cause::Syntax { .. })));
    assert_eq!(Cause::TooLong { limit: 16 << 20 }.to_string(), "longer than 16 MiB");
}

#[test]
fn values_that_are_too_deep() {
    let nested = |depth: u32| {
        let depth = depth as usize - 1;
        format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth))
    };
    let (deepest, too_deep) = (nested(MAX_DEPTH), nested(MAX_DEPTH + 1));
    // The limit is serde_json's own.
    assert!(serde_json::from_str::<serde_json::Value>(&deepest).is_ok());
    assert!(serde_json::from_str::<serde_json::Value>(&too_deep).is_err());

    assert_eq!(read(format!("{deepest}\n{{}}")), [format!("1 {deepest}"), "2 {}".to_owned()]);
    let error = "line 1: nested deeper than 127 levels (column 132)";
    assert_eq!(read(format!("{too_deep}\n{{}}")), [error, "2 {}"]);
    assert_eq!(read(format!("[{deepest}]")), [format!("1 {deepest}")]);
    // Arrays around records count for themselves.
    let error = "line 1: nested deeper than 127 levels (column 128)";
    assert_eq!(read(format!("{}{{}}{}", "[".repeat(127), "]".repeat(127))), ["1 {}"]);
    assert_eq!(read(format!("{}{{}}{}\n{{}}", "[".repeat(128), "]".repeat(128))), [error, "2 {}"]);
    assert_eq!(read("[".repeat(100_000)), [error]);
    // Nor do tasks that are too deep within arrays give away parts of themselves.
    let tasks = format!("{}{{\"tasks\":[\n[\n{{\"kind\":\"task\"}}]]}}\n{{}}", "[".repeat(126));
    assert_eq!(read(tasks), ["lines 2-3: nested deeper than 127 levels (line 2, column 1)", "4 {}"]);
}
