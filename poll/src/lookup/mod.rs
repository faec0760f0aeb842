//! `poll -`: references, findings, outcomes and resources come in, and each resource that they name is looked up afresh;
//! CloudTrail's events too, in whatever they are wrapped, for the resources that they made or changed.
//!
//! Answers come out in the order of the questions; what events ask for is gathered for a while first (`window`). A resource
//! that is gone has no record: it is named on stderr, and nothing downstream takes an absent record for more than that. A
//! lookup that failed has a failed `scope` record, one for each (account, region, type).
//!
//! - `entry`: what each value of the input asks for. `fetch`: the files that notices name. `window`: many events, one look.
//! - [`Lookup`] looks. [`Answers`] writes what it finds.

mod answers;
mod entry;
mod fetch;
mod window;

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use common::aws::{AwsError, Sessions};
use common::cli::{Failure, Say};
use common::id::{AccountId, Region};
use common::reference::Reference;
use common::resource::{Extent, ResourceType};
use common::settings::Period;
use futures_util::stream::{self, BoxStream, Stream};
use futures_util::{FutureExt, StreamExt};
use tokio::sync::mpsc::Receiver;

use crate::account::Account;
use crate::events::ask;
use crate::output::Output;
use crate::settle::Settle;
use crate::types::{Look, look};

pub(crate) use answers::{Answer, Answers};
pub(crate) use entry::{Asked, Entry, Wanted, read};

/// How many lookups are under way at once, and how far the answers may be behind the questions.
const AT_ONCE: usize = 64;
/// How many files are fetched ahead.
const FILES: usize = 4;

/// What makes two entries ask for the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// A resource; the region where the type has one.
    Resource(AccountId, Option<Region>, ResourceType, String),
    /// A question.
    Question(Asked),
}

/// How resources are looked up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct How {
    /// The misconfiguration maker's alone are wanted.
    pub(crate) only_tests: bool,
    /// Until when to wait for what has not settled.
    pub(crate) settle: Option<Settle>,
    /// Whether the files are read that notices name.
    pub(crate) fetch: bool,
    /// For how long the events on one resource are gathered.
    pub(crate) window: Period,
}

/// Looks resources up.
#[derive(Debug)]
pub(crate) struct Lookup {
    sessions: Sessions,
    how: How,
    accounts: Mutex<HashMap<AccountId, Arc<Account>>>,
}

impl Lookup {
    pub(crate) fn new(sessions: Sessions, how: How) -> Self {
        Self { sessions, how, accounts: Mutex::default() }
    }

    /// Answers all entries of stdin.
    pub(crate) async fn run<W: Write>(
        self,
        entries: Receiver<Vec<Entry>>,
        output: &mut Output<W>,
        say: &Say,
    ) -> Result<(), Failure> {
        let entries = self.gathered(one_by_one(entries));
        let mut answers = std::pin::pin!(entries.map(|entry| self.answer(entry)).buffered(AT_ONCE));
        let mut written = Answers::new(output, say, self.how.only_tests);
        loop {
            // What is ready is written at once; what was written goes out before we wait.
            let next = answers.next().now_or_never();
            let answer = if let Some(answer) = next {
                answer
            } else {
                written.flush()?;
                answers.next().await
            };
            match answer {
                Some(answer) => written.write(answer)?,
                None => return written.finish(),
            }
        }
    }

