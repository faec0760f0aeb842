//! What comes in: any stream of records.

use std::collections::BTreeMap;
use std::io::Read;

use common::cli::Say;
use common::exit::Exit;
use common::stream::{Broken, Item, ReadError, Reader};

use crate::group::Groups;
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

/// Reads all records. What is broken is named, and the rest goes on; when the input breaks off, what came until then is
/// told all the same.
pub(crate) fn read(input: impl Read, say: &Say) -> Input {
    let mut groups = Groups::default();
    let mut exit = Exit::Done;
    let mut passed_over = PassedOver::default();
    for item in Reader::new(input) {
        let taken = match item {
            Ok(item) => take(&item, &mut groups, &mut passed_over).map_err(ReadError::Broken),
            Err(error) => Err(error),
        };
        if let Err(error) = taken {
            say.error(error);
            exit = Exit::Incomplete;
        }
    }
    passed_over.say(say);
    Input { groups, exit }
}

fn take(item: &Item, groups: &mut Groups, passed_over: &mut PassedOver) -> Result<(), Broken> {
    match item.kind()?.as_deref() {
        Some("finding") => groups.finding(item.parse()?),
        Some("outcome") => groups.outcome(item.parse()?),
        Some("scope") => groups.scope(&item.parse()?),
        // What exists is no news, and who was told has been told.
        Some("resource" | "delivery") => {}
        other => passed_over.count(other),
    }
    Ok(())
}

/// Records that are nothing to tell, by kind: an `alert` that this version does not know must not vanish without a word.
#[derive(Debug, Default)]
struct PassedOver {
    kinds: BTreeMap<String, usize>,
    total: usize,
}

impl PassedOver {
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
        say.warn(format!("{records} passed over, which notify does not tell of: {}", counts.join(", ")));
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use common::record::Severity;
    use common::settings::Settings;

    use super::*;
    use crate::samples;
    use common::cli::Captured;

    fn read_all(input: impl Read) -> (usize, Exit, String) {
        let out = Captured::default();
        let input = read(input, &Say::to("notify", out.clone()));
        let groups = input.groups.finish(&Settings::default());
        (groups.iter().map(|group| group.entries.len()).sum(), input.exit, out.text())
    }

    #[test]
    fn what_is_broken_is_named_with_its_line_and_the_rest_goes_on() {
        let finding = serde_json::to_string(&samples::finding("b", Severity::Low)).unwrap();
        let text = format!(
            "{finding}\n{{\"kind\":\"finding\",\"key\":7}}\n{{\"kind\":\nnonsense\n{{\"kind\":5}}\n\"text\"\n{finding}"
        );
        let (entries, exit, said) = read_all(text.as_bytes());
        assert_eq!((entries, exit), (2, Exit::Incomplete), "{said}");
        assert!(said.contains("notify: error: line 2: "), "{said}");
        assert!(said.contains("line 5: "), "{said}");
    }

    #[test]
    fn what_is_not_told_of_is_counted() {
        let text = r#"{"kind":"alert"}{"kind":"alert"}{"kind":"task"}{"id":"i-1"}
            {"kind":"resource"}{"kind":"delivery"}
            {"kind":"scope","account":"111122223333","region":"eu-west-1","type":"sqs","status":"ok"}"#;
        let (entries, exit, said) = read_all(text.as_bytes());
        assert_eq!((entries, exit), (0, Exit::Done));
        assert_eq!(
            said,
            "notify: warning: 4 records passed over, which notify does not tell of: \
             2 `alert`, 1 `task`, 1 without a kind\n"
        );
        let many: Vec<String> = (0..100).map(|index| format!("{{\"kind\":\"k{index}\"}}")).collect();
        assert!(read_all(many.concat().as_bytes()).2.contains("80 of other kinds"));
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
        let (entries, exit, said) = read_all(BreaksOff(false));
        assert_eq!((entries, exit), (1, Exit::Incomplete));
        assert!(said.contains("the disk has gone"), "{said}");
    }
}
