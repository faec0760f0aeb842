//! The bytes of the input that are not used up, and where they stand in it.

use std::io::{self, Read};

use super::error::Position;

/// How much is asked for at a time at least: as much as a pipe holds on Linux.
const CHUNK: usize = 64 * 1024;

/// A window on the input.
pub(super) struct Source<R> {
    input: R,
    buffer: Vec<u8>,
    here: usize,
    filled: usize,
    /// How many bytes of the input came before `buffer`.
    before: u64,
    line: u64,
    /// Where in the input the current line starts.
    line_start: u64,
    at_end: bool,
    failure: Option<io::Error>,
}

/// A place in the input that can be gone to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) line: u64,
    pub(super) line_start: u64,
}

impl Place {
    pub(super) fn position(self) -> Position {
        Position { line: self.line, column: self.offset - self.line_start + 1 }
    }
}

impl<R: Read> Source<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            buffer: Vec::new(),
            here: 0,
            filled: 0,
            before: 0,
            line: 1,
            line_start: 0,
            at_end: false,
            failure: None,
        }
    }

    /// Reads once, behind what is there. `most` bounds what is ever kept, beside the chunk that is read.
    ///
    /// A failure counts as the end of the input until all that was read before it has been handed out.
    pub(super) fn fill(&mut self, most: usize) {
        self.buffer.copy_within(self.here..self.filled, 0);
        self.before += self.here as u64;
        self.filled -= self.here;
        self.here = 0;
        let wanted = self.filled + CHUNK;
        if self.buffer.len() < wanted {
            // Doubling, so that a long value is not copied once a chunk.
            let size = self.buffer.len().saturating_mul(2).min(most.saturating_add(2 * CHUNK)).max(wanted);
            self.buffer.reserve_exact(size - self.buffer.len());
            self.buffer.resize(size, 0);
        }
        let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
        let size = room.len();
        loop {
            match self.input.read(room) {
                Ok(0) => self.at_end = true,
                Ok(read) => self.filled += read.min(size),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.at_end = true;
                    self.failure = Some(error);
                }
            }
            return;
        }
    }
}

impl<R> Source<R> {
    /// What was read and is not used up.
    pub(super) fn rest(&self) -> &[u8] {
        self.buffer.get(self.here..self.filled).unwrap_or_default()
    }

    /// Whether nothing comes behind the [`rest`](Self::rest).
    pub(super) fn at_end(&self) -> bool {
        self.at_end
    }

    /// Why it is the end, where it was not a clean one.
    pub(super) fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    pub(super) fn memory(&self) -> usize {
        self.buffer.capacity()
    }

    pub(super) fn line(&self) -> u64 {
        self.line
    }

    pub(super) fn place(&self) -> Place {
        Place { offset: self.before + self.here as u64, line: self.line, line_start: self.line_start }
    }

    pub(super) fn is_line_start(&self) -> bool {
        self.place().offset == self.line_start
    }

    /// The place so many bytes further.
    pub(super) fn place_at(&self, ahead: usize) -> Place {
        let text = self.rest().get(..ahead).unwrap_or_default();
        let here = self.place();
        Place {
            offset: here.offset + ahead as u64,
            line: here.line + memchr::memchr_iter(b'\n', text).count() as u64,
            line_start: memchr::memrchr(b'\n', text)
                .map_or(here.line_start, |newline| here.offset + newline as u64 + 1),
        }
    }

    /// Goes to a place within the rest.
    pub(super) fn go_to(&mut self, place: Place) {
        let ahead = usize::try_from(place.offset - self.place().offset).unwrap_or(usize::MAX);
        self.skip(ahead);
        self.line = place.line;
        self.line_start = place.line_start;
    }

    /// Uses up bytes among which is no line end, or whose line ends somebody else counts.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.here = self.here.saturating_add(bytes).min(self.filled);
    }

    /// Uses up the bytes up to a line end, and that.
    pub(super) fn skip_line(&mut self, newline: usize) {
        self.skip(newline + 1);
        self.line += 1;
        self.line_start = self.place().offset;
    }

    /// Uses up white space and returns, but does not use up, the byte behind it.
    pub(super) fn skip_space(&mut self) -> Option<u8> {
        loop {
            let byte = *self.rest().first()?;
            match byte {
                b' ' | b'\t' | b'\r' => self.here += 1,
                b'\n' => self.skip_line(0),
                _ => return Some(byte),
            }
        }
    }

    /// Uses up a byte order mark: what follows still starts the line.
    pub(super) fn skip_mark(&mut self, length: usize) {
        if self.is_line_start() {
            self.line_start += length as u64;
        }
        self.skip(length);
    }
}
