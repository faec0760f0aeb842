//! Takes back what others make of a text: `\/` and `\u002f` of JSON, `%2F` of URLs, `&#x2F;` of HTML, the zeros of UTF-16.

use std::io::{self, Read};

use zeroize::Zeroizing;

/// The longest of what stands for one character: `\u002f`, `&#x2F;`.
const LONGEST: usize = 6;

/// What a text consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Symbol {
    /// A letter, a digit, `/` or `+`: what secrets consist of.
    Byte(u8),
    /// Something else.
    Other,
    /// The end of a line; `continued` where a `\` or `=` before it says that there is more.
    Newline {
        /// Whether something says so.
        continued: bool,
    },
}

/// Reads a text as symbols.
pub(super) struct Decoder<R> {
    input: R,
    buffer: Zeroizing<Vec<u8>>,
    here: usize,
    filled: usize,
    at_end: bool,
}

impl<R: Read> Decoder<R> {
    /// Reads so many bytes at a time.
    pub(super) fn new(input: R, chunk: usize) -> Self {
        let buffer = Zeroizing::new(vec![0; chunk.max(2 * LONGEST)]);
        Self { input, buffer, here: 0, filled: 0, at_end: false }
    }

    /// The next symbol; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Symbol>> {
        if self.filled - self.here < LONGEST && !self.at_end {
            self.fill()?;
        }
        let Some((symbol, length)) = symbol(self.buffer.get(self.here..self.filled).unwrap_or_default()) else {
            return Ok(None);
        };
        self.here += length;
        Ok(Some(symbol))
    }

    /// Reads until there is enough for one symbol.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.here..self.filled, 0);
        self.filled -= self.here;
        self.here = 0;
        while self.filled < LONGEST && !self.at_end {
            let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
            let read = match self.input.read(room) {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.at_end = read == 0;
            let fresh = room.get_mut(..read).unwrap_or_default();
            self.filled += without_zeros(fresh);
        }
        Ok(())
    }
}

/// Moves zeros away: UTF-16 has one beside each ASCII character, and elsewhere they mean nothing. Answers with how many bytes
/// are left.
fn without_zeros(bytes: &mut [u8]) -> usize {
    if memchr::memchr(0, bytes).is_none() {
        return bytes.len();
    }
    let mut kept = 0;
    for place in 0..bytes.len() {
        if bytes[place] != 0 {
            bytes.swap(kept, place);
            kept += 1;
        }
    }
    kept
}

/// The first symbol of a text, and how many bytes it takes; `None` where there is no text.
fn symbol(text: &[u8]) -> Option<(Symbol, usize)> {
    let (first, rest) = text.split_first()?;
    Some(match first {
        b'\n' => (Symbol::Newline { continued: false }, 1),
        // Before the end of a line these say that there is more; elsewhere `=` is just that.
        b'\\' | b'=' if rest.starts_with(b"\n") => (Symbol::Newline { continued: true }, 2),
        b'\\' | b'=' if rest.starts_with(b"\r\n") => (Symbol::Newline { continued: true }, 3),
        b'\r' if rest.starts_with(b"\n") => (Symbol::Newline { continued: false }, 2),
        b'\\' => match rest.split_first() {
            Some((b'/', _)) => (Symbol::Byte(b'/'), 2),
            Some((b'u', digits)) => number(digits.get(..4), 16).map_or((Symbol::Other, 1), |code| (plain(code), 6)),
            // What follows is no letter of the text's own.
            Some((b'n' | b'r' | b't' | b'b' | b'f' | b'"' | b'\\', _)) => (Symbol::Other, 2),
            _ => (Symbol::Other, 1),
        },
        b'%' => number(rest.get(..2), 16).map_or((Symbol::Other, 1), |code| (plain(code), 3)),
        b'&' => entity(rest).unwrap_or((Symbol::Other, 1)),
        byte => (plain(u32::from(*byte)), 1),
    })
}

/// `&#47;` or `&#x2F;`, behind its `&`.
fn entity(text: &[u8]) -> Option<(Symbol, usize)> {
    let digits = text.strip_prefix(b"#")?;
    let end = digits.iter().take(LONGEST - 2).position(|byte| *byte == b';')?;
    let digits = digits.get(..end)?;
    let code = match digits.split_first()? {
        (b'x' | b'X', hexadecimal) => number(Some(hexadecimal), 16)?,
        _ => number(Some(digits), 10)?,
    };
    Some((plain(code), end + 3))
}

fn number(digits: Option<&[u8]>, radix: u32) -> Option<u32> {
    let digits = digits?;
    let value = |number: u32, digit: &u8| Some(number * radix + char::from(*digit).to_digit(radix)?);
    if digits.is_empty() { None } else { digits.iter().try_fold(0, value) }
}

/// A character as a symbol.
fn plain(code: u32) -> Symbol {
    match u8::try_from(code) {
        Ok(byte) if byte.is_ascii_alphanumeric() || byte == b'/' || byte == b'+' => Symbol::Byte(byte),
        _ => Symbol::Other,
    }
}
