//! The grammar of JSON, a chunk at a time.
//!
//! `serde_json` wants the whole text: it cannot say where a value ends before all of it is there, nor go on where it
//! stopped. This scanner looks at every byte once, whatever the chunks, and holds nothing but its state; so a value
//! that is too long to keep can still be followed to its end. What it accepts is what `serde_json` accepts (a test and
//! the fuzz target compare the two); it does not look at UTF-8, at lone surrogates (`"\ud800"`) or at the size of numbers.

/// How deep `serde_json` reads: one level more is its error `recursion limit exceeded`.
pub(super) const MAX_DEPTH: u32 = 127;

/// What came of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scan {
    /// The value goes on behind this chunk.
    More,
    /// The value ends before this offset of the chunk.
    Done(usize),
    /// The byte at this offset of the chunk cannot stand there.
    Broken { at: usize, expected: &'static str },
    /// The `{` or `[` at this offset of the chunk is one level too deep.
    TooDeep { at: usize },
}

/// The state of reading one value.
#[derive(Debug, Clone)]
pub(super) struct Scanner {
    state: State,
    /// Whether the string that is being read is a key.
    in_key: bool,
    depth: u32,
    /// The open brackets, the innermost in the lowest bit: 1 for `{`, 0 for `[`.
    open: u128,
    /// Bytes of the chunks before this one.
    fed: u64,
    newlines: u64,
    /// How far behind the value's first byte its last line starts.
    line_offset: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Value,
    ValueOrClose,
    Key,
    KeyOrClose,
    Colon,
    CommaOrClose,
    Text,
    Escape,
    /// So many hexadecimal digits are still to come.
    Hex(u8),
    /// The rest of `true`, `false` or `null`.
    Literal(&'static [u8]),
    Minus,
    Zero,
    Whole,
    Point,
    Fraction,
    E,
    Sign,
    Exponent,
}

/// The bytes that end a run of plain characters in a string.
const STOPS: [bool; 256] = {
    let mut stops = [false; 256];
    let mut control = 0;
    while control < 0x20 {
        stops[control] = true;
        control += 1;
    }
    stops[b'"' as usize] = true;
    stops[b'\\' as usize] = true;
    stops
};

/// What to do with the byte that was looked at.
enum Step {
    /// It is used up.
    Next,
    /// It belongs to what follows the value that has just ended.
    Again,
    /// It is the last byte of the whole value.
    Last,
    /// The whole value ended before it.
    Before,
    TooDeep,
    Broken(&'static str),
}

impl Scanner {
    pub(super) fn new() -> Self {
        Self { state: State::Value, in_key: false, depth: 0, open: 0, fed: 0, newlines: 0, line_offset: 0 }
    }

    /// For what is left of an object behind one of its members.
    pub(super) fn behind_member() -> Self {
        Self { state: State::CommaOrClose, depth: 1, open: 1, ..Self::new() }
    }

    /// The line ends in the value so far.
    pub(super) fn newlines(&self) -> u64 {
        self.newlines
    }

    /// How far behind the value's first byte the last line so far starts; 0 while the value has seen no line end.
    pub(super) fn line_offset(&self) -> u64 {
        self.line_offset
    }

    /// Reads on. The first chunk starts with the value's first byte.
    pub(super) fn feed(&mut self, chunk: &[u8]) -> Scan {
        let mut at = 0;
        while let Some(&byte) = chunk.get(at) {
            let step = match self.state {
                State::Text => {
                    let rest = chunk.get(at..).unwrap_or_default();
                    let Some(run) = rest.iter().position(|&byte| STOPS[usize::from(byte)]) else { break };
                    at += run;
                    self.stop(rest.get(run).copied().unwrap_or_default())
                }
                State::Escape | State::Hex(_) => self.escape(byte),
                State::Literal(rest) => self.literal(rest, byte),
                State::Value
                | State::ValueOrClose
                | State::Key
                | State::KeyOrClose
                | State::Colon
                | State::CommaOrClose => match byte {
                    b' ' | b'\t' | b'\r' => Step::Next,
                    b'\n' => {
                        self.newlines += 1;
                        self.line_offset = self.fed + at as u64 + 1;
                        Step::Next
                    }
                    _ => self.token(byte),
                },
                _ => self.number(byte),
            };
            match step {
                Step::Next => at += 1,
                Step::Again => {}
                Step::Last => return Scan::Done(at + 1),
                Step::Before => return Scan::Done(at),
                Step::TooDeep => return Scan::TooDeep { at },
                Step::Broken(expected) => return Scan::Broken { at, expected },
            }
        }
        self.fed += chunk.len() as u64;
        Scan::More
    }

    /// Whether the value is complete if nothing follows: only a number has no end of its own.
    pub(super) fn is_complete_at_end(&self) -> bool {
        self.depth == 0 && matches!(self.state, State::Zero | State::Whole | State::Fraction | State::Exponent)
    }

