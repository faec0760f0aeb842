//! What an input is: records or a table, packed or not.

use std::io::{self, Cursor, Read};

use flate2::read::MultiGzDecoder;
use zeroize::Zeroizing;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The longest table that is read: SpaceCrab had a row for each key, and an account has 5,000 users.
const LONGEST_TABLE: u64 = 512 << 20;

/// An input that is known.
pub(super) enum Input {
    /// A stream of JSON values.
    Records(Box<dyn Read>),
    /// CSV, all of it: it holds secrets, and is wiped.
    Table(Zeroizing<Vec<u8>>),
}

/// Says what an input is by how it begins.
pub(super) fn sort(input: impl Read + 'static) -> io::Result<Input> {
    let (head, input) = look(input, |head| head.len() >= GZIP.len())?;
    if !head.starts_with(&GZIP) {
        return unpacked(input);
    }
    unpacked(MultiGzDecoder::new(input))
}

fn unpacked(input: impl Read + 'static) -> io::Result<Input> {
    let (head, input) = look(input, |head| first(head).is_some())?;
    match first(&head) {
        None | Some(b'{' | b'[') => Ok(Input::Records(Box::new(input))),
        Some(_) => {
            let mut text = Zeroizing::new(Vec::new());
            input.take(LONGEST_TABLE + 1).read_to_end(&mut text)?;
            if text.len() as u64 > LONGEST_TABLE {
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, "a table of more than 512 MiB: split it"));
            }
            Ok(Input::Table(text))
        }
    }
}

/// The first byte that tells anything.
fn first(head: &[u8]) -> Option<u8> {
    if BYTE_ORDER_MARK.starts_with(head) {
        return None;
    }
    let text = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
    text.iter().copied().find(|byte| !byte.is_ascii_whitespace())
}

/// Reads until that is enough or the end; gives back what was read, and the input as if nothing had been.
fn look(mut input: impl Read + 'static, enough: impl Fn(&[u8]) -> bool) -> io::Result<(Vec<u8>, impl Read + 'static)> {
    let mut head = Vec::new();
    let mut chunk = [0; 4096];
    while !enough(&head) {
        match input.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => head.extend_from_slice(chunk.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok((head.clone(), Cursor::new(head).chain(input)))
}
