//! The exceptions: which of them cover a finding, and which do nothing.

use std::collections::{HashMap, HashSet};

use common::cli::Failure;
use common::record::{ExceptionKind, ExceptionStatus, LapsedException, Resource};
use common::settings::{Exception, Patterns, Place};
use common::wildcard;
use jiff::Timestamp;

use crate::checks;
use crate::judge::Judge;

/// The exceptions that a judge goes by, in the order of the settings.
///
/// There may be thousands that name one resource each: decoys, or all that somebody has looked through. They are found by
/// what they name, and only the others are tried one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Exceptions {
    all: Vec<Exception>,
    /// The numbers of those that name ids, or else ARNs, without wildcards: by each of these.
    by_name: HashMap<String, Vec<usize>>,
    /// The numbers of the others.
    others: Vec<usize>,
}

/// What exceptions have to say of a check of a resource.
#[derive(Debug)]
pub(crate) struct Covering<'a> {
    /// The first that holds.
    pub(crate) holding: Option<&'a Exception>,
    /// The numbers of all that hold; where none does, of those that have expired.
    pub(crate) numbers: Vec<usize>,
}

impl Exceptions {
    /// Takes them from the settings.
    ///
    /// # Errors
    ///
    /// [`Failure::Start`] where one is about a check that does not exist: it would cover nothing, and what it was to
    /// protect would be mended.
    pub(crate) fn new(all: &[Exception]) -> Result<Self, Failure> {
        let mut known: HashSet<&str> = HashSet::new();
        for exception in all {
            let exists = |pattern: &str| checks::all().any(|about| wildcard::matches(pattern, about.id));
            let mut patterns = exception.check.iter().flat_map(Patterns::texts);
            if let Some(unknown) = patterns.find(|pattern| known.insert(pattern) && !exists(pattern)) {
                return Err(Failure::Start(format!(
                    "{}: `{unknown}` is not a check: `audit --list-checks` lists them",
                    place(exception.place.as_ref())
                )));
            }
        }
        Ok(Self::of(all.to_vec()))
    }

    fn of(all: Vec<Exception>) -> Self {
        let (mut by_name, mut others) = (HashMap::<String, Vec<usize>>::new(), Vec::new());
        for (number, exception) in all.iter().enumerate() {
            let plain = |names: &&Patterns| !names.texts().any(wildcard::has_wildcard);
            match [&exception.id, &exception.arn].into_iter().flatten().find(plain) {
                Some(names) => {
                    names.texts().for_each(|name| by_name.entry(name.to_owned()).or_default().push(number));
                }
                None => others.push(number),
            }
        }
        Self { all, by_name, others }
    }

    pub(crate) fn all(&self) -> &[Exception] {
        &self.all
    }

    /// The numbers of those that may cover something of a resource, in the order of the settings.
    fn about<C>(&self, resource: &Resource<C>) -> Vec<usize> {
        let named = |name: &str| self.by_name.get(name).into_iter().flatten();
        let mut numbers: Vec<usize> =
            self.others.iter().chain(named(&resource.id)).chain(named(&resource.arn.to_string())).copied().collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// Those that cover a check of a resource, or whatever is done to it.
    pub(crate) fn covering<C>(&self, resource: &Resource<C>, check: Option<&str>, at: Timestamp) -> Covering<'_> {
        let about = self.about(resource).into_iter().filter_map(|number| Some((number, self.all.get(number)?)));
        let covering = about.filter(|(_, exception)| exception.covers(resource, check));
        let (holding, expired): (Vec<_>, Vec<_>) = covering.partition(|(_, exception)| exception.holds_at(at));
        let first = holding.first().map(|(_, exception)| *exception);
        let told = if first.is_some() { holding } else { expired };
        Covering { holding: first, numbers: told.into_iter().map(|(number, _)| number).collect() }
    }
}

/// Which exceptions have covered something in a run.
#[derive(Clone, Debug)]
pub(crate) struct Use(Vec<bool>);

impl Use {
    /// None so far.
    pub(crate) fn of(judge: &Judge) -> Self {
        Self(vec![false; judge.exceptions().len()])
    }

    /// Takes down that an exception covers a finding, or would cover it had it not expired. In that case the answer is, the
    /// first time, what to tell people.
    pub(crate) fn covers(&mut self, number: usize, judge: &Judge) -> Option<String> {
        let (used, exception) = (self.0.get_mut(number)?, judge.exceptions().get(number)?);
        let first = !std::mem::replace(used, true);
        let until = exception.until.filter(|_| first && !exception.holds_at(judge.now()))?;
        Some(format!(
            "{}: this exception expired at {until}, and what it covered is found again: renew it or drop it ({})",
            place(exception.place.as_ref()),
            exception.reason
        ))
    }

    /// The exceptions that do nothing: those that have expired, and those that covered nothing. Nobody has written those of
    /// decoys, and nobody is to drop them.
    pub(crate) fn lapsed(&self, judge: &Judge) -> Vec<LapsedException> {
        let lapsed = |(exception, used): (&Exception, &bool)| {
            if exception.decoy {
                return None;
            }
            let status = match (exception.holds_at(judge.now()), used) {
                (false, _) => ExceptionStatus::Expired,
                (true, false) => ExceptionStatus::Unused,
                (true, true) => return None,
            };
            let (file, line) = exception.place.clone().map(|Place { file, line }| (file, line)).unzip();
            Some(LapsedException { kind: ExceptionKind::Kind, status, file, line, exception: exception.clone() })
        };
        judge.exceptions().iter().zip(&self.0).filter_map(lapsed).collect()
    }
}

/// What people are told of an exception that does nothing.
pub(crate) fn in_words(lapsed: &LapsedException) -> String {
    let LapsedException { status, exception, .. } = lapsed;
    let what = match (status, exception.until) {
        (ExceptionStatus::Expired, Some(until)) => format!("this exception expired at {until}"),
        (ExceptionStatus::Expired, None) => "this exception expired".to_owned(),
        (ExceptionStatus::Unused, _) => "this exception covers no finding".to_owned(),
    };
    format!("{}: {what} ({})", place(exception.place.as_ref()), exception.reason)
}

fn place(place: Option<&Place>) -> String {
    place.map_or_else(|| "an exception".to_owned(), Place::to_string)
}
