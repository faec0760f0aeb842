//! The lines of an AWS credentials file, as they stand there: what is not changed stays byte for byte the same.

use std::ops::Range;

/// A file as lines.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    text: &'a [u8],
    lines: Vec<Line>,
}

/// A line, with its end.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Where it is, with its end.
    pub(super) whole: Range<usize>,
    pub(super) what: What,
}

/// What a line is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// `[name]`: the name, with single spaces.
    Header(String),
    /// `name = value`: the name in lower case, and where the value is.
    Property { name: String, value: Range<usize> },
    /// The value of the property before goes on.
    More,
    /// Nothing.
    Blank,
    /// A comment.
    Comment,
    /// What nobody understands.
    Other,
}

/// A profile: its lines, the header's first.
#[derive(Clone, Debug)]
pub(super) struct Profile {
    /// The numbers of its lines, counted from 0, from the header up to the next one.
    pub(super) lines: Range<usize>,
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a [u8]) -> Self {
        let (mut lines, mut start) = (Vec::new(), 0);
        // How far the last property stands to the right: what stands further right goes on with its value.
        let mut indent = None;
        for piece in text.split_inclusive(|byte| *byte == b'\n') {
            let whole = start..start + piece.len();
            let mark = if start == 0 && piece.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
            let what = line(text, whole.start + mark..whole.end, &mut indent);
            start = whole.end;
            lines.push(Line { whole, what });
        }
        Self { text, lines }
    }

    pub(super) fn all(&self) -> &[Line] {
        &self.lines
    }

    /// A text in the file.
    pub(super) fn text(&self, range: Range<usize>) -> &'a [u8] {
        self.text.get(range).unwrap_or_default()
    }

    /// All sections of that name: there should be one at most.
    pub(super) fn sections(&self, name: &str) -> Vec<Profile> {
        let headers: Vec<(usize, &str)> = self
            .lines
            .iter()
            .enumerate()
            .filter_map(|(number, line)| match &line.what {
                What::Header(name) => Some((number, name.as_str())),
                _ => None,
            })
            .collect();
        let ends = headers.iter().skip(1).map(|(number, _)| *number).chain([self.lines.len()]);
        let found = headers.iter().zip(ends).filter(|((_, header), _)| *header == name);
        found.map(|((start, _), end)| Profile { lines: *start..end }).collect()
    }

    /// The lines of a profile, with their numbers; without the header.
    pub(super) fn body(&self, profile: &Profile) -> impl Iterator<Item = (usize, &Line)> {
        self.lines.iter().enumerate().take(profile.lines.end).skip(profile.lines.start + 1)
    }

    /// The properties of that name in a profile: the numbers of their lines, and where their values are.
    pub(super) fn properties(&self, profile: &Profile, name: &str) -> Vec<(usize, Range<usize>)> {
        let property = |(number, line): (usize, &Line)| match &line.what {
            What::Property { name: found, value } if found == name => Some((number, value.clone())),
            _ => None,
        };
        self.body(profile).filter_map(property).collect()
    }

    /// How lines end here: as the first one does.
    pub(super) fn newline(&self) -> &'static [u8] {
        let first = self.lines.first().map(|line| self.text(line.whole.clone()));
        if first.is_some_and(|line| line.ends_with(b"\r\n")) { b"\r\n" } else { b"\n" }
    }
}

/// What a line is, behind a byte order mark.
fn line(text: &[u8], range: Range<usize>, indent: &mut Option<usize>) -> What {
    let content = text.get(range.clone()).unwrap_or_default();
    let trimmed = content.trim_ascii();
    let left = content.len() - content.trim_ascii_start().len();
    match trimmed.first() {
        None => return What::Blank,
        Some(b'#' | b';') => return What::Comment,
        Some(_) if indent.is_some_and(|indent| left > indent) => return What::More,
        Some(b'[') => {
            let name = trimmed.get(1..).unwrap_or_default();
            let Some(end) = memchr::memchr(b']', name) else { return What::Other };
            *indent = None;
            let name = String::from_utf8_lossy(name.get(..end).unwrap_or_default());
            return What::Header(name.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        Some(_) => {}
    }
    let Some(equals) = memchr::memchr(b'=', content) else { return What::Other };
    *indent = Some(left);
    let (name, value) = (content.get(..equals).unwrap_or_default(), content.get(equals + 1..).unwrap_or_default());
    let length = value.trim_ascii().len();
    // An empty one stands right behind the `=`, not behind the line's end.
    let space = if length == 0 { 0 } else { value.len() - value.trim_ascii_start().len() };
    let start = range.start + equals + 1 + space;
    let value = start..start + length;
    What::Property { name: String::from_utf8_lossy(name.trim_ascii()).to_lowercase(), value }
}
