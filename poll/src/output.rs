//! Records on their last step: to stdout, and into the tally.

use std::io::{self, Write};

use common::cli::Failure;
use common::stream::{Item, Writer};

use crate::queue::{self, Outbox};
use crate::sink::{Line, Told};
use crate::tally::Tally;

/// The output of a run.
#[derive(Debug)]
pub(crate) struct Output<W: Write> {
    writer: Writer<W>,
    pub(crate) tally: Tally,
    /// Where references to resources go instead of the resources.
    outbox: Option<Outbox>,
}

impl<W: Write> Output<W> {
    pub(crate) fn new(output: W) -> Self {
        Self { writer: Writer::new(output), tally: Tally::default(), outbox: None }
    }

    /// From now on references to resources go there instead of the resources.
    pub(crate) fn send(&mut self, outbox: Outbox) {
        self.outbox = Some(outbox);
    }

    /// From now on the resources themselves are written again.
    pub(crate) fn take_outbox(&mut self) -> Option<Outbox> {
        self.outbox.take()
    }

    pub(crate) fn line(&mut self, line: Line) -> Result<(), Failure> {
        if let (Some(outbox), Told::Resource { .. }) = (&self.outbox, &line.told) {
            self.tally.resource(&[]);
            return queue::reference(line.text.get()).map_or(Ok(()), |letter| outbox.put(letter));
        }
        written(self.writer.write(&line.text))?;
        match line.told {
            Told::Resource { unread } => self.tally.resource(&unread),
            Told::Scope(scope) => self.tally.scope(scope),
            Told::Nothing => {}
        }
        Ok(())
    }

    /// Writes a record that is not for this tool as it came.
    pub(crate) fn pass_on(&mut self, item: &Item) -> Result<(), Failure> {
        written(self.writer.pass_on(item))
    }

    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        written(self.writer.flush())
    }
}

fn written(result: io::Result<()>) -> Result<(), Failure> {
    result.map_err(Failure::Output)
}
