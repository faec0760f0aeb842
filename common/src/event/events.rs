//! What comes in, taken apart.

use std::collections::VecDeque;
use std::fmt;
use std::io::{Cursor, Read};
use std::iter::FusedIterator;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem::Finder;

use super::shape::{Shape, shape};
use super::unpack::Unpack;
use super::{Found, What};
use crate::stream::{Broken, Cause, Item, ReadError, Reader, is_object};

/// The arrays that are handed out element by element: of CloudTrail's files and of what Lambda gets, of `LookupEvents`, of
/// `aws sqs receive-message`, of CloudWatch Logs.
const ENVELOPES: &[&str] = &["Records", "Events", "Messages", "logEvents"];

/// What their elements start with.
const FIRSTS: &[&str] = &["eventVersion", "EventId", "EventSource", "messageId", "MessageId"];

/// How many wrappings are taken off one thing. AWS makes four: a record in EventBridge's envelope, through SNS and SQS, as
/// Lambda gets it.
const MOST_WRAPPINGS: usize = 16;

/// What comes in, one by one: an iterator. Gzip is unpacked where the input begins as such. It never reads ahead of what it
/// can hand out, and holds no more than one value (for each wrapping of it).
///
/// After [`ReadError::Broken`] it goes on; [`ReadError::Io`] is the last. Damaged gzip is an [`ReadError::Io`] which comes
/// when all that could be unpacked was handed out.
pub struct Events<R> {
    reader: Reader<Unpack<R>>,
    inside: Inside,
}

/// What is left of the value that was read last.
struct Inside {
    /// Texts in it of which more is to come, the innermost last.
    texts: Vec<Wrapped>,
    queue: VecDeque<Result<Found, Broken>>,
    /// The keys by which a text needs a reader, even if it is a single object.
    opened: Vec<Finder<'static>>,
}

/// A text that was wrapped in something.
struct Wrapped {
    reader: Reader<Unpack<Cursor<Vec<u8>>>>,
    what: &'static str,
    line: u64,
    /// How many wrappings are around it.
    depth: usize,
    /// Nothing was in it so far.
    is_empty: bool,
}

impl<R: Read> Events<R> {
    /// What an input holds.
    pub fn new(input: R) -> Self {
        Self { reader: reader(input), inside: Inside::new() }
    }

    /// Whether `next` can answer without waiting for more input.
    pub fn ready(&mut self) -> bool {
        self.inside.advance();
        !self.inside.queue.is_empty() || self.reader.ready()
    }

    /// How many bytes of memory the values at hand take: a few, plus at most the limit of each reader.
    pub fn memory(&self) -> usize {
        self.reader.memory() + self.inside.texts.iter().map(|text| text.reader.memory()).sum::<usize>()
    }
}

