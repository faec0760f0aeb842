//! Gzip, whole and in pieces.

use std::io::{self, Read};

use super::{describe, found, gzip, record, records, said};
use crate::event::Events;
use crate::event::unpack::Unpack;

/// Hands out one byte a read.
struct Bytes<'a>(&'a [u8]);

impl Read for Bytes<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = buffer.len().min(1);
        self.0.read(&mut buffer[..size])
    }
}

fn log_file(from: usize, to: usize) -> String {
    serde_json::json!({"Records": (from..to).map(|number| record(&number.to_string())).collect::<Vec<_>>()}).to_string()
}

/// Records, one a line.
fn log(numbers: impl IntoIterator<Item = usize>) -> String {
    numbers.into_iter().map(|number| record(&number.to_string()).to_string() + "\n").collect()
}

fn lines(from: usize, to: usize) -> Vec<String> {
    (from..to).map(|number| format!("1 record {number}")).collect()
}

const CUT: &str = "cannot read the input beyond line 1: the gzip data was cut off: what came before its end was read";
const CHECKSUM: &str =
    "cannot read the input beyond line 1: the gzip data does not match its checksum: what was read may be damaged";

#[test]
fn several_files_one_behind_the_other() {
    let two = [gzip(log_file(0, 3)), gzip(""), gzip(log_file(3, 5))].concat();
    assert_eq!(found(&two), lines(0, 5));
    assert_eq!(said(Events::new(Bytes(&two))), lines(0, 5));
    let padded = [&two[..], &[0; 700]].concat();
    assert_eq!(found(&padded), lines(0, 5));
    let split = log_file(0, 5);
    let split = [gzip(&split[..1000]), gzip(&split[1000..])].concat();
    assert_eq!(found(&split), lines(0, 5));
}

#[test]
fn nothing() {
    assert!(found("").is_empty());
    assert!(found(gzip("")).is_empty());
    assert_eq!(found("\x1f"), ["line 1: expected a JSON object, found byte 0x1f (column 1)"]);
    assert_eq!(found(b"\x1f\x8b"), [CUT]);
    let damaged =
        "cannot read the input beyond line 1: the gzip data is damaged from here on: what came before was read";
    assert_eq!(found(b"\x1f\x8b\x07\0\0\0\0\0\0\0"), [damaged]);
    assert_eq!(found(b"\x1f\x8b\x08\0\0\0\0\0\0\0\xff\xff\xff"), [damaged]);
}

/// A header with all that it can have.
#[test]
fn headers() {
    let mut header = vec![0x1f, 0x8b, 8, 0x1f, 0, 0, 0, 0, 0, 3, 3, 0, 1, 2, 3];
    header.extend(b"name\0comment\0");
    header.extend([7, 7]);
    let packed = [&header, &gzip(log_file(0, 2))[10..]].concat();
    assert_eq!(found(&packed), lines(0, 2));
    assert_eq!(said(Events::new(Bytes(&packed))), lines(0, 2));
    for cut in 2..header.len() {
        assert_eq!(found(&packed[..cut]), [CUT], "{cut}");
    }
    let endless = [&header[..10], &[0xff, 0xff], &vec![b'x'; 1 << 20][..]].concat();
    assert!(found(&endless)[0].contains("the gzip data is damaged"));
}

#[test]
fn rubbish_behind_it_is_named() {
    let input = [gzip(log_file(0, 2) + "\n"), b"rubbish\n{\"a\":1}\n".to_vec()].concat();
    let mut expected = lines(0, 2);
    expected
        .extend(["line 2: expected a JSON object, found `r` (column 1)".to_owned(), "3 other {\"a\":1}".to_owned()]);
    assert_eq!(found(&input), expected);
}

