//! Puts a key into the text of a credentials file, and takes it out again.
//!
//! What `plant` put in `unplant` takes out to the byte, though it has only the file to go by. So that it knows how much that
//! is, a profile that was made for the key has id, secret and region in this order; one that was there has them in the
//! opposite order, right behind its header, and stays.

use std::ops::Range;

use common::id::Region;
use zeroize::Zeroizing;

use super::ini::{Lines, Profile, What};
use crate::secret::Secret;

const ID: &str = "aws_access_key_id";
const SECRET: &str = "aws_secret_access_key";
const SESSION: &str = "aws_session_token";
const REGION: &str = "region";

/// By these a profile gets at AWS in another way, which a key in it would change.
const OTHER_WAYS: &[&str] = &[
    "credential_process",
    "credential_source",
    "role_arn",
    "source_profile",
    "sso_session",
    "sso_start_url",
    "web_identity_token_file",
];

/// What to do about a key that is there.
const PUT_IN_PLACE: &str = ": --replace puts the token in its place";

/// Why a file stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EditError {
    /// The profile is there more than once.
    #[error(
        "the profile `{profile}` is there more than once, on lines {first} and {second}: which one counts differs from tool to tool"
    )]
    Twice {
        /// Its name.
        profile: String,
        /// A line.
        first: usize,
        /// Another.
        second: usize,
    },
    /// A part of the profile is there more than once, or goes on on the next line.
    #[error("the profile `{profile}` is not understood: look at `{name}` on line {line}")]
    Unclear {
        /// Its name.
        profile: String,
        /// What.
        name: String,
        /// Where.
        line: usize,
    },
    /// It has somebody else's key.
    #[error("the profile `{profile}` has another key, {key}, that is no token's{hint}")]
    Foreign {
        /// Its name.
        profile: String,
        /// The key.
        key: String,
        /// What to do.
        hint: &'static str,
    },
    /// It gets at AWS in another way.
    #[error("the profile `{profile}` gets at AWS by `{name}`: --replace puts the key beside it, which may break it")]
    OtherWay {
        /// Its name.
        profile: String,
        /// By what.
        name: String,
    },
    /// It is no text.
    #[error("it is no text in UTF-8 or ASCII, as a credentials file is")]
    NoText,
}

/// The text of a file that was edited.
pub(crate) type Edited = Zeroizing<Vec<u8>>;

/// What is put in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bait<'a> {
    /// The access key id.
    pub(crate) key: &'a str,
    /// Its secret.
    pub(crate) secret: &'a Secret,
    /// The region beside it.
    pub(crate) region: Option<&'a Region>,
}

/// Where to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot<'a> {
    /// The profile.
    pub(crate) profile: &'a str,
    /// Whether the file is `~/.aws/config`, in which profiles are called `profile name`.
    pub(crate) is_config: bool,
}

impl Spot<'_> {
    /// The name of the profile's section.
    fn section(self) -> String {
        let is_called_so = self.is_config && self.profile != "default";
        if is_called_so { format!("profile {}", self.profile) } else { self.profile.to_owned() }
    }
}

/// The access key id that a profile has.
pub(crate) fn key_of(text: &[u8], spot: Spot<'_>) -> Result<Option<String>, EditError> {
    let lines = Lines::of(text);
    let Some(profile) = only(&lines, spot)? else { return Ok(None) };
    Ok(property(&lines, spot.profile, &profile, ID)?.map(|(_, value)| shown(lines.text(value))))
}

/// The keys with secrets that the profiles have.
pub(crate) fn pairs(text: &[u8]) -> Vec<(String, Secret)> {
    let lines = Lines::of(text);
    let names = lines.all().iter().filter_map(|line| match &line.what {
        What::Header(name) => Some(name.as_str()),
        _ => None,
    });
    // Of a name that comes twice each section once.
    let mut sections: Vec<Profile> = names.flat_map(|name| lines.sections(name)).collect();
    sections.sort_by_key(|section| section.lines.start);
    sections.dedup_by_key(|section| section.lines.start);
    let pairs = sections.iter().filter_map(|profile| {
        let value = |name: &str| {
            let (_, value) = lines.properties(profile, name).pop()?;
            std::str::from_utf8(lines.text(value)).ok().map(str::to_owned)
        };
        Some((value(ID)?, Secret::new(value(SECRET)?)))
    });
    pairs.collect()
}

