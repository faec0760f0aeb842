//! What is asked for: tokens, one by one.

use std::collections::BTreeMap;
use std::fmt;

use common::settings::Period;
use jiff::Timestamp;
use serde::Deserialize;

use crate::commands::About;
use crate::import::moment;

/// How many characters a text may have.
const LONGEST: usize = 1024;
/// How many labels a token may have.
const MOST_LABELS: usize = 50;

/// A token that somebody wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) owner: String,
    pub(crate) location: String,
    pub(crate) notes: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) expires_at: Option<Timestamp>,
    /// It is made even where the owner has one at that location.
    pub(crate) is_new: bool,
    /// The line of stdin that it stands on.
    pub(crate) line: Option<u64>,
}

/// A request as it stands on stdin. What else is there is none of ours.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Line {
    owner: Option<String>,
    location: Option<String>,
    notes: Option<String>,
    labels: BTreeMap<String, String>,
    expires_at: Option<String>,
    expires_in: Option<Period>,
}

impl Request {
    /// What the flags ask for.
    ///
    /// # Errors
    ///
    /// What is wrong with them, in words.
    pub(crate) fn of(about: &About, is_new: bool, now: Timestamp) -> Result<Self, String> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Self {
            owner: text(&about.owner),
            location: text(&about.location),
            notes: text(&about.notes),
            labels: about.labels(),
            expires_at: end(about.expires_at, about.expires_in, now)?,
            is_new,
            line: None,
        }
        .checked(now)
    }

    /// What a line asks for. What it does not say is as it is here.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words.
    pub(crate) fn with(&self, line: Line, number: u64, now: Timestamp) -> Result<Self, String> {
        let mut labels = self.labels.clone();
        labels.extend(line.labels);
        let at = line.expires_at.map(|text| {
            moment(&text).ok_or_else(|| {
                format!("`expires_at` is no time such as 2027-01-01T12:00:00Z: `{}`", text.escape_default())
            })
        });
        let expires_at = end(at.transpose()?, line.expires_in, now)?.or(self.expires_at);
        Self {
            owner: line.owner.unwrap_or_else(|| self.owner.clone()),
            location: line.location.unwrap_or_else(|| self.location.clone()),
            notes: line.notes.unwrap_or_else(|| self.notes.clone()),
            labels,
            expires_at,
            is_new: self.is_new,
            line: Some(number),
        }
        .checked(now)
    }

    /// The same with a number in the place of `{n}`.
    pub(crate) fn numbered(&self, number: u32) -> Self {
        let number = number.to_string();
        let (location, notes) = (self.location.replace("{n}", &number), self.notes.replace("{n}", &number));
        Self { location, notes, ..self.clone() }
    }

    /// Whether numbers make a difference.
    pub(crate) fn has_number(&self) -> bool {
        self.location.contains("{n}") || self.notes.contains("{n}")
    }

    /// Where one token is enough, if that is so: the owner and the location.
    pub(crate) fn place(&self) -> Option<(String, String)> {
        let is_place = !self.is_new && !self.owner.is_empty() && !self.location.is_empty();
        is_place.then(|| (self.owner.clone(), self.location.clone()))
    }

    fn checked(self, now: Timestamp) -> Result<Self, String> {
        check([&self.owner, &self.location, &self.notes], &self.labels)?;
        match self.expires_at {
            Some(at) if at <= now => Err(format!("its time would be over from the start: {at} is past")),
            _ => Ok(self),
        }
    }
}

/// Whose it is and where it is meant to lie, or on which line it was asked for.
impl fmt::Display for Request {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(out, "line {line}: ")?;
        }
        match (self.owner.as_str(), self.location.as_str()) {
            ("", "") => out.write_str("a token"),
            (owner, "") => write!(out, "a token of {owner}"),
            ("", location) => write!(out, "a token at {location}"),
            (owner, location) => write!(out, "a token of {owner} at {location}"),
        }
    }
}

fn end(at: Option<Timestamp>, within: Option<Period>, now: Timestamp) -> Result<Option<Timestamp>, String> {
    match (at, within) {
        (Some(_), Some(_)) => Err("both `expires_at` and `expires_in` are given".to_owned()),
        (Some(at), None) => Ok(Some(at)),
        (None, Some(within)) => {
            now.checked_add(within.get()).map(Some).map_err(|_| "`expires_in` goes beyond the year 9999".to_owned())
        }
        (None, None) => Ok(None),
    }
}

/// Whether an owner, a location, notes and labels can be noted of a token.
///
/// # Errors
///
/// What is wrong with them, in words.
pub(crate) fn check([owner, location, notes]: [&str; 3], labels: &BTreeMap<String, String>) -> Result<(), String> {
    check_text("owner", owner)?;
    check_text("location", location)?;
    check_text("notes", notes)?;
    if labels.len() > MOST_LABELS {
        return Err(format!("there are {} labels, and {MOST_LABELS} are the most", labels.len()));
    }
    for (name, value) in labels {
        if name.is_empty() {
            return Err("a label has no name".to_owned());
        }
        check_text("a label's name", name)?;
        check_text("a label's value", value)?;
    }
    Ok(())
}