    /// A byte between strings, numbers and literals that is no white space.
    fn token(&mut self, byte: u8) -> Step {
        match (self.state, byte) {
            (State::Value | State::ValueOrClose, b'"') => self.go(State::Text, false),
            (State::Value | State::ValueOrClose, b'{') => self.enter(State::KeyOrClose, 1),
            (State::Value | State::ValueOrClose, b'[') => self.enter(State::ValueOrClose, 0),
            (State::Value | State::ValueOrClose, b'-') => self.go(State::Minus, false),
            (State::Value | State::ValueOrClose, b'0') => self.go(State::Zero, false),
            (State::Value | State::ValueOrClose, b'1'..=b'9') => self.go(State::Whole, false),
            (State::Value | State::ValueOrClose, b't') => self.go(State::Literal(b"rue"), false),
            (State::Value | State::ValueOrClose, b'f') => self.go(State::Literal(b"alse"), false),
            (State::Value | State::ValueOrClose, b'n') => self.go(State::Literal(b"ull"), false),
            (State::Key | State::KeyOrClose, b'"') => self.go(State::Text, true),
            (State::CommaOrClose, b',') if self.in_object() => self.go(State::Key, false),
            (State::Colon, b':') | (State::CommaOrClose, b',') => self.go(State::Value, false),
            (State::ValueOrClose, b']') | (State::KeyOrClose, b'}') => self.leave(),
            (State::CommaOrClose, b'}') if self.in_object() => self.leave(),
            (State::CommaOrClose, b']') if !self.in_object() => self.leave(),
            (State::Value, _) => Step::Broken("a value"),
            (State::ValueOrClose, _) => Step::Broken("a value or `]`"),
            (State::Key, _) => Step::Broken("a key"),
            (State::KeyOrClose, _) => Step::Broken("a key or `}`"),
            (State::Colon, _) => Step::Broken("`:`"),
            _ if self.in_object() => Step::Broken("`,` or `}`"),
            _ => Step::Broken("`,` or `]`"),
        }
    }

    /// The byte that ended a run of plain characters in a string.
    fn stop(&mut self, byte: u8) -> Step {
        match byte {
            b'"' if self.in_key => self.go(State::Colon, false),
            b'"' => self.end(),
            b'\\' => {
                self.state = State::Escape;
                Step::Next
            }
            _ => Step::Broken("the closing quote of a string"),
        }
    }

    fn escape(&mut self, byte: u8) -> Step {
        self.state = match (self.state, byte) {
            (State::Escape, b'u') => State::Hex(4),
            (State::Escape, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => State::Text,
            (State::Hex(1), _) if byte.is_ascii_hexdigit() => State::Text,
            (State::Hex(left), _) if byte.is_ascii_hexdigit() => State::Hex(left - 1),
            (State::Hex(_), _) => return Step::Broken("a hexadecimal digit"),
            _ => return Step::Broken("an escape (one of \" \\ / b f n r t u)"),
        };
        Step::Next
    }

    fn literal(&mut self, rest: &'static [u8], byte: u8) -> Step {
        match rest.split_first() {
            Some((&expected, rest)) if expected == byte => {
                if rest.is_empty() {
                    return self.end();
                }
                self.state = State::Literal(rest);
                Step::Next
            }
            _ => Step::Broken("a value"),
        }
    }

    fn number(&mut self, byte: u8) -> Step {
        self.state = match (self.state, byte) {
            (State::Minus, b'0') => State::Zero,
            (State::Minus, b'1'..=b'9') | (State::Whole, b'0'..=b'9') => State::Whole,
            (State::Zero | State::Whole, b'.') => State::Point,
            (State::Point | State::Fraction, b'0'..=b'9') => State::Fraction,
            (State::Zero | State::Whole | State::Fraction, b'e' | b'E') => State::E,
            (State::E, b'+' | b'-') => State::Sign,
            (State::E | State::Sign | State::Exponent, b'0'..=b'9') => State::Exponent,
            // `01` and `1x` end here; what follows the value then finds the second byte out of place.
            (State::Zero | State::Whole | State::Fraction | State::Exponent, _) => {
                self.state = State::CommaOrClose;
                return if self.depth == 0 { Step::Before } else { Step::Again };
            }
            _ => return Step::Broken("a digit"),
        };
        Step::Next
    }

    fn go(&mut self, state: State, in_key: bool) -> Step {
        self.state = state;
        self.in_key = in_key;
        Step::Next
    }

    fn enter(&mut self, state: State, bit: u128) -> Step {
        if self.depth == MAX_DEPTH {
            return Step::TooDeep;
        }
        self.depth += 1;
        self.open = self.open << 1 | bit;
        self.go(state, false)
    }

    fn leave(&mut self) -> Step {
        self.depth -= 1;
        self.open >>= 1;
        self.end()
    }

    /// A value ended with the byte that was looked at.
    fn end(&mut self) -> Step {
        self.state = State::CommaOrClose;
        if self.depth == 0 { Step::Last } else { Step::Next }
    }

    fn in_object(&self) -> bool {
        self.open & 1 == 1
    }
}
