//! `poll -`: references, findings, outcomes and resources come in, and each resource that they name is looked up afresh.
//!
//! Answers come out in the order of the questions. A resource that is gone has no record: it is named on stderr, and
//! nothing downstream takes an absent record for more than that. A lookup that failed has a failed `scope` record, one for
//! each (account, region, type).

use std::collections::{HashMap, HashSet};
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use common::aws::{AwsError, Sessions};
use common::cli::{Failure, Say};
use common::id::{AccountId, Region};
use common::reference::Reference;
use common::resource::{Extent, ResourceType};
use common::stream::{Item, ReadError, Reader};
use futures_util::{FutureExt, StreamExt, stream};
use tokio::sync::mpsc::{Receiver, Sender};

use crate::account::Account;
use crate::output::Output;
use crate::settle::Settle;
use crate::sink::{Line, TEST_TAG, Told, scope};
use crate::types::{Look, look, type_of};

/// How many lookups are under way at once, and how far the answers may be behind the questions.
const AT_ONCE: usize = 64;

/// One value of the input, judged.
#[derive(Debug)]
pub(crate) enum Entry {
    /// It names a resource.
    Look(Reference, ResourceType),
    /// It is not for this tool.
    Pass(Item),
    /// It is not understood; why, with its line.
    Broken(String),
    /// The input broke off.
    Lost(io::Error),
}

/// Reads the input to its end, on a thread of its own: reading blocks.
pub(crate) fn read(input: impl Read, sender: &Sender<Entry>) {
    let mut seen = HashSet::new();
    for item in Reader::new(input) {
        let entry = match item {
            Ok(item) => judge(item),
            Err(ReadError::Broken(broken)) => Entry::Broken(broken.to_string()),
            Err(ReadError::Io { source, .. }) => Entry::Lost(source),
        };
        if let Entry::Look(reference, kind) = &entry {
            // Not all types go by their region: a bucket's name is its own in the whole partition, and people get its
            // region wrong.
            let region = (kind.extent() == Extent::Regional).then(|| reference.region.clone());
            if !seen.insert((reference.account.clone(), region, *kind, reference.id.clone())) {
                continue;
            }
        }
        if sender.blocking_send(entry).is_err() {
            return;
        }
    }
}

/// What a value is: something that names a resource, or a record of another kind.
fn judge(item: Item) -> Entry {
    match item.kind().map(|kind| kind.map(|kind| matches!(&*kind, "resource" | "finding" | "task" | "outcome"))) {
        Ok(Some(false)) => return Entry::Pass(item),
        Ok(None | Some(true)) => {}
        Err(broken) => return Entry::Broken(broken.to_string()),
    }
    let reference = Reference::from_json(&item.text).map_err(|error| error.to_string());
    match reference.and_then(|reference| type_of(&reference).map(|kind| (reference, kind))) {
        Ok((reference, kind)) => Entry::Look(reference, kind),
        Err(why) => Entry::Broken(format!("line {}: {why}", item.line)),
    }
}

/// Looks resources up.
#[derive(Debug)]
pub(crate) struct Lookup {
    pub(crate) sessions: Sessions,
    pub(crate) only_tests: bool,
    /// Until when to wait for what has not settled.
    pub(crate) settle: Option<Settle>,
    pub(crate) accounts: Mutex<HashMap<AccountId, Arc<Account>>>,
}

/// An entry with its answer.
enum Answer {
    Looked(Reference, ResourceType, Result<Look, AwsError>),
    Other(Entry),
}

impl Lookup {
    pub(crate) fn new(sessions: Sessions, only_tests: bool, settle: Option<Settle>) -> Self {
        Self { sessions, only_tests, settle, accounts: Mutex::default() }
    }

