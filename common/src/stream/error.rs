//! What can be wrong with an input, in words.

use std::fmt;
use std::io;

use super::scan::MAX_DEPTH;

/// Why [`Reader`](super::Reader) has no record to give at this point.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A part of the input is no record. It was skipped, and the stream goes on.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// The input cannot be read any further. This is the last that the reader returns.
    #[error("cannot read the input beyond line {line}: {source}")]
    Io {
        /// The line that was being read, from 1.
        line: u64,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Lines of the input that are no record, and why.
///
/// Its text is what a person has to read: `line 4: ...` or `lines 4-210: ...`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The first line, from 1.
    pub first: u64,
    /// The last line; the same as `first` for a single one.
    pub last: u64,
    /// What was wrong first.
    pub cause: Cause,
}

/// A place in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// From 1.
    pub line: u64,
    /// In bytes, from 1.
    pub column: u64,
}

/// What is wrong with a part of the input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// Not JSON, or not here: garbage, a stray `]`, a missing comma.
    #[error("expected {expected}, found {}", name(*found))]
    Syntax {
        /// What could have stood there.
        expected: &'static str,
        /// The first byte that cannot stand there.
        found: u8,
        /// Where it stands.
        at: Position,
    },
    /// Another value starts a line before this one has ended: half a line, or a file that was cut off before another.
    #[error("cut off: a new value starts before this one ends")]
    CutOff,
    /// The input ends before the value does.
    #[error("the input ends inside this value")]
    Unfinished,
    /// An array at top level has no `]`. Its elements came out.
    #[error("the array that starts here is never closed")]
    ArrayNotClosed,
    /// JSON, but no object.
    #[error("a record is a JSON object, this is {found}")]
    NotAnObject {
        /// `a number`, `a string`, `a boolean` or `null`.
        found: &'static str,
    },
    /// The value holds bytes that are no UTF-8.
    #[error("not UTF-8")]
    NotUtf8 {
        /// The first such byte.
        at: Position,
    },
    /// The input starts with the byte order mark of UTF-16 (`PowerShell` writes it).
    #[error("the input is UTF-16: convert it to UTF-8 first, for instance with `iconv -f UTF-16 -t UTF-8`")]
    Utf16,
    /// The value is longer than the reader's limit.
    #[error("longer than {}", size(*limit))]
    TooLong {
        /// In bytes.
        limit: usize,
    },
    /// The value is nested deeper than `serde_json` reads.
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep {
        /// The `{` or `[` that is too much.
        at: Position,
    },
    /// What this value wraps, such as the body of a message, is broken.
    #[error("in {what}: {broken}")]
    Inside {
        /// What it is, such as `the body of an SQS message`.
        what: &'static str,
        /// What is wrong in it. Its lines and columns are those of the text that was wrapped.
        broken: Box<Broken>,
    },
    /// It is wrapped in too many others: messages in messages in messages.
    #[error("wrapped more than {most} times")]
    TooManyWrappings {
        /// So many are taken off.
        most: usize,
    },
    /// What this value wraps cannot be unpacked.
    #[error("in {what}: {reason}")]
    Packed {
        /// What it is.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// JSON, but not the record that was asked for: a field is missing or of another type.
    #[error("{message}")]
    Shape {
        /// As serde says it.
        message: String,
        /// The line that serde had reached.
        line: u64,
    },
}

impl std::error::Error for Broken {}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last, cause } = self;
        let one_line = first == last;
        if one_line {
            write!(f, "line {first}: {cause}")?;
        } else {
            write!(f, "lines {first}-{last}: {cause}")?;
        }
        match cause {
            Cause::Syntax { at, .. } | Cause::NotUtf8 { at } | Cause::TooDeep { at }
                if one_line && at.line == *first =>
            {
                write!(f, " (column {})", at.column)
            }
            Cause::Syntax { at, .. } | Cause::NotUtf8 { at } | Cause::TooDeep { at } => {
                write!(f, " (line {}, column {})", at.line, at.column)
            }
            Cause::Shape { line, .. } if !one_line => write!(f, " (line {line})"),
            _ => Ok(()),
        }
    }
}

/// A byte as a person would name it.
fn name(byte: u8) -> String {
    match byte {
        b'\n' | b'\r' => "the end of the line".to_owned(),
        b'`' => "a backtick".to_owned(),
        b' '..=b'~' => format!("`{}`", char::from(byte)),
        _ => format!("byte 0x{byte:02x}"),
    }
}

fn size(bytes: usize) -> String {
    const MIB: usize = 1 << 20;
    if bytes >= MIB && bytes.is_multiple_of(MIB) { format!("{} MiB", bytes / MIB) } else { format!("{bytes} bytes") }
}
