//! What comes in, read to its end before anything is done.

use std::io::{Read, Write};

use common::cli::{Failure, Say};
use common::exit::Exit;
use common::stream::{Broken, Item, ReadError, Reader, Writer};

use crate::guard::Polled;
use crate::job::{Input, Job};

/// Reads all jobs: the limits are on the whole run. What is for others goes through at once.
pub(crate) fn read(
    input: impl Read,
    writer: &mut Writer<impl Write>,
    say: &Say,
) -> Result<(Vec<Job>, Polled, Exit), Failure> {
    let (mut jobs, mut polled, mut exit) = (Vec::new(), Polled::default(), Exit::Done);
    for item in Reader::new(input) {
        let item = match item {
            Ok(item) => item,
            Err(ReadError::Broken(broken)) => {
                say.error(&broken);
                exit = Exit::Incomplete;
                continue;
            }
            Err(ReadError::Io { source, .. }) => return Err(Failure::Input(source)),
        };
        match Input::read(&item) {
            Ok(Input::Job(job)) => jobs.push(*job),
            Ok(Input::PassOn) => {
                writer.pass_on(&item).map_err(Failure::Output)?;
                if let Err(broken) = count(&item, &mut polled) {
                    say.error(broken);
                    exit = Exit::Incomplete;
                }
            }
            Err(why) => {
                say.error(why);
                exit = Exit::Incomplete;
            }
        }
    }
    writer.flush().map_err(Failure::Output)?;
    Ok((jobs, polled, exit))
}

/// Counts the resources that a scope says were polled. One that is not understood could turn off `--max-percent`.
fn count(item: &Item, polled: &mut Polled) -> Result<(), Broken> {
    if item.kind()?.as_deref() == Some("scope") {
        polled.add(item.parse()?);
    }
    Ok(())
}
