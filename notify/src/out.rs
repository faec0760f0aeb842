//! stdout: what is passed on and what became of the messages, as records, or as lines for a person at a terminal.

use std::fmt;
use std::io::{self, Write};

use common::stream::{Item, Writer, is_broken_pipe};
use serde::Serialize;

/// Where records go. Its first error is kept for the end, and nothing is written after it: people are to be told
/// whether or not anybody reads here, and what follows half a line would be read as its end.
pub(crate) struct Out<'a> {
    form: Form<'a>,
    error: Option<io::Error>,
}

enum Form<'a> {
    Records(Writer<Box<dyn Write + Send + 'a>>),
    /// A person's terminal.
    Lines(Box<dyn Write + Send + 'a>),
}

impl fmt::Debug for Out<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Out").field("error", &self.error).finish_non_exhaustive()
    }
}

impl<'a> Out<'a> {
    /// Writes to `output`: records, unless that is a terminal.
    pub(crate) fn new(output: Box<dyn Write + Send + 'a>, terminal: bool) -> Self {
        let form = if terminal { Form::Lines(output) } else { Form::Records(Writer::new(output)) };
        Self { form, error: None }
    }

    /// Passes a record on. A person at a terminal asked for none.
    pub(crate) fn pass_on(&mut self, item: &Item) {
        self.with(|form| match form {
            Form::Records(out) => out.pass_on(item),
            Form::Lines(_) => Ok(()),
        });
    }

    /// Writes a record, or what it is to a person.
    pub(crate) fn write(&mut self, record: &impl Serialize, lines: impl FnOnce() -> String) {
        self.with(|form| match form {
            Form::Records(out) => out.write(record),
            Form::Lines(out) => writeln!(out, "{}", lines()),
        });
    }

    /// Sends off what was gathered.
    pub(crate) fn flush(&mut self) {
        self.with(|form| match form {
            Form::Records(out) => out.flush(),
            Form::Lines(out) => out.flush(),
        });
    }

    /// Sends off the rest. The answer is what went wrong, unless only the reader has gone.
    pub(crate) fn finish(mut self) -> Option<io::Error> {
        self.flush();
        self.error.filter(|error| !is_broken_pipe(error))
    }

    fn with(&mut self, write: impl FnOnce(&mut Form<'a>) -> io::Result<()>) {
        if self.error.is_none() {
            self.error = write(&mut self.form).err();
        }
    }
}

#[cfg(test)]
mod tests {
    use common::cli::Captured;
    use common::stream::Reader;
    use serde_json::json;

    use super::*;

    #[test]
    fn records_are_for_programs_and_lines_for_people() {
        let item = Reader::new(br#"{"kind": "token", "n": 1.0}"#.as_slice()).next().unwrap().unwrap();
        for (terminal, expected) in [(false, "{\"kind\":\"token\",\"n\":1.0}\n{\"kind\":\"x\"}\n"), (true, "a line\n")]
        {
            let captured = Captured::default();
            let mut out = Out::new(Box::new(captured.clone()), terminal);
            out.pass_on(&item);
            out.write(&json!({"kind": "x"}), || "a line".to_owned());
            assert!(out.finish().is_none());
            assert_eq!(captured.text(), expected);
        }
    }

    #[test]
    fn a_reader_that_has_gone_is_no_failure_and_a_full_disk_is() {
        /// Fails once.
        struct Fails(Option<io::ErrorKind>, Captured);
        impl Write for Fails {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.take().map_or_else(|| self.1.write(bytes), |kind| Err(io::Error::from(kind)))
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        for (kind, expected) in
            [(io::ErrorKind::BrokenPipe, None), (io::ErrorKind::StorageFull, Some(io::ErrorKind::StorageFull))]
        {
            for terminal in [false, true] {
                let captured = Captured::default();
                let mut out = Out::new(Box::new(Fails(Some(kind), captured.clone())), terminal);
                for record in ["first", "second"] {
                    out.write(&record, || record.to_owned());
                    out.flush();
                }
                assert_eq!(out.finish().map(|error| error.kind()), expected);
                assert!(!captured.text().contains("second"), "nothing follows what was cut off");
            }
        }
    }
}
