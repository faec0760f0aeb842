//! A document that is a list with something around it: `{"tasks": [...], ...}`.
//!
//! What is not changed comes out to the letter, whoever wrote it: other keys, their order, numbers of any size. What is
//! changed is printed so that a person can edit it.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::Document;
use crate::stream::without_place;

/// What a list is of.
pub trait Listed: 'static {
    /// What the document is, in messages: `tasks file`.
    const WHAT: &'static str;

    /// The key under which the list stands: `tasks`.
    const NAME: &'static str;

    /// What is listed, in messages: `a task`.
    const ENTRY: &'static str;

    /// Whether a text without anything in it is an empty list. Otherwise it is taken for what is left of one.
    const MAY_BE_BLANK: bool;
}

/// A list, and what stands around it.
pub struct List<L> {
    /// The keys before the list, and those behind it.
    before: Vec<(String, Box<RawValue>)>,
    after: Vec<(String, Box<RawValue>)>,
    entries: Vec<ListEntry>,
    changed: bool,
    of: PhantomData<fn() -> L>,
}

/// One entry of a list.
#[derive(Clone, Debug)]
pub struct ListEntry {
    /// The line on which it starts; 0 for one that is not in the file yet.
    pub line: u64,
    raw: Box<RawValue>,
}

/// Why a text is no such list.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// There is nothing in it.
    #[error("it is empty: remove it, or write {{\"{name}\": []}} into it")]
    Empty {
        /// The list's key.
        name: &'static str,
    },
    /// It is no JSON, or no object.
    #[error("line {line}: {why}")]
    Syntax {
        /// Where.
        line: u64,
        /// What.
        why: String,
    },
    /// A key is there more than once.
    #[error("line {line}: `{key}` is there twice: to choose one would lose the other")]
    Twice {
        /// Where the second one stands.
        line: u64,
        /// Which.
        key: String,
    },
    /// The list is none.
    #[error("line {line}: `{name}` is not an array")]
    NoList {
        /// Where.
        line: u64,
        /// The list's key.
        name: &'static str,
    },
    /// An entry is none.
    #[error("line {line}: {entry} is an object, this is {what}")]
    NoEntry {
        /// Where.
        line: u64,
        /// What it should be.
        entry: &'static str,
        /// What stands there.
        what: String,
    },
}

impl<L> Default for List<L> {
    fn default() -> Self {
        Self { before: Vec::new(), after: Vec::new(), entries: Vec::new(), changed: false, of: PhantomData }
    }
}

impl<L: Listed> fmt::Debug for List<L> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct(L::NAME)
            .field("entries", &self.entries)
            .field("changed", &self.changed)
            .finish_non_exhaustive()
    }
}

/// An object's members in their order, those of one name included.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(InOrder).map(Members)
    }
}

impl<L: Listed> Document for List<L> {
    const WHAT: &'static str = L::WHAT;

    type Error = ListError;

    fn parse(text: &str) -> Result<Self, ListError> {
        if text.trim().is_empty() {
            return if L::MAY_BE_BLANK { Ok(Self::default()) } else { Err(ListError::Empty { name: L::NAME }) };
        }
        let syntax = |line: u64, error: &serde_json::Error| ListError::Syntax {
            line: (line + error.line() as u64).saturating_sub(1),
            why: without_place(error),
        };
        let Members(members) = serde_json::from_str(text).map_err(|error| syntax(1, &error))?;
        let mut lines = Lines { text, at: 0, line: 1 };
        let mut list = Self::default();
        let (mut seen, mut found) = (BTreeSet::new(), false);
        for (key, raw) in members {
            let line = lines.of(raw);
            if !seen.insert(key.clone()) {
                return Err(ListError::Twice { line, key });
            }
            if key == L::NAME {
                found = true;
                if !raw.get().starts_with('[') {
                    return Err(ListError::NoList { line, name: L::NAME });
                }
                let entries: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(|error| syntax(line, &error))?;
                for raw in entries {
                    let line = lines.of(raw);
                    if !raw.get().starts_with('{') {
                        let what = raw.get().chars().take(40).collect();
                        return Err(ListError::NoEntry { line, entry: L::ENTRY, what });
                    }
                    list.entries.push(ListEntry { line, raw: raw.to_owned() });
                }
            } else {
                let side = if found { &mut list.after } else { &mut list.before };
                side.push((key, raw.to_owned()));
            }
        }
        Ok(list)
    }

