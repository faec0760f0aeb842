//! What was found, written: resources to stdout, what is gone and what failed to stderr as well.

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::Duration;

use common::aws::AwsError;
use common::cli::{Failure, Say};
use common::id::{AccountId, Region};
use common::reference::Reference;
use common::resource::ResourceType;
use tokio::time::Instant;

use super::{Entry, Wanted};
use crate::output::Output;
use crate::sink::{Line, TEST_TAG, Told, scope};
use crate::types::Look;

/// After how long a failed scope is told again: whoever works on a queue for weeks tells no more of a scope that was denied on
/// the first day, while the messages about it go.
const AGAIN: Duration = Duration::from_hours(1);

/// An entry with its answer.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A resource was looked up.
    Looked(Wanted, Result<Look, AwsError>),
    /// What a question led to.
    Several(Vec<Answer>),
    /// There was nothing to look up.
    Other(Entry),
}

/// Writes answers.
#[derive(Debug)]
pub(crate) struct Answers<'a, W: Write> {
    output: &'a mut Output<W>,
    say: &'a Say,
    only_tests: bool,
    failed: Failed,
    idle: u64,
    lost: Option<io::Error>,
}

/// Which scopes were told to have failed, and when.
#[derive(Debug, Default)]
struct Failed(HashMap<(AccountId, Region, ResourceType), Instant>);

impl Failed {
    /// Whether that is to be told now.
    fn is_news(&mut self, scope: (AccountId, Region, ResourceType), now: Instant) -> bool {
        let told = self.0.get(&scope).is_some_and(|told| now.duration_since(*told) < AGAIN);
        if !told {
            self.0.insert(scope, now);
        }
        !told
    }
}

impl<'a, W: Write> Answers<'a, W> {
    pub(crate) fn new(output: &'a mut Output<W>, say: &'a Say, only_tests: bool) -> Self {
        Self { output, say, only_tests, failed: Failed::default(), idle: 0, lost: None }
    }

    /// Writes an answer.
    pub(crate) fn write(&mut self, answer: Answer) -> Result<(), Failure> {
        match answer {
            Answer::Looked(wanted, found) => self.looked(&wanted, found),
            Answer::Several(answers) => answers.into_iter().try_for_each(|answer| self.write(answer)),
            Answer::Other(entry) => self.other(entry),
        }
    }

    /// Sends off what was written.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.output.flush()
    }

    /// Sends off the rest, and says how the input ended.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        self.output.flush()?;
        if self.idle > 0 {
            self.say.detail(format!("{} events changed nothing that is looked at", self.idle));
        }
        self.lost.map_or(Ok(()), |error| Err(Failure::Input(error)))
    }

    fn looked(&mut self, wanted: &Wanted, found: Result<Look, AwsError>) -> Result<(), Failure> {
        let Wanted { reference: Reference { account, region, id, .. }, kind, .. } = wanted;
        match found {
            Ok(Look::Found(resource)) => {
                if self.only_tests && !resource.tags.contains_key(TEST_TAG) {
                    return Ok(());
                }
                Line::resource(*resource).map_or(Ok(()), |line| self.output.line(line))
            }
            Ok(Look::Gone) => {
                self.say.note(format!("{} {id} is gone (account {account}, {region})", kind.singular()));
                Ok(())
            }
            Err(error) => {
                self.say.warn(format!("{} {id} (account {account}, {region}): {error}", kind.singular()));
                self.output.tally.incomplete();
                let line = Line::scope(scope(account, region, *kind, 0, Some(&error)));
                let new = self.failed.is_news((account.clone(), region.clone(), *kind), Instant::now());
                let line = line.filter(|_| new).map(|line| Line { told: Told::Nothing, ..line });
                line.map_or(Ok(()), |line| self.output.line(line))
            }
        }
    }

    fn other(&mut self, entry: Entry) -> Result<(), Failure> {
        match entry {
            Entry::Pass(item) => self.output.pass_on(&item)?,
            Entry::Idle(count) => self.idle += count,
            Entry::Broken(why) => {
                self.say.error(why);
                self.output.tally.incomplete();
            }
            Entry::Lost(error) => self.lost = Some(error),
            // Answered, or opened, before they come here.
            Entry::Look(_) | Entry::Changed(_) | Entry::Ask(_) | Entry::File(_) => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_that_still_fails_is_told_again_after_an_hour() {
        let (mut failed, start) = (Failed::default(), Instant::now());
        let scope = |region: &str| ("111122223333".parse().unwrap(), region.parse().unwrap(), ResourceType::Ec2);
        let minutes = [0, 1, 59, 60, 61, 119, 120];
        let told = minutes.map(|minute| failed.is_news(scope("eu-west-1"), start + Duration::from_mins(minute)));
        assert_eq!(told, [true, false, false, true, false, false, true]);
        assert!(failed.is_news(scope("us-east-1"), start), "another region is another scope");
    }
}
