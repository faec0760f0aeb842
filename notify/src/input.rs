//! What comes in: any stream of records. What is told ends here, the rest goes on to stdout.

use std::collections::BTreeMap;
use std::io::Read;

use common::cli::Say;
use common::exit::Exit;
use common::stream::{Broken, Item, ReadError, Reader};

use crate::group::Groups;
use crate::out::Out;
use crate::text::{clean, grouped, plural};

/// The most characters of a kind's name.
const KIND: usize = 40;
/// How many kinds are counted by their names.
const KINDS: usize = 20;

/// What was read.
#[derive(Debug)]
pub(crate) struct Input {
    /// What is to be told.
    pub(crate) groups: Groups,
    /// Whether all of it was understood.
    pub(crate) exit: Exit,
}

/// Reads all records, and passes on what is not consumed. What is broken is named, and the rest goes on; when the input
/// breaks off, what came until then is told all the same.
pub(crate) fn read(input: impl Read, out: &mut Out<'_>, say: &Say) -> Input {
    let mut groups = Groups::default();
    let mut exit = Exit::Done;
    let mut untold = Untold::default();
    let mut reader = Reader::new(input);
    loop {
        if !reader.ready() {
            out.flush();
        }
        let taken = match reader.next() {
            Some(Ok(item)) => take(&item, &mut groups, &mut untold, out).map_err(ReadError::Broken),
            Some(Err(error)) => Err(error),
            None => break,
        };
        if let Err(error) = taken {
            say.error(error);
            exit = Exit::Incomplete;
        }
    }
    // Sending takes its time.
    out.flush();
    untold.say(say);
    Input { groups, exit }
}

fn take(item: &Item, groups: &mut Groups, untold: &mut Untold, out: &mut Out<'_>) -> Result<(), Broken> {
    let kind = item.kind()?;
    match kind.as_deref() {
        Some("finding") => groups.finding(item.parse()?),
        Some("outcome") => groups.outcome(item.parse()?),
        kind => {
            // First of all: whom a scope that is not understood here is for may understand it.
            out.pass_on(item);
            match kind {
                Some("scope") => groups.scope(&item.parse()?),
                // What exists or is to be done is no news, nor is what is not done yet; and who was told has been told.
                Some("resource" | "unsettled" | "token" | "task" | "delivery") => {}
                other => untold.count(other),
            }
        }
    }
    Ok(())
}

/// Records of which nobody hears, by kind: an `alert` that this version does not know must not go by without a word.
#[derive(Debug, Default)]
struct Untold {
    kinds: BTreeMap<String, usize>,
    total: usize,
}

impl Untold {
    fn count(&mut self, kind: Option<&str>) {
        self.total += 1;
        let name = kind.map_or_else(|| "without a kind".to_owned(), |kind| format!("`{}`", clean(kind, KIND)));
        if self.kinds.len() < KINDS || self.kinds.contains_key(&name) {
            *self.kinds.entry(name).or_default() += 1;
        }
    }