/// Wherever it is cut off: what came before comes out, and the error is the last.
#[test]
fn cut_off() {
    let text = log(0..20);
    let packed = gzip(&text);
    let mut most = 0;
    for cut in 2..packed.len() {
        let (found, failed) = records(&packed[..cut]);
        assert!(failed, "{cut}");
        assert!(found.len() >= most, "{cut}: fewer of more");
        most = found.len();
    }
    assert_eq!(most, 20);
    // The last block: only the checksum is missing.
    let mut expected: Vec<_> = (0..20).map(|number| format!("{} record {number}", number + 1)).collect();
    expected.push(CUT.replace("line 1", "line 21"));
    assert_eq!(found(&packed[..packed.len() - 1]), expected);

    // Not compressed: what is there comes out to the last byte.
    let mut stored = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    io::Write::write_all(&mut stored, text.as_bytes()).unwrap();
    let stored = stored.finish().unwrap();
    for cut in (100..stored.len()).step_by(97) {
        let whole = text[..cut - 15].matches('\n').count();
        assert!(records(&stored[..cut]).0.len() >= whole, "{cut}");
    }
}

/// What is unpacked before the damage comes out, and no damage goes unnoticed.
#[test]
fn damaged() {
    let text = log(0..200);
    let packed = gzip(&text);
    for at in (10..packed.len()).step_by(3) {
        let mut damaged = packed.clone();
        damaged[at] ^= 0x55;
        let (_, failed) = records(&damaged);
        assert!(failed, "{at}");
    }
    // A checksum: the rest, and the files behind it, come nevertheless.
    let mut damaged = gzip(log_file(0, 3));
    let checksum = damaged.len() - 8;
    damaged[checksum] ^= 1;
    damaged.extend(gzip(log_file(3, 5)));
    let mut expected = lines(0, 5);
    expected.push(CHECKSUM.to_owned());
    assert_eq!(found(&damaged), expected);
}

/// Damage costs nothing that was packed well before it: no more than the block in hand.
#[test]
fn what_comes_before_the_damage_comes_out() {
    let text = log(0..2000);
    let good = gzip(&text);
    // A flush ends a block on a byte, and what follows it is no block.
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    io::Write::write_all(&mut packed, text.as_bytes()).unwrap();
    io::Write::flush(&mut packed).unwrap();
    let mut damaged = packed.get_ref().clone();
    damaged.extend([0xff; 100]);
    let (found, failed) = records(&damaged);
    assert!(failed);
    assert_eq!(found.len(), 2000);
    assert_eq!(records(&good).0, found);
}

/// Hands out so much of an input, and panics where more is asked for.
struct Until<'a> {
    rest: &'a [u8],
    left: usize,
}

impl Read for Until<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        assert!(self.left > 0, "a read that would have waited");
        let size = buffer.len().min(self.left);
        let read = self.rest.read(&mut buffer[..size])?;
        self.left -= read;
        Ok(read)
    }
}

/// What is there is handed out before more is waited for, also where it was packed so well that it fills many buffers.
#[test]
fn waits_for_no_more_than_it_needs() {
    let text = log((0..2000).map(|number| number % 7));
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    io::Write::write_all(&mut packed, text.as_bytes()).unwrap();
    io::Write::flush(&mut packed).unwrap();
    let packed = packed.get_ref();
    let mut events = Events::new(Until { rest: packed, left: packed.len() });
    for number in 0..2000 {
        let next = events.next().unwrap().unwrap();
        assert_eq!(describe(&next), format!("{} record {}", number + 1, number % 7));
    }
}

/// Also where there is no room for it: what is left inside the decompressor needs no more input.
#[test]
fn a_byte_at_a_time() {
    let text = log(0..3);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    io::Write::write_all(&mut packed, text.as_bytes()).unwrap();
    io::Write::flush(&mut packed).unwrap();
    let packed = packed.get_ref();
    let mut unpack = Unpack::new(Until { rest: packed, left: packed.len() });
    let mut unpacked = vec![0; text.len()];
    for byte in &mut unpacked {
        unpack.read_exact(std::slice::from_mut(byte)).unwrap();
    }
    assert_eq!(unpacked, text.as_bytes());
}
