//! A task of the file, understood.

use common::record::{Claim, Filed};
use common::stream::Item;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::document::Entry;
use super::score::SCORE;
use crate::job::{Input, Job};

/// What makes two tasks one: a finding's key, or what is to be done to which resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Identity {
    account: String,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// The key of a finding, or of a resource's score.
    Key(String),
    /// Type, region, id and action. The key of a task depends on how it names the resource.
    Task([String; 4]),
}

/// A task of the file, understood.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) identity: Identity,
    pub(crate) job: Job,
    pub(crate) filed: Filed,
}

/// Where a task stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Its time has come.
    Due,
    /// Its time has not come.
    NotBefore(Timestamp),
    /// It failed, and is tried again.
    Again(Timestamp),
    /// It failed too often.
    Parked,
    /// A run is at work on it, or was cut off in it.
    Claimed(Claim),
}

impl Identity {
    pub(crate) fn of(job: &Job) -> Self {
        let reference = &job.reference;
        let what = if job.check.is_some() || job.key.starts_with(SCORE) {
            What::Key(job.key.clone())
        } else {
            let action = serde_json::to_string(&job.action).unwrap_or_default();
            What::Task([reference.kind.clone(), reference.region.to_string(), reference.id.clone(), action])
        };
        Self { account: reference.account.to_string(), what }
    }
}

impl Known {
    /// # Errors
    ///
    /// Why it is no task, with its line.
    pub(crate) fn read(entry: &Entry) -> Result<Self, String> {
        let item = Item { line: entry.line, text: entry.text().to_owned() };
        let mut job = match Input::read(&item) {
            Ok(Input::Job(job)) => *job,
            Ok(Input::PassOn) => return Err(format!("line {}: this is no task", entry.line)),
            Err(why) => return Err(why.to_string()),
        };
        let filed: Filed = item.parse().map_err(|broken| broken.to_string())?;
        // Another scanner's task may have a key and a check of its own, which mean nothing here.
        let is_of = |key: &str, check: &str| key.strip_prefix(check).is_some_and(|rest| rest.starts_with(':'));
        match (&filed.key, &filed.check) {
            (Some(key), Some(check)) if is_of(key, check) => {
                job.check = Some(check.clone());
                job.key.clone_from(key);
            }
            (Some(key), None) if key.starts_with(SCORE) || job.incident.is_some() => job.key.clone_from(key),
            _ => {}
        }
        job.severity = filed.severity.or(job.severity);
        if let Some(title) = filed.title.clone().filter(|title| !title.is_empty()) {
            job.title = title;
        }
        if !filed.tags.is_empty() {
            job.tags.clone_from(&filed.tags);
        }
        job.reviewed = filed.calls.clone().or(job.reviewed);
        Ok(Self { identity: Identity::of(&job), job, filed })
    }

    pub(crate) fn state(&self, now: Timestamp) -> State {
        match (&self.filed.claim, self.filed.parked) {
            (Some(claim), _) => State::Claimed(claim.clone()),
            (None, Some(true)) => State::Parked,
            (None, _) => self.unclaimed(now),
        }
    }

    /// Where it stands but for its claim.
    pub(crate) fn unclaimed(&self, now: Timestamp) -> State {
        if self.filed.parked == Some(true) {
            return State::Parked;
        }
        match (self.filed.retry_at, self.job.action_time) {
            (_, Some(time)) if time > now => State::NotBefore(time),
            (Some(time), _) if time > now => State::Again(time),
            _ => State::Due,
        }
    }

    /// How often it failed. Whoever takes `parked` out of the file gives it all its attempts again.
    pub(crate) fn attempts(&self, most: u32) -> u32 {
        let attempts = self.filed.attempts.unwrap_or_default();
        if self.filed.parked != Some(true) && attempts >= most { 0 } else { attempts }
    }

    /// Whether it is that of a resource's score.
    pub(crate) fn is_score(&self) -> bool {
        self.job.check.is_none() && self.job.key.starts_with(SCORE)
    }
}

/// Sets a field, or takes it out.
pub(crate) fn put(fields: &mut Map<String, Value>, name: &str, value: impl Into<Option<Value>>) {
    match value.into() {
        Some(value) => drop(fields.insert(name.to_owned(), value)),
        // The others keep their order.
        None => drop(fields.shift_remove(name)),
    }
}
