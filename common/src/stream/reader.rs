//! The tolerant reader: finds the records in a stream of bytes.

mod opening;

use std::collections::VecDeque;
use std::fmt;
use std::io::Read;
use std::iter::FusedIterator;

use memchr::memmem::Finder;

use super::envelope::{Envelopes, FirstKeys};
use super::error::{Broken, Cause, ReadError};
use super::item::Item;
use super::members::tasks_array;
use super::scan::{MAX_DEPTH, Scan, Scanner};
use super::source::{Place, Source};

/// The longest value that a [`Reader`] takes unless told otherwise, in bytes: 16 MiB.
pub const DEFAULT_LIMIT: usize = 16 << 20;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Reads records from a stream: an iterator over [`Item`]s and errors. The [module](super) says what it takes.
///
/// It never reads ahead of a record that it can hand out, and holds no more than the longest value that it takes.
/// After [`ReadError::Broken`] the stream goes on; [`ReadError::Io`] is the last.
pub struct Reader<R> {
    source: Source<R>,
    limit: usize,
    has_tasks: Finder<'static>,
    envelopes: Envelopes,
    mode: Mode,
    /// The arrays around what comes next, the outermost first.
    frames: Vec<Frame>,
    loose: Loose,
    /// The broken region that may still grow.
    region: Option<Broken>,
    queue: VecDeque<Result<Item, ReadError>>,
}

enum Mode {
    /// Between values.
    Between(Expect),
    /// In a value, of which so much of the rest of the buffer was scanned.
    Value {
        scanner: Scanner,
        first: u8,
        /// It is the first at the start of a line after an error.
        recovered: bool,
        scanned: usize,
        length: usize,
    },
    /// At a `{`, which can be that of an envelope.
    Opening {
        recovered: bool,
    },
    /// Behind the array of an envelope, up to the envelope's end.
    Closing {
        scanner: Scanner,
        /// The line on which the envelope starts.
        line: u64,
        scanned: usize,
        /// More came than is kept.
        too_long: bool,
    },
    /// On the way to a line that starts with `{` or `[`.
    Skip {
        at_line_start: bool,
    },
    /// On the way to the next element of an envelope.
    Resync {
        /// The last byte so far that is no white space.
        previous: u8,
    },
    Ended,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    /// A record or an array, at top level.
    Record,
    /// Behind a `[`.
    ElementOrClose,
    /// Behind the comma of an array.
    Element,
    /// Behind an element.
    CommaOrClose,
}

enum Frame {
    Array {
        line: u64,
    },
    /// The array of an envelope, element by element as it comes.
    Envelope {
        line: u64,
        known: FirstKeys,
    },
    /// The array of a `{"tasks": [...]}` that was read as a whole, and the place behind that object.
    Tasks {
        end: Place,
    },
}

/// What is left of arrays that broke: their commas and brackets may still come, between records at top level.
#[derive(Default)]
struct Loose {
    /// So many `]` may come.
    arrays: usize,
    /// So many `}` may come: those of envelopes.
    objects: usize,
    /// What came since the last record.
    since: Since,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Since {
    #[default]
    Nothing,
    /// The reader found the start of a line after an error.
    Skip,
    /// A comma or a bracket of an array that broke.
    Separator,
}

/// Whether [`Reader::advance`] can go on.
enum Progress {
    Go,
    NeedsInput,
}

impl<R: Read> Reader<R> {
    /// A reader that takes values up to [`DEFAULT_LIMIT`].
    pub fn new(input: R) -> Self {
        Self::with_limit(input, DEFAULT_LIMIT)
    }

    /// A reader that takes values up to `limit` bytes, white space within them included.
    pub fn with_limit(input: R, limit: usize) -> Self {
        Self {
            source: Source::new(input),
            limit,
            has_tasks: Finder::new("\"tasks\""),
            envelopes: Envelopes::default(),
            mode: Mode::Between(Expect::Record),
            frames: Vec::new(),
            loose: Loose::default(),
            region: None,
            queue: VecDeque::new(),
        }
    }

