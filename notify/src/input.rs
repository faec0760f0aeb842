//! What comes in: any stream of records, read on a thread of its own. What is told ends here (unless it is to be passed
//! on), the rest goes on to stdout.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::thread;

use common::cli::Say;
use common::exit::Exit;
use common::record::{Alert, Finding, Outcome, Scope};
use common::stream::{Broken, Item, ReadError, Reader};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::group::Groups;
use crate::memory::Looked;
use crate::out::Out;
use crate::text::{clean, grouped, plural};

/// The most characters of a kind's name.
const KIND: usize = 40;
/// How many kinds are counted by their names.
const KINDS: usize = 20;
/// How many records are handed over at once, where so many are there.
const BATCH: usize = 64;
/// How many such batches may wait: a reader that is faster than we are must not fill the memory.
const WAITING: usize = 64;

/// Records, and what is none.
pub(crate) type Batch = Vec<Result<Item, ReadError>>;

/// Reads on a thread of its own, which hands over what there is before it waits for more. It ends with the input, or with
/// the process: nothing can wake it when the run is to end first.
pub(crate) fn read(input: impl Read + Send + 'static) -> io::Result<Receiver<Batch>> {
    let (sender, receiver) = channel(WAITING);
    thread::Builder::new().name("input".to_owned()).spawn(move || hand_over(Reader::new(input), &sender))?;
    Ok(receiver)
}

fn hand_over(mut reader: Reader<impl Read>, to: &Sender<Batch>) {
    let mut batch = Batch::new();
    loop {
        if (!reader.ready() && !batch.is_empty()) || batch.len() >= BATCH {
            // Whoever listens has gone only if the run has ended.
            if to.blocking_send(std::mem::take(&mut batch)).is_err() {
                return;
            }
        }
        match reader.next() {
            Some(item) => batch.push(item),
            None => break,
        }
    }
    let _ = to.blocking_send(batch);
}

/// What was read, and is to be told together.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// What is to be told.
    pub(crate) groups: Groups,
    /// What was looked at, for what is no longer so.
    pub(crate) looked: Looked,
}

/// Takes records in. What is broken is named, and the rest goes on; when the input breaks off, what came until then is
/// told all the same.
#[derive(Debug)]
pub(crate) struct Intake {
    /// Whether what is consumed goes on as well.
    tee: bool,
    collected: Option<Collected>,
    untold: Untold,
    /// Whether all of it was understood.
    exit: Exit,
}

impl Intake {
    /// With `tee` everything is passed on.
    pub(crate) fn new(tee: bool) -> Self {
        Self { tee, collected: None, untold: Untold::default(), exit: Exit::Done }
    }

    /// Takes a record in, and passes on what is not consumed. The answer is an alert, which does not wait.
    pub(crate) fn take(&mut self, item: Result<Item, ReadError>, out: &mut Out<'_>, say: &Say) -> Option<Box<Alert>> {
        match item.and_then(|item| self.record(&item, out).map_err(ReadError::Broken)) {
            Ok(alert) => alert,
            Err(error) => {
                say.error(error);
                self.exit = Exit::Incomplete;
                self.collected().looked.lost();
                None
            }
        }
    }

    fn record(&mut self, item: &Item, out: &mut Out<'_>) -> Result<Option<Box<Alert>>, Broken> {
        let kind = item.kind();
        let told = |kind: &Option<Cow<'_, str>>| matches!(kind.as_deref(), Some("finding" | "outcome" | "alert"));
        if self.tee || kind.as_ref().is_ok_and(|kind| !told(kind)) {
            // First of all: whom a record that is not understood here is for may understand it.
            out.pass_on(item);
        }
        match kind?.as_deref() {
            Some("finding") => {
                let finding: Finding = item.parse()?;
                let collected = self.collected();
                collected.looked.finding(&finding);
                collected.groups.finding(finding);
            }
            Some("outcome") => {
                let outcome: Outcome = item.parse()?;
                let collected = self.collected();
                collected.looked.outcome(&outcome);
                collected.groups.outcome(outcome);
            }
            Some("scope") => {
                let scope: Scope = item.parse()?;
                let collected = self.collected();
                collected.looked.scope(&scope);
                collected.groups.scope(&scope);
            }
            Some("alert") => match item.parse() {
                Ok(alert) => return Ok(Some(alert)),
                Err(broken) => {
                    // Nobody hears of it here: somebody further on may.
                    if !self.tee {
                        out.pass_on(item);
                    }
                    return Err(broken);
                }
            },
            Some("unsettled") => match item.parse() {
                Ok(unsettled) => self.collected().looked.unsettled(&unsettled),
                Err(_) => self.collected().looked.lost(),
            },
            // What exists or is to be done is no news, nor is what is not done yet; and who was told has been told.
            Some("resource" | "token" | "task" | "delivery") => {}
            other => self.untold.count(other),
        }
        Ok(None)
    }