/// Whether a key could go there: what is to be known before anybody makes one. `may_go` says of a key whether it may be
/// replaced.
pub(crate) fn check(
    text: &[u8],
    spot: Spot<'_>,
    may_go: impl Fn(&str) -> bool,
    replace: bool,
) -> Result<(), EditError> {
    if text.starts_with(b"\xFF\xFE") || text.starts_with(b"\xFE\xFF") || memchr::memchr(0, text).is_some() {
        return Err(EditError::NoText);
    }
    let (lines, name) = (Lines::of(text), spot.profile);
    let Some(profile) = only(&lines, spot)? else { return Ok(()) };
    let [id, secret, session, _] = all(&lines, name, &profile)?;
    match id {
        None if !replace && (secret.is_some() || session.is_some()) => {
            let key = "(a secret without an id)".to_owned();
            return Err(EditError::Foreign { profile: name.to_owned(), key, hint: PUT_IN_PLACE });
        }
        Some((_, value)) => {
            let key = shown(lines.text(value));
            if !key.is_empty() && !replace && !may_go(&key) {
                return Err(EditError::Foreign { profile: name.to_owned(), key, hint: PUT_IN_PLACE });
            }
        }
        None if !replace => {
            if let Some(way) = OTHER_WAYS.iter().find(|way| !lines.properties(&profile, way).is_empty()) {
                return Err(EditError::OtherWay { profile: name.to_owned(), name: (*way).to_owned() });
            }
        }
        None => {}
    }
    Ok(())
}

/// Puts a key in. `None`: it is there already, just so.
pub(crate) fn plant(
    text: &[u8],
    spot: Spot<'_>,
    bait: Bait<'_>,
    may_go: impl Fn(&str) -> bool,
    replace: bool,
) -> Result<Option<Edited>, EditError> {
    check(text, spot, |key| key == bait.key || may_go(key), replace)?;
    let lines = Lines::of(text);
    let mut edit = Edit::new(text);
    let Some(profile) = only(&lines, spot)? else {
        add_profile(&lines, &mut edit, spot, bait);
        return Ok(Some(edit.finish()));
    };
    let [id, secret, session, region] = all(&lines, spot.profile, &profile)?;
    let mut missing = Vec::new();
    let region = match (bait.region, region) {
        (Some(wanted), None) => Some(wanted),
        // One that is there belongs to whoever wrote it.
        _ => None,
    };
    missing.extend(region.map(|region| (REGION, region.as_str().as_bytes())));
    for (name, found, wanted) in [(SECRET, secret, bait.secret.reveal()), (ID, id, bait.key)] {
        match found {
            Some((_, value)) if lines.text(value.clone()) == wanted.as_bytes() => {}
            Some((_, value)) => edit.replace(value, &[wanted.as_bytes()]),
            None => missing.push((name, wanted.as_bytes())),
        }
    }
    if let Some((line, _)) = session {
        // Of another key: with it this one would be refused.
        edit.remove(lines.all(), line..line + 1);
    }
    if !missing.is_empty() {
        add_lines(&lines, &mut edit, &profile, &missing);
    }
    Ok(edit.is_changed().then(|| edit.finish()))
}

