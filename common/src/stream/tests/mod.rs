//! What the reader and the writer promise.

mod envelopes;
mod input;
mod laws;
mod live;
mod output;

use std::io::{self, Read};

use super::{ReadError, Reader};

/// Hands out an input in pieces of the given sizes, over and over.
#[derive(Debug)]
struct Pieces<'a> {
    rest: &'a [u8],
    sizes: std::iter::Cycle<std::vec::IntoIter<usize>>,
}

impl<'a> Pieces<'a> {
    fn new(input: &'a [u8], sizes: Vec<usize>) -> Self {
        Self { rest: input, sizes: sizes.into_iter().cycle() }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.sizes.next().unwrap().clamp(1, buffer.len()).min(self.rest.len());
        let (piece, rest) = self.rest.split_at(size);
        buffer[..size].copy_from_slice(piece);
        self.rest = rest;
        Ok(size)
    }
}

/// What a reader says, as a person would see it: `3 {...}` for a record on line 3, `line 4: ...` for an error.
fn said<R: Read>(reader: Reader<R>) -> Vec<String> {
    reader
        .map(|next| match next {
            Ok(item) => format!("{} {}", item.line, item.text),
            Err(error) => error.to_string(),
        })
        .collect()
}

/// What a reader with a limit says of an input, which must not depend on the pieces that it arrives in.
fn read_up_to(limit: usize, input: &[u8]) -> Vec<String> {
    let whole = said(Reader::with_limit(input, limit));
    for sizes in [vec![1], vec![2], vec![3, 1], vec![7], vec![64]] {
        let pieces = said(Reader::with_limit(Pieces::new(input, sizes.clone()), limit));
        assert_eq!(whole, pieces, "{} in pieces of {sizes:?}", String::from_utf8_lossy(input));
    }
    whole
}

fn read(input: impl AsRef<[u8]>) -> Vec<String> {
    read_up_to(super::DEFAULT_LIMIT, input.as_ref())
}

/// The texts of the records and the number of errors.
fn records(input: &[u8]) -> (Vec<String>, usize) {
    let (mut records, mut errors) = (Vec::new(), 0);
    for next in Reader::new(input) {
        match next {
            Ok(item) => records.push(item.text),
            Err(ReadError::Broken(_)) => errors += 1,
            Err(error @ ReadError::Io { .. }) => panic!("{error}"),
        }
    }
    (records, errors)
}
