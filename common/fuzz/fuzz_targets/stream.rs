//! Any bytes, in any pieces: no panic, bounded memory, and what comes out of the reader is a JSON object.

#![no_main]

use std::io::{self, Read};

use common::stream::{DEFAULT_LIMIT, Item, ReadError, Reader, Writer, compact};
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use serde_json::Value;

/// Hands out an input so many bytes at a time.
struct Pieces<'a> {
    rest: &'a [u8],
    size: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.size.min(buffer.len());
        self.rest.take(size as u64).read(buffer).inspect(|&read| self.rest = &self.rest[read..])
    }
}

/// All that a reader says that opens these envelopes.
fn read_opening(keys: &'static [&'static str], input: &[u8], size: usize, limit: usize) -> Vec<Result<Item, String>> {
    let mut reader = Reader::with_limit(Pieces { rest: input, size }, limit).opening(keys, &["a"]);
    let mut said = Vec::new();
    loop {
        if size % 2 == 0 {
            reader.ready();
        }
        let Some(next) = reader.next() else { break };
        assert!(reader.memory() <= limit.saturating_add(256 << 10), "holds {} bytes", reader.memory());
        said.push(next.map_err(|error| {
            assert!(matches!(error, ReadError::Broken(_)), "{error}");
            error.to_string()
        }));
    }
    assert!(reader.next().is_none());
    said
}

/// All that a reader says.
fn read(input: &[u8], size: usize, limit: usize) -> Vec<Result<Item, String>> {
    read_opening(&[], input, size, limit)
}

/// The laws of a record that was handed out.
fn check(item: &Item, limit: usize) {
    let text = &item.text;
    assert!(text.len() <= limit);
    assert!(text.starts_with('{') && text.ends_with('}'));
    serde_json::from_str::<IgnoredAny>(text).expect("what is handed out is JSON");
    item.parse::<IgnoredAny>().expect("whatever it is, it is JSON");
    item.parse::<u8>().expect_err("an object is no number");

    let compacted = compact(text);
    assert!(!compacted.contains(['\n', '\r']));
    let (value, same) = (serde_json::from_str::<Value>(text), serde_json::from_str::<Value>(&compacted));
    if let (Ok(value), Ok(same)) = (&value, &same) {
        assert_eq!(value, same);
        // The last of several is serde_json's, the first is ours.
        if let (Ok(Some(kind)), 1) = (item.kind(), text.matches("kind").count()) {
            assert_eq!(value.get("kind").and_then(Value::as_str), Some(&*kind));
        }
    }
    assert_eq!(value.is_ok(), same.is_ok());
    let _ = item.kind();
}

fuzz_target!(|data: &[u8]| {
    let [size, limit, input @ ..] = data else { return };
    let size = usize::from(*size).max(1);
    let limit = if limit % 2 == 0 { DEFAULT_LIMIT } else { usize::from(*limit) };

    let said = read(input, usize::MAX, limit);
    assert_eq!(said, read(input, size, limit), "it depends on the pieces");
    for item in said.iter().flatten() {
        check(item, limit);
    }

    let opened = read_opening(&["Records", "a"], input, usize::MAX, limit);
    assert_eq!(opened, read_opening(&["Records", "a"], input, size, limit), "it depends on the pieces");
    for item in opened.iter().flatten() {
        check(item, limit);
    }

    // What was passed on comes back as it was, without a complaint.
    let mut out = Writer::new(Vec::new());
    for item in said.iter().flatten() {
        out.pass_on(item).expect("a vector takes all");
    }
    let out = out.into_inner().expect("a vector takes all");
    let again = read(&out, usize::MAX, DEFAULT_LIMIT);
    let texts: Vec<_> = said.iter().flatten().map(|item| compact(&item.text)).collect();
    let texts_again: Vec<_> =
        again.iter().map(|item| item.as_ref().expect("our own output is clean").text.as_str()).collect();
    assert_eq!(texts, texts_again);

    // Records at line starts come out, whatever precedes them.
    if input.last() == Some(&b'\n') && limit == DEFAULT_LIMIT {
        let lines = b"{\"kind\":\"law\",\"n\":1}\n{\"kind\":\"law\",\"n\":2}\n{\"kind\":\"law\",\"n\":3}\n";
        let said = read(&[input, lines].concat(), size, limit);
        let found = said.iter().flatten().filter(|item| item.text.starts_with("{\"kind\":\"law\",\"n\":")).count();
        assert!(found >= 3, "{said:?}");
    }
});
