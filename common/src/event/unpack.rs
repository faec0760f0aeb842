//! Gzip on its way in.

use std::io::{self, Read};

use flate2::{Crc, Decompress, FlushDecompress, Status};

/// How much is asked for at a time: as much as a pipe holds on Linux.
const CHUNK: usize = 64 * 1024;

/// The longest header that is read: names and comments in it have no limit of their own.
const LONGEST_HEADER: usize = 256 * 1024;

const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// What is wrong with a gzip file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Gzip {
    #[error("the gzip data was cut off: what came before its end was read")]
    CutOff,
    #[error("the gzip data is damaged from here on: what came before was read")]
    Damaged,
    #[error("the gzip data does not match its checksum: what was read may be damaged")]
    Checksum,
}

impl From<Gzip> for io::Error {
    fn from(gzip: Gzip) -> Self {
        let kind = if gzip == Gzip::CutOff { io::ErrorKind::UnexpectedEof } else { io::ErrorKind::InvalidData };
        Self::new(kind, gzip)
    }
}

/// An input that is unpacked where it is gzip, as often as one gzip file follows another (`cat *.gz`), and that is what it is
/// otherwise. Zeros behind a gzip file are padding; other bytes behind it are taken as they come.
///
/// Never waits for input while it has something to hand out: this is why `flate2`'s own readers are not used.
pub(super) struct Unpack<R> {
    input: R,
    buffer: Vec<u8>,
    here: usize,
    filled: usize,
    at_end: bool,
    state: State,
    /// A checksum was wrong. What follows is read nevertheless, and the error comes in the end.
    mismatch: bool,
}

enum State {
    /// Where a gzip file can begin.
    Start {
        behind_another: bool,
    },
    Plain,
    Header,
    Body(Box<Member>),
    Trailer {
        checksum: u32,
        length: u32,
    },
    Failed,
}

struct Member {
    inflate: Decompress,
    crc: Crc,
}

impl<R: Read> Unpack<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            buffer: Vec::new(),
            here: 0,
            filled: 0,
            at_end: false,
            state: State::Start { behind_another: false },
            mismatch: false,
        }
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.here..self.filled).unwrap_or_default()
    }

    /// Reads once, behind what is there.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.here..self.filled, 0);
        self.filled -= self.here;
        self.here = 0;
        if self.buffer.len() < self.filled + CHUNK {
            self.buffer.resize(self.filled + CHUNK, 0);
        }
        let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
        let size = room.len();
        let read = self.input.read(room)?.min(size);
        self.at_end = read == 0;
        self.filled += read;
        Ok(())
    }

    fn fail(&mut self, gzip: Gzip) -> io::Error {
        self.state = State::Failed;
        gzip.into()
    }

    /// More of a gzip file, without which it is cut off.
    fn need(&mut self) -> io::Result<()> {
        self.fill()?;
        if self.at_end { Err(self.fail(Gzip::CutOff)) } else { Ok(()) }
    }

    fn start(&mut self, behind_another: bool) -> io::Result<()> {
        if behind_another {
            self.here += self.rest().iter().take_while(|&&byte| byte == 0).count();
        }
        let rest = self.rest();
        if rest.starts_with(&MAGIC) {
            self.state = State::Header;
        } else if !self.at_end && MAGIC.starts_with(rest) {
            self.fill()?;
        } else {
            self.state = State::Plain;
        }
        Ok(())
    }

    fn header(&mut self) -> io::Result<()> {
        match header_length(self.rest()) {
            Some(Ok(length)) => {
                self.here += length;
                self.state = State::Body(Box::new(Member { inflate: Decompress::new(false), crc: Crc::new() }));
                Ok(())
            }
            None if self.rest().len() < LONGEST_HEADER => self.need(),
            Some(Err(())) | None => Err(self.fail(Gzip::Damaged)),
        }
    }

    /// Unpacks into `out`: how many bytes. `None` where nothing came of it yet.
    fn body(&mut self, out: &mut [u8]) -> io::Result<Option<usize>> {
        let State::Body(member) = &mut self.state else { return Ok(None) };
        let rest = self.buffer.get(self.here..self.filled).unwrap_or_default();
        let was = (member.inflate.total_in(), member.inflate.total_out());
        let status = member.inflate.decompress(rest, out, FlushDecompress::None);
        let used = usize::try_from(member.inflate.total_in() - was.0).unwrap_or(rest.len());
        let written = usize::try_from(member.inflate.total_out() - was.1).unwrap_or(out.len());
        member.crc.update(out.get(..written).unwrap_or_default());
        let starved = rest.is_empty();
        self.here += used;
        match status {
            Ok(Status::StreamEnd) => {
                self.state = State::Trailer { checksum: member.crc.sum(), length: member.crc.amount() };
            }
            Ok(_) if written == 0 && starved => self.need()?,
            // No progress with something to read and somewhere to write to.
            Ok(_) if written == 0 && used == 0 => return Err(self.fail(Gzip::Damaged)),
            Ok(_) => {}
            // What was unpacked before the damage goes out; the next call says that it is damaged.
            Err(_) if written > 0 => {}
            Err(_) => return Err(self.fail(Gzip::Damaged)),
        }
        Ok((written > 0).then_some(written))
    }

    fn trailer(&mut self, checksum: u32, length: u32) -> io::Result<()> {
        let words = self.rest().split_first_chunk::<4>();
        let Some((&first, (&second, _))) = words.and_then(|(word, rest)| Some((word, rest.split_first_chunk::<4>()?)))
        else {
            return self.need();
        };
        self.mismatch |= (u32::from_le_bytes(first), u32::from_le_bytes(second)) != (checksum, length);
        self.here += first.len() + second.len();
        self.state = State::Start { behind_another: true };
        Ok(())
    }

    /// What is no gzip, as it is.
    fn plain(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let rest = self.buffer.get(self.here..self.filled).unwrap_or_default();
        let read = if rest.is_empty() {
            self.input.read(out)?
        } else {
            let size = rest.len().min(out.len());
            out.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            self.here += size;
            size
        };
        if read == 0 && self.mismatch {
            return Err(self.fail(Gzip::Checksum));
        }
        Ok(read)
    }
}

impl<R: Read> Read for Unpack<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            match self.state {
                State::Start { behind_another } => self.start(behind_another)?,
                State::Plain => return self.plain(out),
                State::Header => self.header()?,
                State::Body(_) => {
                    if let Some(written) = self.body(out)? {
                        return Ok(written);
                    }
                }
                State::Trailer { checksum, length } => self.trailer(checksum, length)?,
                State::Failed => return Ok(0),
            }
        }
    }
}

/// How long the header is that `bytes` start with, `None` while it is not whole: RFC 1952, section 2.3.
fn header_length(bytes: &[u8]) -> Option<Result<usize, ()>> {
    const DEFLATE: u8 = 8;
    const CHECKSUM: u8 = 1 << 1;
    const EXTRA: u8 = 1 << 2;
    const NAME: u8 = 1 << 3;
    const COMMENT: u8 = 1 << 4;
    let flags = *bytes.get(3)?;
    if bytes.get(2) != Some(&DEFLATE) {
        return Some(Err(()));
    }
    let mut length = 10;
    if flags & EXTRA != 0 {
        let extra = u16::from_le_bytes([*bytes.get(length)?, *bytes.get(length + 1)?]);
        length += 2 + usize::from(extra);
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            length += memchr::memchr(0, bytes.get(length..)?)? + 1;
        }
    }
    if flags & CHECKSUM != 0 {
        length += 2;
    }
    (bytes.len() >= length).then_some(Ok(length))
}
