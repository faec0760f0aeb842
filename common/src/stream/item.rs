//! One record of the input, as text.

use std::borrow::Cow;

use serde::Deserialize;

use super::error::{Broken, Cause};
use super::members::{Members, is_key};

/// One JSON object of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The line on which it starts, from 1.
    pub line: u64,
    /// The object as it stood in the input, to the letter: well-formed JSON, not deeper than `serde_json` reads.
    ///
    /// Well-formed is not yet readable: a number that is too large for its type and a lone surrogate (`"\ud800"`) are an
    /// error of whoever reads that field.
    pub text: String,
}

impl Item {
    /// The top-level `kind`, by which a tool decides what to do with a record; `None` without one.
    ///
    /// Reads no further than to the (first) `kind`, which Sluice's own records begin with. A `kind` that is not a string
    /// is an error.
    pub fn kind(&self) -> Result<Option<Cow<'_, str>>, Broken> {
        for (key, value) in Members::new(self.text.as_bytes()) {
            if !self.text.get(key).is_some_and(|key| is_key(key.as_bytes(), "kind")) {
                continue;
            }
            let line = newlines(self.text.get(..value.start).unwrap_or_default());
            let raw = self.text.get(value).unwrap_or_default();
            return match raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
                Some(plain) if !plain.contains('\\') => Ok(Some(Cow::Borrowed(plain))),
                Some(_) => match serde_json::from_str(raw) {
                    Ok(kind) => Ok(Some(Cow::Owned(kind))),
                    Err(error) => Err(self.misshapen(line, without_place(&error))),
                },
                None => Err(self.misshapen(line, "`kind` is not a string".to_owned())),
            };
        }
        Ok(None)
    }

    /// The record as a `T`. The error names the line of the input where the record does not fit.
    pub fn parse<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Broken> {
        serde_json::from_str(&self.text)
            .map_err(|error| self.misshapen(error.line().saturating_sub(1) as u64, without_place(&error)))
    }

    /// The error for what stands `lines_down` from the record's first line.
    fn misshapen(&self, lines_down: u64, message: String) -> Broken {
        Broken {
            first: self.line,
            last: self.line + newlines(&self.text),
            cause: Cause::Shape { message, line: self.line + lines_down },
        }
    }
}

fn newlines(text: &str) -> u64 {
    memchr::memchr_iter(b'\n', text.as_bytes()).count() as u64
}

/// What serde says without its ` at line 1 column 20`: the line is one of the record, not of the input.
pub fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

/// The same JSON without the white space outside its strings: one line, every number and escape as it was.
pub fn compact(json: &str) -> Cow<'_, str> {
    let Some(first) = next_space(json.as_bytes(), 0) else { return Cow::Borrowed(json) };
    let mut out = String::with_capacity(json.len());
    let mut space = Some(first);
    let mut done = 0;
    while let Some(at) = space {
        // White space is ASCII, so both ends are at character boundaries.
        out.push_str(json.get(done..at).unwrap_or_default());
        done = at + 1;
        space = next_space(json.as_bytes(), done);
    }
    out.push_str(json.get(done..).unwrap_or_default());
    Cow::Owned(out)
}

/// The next white space at or behind `from`, which is outside a string.
fn next_space(json: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        match json.get(at)? {
            b' ' | b'\t' | b'\r' | b'\n' => return Some(at),
            b'"' => at = end_of_string(json, at + 1)?,
            _ => at += 1,
        }
    }
}

/// Behind the closing quote of the string whose first character is at `from`.
fn end_of_string(json: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        match json.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}
