//! What a message says of one record: every text of it cleaned and cut, so that a title of a megabyte is not carried
//! along, and no sink has to think of control characters.

mod alert;
mod due;
mod record;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use common::arn::Arn;
use common::id::{AccountId, Region};
use common::record::Severity;
use common::settings::Zone;
use jiff::Timestamp;

use crate::text::{clean, moment};

pub(crate) use alert::Alarm;
pub(crate) use due::{Due, SENTENCE};
pub(crate) use record::{Before, finding, key_or, outcome, resolved};

/// The most characters of a title.
const TITLE: usize = 500;
/// The most characters of a resource's name.
const PLACE: usize = 400;
/// The most characters of any other text.
pub(crate) const FACT: usize = 300;

/// What happened to what a record tells of. Within a check, a message has them in this order: first what somebody may
/// have to act on, what went wrong before what was only found, then what is in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Heading {
    /// An alert whose incident is open.
    Alert,
    /// An outcome `failed`.
    Failed,
    /// An outcome `interrupted`.
    Interrupted,
    /// An outcome `changed`.
    Changed,
    /// An outcome `refused`.
    Refused,
    /// An outcome `refused`, since there is no action.
    ByHand,
    /// A finding `fail`.
    Open,
    /// A failed scope.
    NotLooked,
    /// A finding `unknown`.
    Unknown,
    /// An outcome `scheduled`: whoever it concerns can still put it right.
    Scheduled,
    /// An outcome `applied`.
    Applied,
    /// An outcome `planned`.
    Planned,
    /// An outcome `resolved`.
    Resolved,
    /// What people were told of, and is no more.
    Settled,
    /// An alert whose incident is closed.
    Closed,
    /// A finding or outcome `excepted`.
    Excepted,
}

impl Heading {
    /// The words before the entry's title.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Alert => "Alert",
            Self::Failed => "Failed to fix",
            Self::Interrupted => "Interrupted",
            Self::Changed => "Changed meanwhile, left alone",
            Self::Refused => "Refused by a guard",
            Self::ByHand => "To be mended by hand",
            Self::Open => "Open",
            Self::NotLooked => "Not looked at",
            Self::Unknown => "Unknown",
            Self::Scheduled => "Scheduled",
            Self::Applied => "Done",
            Self::Planned => "Planned, nothing was changed",
            Self::Resolved => "Put right in time",
            Self::Settled => "Resolved",
            Self::Closed => "Closed",
            Self::Excepted => "Excepted",
        }
    }

    /// Whether it is no problem (any more), or not known to be one: such entries are not counted by their severity.
    pub(crate) const fn is_fine(self) -> bool {
        matches!(self, Self::Unknown | Self::NotLooked | Self::Resolved | Self::Settled | Self::Closed | Self::Excepted)
    }

    /// Whether an exception may be wanted.
    pub(crate) const fn can_be_excepted(self) -> bool {
        matches!(self, Self::Open | Self::Scheduled | Self::Planned | Self::Applied)
    }
}

/// What is told by its number alone: a nightly run would otherwise list the same hundreds every night.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Counted {
    /// A finding `pass`.
    Pass,
    /// An outcome `already`.
    Already,
    /// An outcome `waiting`.
    Waiting,
    /// What people were told of before, and is as it was.
    Unchanged,
}

impl Counted {
    /// The words behind the number.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Pass => "passed",
            Self::Already => "already in order",
            Self::Waiting => "waiting for their time",
            Self::Unchanged => "unchanged since they were told",
        }
    }
}

/// One entry of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// What happened.
    pub(crate) heading: Heading,
    /// How bad it is; a task has no severity.
    pub(crate) severity: Option<Severity>,
    /// The check's id, for the order; empty for a task, a scope or an alert.
    pub(crate) check: String,
    /// The controls that ask for the check, where they are known.
    pub(crate) controls: String,
    /// One sentence.
    pub(crate) title: String,
    /// The sentence without the resource's name: entries that share it are listed under it, by their places alone.
    pub(crate) shape: String,
    /// The resource: its ARN (or id), type and region. Empty where the entry is about no single one.
    pub(crate) place: String,
    /// What else is to be said, in this order.
    pub(crate) facts: Vec<Fact>,
    /// The keys of the records that it tells of, as they stand there.
    pub(crate) keys: Vec<String>,
    /// Whether something was changed and can be put back.
    pub(crate) undo: bool,
    /// What the records are about, as they stand there: what routes go by.
    pub(crate) about: About,
    /// What will be done, and when, unless it is put right before.
    pub(crate) due: Option<Due>,
}

