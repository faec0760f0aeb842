//! What was found, written: resources to stdout, what is gone and what failed to stderr as well.

use std::collections::HashSet;
use std::io::{self, Write};

use common::aws::AwsError;
use common::cli::{Failure, Say};
use common::id::{AccountId, Region};
use common::reference::Reference;
use common::resource::ResourceType;

use super::{Entry, Wanted};
use crate::output::Output;
use crate::sink::{Line, TEST_TAG, Told, scope};
use crate::types::Look;

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
    failed: HashSet<(AccountId, Region, ResourceType)>,
    idle: u64,
    lost: Option<io::Error>,
}

impl<'a, W: Write> Answers<'a, W> {
    pub(crate) fn new(output: &'a mut Output<W>, say: &'a Say, only_tests: bool) -> Self {
        Self { output, say, only_tests, failed: HashSet::new(), idle: 0, lost: None }
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
                let new = self.failed.insert((account.clone(), region.clone(), *kind));
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
