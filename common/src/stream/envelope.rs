//! Objects that stand for the elements of an array in them: `{"Records":[...]}`.

use memchr::memmem::Finder;

use super::members::{Members, is_key};

/// How much of what could be an envelope is looked at to see whether it is one.
const LONGEST_START: usize = 4096;

/// The keys whose arrays are handed out element by element.
#[derive(Debug, Default)]
pub(super) struct Envelopes {
    keys: &'static [&'static str],
    firsts: &'static [&'static str],
    finders: Vec<Finder<'static>>,
}

/// What the start of an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// An envelope, whose first element starts behind so many bytes.
    Envelope(usize),
    Other,
    /// That cannot be told yet.
    Unknown,
}

impl Envelopes {
    pub(super) fn new(keys: &'static [&'static str], firsts: &'static [&'static str]) -> Self {
        // A letter of a key can be escaped.
        Self { keys, firsts, finders: keys.iter().copied().chain(["\\u00"]).map(Finder::new).collect() }
    }

    /// What shows where the elements of an envelope start.
    pub(super) fn first_keys(&self) -> FirstKeys {
        FirstKeys { keys: Vec::new(), usual: self.firsts, guess: None }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether `text`, which starts with a `{`, begins with an array that is handed out: one of objects, or an empty one.
    pub(super) fn start(&self, text: &[u8]) -> Start {
        let start = self.see_start(text);
        if start.is_none() && text.len() >= LONGEST_START { Start::Other } else { start.unwrap_or(Start::Unknown) }
    }

    fn see_start(&self, text: &[u8]) -> Option<Start> {
        let Some((key, at)) = first_key(text)? else { return Some(Start::Other) };
        if !self.keys.iter().any(|name| is_key(key, name)) {
            return Some(Start::Other);
        }
        let (at, byte) = token(text, at)?;
        if byte != b':' {
            return Some(Start::Other);
        }
        let (at, byte) = token(text, at + 1)?;
        if byte != b'[' {
            return Some(Start::Other);
        }
        let (_, byte) = token(text, at + 1)?;
        Some(if matches!(byte, b'{' | b']') { Start::Envelope(at + 1) } else { Start::Other })
    }

    /// Where the first such array starts in a whole object without `kind`, or in what is left of an envelope.
    pub(super) fn array(&self, members: &[u8], may_have_kind: bool) -> Option<usize> {
        if !self.finders.iter().any(|finder| finder.find(members).is_some()) {
            return None;
        }
        let mut found = None;
        for (key, value) in Members::new(members) {
            let key = members.get(key)?;
            if !may_have_kind && is_key(key, "kind") {
                return None;
            }
            if found.is_none()
                && self.keys.iter().any(|name| is_key(key, name))
                && members.get(value.start) == Some(&b'[')
                && matches!(token(members, value.start + 1), Some((_, b'{' | b']')))
            {
                found = Some(value.start);
            }
        }
        found
    }
}

/// The first keys of the elements of one envelope: where one of its elements is broken, these show where the next one is.
#[derive(Debug, Default)]
pub(super) struct FirstKeys {
    /// With their quotes.
    keys: Vec<Vec<u8>>,
    /// What elements usually start with, and what a broken one has started with: count while no whole element has come.
    usual: &'static [&'static str],
    guess: Option<Vec<u8>>,
}

impl FirstKeys {
    /// So many are known, and none that is longer.
    const MOST: usize = 8;
    const LONGEST: usize = 64;

    /// Gets to know an element.
    pub(super) fn learn(&mut self, element: &[u8]) {
        if let Some(Some((key, _))) = first_key(element)
            && self.keys.len() < Self::MOST
            && key.len() <= Self::LONGEST
            && !self.keys.iter().any(|known| known == key)
        {
            self.keys.push(key.to_owned());
        }
    }

    /// Gets to know an element that is broken.
    pub(super) fn guess(&mut self, element: &[u8]) {
        if let Some(Some((key, _))) = first_key(element)
            && key.len() <= Self::LONGEST
        {
            self.guess = Some(key.to_owned());
        }
    }

    fn knows(&self, key: &[u8]) -> bool {
        if self.keys.is_empty() {
            self.guess.as_deref() == Some(key) || self.usual.iter().any(|name| is_key(key, name))
        } else {
            self.keys.iter().any(|known| known == key)
        }
    }

    /// Whether `text`, which starts with a `{`, starts as an element does; `None` while that cannot be told.
    pub(super) fn start(&self, text: &[u8]) -> Option<bool> {
        match first_key(text) {
            Some(found) => Some(found.is_some_and(|(key, _)| self.knows(key))),
            None if text.len() >= LONGEST_START => Some(false),
            None => None,
        }
    }
}

/// The first key of an object, with its quotes, and where it ends: `None` while it is not whole, `Some(None)` without one.
#[expect(clippy::option_option, reason = "not yet is not never")]
fn first_key(object: &[u8]) -> Option<Option<(&[u8], usize)>> {
    let (start, byte) = token(object, 1)?;
    if byte != b'"' {
        return Some(None);
    }
    let mut end = start + 1;
    loop {
        match object.get(end)? {
            b'"' => break,
            b'\\' => end += 2,
            byte if *byte < b' ' => return Some(None),
            _ => end += 1,
        }
    }
    Some(object.get(start..=end).map(|key| (key, end + 1)))
}

/// The first byte at or behind `from` that is no white space, and where it stands.
fn token(text: &[u8], from: usize) -> Option<(usize, u8)> {
    let rest = text.get(from..)?;
    let space = rest.iter().position(|byte| !b" \t\r\n".contains(byte))?;
    Some((from + space, *rest.get(space)?))
}