    /// Takes objects without `kind` that have an array of objects under one of `keys` for envelopes, which stand for the
    /// elements of that array: see the [module](super). `firsts` are keys that elements usually start with, by which the
    /// next one is found where the very first of an envelope is broken.
    #[must_use]
    pub fn opening(mut self, keys: &'static [&'static str], firsts: &'static [&'static str]) -> Self {
        self.envelopes = Envelopes::new(keys, firsts);
        self
    }

    /// Whether `next` can answer without reading, that is without waiting. Before a filter waits it should
    /// [flush](super::Writer::flush) what it has written.
    pub fn ready(&mut self) -> bool {
        self.advance();
        !self.queue.is_empty() || matches!(self.mode, Mode::Ended)
    }

    /// How many bytes of memory its buffer takes: at most the limit and a few chunks.
    pub fn memory(&self) -> usize {
        self.source.memory()
    }

    /// Goes on in what was read until there is something to hand out or more has to be read.
    fn advance(&mut self) {
        while self.queue.is_empty() {
            let progress = match self.mode {
                Mode::Between(expect) => self.between(expect),
                Mode::Value { .. } => self.value(),
                Mode::Opening { recovered } => self.envelope(recovered),
                Mode::Closing { .. } => self.closing(),
                Mode::Resync { previous } => self.resync(previous),
                Mode::Skip { at_line_start } => self.skip(at_line_start),
                Mode::Ended => return,
            };
            if matches!(progress, Progress::NeedsInput) {
                return;
            }
        }
    }

    /// Between values: white space, separators, or the start of the next value.
    fn between(&mut self, expect: Expect) -> Progress {
        let Some(byte) = self.source.skip_space() else {
            return if self.source.at_end() { self.end() } else { Progress::NeedsInput };
        };
        match (expect, byte) {
            (Expect::Record, b'{' | b'[') if self.loose.since == Since::Separator && !self.source.is_line_start() => {
                // After a broken array only the start of a line can be trusted.
                self.unexpected("a value at the start of a line, after a broken array")
            }
            (Expect::Record, b'{' | b'[') => {
                if self.loose.since == Since::Nothing {
                    // No comma before it: the array that broke is left behind.
                    self.loose.arrays = 0;
                    self.loose.objects = 0;
                }
                let recovered = self.loose.since == Since::Skip;
                self.loose.since = Since::Nothing;
                if byte == b'[' { self.open_array() } else { self.start_value(byte, recovered) }
            }
            (Expect::Record, b',') if self.loose.arrays > 0 => self.loose_separator(),
            (Expect::Record, b']') if self.loose.arrays > 0 => {
                self.loose.arrays -= 1;
                self.loose_separator()
            }
            (Expect::Record, b'}') if self.loose.objects > 0 => {
                self.loose.objects -= 1;
                self.loose_separator()
            }
            (Expect::Record, 0xEF) => self.byte_order_mark(),
            (Expect::Record, 0xFE | 0xFF) if self.source.place().offset == 0 => {
                self.broken(Cause::Utf16, self.source.line(), false)
            }
            (Expect::ElementOrClose | Expect::CommaOrClose, b']') => self.close_array(),
            (Expect::CommaOrClose, b',') => self.step(Expect::Element),
            (Expect::CommaOrClose, _) => self.unexpected("`,` or `]` after an element of an array"),
            (Expect::ElementOrClose | Expect::Element, b'[') => self.open_array(),
            (_, b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') | (Expect::ElementOrClose | Expect::Element, b'{') => {
                self.start_value(byte, false)
            }
            (Expect::Record, _) => self.unexpected("a JSON object"),
            _ => self.unexpected("a value"),
        }
    }

    fn byte_order_mark(&mut self) -> Progress {
        let rest = self.source.rest();
        if rest.starts_with(BYTE_ORDER_MARK) {
            self.source.skip_mark(BYTE_ORDER_MARK.len());
            Progress::Go
        } else if BYTE_ORDER_MARK.starts_with(rest) && !self.source.at_end() {
            Progress::NeedsInput
        } else {
            self.unexpected("a JSON object")
        }
    }

    fn start_value(&mut self, first: u8, recovered: bool) -> Progress {
        if first == b'{' && !self.envelopes.is_empty() {
            self.mode = Mode::Opening { recovered };
            return Progress::Go;
        }
        self.start_scan(first, recovered)
    }

    fn start_scan(&mut self, first: u8, recovered: bool) -> Progress {
        self.mode = Mode::Value { scanner: Scanner::new(), first, recovered, scanned: 0, length: 0 };
        Progress::Go
    }

    fn open_array(&mut self) -> Progress {
        self.open(Frame::Array { line: self.source.line() })
    }

    /// Goes into the array here.
    fn open(&mut self, frame: Frame) -> Progress {
        if self.frames.len() >= MAX_DEPTH as usize {
            let at = self.source.place().position();
            return self.broken(Cause::TooDeep { at }, self.source.line(), false);
        }
        self.frames.push(frame);
        self.step(Expect::ElementOrClose)
    }

    fn close_array(&mut self) -> Progress {
        match self.frames.pop() {
            Some(Frame::Tasks { end }) => self.source.go_to(end),
            Some(Frame::Envelope { line, .. }) => {
                self.source.skip(1);
                let scanner = Scanner::behind_member();
                self.mode = Mode::Closing { scanner, line, scanned: 0, too_long: false };
                return Progress::Go;
            }
            Some(Frame::Array { .. }) | None => self.source.skip(1),
        }
        self.after_value()
    }

    fn loose_separator(&mut self) -> Progress {
        self.loose.since = Since::Separator;
        self.step(Expect::Record)
    }

    /// Uses up one byte.
    fn step(&mut self, expect: Expect) -> Progress {
        self.source.skip(1);
        self.mode = Mode::Between(expect);
        Progress::Go
    }

    fn after_value(&mut self) -> Progress {
        self.mode = Mode::Between(if self.frames.is_empty() { Expect::Record } else { Expect::CommaOrClose });
        Progress::Go
    }

    /// Scans what has arrived of a value.
    fn value(&mut self) -> Progress {
        let Mode::Value { scanner, first, recovered, scanned, length } = &mut self.mode else { return Progress::Go };
        let at_end = self.source.at_end();
        let unseen = self.source.rest().get(*scanned..).unwrap_or_default();
        let scan = match scanner.feed(unseen) {
            Scan::More if at_end && scanner.is_complete_at_end() => Scan::Done(unseen.len()),
            scan => scan,
        };
        let used = match scan {
            Scan::More => unseen.len(),
            Scan::Done(used) | Scan::Broken { at: used, .. } | Scan::TooDeep { at: used } => used,
        };
        *scanned += used;
        *length += used;
        let too_long = *length > self.limit;
        if too_long {
            // Whatever it is: follow it to its end, but do not keep it.
            self.source.skip(*scanned);
            *scanned = 0;
        }
        let (first, recovered, length) = (*first, *recovered, *length);
        // The source's line is that of the value's first byte until it goes to `end`.
        let here = self.source.place();
        let start = if too_long { here.offset - length as u64 } else { here.offset };
        let line_start = if scanner.newlines() == 0 { here.line_start } else { start + scanner.line_offset() };
        let end = Place { offset: start + length as u64, line: here.line + scanner.newlines(), line_start };

        match scan {
            Scan::More if !at_end => Progress::NeedsInput,
            _ if too_long => {
                self.source.go_to(end);
                let cause = Cause::TooLong { limit: self.limit };
                if matches!(scan, Scan::Done(_)) {
                    return self.no_record(cause, here.line, first);
                }
                let at_line_start = self.source.is_line_start();
                // What was looked at is gone.
                self.mode = Mode::Skip { at_line_start };
                self.broken(cause, here.line, at_line_start)
            }
            Scan::Done(_) if recovered && self.ends_indented(end) => {
                // A `{` too much at the start of an indented line makes a fragment look like a record, but a fragment
                // still ends as it did: this is more of the broken region.
                self.mode = Mode::Skip { at_line_start: false };
                Progress::Go
            }
            Scan::Done(_) => self.complete(first, length, end),
            Scan::More => self.broken(Cause::Unfinished, here.line, false),
            Scan::TooDeep { .. } => self.broken(Cause::TooDeep { at: end.position() }, here.line, false),
            Scan::Broken { .. } if first != b'{' && self.frames.is_empty() => self.unexpected("a JSON object"),
            Scan::Broken { expected, .. } => {
                let found = self.source.rest().get(length).copied().unwrap_or_default();
                let cause = if end.offset == end.line_start && matches!(found, b'{' | b'[') {
                    Cause::CutOff
                } else {
                    Cause::Syntax { expected, found, at: end.position() }
                };
                self.broken(cause, here.line, false)
            }
        }
    }

    /// Whether the value here ends on another line than it starts, and that line is indented.
    fn ends_indented(&self, end: Place) -> bool {
        let last_line = end.line_start.saturating_sub(self.source.place().offset);
        let first = usize::try_from(last_line).ok().and_then(|at| self.source.rest().get(at));
        last_line > 0 && matches!(first, Some(b' ' | b'\t'))
    }

    /// A whole value of `length` bytes, which ends at `end`.
    fn complete(&mut self, first: u8, length: usize, end: Place) -> Progress {
        let line = self.source.line();
        let bytes = self.source.rest().get(..length).unwrap_or_default();
        if first != b'{' {
            let found = match first {
                b'"' => "a string",
                b't' | b'f' => "a boolean",
                b'n' => "null",
                _ => "a number",
            };
            self.source.go_to(end);
            return self.no_record(Cause::NotAnObject { found }, line, first);
        }
        if self.has_tasks.find(bytes).is_some()
            && let Some(array) = tasks_array(bytes)
        {
            // Its elements are read again from the buffer, one by one, like those of an array at top level.
            self.source.go_to(self.source.place_at(array));
            self.frames.push(Frame::Tasks { end });
            return self.step(Expect::ElementOrClose);
        }
        if !self.envelopes.is_empty()
            && let Some(array) = self.envelopes.array(bytes, false)
        {
            return self.open_envelope(line, array);
        }
        if let Some(Frame::Envelope { known, .. }) = self.frames.last_mut() {
            known.learn(bytes);
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => {
                let text = text.to_owned();
                self.queue_region();
                self.queue.push_back(Ok(Item { line, text }));
                self.source.go_to(end);
                self.after_value()
            }
            Err(error) => {
                let at = self.source.place_at(error.valid_up_to()).position();
                self.source.go_to(end);
                self.no_record(Cause::NotUtf8 { at }, line, first)
            }
        }
    }

    /// Behind a value that is no record but whose end is known. A scalar at top level is garbage like any other.
    fn no_record(&mut self, cause: Cause, first_line: u64, first: u8) -> Progress {
        if self.frames.is_empty() && first != b'{' {
            return self.broken(cause, first_line, false);
        }
        self.report(cause, first_line);
        self.after_value()
    }

    /// The next byte cannot stand here.
    fn unexpected(&mut self, expected: &'static str) -> Progress {
        let found = self.source.rest().first().copied().unwrap_or_default();
        let at = self.source.place().position();
        self.broken(Cause::Syntax { expected, found, at }, self.source.line(), self.source.is_line_start())
    }

    /// Gives up what is here, and the arrays around it; goes on at a line that can be trusted.
    fn broken(&mut self, cause: Cause, first_line: u64, at_line_start: bool) -> Progress {
        // The parts of an object that was well-formed are no lines of their own.
        let tasks = self.frames.iter().enumerate().find_map(|(index, frame)| match frame {
            Frame::Tasks { end } => Some((index, *end)),
            Frame::Array { .. } | Frame::Envelope { .. } => None,
        });
        if let Some((index, end)) = tasks {
            self.source.go_to(end);
            self.frames.truncate(index);
        }
        self.report(cause, first_line);
        if let Some(envelope) = self.frames.iter().rposition(|frame| matches!(frame, Frame::Envelope { .. })) {
            self.frames.truncate(envelope + 1);
            return self.start_resync(tasks.is_some());
        }
        self.leave();
        self.mode = Mode::Skip { at_line_start };
        Progress::Go
    }

    /// Gives up the arrays around what is here.
    fn leave(&mut self) {
        let envelopes = self.frames.iter().filter(|frame| matches!(frame, Frame::Envelope { .. })).count();
        self.loose.arrays = self.loose.arrays.saturating_add(self.frames.len());
        self.loose.objects = self.loose.objects.saturating_add(envelopes);
        self.loose.since = Since::Skip;
        self.frames.clear();
    }

    /// Notes an error that reaches from `first` to the current line. What adjoins the error before it is part of it.
    fn report(&mut self, cause: Cause, first: u64) {
        // At the start of a line nothing of that line has been used up.
        let line = self.source.line();
        let last = if self.source.is_line_start() { line - 1 } else { line }.max(first);
        match &mut self.region {
            Some(region) => region.last = region.last.max(last),
            None => self.region = Some(Broken { first, last, cause }),
        }
    }

    fn queue_region(&mut self) {
        if let Some(region) = self.region.take() {
            self.queue.push_back(Err(region.into()));
        }
    }

    /// Looks for a line whose first byte is `{` or `[`.
    fn skip(&mut self, mut at_line_start: bool) -> Progress {
        loop {
            if at_line_start && matches!(self.source.rest().first(), Some(b'{' | b'[')) {
                self.loose.since = Since::Skip;
                self.mode = Mode::Between(Expect::Record);
                return Progress::Go;
            }
            let rest = self.source.rest();
            let newline = memchr::memchr(b'\n', rest);
            let skipped = rest.get(..newline.unwrap_or(rest.len())).unwrap_or_default();
            if !skipped.trim_ascii().is_empty()
                && let Some(region) = &mut self.region
            {
                region.last = region.last.max(self.source.line());
            }
            if let Some(newline) = newline {
                self.source.skip_line(newline);
                at_line_start = true;
                continue;
            }
            at_line_start &= rest.is_empty();
            self.source.skip(rest.len());
            self.mode = Mode::Skip { at_line_start };
            return if self.source.at_end() { self.end() } else { Progress::NeedsInput };
        }
    }

    /// Nothing is left to read.
    fn end(&mut self) -> Progress {
        self.queue_region();
        if let Some(&Frame::Array { line } | &Frame::Envelope { line, .. }) = self.frames.first() {
            self.queue.push_back(Err(Broken { first: line, last: line, cause: Cause::ArrayNotClosed }.into()));
        }
        if let Some(source) = self.source.take_failure() {
            self.queue.push_back(Err(ReadError::Io { line: self.source.line(), source }));
        }
        self.mode = Mode::Ended;
        Progress::NeedsInput
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Item, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.advance();
            if let Some(next) = self.queue.pop_front() {
                return Some(next);
            }
            if matches!(self.mode, Mode::Ended) {
                return None;
            }
            self.source.fill(self.limit);
        }
    }
}

impl<R: Read> FusedIterator for Reader<R> {}

impl<R> fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("line", &self.source.line()).field("limit", &self.limit).finish_non_exhaustive()
    }
}