    /// Answers all entries.
    pub(crate) async fn run<W: Write>(
        self,
        mut entries: Receiver<Entry>,
        output: &mut Output<W>,
        say: &Say,
    ) -> Result<(), Failure> {
        let mut answers =
            stream::poll_fn(|context| entries.poll_recv(context)).map(|entry| self.answer(entry)).buffered(AT_ONCE);
        let mut failed: HashSet<(AccountId, Region, ResourceType)> = HashSet::new();
        let mut lost = None;
        loop {
            // What is ready is written at once; what was written goes out before we wait.
            let next = answers.next().now_or_never();
            let answer = if let Some(answer) = next {
                answer
            } else {
                output.flush()?;
                answers.next().await
            };
            match answer {
                None => break,
                Some(Answer::Looked(_, _, Ok(Look::Found(resource)))) => {
                    if !self.only_tests || resource.tags.contains_key(TEST_TAG) {
                        Line::resource(*resource).map_or(Ok(()), |line| output.line(line))?;
                    }
                }
                Some(Answer::Looked(Reference { account, region, id, .. }, kind, Ok(Look::Gone))) => {
                    say.note(format!("{} {id} is gone (account {account}, {region})", kind.singular()));
                }
                Some(Answer::Looked(Reference { account, region, id, .. }, kind, Err(error))) => {
                    say.warn(format!("{} {id} (account {account}, {region}): {error}", kind.singular()));
                    output.tally.incomplete();
                    let line = Line::scope(scope(&account, &region, kind, 0, Some(&error)));
                    if failed.insert((account, region, kind))
                        && let Some(line) = line
                    {
                        output.line(Line { told: Told::Nothing, ..line })?;
                    }
                }
                Some(Answer::Other(Entry::Pass(item))) => output.pass_on(&item)?,
                Some(Answer::Other(Entry::Broken(why))) => {
                    say.error(why);
                    output.tally.incomplete();
                }
                Some(Answer::Other(Entry::Lost(error))) => lost = Some(error),
                Some(Answer::Other(Entry::Look(..))) => {}
            }
        }
        output.flush()?;
        lost.map_or(Ok(()), |error| Err(Failure::Input(error)))
    }

    async fn answer(&self, entry: Entry) -> Answer {
        match entry {
            Entry::Look(reference, kind) => {
                let looked = self.look(&reference, kind).await;
                Answer::Looked(reference, kind, looked)
            }
            other => Answer::Other(other),
        }
    }

    async fn look(&self, reference: &Reference, kind: ResourceType) -> Result<Look, AwsError> {
        // The organization is not the management account's alone to read, and few may enter that.
        let session = match kind.extent() {
            Extent::Organization => self.sessions.organization_session().await?,
            _ => self.sessions.account(&reference.account).await?,
        };
        match look(&session, reference).await {
            Ok(Look::Found(resource)) => Ok(match self.settle {
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
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    /// What `read` makes of an input, in short.
    fn entries(input: &str) -> Vec<String> {
        let (sender, mut receiver) = mpsc::channel(100);
        read(input.as_bytes(), &sender);
        drop(sender);
        let mut shown = Vec::new();
        while let Ok(entry) = receiver.try_recv() {
            shown.push(match entry {
                Entry::Look(reference, kind) => format!("look {kind} {}", reference.id),
                Entry::Pass(item) => format!("pass {}", item.line),
                Entry::Broken(why) => why,
                Entry::Lost(error) => error.to_string(),
            });
        }
        shown
    }

    const WHERE: &str = r#""account":"111122223333","region":"eu-west-1""#;

    #[test]
    fn whatever_names_a_resource_is_looked_up_once() {
        let input = format!(
            r#"{{{WHERE},"type":"ec2","id":"i-1"}}
               {{"kind":"finding","check":"x",{WHERE},"type":"ec2","id":"i-1"}}
               {{"kind":"outcome","arn":"arn:aws:iam::111122223333:user/team/jane"}}
               {{"kind":"task",{WHERE},"type":"sqs","id":"jobs","action":"stop"}}
               {{"tasks":[{{{WHERE},"type":"s3_bucket","id":"acme"}}]}}
               {{"account":"111122223333","region":"us-east-1","type":"s3_bucket","id":"acme"}}
               {{"account":"111122223333","region":"us-east-1","type":"ec2","id":"i-1"}}"#
        );
        assert_eq!(
            entries(&input),
            ["look ec2 i-1", "look iam_user jane", "look sqs jobs", "look s3_bucket acme", "look ec2 i-1"]
        );
    }

    #[test]
    fn other_kinds_pass_and_what_is_not_understood_is_named_with_its_line() {
        let input = format!(
            "{{\"kind\":\"scope\",{WHERE},\"type\":\"ec2\"}}\n\
             {{\"kind\":\"weather\"}}\n\
             {{\"kind\":\"finding\"}}\n\
             {{\"kind\":7}}\n\
             17\n\
             {{{WHERE},\"type\":\"cloudfront\",\"id\":\"x\"}}\n\
             {{{WHERE},\"type\":\"ec2\",\"id\":\"i-2\"}}\n"
        );
        let shown = entries(&input);
        assert_eq!(shown.len(), 7, "{shown:?}");
        assert_eq!(shown[..2], ["pass 1", "pass 2"]);
        assert!(shown[2].starts_with("line 3: ") && shown[2].contains("`type`"), "{}", shown[2]);
        assert!(shown[3].starts_with("line 4: "), "{}", shown[3]);
        assert!(shown[4].starts_with("line 5: "), "{}", shown[4]);
        assert!(shown[5].starts_with("line 6: ") && shown[5].contains("cloudfront"), "{}", shown[5]);
        assert_eq!(shown[6], "look ec2 i-2");
    }
}
