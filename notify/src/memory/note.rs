//! What the memory knows of a record's key and a target: one object of its list.

use std::collections::{BTreeMap, BTreeSet};

use common::document::ListEntry;
use common::id::AccountId;
use common::record::Severity;
use common::settings::Zone;
use common::stream::without_place;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::TargetName;
use crate::entry::{About, Before, Entry};

/// The status of what is no more.
pub(crate) const RESOLVED: &str = "resolved";

/// Which facts of an entry name its action.
const ACTIONS: [&str; 4] = ["fix", "action", "planned", "done"];

/// What was said, as far as it matters whether it has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct What {
    pub(crate) status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) severity: Option<Severity>,
    pub(crate) title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) action: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) due: Option<Timestamp>,
}

/// That a run is about to say something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claim {
    /// Which run.
    pub(crate) run: String,
    /// Until when. A run that has not said by then what came of it was killed.
    pub(crate) until: Timestamp,
    /// What.
    pub(crate) what: What,
}

/// What is known of a key and a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) key: String,
    pub(crate) target: TargetName,
    #[serde(default)]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) severity: Option<Severity>,
    #[serde(default)]
    pub(crate) title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) action: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) due: Option<Timestamp>,
    pub(crate) account: AccountId,
    #[serde(default)]
    pub(crate) region: String,
    #[serde(default)]
    pub(crate) r#type: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) check: String,
    /// As a message gives it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) place: String,
    /// When it was said for the first time; without it nothing was said yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) first_said: Option<Timestamp>,
    /// When it was said for the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_said: Option<Timestamp>,
    /// When it was last in an input, to the day; one that somebody has written by hand may not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seen: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) claims: Vec<Claim>,
}

/// The fields that go where there is nothing to say.
const OPTIONAL: [&str; 10] =
    ["severity", "action", "due", "id", "check", "place", "first_said", "last_said", "seen", "claims"];

impl What {
    /// What an entry says.
    pub(crate) fn of(entry: &Entry) -> Self {
        let zone = Zone::default();
        let action = entry.facts.iter().find(|fact| ACTIONS.contains(&fact.label)).map(|fact| fact.text(&zone));
        let is_scope = entry.about.kind == SCOPE;
        Self {
            status: entry.about.status.to_owned(),
            severity: entry.severity,
            // That of a scope counts those that failed for the same reason.
            title: match entry.about.incident.as_str() {
                _ if is_scope => "could not be looked at".to_owned(),
                "" => entry.title.clone(),
                // Who touches a decoy as he did a month ago is told of anew: that is another incident.
                incident => format!("{} [{incident}]", entry.title),
            },
            // What it does is explained behind its name and its parameters.
            action: action.and_then(|text| Some(text.split(": ").next()?.to_owned())).unwrap_or_default(),
            due: entry.due.as_ref().map(|due| due.at),
        }
    }

    /// What is said of what is no more.
    pub(crate) fn resolved() -> Self {
        Self { status: RESOLVED.to_owned(), ..Self::default() }
    }

    /// Whether it is over with this: there is nothing left that could change.
    pub(crate) fn is_end(&self) -> bool {
        ["applied", RESOLVED].contains(&self.status.as_str())
    }

    /// Whether it says the same as another one of a check.
    fn is_same(&self, other: &Self, check: &str) -> bool {
        let title = |what: &Self| if is_runaway(check) { without_numbers(&what.title) } else { what.title.clone() };
        (&self.status, self.severity, &self.action, self.due)
            == (&other.status, other.severity, &other.action, other.due)
            && title(self) == title(other)
    }
}

/// The kind of what is told of a scope.
pub(crate) const SCOPE: &str = "scope";

/// Whether a check is one of the emergency brake: what it counts in an account is another number in each run.
pub(crate) fn is_runaway(check: &str) -> bool {
    check.ends_with("_runaway")
}

/// A text with one mark for each number in it.
fn without_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '0'..='9' | '.' | ',' if out.ends_with('#') => {}
            '0'..='9' => out.push('#'),
            other => out.push(other),
        }
    }
    out
}

