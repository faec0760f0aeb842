//! What became of the messages: a `delivery` record for each, and at the end a sentence on stderr for each target that
//! was not reached.

use std::collections::BTreeMap;
use std::io;

use common::cli::{Say, printable};
use common::clock;
use common::exit::Exit;
use common::record::{Delivery, DeliveryKind, DeliveryStatus};
use serde::Serialize;
use serde_json::Value;

use crate::out::Out;
use crate::text::{plural, some};

/// How many keys a sentence on stderr names; the records have them all.
const KEYS: usize = 5;

/// The channel of what nobody hears of.
const NONE: &str = "none";

/// The delivery of records of which nothing says who is to hear, with their keys: a failed one, since a record that nobody
/// hears of is lost.
pub(crate) fn unheard(keys: Vec<String>) -> Delivery {
    let error = "no route matches, and neither notify.default nor a channel of [notify] or of the command line says who \
                 hears of the rest; default = [\"none\"] says that nobody does";
    Delivery {
        kind: DeliveryKind::Kind,
        channel: NONE.to_owned(),
        target: "nobody".to_owned(),
        name: None,
        status: DeliveryStatus::Failed,
        subject: plural(keys.len(), "record", "records"),
        keys,
        attempts: 0,
        message_id: None,
        error: Some(error.to_owned()),
        at: clock::now(),
    }
}

/// Writes what becomes of the messages.
pub(crate) struct Report<'a> {
    out: Out<'a>,
    say: &'a Say,
    /// How many messages there are to be, as far as it is known.
    planned: usize,
    written: usize,
    failures: BTreeMap<(String, String), Failures>,
}

impl std::fmt::Debug for Report<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Report")
            .field("written", &self.written)
            .field("planned", &self.planned)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Failures {
    messages: usize,
    keys: Vec<String>,
    error: Option<String>,
}

/// A delivery that was only planned, with what would be sent.
#[derive(Serialize)]
struct Planned<'a> {
    #[serde(flatten)]
    delivery: &'a Delivery,
    payload: &'a Value,
}

impl<'a> Report<'a> {
    /// A report of no message yet.
    pub(crate) fn new(out: Out<'a>, say: &'a Say) -> Self {
        Self { out, say, planned: 0, written: 0, failures: BTreeMap::new() }
    }

    /// There are so many messages more.
    pub(crate) fn expect(&mut self, messages: usize) {
        self.planned += messages;
    }

    /// stdout, for what is passed on.
    pub(crate) fn out(&mut self) -> &mut Out<'a> {
        &mut self.out
    }

    /// A message that would be sent.
    pub(crate) fn planned(&mut self, delivery: &Delivery, payload: &Value, readable: &str) {
        self.out.write(&Planned { delivery, payload }, || {
            let (channel, target) = whom(delivery);
            let text: Vec<String> = readable.trim_end().lines().map(|line| format!("  {}", printable(line))).collect();
            format!("--- {channel} {target}\n\n{}\n", text.join("\n"))
        });
    }

    /// What became of a message.
    pub(crate) fn done(&mut self, delivery: Delivery) {
        self.written += 1;
        self.say.progress(format!("{} of {}", self.written, self.planned));
        self.out.write(&delivery, || {
            let word = if delivery.status == DeliveryStatus::Delivered { "delivered" } else { "failed   " };
            let (channel, target) = whom(&delivery);
            let Delivery { subject, error, .. } = &delivery;
            let why = error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
            format!("{word} {channel} {target} {}{}", printable(subject), printable(&why))
        });
        // At once: when this run is ended from outside, what was sent stands in the output.
        self.out.flush();
        if delivery.status == DeliveryStatus::Failed {
            let failures = self.failures.entry(whom(&delivery)).or_default();
            failures.messages += 1;
            failures.keys.extend(delivery.keys);
            // The first says what happened; where time ran out, the others only say that it did.
            failures.error.get_or_insert(delivery.error.unwrap_or_default());
        }
    }

    /// Says what did not get through, and how the tool ends; and what went wrong with stdout. A reader that has gone
    /// takes nothing away from that: the messages are out.
    pub(crate) fn finish(self) -> (Exit, Option<io::Error>) {
        for ((channel, target), failures) in &self.failures {
            let Failures { messages, keys, error } = failures;
            let error = error.as_deref().unwrap_or_default();
            let named = some(keys.iter().map(String::as_str), KEYS);
            let (messages, records) =
                (plural(*messages, "message", "messages"), plural(keys.len(), "record", "records"));
            if channel == NONE {
                self.say.error(format!("{records} told to nobody: {error}: {named}"));
            } else {
                self.say.error(format!("{channel} ({target}) did not get {messages} on {records}: {error}: {named}"));
            }
        }
        let exit = if self.failures.is_empty() { Exit::Done } else { Exit::Incomplete };
        (exit, self.out.finish())
    }
}

/// The channel, and whom it reaches: by the name that people gave it, where they did.
fn whom(delivery: &Delivery) -> (String, String) {
    (delivery.channel.clone(), delivery.name.as_ref().unwrap_or(&delivery.target).clone())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use common::cli::Captured;

    fn delivery(status: &str, keys: usize) -> Delivery {
        let keys: Vec<String> = (0..keys).map(|index| format!("check:arn:{index}")).collect();
        serde_json::from_value(json!({
            "kind": "delivery", "channel": "slack", "target": "hooks.slack.com", "status": status, "subject": "1 high",
            "keys": keys, "attempts": 1, "error": "HTTP 404: no_service", "at": "2026-11-20T10:00:00Z"
        }))
        .unwrap()
    }

    #[test]
    fn what_did_not_get_through_is_said_with_counts_and_keys() {
        let (out, said) = (Captured::default(), Captured::default());
        let say = Say::to("notify", said.clone());
        let mut report = Report::new(Out::new(Box::new(out.clone()), false), &say);
        for (status, keys) in [("failed", 4), ("delivered", 1), ("failed", 1003)] {
            report.done(delivery(status, keys));
        }
        assert_eq!(out.text().lines().count(), 3);
        assert_eq!(report.finish().0, Exit::Incomplete);
        assert_eq!(
            said.text(),
            "notify: error: slack (hooks.slack.com) did not get 2 messages on 1,007 records: HTTP 404: no_service: \
             check:arn:0, check:arn:1, check:arn:2, check:arn:3, check:arn:0 and 1,002 more\n"
        );
    }

    #[test]
    fn a_plan_carries_what_would_be_sent() {
        let (out, terminal) = (Captured::default(), Captured::default());
        let say = Say::to("notify", Captured::default());
        let delivery = Delivery { error: None, ..delivery("planned", 1) };
        for (out, is_terminal) in [(&out, false), (&terminal, true)] {
            let mut report = Report::new(Out::new(Box::new(out.clone()), is_terminal), &say);
            report.planned(&delivery, &json!({"text": "1 high"}), "1 high\n\u{1b}[2J");
            assert_eq!(report.finish().0, Exit::Done);
        }
        let record: Value = serde_json::from_str(&out.text()).unwrap();
        assert_eq!(record["payload"]["text"], "1 high");
        assert_eq!(serde_json::from_value::<Delivery>(record).unwrap(), delivery);
        assert_eq!(terminal.text(), "--- slack hooks.slack.com\n\n  1 high\n  ?[2J\n\n");
    }
}