impl<R: Read> Iterator for Events<R> {
    type Item = Result<Found, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(found) = self.inside.next() {
                return Some(found.map_err(ReadError::from));
            }
            match self.reader.next()? {
                Ok(item) => self.inside.open(item, 0),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl<R: Read> FusedIterator for Events<R> {}

/// What one text holds, such as the body of a message. There is always something: a text without anything in it is
/// [`What::Nothing`].
pub fn found_in(text: &str) -> Vec<Result<Found, Broken>> {
    let mut inside = Inside::new();
    inside.read(text, "", 1, 0);
    std::iter::from_fn(|| inside.next()).collect()
}

fn reader<R: Read>(input: R) -> Reader<Unpack<R>> {
    Reader::new(Unpack::new(input)).opening(ENVELOPES, FIRSTS)
}

impl Inside {
    fn new() -> Self {
        let opened = ENVELOPES.iter().copied().chain(["\"tasks\"", "\\u00"]).map(Finder::new).collect();
        Self { texts: Vec::new(), queue: VecDeque::new(), opened }
    }

    fn next(&mut self) -> Option<Result<Found, Broken>> {
        self.advance();
        self.queue.pop_front()
    }

    /// Goes on until there is something to hand out or nothing is left.
    fn advance(&mut self) {
        while self.queue.is_empty()
            && let Some(text) = self.texts.last_mut()
        {
            let (line, depth, what) = (text.line, text.depth, text.what);
            let Some(next) = text.reader.next() else {
                let was_empty = text.is_empty;
                self.texts.pop();
                if was_empty {
                    self.queue.push_back(Ok(Found { line, wrapped: true, what: What::Nothing("an empty message") }));
                }
                continue;
            };
            text.is_empty = false;
            match next {
                // The text that came by itself has lines of its own.
                Ok(item) if what.is_empty() => self.open(item, depth),
                Ok(item) => self.open(Item { line, ..item }, depth),
                Err(error) => self.queue.push_back(Err(inside(what, line, error))),
            }
        }
    }

    /// Takes an object apart, with so many wrappings around it.
    fn open(&mut self, mut item: Item, mut depth: usize) {
        let line = item.line;
        loop {
            let what = match shape(&item) {
                Shape::Record => What::Record(item),
                Shape::Health => What::Health(item),
                Shape::Other => What::Other(item),
                Shape::These(these) => {
                    self.queue.extend(these.into_iter().map(|what| Ok(Found { line, wrapped: depth > 0, what })));
                    return;
                }
                Shape::Object(object) => {
                    depth += 1;
                    if depth > MOST_WRAPPINGS {
                        return self.give_up(line);
                    }
                    item = Item { line, text: object.get().to_owned() };
                    continue;
                }
                Shape::Text(text, what) => return self.read(&text, what, line, depth + 1),
                Shape::Packed(data, what) => return self.unpack(&data, what, line, depth + 1),
            };
            self.queue.push_back(Ok(Found { line, wrapped: depth > 0, what }));
            return;
        }
    }

    /// Reads a text that was wrapped.
    fn read(&mut self, text: &str, what: &'static str, line: u64, depth: usize) {
        if depth > MOST_WRAPPINGS {
            return self.give_up(line);
        }
        let text = text.trim();
        if text == "CloudTrail validation message." {
            let what = What::Nothing("CloudTrail's test of an SNS topic");
            self.queue.push_back(Ok(Found { line, wrapped: depth > 0, what }));
            return;
        }
        // A single object, as nearly all texts are, does without a reader and its buffer.
        let needs_reader = self.opened.iter().any(|key| key.find(text.as_bytes()).is_some());
        if !needs_reader && is_object(text) {
            return self.open(Item { line, text: text.to_owned() }, depth);
        }
        self.push(text.as_bytes().to_owned(), what, line, depth);
    }

    fn unpack(&mut self, data: &str, what: &'static str, line: u64, depth: usize) {
        if depth > MOST_WRAPPINGS {
            return self.give_up(line);
        }
        match STANDARD.decode(data.trim()) {
            Ok(bytes) => self.push(bytes, what, line, depth),
            Err(error) => {
                let cause = Cause::Packed { what, reason: format!("not base64: {error}") };
                self.queue.push_back(Err(Broken { first: line, last: line, cause }));
            }
        }
    }

    fn push(&mut self, bytes: Vec<u8>, what: &'static str, line: u64, depth: usize) {
        self.texts.push(Wrapped { reader: reader(Cursor::new(bytes)), what, line, depth, is_empty: true });
    }

    fn give_up(&mut self, line: u64) {
        let cause = Cause::TooManyWrappings { most: MOST_WRAPPINGS };
        self.queue.push_back(Err(Broken { first: line, last: line, cause }));
    }
}

/// An error in a text that was wrapped, as one of the input's.
fn inside(what: &'static str, line: u64, error: ReadError) -> Broken {
    let cause = match error {
        // These are the input's own lines.
        ReadError::Broken(broken) if what.is_empty() => return broken,
        ReadError::Broken(broken) => Cause::Inside { what, broken: Box::new(broken) },
        // Memory does not fail: it is the packing.
        ReadError::Io { source, .. } => Cause::Packed { what, reason: source.to_string() },
    };
    Broken { first: line, last: line, cause }
}

impl<R> fmt::Debug for Events<R> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Events").finish_non_exhaustive()
    }
}
