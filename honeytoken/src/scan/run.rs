//! A run of letters, digits, `/` and `+`: ids and secrets are parts of one.

use std::str;

use zeroize::Zeroizing;

use super::{Found, SECRET, WIDE};
use crate::key_id::{self, has_prefix};

/// How long a run is at most in which secrets are looked for, whether it stands on one line or was wrapped: what goes on for
/// longer is a coded file, and forty characters anywhere in it could be one.
const LONGEST: usize = 512;

/// An id with the character before it.
const KEPT: usize = key_id::LENGTH + 1;

/// The run that is being read.
pub(super) struct Run {
    bytes: Zeroizing<Vec<u8>>,
    /// The line on which each part starts, and where in `bytes` that is.
    lines: Vec<(usize, u64)>,
    /// Whether only what spans lines is told: the rest is known already.
    only_joined: bool,
    /// Some of it is gone: it was too long.
    cut: bool,
    /// Ids that end here or before are known already.
    searched: usize,
    /// A line ended since the last character.
    joining: bool,
}

impl Run {
    pub(super) fn new(only_joined: bool) -> Self {
        let bytes = Zeroizing::new(Vec::with_capacity(LONGEST));
        Self { bytes, lines: Vec::new(), only_joined, cut: false, searched: 0, joining: false }
    }

    /// Goes on with a character on that line.
    pub(super) fn push(&mut self, byte: u8, line: u64, found: &mut impl FnMut(Found<'_>, u64)) {
        if self.bytes.len() >= LONGEST {
            self.shorten(found);
        }
        if self.bytes.is_empty() || self.joining {
            self.lines.push((self.bytes.len(), line));
            self.joining = false;
        }
        self.bytes.push(byte);
    }

    /// Goes on behind the end of a line.
    pub(super) fn join(&mut self) {
        self.joining = true;
    }

    /// Whether it is a line of that coded file that `joined` has become, which has the same lines joined.
    pub(super) fn is_coded(&self, joined: &Self) -> bool {
        // What is shorter need not belong to it, and costs little.
        joined.cut && self.bytes.len() >= WIDE
    }

    /// Ends it, and tells what was in it: no secrets in what is coded.
    pub(super) fn end(&mut self, is_coded: bool, found: &mut impl FnMut(Found<'_>, u64)) {
        if self.bytes.len() >= key_id::LENGTH {
            self.ids(true, found);
            if !self.cut && !is_coded && self.bytes.len() >= SECRET {
                self.candidates(found);
            }
        }
        self.bytes.clear();
        self.lines.clear();
        (self.cut, self.searched, self.joining) = (false, 0, false);
    }

    /// Lets go of what can be no part of an id any more.
    fn shorten(&mut self, found: &mut impl FnMut(Found<'_>, u64)) {
        self.ids(false, found);
        let gone = self.bytes.len() - KEPT;
        let line = self.line(gone);
        self.bytes.drain(..gone);
        self.lines.retain_mut(|(place, _)| {
            let kept = *place > gone;
            *place = place.saturating_sub(gone);
            kept
        });
        self.lines.insert(0, (0, line));
        self.searched = self.bytes.len() - 1;
        self.cut = true;
    }

    /// Tells the ids; where more may come, not one that ends with the last character: it could go on.
    fn ids(&self, at_end: bool, found: &mut impl FnMut(Found<'_>, u64)) {
        let last = self.bytes.len() - usize::from(!at_end);
        for start in memchr::memchr_iter(b'A', &self.bytes) {
            let end = start + key_id::LENGTH;
            if end > last || end <= self.searched {
                continue;
            }
            let before = start.checked_sub(1).and_then(|before| self.bytes.get(before));
            let alone = |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric());
            let Some(id) = self.bytes.get(start..end).filter(|_| alone(before) && alone(self.bytes.get(end))) else {
                continue;
            };
            if has_prefix(id) && id.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
                self.tell(start, id, Found::Id, found);
            }
        }
    }

    fn candidates(&self, found: &mut impl FnMut(Found<'_>, u64)) {
        for (start, window) in self.bytes.windows(SECRET).enumerate() {
            self.tell(start, window, Found::Candidate, found);
        }
    }

    fn tell<'a>(
        &self,
        start: usize,
        bytes: &'a [u8],
        what: impl FnOnce(&'a str) -> Found<'a>,
        found: &mut impl FnMut(Found<'_>, u64),
    ) {
        // A line that starts within is one that was joined.
        let spans = self.lines.iter().any(|(place, _)| (start + 1..start + bytes.len()).contains(place));
        if let Ok(text) = str::from_utf8(bytes)
            && (spans || !self.only_joined)
        {
            found(what(text), self.line(start));
        }
    }

    /// The line of a place.
    fn line(&self, place: usize) -> u64 {
        self.lines.iter().rev().find(|(start, _)| *start <= place).map_or(1, |(_, line)| *line)
    }
}