    fn text(&self) -> Result<String, serde_json::Error> {
        /// What `List` would be without a word on what it is of.
        struct Around<'a, L>(&'a List<L>);

        impl<L: Listed> Serialize for Around<'_, L> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let Self(list) = self;
                let mut map = serializer.serialize_map(None)?;
                for (key, value) in &list.before {
                    map.serialize_entry(key, value)?;
                }
                let entries: Vec<&RawValue> = list.entries.iter().map(|entry| &*entry.raw).collect();
                map.serialize_entry(L::NAME, &entries)?;
                for (key, value) in &list.after {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }

        serde_json::to_string_pretty(&Around(self)).map(|text| text + "\n")
    }

    fn is_changed(&self) -> bool {
        self.changed
    }
}

impl<L> List<L> {
    /// The entries, in their order.
    pub fn entries(&self) -> &[ListEntry] {
        &self.entries
    }

    /// Adds an entry behind the others.
    ///
    /// # Errors
    ///
    /// It cannot be written as JSON.
    pub fn add(&mut self, fields: &Map<String, Value>) -> Result<(), serde_json::Error> {
        self.entries.push(ListEntry::of(fields)?);
        self.changed = true;
        Ok(())
    }

    /// Puts other entries in the place of all.
    pub fn replace(&mut self, entries: Vec<ListEntry>) {
        self.entries = entries;
        self.changed = true;
    }

    /// Goes through the entries, and changes those for which there is something to change.
    ///
    /// # Errors
    ///
    /// What is put there cannot be written as JSON.
    pub fn edit(&mut self, mut each: impl FnMut(&ListEntry) -> Edit) -> Result<(), serde_json::Error> {
        let mut kept = Vec::with_capacity(self.entries.len());
        for mut entry in std::mem::take(&mut self.entries) {
            match each(&entry) {
                Edit::Keep => {}
                Edit::Remove => {
                    self.changed = true;
                    continue;
                }
                Edit::Put(fields) => {
                    entry.raw = pretty(&fields)?;
                    self.changed = true;
                }
            }
            kept.push(entry);
        }
        self.entries = kept;
        Ok(())
    }
}

/// What becomes of an entry.
#[derive(Debug)]
pub enum Edit {
    /// It stays.
    Keep,
    /// It goes.
    Remove,
    /// It has these fields from now on.
    Put(Map<String, Value>),
}

impl ListEntry {
    /// An entry that is in no file yet.
    ///
    /// # Errors
    ///
    /// It cannot be written as JSON.
    pub fn of(fields: &Map<String, Value>) -> Result<Self, serde_json::Error> {
        Ok(Self { line: 0, raw: pretty(fields)? })
    }

    /// Its text.
    pub fn text(&self) -> &str {
        self.raw.get()
    }

    /// Its fields.
    ///
    /// # Errors
    ///
    /// A number is too large, say.
    pub fn fields(&self) -> Result<Map<String, Value>, serde_json::Error> {
        serde_json::from_str(self.raw.get())
    }
}

/// An entry as it stands in the file: indented, since what is given raw is printed raw.
fn pretty(fields: &Map<String, Value>) -> Result<Box<RawValue>, serde_json::Error> {
    // No string of JSON has a line end of its own.
    RawValue::from_string(serde_json::to_string_pretty(fields)?.replace('\n', "\n    "))
}