    fn say(&self, say: &Say) {
        if self.total == 0 {
            return;
        }
        let named: usize = self.kinds.values().sum();
        let mut counts: Vec<String> =
            self.kinds.iter().map(|(kind, count)| format!("{} {kind}", grouped(*count))).collect();
        if self.total > named {
            counts.push(format!("{} of other kinds", grouped(self.total - named)));
        }
        let records = plural(self.total, "record", "records");
        say.warn(format!("{records} that notify does not tell of: {}", counts.join(", ")));
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use common::record::{OutcomeStatus, Severity};
    use common::settings::Settings;

    use super::*;
    use crate::samples;
    use common::cli::Captured;

    /// How many entries there are to tell, what was said, and what was passed on.
    fn read_all(input: impl Read) -> (usize, Exit, String, String) {
        let (said, passed) = (Captured::default(), Captured::default());
        let mut out = Out::new(Box::new(passed.clone()), false);
        let input = read(input, &mut out, &Say::to("notify", said.clone()));
        let groups = input.groups.finish(&Settings::default());
        (groups.iter().map(|group| group.entries.len()).sum(), input.exit, said.text(), passed.text())
    }

    #[test]
    fn what_is_broken_is_named_with_its_line_and_the_rest_goes_on() {
        let finding = serde_json::to_string(&samples::finding("b", Severity::Low)).unwrap();
        let text = format!(
            "{finding}\n{{\"kind\":\"finding\",\"key\":7}}\n{{\"kind\":\nnonsense\n{{\"kind\":5}}\n\"text\"\n{finding}"
        );
        let (entries, exit, said, passed) = read_all(text.as_bytes());
        assert_eq!((entries, exit, passed.as_str()), (2, Exit::Incomplete, ""), "{said}");
        assert!(said.contains("notify: error: line 2: "), "{said}");
        assert!(said.contains("line 5: "), "{said}");
    }

    #[test]
    fn what_is_not_consumed_goes_through() {
        let scope = |status: &str| {
            let place = r#""account":"111122223333","region":"eu-west-1","type":"sqs""#;
            format!(r#"{{"kind":"scope",{place},"status":"{status}","future":[1.0]}}"#)
        };
        let finding = serde_json::to_string(&samples::finding("b", Severity::Low)).unwrap();
        let outcome = serde_json::to_string(&samples::outcome("b", OutcomeStatus::Applied)).unwrap();
        let through = [
            r#"{"kind":"alert","n":1.50e1,"sur":"\ud800"}"#,
            r#"{"kind":"weather","same":1,"same":2}"#,
            r#"{"kind":"unsettled"}"#,
            r#"{"kind":"resource"}"#,
            r#"{"kind":"token"}"#,
            r#"{"kind":"task"}"#,
            r#"{"kind":"delivery"}"#,
            r#"{"id":"i-1"}"#,
            &scope("ok"),
            &scope("failed"),
        ];
        let text = format!("{finding}\n{}\n{outcome}\n", through.join("\n"));
        let (entries, exit, said, passed) = read_all(text.as_bytes());
        assert_eq!((entries, exit), (3, Exit::Done), "{said}");
        assert_eq!(passed.lines().collect::<Vec<_>>(), through);
        // One that is not understood is named, and not lost for those who do understand it.
        let odd = scope("fine");
        let (_, exit, said, passed) = read_all(odd.as_bytes());
        assert_eq!((exit, passed), (Exit::Incomplete, format!("{odd}\n")));
        assert!(said.contains("error: line 1: unknown variant `fine`"), "{said}");
    }

    #[test]
    fn what_is_not_told_of_is_counted() {
        let text = r#"{"kind":"alert"}{"kind":"alert"}{"kind":"weather"}{"id":"i-1"}{"kind":"unsettled"}
            {"kind":"resource"}{"kind":"delivery"}{"kind":"task"}{"kind":"token"}
            {"kind":"scope","account":"111122223333","region":"eu-west-1","type":"sqs","status":"ok"}"#;
        let (entries, exit, said, _) = read_all(text.as_bytes());
        assert_eq!((entries, exit), (0, Exit::Done));
        assert_eq!(
            said,
            "notify: warning: 4 records that notify does not tell of: 2 `alert`, 1 `weather`, 1 without a kind\n"
        );
        let many: Vec<String> = (0..100).map(|index| format!("{{\"kind\":\"k{index}\"}}")).collect();
        assert!(read_all(many.concat().as_bytes()).2.contains("80 of other kinds"));
    }

    #[test]
    fn what_goes_through_is_out_before_more_is_awaited() {
        /// Hands out one record a time, and looks whether those before it are out.
        struct Slow(usize, Captured);
        impl Read for Slow {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                assert_eq!(self.1.text().lines().count(), self.0, "before the next one is read");
                if self.0 == 3 {
                    return Ok(0);
                }
                self.0 += 1;
                let text = b"{\"kind\":\"token\"}\n";
                buffer[..text.len()].copy_from_slice(text);
                Ok(text.len())
            }
        }
        let passed = Captured::default();
        let mut out = Out::new(Box::new(passed.clone()), false);
        let input = read(Slow(0, passed), &mut out, &Say::to("notify", Captured::default()));
        assert_eq!(input.exit, Exit::Done);
    }

    #[test]
    fn what_came_before_the_input_broke_off_is_told() {
        struct BreaksOff(bool);
        impl Read for BreaksOff {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                if std::mem::replace(&mut self.0, true) {
                    return Err(io::Error::other("the disk has gone"));
                }
                let text = format!("{}\n", serde_json::to_string(&samples::finding("b", Severity::Low)).unwrap());
                buffer[..text.len()].copy_from_slice(text.as_bytes());
                Ok(text.len())
            }
        }
        let (entries, exit, said, _) = read_all(BreaksOff(false));
        assert_eq!((entries, exit), (1, Exit::Incomplete));
        assert!(said.contains("the disk has gone"), "{said}");
    }
}
