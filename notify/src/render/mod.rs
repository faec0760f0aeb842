//! From a group to the texts of its messages, within the limits of whoever has to take them.

mod pack;
pub(crate) mod slack;
pub(crate) mod text;

use crate::entry::Entry;

pub(crate) use pack::{Part, Sink, pack};

/// The words under the last message of a group: how to undo, what was only counted, what did not fit.
pub(crate) fn footers(part: &Part<'_>) -> Vec<String> {
    let rest = (part.rest.records > 0).then(|| part.rest.to_string());
    let undo = part.entries.iter().any(|entry: &&Entry| entry.undo).then(|| UNDO.to_owned());
    [rest, part.also.clone(), undo].into_iter().flatten().collect()
}

/// How to put things back. The key is left for the reader to fill in: a key holds names that strangers chose, and what
/// stands ready to be pasted into a shell must not.
const UNDO: &str = "To put one thing back, with its key (from the outcomes or the delivery record) for KEY: \
    jq -c 'select(.key == \"KEY\" and .undo).undo' outcomes.ndjson | remediate --apply";
