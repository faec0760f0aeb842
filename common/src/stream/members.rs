//! The members of an object, without reading what is in them.

use std::ops::Range;

use super::scan::{Scan, Scanner};

/// The members of a JSON object in their order: where the key (with its quotes) and the value stand in the text.
///
/// Ends at the first byte that is not JSON; the reader has checked what it hands out.
#[derive(Debug)]
pub(super) struct Members<'a> {
    object: &'a [u8],
    at: usize,
}

impl<'a> Members<'a> {
    pub(super) fn new(object: &'a [u8]) -> Self {
        Self { object, at: 0 }
    }

    /// Goes to the next byte that is neither white space nor one of `skip`.
    fn go_to_value(&mut self, skip: &[u8]) -> Option<()> {
        let rest = self.object.get(self.at..)?;
        self.at += rest.iter().position(|byte| !(b" \t\r\n".contains(byte) || skip.contains(byte)))?;
        Some(())
    }

    fn value(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        let Scan::Done(length) = Scanner::new().feed(self.object.get(start..)?) else { return None };
        self.at = start + length;
        Some(start..self.at)
    }
}

impl Iterator for Members<'_> {
    type Item = (Range<usize>, Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        self.go_to_value(b"{,")?;
        if self.object.get(self.at) != Some(&b'"') {
            return None;
        }
        let key = self.value()?;
        self.go_to_value(b":")?;
        let value = self.value()?;
        Some((key, value))
    }
}

/// Whether a text is a single JSON object that [`Reader`](super::Reader) would hand out as it is: not deeper than
/// `serde_json` reads, and nothing behind it.
pub fn is_object(text: &str) -> bool {
    text.len() <= super::DEFAULT_LIMIT
        && text.starts_with('{')
        && Scanner::new().feed(text.as_bytes()) == Scan::Done(text.len())
}

/// Whether a key, with its quotes, is `name`, however it is escaped.
pub(super) fn is_key(raw: &[u8], name: &str) -> bool {
    let plain = raw.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    plain == Some(name.as_bytes())
        || raw.contains(&b'\\') && serde_json::from_slice::<String>(raw).is_ok_and(|key| key == name)
}

/// Where the array of tasks starts in the original framework's message: `{"tasks": [...], ...}`, without `kind`.
///
/// Two arrays `tasks` are none: to choose one would lose the other.
pub(super) fn tasks_array(object: &[u8]) -> Option<usize> {
    let mut found = None;
    for (key, value) in Members::new(object) {
        let key = object.get(key)?;
        if is_key(key, "kind") || (is_key(key, "tasks") && found.replace(value.start).is_some()) {
            return None;
        }
    }
    found.filter(|&start| object.get(start) == Some(&b'['))
}
