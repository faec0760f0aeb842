//! Any bytes, in any pieces: no panic, bounded memory, and what is found is what it says it is.

#![no_main]

use std::io::{self, Read};

use common::event::{Events, Found, Record, What, found_in};
use common::stream::{DEFAULT_LIMIT, ReadError};
use libfuzzer_sys::fuzz_target;

/// Hands out an input so many bytes at a time.
struct Pieces<'a> {
    rest: &'a [u8],
    size: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.size.min(buffer.len());
        self.rest.take(size as u64).read(buffer).inspect(|&read| self.rest = &self.rest[read..])
    }
}

/// All that is found.
fn read(input: &[u8], size: usize) -> Vec<Result<Found, String>> {
    let mut events = Events::new(Pieces { rest: input, size });
    let mut found = Vec::new();
    let mut ended = false;
    loop {
        if size % 2 == 0 {
            events.ready();
        }
        let Some(next) = events.next() else { break };
        assert!(!ended, "something comes behind the end");
        ended = matches!(next, Err(ReadError::Io { .. }));
        assert!(events.memory() <= 17 * (DEFAULT_LIMIT + (256 << 10)), "holds {} bytes", events.memory());
        found.push(next.map_err(|error| error.to_string()));
        if found.len() > 10_000 {
            break;
        }
    }
    found
}

fuzz_target!(|data: &[u8]| {
    let [size, input @ ..] = data else { return };
    let found = read(input, usize::MAX);
    assert_eq!(found, read(input, usize::from(*size).max(1)), "it depends on the pieces");
    for found in found.into_iter().flatten() {
        match found.what {
            What::Record(item) => {
                let record = Record::parse(&item.text).expect("a record is an object");
                record.request();
                record.response();
            }
            What::Health(item) | What::Other(item) => assert!(item.text.starts_with('{') && item.text.ends_with('}')),
            What::File(file) => assert!(!file.bucket.is_empty() && !file.key.is_empty()),
            What::Nothing(why) => assert!(!why.is_empty()),
        }
    }
    if let Ok(text) = std::str::from_utf8(input) {
        assert!(!found_in(text).is_empty(), "a message is never without an answer");
    }
});