/// Takes a key out. `None`: there is none.
pub(crate) fn unplant(
    text: &[u8],
    spot: Spot<'_>,
    may_go: impl Fn(&str) -> bool,
    hint: &'static str,
) -> Result<Option<Edited>, EditError> {
    let (lines, name) = (Lines::of(text), spot.profile);
    let Some(profile) = only(&lines, spot)? else { return Ok(None) };
    let [Some((id, value)), secret, session, region] = all(&lines, name, &profile)? else { return Ok(None) };
    let key = shown(lines.text(value));
    if !may_go(&key) {
        return Err(EditError::Foreign { profile: name.to_owned(), key, hint });
    }
    let (secret, session) = (secret.map(|(line, _)| line), session.map(|(line, _)| line));
    let region = region.map(|(line, _)| line);
    let header = profile.lines.start;
    let mut gone: Vec<usize> = [Some(id), secret, session].into_iter().flatten().collect();
    let is_made = secret.is_none_or(|secret| id < secret);
    // A region that plant wrote stands at the outer end, right beside.
    let is_ours = |region: usize| match secret {
        Some(secret) if is_made => secret == id + 1 && region == secret + 1,
        Some(secret) => region == header + 1 && secret == region + 1 && id == secret + 1,
        None => false,
    };
    gone.extend(region.filter(|region| is_ours(*region)));
    let is_left = |(number, line): (usize, &super::ini::Line)| line.what != What::Blank && !gone.contains(&number);
    if is_made && !lines.body(&profile).any(is_left) {
        gone.push(header);
        let before =
            header.checked_sub(1).filter(|before| lines.all().get(*before).is_some_and(|it| it.what == What::Blank));
        gone.extend(before);
    }
    let mut edit = Edit::new(text);
    for line in &gone {
        edit.remove(lines.all(), *line..*line + 1);
    }
    let mut edited = edit.finish();
    // The end of the line before stands there since the key does.
    if gone.iter().any(|line| line + 1 == lines.all().len()) && !text.ends_with(b"\n") && edited.ends_with(b"\n") {
        let newline = if edited.ends_with(b"\r\n") { 2 } else { 1 };
        let length = edited.len() - newline;
        edited.truncate(length);
    }
    Ok(Some(edited))
}

/// Makes the profile, at the end of the file.
fn add_profile(lines: &Lines<'_>, edit: &mut Edit<'_>, spot: Spot<'_>, bait: Bait<'_>) {
    let newline = lines.newline();
    let end = edit.text.len();
    let is_empty = edit.text.is_empty();
    let is_open = !is_empty && !edit.text.ends_with(b"\n");
    let section = spot.section();
    let mut pieces: Vec<&[u8]> = Vec::new();
    if is_open {
        pieces.push(newline);
    }
    if !is_empty {
        pieces.push(newline);
    }
    pieces.extend([b"[".as_slice(), section.as_bytes(), b"]"]);
    let region = bait.region.map(|region| (REGION, region.as_str().as_bytes()));
    let values = [(ID, bait.key.as_bytes()), (SECRET, bait.secret.reveal().as_bytes())];
    for (name, value) in values.into_iter().chain(region) {
        pieces.extend([newline, name.as_bytes(), b" = ", value]);
    }
    // A file that had no end of a line at its end has none afterwards.
    if !is_open {
        pieces.push(newline);
    }
    edit.replace(end..end, &pieces);
}

/// Adds lines right behind a profile's header.
fn add_lines(lines: &Lines<'_>, edit: &mut Edit<'_>, profile: &Profile, missing: &[(&str, &[u8])]) {
    let newline = lines.newline();
    let Some(header) = lines.all().get(profile.lines.start) else { return };
    let is_open = !lines.text(header.whole.clone()).ends_with(b"\n");
    let indent = indent(lines, profile);
    let mut pieces: Vec<&[u8]> = Vec::new();
    for (name, value) in missing {
        if is_open {
            pieces.push(newline);
        }
        pieces.extend([indent, name.as_bytes(), b" = ", value]);
        if !is_open {
            pieces.push(newline);
        }
    }
    edit.replace(header.whole.end..header.whole.end, &pieces);
}

