//! Key ids and what may be secrets, in any text: a log, a commit, a dump of a disk. It is read as it comes, and never held as
//! a whole.
//!
//! - `decode`: takes what JSON, URLs and HTML make of a text back, and joins lines that were wrapped. `run`: looks for ids
//!   and secrets in what is left.

mod decode;
mod run;

#[cfg(test)]
mod tests;

use std::io::{self, Read};

use decode::{Decoder, Symbol};
use run::Run;

/// How long a secret is.
pub(crate) const SECRET: usize = 40;

/// How much is read at a time.
const CHUNK: usize = 64 * 1024;

/// How wide a line is at least that was perhaps wrapped: mail is wrapped at 76 columns, PEM at 64.
const WIDE: usize = 60;

/// Something that was found. The same may be found more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// What looks like the id of a key (or a user, role ...): a known prefix and sixteen capital letters or digits.
    Id(&'a str),
    /// Forty characters of those that secrets consist of.
    Candidate(&'a str),
}

/// Looks through a text. `found` is told what there is, and on which line it starts, counted from 1.
///
/// # Errors
///
/// The text cannot be read to its end.
pub(crate) fn scan(input: impl Read, mut found: impl FnMut(Found<'_>, u64)) -> io::Result<()> {
    let mut decoder = Decoder::new(input, CHUNK);
    let (mut line, mut width) = (1_u64, 0_usize);
    // One ends with its line; the other goes on where the line was perhaps wrapped.
    let (mut plain, mut wrapped) = (Run::new(false), Run::new(true));
    while let Some(symbol) = decoder.next()? {
        match symbol {
            Symbol::Byte(byte) => {
                plain.push(byte, line, &mut found);
                wrapped.push(byte, line, &mut found);
                width += 1;
            }
            Symbol::Other => {
                plain.end(plain.is_coded(&wrapped), &mut found);
                wrapped.end(false, &mut found);
                width += 1;
            }
            Symbol::Newline { continued } => {
                plain.end(plain.is_coded(&wrapped), &mut found);
                if continued || width >= WIDE {
                    wrapped.join();
                } else {
                    wrapped.end(false, &mut found);
                }
                (line, width) = (line + 1, 0);
            }
        }
    }
    plain.end(plain.is_coded(&wrapped), &mut found);
    wrapped.end(false, &mut found);
    Ok(())
}