impl Entry {
    /// What names it among others that share its title: its place, or else the title.
    pub(crate) fn named(&self) -> &str {
        if self.place.is_empty() { &self.title } else { &self.place }
    }
}

/// What a record is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct About {
    /// The record's kind.
    pub(crate) kind: &'static str,
    /// Its status, as it stands there.
    pub(crate) status: &'static str,
    /// The account.
    pub(crate) account: AccountId,
    /// The regions: one, save for scopes that are told of together.
    pub(crate) regions: BTreeSet<String>,
    /// The resource types, likewise.
    pub(crate) types: BTreeSet<String>,
    /// The check's id; empty for a task, a scope or an alert.
    pub(crate) check: String,
    /// What the service calls the resource; empty for a scope.
    pub(crate) id: String,
    /// The resource's tags.
    pub(crate) tags: BTreeMap<String, String>,
    /// What an alert belongs to; empty for all else.
    pub(crate) incident: String,
}

/// A labelled line of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fact {
    /// What it is.
    pub(crate) label: &'static str,
    /// What is said.
    said: Said,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    Text(String),
    /// Given in UTC, and in the time zone of those who read it.
    Time(Timestamp),
}

impl Fact {
    /// A fact, where there is anything to say.
    pub(crate) fn new(label: &'static str, text: &str) -> Option<Self> {
        let text = clean(text, FACT);
        (!text.is_empty()).then_some(Self { label, said: Said::Text(text) })
    }

    /// A time.
    pub(crate) const fn time(label: &'static str, at: Timestamp) -> Self {
        Self { label, said: Said::Time(at) }
    }

    /// The text, on one line of at most [`FACT`] characters.
    pub(crate) fn text(&self, zone: &Zone) -> Cow<'_, str> {
        match &self.said {
            Said::Text(text) => Cow::Borrowed(text),
            Said::Time(at) => Cow::Owned(moment(*at, zone)),
        }
    }
}

/// What becomes of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// It is listed.
    Listed(Box<Entry>),
    /// It is counted: as what, and its key.
    Counted(Counted, String),
}

fn title(title: &str, what: &str, id: &str) -> String {
    let title = clean(title, TITLE);
    if title.is_empty() { clean(&format!("{what}: {id}"), TITLE) } else { title }
}

/// A title with an ellipsis for the resource's name, where that stands in it as a word of its own: a bucket may be
/// called `a`.
fn shape(title: &str, id: &str) -> String {
    let id = clean(id, TITLE);
    let word = |character: char| character.is_alphanumeric();
    let apart = |at: usize| {
        let (before, rest) = title.split_at(at);
        !before.ends_with(word) && !rest.get(id.len()..).is_some_and(|after| after.starts_with(word))
    };
    let found = (!id.is_empty()).then(|| title.match_indices(&id).map(|(at, _)| at).find(|at| apart(*at))).flatten();
    match found {
        Some(at) => [title.get(..at), Some("…"), title.get(at + id.len()..)].into_iter().flatten().collect(),
        None => title.to_owned(),
    }
}

fn place(arn: Option<&Arn>, id: &str, kind: &str, region: &Region) -> String {
    let name = arn.map_or_else(|| id.to_owned(), ToString::to_string);
    let suffix = format!(" ({}, {region})", clean(kind, 40));
    let room = PLACE.saturating_sub(suffix.chars().count());
    clean(&name, room) + &suffix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_of_a_title_leaves_the_name_out() {
        for (title, id, expected) in [
            ("S3 bucket acme-logs is open", "acme-logs", "S3 bucket … is open"),
            ("S3 bucket a is open", "a", "S3 bucket … is open"),
            ("IAM user jane's key", "jane", "IAM user …'s key"),
            ("janet is not jane", "jane", "janet is not …"),
            ("jane's jane", "jane", "…'s jane"),
            ("nothing of it", "jane", "nothing of it"),
            ("nothing of it", "", "nothing of it"),
            ("日本 名前", "名前", "日本 …"),
        ] {
            assert_eq!(shape(title, id), expected, "{title}");
        }
    }
}