/// How far to the right lines have to stand right behind a profile's header: as far as anything that follows up to the
/// first property or the next header, which would go on with their values otherwise.
fn indent<'a>(lines: &Lines<'a>, profile: &Profile) -> &'a [u8] {
    let mut widest: &[u8] = &[];
    for line in lines.all().iter().skip(profile.lines.start + 1) {
        let text = lines.text(line.whole.clone());
        let space = text.get(..text.len() - text.trim_ascii_start().len()).unwrap_or_default();
        if line.what == What::Comment || line.what == What::Blank {
            continue;
        }
        if space.len() > widest.len() {
            widest = space;
        }
        if matches!(line.what, What::Property { .. } | What::Header(_)) {
            break;
        }
    }
    widest
}

/// The profile of that name, where there is one.
fn only(lines: &Lines<'_>, spot: Spot<'_>) -> Result<Option<Profile>, EditError> {
    match lines.sections(&spot.section()).as_slice() {
        [] => Ok(None),
        [profile] => Ok(Some(profile.clone())),
        [first, second, ..] => Err(EditError::Twice {
            profile: spot.profile.to_owned(),
            first: first.lines.start + 1,
            second: second.lines.start + 1,
        }),
    }
}

/// A property: the number of its line, and where its value is.
type Place = (usize, Range<usize>);

/// Id, secret, session token and region of a profile.
fn all(lines: &Lines<'_>, name: &str, profile: &Profile) -> Result<[Option<Place>; 4], EditError> {
    let get = |what| property(lines, name, profile, what);
    Ok([get(ID)?, get(SECRET)?, get(SESSION)?, get(REGION)?])
}

fn property(lines: &Lines<'_>, name: &str, profile: &Profile, what: &str) -> Result<Option<Place>, EditError> {
    let found = lines.properties(profile, what);
    let unclear = |line: usize| EditError::Unclear { profile: name.to_owned(), name: what.to_owned(), line: line + 1 };
    match found.as_slice() {
        [] => Ok(None),
        [place] => match lines.all().get(place.0 + 1) {
            Some(next) if next.what == What::More => Err(unclear(place.0)),
            _ => Ok(Some(place.clone())),
        },
        [_, (line, _), ..] => Err(unclear(*line)),
    }
}

/// A key id as it can be shown: what stands there may be a secret that somebody put into the wrong line.
fn shown(value: &[u8]) -> String {
    let id = value.len() <= 128 && value.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if id { String::from_utf8_lossy(value).into_owned() } else { "(not an access key id)".to_owned() }
}

/// Changes of a text, from the front to the back or not.
struct Edit<'a> {
    text: &'a [u8],
    changes: Vec<(Range<usize>, Zeroizing<Vec<u8>>)>,
}

impl<'a> Edit<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self { text, changes: Vec::new() }
    }

    fn replace(&mut self, range: Range<usize>, pieces: &[&[u8]]) {
        // In one go: a vector that grows leaves copies of itself behind.
        let mut new = Zeroizing::new(Vec::with_capacity(pieces.iter().map(|piece| piece.len()).sum()));
        for piece in pieces {
            new.extend_from_slice(piece);
        }
        self.changes.push((range, new));
    }

    fn remove(&mut self, lines: &[super::ini::Line], numbers: Range<usize>) {
        for line in lines.get(numbers).unwrap_or_default() {
            self.replace(line.whole.clone(), &[]);
        }
    }

    fn is_changed(&self) -> bool {
        !self.changes.is_empty()
    }

    fn finish(mut self) -> Edited {
        self.changes.sort_by_key(|(range, _)| range.start);
        let more: usize = self.changes.iter().map(|(_, new)| new.len()).sum();
        let mut edited = Zeroizing::new(Vec::with_capacity(self.text.len() + more));
        let mut here = 0;
        for (range, new) in &self.changes {
            edited.extend_from_slice(self.text.get(here..range.start).unwrap_or_default());
            edited.extend_from_slice(new);
            here = range.end;
        }
        edited.extend_from_slice(self.text.get(here..).unwrap_or_default());
        edited
    }
}
