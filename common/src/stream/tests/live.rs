//! Readers whose input comes slowly, does not end, or fails.

use std::cell::Cell;
use std::io::{self, Read};

use super::super::{ReadError, Reader};
use super::said;

/// Hands out one part a read; panics where a reader waits for more than `allowed` parts.
struct Parts<'a> {
    parts: Vec<&'a str>,
    given: usize,
    allowed: &'a Cell<usize>,
}

impl Read for Parts<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        assert!(self.given < self.allowed.get(), "a read that would have waited");
        let part = self.parts.get(self.given).copied().unwrap_or_default().as_bytes();
        self.given += 1;
        buffer[..part.len()].copy_from_slice(part);
        Ok(part.len())
    }
}

/// The parts, and after how many of them each thing is said.
type Case<'a> = (&'a [&'a str], &'a [(usize, &'a str)]);

/// Each record is there when the part that ends it is.
#[test]
fn waits_for_no_more_than_it_needs() {
    let cases: &[Case<'_>] = &[
        (&["{\"a\":1}\n", "{\"a\":2}\n"], &[(1, "1 {\"a\":1}"), (2, "2 {\"a\":2}")]),
        (&["{\"a\"", ":1}", "{", "}"], &[(2, "1 {\"a\":1}"), (4, "1 {}")]),
        (&["[", "{}", ",", "{}", "]\n{}"], &[(2, "1 {}"), (4, "1 {}"), (5, "2 {}")]),
        (&["[{},{\"a\":1}", "]"], &[(1, "1 {}"), (1, "1 {\"a\":1}")]),
        (&["{\n", "  \"a\": 1\n", "}\n"], &[(3, "1 {\n  \"a\": 1\n}")]),
        // Half a line is noticed as soon as the next value starts ...
        (
            &["{\"a\":\"x\n{}\n"],
            &[(1, "line 1: expected the closing quote of a string, found the end of the line (column 8)"), (1, "2 {}")],
        ),
        (&["{\"a\":1,\n", "{}\n"], &[(2, "line 1: cut off: a new value starts before this one ends"), (2, "2 {}")]),
        // ... or, where that could be its continuation, when the one after it does.
        (
            &["{\"a\":[\n", "{\"b\":1}\n", "{", "}\n"],
            &[(3, "line 1: cut off: a new value starts before this one ends"), (3, "2 {\"b\":1}"), (4, "3 {}")],
        ),
        (&["x\n", "{}\n"], &[(2, "line 1: expected a JSON object, found `x` (column 1)"), (2, "2 {}")]),
    ];
    for (parts, expected) in cases {
        let allowed = Cell::new(0);
        let mut reader = Reader::new(Parts { parts: parts.to_vec(), given: 0, allowed: &allowed });
        for (needed, text) in *expected {
            allowed.set(*needed);
            let next = match reader.next().unwrap() {
                Ok(item) => format!("{} {}", item.line, item.text),
                Err(error) => error.to_string(),
            };
            assert_eq!(next, *text, "{parts:?}");
        }
        allowed.set(usize::MAX);
        assert!(reader.next().is_none(), "{parts:?}");
    }
}

#[test]
fn ready_means_that_next_does_not_read() {
    let allowed = Cell::new(0);
    let parts = vec!["{}{}\n", "[{},", "{", "}]", "\n"];
    let mut reader = Reader::new(Parts { parts, given: 0, allowed: &allowed });
    let mut seen = Vec::new();
    loop {
        if !reader.ready() {
            seen.push("wait".to_owned());
            allowed.set(usize::MAX);
        }
        let Some(next) = reader.next() else { break };
        seen.push(next.unwrap().text);
        allowed.set(0); // whatever `ready` promises now must come without a read
    }
    assert_eq!(seen, ["wait", "{}", "{}", "wait", "{}", "wait", "{}", "wait"]);
    assert!(reader.ready() && reader.next().is_none());
}

/// Fails in the end, and is interrupted before each read.
struct Failing<'a> {
    rest: &'a [u8],
    interrupt: bool,
}

impl Read for Failing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.interrupt = !self.interrupt;
        if self.interrupt {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if self.rest.is_empty() {
            return Err(io::Error::other("the disk is gone"));
        }
        self.rest.read(buffer)
    }
}

#[test]
fn a_failure_is_the_end_but_loses_nothing() {
    let input = b"{}\nx\n{\"a\":1}\n{\"b\":\n{\"c\":1}";
    let mut reader = Reader::new(Failing { rest: input, interrupt: false });
    let said: Vec<_> =
        reader.by_ref().map(|next| next.map_or_else(|error| error.to_string(), |item| item.text)).collect();
    assert_eq!(
        said,
        [
            "{}",
            "line 2: expected a JSON object, found `x` (column 1)",
            "{\"a\":1}",
            "line 4: the input ends inside this value",
            "{\"c\":1}",
            "cannot read the input beyond line 5: the disk is gone",
        ]
    );
    assert!(reader.next().is_none());
    let last = Reader::new(Failing { rest: b"", interrupt: false }).next();
    assert!(matches!(last, Some(Err(ReadError::Io { line: 1, .. }))));
}

/// Prints the parts in turn, the middle one so many times.
struct Repeated {
    parts: [&'static [u8]; 3],
    times: usize,
}

impl Read for Repeated {
    fn read(&mut self, mut buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len();
        let [first, middle, last] = &mut self.parts;
        if !first.is_empty() {
            return first.read(buffer);
        }
        while self.times > 0 && buffer.len() >= middle.len() {
            let (here, rest) = buffer.split_at_mut(middle.len());
            here.copy_from_slice(middle);
            buffer = rest;
            self.times -= 1;
        }
        let written = room - buffer.len();
        if self.times > 0 { Ok(written) } else { Ok(written + last.read(buffer)?) }
    }
}

/// 64 MiB of one thing: what is held is bounded by the limit, not by the input.
#[test]
fn memory_is_bounded() {
    const LIMIT: usize = 1 << 20;
    let long =
        [b"x".repeat(1 << 10), b"{\"a\": [1, 2]},\n".repeat(1 << 6), b"[".repeat(1 << 10)].map(|part| &*part.leak());
    let cases: [(&str, [&'static [u8]; 3], usize, usize); 6] = [
        ("a string in a record", [b"{\"a\":\"", long[0], b"\"}\n{}"], 1, 1),
        ("a string that never ends", [b"{\"a\":\"", long[0], b"\n{}"], 1, 1),
        ("no JSON", [b"", long[0], b"\n{}"], 1, 1),
        ("an array in a record", [b"{\"a\":[\n", long[1], b"0]}\n{}"], 1, 1),
        ("an array of records", [b"[\n", long[1], b"{}]\n"], 0, usize::MAX),
        ("brackets", [b"", long[2], b"\n{}"], 1, 1),
    ];
    for (name, parts, errors, records) in cases {
        let times = (64 << 20) / parts[1].len();
        let mut reader = Reader::with_limit(Repeated { parts, times }, LIMIT);
        let (mut broken, mut found) = (0, 0);
        while let Some(next) = reader.next() {
            match next {
                Ok(_) => found += 1,
                Err(_) => broken += 1,
            }
            assert!(reader.memory() <= LIMIT + (256 << 10), "{name}: {}", reader.memory());
        }
        let records = if records == usize::MAX { (times << 6) + 1 } else { records };
        assert_eq!((broken, found), (errors, records), "{name}");
    }
}

/// 127 open brackets, each of which starts a line, are read 127 times at worst: not once for each line behind them.
#[test]
fn recovery_is_linear() {
    let input = "{\"a\":[\n".repeat(200_000);
    assert_eq!(said(Reader::new(input.as_bytes())).len(), 1);
    let input = format!("{{\"a\":[\n{}x", "{},\n".repeat(200_000));
    assert!(said(Reader::new(input.as_bytes())).len() > 200_000);
}
