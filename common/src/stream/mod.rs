//! The JSON streams between the tools: a tolerant [`Reader`] and an NDJSON [`Writer`].
//!
//! A filter reads whatever people pipe into it, does its work record by record and writes one record a line:
//!
//! ```
//! use common::stream::{ReadError, Reader, Writer};
//!
//! # fn main() -> std::io::Result<()> {
//! let input: &[u8] = b"{\"kind\":\"scope\"}\nnot JSON\n[{\"kind\":\"finding\"}]";
//! let mut reader = Reader::new(input);
//! let mut out = Writer::new(Vec::new());
//! let mut complaints = Vec::new();
//! loop {
//!     // What was written goes out before we wait for more input: see `Writer`.
//!     if !reader.ready() {
//!         out.flush()?;
//!     }
//!     match reader.next() {
//!         Some(Ok(item)) => out.pass_on(&item)?,
//!         Some(Err(ReadError::Broken(broken))) => complaints.push(broken.to_string()), // and exit 3 in the end
//!         Some(Err(ReadError::Io { source, .. })) => return Err(source),
//!         None => break,
//!     }
//! }
//! out.flush()?;
//! assert_eq!(out.into_inner()?, b"{\"kind\":\"scope\"}\n{\"kind\":\"finding\"}\n");
//! assert_eq!(complaints, ["line 2: expected a JSON object, found `n` (column 1)"]);
//! # Ok(())
//! # }
//! ```
//!
//! # What the reader takes
//!
//! Any stream of JSON objects, because people edit it by hand: one a line, pretty-printed, concatenated, CR LF, with
//! a byte order mark, without a final newline. Arrays at top level are streamed element by element and never held in
//! memory; arrays in them likewise. An object without `kind` that has one array `tasks` (the original framework's
//! message) stands for the elements of that array; its other members are dropped.
//!
//! A reader that is [told to](Reader::opening) opens other people's envelopes, such as CloudTrail's `{"Records": [...]}`,
//! likewise. Where the array is the first member, it is streamed like one at top level, and may be as long as it likes.
//! Such an array can hold other objects only: `{"Events": ["s3:*"]}` is an object like any other.
//!
//! # What it does with the rest
//!
//! Whatever is not a record is reported as a [`Broken`] region with its lines and its cause, and the rest goes on.
//!
//! - Where the broken value has an end that is beyond doubt (it is too long, not UTF-8, or a scalar in an array), reading
//!   goes on right behind it.
//! - Otherwise it goes on **at the next line whose first byte is `{` or `[`**, and nowhere else. A fragment of a broken
//!   value, such as the `undo` of a pretty-printed outcome, is indented or stands within a line: it is never taken for a
//!   record of its own. An object that spans lines must then also end on a line that is not indented, or it is part of
//!   the broken region: somebody put a `{` before a fragment. The search starts behind the first line of the broken value, so that half a line costs no other.
//! - In a broken array, elements that start a line are found again by the same rule, and the commas and the `]` that
//!   follow them are taken as they come. Elements that are indented (`jq -s` prints them so) are lost up to the next such
//!   line, and named: an indented `{` cannot be told from a fragment.
//!
//! - In an envelope, which comes on a single line as a rule, reading goes on at the next object that starts with a key that
//!   an element of this envelope has started with (`{"eventVersion":`) and that is no member's value. Where there is none,
//!   it goes on at a line start as above.
//!
//! Half a line is noticed when the next value starts. Where it breaks off after a `:`, a `[` or an array's `,` the next
//! line can be its continuation (`"undo":` and then the object), so this one is held back until the first byte after it
//! shows which it was: handing it out at once could make a record of a fragment.
//!
//! Errors of adjoining regions are one error. It comes out before the next record, or at the end of the input.

mod envelope;
mod error;
mod item;
mod members;
mod reader;
mod scan;
mod source;
mod writer;

#[cfg(test)]
mod tests;

pub use error::{Broken, Cause, Position, ReadError};
pub use item::{Item, compact, without_place};
pub use members::is_object;
pub use reader::{DEFAULT_LIMIT, Reader};
pub use writer::{Writer, is_broken_pipe};