    /// The same entries with the files opened, and each thing asked for once: what people name, in the whole run; what
    /// events changed, in the time that is gathered.
    pub(crate) fn gathered<'a>(
        &'a self,
        entries: impl Stream<Item = Entry> + Send + 'a,
    ) -> impl Stream<Item = Entry> + Send + 'a {
        let mut seen = HashSet::new();
        let entries = entries.map(|entry| async { self.opened(entry) }).buffered(FILES).flatten();
        let once = entries.filter(move |entry| {
            let new = match entry {
                Entry::Look(wanted) => seen.insert(wanted.key()),
                _ => true,
            };
            std::future::ready(new)
        });
        window::gathered(once, self.how.window.get().unsigned_abs())
    }

    /// An entry, or what is in the file that it names.
    fn opened(&self, entry: Entry) -> BoxStream<'static, Entry> {
        match entry {
            Entry::File(file) if self.how.fetch => fetch::fetched(&self.sessions, file).boxed(),
            Entry::File(file) => fetch::not_fetched(&file).boxed(),
            other => stream::iter([other]).boxed(),
        }
    }

    /// Looks up what an entry asks for.
    pub(crate) async fn answer(&self, entry: Entry) -> Answer {
        match entry {
            Entry::Look(wanted) | Entry::Changed(wanted) => self.look(wanted).await,
            Entry::Ask(asked) => match self.ask(&asked).await {
                Ok(wanted) => Answer::Several(stream::iter(wanted).then(|wanted| self.look(wanted)).collect().await),
                Err(why) => Answer::Other(Entry::Broken(why)),
            },
            other => Answer::Other(other),
        }
    }

    /// What AWS answers to a question: the resources that are meant; or why it does not.
    pub(crate) async fn ask(&self, asked: &Asked) -> Result<Vec<Wanted>, String> {
        let Asked { account, region, question } = asked;
        let failed = |error: AwsError| format!("{question} (account {account}, {region}): {error}");
        let session = self.sessions.account(account).await.map_err(failed)?;
        let references = ask(&session, region, question).await.map_err(failed)?;
        references.into_iter().map(entry::wanted).collect()
    }

    /// Looks one resource up.
    pub(crate) async fn look(&self, wanted: Wanted) -> Answer {
        let found = self.found(&wanted.reference, wanted.kind).await;
        Answer::Looked(wanted, found)
    }

    async fn found(&self, reference: &Reference, kind: ResourceType) -> Result<Look, AwsError> {
        // The organization is not the management account's alone to read, and few may enter that.
        let session = match kind.extent() {
            Extent::Organization => self.sessions.organization_session().await?,
            _ => self.sessions.account(&reference.account).await?,
        };
        match look(&session, reference).await {
            Ok(Look::Found(resource)) => Ok(match self.how.settle {
                Some(settle) => {
                    settle.wait(&session, *resource).await.map_or(Look::Gone, |found| Look::Found(Box::new(found)))
                }
                None => Look::Found(resource),
            }),
            Ok(Look::Gone) => Ok(Look::Gone),
            Err(error) => {
                let account = {
                    let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
                    let new = || Arc::new(Account::new(session, Arc::default()));
                    Arc::clone(accounts.entry(reference.account.clone()).or_insert_with(new))
                };
                Err(account.explain(&reference.region, error).await)
            }
        }
    }

    /// What a message's text asks for, each thing once; files are opened and questions asked.
    pub(crate) async fn intake(&self, text: &str) -> Intake {
        let mut entries = Vec::new();
        for found in common::event::found_in(text) {
            entry::of(found.map_err(Into::into), "", &mut entries);
        }
        let mut intake = Intake::default();
        let mut seen = HashSet::new();
        let mut entries = std::pin::pin!(stream::iter(entries).map(|entry| self.opened(entry)).flatten());
        while let Some(entry) = entries.next().await {
            match entry {
                Entry::Look(wanted) | Entry::Changed(wanted) => intake.want(&mut seen, wanted),
                Entry::Ask(asked) => {
                    if seen.insert((Key::Question(asked.clone()), Duration::ZERO)) {
                        match self.ask(&asked).await {
                            Ok(wanted) => wanted.into_iter().for_each(|wanted| intake.want(&mut seen, wanted)),
                            Err(why) => intake.problems.push(why),
                        }
                    }
                }
                Entry::Pass(item) => intake.passed.push(item),
                Entry::Broken(why) => intake.problems.push(why),
                Entry::Lost(error) => intake.problems.push(error.to_string()),
                // Files were opened above; those that a file names are problems.
                Entry::Idle(_) | Entry::File(_) => {}
            }
        }
        intake
    }
}

/// What a message asks for.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    /// Resources.
    pub(crate) wanted: Vec<Wanted>,
    /// Records that are not for this tool.
    pub(crate) passed: Vec<common::stream::Item>,
    /// What was not understood, or could not be asked, and why.
    pub(crate) problems: Vec<String>,
}

impl Intake {
    /// What is worth a look at once is worth another later, where an event says so.
    fn want(&mut self, seen: &mut HashSet<(Key, Duration)>, wanted: Wanted) {
        if seen.insert((wanted.key(), wanted.delay)) {
            self.wanted.push(wanted);
        }
    }
}

/// The entries of batches, one by one.
fn one_by_one(batches: Receiver<Vec<Entry>>) -> impl Stream<Item = Entry> + Send {
    stream::unfold(batches, |mut batches| async { Some((batches.recv().await?, batches)) }).map(stream::iter).flatten()
}