impl Note {
    /// What is known of one of an entry's keys before anything was said.
    pub(crate) fn new(key: &str, target: &str, entry: &Entry, now: Timestamp) -> Self {
        let about = &entry.about;
        let mut note = Self {
            key: key.to_owned(),
            target: target.to_owned(),
            kind: about.kind.to_owned(),
            status: String::new(),
            severity: None,
            title: String::new(),
            action: String::new(),
            due: None,
            account: about.account.clone(),
            region: String::new(),
            r#type: String::new(),
            id: String::new(),
            check: String::new(),
            place: String::new(),
            first_said: None,
            last_said: None,
            seen: Some(now),
            claims: Vec::new(),
        };
        note.say(&What::of(entry));
        note.locate(entry);
        note
    }

    /// Takes down where it is now: a bucket of the same name may be in another region than before. The answer is whether
    /// that is new.
    pub(crate) fn locate(&mut self, entry: &Entry) -> bool {
        let about = &entry.about;
        let before = self.clone();
        // `scope:ACCOUNT:REGION:TYPE`
        let of_scope = self.key.strip_prefix("scope:").and_then(|rest| rest.split_once(':')?.1.split_once(':'));
        let one = |all: &BTreeSet<String>| all.first().cloned().unwrap_or_default();
        (self.region, self.r#type) = match of_scope {
            Some((region, kind)) if about.kind == SCOPE => (region.to_owned(), kind.to_owned()),
            _ => (one(&about.regions), one(&about.types)),
        };
        about.kind.clone_into(&mut self.kind);
        self.account.clone_from(&about.account);
        self.id.clone_from(&about.id);
        self.check.clone_from(&about.check);
        self.place =
            if about.kind == SCOPE { format!("{}, {}", self.r#type, self.region) } else { entry.place.clone() };
        *self != before
    }

    /// What was said.
    pub(crate) fn what(&self) -> What {
        let Self { status, severity, title, action, due, .. } = self;
        let (status, title, action) = (status.clone(), title.clone(), action.clone());
        What { status, severity: *severity, title, action, due: *due }
    }

    /// Whether this was said.
    pub(crate) fn has_said(&self, what: &What) -> bool {
        self.last_said.is_some() && self.what().is_same(what, &self.check)
    }

    /// Whether somebody is about to say this, or has said it and is yet to note it down.
    pub(crate) fn is_being_said(&self, what: &What, now: Timestamp) -> bool {
        self.live(now).any(|claim| claim.what.is_same(what, &self.check))
    }

    /// The claims that hold.
    pub(crate) fn live(&self, now: Timestamp) -> impl Iterator<Item = &Claim> {
        self.claims.iter().filter(move |claim| claim.until > now)
    }

    /// Takes down what was said, or is about to be for the first time.
    pub(crate) fn say(&mut self, what: &What) {
        let What { status, severity, title, action, due } = what.clone();
        (self.status, self.severity, self.title, self.action, self.due) = (status, severity, title, action, due);
    }

    /// What people were told, for when it is no more.
    pub(crate) fn before(&self) -> Option<Before> {
        let kind = ["finding", "outcome", SCOPE].into_iter().find(|kind| *kind == self.kind)?;
        Some(Before {
            about: About {
                kind,
                status: RESOLVED,
                account: self.account.clone(),
                regions: [self.region.clone()].into(),
                types: [self.r#type.clone()].into(),
                check: self.check.clone(),
                id: self.id.clone(),
                tags: BTreeMap::new(),
                incident: String::new(),
            },
            severity: self.severity,
            title: self.title.clone(),
            place: self.place.clone(),
            key: self.key.clone(),
            told: self.last_said?,
        })
    }

    /// # Errors
    ///
    /// What is wrong with it, and on which line.
    pub(crate) fn read(entry: &ListEntry) -> Result<Self, NoteError> {
        serde_json::from_str(entry.text()).map_err(|error| NoteError {
            line: (entry.line + error.line() as u64).saturating_sub(1),
            why: without_place(&error),
        })
    }

    /// As it stands in the list, with what else somebody wrote into it before.
    pub(crate) fn write(&self, before: Option<&ListEntry>) -> Result<ListEntry, serde_json::Error> {
        let mut fields = before.map(ListEntry::fields).transpose()?.unwrap_or_default();
        if let Value::Object(own) = serde_json::to_value(self)? {
            for name in OPTIONAL.into_iter().filter(|name| !own.contains_key(*name)) {
                // The others keep their order.
                fields.shift_remove(name);
            }
            fields.extend(own);
        }
        ListEntry::of(&fields)
    }
}

/// An object of the list that is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub(crate) struct NoteError {
    line: u64,
    why: String,
}