/// Counts the lines of a text, on which its parts start, from the first to the last.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line on which a part starts, from 1; it stands behind those that were asked for before.
    fn of(&mut self, part: &RawValue) -> u64 {
        let offset = (part.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let between = self.text.as_bytes().get(self.at..offset).unwrap_or_default();
        self.line += memchr::memchr_iter(b'\n', between).count() as u64;
        self.at = self.at.max(offset);
        self.line
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    struct Tasks;

    impl Listed for Tasks {
        const WHAT: &'static str = "tasks file";
        const NAME: &'static str = "tasks";
        const ENTRY: &'static str = "a task";
        const MAY_BE_BLANK: bool = false;
    }

    struct Blank;

    impl Listed for Blank {
        const WHAT: &'static str = "memory";
        const NAME: &'static str = "said";
        const ENTRY: &'static str = "what was said";
        const MAY_BE_BLANK: bool = true;
    }

    fn parse(text: &str) -> Result<List<Tasks>, ListError> {
        List::parse(text)
    }

    const FILE: &str = r#"{
  "_comments": "mine",
  "tasks": [
    {"aws_resource_name": "arn:aws:ec2:eu-west-1:111122223333:instance/i-1",   "n": 123456789012345678901234567890},
    {
      "action": "stop"
    }
  ],
  "zeta": 1.0,
  "alpha": {"b": [], "a": "\u00e9"}
}
"#;

    #[test]
    fn what_is_not_changed_comes_out_to_the_letter() {
        let mut document = parse(FILE).unwrap();
        assert_eq!(document.entries().iter().map(|entry| entry.line).collect::<Vec<_>>(), [4, 5]);
        assert!(!document.is_changed());
        assert_eq!(parse(&document.text().unwrap()).unwrap().text().unwrap(), document.text().unwrap());
        let fields = json!({"action": "start", "tags": {"a": "b"}});
        document
            .edit(|entry| match entry.line {
                5 => Edit::Put(fields.as_object().unwrap().clone()),
                _ => Edit::Keep,
            })
            .unwrap();
        document.add(fields.as_object().unwrap()).unwrap();
        assert!(document.is_changed());
        let text = document.text().unwrap();
        let expected = r#"{
  "_comments": "mine",
  "tasks": [
    {"aws_resource_name": "arn:aws:ec2:eu-west-1:111122223333:instance/i-1",   "n": 123456789012345678901234567890},
    {
      "action": "start",
      "tags": {
        "a": "b"
      }
    },
    {
      "action": "start",
      "tags": {
        "a": "b"
      }
    }
  ],
  "zeta": 1.0,
  "alpha": {"b": [], "a": "\u00e9"}
}
"#;
        assert_eq!(text, expected);
        document.edit(|_| Edit::Remove).unwrap();
        assert_eq!(document.entries().len(), 0);
        assert!(document.text().unwrap().contains("\"tasks\": [],"));
    }

    #[test]
    fn a_file_without_tasks_has_none() {
        for text in ["{}", "{\"a\": 1}", "{\"tasks\": []}"] {
            assert_eq!(parse(text).unwrap().entries().len(), 0, "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_named_with_its_line() {
        for (text, expected) in [
            ("", "it is empty"),
            (" \n", "it is empty"),
            ("[]", "line 1: invalid type"),
            ("{\"tasks\": [\n{},\n{\"a\": }\n]}", "line 3: expected value"),
            ("{\"tasks\": [\n{}", "line 2: EOF"),
            ("{\n\"tasks\": {}}", "line 2: `tasks` is not an array"),
            ("{\"tasks\": null}", "line 1: `tasks` is not an array"),
            ("{\"tasks\": [],\n\"tasks\": []}", "line 2: `tasks` is there twice"),
            ("{\"a\": [],\n\"a\": []}", "line 2: `a` is there twice"),
            ("{\"tasks\": [{},\n\n\"arn:aws:...\"]}", "line 3: a task is an object, this is \"arn:aws:...\""),
            ("{\"tasks\": []}\n{\"tasks\": []}", "line 2: trailing characters"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_blank_text_is_empty_where_that_is_said() {
        for text in ["", " \n"] {
            assert_eq!(List::<Blank>::parse(text).unwrap().entries().len(), 0, "{text:?}");
        }
        assert!(List::<Blank>::parse("x").is_err());
    }
}
