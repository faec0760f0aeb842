//! The tasks file as text: `{"tasks": [...], ...}`, Krampus's shape.
//!
//! What is not changed comes out to the letter, whoever wrote it: other keys, their order, numbers of any size. What is
//! changed is printed so that a person can edit it.

use std::collections::BTreeSet;
use std::fmt;

use common::document;
use common::stream::without_place;
use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

const TASKS: &str = "tasks";

/// A tasks file.
#[derive(Debug, Default)]
pub(crate) struct Document {
    /// The keys before `tasks`, and those behind it.
    before: Vec<(String, Box<RawValue>)>,
    after: Vec<(String, Box<RawValue>)>,
    tasks: Vec<Entry>,
    changed: bool,
}

/// One task of the file.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The line on which it starts; 0 for one that is not in the file yet.
    pub(crate) line: u64,
    raw: Box<RawValue>,
}

/// Why a file is not understood. Nothing is done then, and nothing overwritten.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DocumentError {
    #[error("it is empty: remove it, or write {{\"tasks\": []}} into it")]
    Empty,
    #[error("line {line}: {why}")]
    Syntax { line: u64, why: String },
    #[error("line {line}: `{key}` is there twice: to choose one would lose the other")]
    Twice { line: u64, key: String },
    #[error("line {line}: `tasks` is not an array")]
    NotTasks { line: u64 },
    #[error("line {line}: a task is an object, this is {what}")]
    NotATask { line: u64, what: String },
}

/// An object's members in their order, those of one name included.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object with `tasks`")
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

impl document::Document for Document {
    const WHAT: &'static str = "tasks file";

    type Error = DocumentError;

    fn parse(text: &str) -> Result<Self, Self::Error> {
        if text.trim().is_empty() {
            return Err(DocumentError::Empty);
        }
        let syntax = |line: u64, error: &serde_json::Error| DocumentError::Syntax {
            line: (line + error.line() as u64).saturating_sub(1),
            why: without_place(error),
        };
        let Members(members) = serde_json::from_str(text).map_err(|error| syntax(1, &error))?;
        let mut document = Self::default();
        let (mut seen, mut found) = (BTreeSet::new(), false);
        for (key, raw) in members {
            let line = line_of(text, raw);
            if !seen.insert(key.clone()) {
                return Err(DocumentError::Twice { line, key });
            }
            if key == TASKS {
                found = true;
                if !raw.get().starts_with('[') {
                    return Err(DocumentError::NotTasks { line });
                }
                let tasks: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(|error| syntax(line, &error))?;
                for raw in tasks {
                    let line = line_of(text, raw);
                    if !raw.get().starts_with('{') {
                        let what = raw.get().chars().take(40).collect();
                        return Err(DocumentError::NotATask { line, what });
                    }
                    document.tasks.push(Entry { line, raw: raw.to_owned() });
                }
            } else {
                let side = if found { &mut document.after } else { &mut document.before };
                side.push((key, raw.to_owned()));
            }
        }
        Ok(document)
    }

    fn text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    fn is_changed(&self) -> bool {
        self.changed
    }
}

impl Document {
    /// The tasks, in the file's order.
    pub(crate) fn tasks(&self) -> &[Entry] {
        &self.tasks
    }

    /// Adds a task behind the others.
    pub(crate) fn add(&mut self, fields: &Map<String, Value>) -> Result<(), serde_json::Error> {
        self.tasks.push(Entry::of(fields)?);
        self.changed = true;
        Ok(())
    }

    /// Goes through the tasks, and changes those for which there is something to change.
    pub(crate) fn edit(&mut self, mut each: impl FnMut(&Entry) -> Edit) -> Result<(), serde_json::Error> {
        let mut kept = Vec::with_capacity(self.tasks.len());
        for mut entry in std::mem::take(&mut self.tasks) {
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
        self.tasks = kept;
        Ok(())
    }
}

/// What becomes of a task in the file.
#[derive(Debug)]
pub(crate) enum Edit {
    Keep,
    Remove,
    Put(Map<String, Value>),
}

impl Entry {
    /// A task that is in no file yet.
    pub(crate) fn of(fields: &Map<String, Value>) -> Result<Self, serde_json::Error> {
        Ok(Self { line: 0, raw: pretty(fields)? })
    }

    /// The task's text.
    pub(crate) fn text(&self) -> &str {
        self.raw.get()
    }

    /// The task's fields.
    pub(crate) fn fields(&self) -> Result<Map<String, Value>, serde_json::Error> {
        serde_json::from_str(self.raw.get())
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in &self.before {
            map.serialize_entry(key, value)?;
        }
        let tasks: Vec<&RawValue> = self.tasks.iter().map(|entry| &*entry.raw).collect();
        map.serialize_entry(TASKS, &tasks)?;
        for (key, value) in &self.after {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// A task as it stands in the file: indented, since what is given raw is printed raw.
fn pretty(fields: &Map<String, Value>) -> Result<Box<RawValue>, serde_json::Error> {
    // No string of JSON has a line end of its own.
    RawValue::from_string(serde_json::to_string_pretty(fields)?.replace('\n', "\n    "))
}

/// The line of a text on which a part of it starts, from 1.
fn line_of(text: &str, part: &RawValue) -> u64 {
    let offset = (part.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let before = text.as_bytes().get(..offset).unwrap_or_default();
    before.split(|&byte| byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use common::document::Document as _;
    use serde_json::json;

    use super::*;

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
        let mut document = Document::parse(FILE).unwrap();
        assert_eq!(document.tasks().iter().map(|entry| entry.line).collect::<Vec<_>>(), [4, 5]);
        assert!(!document.is_changed());
        assert_eq!(Document::parse(&document.text().unwrap()).unwrap().text().unwrap(), document.text().unwrap());
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
        assert_eq!(document.tasks().len(), 0);
        assert!(document.text().unwrap().contains("\"tasks\": [],"));
    }

    #[test]
    fn a_file_without_tasks_has_none() {
        for text in ["{}", "{\"a\": 1}", "{\"tasks\": []}"] {
            assert_eq!(Document::parse(text).unwrap().tasks().len(), 0, "{text}");
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
            let error = Document::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{text:?}: {error}");
        }
    }
}
