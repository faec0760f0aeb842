//! What comes in, read to its end before anything is done.

use std::io::{self, Write};

use common::cli::{Failure, Say};
use common::exit::Exit;
use common::record::Resource;
use common::resource::{Organization, ResourceType};
use common::stream::{Broken, Item, ReadError, Reader, Writer, without_place};
use serde::Deserialize;

use crate::guard::Polled;
use crate::job::{Input, Job};
use crate::tasks::Covered;

/// All that came in.
#[derive(Debug)]
pub(crate) struct Incoming {
    /// What there is to do.
    pub(crate) jobs: Vec<Job>,
    /// The text of each job that is a task, as it came.
    pub(crate) texts: Vec<Option<String>>,
    /// Of what all was looked at.
    pub(crate) covered: Covered,
    /// How much was polled.
    pub(crate) polled: Polled,
    /// Who is known: poll writes it, and audit passes it on.
    pub(crate) organizations: Vec<Resource>,
    /// Whether all of it was understood.
    pub(crate) exit: Exit,
    /// Why nothing may be done: a part is missing without which the rest may mean something else.
    pub(crate) unusable: Option<String>,
}

/// Reads all jobs: the limits are on the whole run. What is for others goes through at once.
pub(crate) fn read(input: impl io::Read, writer: &mut Writer<impl Write>, say: &Say) -> Result<Incoming, Failure> {
    let (mut jobs, mut polled, mut organizations, mut exit) = (Vec::new(), Polled::default(), Vec::new(), Exit::Done);
    let (mut texts, mut covered) = (Vec::new(), Covered::default());
    let mut unusable = None;
    for item in Reader::new(input) {
        let item = match item {
            Ok(item) => item,
            Err(ReadError::Broken(broken)) => {
                say.error(&broken);
                exit = Exit::Incomplete;
                continue;
            }
            Err(ReadError::Io { source, .. }) => {
                unusable = Some(Failure::Input(source).to_string());
                break;
            }
        };
        match Input::read(&item) {
            Ok(Input::Job(job)) => {
                let is_task = job.check.is_none() && job.reviewed.is_none();
                texts.push(is_task.then_some(item.text));
                jobs.push(*job);
            }
            Ok(Input::PassOn) => {
                writer.pass_on(&item).map_err(Failure::Output)?;
                if let Err(broken) = count(&item, &mut polled, &mut covered) {
                    say.error(broken);
                    exit = Exit::Incomplete;
                }
                match organization(&item) {
                    Ok(organization) => organizations.extend(organization),
                    Err(why) => unusable = Some(why),
                }
            }
            Err(why) => {
                say.error(why);
                exit = Exit::Incomplete;
            }
        }
    }
    writer.flush().map_err(Failure::Output)?;
    Ok(Incoming { jobs, texts, covered, polled, organizations, exit, unusable })
}

/// Counts the resources that a scope says were polled. One that is not understood could turn off `--max-percent`.
fn count(item: &Item, polled: &mut Polled, covered: &mut Covered) -> Result<(), Broken> {
    if item.kind()?.as_deref() == Some("scope") {
        let scope = item.parse()?;
        covered.add(&scope);
        polled.add(scope);
    }
    Ok(())
}

/// The organization, if the record is one.
///
/// # Errors
///
/// Why one is not understood. Nothing may be done then: who belongs to it would be taken for a stranger, and cut off.
fn organization(item: &Item) -> Result<Option<Resource>, String> {
    #[derive(Deserialize)]
    struct Typed {
        r#type: Option<String>,
    }
    let is_resource = item.kind().is_ok_and(|kind| kind.as_deref() == Some("resource"));
    let typed = || item.parse::<Typed>().ok().and_then(|typed| typed.r#type);
    if !is_resource || typed().as_deref() != Some(ResourceType::Organization.name()) {
        return Ok(None);
    }
    let broken = |why: &dyn std::fmt::Display| format!("the organization is not understood: {why}");
    let organization: Resource = item.parse().map_err(|error| broken(&error))?;
    let line = item.line;
    match organization.clone().typed::<Organization>() {
        Ok(_) => Ok(Some(organization)),
        Err(error) => Err(broken(&format_args!("line {line}: {}", without_place(&error)))),
    }
}