    fn collected(&mut self) -> &mut Collected {
        self.collected.get_or_insert_default()
    }

    /// Whether there is anything to tell.
    pub(crate) const fn is_empty(&self) -> bool {
        self.collected.is_none()
    }

    /// What there is to tell since this was last asked.
    pub(crate) fn collect(&mut self) -> Option<Collected> {
        self.collected.take()
    }

    /// Says of how many records nobody hears; the answer is whether all of the input was understood.
    pub(crate) fn finish(self, say: &Say) -> Exit {
        self.untold.say(say);
        self.exit
    }
}

/// Records of which nobody hears, by kind: what this version does not know must not go by without a
/// word.
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
    use std::io::Cursor;

    use common::record::{OutcomeStatus, Severity};

    use super::*;
    use crate::samples;
    use common::cli::Captured;

    /// How many entries there are to tell, what was said, and what was passed on.
    fn read_all(input: impl Read + Send + 'static) -> (usize, Exit, String, String) {
        let (said, passed) = (Captured::default(), Captured::default());
        let say = Say::to("notify", said.clone());
        let mut out = Out::new(Box::new(passed.clone()), false);
        let mut intake = Intake::new(false);
        let mut batches = read(input).unwrap();
        let mut alerts = 0;
        while let Some(batch) = batches.blocking_recv() {
            alerts += batch.into_iter().filter_map(|item| intake.take(item, &mut out, &say)).count();
        }
        assert!(out.finish().is_none());
        let entries = intake.collect().map(|collected| collected.groups.finish().entries.len());
        assert!(intake.is_empty());
        (entries.unwrap_or_default() + alerts, intake.finish(&say), said.text(), passed.text())
    }

    fn read_text(text: &str) -> (usize, Exit, String, String) {
        read_all(Cursor::new(text.to_owned()))
    }

    #[test]
    fn what_is_broken_is_named_with_its_line_and_the_rest_goes_on() {
        let finding = serde_json::to_string(&samples::finding("b", Severity::Low)).unwrap();
        let text = format!(
            "{finding}\n{{\"kind\":\"finding\",\"key\":7}}\n{{\"kind\":\nnonsense\n{{\"kind\":5}}\n\"text\"\n{finding}"
        );
        let (entries, exit, said, passed) = read_text(&text);
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
            r#"{"kind":"forecast","n":1.50e1,"sur":"\ud800"}"#,
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
        let (entries, exit, said, passed) = read_text(&text);
        assert_eq!((entries, exit), (3, Exit::Done), "{said}");
        assert_eq!(passed.lines().collect::<Vec<_>>(), through);
        // One that is not understood is named, and not lost for those who do understand it.
        for (odd, why) in
            [(scope("fine"), "unknown variant `fine`"), (r#"{"kind":"alert","key":"i/1"}"#.to_owned(), "missing field")]
        {
            let (_, exit, said, passed) = read_text(&odd);
            assert_eq!((exit, passed), (Exit::Incomplete, format!("{odd}\n")));
            assert!(said.contains(&format!("error: line 1: {why}")), "{said}");
        }
    }

    #[test]
    fn what_is_not_told_of_is_counted() {
        let text = r#"{"kind":"forecast"}{"kind":"forecast"}{"kind":"weather"}{"id":"i-1"}{"kind":"unsettled"}
            {"kind":"resource"}{"kind":"delivery"}{"kind":"task"}{"kind":"token"}
            {"kind":"scope","account":"111122223333","region":"eu-west-1","type":"sqs","status":"ok"}"#;
        let (entries, exit, said, _) = read_text(text);
        assert_eq!((entries, exit), (0, Exit::Done));
        assert_eq!(
            said,
            "notify: warning: 4 records that notify does not tell of: 2 `forecast`, 1 `weather`, 1 without a kind\n"
        );
        let many: Vec<String> = (0..100).map(|index| format!("{{\"kind\":\"k{index}\"}}")).collect();
        assert!(read_text(&many.concat()).2.contains("80 of other kinds"));
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