/// Texts end up in tables, on terminals and in other people's files.
fn check_text(what: &str, text: &str) -> Result<(), String> {
    let length = text.chars().count();
    if length > LONGEST {
        return Err(format!("{what} has {length} characters, and {LONGEST} are the most"));
    }
    match text.chars().find(|character| character.is_control()) {
        Some(odd) => Err(format!("{what} has a control character in it: `{}`", odd.escape_default())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    fn base() -> Request {
        let about = About {
            owner: Some("web".into()),
            notes: Some("from the flags".into()),
            label: vec![("env".into(), "prod".into()), ("team".into(), "a".into())],
            expires_in: Some("90d".parse().unwrap()),
            ..About::default()
        };
        Request::of(&about, false, now()).unwrap()
    }

    fn with(json: &str) -> Result<Request, String> {
        let line = serde_json::from_str(json).map_err(|error| error.to_string())?;
        base().with(line, 7, now())
    }

    #[test]
    fn what_a_line_does_not_say_is_as_the_flags_have_it() {
        let request = with(r#"{"location":"laptop-1","labels":{"team":"b"},"colour":"red"}"#).unwrap();
        assert_eq!((request.owner.as_str(), request.location.as_str()), ("web", "laptop-1"));
        assert_eq!(request.labels, [("env".into(), "prod".into()), ("team".into(), "b".into())].into());
        assert_eq!(request.expires_at.unwrap().to_string(), "2027-02-19T12:00:00Z");
        assert_eq!(request.to_string(), "line 7: a token of web at laptop-1");
        let request = with(r#"{"owner":"","expires_at":"2027-01-01T00:00:00Z","notes":null}"#).unwrap();
        assert_eq!(request.expires_at.unwrap().to_string(), "2027-01-01T00:00:00Z");
        assert_eq!((request.notes.as_str(), request.to_string().as_str()), ("from the flags", "line 7: a token"));
        let day = with(r#"{"expires_at":"2027-01-01"}"#).unwrap();
        assert_eq!(day.expires_at, request.expires_at, "a day is its first moment, as `update` has it");
        assert_eq!(with(r#"{"expires_in":"1d"}"#).unwrap().expires_at.unwrap().to_string(), "2026-11-22T12:00:00Z");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let long = format!(r#"{{"notes":"{}"}}"#, "x".repeat(LONGEST + 1));
        let labels: Vec<String> = (0..51).map(|number| format!("\"l{number}\":\"\"")).collect();
        let labels = format!(r#"{{"labels":{{{}}}}}"#, labels.join(","));
        for (json, says) in [
            (r#"{"owner":7}"#, "invalid type"),
            (r#"{"labels":["a"]}"#, "invalid type"),
            (r#"{"labels":{"a":1}}"#, "invalid type"),
            (r#"{"expires_at":"soon\u001b"}"#, "`expires_at` is no time such as 2027-01-01T12:00:00Z: `soon\\u{1b}`"),
            (r#"{"expires_in":"soon"}"#, "is not a time"),
            (r#"{"expires_in":"1d","expires_at":"2027-01-01T00:00:00Z"}"#, "both"),
            (r#"{"expires_at":"2026-01-01T00:00:00Z"}"#, "is past"),
            (r#"{"location":"a\u001b[2Jb"}"#, "location has a control character in it: `\\u{1b}`"),
            (r#"{"owner":"a\nb"}"#, "owner has a control character in it: `\\n`"),
            (r#"{"labels":{"":"x"}}"#, "no name"),
            (long.as_str(), "1025 characters"),
            (labels.as_str(), "53 labels"),
        ] {
            let error = with(json).unwrap_err();
            assert!(error.contains(says), "{json}: {error}");
        }
    }

    #[test]
    fn numbers_stand_where_they_are_asked_for() {
        let request = Request { location: "host-{n}".into(), notes: "{n} of {n}".into(), ..base() };
        assert!(request.has_number() && !base().has_number());
        let third = request.numbered(3);
        assert_eq!((third.location.as_str(), third.notes.as_str()), ("host-3", "3 of 3"));
    }

    #[test]
    fn one_token_is_enough_where_both_are_known() {
        let request = Request { owner: "web".into(), location: "nas".into(), ..Request::default() };
        assert_eq!(request.place(), Some(("web".to_owned(), "nas".to_owned())));
        for other in [
            Request { is_new: true, ..request.clone() },
            Request { owner: String::new(), ..request.clone() },
            Request { location: String::new(), ..request.clone() },
        ] {
            assert_eq!(other.place(), None);
        }
    }
}
