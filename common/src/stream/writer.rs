//! NDJSON on its way out.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, BufWriter, Write};

use serde::Serialize;

use super::item::{Item, compact};

/// How much is gathered before it is written: as much as a pipe holds on Linux.
const BUFFER: usize = 64 * 1024;

/// Writes records, one JSON object a line.
///
/// Lines are gathered, and nothing but [`flush`](Self::flush) makes sure that they are out. So that the next tool sees
/// each record promptly while a fast stream does not cost a system call a record, a filter flushes whenever it is about
/// to wait: before it reads on when [`Reader::ready`](super::Reader::ready) is false, after each record when making one
/// takes a call to AWS, and at the end. Dropping the writer flushes as well, but nobody hears of an error then.
///
/// An error that [`is_broken_pipe`] means that nobody reads any more (`| head`).
pub struct Writer<W: Write> {
    out: BufWriter<W>,
    line: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// A writer of records to `out`.
    pub fn new(out: W) -> Self {
        Self { out: BufWriter::with_capacity(BUFFER, out), line: Vec::new() }
    }

    /// Writes `record` as one line. A record that cannot be serialized leaves no half line behind; its error is of the
    /// kind [`io::ErrorKind::InvalidData`].
    pub fn write<T: Serialize + ?Sized>(&mut self, record: &T) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, record)?;
        // serde_json prints no line ends of its own, but a raw value from a pretty-printed record brings some.
        if memchr::memchr2(b'\n', b'\r', &self.line).is_some() {
            let text = std::str::from_utf8(&self.line).map_err(io::Error::other)?;
            if let Cow::Owned(compact) = compact(text) {
                self.line = compact.into_bytes();
            }
        }
        self.line.push(b'\n');
        self.out.write_all(&self.line)
    }

    /// Writes a record that this tool does not consume as it came, but on one line.
    pub fn pass_on(&mut self, item: &Item) -> io::Result<()> {
        self.out.write_all(compact(&item.text).as_bytes())?;
        self.out.write_all(b"\n")
    }

    /// Sends off what was gathered.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// What the records were written to, after a flush.
    pub fn into_inner(self) -> io::Result<W> {
        self.out.into_inner().map_err(io::IntoInnerError::into_error)
    }
}

impl<W: Write> fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("gathered", &self.out.buffer().len()).finish_non_exhaustive()
    }
}

/// Whether an error only says that the reader of our output has gone, as `head` does: a quiet end, not a failure.
pub fn is_broken_pipe(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}
