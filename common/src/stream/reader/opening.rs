//! Envelopes: into them, out of them, and on in them where one of their elements is broken.

use std::io::Read;

use super::super::envelope::Start;
use super::super::error::Cause;
use super::super::scan::Scan;
use super::{Expect, Frame, Mode, Progress, Reader};

impl<R: Read> Reader<R> {
    /// Whether the object here is an envelope is seen as soon as its first element starts.
    pub(super) fn envelope(&mut self, recovered: bool) -> Progress {
        match self.envelopes.start(self.source.rest()) {
            Start::Unknown if !self.source.at_end() => Progress::NeedsInput,
            Start::Unknown | Start::Other => self.start_scan(b'{', recovered),
            Start::Envelope(elements) => self.open_envelope(self.source.line(), elements - 1),
        }
    }

    /// Goes into an envelope that starts on `line` and whose array starts so many bytes ahead.
    pub(super) fn open_envelope(&mut self, line: u64, array: usize) -> Progress {
        self.source.go_to(self.source.place_at(array));
        self.open(Frame::Envelope { line, known: self.envelopes.first_keys() })
    }

    /// What else is in an envelope: dropped, but for more arrays that are handed out.
    pub(super) fn closing(&mut self) -> Progress {
        let Mode::Closing { scanner, line, scanned, too_long } = &mut self.mode else { return Progress::Go };
        let unseen = self.source.rest().get(*scanned..).unwrap_or_default();
        let scan = scanner.feed(unseen);
        *scanned += match scan {
            Scan::More => unseen.len(),
            Scan::Done(used) | Scan::Broken { at: used, .. } | Scan::TooDeep { at: used } => used,
        };
        let (first_line, used) = (*line, *scanned);
        if matches!(scan, Scan::Done(_)) && !*too_long {
            let members = self.source.rest().get(..used).unwrap_or_default();
            if let Some(array) = self.envelopes.array(members, true) {
                return self.open_envelope(first_line, array);
            }
        }
        if matches!(scan, Scan::More) && !self.source.at_end() {
            if used > self.limit {
                *too_long = true;
                *scanned = 0;
                self.source.go_to(self.source.place_at(used));
            }
            return Progress::NeedsInput;
        }
        let was_too_long = *too_long;
        self.source.go_to(self.source.place_at(used));
        match scan {
            Scan::Done(_) => {
                if was_too_long {
                    self.report(Cause::TooLong { limit: self.limit }, first_line);
                }
                self.after_value()
            }
            Scan::More => self.broken(Cause::Unfinished, first_line, false),
            Scan::TooDeep { .. } => {
                let at = self.source.place().position();
                self.broken(Cause::TooDeep { at }, self.source.line(), false)
            }
            Scan::Broken { expected, .. } => self.unexpected(expected),
        }
    }

    /// An element of an envelope is broken: the next one is looked for.
    pub(super) fn start_resync(&mut self, is_behind: bool) -> Progress {
        let in_value = matches!(self.mode, Mode::Value { .. }) && !is_behind;
        let rest = self.source.rest();
        if let (true, Some(Frame::Envelope { known, .. })) = (in_value, self.frames.last_mut()) {
            known.guess(rest);
        }
        if in_value && rest.first() == Some(&b'{') {
            // Not this one again.
            self.source.skip(1);
        }
        self.mode = Mode::Resync { previous: b',' };
        Progress::Go
    }

    /// Looks for an object that starts with a key that elements of this envelope start with, and that is no member's
    /// value; or for a line whose first byte is `{` or `[`, which ends the envelope.
    pub(super) fn resync(&mut self, mut previous: u8) -> Progress {
        loop {
            let rest = self.source.rest();
            let Some(at) = memchr::memchr2(b'{', b'[', rest) else {
                self.pass(rest.len(), &mut previous);
                self.mode = Mode::Resync { previous };
                if self.source.at_end() {
                    // Somewhere in there it was closed, or not.
                    self.frames.clear();
                    return self.end();
                }
                return Progress::NeedsInput;
            };
            self.pass(at, &mut previous);
            let rest = self.source.rest();
            let starts = match self.frames.last() {
                Some(Frame::Envelope { known, .. }) if rest.first() == Some(&b'{') => known.start(rest),
                _ => Some(false),
            };
            match starts {
                None if !self.source.at_end() => {
                    self.mode = Mode::Resync { previous };
                    return Progress::NeedsInput;
                }
                Some(true) if previous != b':' => {
                    self.mode = Mode::Between(Expect::Element);
                    return Progress::Go;
                }
                _ if self.source.is_line_start() => {
                    self.leave();
                    self.mode = Mode::Between(Expect::Record);
                    return Progress::Go;
                }
                _ => self.pass(1, &mut previous),
            }
        }
    }

    /// Leaves bytes behind as a part of the broken region.
    fn pass(&mut self, bytes: usize, previous: &mut u8) {
        let passed = self.source.rest().get(..bytes).unwrap_or_default();
        let Some(last) = passed.iter().rposition(|byte| !byte.is_ascii_whitespace()) else {
            return self.source.go_to(self.source.place_at(bytes));
        };
        *previous = passed.get(last).copied().unwrap_or_default();
        self.source.go_to(self.source.place_at(last));
        if let Some(region) = &mut self.region {
            region.last = region.last.max(self.source.line());
        }
        self.source.go_to(self.source.place_at(bytes - last));
    }
}
