//! The exceptions: which of them cover a finding, and which do nothing.

use common::cli::Failure;
use common::record::{ExceptionKind, ExceptionStatus, LapsedException, Resource};
use common::settings::{Exception, Patterns, Place};
use common::wildcard;
use jiff::Timestamp;

use crate::checks;
use crate::judge::Judge;

/// The exceptions that a judge goes by, in the order of the settings.
#[derive(Clone, Debug)]
pub(crate) struct Exceptions(Vec<Exception>);

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
        for exception in all {
            let exists = |pattern: &str| checks::all().any(|about| wildcard::matches(pattern, about.id));
            let mut patterns = exception.check.iter().flat_map(Patterns::texts);
            if let Some(unknown) = patterns.find(|pattern| !exists(pattern)) {
                return Err(Failure::Start(format!(
                    "{}: `{unknown}` is not a check: `audit --list-checks` lists them",
                    place(exception.place.as_ref())
                )));
            }
        }
        Ok(Self(all.to_vec()))
    }

    pub(crate) fn all(&self) -> &[Exception] {
        &self.0
    }

    /// Those that cover a check of a resource, or whatever is done to it.
    pub(crate) fn covering<C>(&self, resource: &Resource<C>, check: Option<&str>, at: Timestamp) -> Covering<'_> {
        let covering = self.0.iter().enumerate().filter(|(_, exception)| exception.covers(resource, check));
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

    /// The exceptions that do nothing: those that have expired, and those that covered nothing.
    pub(crate) fn lapsed(&self, judge: &Judge) -> Vec<LapsedException> {
        let lapsed = |(exception, used): (&Exception, &bool)| {
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
